"""
## What it does
Finds loops and comprehensions that write one parameter each turn under a key of that turn, directly or through a helper
that writes one, where one `log_params` would send them all.

## Why it costs
Each call is a request of its own with 3 SQL statements and a commit. Ten keys are 10 requests and 30 statements;
one `log_params` with up to 100 keys is 1 request and 5 statements.

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
    """Loops that write one parameter each turn."""
    return keyed_findings(rule, context, Kind.PARAM)


EXAMPLES = (
    Example(
        "each item of a configuration",
        """\
import mlflow

for key, value in config.items():
    mlflow.log_param(key, value)  # MLF205
""",
        """\
import mlflow

mlflow.log_params(config)
""",
        Applicability.SAFE,
        """\
config = {"lr": 0.1, "layers": [3, 4]}
""",
    ),
    Example(
        "a literal list of names",
        """\
import mlflow

for name in ("lr", "layers"):
    mlflow.log_param(name, config[name])  # MLF205
""",
        """\
import mlflow

mlflow.log_params({name: config[name] for name in ("lr", "layers")})
""",
        Applicability.SAFE,
        """\
config = {"lr": 0.1, "layers": [3, 4], "other": 1}
""",
    ),
    Example(
        "a loop that also prints",
        """\
import mlflow

for key, value in config.items():
    print(key, value)
    mlflow.log_param(key, value)  # MLF205
""",
        """\
import mlflow

params = {}
for key, value in config.items():
    print(key, value)
    params[key] = value
mlflow.log_params(params)
""",
        Applicability.UNSAFE,
        """\
config = {"lr": 0.1, "layers": [3, 4]}
""",
    ),
    Example(
        "chunks of many, and a run for each turn",
        """\
import mlflow

for chunk in chunks:
    mlflow.log_params(chunk)
for seed in seeds:
    with mlflow.start_run():
        mlflow.log_param(f"seed_{seed}", seed)
""",
    ),
    Example(
        "already together",
        """\
import mlflow

mlflow.log_params({key: value for key, value in config.items()})
""",
    ),
)

RULE = Rule(
    "MLF205",
    "log-param-per-key",
    "a loop calls log_param once per key where one log_params does",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.SAFE, Applicability.UNSAFE}),
    about=frozenset({Kind.PARAM}),
)
