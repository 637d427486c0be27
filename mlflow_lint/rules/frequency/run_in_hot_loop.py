"""
## What it does
Finds `start_run` that opens a run once per batch, sample or step, that goes back to a run (`run_id=`) once per step or
epoch, or that does so in a helper which is called for each write.

A run per trial, fold, model, episode or file is what runs are for.

## Why it costs
Opening and closing a run is 3 requests and 17 SQL statements; going back to one by its id is 5 requests and 31
statements, since MLflow reads the run and sets its status both times. A helper that goes back to the run for each
metric turns 1 request into 6.

## Fix safety
No fix is offered here: open the run once, around the loop, or write to it by its id with `MlflowClient`, which opens
nothing.

## Options
None.

## References
- MLflow: `mlflow/tracking/fluent.py` (`start_run`, `ActiveRun`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.frequency.openings import cost_of_opening, openings
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Runs that are opened too often."""
    for opening in openings(context.effects, context.touching_bodies):
        does = "goes back to a run" if opening.reopens else "opens a run"
        advice = (
            "open it once, or write to it with MlflowClient, which takes the run's id"
            if opening.reopens
            else "open one run around the loop, and write its steps with step="
        )
        message = (
            f"{opening.label} {does} {opening.unit} ({opening.where}): {cost_of_opening(opening.reopens)} each time; "
            f"{advice}"
        )
        yield rule.finding(context, opening.site.call, opening.site.statement, message, Severity.WARNING, opening.chain)


EXAMPLES = (
    Example(
        "a run for every batch",
        """\
import mlflow

for batch in train_loader:
    with mlflow.start_run():  # MLF108
        mlflow.log_metric("loss", train_step(batch))
for batch in test_loader:
    mlflow.start_run()  # MLF108
    mlflow.log_metric("loss", test_step(batch))
    mlflow.end_run()
""",
    ),
    Example(
        "back to the run in every epoch, and in a step hook",
        """\
import lightning.pytorch as pl
import mlflow

for epoch in range(num_epochs):
    loss = train_one_epoch(model)
    with mlflow.start_run(run_id=run_id):  # MLF108
        mlflow.log_metric("loss", loss, step=epoch)


class Model(pl.LightningModule):
    def training_step(self, batch, batch_idx):
        loss = self(batch)
        with mlflow.start_run(run_id=self.run_id):  # MLF108
            mlflow.log_metric("loss", loss.item())
        return loss
""",
    ),
    Example(
        "a helper that goes back to the run for each write",
        """\
import mlflow


class Tracker:
    def log_metric(self, key, value, step):
        with mlflow.start_run(run_id=self.run_id, nested=True):  # MLF108
            mlflow.log_metric(key, value, step=step)

    def within(self, function):
        with mlflow.start_run(run_id=self.run_id):  # MLF108
            function()

    def log_tag(self, key, value):
        self.within(lambda: mlflow.set_tag(key, value))
""",
    ),
    Example(
        "a run for each trial, fold, model and file",
        """\
import mlflow

for seed in range(10):
    with mlflow.start_run(run_name=f"seed-{seed}"):
        train(seed)
for fold, (train_index, test_index) in enumerate(folds.split(X)):
    mlflow.start_run(nested=True)
    fit(X[train_index])
    mlflow.end_run()
for name, model in models.items():
    with mlflow.start_run(run_name=name):
        model.fit(X, y)
for path in folder.glob("*.csv"):
    with mlflow.start_run():
        mlflow.log_artifact(path)
""",
    ),
    Example(
        "back to a run once, and to another one each time",
        """\
import mlflow


def evaluate(run_id, model):
    with mlflow.start_run(run_id=run_id):
        scores = model.evaluate()
        mlflow.log_metrics(scores)
        mlflow.log_artifact("report.html")


def test(run_id, model, x, y):
    with mlflow.start_run(run_id=run_id):
        mlflow.log_metric("accuracy", model.score(x, y))


def finish(run_id, with_model):
    with mlflow.start_run(run_id=run_id):
        with_model()


for run in finished:
    with mlflow.start_run(run_id=run.info.run_id):
        mlflow.log_metric("score", scores[run.info.run_id])
""",
    ),
    Example(
        "a run around the loop, and one that is opened at times",
        """\
import mlflow

with mlflow.start_run():
    for step, batch in enumerate(train_loader):
        loss = train_step(batch)
        if step % 1000 == 0:
            with mlflow.start_run(nested=True):
                mlflow.log_metrics(evaluate(model))
""",
    ),
)

RULE = Rule(
    "MLF108",
    "run-in-hot-loop",
    "a run is opened once per step, or anew for each write",
    check,
    EXAMPLES,
    __doc__ or "",
    about=frozenset({Kind.RUN}),
)
