"""
## What it does
Finds a step that is a NumPy integer (`for step in np.arange(n)`, `np.int64(i)`, `np.argmin(losses)`) in a file whose
tracking URI is a database: `sqlite:`, `postgresql:` and their like.

## Why it costs
A server gets the step as text and takes it. A program that opens the database itself hands the object on as it is:
SQLite stores its bytes, and the next write of that key raises, because bytes cannot be compared with a number; other
databases refuse it at once. Step 0 goes well, so the first point hides it.

## Fix safety
No fix is offered: write `int(step)`, walk a `range`, or take the array's `.tolist()`.

## Options
None.

## References
- MLflow: `mlflow/store/tracking/sqlalchemy_store.py` (`_update_latest_metrics_if_necessary`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.correctness.numpy_steps import numpy_steps
from mlflow_lint.facts.traverse import shown
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule, Status


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Steps that are NumPy's."""
    for found in numpy_steps(context.effects, context.unit, context.touching_bodies):
        unit, start = found.place.unit, found.origin.span[0]
        origin = f"{shown(found.origin)}, {context.unit.where(start) if unit is context.unit else unit.at(start)}"
        message = (
            f"the step of {found.what} is a NumPy integer ({origin}): a database gets it as bytes, and the next write "
            f"of the key raises; pass int({shown(found.step)})"
        )
        at = found.site.call.span[0]
        chain = (unit.step(start, shown(found.origin)), context.step(at, found.what))
        yield rule.finding(context, found.site.call, found.site.statement, message, Severity.ERROR, chain)


EXAMPLES = (
    Example(
        "the items of an array",
        """\
import mlflow
import numpy as np

mlflow.set_tracking_uri("sqlite:///mlflow.db")
with mlflow.start_run():
    for step in np.arange(4):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)  # MLF415
""",
    ),
    Example(
        "one of several, shifted, indexed, found",
        """\
import os

import mlflow
import numpy as np

os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///mlflow.db"
steps = np.linspace(0, 100, 5, dtype=int)
for i, step in enumerate(steps):
    mlflow.log_metric("loss", losses[i], step + 1)  # MLF415
    mlflow.log_metric("rate", rates[i], step=steps[i])  # MLF415
mlflow.log_metric("best", min(losses), step=np.argmin(losses))  # MLF415
""",
    ),
    Example(
        "a helper, and a database from a variable",
        """\
import os

import mlflow
import numpy as np

mlflow.set_tracking_uri(os.getenv("MLFLOW_TRACKING_URI", "postgresql://tracking/mlflow"))


def report(epoch, loss):
    step = np.int64(epoch)
    mlflow.log_metric("loss", loss, step=step)  # MLF415
""",
    ),
    Example(
        "Python's own numbers",
        """\
import mlflow
import numpy as np

mlflow.set_tracking_uri("sqlite:///mlflow.db")
with mlflow.start_run():
    for step in np.arange(4):
        mlflow.log_metric("loss", 1 / (step + 1), step=int(step))
    for step in np.arange(4).tolist():
        mlflow.log_metric("error", 1 / (step + 1), step=step)
    for step, value in enumerate(np.arange(4)):
        mlflow.log_metric("value", value, step=step)
""",
    ),
    Example(
        "through a server",
        """\
import mlflow
import numpy as np

mlflow.set_tracking_uri("http://tracking:5000")
for step in np.arange(4):
    mlflow.log_metric("loss", losses[step], step=step)
""",
    ),
    Example(
        "no store in sight, and numbers that may be anything",
        """\
import mlflow
import numpy as np

mlflow.set_tracking_uri(config.uri)
for step in np.arange(4):
    mlflow.log_metric("loss", losses[step], step=step)
""",
    ),
    Example(
        "an array that is not in sight, a threshold",
        """\
import mlflow
import numpy as np

mlflow.set_tracking_uri("sqlite:///mlflow.db")
for step, loss in history:
    mlflow.log_metric("loss", loss, step=step)
for threshold in np.arange(0.1, 0.9, 0.1):
    mlflow.log_metric(f"f1_{threshold:.1f}", f1(threshold), step=round(10 * threshold))
""",
    ),
)

RULE = Rule(
    "MLF415",
    "numpy-step",
    "a NumPy integer is the step of a metric in a database",
    check,
    EXAMPLES,
    __doc__ or "",
    Status.PREVIEW,
)
