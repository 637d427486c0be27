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
The points become one `log_batch` behind the loop, or in its place where it does nothing else. All of them get the time
at which the loop starts, unless they bring one of their own.

Safe where no two points can have one key and step (the step counts with `enumerate` or `range`, other loops make the
key another), where the turns only compute, print and log, and where no error is caught around the loop. For
`mlflow.log_metric` and `mlflow.log_metrics`, the run must be sure to be open and cannot hold a model yet: it is new,
and between its start and the loop nothing is called that could log one. For these calls copy points to a model that was
logged in the run at the same step, and `log_batch` does not. Otherwise unsafe. In a function that does not open the run
itself, the fix expects that one is open, where `mlflow.log_metric` would open one.

Not offered where a helper of the project writes, where points have no step, where no run is sure to be open outside of
functions, where a point is logged only while a run is open, where one failed point is caught, or where a comment would
be lost. MLflow sends more than 1,000 points in
several requests by itself.

## Options
`tracking-backend`: with `azureml`, the message names how many points a request takes there.

## References
- MLflow: `mlflow/tracking/client.py` (`log_batch`), `mlflow/entities/metric.py`
- MLflow: `mlflow/utils/validation.py` (`MAX_METRICS_PER_BATCH`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.facts.api import CALLS, Kind
from mlflow_lint.facts.backends import Limited
from mlflow_lint.findings import Applicability, Finding, Severity
from mlflow_lint.fixes.points import batched
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
        fix = batched(replay, context.lifecycle)
        yield rule.finding(context, replay.site.call, replay.site.statement, message, severity, replay.chain, fix)


EXAMPLES = (
    Example(
        "a finished list",
        """\
import mlflow

with mlflow.start_run() as run:
    for epoch, loss in enumerate(losses):
        mlflow.log_metric("loss", loss, step=epoch)  # MLF207
""",
        """\
import time

import mlflow
from mlflow.entities import Metric

with mlflow.start_run() as run:
    now = int(time.time() * 1000)
    mlflow.MlflowClient().log_batch(
        run.info.run_id,
        metrics=[Metric("loss", loss, now, epoch) for epoch, loss in enumerate(losses)],
    )
""",
        Applicability.SAFE,
        setup="""\
losses = [0.9, 0.5, 0.4]
""",
    ),
    Example(
        "a history by index, several keys each turn",
        """\
import mlflow

with mlflow.start_run():
    history = model.fit(x, y, epochs=n_epochs)
    for epoch in range(n_epochs):
        mlflow.log_metric("loss", history.history["loss"][epoch], step=epoch)  # MLF207
        mlflow.log_metric("val_loss", history.history["val_loss"][epoch], step=epoch)
""",
        """\
import time

import mlflow
from mlflow.entities import Metric

with mlflow.start_run():
    history = model.fit(x, y, epochs=n_epochs)
    now = int(time.time() * 1000)
    points = []
    for epoch in range(n_epochs):
        points.append(Metric("loss", history.history["loss"][epoch], now, epoch))
        points.append(
            Metric("val_loss", history.history["val_loss"][epoch], now, epoch)
        )
    mlflow.MlflowClient().log_batch(mlflow.active_run().info.run_id, metrics=points)
""",
        Applicability.UNSAFE,
        setup="""\
n_epochs = 3
x = y = None

class Model:
    history = {"loss": [0.9, 0.5, 0.4], "val_loss": [1.0, 0.7, 0.6]}

    def fit(self, x, y, epochs):
        return self

model = Model()
""",
    ),
    Example(
        "rows that hold their own step",
        """\
import mlflow

with mlflow.start_run():
    for row in rows:
        step = row["step"]
        mlflow.log_metrics({"loss": row["loss"]}, step=step)  # MLF207
""",
        """\
import time

import mlflow
from mlflow.entities import Metric

with mlflow.start_run():
    now = int(time.time() * 1000)
    points = []
    for row in rows:
        step = row["step"]
        points.append(Metric("loss", row["loss"], now, step))
    mlflow.MlflowClient().log_batch(mlflow.active_run().info.run_id, metrics=points)
""",
        Applicability.UNSAFE,
        setup="""\
rows = [{"step": 0, "loss": 0.9}, {"step": 5, "loss": 0.5}]
""",
    ),
    Example(
        "every series of a history",
        """\
import mlflow

with mlflow.start_run() as run:
    for name, values in history.items():
        # every curve
        for step, value in enumerate(values):
            mlflow.log_metric(f"train_{name}", value, step=step)  # MLF207
    for step in range(len(history["loss"])):
        print(step)
        for name in ("loss", "accuracy"):
            mlflow.log_metric(name, history[name][step], step=step + 1)  # MLF207
""",
        """\
import time

import mlflow
from mlflow.entities import Metric

with mlflow.start_run() as run:
    # every curve
    now = int(time.time() * 1000)
    mlflow.MlflowClient().log_batch(
        run.info.run_id,
        metrics=[
            Metric(f"train_{name}", value, now, step)
            for name, values in history.items()
            for step, value in enumerate(values)
        ],
    )
    now = int(time.time() * 1000)
    points = []
    for step in range(len(history["loss"])):
        print(step)
        for name in ("loss", "accuracy"):
            points.append(Metric(name, history[name][step], now, step + 1))
    mlflow.MlflowClient().log_batch(run.info.run_id, metrics=points)
""",
        Applicability.SAFE,
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
with mlflow.start_run() as run:
    for _, row in results.iterrows():
        if pd.notna(row["loss"]):
            mlflow.log_metrics({"loss": row["loss"], "lr": row["lr"]}, step=int(row["epoch"]))  # MLF207
""",
        """\
import time

import mlflow
import pandas as pd
from mlflow.entities import Metric

results = pd.read_csv("training.csv")
with mlflow.start_run() as run:
    now = int(time.time() * 1000)
    points = []
    for _, row in results.iterrows():
        if pd.notna(row["loss"]):
            points += [
                Metric("loss", row["loss"], now, int(row["epoch"])),
                Metric("lr", row["lr"], now, int(row["epoch"])),
            ]
    mlflow.MlflowClient().log_batch(run.info.run_id, metrics=points)
""",
        Applicability.UNSAFE,
        setup="""\
from pathlib import Path

Path("training.csv").write_text("epoch,loss,lr\\n0,0.9,0.1\\n1,,0.1\\n2,0.4,0.01\\n")
""",
    ),
    Example(
        "in a function, for a run that its caller opens",
        """\
import mlflow


def report(rows):
    for step, row in enumerate(rows):
        mlflow.log_metrics(row, step=step)  # MLF207
    for step in range(100):
        mlflow.log_metric("speed", 1.0 / (step + 1), step=step)  # MLF207


with mlflow.start_run():
    report([{"x": 1.0, "y": 2.0}, {"x": 1.5}])
""",
        """\
import time

import mlflow
from mlflow.entities import Metric


def report(rows):
    now = int(time.time() * 1000)
    mlflow.MlflowClient().log_batch(
        mlflow.active_run().info.run_id,
        metrics=[
            Metric(key, value, now, step)
            for step, row in enumerate(rows)
            for key, value in row.items()
        ],
    )
    now = int(time.time() * 1000)
    mlflow.MlflowClient().log_batch(
        mlflow.active_run().info.run_id,
        metrics=[Metric("speed", 1.0 / (step + 1), now, step) for step in range(100)],
    )


with mlflow.start_run():
    report([{"x": 1.0, "y": 2.0}, {"x": 1.5}])
""",
        Applicability.UNSAFE,
        setup="""\
seed = 1
""",
    ),
    Example(
        "through a helper",
        """\
import mlflow


def report(name, value, step):
    print(f"{step}: {name} is {value}")
    mlflow.log_metric(name, value, step=step)


def replay(evals_result):
    for step, value in enumerate(evals_result["validation"]["rmse"]):
        report("rmse", value, step)  # MLF207
""",
    ),
    Example(
        "by a client, and copied from another run",
        """\
import mlflow

client = mlflow.MlflowClient()
run_id = client.create_run("0").info.run_id
for epoch, loss in enumerate(losses, 1):
    if loss < 0.8:
        client.log_metric(run_id, "loss", loss, step=epoch)  # MLF207
copy = client.create_run("0").info.run_id
for point in client.get_metric_history(run_id, "loss"):
    client.log_metric(copy, point.key, point.value, point.timestamp, point.step)  # MLF207
""",
        """\
import time

import mlflow
from mlflow.entities import Metric

client = mlflow.MlflowClient()
run_id = client.create_run("0").info.run_id
now = int(time.time() * 1000)
client.log_batch(
    run_id,
    metrics=[
        Metric("loss", loss, now, epoch)
        for epoch, loss in enumerate(losses, 1)
        if loss < 0.8
    ],
)
copy = client.create_run("0").info.run_id
client.log_batch(
    copy,
    metrics=[
        Metric(point.key, point.value, point.timestamp, point.step)
        for point in client.get_metric_history(run_id, "loss")
    ],
)
""",
        Applicability.SAFE,
        setup="""\
losses = [0.9, 0.5, 0.4]
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
    fixes=frozenset({Applicability.SAFE, Applicability.UNSAFE}),
    about=frozenset({Kind.METRIC, Kind.BATCH}),
)
