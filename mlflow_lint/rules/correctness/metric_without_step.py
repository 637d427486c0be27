"""
## What it does
Finds metrics that are logged again and again in one run under the same key without `step=`: in a loop over epochs,
steps, trials or finished data, in a step or epoch hook, through a function of the project, and in a function that
takes a step and does not pass it on.

What is meant to be overwritten is not reported: a best value so far, a last one, what is logged in chosen turns only.

## Why it costs
Every point lands on step 0. A chart over steps shows one vertical line, the latest value is whatever came last or, of
points in the same millisecond, the largest, and the curve cannot be had back afterwards.

## Fix safety
Where the counter of the loop, the `epoch` of a hook, the counter that a framework keeps (`self.global_step`,
`trainer.current_epoch`, `state.global_step`) or the parameter of the function plainly is the step, the fix passes it as
`step=`. It is unsafe because it changes what is recorded: the points get steps.

## Options
None.

## References
- MLflow: `mlflow/tracking/fluent.py` (`log_metric`, `log_metrics`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.correctness.stepless import Stepless, stepless_metrics
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Applicability, Finding, Fix, Severity
from mlflow_lint.fixes.steps import with_step
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Metrics that miss their step."""
    for found in stepless_metrics(context.effects, context.touching_bodies, context.walks):
        message = _message(found)
        yield rule.finding(
            context, found.site.call, found.site.statement, message, Severity.WARNING, found.chain, _fix(found)
        )


def _message(found: Stepless) -> str:
    if found.wraps:
        return (
            f"{found.api.label} gets no step in {found.around.where}: every point lands on step 0; "
            f"pass it on with step={found.step}"
        )
    called = found.api.label
    if found.through is not None:
        called = f"{found.chain[1].text} reaches {called} ({found.through.place}), which"
    advice = f"pass step={found.step}" if found.step and found.through is None else "give it a step="
    return f"{called} repeats without a step ({found.around.where}): every point lands on step 0; {advice}"


def _fix(found: Stepless) -> Fix | None:
    if found.step is None or found.through is not None:
        return None
    edit = with_step(found.site.call, found.step)
    return Fix(f"Pass step={found.step}", (edit,), Applicability.UNSAFE) if edit is not None else None


_WITHOUT_LIGHTNING = """\
import sys
import types

lightning, pytorch = types.ModuleType("lightning"), types.ModuleType("lightning.pytorch")
pytorch.LightningModule, lightning.pytorch = object, pytorch
sys.modules.update({"lightning": lightning, "lightning.pytorch": pytorch})
"""
"""Its class is only defined, so that any base will do."""

