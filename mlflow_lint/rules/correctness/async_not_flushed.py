"""
## What it does
Finds a program whose asynchronous writes are buffered (`synchronous=False`, `mlflow.config.enable_async_logging()` or
`MLFLOW_ENABLE_ASYNC_LOGGING`, with `MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS` set in the file) and that has neither
`with start_run()`, nor `end_run()`, nor `flush_async_logging()`. The flow is that of the module and of the functions
that it calls; one finding, at the first such write, or at the call that leads to another file.

Notebooks are left alone: their process goes on, and the buffer is sent.

## Why it costs
What is still buffered when the program ends is lost: at that time Python takes no more work for threads, and MLflow
can no longer send it. A program that is done before the first seconds are over stores nothing at all. Nothing is
raised, and the run says `FINISHED`.

## Fix safety
No fix is offered: open the run with `with mlflow.start_run():`, or call `mlflow.flush_async_logging()` at the end.

## Options
None.

## References
- MLflow: `mlflow/utils/async_logging/async_logging_queue.py` (`AsyncLoggingQueue`)
- Python: `concurrent/futures/thread.py` (`ThreadPoolExecutor.submit`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.correctness.unflushed import unflushed
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule
from mlflow_lint.source.file import is_databricks, is_notebook


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """The first buffered write of a program that flushes nothing."""
    unit = context.unit
    goes_on = is_notebook(unit.path) or is_databricks(unit.text)
    found = None if goes_on else unflushed(context.lifecycle, context.bodies)
    if found is None:
        return
    write = found.chain[-1]
    where = "" if write.path == context.unit.path else f" ({write.place})"
    since = f"{found.buffered.what}, {context.unit.where(found.buffered.span[0])}"
    message = (
        f"{write.text}{where} is buffered ({since}) and nothing flushes: what waits when the program ends is lost, "
        "and the run says FINISHED; use `with mlflow.start_run():`, or call flush_async_logging() at the end"
    )
    yield rule.finding(context, found.site.call, found.site.statement, message, Severity.ERROR, found.chain)


EXAMPLES = (
    Example(
        "a run that nothing ends",
        """\
import os

import mlflow

os.environ["MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS"] = "2"
mlflow.start_run()
for step in range(20):
    mlflow.log_metric("loss", 1 / (step + 1), step=step, synchronous=False)  # MLF414
""",
    ),
    Example(
        "switched on for all writes, through a function",
        """\
import os

import mlflow

os.environ.setdefault("MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS", "5")
mlflow.config.enable_async_logging(True)


def train():
    for epoch in range(20):
        mlflow.log_metrics({"loss": 1 / (epoch + 1)}, step=epoch)  # MLF414


if __name__ == "__main__":
    mlflow.start_run()
    train()
""",
    ),
    Example(
        "a run that MLflow opens",
        """\
import os

import mlflow

os.environ.update({"MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS": "2", "MLFLOW_ENABLE_ASYNC_LOGGING": "true"})
mlflow.log_metric("accuracy", 0.5)  # MLF414
""",
    ),
    Example(
        "the block of a run",
        """\
import os

import mlflow

os.environ["MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS"] = "2"
with mlflow.start_run():
    for step in range(20):
        mlflow.log_metric("loss", 1 / (step + 1), step=step, synchronous=False)
""",
    ),
    Example(
        "flushed at the end",
        """\
import os

import mlflow

os.environ["MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS"] = "2"
mlflow.config.enable_async_logging()
mlflow.start_run()
for step in range(20):
    mlflow.log_metric("loss", 1 / (step + 1), step=step)
mlflow.flush_async_logging()
""",
    ),
    Example(
        "the run is ended",
        """\
import os

import mlflow

os.environ["MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS"] = "2"
mlflow.start_run()
for step in range(20):
    mlflow.log_metric("loss", 1 / (step + 1), step=step, synchronous=False)
mlflow.end_run()
""",
    ),
    Example(
        "no buffer, or none of its own",
        """\
import mlflow

mlflow.start_run()
for step in range(20):
    mlflow.log_metric("loss", 1 / (step + 1), step=step, synchronous=False)
""",
    ),
    Example(
        "a logger whose user ends the run",
        """\
import os

import mlflow

os.environ["MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS"] = "2"


class Tracker:
    def log(self, metrics, step):
        mlflow.log_metrics(metrics, step=step, synchronous=False)
""",
    ),
)

RULE = Rule(
    "MLF414",
    "async-not-flushed",
    "buffered asynchronous writes are lost at the end of the program",
    check,
    EXAMPLES,
    __doc__ or "",
)
