"""
## What it does
Finds metric keys that are built from a counter of epochs, steps, batches, episodes or samples: `f"loss_{epoch}"`. Each
turn then makes a metric of its own with a single point, where `step=` makes one metric with a curve.

Keys of folds, seeds, classes, layers and devices are what keys are for and are not reported.

## Why it costs
A metric without a curve is shown as a bar, and a run with thousands of them brings the page of the run to its knees.
The table of runs gets a column for each key. Hosted servers limit the number of keys in a run: Azure ML keeps 50.

## Fix safety
Where the counter is the end of an f-string in `log_metric` and no step is given, the fix takes it out of the key and
passes it as `step=`. It is unsafe because it changes what is recorded: one metric with many points.

## Options
`tracking-backend`: with `azureml`, the message names the limit.

## References
- MLflow: `mlflow/tracking/fluent.py` (`log_metric`)
- Azure ML: https://learn.microsoft.com/azure/machine-learning/resource-limits-capacity
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.correctness.per_iteration import iteration_keys
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.backends import Limited
from mlflow_lint.facts.traverse import shown
from mlflow_lint.findings import Applicability, Finding, Severity
from mlflow_lint.fixes.steps import counter_as_step
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Keys that hold a counter."""
    for found in iteration_keys(context.effects, context.touching_bodies, context.walks):
        counter = shown(found.counter)
        message = (
            f"the key of {found.api.label} holds {counter} ({found.where}): each turn makes a new metric with one "
            f"point; keep the key and pass step={counter}{context.limit(Limited.METRIC_NAMES)}"
        )
        fix = counter_as_step(found)
        yield rule.finding(context, found.site.call, found.site.statement, message, Severity.WARNING, found.chain, fix)


EXAMPLES = (
    Example(
        "the epoch at the end of the key",
        """\
import mlflow

for epoch in range(epochs):
    loss = train_one_epoch(epoch)
    mlflow.log_metric(f"loss_{epoch}", loss)  # MLF404
    if epoch % 2 == 0:
        mlflow.log_metric(f"{split}/accuracy_epoch_{epoch}", 1 - loss)  # MLF404
""",
        fixed="""\
import mlflow

for epoch in range(epochs):
    loss = train_one_epoch(epoch)
    mlflow.log_metric("loss", loss, step=epoch)
    if epoch % 2 == 0:
        mlflow.log_metric(f"{split}/accuracy", 1 - loss, step=epoch)
""",
        applicability=Applicability.UNSAFE,
        setup="""\
epochs, split = 3, "val"


def train_one_epoch(epoch):
    return 1.0 / (epoch + 2)
""",
    ),
    Example(
        "in the middle, put together otherwise, in a dict",
        """\
import mlflow

for epoch in range(epochs):
    for i, batch in enumerate(train_loader):
        loss = train_step(batch)
        mlflow.log_metric("loss_batch_" + str(i), loss)  # MLF404
    mlflow.log_metric("epoch_%d_loss" % epoch, loss)  # MLF404
    mlflow.log_metrics({f"epoch_{epoch + 1}/accuracy": accuracy(model)})  # MLF404
""",
    ),
    Example(
        "each sample, each question, each episode",
        """\
import mlflow

for i, question in enumerate(questions):
    answer = ask(question)
    mlflow.log_metric(f"q{i + 1}_documents", len(answer.documents))  # MLF404
for episode in range(num_episodes):
    mlflow.log_metric(f"episode_{episode}_reward", play(env))  # MLF404
""",
    ),
    Example(
        "a hook and a helper that are given the epoch",
        """\
import mlflow
from keras.callbacks import Callback


class Log(Callback):
    def on_epoch_end(self, epoch, logs=None):
        mlflow.log_metric(f"loss_{epoch}", logs["loss"], step=epoch)  # MLF404


def report(name, value):
    mlflow.log_metric(name, value)


for epoch in range(epochs):
    report(f"loss_{epoch}", train_one_epoch(model))  # MLF404
""",
    ),
    Example(
        "folds, seeds, classes, layers, devices, tasks",
        """\
import mlflow

for fold, (train_index, test_index) in enumerate(folds.split(X)):
    mlflow.log_metric(f"accuracy_fold_{fold}", fit(X[train_index]))
for i, (train_index, test_index) in enumerate(KFold(5).split(X)):
    mlflow.log_metric(f"accuracy_{i}", fit(X[train_index]))
for seed in range(10):
    mlflow.log_metric(f"score_{seed}", run_experiment(seed))
for i in range(num_classes):
    mlflow.log_metric(f"f1_class_{i}", f1[i])
for i, name in enumerate(class_names):
    mlflow.log_metric(f"{name}_{i}_recall", recall[i])
for i, layer in enumerate(model.layers):
    mlflow.log_metric(f"layer_{i}_norm", norm(layer))
for i in range(torch.cuda.device_count()):
    mlflow.log_metric(f"gpu_{i}_memory", torch.cuda.memory_allocated(i))
for t, accuracy in enumerate(accuracy_by_task):
    mlflow.log_metric(f"accuracy_task_{t}", accuracy)
""",
    ),
    Example(
        "a few chosen epochs, a horizon, the best epoch, a setting",
        """\
import mlflow

for epoch in range(epochs):
    train_one_epoch(model)
    if epoch in (10, 50, 100):
        mlflow.log_metric(f"accuracy_after_{epoch}", evaluate(model))
for step in range(1, 13):
    mlflow.log_metric(f"mae_step_{step}", error[step])
for horizon in range(24):
    mlflow.log_metric(f"rmse_{horizon}", rmse[horizon])
mlflow.log_metric(f"loss_at_{best_epoch}", best_loss)
mlflow.log_metric(f"loss_after_{args.epoch}_epochs", best_loss)
for k in (1, 5, 10):
    mlflow.log_metric(f"recall_at_{k}", recall[k])
""",
    ),
    Example(
        "a run of its own in each turn, and keys of one result",
        """\
import mlflow

for epoch in range(epochs):
    with mlflow.start_run(nested=True):
        mlflow.log_metric(f"loss_{epoch}", train_one_epoch(model))
for epoch in range(epochs):
    for name, value in evaluate(model).items():
        mlflow.log_metric(f"val_{name}", value, step=epoch)
""",
    ),
)

RULE = Rule(
    "MLF404",
    "key-per-iteration",
    "a metric key is built from an epoch, step or sample counter",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.UNSAFE}),
    about=frozenset({Kind.METRIC, Kind.BATCH}),
)
