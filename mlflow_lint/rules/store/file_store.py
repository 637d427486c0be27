"""
## What it does
Finds a `file:` URI or a plain path that becomes the tracking or registry URI: in `set_tracking_uri`, `MlflowClient`, a
logger's `tracking_uri=`, in `MLFLOW_TRACKING_URI`, or as the fallback where that, or the key of a configuration, is
not set. A finding stands where the literal stands, once.

Test code is left out, and so are files that set `MLFLOW_ALLOW_FILE_STORE`.

## Why it costs
From version 3.13 on, MLflow raises for a store of files unless `MLFLOW_ALLOW_FILE_STORE` is set. Such a store never
took several writers: it holds no locks, so two processes that log to one run overwrite each other's files.

## Fix safety
No fix is offered: what is in the old store has to come along (`mlflow migrate-filestore`).

## Options
`target-mlflow-version`: what the message says of the version (read from the dependencies by default).

## References
- MLflow: `mlflow/store/tracking/file_store.py` (`FileStore`)
- MLflow: `mlflow/environment_variables.py` (`MLFLOW_ALLOW_FILE_STORE`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.store.tracking_uris import Store
from mlflow_lint.facts.releases import FILE_STORE_RAISES, written
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.project.target import Target
from mlflow_lint.rules.base import Example, Rule

_ALLOWING = "MLFLOW_ALLOW_FILE_STORE"


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Folders that are tracking stores."""
    if _ALLOWING in context.unit.text:
        return
    for uri in context.tracking_uris:
        if uri.store is Store.FILE:
            message = (
                f"{uri.shown!r} makes a folder the tracking store ({uri.taken}): {_trouble(context.target)}; give a "
                "server's address, or sqlite:///mlflow.db for a single process"
            )
            yield rule.finding_at(context, uri.span, uri.statement, message, Severity.WARNING, uri.chain)


def _trouble(target: Target) -> str:
    """What is wrong with a folder in the version of MLflow that the project is for."""
    since = written(FILE_STORE_RAISES)
    if target.has(FILE_STORE_RAISES):
        return f"from {since} on MLflow raises for it unless {_ALLOWING} is set, and it never took two writers"
    return f"it never took two writers, and {since}, newer than this project's {target}, raises for it"


EXAMPLES = (
    Example(
        "a file: URI, and a plain path",
        """\
import mlflow
from mlflow import MlflowClient

mlflow.set_tracking_uri("file:./mlruns")  # MLF501
mlflow.set_experiment("forecast")
archive = MlflowClient("./mlruns")  # MLF501
mlflow.set_registry_uri("file:///models")  # MLF501
""",
    ),
    Example(
        "the default of a setting",
        """\
import os

import mlflow
from lightning.pytorch.loggers import MLFlowLogger

URI = os.getenv("MLFLOW_TRACKING_URI", "file:./mlruns")  # MLF501
os.environ.setdefault("MLFLOW_TRACKING_URI", "mlruns")  # MLF501


def start(tracking_uri=None, config=None):
    mlflow.set_tracking_uri(config.get("mlflow", {}).get("uri", "./mlruns"))  # MLF501
    mlflow.set_tracking_uri(tracking_uri or "file:./ml-runs")  # MLF501
    mlflow.set_tracking_uri(URI)
    return MLFlowLogger("forecast", tracking_uri="file:./ml-runs")  # MLF501
""",
    ),
    Example(
        "joined from a path",
        """\
import os
from pathlib import Path

import mlflow

ROOT = Path(__file__).resolve().parents[1]
uri = f"file://{ROOT / 'mlruns'}"  # MLF501
mlflow.set_tracking_uri(uri)
client = mlflow.MlflowClient(tracking_uri=uri)
mlflow.set_tracking_uri((ROOT / "runs").as_uri())  # MLF501
mlflow.set_tracking_uri(os.path.join(os.getcwd(), "mlruns"))  # MLF501
""",
    ),
    Example(
        "servers, databases, and what is not in sight",
        """\
import os

import mlflow

mlflow.set_tracking_uri("http://tracking:5000")
mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.set_tracking_uri("databricks")
mlflow.set_tracking_uri(os.environ["MLFLOW_TRACKING_URI"])


def start(config):
    mlflow.set_tracking_uri(config.uri)
    mlflow.set_tracking_uri(f"{config.scheme}://{config.host}")
""",
    ),
    Example(
        "the store of files is allowed here",
        """\
import os

import mlflow

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
mlflow.set_tracking_uri("file:./mlruns")
""",
    ),
    Example(
        "paths that are no tracking URI",
        """\
import mlflow

uri = "./data"
frame = load(uri)
uri = "https://tracking.example.org"
mlflow.set_tracking_uri(uri)
mlflow.create_experiment("forecast", artifact_location="file:./artifacts")
study = create_study(storage="sqlite:///study.db")
mlflow.log_artifacts("./mlruns")
""",
    ),
)

RULE = Rule(
    "MLF501",
    "file-store",
    "a folder is the tracking store",
    check,
    EXAMPLES,
    __doc__ or "",
)
