"""
## What it does
Finds two or more `log_param` calls in a row, to one run, that one `log_params` would send together. In
a row means: in one block, with only statements in between that finish at once and cannot leave the block. Calls of
`MlflowClient.log_param` count the same way and become one `log_batch`.

## Why it costs
Each call is a request of its own with 3 SQL statements and a commit. Ten calls are 10 requests and 30 statements;
one `log_params` with up to 100 keys is 1 request and 5 statements.

## Fix safety
Safe when nothing between the calls changes what they read and evaluating the values neither looks at the run nor
changes anything: MLflow refuses a changed parameter in either form. For client calls the keys must be sure to
differ as well, since `log_batch` refuses one key twice. Otherwise unsafe.

## Options
`min-group-size`: the smallest number of calls that is reported (default 2).

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
    """Rows of `log_param`."""
    return row_findings(rule, context, Kind.PARAM)


EXAMPLES = (
    Example(
        "parameters of a model",
        """\
import mlflow

mlflow.log_param("lr", lr)  # MLF202
mlflow.log_param("layers", [64, 32])
mlflow.log_param("optimizer", "adam")
""",
        """\
import mlflow

mlflow.log_params({"lr": lr, "layers": [64, 32], "optimizer": "adam"})
""",
        Applicability.SAFE,
        """\
lr = 0.1
""",
    ),
    Example(
        "a value that changes what another reads",
        """\
import mlflow

mlflow.log_param("layers", len(layers))  # MLF202
mlflow.log_param("last", layers.pop())
""",
        """\
import mlflow

mlflow.log_params({"layers": len(layers), "last": layers.pop()})
""",
        Applicability.UNSAFE,
        """\
layers = [64, 32]
""",
    ),
    Example(
        "a result that is used, and calls apart",
        """\
import mlflow

lr = mlflow.log_param("lr", 0.1)
mlflow.log_param("layers", 3)
if deep:
    mlflow.log_param("deep", True)
""",
    ),
    Example(
        "already together",
        """\
import mlflow

mlflow.log_params({"lr": lr, "layers": 3})
""",
    ),
)

RULE = Rule(
    "MLF202",
    "consecutive-log-param",
    "several log_param calls in a row where one log_params does",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.SAFE, Applicability.UNSAFE}),
    about=frozenset({Kind.PARAM}),
)
