"""
## What it does
Finds `log_table` on one file name in a loop or hook of one run, unthrottled, also in a function that the loop calls.

A table of its own for each turn, and a run of its own for each turn, are not found.

## Why it costs
`log_table` appends by doing all of it again: it lists the run's artifacts, fetches the table, reads it, adds the rows,
uploads the whole and sets a tag. That is about 9 requests and 29 SQL statements for each call, and a file that grows:
1,000 calls move about 500 times the final table, both ways.

## Fix safety
No fix is offered: collect the rows in a list or dict, and log the table after the loop.

## Options
None.

## References
- MLflow: `mlflow/tracking/client.py` (`MlflowClient.log_table`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.artifacts.tables import repeated_tables
from mlflow_lint.analysis.context import Context
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Tables that a loop appends to."""
    for write in repeated_tables(context.effects, context.bodies):
        label = write.api.label
        called = label if write.through is None else f"{write.through} calls {label}, which"
        message = (
            f"{called} appends to the table {write.file} each turn ({write.repetition.where}): each call fetches all "
            f"rows so far and uploads them again, about {write.api.cost}; collect the rows, and log the table once"
        )
        yield rule.finding(context, write.site.call, write.site.statement, message, Severity.WARNING, write.chain)


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
)
