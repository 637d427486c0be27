"""
## What it does
Finds a `sqlite:` URI that becomes the tracking or registry URI, where it stands in code that is no test. It is in
preview, except in a module that starts worker processes: there it is on.

## Why it costs
SQLite takes one writer at a time: the others wait, and after some seconds they raise `database is locked`. The file
belongs to one machine, so runs of other machines do not come together with these.

## Fix safety
No fix is offered: start a server on the same file (`mlflow server --backend-store-uri sqlite:///mlflow.db`), and let
all processes log to that.

## Options
None.

## References
- MLflow: `mlflow/store/tracking/sqlalchemy_store.py` (`SqlAlchemyStore`)
- SQLite: "Appropriate Uses For SQLite"
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.flow.workers import worker_start
from mlflow_lint.analysis.store.tracking_uris import Store
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule, Status


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """SQLite files that are tracking stores."""
    started = worker_start(context.effects, context.bodies)
    for uri in context.tracking_uris:
        if uri.store is not Store.SQLITE or ":memory:" in uri.spelling.text:
            continue
        writers = "" if started is None else f", and {started[0]} starts worker processes ({started[1]})"
        message = (
            f"{uri.shown!r} makes a SQLite file the tracking store ({uri.taken}){writers}: it takes one writer at a "
            "time, others wait and then fail; start a server on the file, and give that server's address"
        )
        yield rule.finding_at(context, uri.span, uri.statement, message, Severity.WARNING, uri.chain)


def beside_workers(rule: Rule, context: Context) -> Iterator[Finding]:
    """The same, where the module starts worker processes."""
    if worker_start(context.effects, context.bodies) is not None:
        yield from check(rule, context)


EXAMPLES = (
    Example(
        "beside worker processes",
        """\
from concurrent.futures import ProcessPoolExecutor

import mlflow

mlflow.set_tracking_uri("sqlite:///mlflow.db")  # MLF507


def train(seed):
    with mlflow.start_run():
        mlflow.log_metric("score", fit(seed))


with ProcessPoolExecutor() as pool:
    pool.map(train, range(8))
""",
    ),
    Example(
        "a default",
        """\
import os

import mlflow

TRACKING_URI = os.getenv("MLFLOW_TRACKING_URI", "sqlite:///mlruns/mlflow.db")  # MLF507
mlflow.set_tracking_uri(TRACKING_URI)
""",
    ),
    Example(
        "joined from a path",
        """\
from pathlib import Path

import mlflow

mlflow.set_tracking_uri(f"sqlite:///{Path.cwd() / 'mlflow.db'}")  # MLF507
client = mlflow.MlflowClient(tracking_uri="sqlite+pysqlite:///runs.db")  # MLF507
""",
    ),
    Example(
        "a server",
        """\
import mlflow

mlflow.set_tracking_uri("http://127.0.0.1:5000")
""",
    ),
    Example(
        "other databases of the same program",
        """\
import mlflow

study = create_study(storage="sqlite:///study.db")
engine = create_engine("sqlite:///data.db")
mlflow.log_metric("best", study.best_value)
""",
    ),
    Example(
        "from outside, or gone with the process",
        """\
import os

import mlflow

mlflow.set_tracking_uri(os.environ["TRACKING"])
mlflow.set_tracking_uri("sqlite:///:memory:")
""",
    ),
)

RULE = Rule(
    "MLF507",
    "sqlite-store-in-code",
    "a SQLite file is the tracking store",
    check,
    EXAMPLES,
    __doc__ or "",
    Status.PREVIEW,
    beyond_doubt=beside_workers,
)
