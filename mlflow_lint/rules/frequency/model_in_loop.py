"""
## What it does
Finds `log_model` of any flavor, `register_model` and `log_model_artifacts` that run once per epoch or step of one run,
directly, in a hook of a framework or through functions of the project, with nothing that chooses which model is worth
keeping: not the best so far, not every n-th, not the last.

A checkpoint file sent by `log_artifact` is not this rule's, nor is one model per trial, fold or run.

## Why it costs
Each call uploads the whole model. A small scikit-learn model takes 11 requests and 34 SQL statements, and one more
request for every metric key of the run, since MLflow copies the metrics to the model; `register_model` takes 9
requests and 50 statements. A hundred epochs store a hundred models, and someone has to find the one that matters.

## Fix safety
No fix is offered here: which model to keep is yours to choose.

## Options
None.

## References
- MLflow: `mlflow/models/model.py` (`Model.log`), `mlflow/tracking/_model_registry/fluent.py` (`register_model`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.frequency.models import repeated_models
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Models that are logged each epoch or step."""
    for write in repeated_models(context.effects, context.touching_bodies):
        called = write.api.label
        if write.through is not None:
            called = f"{write.chain[1].text} reaches {called} ({write.through.place}) and"
        message = (
            f"{called} runs {write.unit} ({write.where}) with nothing that chooses a model: a full upload and "
            f"{write.api.cost} each; log the best so far, or the last one after the loop"
        )
        yield rule.finding(context, write.site.call, write.site.statement, message, Severity.WARNING, write.chain)


EXAMPLES = (
    Example(
        "a model for every epoch",
        """\
import mlflow

for epoch in range(num_epochs):
    train_one_epoch(model)
    mlflow.pytorch.log_model(model, name=f"model-{epoch}")  # MLF105
    mlflow.log_metric("loss", evaluate(model), step=epoch)
""",
    ),
    Example(
        "a divisor of one, and an end of training, choose nothing",
        """\
import mlflow

for epoch in range(num_epochs):
    loss = train_one_epoch(model)
    if patience > 5:
        break
    if epoch % 1 == 0 and rank == 0:
        mlflow.keras.log_model(model, name="model")  # MLF105
    for batch in train_loader:
        model.train_on_batch(batch)
        mlflow.register_model(uri, "model")  # MLF105
""",
    ),
    Example(
        "through a method, and in a hook",
        """\
import keras
import mlflow


class Upload(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        mlflow.keras.log_model(self.model, name="model")  # MLF105


class Trainer:
    def save(self, epoch):
        print("saving", epoch)
        mlflow.pytorch.log_model(self.model, name="model")

    def fit(self, num_epochs):
        for epoch in range(num_epochs):
            self.train_epoch(epoch)
            self.save(epoch)  # MLF105
""",
    ),
    Example(
        "the best so far, every tenth, the last",
        """\
import mlflow

best = 0.0
for epoch in range(num_epochs):
    accuracy = train_one_epoch(model)
    improved = accuracy > best
    if accuracy > best:
        best = accuracy
        mlflow.pytorch.log_model(model, name="best")
    if improved:
        mlflow.pytorch.log_model(model, name="best")
    if epoch % 10 == 0:
        mlflow.pytorch.log_model(model, name=f"model-{epoch}")
    if epoch == num_epochs - 1:
        mlflow.pytorch.log_model(model, name="last")
    if stopper.should_save(accuracy):
        mlflow.pytorch.log_model(model, name="kept")
""",
    ),
    Example(
        "a helper that chooses",
        """\
import mlflow


class Trainer:
    def keep(self, score):
        if self.best is None or score > self.best:
            self.best = score
            mlflow.pytorch.log_model(self.model, name="best")

    def fit(self, num_epochs):
        for epoch in range(num_epochs):
            self.keep(self.train_epoch(epoch))
""",
    ),
    Example(
        "a model for every trial or run, a file for every epoch",
        """\
import mlflow

for fold, (train, test) in enumerate(folds.split(X)):
    for batch in loader_of(train):
        model.train_on_batch(batch)
    mlflow.sklearn.log_model(model, name=f"fold-{fold}")
for epochs in (10, 20, 30):
    with mlflow.start_run():
        model.fit(X, y, epochs=epochs)
        mlflow.keras.log_model(model, name="model")
for name, model in models.items():
    model.fit(X, y)
    mlflow.sklearn.log_model(model, name=name)
for epoch in range(num_epochs):
    train_one_epoch(model)
    mlflow.log_artifact("checkpoint.pt")
""",
    ),
)

RULE = Rule(
    "MLF105",
    "model-in-loop",
    "a model is logged once per epoch or step, whatever it is worth",
    check,
    EXAMPLES,
    __doc__ or "",
    about=frozenset({Kind.MODEL}),
)
