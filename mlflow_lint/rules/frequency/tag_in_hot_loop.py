"""
## What it does
Finds `set_tag` and `set_tags` that run once per batch or step, with nothing in between that lets only some steps
through.

## Why it costs
A tag holds one value: each write overwrites the last, so of 10,000 requests with 3 SQL statements each, one remains.

## Fix safety
Tags with a fixed key move behind the loop. That is unsafe unless the loop is sure to turn, runs to its end and nothing
in it can look at the tag: while the loop runs, or when it is killed, the run has no such tag. No fix is offered for a
hook, for a call that a turn may pass by, for a tag that something else in the loop may set, and where names that the
call uses change after it. If every value matters, log a metric instead.

## Options
None.

## References
- MLflow: `mlflow/tracking/fluent.py` (`set_tag`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Applicability, Finding
from mlflow_lint.fixes.last_write import sink_tags
from mlflow_lint.rules.base import Example, Rule
from mlflow_lint.rules.heat import hot_findings


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Tag writes that run each step."""
    advice = "each overwrites the last, so set it once, after the loop"
    return hot_findings(rule, context, (Kind.TAG,), advice, lambda write: sink_tags(write, context.effects))


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
        fixed="""\
import mlflow

for index, batch in enumerate(train_loader):
    train_step(batch)
mlflow.set_tag("last_batch", index)
""",
        applicability=Applicability.UNSAFE,
    ),
    Example(
        "several tags of a batch, with comments",
        """\
import mlflow

seen = 0
for batch in train_loader:
    seen += len(batch)
    # where training stands
    mlflow.set_tags(  # MLF103
        {"seen": seen, "batch": batch[-1]},
    )
    if seen % 100 == 0:
        mlflow.log_metric("seen", seen, step=seen)
    # next: evaluation
print(seen)
""",
        setup="train_loader = [[1, 2], [3, 4], [5]]\n",
        fixed="""\
import mlflow

seen = 0
for batch in train_loader:
    seen += len(batch)
    if seen % 100 == 0:
        mlflow.log_metric("seen", seen, step=seen)
    # next: evaluation
# where training stands
mlflow.set_tags(
    {"seen": seen, "batch": batch[-1]},
)
print(seen)
""",
        applicability=Applicability.UNSAFE,
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
    fixes=frozenset({Applicability.UNSAFE}),
    about=frozenset({Kind.TAG}),
)
