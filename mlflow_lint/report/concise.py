"""One line per finding, for terminals, editors and `grep`."""

from __future__ import annotations

from collections.abc import Sequence

from mlflow_lint.report.headline import headline
from mlflow_lint.report.model import FileReport, Options
from mlflow_lint.report.summary import summary


def render(results: Sequence[FileReport], options: Options) -> str:
    """Return a line per finding and the summary, never coloured."""
    lines = ["".join(headline(report.path, finding)) for report in results for finding in report.findings]
    lines.append(summary(results, len(results), options))
    return "\n".join(lines) + "\n"
