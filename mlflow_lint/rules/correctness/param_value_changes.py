"""
## What it does
Finds params that one run logs again with another value: two literals under one key, or the item of a loop under a key
that stays the same in each turn.

Another run each turn, branches that exclude each other and a fallback in `except` are not reported.

## Why it costs
A param is written once per run. MLflow raises on the second value, in the second turn of the loop: the training ends
there, or the value is lost where the exception is caught.

## Fix safety
No fix is offered here: log a metric with a step, put what varies in the key, or open a run for each value.

## Options
None.

## References
- MLflow: `mlflow/store/tracking/sqlalchemy_store.py` (`log_param`)
- MLflow: `mlflow/utils/validation.py` (`PARAM_VALIDATION_MSG`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.correctness.changed_params import changed_params
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Params whose value changes within a run."""
    for found in changed_params(context.effects, context.touching_bodies):
        message = (
            f"{found.api.label} raises: the run gets the param {found.key!r} with more than one value, {found.why}; "
            "log a metric, vary the key, or open a run for each value"
        )
        yield rule.finding(context, found.site.call, found.site.statement, message, Severity.WARNING, found.chain)


EXAMPLES = (
    Example(
        "the item of a loop",
        """\
import mlflow

for seed in seeds:
    mlflow.log_param("seed", seed)  # MLF401
    train(seed)
for epoch in range(epochs):
    mlflow.log_param("epoch", epoch + 1)  # MLF401
for rate in (0.1, 0.01):
    mlflow.log_param("lr", f"{rate}")  # MLF401
""",
    ),
    Example(
        "two literals under one key",
        """\
import mlflow

mlflow.log_param("units", 64)
mlflow.log_param("units", 32)  # MLF401
mlflow.log_param("optimizer", "adam")
if tuned:
    mlflow.log_param("optimizer", "sgd")  # MLF401
""",
    ),
    Example(
        "in a dict",
        """\
import mlflow


def describe(layers):
    mlflow.log_params({"kind": "mlp", "depth": 2})
    for index, layer in enumerate(layers):
        mlflow.log_params({"layer": index, "kind": "mlp"})  # MLF401
""",
    ),
    Example(
        "a run of its own each turn, or another run",
        """\
import mlflow
from mlflow import MlflowClient

for seed in seeds:
    with mlflow.start_run():
        mlflow.log_param("seed", seed)
client = MlflowClient()
for run_id in run_ids:
    client.log_param(run_id, "run", run_id)
for seed in seeds:
    tracker.start_run(seed)
    mlflow.log_param("seed", seed)
mlflow.log_param("stage", "train")
mlflow.end_run()
mlflow.log_param("stage", "test")
""",
    ),
    Example(
        "branches that exclude each other, a fallback, the first turn",
        """\
import mlflow

if pretrained:
    mlflow.log_param("weights", "imagenet")
else:
    mlflow.log_param("weights", "random")
try:
    load(model)
    mlflow.log_param("loaded", True)
except OSError:
    mlflow.log_param("loaded", False)
for epoch in range(epochs):
    if epoch == 0:
        mlflow.log_param("first", epoch)
""",
    ),
    Example(
        "a key of its own each turn, and the same value again",
        """\
import mlflow

for name, value in params.items():
    mlflow.log_param(name, value)
for index, units in enumerate(layers):
    mlflow.log_param(f"units_{index}", units)
mlflow.log_param("depth", 3)
mlflow.log_param("depth", "3")
for batch in batches:
    mlflow.log_param("batch_size", len(batch))
""",
    ),
)

RULE = Rule(
    "MLF401",
    "param-value-changes",
    "one run logs a param with two values, which raises",
    check,
    EXAMPLES,
    __doc__ or "",
    about=frozenset({Kind.PARAM}),
)
