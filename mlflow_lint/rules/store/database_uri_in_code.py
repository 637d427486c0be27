"""
## What it does
Finds the URI of a database (`postgresql:`, `mysql:`, `mssql:`) that becomes the tracking or registry URI in code: in
`set_tracking_uri`, `MlflowClient`, a logger, or as the default of `MLFLOW_TRACKING_URI`. Test code is left out.

## Why it costs
Each process that logs opens a pool of its own to the database, past the server: a hundred workers are hundreds of
connections, and databases allow about a hundred. Each has to know the password of the database, with which it can drop
the tables, and each has to have the version of MLflow that the tables have.

## Fix safety
No fix is offered: the address of the server is not in sight.

## Options
None.

## References
- MLflow: `mlflow/store/db/utils.py` (`create_sqlalchemy_engine`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.store.tracking_uris import Store
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Databases that are logged to past the server."""
    for uri in context.tracking_uris:
        if uri.store is Store.DATABASE:
            message = (
                f"{uri.shown!r} is a database ({uri.taken}): each process that logs opens a pool of connections of its "
                "own to it, past the server; start mlflow server on it, and give that server's address"
            )
            yield rule.finding_at(context, uri.span, uri.statement, message, Severity.WARNING, uri.chain)


EXAMPLES = (
    Example(
        "a database is the tracking URI",
        """\
import mlflow

mlflow.set_tracking_uri("postgresql://db.example.org/mlflow")  # MLF508
client = mlflow.MlflowClient("mysql+pymysql://db/mlflow")  # MLF508
""",
    ),
    Example(
        "with the password from outside",
        """\
import os

import mlflow

user, password = os.environ["DB_USER"], os.environ["DB_PASSWORD"]
mlflow.set_tracking_uri(f"postgresql+psycopg2://{user}:{password}@db:5432/mlflow")  # MLF508
""",
    ),
    Example(
        "as a default",
        """\
import os

import mlflow

URI = os.environ.get("MLFLOW_TRACKING_URI", "postgresql://db/mlflow")  # MLF508


def main():
    mlflow.set_tracking_uri(URI)
""",
    ),
    Example(
        "a server",
        """\
import mlflow

mlflow.set_tracking_uri("https://tracking.example.org")
""",
    ),
    Example(
        "another database",
        """\
import mlflow

engine = create_engine("postgresql://db/features")
mlflow.set_tracking_uri("http://tracking:5000")
mlflow.log_param("source", "postgresql://db/features")
""",
    ),
    Example(
        "from outside",
        """\
import os

import mlflow

mlflow.set_tracking_uri(os.environ["DATABASE_URL"])
""",
    ),
)

RULE = Rule(
    "MLF508",
    "database-uri-in-code",
    "processes log to the database itself, past the server",
    check,
    EXAMPLES,
    __doc__ or "",
)
