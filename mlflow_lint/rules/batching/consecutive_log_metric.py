"""
## What it does
Finds two or more `log_metric` calls in a row, to one run and step, that one `log_metrics` would send together. In
a row means: in one block, with only statements in between that finish at once and cannot leave the block. Calls of
`MlflowClient.log_metric` count the same way and become one `log_batch`.

## Why it costs
Each call is a request of its own with 5 SQL statements and a commit. Ten calls are 10 requests, 50 statements and
10 commits; one `log_metrics` with ten keys is 1 request, 6 statements and 2 commits.

## Fix safety
Safe when the keys are sure to differ, nothing between the calls changes what they read, and evaluating the values
neither looks at the run nor changes anything; timestamps move by the time that the calls took. Otherwise unsafe:
two points of one key and step must not be merged. In a file that logs several models the fix is unsafe too, since
`log_metrics` links a point to all models of the run at that step and `log_metric` to the first only.

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
    """Rows of `log_metric`."""
    return row_findings(rule, context, Kind.METRIC)


EXAMPLES = (
    Example(
        "metrics of one epoch",
        """\
import mlflow

mlflow.log_metric("loss", loss, step=epoch)  # MLF201
mlflow.log_metric("accuracy", accuracy, step=epoch)
mlflow.log_metric("lr", lr, step=epoch)
""",
        """\
import mlflow

mlflow.log_metrics({"loss": loss, "accuracy": accuracy, "lr": lr}, step=epoch)
""",
        Applicability.SAFE,
        """\
loss, accuracy, lr, epoch = 0.5, 0.9, 0.1, 3
""",
    ),
    Example(
        "comments and light statements between",
        """\
import mlflow

# training
mlflow.log_metric("loss", loss)  # MLF201
total = loss + penalty
print("total", total)
# with the penalty
mlflow.log_metric("total", total)  # sum
""",
        """\
import mlflow

# training
total = loss + penalty
print("total", total)
mlflow.log_metrics(
    {
        "loss": loss,
        # with the penalty
        "total": total,  # sum
    },
)
""",
        Applicability.SAFE,
        """\
loss, penalty = 0.5, 0.25
""",
    ),
    Example(
        "keys that may be equal, and a value with side effects",
        """\
import mlflow

mlflow.log_metric(first, 1.0)  # MLF201
mlflow.log_metric(second, stack.pop())
""",
        """\
import mlflow

mlflow.log_metrics({first: 1.0, second: stack.pop()})
""",
        Applicability.UNSAFE,
        """\
first, second, stack = "a", "b", [1.0, 2.0]
""",
    ),
    Example(
        "different steps, one key twice, a test in between",
        """\
import mlflow

mlflow.log_metric("loss", 0.3, step=1)
mlflow.log_metric("loss", 0.2, step=2)
mlflow.log_metric("best", 0.2)
if verbose:
    print("done")
mlflow.log_metric("last", 0.2)
""",
    ),
    Example(
        "work of unknown weight in between",
        """\
import mlflow

mlflow.log_metric("loss", 0.3)
score = evaluate(model)
mlflow.log_metric("score", score)
""",
    ),
)

RULE = Rule(
    "MLF201",
    "consecutive-log-metric",
    "several log_metric calls in a row where one log_metrics does",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.SAFE, Applicability.UNSAFE}),
    about=frozenset({Kind.METRIC}),
)
