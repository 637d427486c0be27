"""
## What it does
Finds an interval for the sampling of system metrics that, times the number of samples for a write, is below 5 seconds:
`set_system_metrics_sampling_interval`, or `MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL` in the environment.

## Why it costs
Each sample reads the run (1 request and 7 SQL statements), and each write is 1 request and 6 statements. The default, a
sample each 10 seconds, makes 12 requests a minute; a sample each second makes 120, for each process, all the time that
the run is open. More samples for a write save the writes only: the reads stay.

## Fix safety
No fix is offered: how often is enough is for the user to say. Raise the interval first.

## Options
None.

## References
- MLflow: `mlflow/system_metrics/system_metrics_monitor.py` (`SystemMetricsMonitor`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.store.system_metrics import samplings
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule

_LEAST = 5


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Intervals that are too short."""
    for sampling in samplings(context.effects, context.unit, context.touching_bodies):
        each = sampling.interval * sampling.samples
        if each < _LEAST:
            where = context.unit.where(sampling.span[0])
            message = (
                f"system metrics are written each {each:g} s (sampled each {sampling.interval:g} s, {where}): "
                f"{sampling.requests} requests a minute for as long as the run is open, where the default makes 12; "
                "raise the interval to 10 s"
            )
            chain = (context.step(sampling.span[0], f"a sample each {sampling.interval:g} s"),)
            yield rule.finding_at(context, sampling.span, sampling.statement, message, Severity.WARNING, chain)


EXAMPLES = (
    Example(
        "a sample each second",
        """\
import mlflow

mlflow.enable_system_metrics_logging()
mlflow.set_system_metrics_sampling_interval(1)  # MLF504
mlflow.set_experiment("forecast")
""",
    ),
    Example(
        "in the environment",
        """\
import os

import mlflow

os.environ["MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL"] = "0.5"  # MLF504
mlflow.set_experiment("forecast")
""",
    ),
    Example(
        "too few samples for a write",
        """\
import mlflow

mlflow.set_system_metrics_sampling_interval(1)  # MLF504
mlflow.set_system_metrics_samples_before_logging(3)
mlflow.log_param("samples", 3)
""",
    ),
    Example(
        "as often as the default",
        """\
import mlflow

mlflow.set_system_metrics_sampling_interval(10)
mlflow.set_system_metrics_samples_before_logging(1)
""",
    ),
    Example(
        "enough samples for a write",
        """\
import mlflow

mlflow.set_system_metrics_sampling_interval(1)
mlflow.set_system_metrics_samples_before_logging(samples=30)
""",
    ),
    Example(
        "numbers from outside",
        """\
import mlflow

mlflow.set_system_metrics_sampling_interval(config.interval)
mlflow.set_system_metrics_sampling_interval(1)
mlflow.set_system_metrics_samples_before_logging(config.samples)
""",
    ),
)

RULE = Rule(
    "MLF504",
    "system-metrics-too-often",
    "system metrics are sampled and written too often",
    check,
    EXAMPLES,
    __doc__ or "",
)
