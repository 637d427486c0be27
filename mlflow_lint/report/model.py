"""What every report is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlflow_lint.findings import Finding, Region
from mlflow_lint.source.file import Cell, split_lines


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
    cells: tuple[Cell, ...] | None = None
    """Code cells of a notebook."""

    def line(self, region: Region) -> str | None:
        """Return the line that a region begins in, without newline; None when not available."""
        lines: Sequence[str] = self.lines
        if region.cell is not None:
            # Where there are no cells, there are no lines either.
            lines = [
                line for cell in (self.cells or ())[region.cell - 1 : region.cell] for line in split_lines(cell.text)
            ]
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
