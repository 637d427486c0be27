"""
## What it does
Finds `log_param` and `log_params` with keys and values that do not change, in a loop or step hook of one run.

## Why it costs
A parameter is written once per run: MLflow compares every later write with the stored value and changes nothing, but
each one is still a request and 2 to 5 SQL statements. Once per batch, it costs as much as a metric and records
nothing.

## Fix safety
The call moves in front of the outermost loop in which neither key nor value can change, with its comments. Safe where
the loop is sure to turn (a literal range or list, `while True`), the call is the first thing that it does, and the run
stays the same. Otherwise unsafe: a loop that does not turn at all writes nothing today, and an earlier statement may
fail before the call is reached. Not offered for calls in a function that the loop calls, under a test, or in a step
hook.

## Options
None.

## References
- MLflow: `mlflow/store/tracking/sqlalchemy_store.py` (`log_param`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.frequency.constancy import repeated_params
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Applicability, Finding, Severity
from mlflow_lint.fixes.hoist import hoist
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Params that a loop writes again and again."""
    for write in repeated_params(context.effects, context.touching_bodies):
        message = (
            f"{write.label} repeats in a {write.where}, {write.unit}: MLflow keeps the first value, so every further "
            "call is 1 request for nothing; log it once, before the loop"
        )
        fix = hoist(write, context.lifecycle)
        yield rule.finding(context, write.site.call, write.site.statement, message, Severity.WARNING, write.chain, fix)


EXAMPLES = (
    Example(
        "the same parameter each epoch",
        """\
import mlflow

for epoch in range(epochs):
    # how the weights are found
    mlflow.log_param("optimizer", "adam")  # MLF102
    train_one_epoch(epoch)
""",
        """\
import mlflow

# how the weights are found
mlflow.log_param("optimizer", "adam")
for epoch in range(epochs):
    train_one_epoch(epoch)
""",
        Applicability.UNSAFE,
        setup="""\
epochs = 3

def train_one_epoch(epoch):
    pass
""",
    ),
    Example(
        "first in a loop that is sure to turn",
        """\
import mlflow

for epoch in range(3):
    for part in ("train", "validation"):
        mlflow.log_params({  # MLF102
            "rate": rate,  # of learning
        })

        print(epoch, part)
""",
        """\
import mlflow

mlflow.log_params({
    "rate": rate,  # of learning
})
for epoch in range(3):
    for part in ("train", "validation"):
        print(epoch, part)
""",
        Applicability.SAFE,
        setup="""\
rate = 0.1
""",
    ),
    Example(
        "through a method, each batch",
        """\
import mlflow


class Trainer:
    def describe(self):
        mlflow.log_params({"lr": 0.1, "layers": 3})

    def fit(self, train_loader):
        for batch in train_loader:
            self.describe()  # MLF102
            self.model.train_on_batch(batch)
""",
    ),
    Example(
        "a run of its own in each turn",
        """\
import mlflow

for seed in seeds:
    with mlflow.start_run():
        mlflow.log_param("optimizer", "adam")
        mlflow.log_param("seed", seed)
""",
    ),
    Example(
        "another key each turn, and only in the first turn",
        """\
import mlflow

for epoch in range(epochs):
    if epoch == 0:
        mlflow.log_param("optimizer", "adam")
    for name in names:
        mlflow.log_param(f"{name}_units", units[name])
""",
    ),
)

RULE = Rule(
    "MLF102",
    "param-in-loop",
    "an unchanging parameter is logged in a loop of one run",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.SAFE, Applicability.UNSAFE}),
    about=frozenset({Kind.PARAM}),
)
