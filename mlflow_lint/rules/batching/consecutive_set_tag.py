"""
## What it does
Finds two or more `set_tag` calls in a row, to one run, that one `set_tags` would send together. In
a row means: in one block, with only statements in between that finish at once and cannot leave the block. Calls of
`MlflowClient.set_tag` count the same way and become one `log_batch`.

## Why it costs
Each call is a request of its own with 3 SQL statements and a commit. Ten calls are 10 requests and 30 statements;
one `set_tags` with up to 100 keys is 1 request and 5 statements.

## Fix safety
Safe when nothing between the calls changes what they read and evaluating the values neither looks at the run nor
changes anything: the last value of a key wins in either form. Otherwise unsafe.

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
    """Rows of `set_tag`."""
    return row_findings(rule, context, Kind.TAG)


EXAMPLES = (
    Example(
        "tags of a run",
        """\
import mlflow

mlflow.set_tag("team", "vision")  # MLF203
mlflow.set_tag("stage", stage)
""",
        """\
import mlflow

mlflow.set_tags({"team": "vision", "stage": stage})
""",
        Applicability.SAFE,
        """\
stage = "dev"
""",
    ),
    Example(
        "a value that is computed in between from another library",
        """\
import mlflow

mlflow.set_tag("commit", commit)  # MLF203
dirty = bool(changes)
mlflow.set_tag("dirty", dirty)
""",
        """\
import mlflow

dirty = bool(changes)
mlflow.set_tags({"commit": commit, "dirty": dirty})
""",
        Applicability.SAFE,
        """\
commit, changes = "abc", ["a.py"]
""",
    ),
    Example(
        "a value with side effects",
        """\
import mlflow

mlflow.set_tag("first", names[0])  # MLF203
mlflow.set_tag("last", names.pop())
""",
        """\
import mlflow

mlflow.set_tags({"first": names[0], "last": names.pop()})
""",
        Applicability.UNSAFE,
        """\
names = ["a", "b"]
""",
    ),
    Example(
        "calls in different blocks",
        """\
import mlflow

mlflow.set_tag("team", "vision")
if stage:
    mlflow.set_tag("stage", stage)
""",
    ),
    Example(
        "tags of the experiment have no plural that saves requests",
        """\
import mlflow

mlflow.set_experiment_tag("team", "vision")
mlflow.set_experiment_tag("stage", stage)
""",
    ),
)

RULE = Rule(
    "MLF203",
    "consecutive-set-tag",
    "several set_tag calls in a row where one set_tags does",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.SAFE, Applicability.UNSAFE}),
    about=frozenset({Kind.TAG}),
)
