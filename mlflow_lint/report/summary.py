"""The last line of the text formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mlflow_lint.findings import Applicability
from mlflow_lint.report.model import FileReport, Options


def summary(results: Sequence[FileReport], checked: int, options: Options) -> str:
    """Return one sentence, without newline: what was found in `checked` files, and how much can be fixed."""
    found = sum(len(report.findings) for report in results)
    if not checked:
        return "No files were checked."
    if not found:
        return f"No findings in {_counted(checked, 'file')}."
    files = sum(bool(report.findings) for report in results)
    return f"Found {_counted(found, 'finding')} in {_counted(files, 'file')}{_fixable(results, options)}."


def _fixable(results: Sequence[FileReport], options: Options) -> str:
    fixes = Counter(
        finding.fix.applicability for report in results for finding in report.findings if finding.fix is not None
    )
    safe, unsafe = fixes[Applicability.SAFE], fixes[Applicability.UNSAFE]
    if safe and unsafe and not options.unsafe_fixes:
        return f" ({safe} fixable with --fix, {unsafe} more with --unsafe-fixes)"
    if unsafe:
        return f" ({safe + unsafe} fixable with --fix --unsafe-fixes)"
    return f" ({safe} fixable with --fix)" if safe else ""


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
