"""Pylint's parseable lines, which many review tools and editors have a pattern for."""

from __future__ import annotations

from collections.abc import Sequence

from mlflow_lint.report.headline import message
from mlflow_lint.report.model import FileReport, Options
from mlflow_lint.report.on_disk import OnDisk
from mlflow_lint.report.visible import visible_at_start


def render(results: Sequence[FileReport], options: Options) -> str:
    """Return a line per finding, nothing without findings; lines of a notebook are those of its JSON."""
    return "".join(_lines(report) for report in results)


def _lines(report: FileReport) -> str:
    disk = OnDisk(report)
    path = visible_at_start(report.path)
    return "".join(
        f"{path}:{disk.region(finding.region).line}: [{finding.code}] {message(finding)}\n"
        for finding in report.findings
    )
