"""Findings under the name of their file, for people who go through a repository file by file."""

from __future__ import annotations

from collections.abc import Sequence

from mlflow_lint.report.headline import is_fixable, position
from mlflow_lint.report.model import FileReport, Options
from mlflow_lint.report.summary import summary
from mlflow_lint.report.visible import visible, visible_at_start


def render(results: Sequence[FileReport], options: Options) -> str:
    """Return a block per file that has findings and the summary, never coloured."""
    blocks = [_block(report) for report in results if report.findings]
    return "\n".join([*blocks, f"{summary(results, len(results), options)}\n"])


def _block(report: FileReport) -> str:
    places = [position(finding) for finding in report.findings]
    width = max(map(len, places))
    lines = [f"{visible_at_start(report.path)}:"]
    for place, finding in zip(places, report.findings, strict=True):
        mark = "[*] " if is_fixable(finding) else ""
        lines.append(f"  {place:<{width}} {finding.code} {mark}{visible(finding.message)}")
    return "".join(f"{line}\n" for line in lines)
