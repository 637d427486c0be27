"""
## What it does
Finds loops and comprehensions that log metrics point after point from data that is complete before the loop starts: a
history, a list, the rows of a frame, a computed range. Nothing in a turn trains, fetches or waits, so all points could
go in one `MlflowClient().log_batch`.

## Why it costs
Each point is a request of its own with 5 or 6 SQL statements and a commit. A history of 1,000 points is 1,000 requests
and 5,000 statements by `log_metric`; one `log_batch` with the same 1,000 points is 1 request and 6 statements.

    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    points = [Metric("loss", float(value), now, step) for step, value in enumerate(losses)]
    client.log_batch(run_id, metrics=points)

More than 1,000 points at once are split into as many requests as it takes.

## Fix safety
No fix is offered here: write one `Metric` a point, as above. Unlike `mlflow.log_metric`, `log_batch` does not copy the
points to a model that was logged in the run at the same step.

## Options
`tracking-backend`: with `azureml`, the message names how many points a request takes there.

## References
- MLflow: `mlflow/tracking/client.py` (`log_batch`), `mlflow/entities/metric.py`
- MLflow: `mlflow/utils/validation.py` (`MAX_METRICS_PER_BATCH`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.facts.api import CALLS
from mlflow_lint.facts.backends import Limited
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule

_BATCH = CALLS[(True, "log_batch")]


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Loops that log finished data, one request a point: the first call of each nest."""
    seen: set[int] = set()
    for replay in context.replays:
        if replay.nest in seen:
            continue
        seen.add(replay.nest)
        called = replay.api.label
        if replay.through is not None:
            called = f"{replay.chain[1].text} reaches {called} ({replay.through.place}) and"
        message = (
            f"{called} runs once per point of finished data ({replay.where}): {replay.api.cost} each; one "
            f"MlflowClient().log_batch sends 1,000 points in 1 request and {_BATCH.statements} SQL statements"
            f"{context.limit(Limited.BATCH_POINTS)}"
        )
        severity = Severity.INFO if replay.is_small else Severity.WARNING
        yield rule.finding(context, replay.site.call, replay.site.statement, message, severity, replay.chain)


EXAMPLES = (
    Example(
        "a finished list",
        """\
import mlflow

for epoch, loss in enumerate(losses):
    mlflow.log_metric("loss", loss, step=epoch)  # MLF207
""",
        setup="""\
losses = [0.9, 0.5, 0.4]
""",
    ),
    Example(
        "a history by index, several keys each turn",
        """\
import mlflow

history = model.fit(x, y, epochs=n_epochs)
for epoch in range(n_epochs):
    mlflow.log_metric("loss", history.history["loss"][epoch], step=epoch)  # MLF207
    mlflow.log_metric("val_loss", history.history["val_loss"][epoch], step=epoch)
""",
    ),
    Example(
        "every series of a history",
        """\
import mlflow

for name, values in history.items():
    for step, value in enumerate(values):
        mlflow.log_metric(f"train_{name}", value, step=step)  # MLF207
for step in range(len(history["loss"])):
    for name in history:
        mlflow.log_metric(name, history[name][step], step=step)  # MLF207
""",
        setup="""\
history = {"loss": [0.9, 0.5], "accuracy": [0.1, 0.2]}
""",
    ),
    Example(
        "rows of a frame",
        """\
import mlflow
import pandas as pd

results = pd.read_csv("training.csv")
for _, row in results.iterrows():
    if pd.notna(row["loss"]):
        mlflow.log_metrics({"loss": row["loss"], "lr": row["lr"]}, step=int(row["epoch"]))  # MLF207
""",
    ),
    Example(
        "points computed from a range",
        """\
import mlflow

for step in range(100):
    mlflow.log_metric("loss", 1.0 / (step + 1), step=step)  # MLF207
    mlflow.log_metric("accuracy", step * 0.01, step=step)
""",
    ),
    Example(
        "through a helper, and copied from another run",
        """\
import mlflow
from mlflow import MlflowClient


def report(name, value, step):
    print(f"{step}: {name} is {value}")
    mlflow.log_metric(name, value, step=step)


def replay(evals_result, old_run, new_run):
    for step, value in enumerate(evals_result["validation"]["rmse"]):
        report("rmse", value, step)  # MLF207
    client = MlflowClient()
    for point in client.get_metric_history(old_run, "rmse"):
        client.log_metric(new_run, point.key, point.value, point.timestamp, point.step)  # MLF207
""",
    ),
    Example(
        "each turn trains, evaluates or waits",
        """\
import time

import mlflow

for epoch in range(n_epochs):
    train_one_epoch(model)
    mlflow.log_metric("lr", schedule[epoch], step=epoch)
for epoch in range(n_epochs):
    loss = evaluate(model, folds[epoch])
    mlflow.log_metric("loss", loss, step=epoch)
for step, value in enumerate(values):
    mlflow.log_metric("demo", value, step=step)
    time.sleep(1)
""",
    ),
    Example(
        "items that come while the loop runs",
        """\
import mlflow


def losses_of(model):
    while not model.done:
        yield model.fit_more()


for step, loss in enumerate(losses_of(model)):
    mlflow.log_metric("loss", loss, step=step)
for epoch, result in enumerate(trainer):
    mlflow.log_metrics(result, step=epoch)
for line in process.stdout:
    mlflow.log_metric("loss", float(line))
""",
    ),
    Example(
        "keys of one result, another run each turn, a fallback, only some turns",
        """\
import mlflow
from mlflow import MlflowClient

client = MlflowClient()
for name, value in metrics.items():
    mlflow.log_metric(name, value)
for run in runs:
    client.log_metric(run.info.run_id, "score", scores[run.info.run_id])
for seed, score in enumerate(scores_by_seed):
    with mlflow.start_run():
        mlflow.log_metric("score", score)
try:
    client.log_batch(run_id, metrics=points)
except Exception:
    for point in points:
        client.log_metric(run_id, point.key, point.value, step=point.step)
for step, value in enumerate(values):
    if step == len(values) - 1:
        mlflow.log_metric("last", value, step=step)
""",
    ),
)

RULE = Rule(
    "MLF207",
    "metric-history-replay",
    "finished data is logged point after point",
    check,
    EXAMPLES,
    __doc__ or "",
)
