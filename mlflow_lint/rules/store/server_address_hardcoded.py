"""
## What it does
Finds the address of a server (`http:`, `https:`) that stands in code and becomes the tracking or registry URI. Opt-in:
in many projects that is how it is meant to be. Test code is left out.

## Why it costs
The code runs on one network only. Elsewhere each call waits for a server that does not answer: MLflow tries a request 8
times, for minutes, before it raises. And a copy of the code logs to the server of those who wrote it.

## Fix safety
No fix is offered: leave the address to `MLFLOW_TRACKING_URI` of the environment, which MLflow reads by itself.

## Options
None.

## References
- MLflow: `mlflow/environment_variables.py` (`MLFLOW_TRACKING_URI`, `MLFLOW_HTTP_REQUEST_MAX_RETRIES`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.store.tracking_uris import Store
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule, Status


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Addresses of servers."""
    for uri in context.tracking_uris:
        if uri.store is Store.SERVER:
            message = (
                f"the server's address {uri.shown!r} stands in the code ({uri.taken}): it works on one network only; "
                "leave it to MLFLOW_TRACKING_URI of the environment, which MLflow reads by itself"
            )
            yield rule.finding_at(context, uri.span, uri.statement, message, Severity.INFO, uri.chain)


EXAMPLES = (
    Example(
        "an address in the code",
        """\
import mlflow

mlflow.set_tracking_uri("http://10.0.0.7:5000")  # MLF506
client = mlflow.MlflowClient("https://tracking.example.org")  # MLF506
""",
    ),
    Example(
        "as a default",
        """\
import os

import mlflow

mlflow.set_tracking_uri(os.getenv("MLFLOW_TRACKING_URI", "http://localhost:5000"))  # MLF506
os.environ["MLFLOW_TRACKING_URI"] = "http://tracking:5000"  # MLF506
""",
    ),
    Example(
        "a setting with a telling name",
        """\
import mlflow


class Settings:
    mlflow_tracking_uri = "http://mlflow:5000"  # MLF506


mlflow.set_tracking_uri(Settings.mlflow_tracking_uri)
""",
    ),
    Example(
        "from outside",
        """\
import os

import mlflow

mlflow.set_tracking_uri(os.environ["TRACKING"])
mlflow.set_experiment("forecast")
""",
    ),
    Example(
        "other addresses",
        """\
import mlflow

frame = read_csv("https://data.example.org/wine.csv")
mlflow.log_param("source", "https://data.example.org/wine.csv")
""",
    ),
    Example(
        "a name for a server that is kept elsewhere",
        """\
import mlflow

mlflow.set_tracking_uri("databricks")
mlflow.set_registry_uri("databricks-uc")
""",
    ),
)

RULE = Rule(
    "MLF506",
    "server-address-hardcoded",
    "the address of the tracking server stands in the code",
    check,
    EXAMPLES,
    __doc__ or "",
    Status.OPT_IN,
)
