"""
## What it does
Finds two or more writes of one kind in a row, to one run and step, of which at least one is a plural call
(`log_metrics`, `log_params`, `set_tags`): one plural call would send them all.

## Why it costs
Each plural call is a request of its own with 5 or 6 SQL statements and 2 or 3 commits, whether it carries one entry or
a hundred.

## Fix safety
For parameters and tags: safe when nothing between the calls changes what they read and evaluating the values changes
nothing. For metrics the keys must be sure to differ as well, so dicts whose keys are not in sight are unsafe.

## Options
`min-group-size`: the smallest number of calls that is reported (default 2).

`tracking-backend`: with `azureml`, a message about more than 50 metrics names the limit there.

## References
- MLflow: `mlflow/tracking/fluent.py`, `mlflow/tracking/client.py` (`log_batch`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Applicability, Finding
from mlflow_lint.rules.base import Example, Rule
from mlflow_lint.rules.merging import row_findings


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Rows that hold a plural call."""
    return row_findings(rule, context, None)


EXAMPLES = (
    Example(
        "parameters from two dicts and one more",
        """\
import mlflow

mlflow.log_params(model_config)  # MLF208
mlflow.log_params(data_config)
mlflow.log_param("seed", 7)
""",
        """\
import mlflow

mlflow.log_params({**model_config, **data_config, "seed": 7})
""",
        Applicability.SAFE,
        """\
model_config, data_config = {"layers": 3}, {"rows": 100}
""",
    ),
    Example(
        "literal dicts of metrics",
        """\
import mlflow

mlflow.log_metrics({"loss": 0.5, "accuracy": 0.9}, step=1)  # MLF208
mlflow.log_metrics({"lr": 0.1}, step=1)
mlflow.log_metric("norm", 2.0, step=1)
""",
        """\
import mlflow

mlflow.log_metrics({"loss": 0.5, "accuracy": 0.9, "lr": 0.1, "norm": 2.0}, step=1)
""",
        Applicability.SAFE,
        """\
verbose = False
""",
    ),
    Example(
        "metrics whose keys may repeat",
        """\
import mlflow

mlflow.log_metrics(train_metrics, step=1)  # MLF208
mlflow.log_metrics(val_metrics, step=1)
""",
        """\
import mlflow

mlflow.log_metrics({**train_metrics, **val_metrics}, step=1)
""",
        Applicability.UNSAFE,
        """\
train_metrics, val_metrics = {"a": 1.0}, {"b": 2.0}
""",
    ),
    Example(
        "different steps",
        """\
import mlflow

mlflow.log_metrics(train_metrics, step=1)
mlflow.log_metrics(val_metrics, step=2)
""",
    ),
    Example(
        "a facade of the project's own is its own business",
        """\
import mlflow


class Tracker:
    def log(self, values):
        mlflow.log_metrics(values)


def report(tracker: Tracker, a, b):
    tracker.log(a)
    tracker.log(b)
""",
    ),
)

RULE = Rule(
    "MLF208",
    "consecutive-batch-writes",
    "several plural writes in a row where one does",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.SAFE, Applicability.UNSAFE}),
    about=frozenset({Kind.METRIC, Kind.PARAM, Kind.TAG}),
)
