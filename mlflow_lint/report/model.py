"""What every report is made from."""

from __future__ import annotations

from dataclasses import dataclass

from mlflow_lint.findings import Finding, Region


@dataclass(frozen=True, slots=True)
class FileReport:
    """One checked file. A file without findings needs neither `lines` nor `text`."""

    path: str
    """As shown to the user: relative to the working directory where possible, forward slashes."""
    findings: tuple[Finding, ...]
    """Sorted."""
    lines: tuple[str, ...]
    """Physical lines without newlines; empty when not available."""
    text: str
    """Decoded text, "" when not available: turns the offsets of edits into positions."""
    cells: tuple[tuple[str, ...], ...] = ()
    """The lines of each code cell of a notebook."""

    def line(self, region: Region) -> str | None:
        """Return the line that a region begins in, without newline; None when not available."""
        lines = self.lines if region.cell is None else next(iter(self.cells[region.cell - 1 :]), ())
        return lines[region.line - 1] if 1 <= region.line <= len(lines) else None


@dataclass(frozen=True, slots=True)
class Options:
    """How to print."""

    color: bool
    width: int
    unsafe_fixes: bool
    """Whether unsafe fixes count as fixable in the summary."""
    docs_url: str
    """Base of the rules' pages."""

    def page(self, code: str) -> str:
        """Return the address of a rule's page, by code because codes never change and names may."""
        return f"{self.docs_url.rstrip('/')}/{code}"