EXAMPLES = (
    Example(
        "once per epoch, under the counter of the loop",
        """\
import mlflow

for epoch in range(epochs):
    loss = train_one_epoch(epoch)
    mlflow.log_metric("loss", loss)  # MLF402
for i in range(epochs):
    mlflow.log_metric(key="error", value=train_one_epoch(i))  # MLF402
""",
        fixed="""\
import mlflow

for epoch in range(epochs):
    loss = train_one_epoch(epoch)
    mlflow.log_metric("loss", loss, step=epoch)
for i in range(epochs):
    mlflow.log_metric(key="error", value=train_one_epoch(i), step=i)
""",
        applicability=Applicability.UNSAFE,
        setup="""\
epochs = 3


def train_one_epoch(epoch):
    return 1.0 / (epoch + 2)
""",
    ),
    Example(
        "a loop with a counter, and a wrapper that drops the step it takes",
        """\
import mlflow


def report(name, value, step=None):
    print(step, name, value)
    mlflow.log_metric(name, value)  # MLF402


for epoch, batches in enumerate(rounds):
    loss = train(batches)
    mlflow.log_metric("loss", loss)  # MLF402
report("accuracy", 0.9, step=3)
""",
        fixed="""\
import mlflow


def report(name, value, step=None):
    print(step, name, value)
    mlflow.log_metric(name, value, step=step)


for epoch, batches in enumerate(rounds):
    loss = train(batches)
    mlflow.log_metric("loss", loss, step=epoch)
report("accuracy", 0.9, step=3)
""",
        applicability=Applicability.UNSAFE,
        setup="def train(batches):\n    return sum(batches)\n\n\nrounds = [[0.9, 0.5], [0.4]]\n",
    ),
    Example(
        "every n-th step of nested loops, each seed, each key of each evaluation",
        """\
import mlflow

for epoch in range(epochs):
    for i, batch in enumerate(train_loader):
        loss = train_step(batch)
        if i % 100 == 0:
            mlflow.log_metrics({"loss": loss})  # MLF402
for _ in range(num_epochs):
    for name, value in evaluate(model).items():
        mlflow.log_metric(f"val_{name}", value, timestamp=now)  # MLF402
for seed in seeds:
    mlflow.log_metric("score", run_experiment(seed))  # MLF402
""",
    ),
    Example(
        "hooks",
        """\
import lightning.pytorch as pl
import mlflow


class Model(pl.LightningModule):
    def training_step(self, batch, batch_idx):
        loss = self(batch)
        mlflow.log_metric("loss", loss.item())  # MLF402
        return loss

    def on_validation_epoch_end(self):
        mlflow.log_metric("val_loss", self.total / self.count)  # MLF402
""",
        fixed="""\
import lightning.pytorch as pl
import mlflow


class Model(pl.LightningModule):
    def training_step(self, batch, batch_idx):
        loss = self(batch)
        mlflow.log_metric("loss", loss.item(), step=self.global_step)
        return loss

    def on_validation_epoch_end(self):
        mlflow.log_metric("val_loss", self.total / self.count, step=self.current_epoch)
""",
        applicability=Applicability.UNSAFE,
        setup=_WITHOUT_LIGHTNING,
    ),
    Example(
        "through a function, and a step that is left at None",
        """\
import mlflow


def evaluate(model, loader):
    loss = sum(model(batch) for batch in loader)
    mlflow.log_metric("average_loss", loss)


def log(name, value, iteration=None):
    mlflow.log_metric(name, value, step=iteration)


for epoch in range(epochs):
    train_one_epoch(model)
    evaluate(model, test_loader)  # MLF402
    log("lr", schedule[epoch])  # MLF402
    log("momentum", momentum[epoch], iteration=epoch)
""",
    ),
    Example(
        "a best value, the last turn, the first one, a key of its own",
        """\
import mlflow

best = 0.0
for epoch in range(epochs):
    accuracy = train_one_epoch(model)
    if accuracy > best:
        best = accuracy
        mlflow.log_metric("accuracy_of_best", accuracy)
    mlflow.log_metric("best_accuracy", best)
    mlflow.log_metric("top", max(best, accuracy))
    mlflow.log_metric("epoch", epoch)
    if epoch == epochs - 1:
        mlflow.log_metric("accuracy_at_end", accuracy)
    if epoch == 0:
        mlflow.log_metric("parameters", count(model))
for seed in seeds:
    mlflow.log_metric(f"score_{seed}", run_experiment(seed))
for name, model in models.items():
    mlflow.log_metric(f"{name}_score", model.fit(X, y).score(X, y))
""",
    ),
    Example(
        "a run of its own each turn, another run each turn, once after the loop",
        """\
import mlflow
from mlflow import MlflowClient

for seed in seeds:
    with mlflow.start_run():
        mlflow.log_metric("score", run_experiment(seed))
for epoch in range(epochs):
    loss = train_one_epoch(model)
mlflow.log_metric("loss", loss)
client = MlflowClient()
for trial in trials:
    client.log_metric(trial.run_id, "score", trial.fit().score)
for name, value in metrics.items():
    mlflow.log_metric(name, value)
""",
    ),
    Example(
        "a step is there, by name, by position, or in a helper",
        """\
import mlflow


def log_metrics(metrics, step):
    for name, value in metrics.items():
        mlflow.log_metric(name, value, step)


def log(name, value, step=None):
    if step is None:
        mlflow.log_metric(name, value)
    else:
        mlflow.log_metric(name, value, step=step)


for epoch in range(epochs):
    loss = train_one_epoch(model)
    mlflow.log_metric("loss", loss, epoch)
    mlflow.log_metrics({"error": 1 - loss}, step=epoch)
    mlflow.log_metric("lr", rate(epoch), **options)
    log_metrics({"loss": loss}, epoch)
    log("loss", loss, epoch)
""",
    ),
)

RULE = Rule(
    "MLF402",
    "metric-without-step",
    "a metric is logged again and again without a step",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.UNSAFE}),
    about=frozenset({Kind.METRIC}),
)
