"""
## What it does
Finds loops and comprehensions that write one tag each turn under a key of that turn, directly or through a helper
that writes one, where one `set_tags` would send them all.

## Why it costs
Each call is a request of its own with 3 SQL statements and a commit. Ten keys are 10 requests and 30 statements;
one `set_tags` with up to 100 keys is 1 request and 5 statements.

## Fix safety
Safe when the loop does nothing else, evaluating keys and values changes nothing, and nothing reads the loop's
variables afterwards. A loop that does more keeps its shape and collects the entries: unsafe. No fix where each call
has its own `try`.

One difference is left: where no run is active and there is nothing to write, MLflow opens a run for the plural call
and none for a loop that never turns.

## Options
None.

## References
- MLflow: `mlflow/tracking/fluent.py`, `mlflow/tracking/client.py` (`log_batch`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Applicability, Finding
from mlflow_lint.rules.base import Example, Rule
from mlflow_lint.rules.merging import keyed_findings


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Loops that write one tag each turn."""
    return keyed_findings(rule, context, Kind.TAG)


EXAMPLES = (
    Example(
        "each item of a dict",
        """\
import mlflow

for key, value in labels.items():
    mlflow.set_tag(f"label.{key}", value)  # MLF206
""",
        """\
import mlflow

mlflow.set_tags({f"label.{key}": value for key, value in labels.items()})
""",
        Applicability.SAFE,
        """\
labels = {"team": "vision", "stage": "dev"}
""",
    ),
    Example(
        "keys of a literal list",
        """\
import mlflow

for phase in ["train", "test"]:
    mlflow.set_tag(phase, "done")  # MLF206
""",
        """\
import mlflow

mlflow.set_tags({phase: "done" for phase in ["train", "test"]})
""",
        Applicability.SAFE,
        """\
started = True
""",
    ),
    Example(
        "a loop that also counts",
        """\
import mlflow

written = 0
for key, value in labels.items():
    mlflow.set_tag(key, value)  # MLF206
    written += 1
""",
        """\
import mlflow

written = 0
tags = {}
for key, value in labels.items():
    tags[key] = value
    written += 1
mlflow.set_tags(tags)
""",
        Applicability.UNSAFE,
        """\
labels = {"team": "vision", "stage": "dev"}
""",
    ),
    Example(
        "tags of registered models have no plural",
        """\
import mlflow

client = mlflow.MlflowClient()
for key, value in labels.items():
    client.set_registered_model_tag("model", key, value)
""",
    ),
    Example(
        "one key, overwritten",
        """\
import mlflow

for name in names:
    mlflow.set_tag("current", name)
""",
    ),
)

RULE = Rule(
    "MLF206",
    "set-tag-per-key",
    "a loop calls set_tag once per key where one set_tags does",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.SAFE, Applicability.UNSAFE}),
    about=frozenset({Kind.TAG}),
)
