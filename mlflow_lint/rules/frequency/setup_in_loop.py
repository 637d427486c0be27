"""
## What it does
Finds `set_experiment`, `create_experiment`, `get_experiment_by_name`, `set_tracking_uri` and `autolog` of any flavor
that run once per step or per epoch, in a loop or a framework's hook, with arguments that do not change.

Making an `MlflowClient()` sends nothing and is not found.

## Why it costs
`set_experiment` and `get_experiment_by_name` are 1 request and 2 SQL statements each time; `create_experiment` with
the same name raises from the second time on. `set_tracking_uri` and `autolog` send nothing, but `autolog` patches the
libraries again, which took 0.2 to 0.4 seconds each time it was measured.

## Fix safety
No fix is offered here: write the call before the loop.

## Options
None.

## References
- MLflow: `mlflow/tracking/fluent.py` (`set_experiment`, `autolog`), `mlflow/tracking/_tracking_service/utils.py`
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.frequency.setups import repeated_setups
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Set-up that a loop or hook repeats."""
    for setup in repeated_setups(context.effects, context.touching_bodies):
        called = setup.api.label
        if setup.through is not None:
            called = f"{setup.chain[1].text} reaches {called} ({setup.through.place}) and"
        message = (
            f"{called} runs {setup.unit} ({setup.where}) with arguments that do not change: {setup.api.cost} each "
            "for nothing new; call it once, before the loop"
        )
        severity = Severity.WARNING if setup.api.requests else Severity.INFO
        yield rule.finding(context, setup.site.call, setup.site.statement, message, severity, setup.chain)


EXAMPLES = (
    Example(
        "the experiment, each epoch",
        """\
import mlflow

for epoch in range(num_epochs):
    mlflow.set_experiment("training")  # MLF107
    mlflow.log_metric("loss", train_one_epoch(model), step=epoch)
""",
    ),
    Example(
        "set-up in a step hook",
        """\
import lightning.pytorch as pl
import mlflow


class Model(pl.LightningModule):
    def training_step(self, batch, batch_idx):
        mlflow.set_tracking_uri(self.server)  # MLF107
        mlflow.pytorch.autolog()  # MLF107
        return self(batch)
""",
    ),
    Example(
        "looked up through a function, each batch",
        """\
import mlflow


def experiment_id():
    return mlflow.get_experiment_by_name("training").experiment_id


for batch in train_loader:
    target = experiment_id()  # MLF107
    train_step(batch, target)
""",
    ),
    Example(
        "before the loop, and only in the first turn",
        """\
import mlflow

mlflow.set_tracking_uri("http://localhost:5000")
mlflow.set_experiment("training")
mlflow.autolog()
for epoch in range(num_epochs):
    if epoch == 0:
        mlflow.set_experiment("training")
    train_one_epoch(model)
""",
    ),
    Example(
        "another one each time",
        """\
import mlflow

for variant in variants:
    mlflow.set_experiment(f"study-{variant}")
    train(variant)
for epoch in range(num_epochs):
    mlflow.set_experiment(f"epoch-{epoch}")
    train_one_epoch(model)
""",
    ),
    Example(
        "for each trial or run, and a client",
        """\
import mlflow
from mlflow import MlflowClient


def objective(trial):
    mlflow.set_experiment("study")
    with mlflow.start_run():
        return train(trial)


for seed in range(10):
    mlflow.set_experiment("study")
    with mlflow.start_run():
        train(seed)
for batch in train_loader:
    client = MlflowClient()
    train_step(batch)
""",
    ),
)

RULE = Rule(
    "MLF107",
    "setup-in-loop",
    "unchanging set-up repeats once per step or epoch",
    check,
    EXAMPLES,
    __doc__ or "",
    about=frozenset({Kind.SETUP}),
)
