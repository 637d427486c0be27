"""
## What it does
Finds `set_tag` and `set_tags` that run once per batch or step, with nothing in between that lets only some steps
through.

## Why it costs
A tag holds one value: each write overwrites the last, so of 10,000 requests with 3 SQL statements each, one remains.

## Fix safety
No fix is offered here yet: set the tag after the loop, or log a metric if every value matters.

## Options
None.

## References
- MLflow: `mlflow/tracking/fluent.py` (`set_tag`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Finding
from mlflow_lint.rules.base import Example, Rule
from mlflow_lint.rules.heat import hot_findings


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Tag writes that run each step."""
    advice = "each overwrites the last, so set it once, after the loop"
    return hot_findings(rule, context, (Kind.TAG,), advice)


EXAMPLES = (
    Example(
        "the number of the last batch",
        """\
import mlflow

for index, batch in enumerate(train_loader):
    train_step(batch)
    mlflow.set_tag("last_batch", index)  # MLF103
""",
        setup="""\
train_loader = list(range(4))

def train_step(batch):
    return batch
""",
    ),
    Example(
        "a Keras batch hook",
        """\
import keras
import mlflow


class Progress(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        mlflow.set_tag("batch", batch)  # MLF103

    def on_epoch_end(self, epoch, logs=None):
        mlflow.set_tag("epoch", epoch)
""",
    ),
    Example(
        "when training ends",
        """\
import mlflow

for index, batch in enumerate(train_loader):
    if diverged(train_step(batch)):
        mlflow.set_tag("status", "diverged")
        break
mlflow.set_tag("last_batch", index)
""",
    ),
    Example(
        "every hundred batches",
        """\
import mlflow

for index, batch in enumerate(train_loader):
    train_step(batch)
    if not (index + 1) % 100:
        mlflow.set_tag("last_batch", index)
""",
    ),
)

RULE = Rule(
    "MLF103",
    "tag-in-hot-loop",
    "a tag is overwritten once per batch or step",
    check,
    EXAMPLES,
    __doc__ or "",
)
