"""The objects of `json`, one a line, for what reads a stream."""

from __future__ import annotations

from collections.abc import Sequence

from mlflow_lint.report.json_array import items
from mlflow_lint.report.json_text import json_text
from mlflow_lint.report.model import FileReport, Options


def render(results: Sequence[FileReport], options: Options) -> str:
    """Return a line per finding; nothing without findings."""
    return "".join(f"{json_text(item)}\n" for report in results for item in items(report, options))
