"""What hosted tracking servers limit, as their vendors publish it.

One row for each limit that a message can speak of. Invariant: a row says what the vendor says, and where; MLflow's own
server has no rows, since it limits nothing that a finding is about.
"""

from __future__ import annotations

import enum

from mlflow_lint.record import record

BACKENDS = ("oss", "databricks", "azureml")
"""The values of the setting `tracking-backend`."""


class Limited(enum.Enum):
    """What is limited."""

    METRIC_NAMES = "metric names in a run"
    METRIC_POINTS = "points of metrics in a run"
    BATCH_POINTS = "points of metrics in a request"
    SEARCHES = "searches for runs, a second"


@record
class Limit:
    """A limit of a vendor."""

    amount: int
    words: str
    """For the end of a message."""
    source: str


_AZURE = "https://learn.microsoft.com/azure/machine-learning/resource-limits-capacity (Metrics)"
_DATABRICKS = "https://docs.databricks.com/aws/en/resources/limits (MLflow)"
_DATABRICKS_RATES = "https://docs.databricks.com/aws/en/resources/limits (API rate limits)"

LIMITS: dict[tuple[str, Limited], Limit] = {
    ("azureml", Limited.METRIC_NAMES): Limit(50, "Azure ML keeps at most 50 metric names in a run", _AZURE),
    ("azureml", Limited.METRIC_POINTS): Limit(
        1_000_000, "Azure ML keeps at most 1 million points of a metric in a run", _AZURE
    ),
    ("azureml", Limited.BATCH_POINTS): Limit(250, "Azure ML takes at most 250 points in a request", _AZURE),
    ("databricks", Limited.METRIC_POINTS): Limit(
        1_000_000, "Databricks keeps at most 1 million points of all metrics in a run", _DATABRICKS
    ),
    ("databricks", Limited.SEARCHES): Limit(
        7, "Databricks answers 7 searches a second in a workspace", _DATABRICKS_RATES
    ),
}
