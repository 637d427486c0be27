"""The line that stands for a finding in the text formats."""

from __future__ import annotations

from mlflow_lint.findings import Applicability, Finding
from mlflow_lint.report.visible import visible, visible_at_start


def headline(path: str, finding: Finding) -> tuple[str, str, str, str]:
    """Return place, code, mark and message of a finding; joined they are its line."""
    return (
        f"{visible_at_start(path)}:{position(finding)}:",
        f" {finding.code}",
        " [*]" if is_fixable(finding) else "",
        f" {visible(finding.message)}",
    )


def position(finding: Finding) -> str:
    """Return line and column of a finding, in a notebook with the cell."""
    region = finding.region
    cell = "" if region.cell is None else f"cell {region.cell}:"
    return f"{cell}{region.line}:{region.column}"


def message(finding: Finding) -> str:
    """Return what a finding says, for formats that know places in files only: they cannot tell the cell."""
    cell = "" if finding.region.cell is None else f"{position(finding)}: "
    return f"{cell}{visible(finding.message)}"


def is_fixable(finding: Finding) -> bool:
    """Whether `--fix` alone mends it, which is what `[*]` says in every report."""
    return finding.fix is not None and finding.fix.applicability is Applicability.SAFE
