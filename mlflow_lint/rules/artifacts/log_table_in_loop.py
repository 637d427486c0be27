"""
## What it does
Finds `log_table` on one file name in a loop or hook of one run, unthrottled, also in a function that the loop calls.

A table of its own for each turn, and a run of its own for each turn, are not found.

## Why it costs
`log_table` appends by doing all of it again: it lists the run's artifacts, fetches the table, reads it, adds the rows,
uploads the whole and sets a tag. That is about 9 requests and 29 SQL statements for each call, and a file that grows:
1,000 calls move about 500 times the final table, both ways.

## Fix safety
Unsafe, because rows that are uploaded before a crash are lost with it, and because objects in the rows that change
later are logged as they are in the end. The data goes to a list, and one `log_table` after the loop sends all of it. A
fix is offered only if the data is written out as a dict of lists or made by `pandas.DataFrame` in the turn, and not for
a hook, in a function or generator that the loop can leave, or where errors are caught and the loop goes on.

When MLflow 3.17 appends, it reads the earlier rows again and takes a text such as `"02108"` for the number 2108; logged
once, such texts stay texts.

## Options
None.

## References
- MLflow: `mlflow/tracking/client.py` (`MlflowClient.log_table`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.artifacts.tables import repeated_tables
from mlflow_lint.analysis.context import Context
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.traverse import shown
from mlflow_lint.findings import Applicability, Finding, Severity
from mlflow_lint.fixes.gather import gather
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Tables that a loop appends to."""
    for upload in repeated_tables(context.effects, context.touching_bodies):
        message = (
            f"{upload.called} appends to the table {shown(upload.target.name)} each turn ({upload.repetition.where}): "
            f"each call fetches all rows so far and uploads them again, about {upload.target.api.cost}; collect the "
            "rows, and log the table once"
        )
        call, statement, fix = upload.site.call, upload.site.statement, gather(upload, context.effects)
        yield rule.finding(context, call, statement, message, Severity.WARNING, upload.chain, fix)


EXAMPLES = (
    Example(
        "a row for each question",
        """\
import mlflow

with mlflow.start_run():
    for question in questions:
        answer = ask(question)
        mlflow.log_table({"question": [question], "answer": [answer]}, "answers.json")  # MLF303
""",
        setup="""\
questions = ["why", "how", "when"]

def ask(question):
    return f"{question} not"
""",
        fixed="""\
import mlflow

with mlflow.start_run():
    rows = []
    for question in questions:
        answer = ask(question)
        rows.append({"question": [question], "answer": [answer]})
    if rows:
        mlflow.log_table({key: [value for row in rows for value in row[key]] for key in rows[0]}, "answers.json")
""",
        applicability=Applicability.UNSAFE,
    ),
    Example(
        "a frame for each epoch and fold",
        """\
import mlflow
import pandas as pd

for epoch in range(2):
    for fold in folds:
        if fold == "skipped":
            continue
        # what it got wrong
        frame = pd.DataFrame({"fold": [fold] * 2, "error": [0.5**epoch, 0.25]})
        mlflow.log_table(  # MLF303
            data=frame,
            artifact_file="errors.json",  # one for all
        )
    print(epoch)
""",
        setup='folds = ["a", "skipped", "b"]\n',
        fixed="""\
import mlflow
import pandas as pd

frames = []
for epoch in range(2):
    for fold in folds:
        if fold == "skipped":
            continue
        # what it got wrong
        frame = pd.DataFrame({"fold": [fold] * 2, "error": [0.5**epoch, 0.25]})
        frames.append(frame)
    print(epoch)
if frames:
    mlflow.log_table(
        data=pd.concat(frames, ignore_index=True),
        artifact_file="errors.json",  # one for all
    )
""",
        applicability=Applicability.UNSAFE,
    ),
    Example(
        "predictions of each epoch",
        """\
import mlflow

for epoch in range(10):
    rows = evaluate(model, epoch)
    mlflow.log_table(data=rows, artifact_file="predictions.json")  # MLF303
""",
    ),
    Example(
        "a helper that appends to one file",
        """\
import mlflow


def record(prompt, output):
    mlflow.log_table({"prompt": [prompt], "output": [output]}, artifact_file="outputs.json")


for prompt in prompts:
    record(prompt, generate(prompt))  # MLF303
""",
    ),
    Example(
        "collected, and logged once",
        """\
import mlflow

rows = {"question": [], "answer": []}
for question in questions:
    rows["question"].append(question)
    rows["answer"].append(ask(question))
mlflow.log_table(rows, "answers.json")
""",
    ),
    Example(
        "a table of its own",
        """\
import mlflow

for name, frame in frames.items():
    mlflow.log_table(frame, f"{name}.json")
for epoch in range(10):
    path = f"predictions/{epoch}.json"
    mlflow.log_table(evaluate(model), path)


def save(frame, path):
    mlflow.log_table(frame, path)


for name, frame in frames.items():
    save(frame, f"{name}.json")
""",
    ),
    Example(
        "a run of its own, and the last turn only",
        """\
import mlflow

for season in seasons:
    with mlflow.start_run(run_name=season):
        mlflow.log_table(evaluate(season), "bets.json")
for epoch in range(10):
    train(model)
    if epoch == 9:
        mlflow.log_table(evaluate(model), "predictions.json")
""",
    ),
)

RULE = Rule(
    "MLF303",
    "log-table-in-loop",
    "a table is fetched and uploaded whole for each row that is added",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.UNSAFE}),
    about=frozenset({Kind.ARTIFACT}),
)
