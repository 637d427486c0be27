"""The line that stands for a finding in the text formats."""

from __future__ import annotations

from mlflow_lint.findings import Applicability, Finding
from mlflow_lint.report.visible import visible, visible_at_start


def headline(path: str, finding: Finding) -> tuple[str, str, str, str]:
    """Return place, code, mark and message of a finding; joined they are its line."""
    region = finding.region
    cell = "" if region.cell is None else f"cell {region.cell}:"
    return (
        f"{visible_at_start(path)}:{cell}{region.line}:{region.column}:",
        f" {finding.code}",
        " [*]" if is_fixable(finding) else "",
        f" {visible(finding.message)}",
    )


def is_fixable(finding: Finding) -> bool:
    """Whether `--fix` alone mends it, which is what `[*]` says in every report."""
    return finding.fix is not None and finding.fix.applicability is Applicability.SAFE
