"""What every report is made from."""

from __future__ import annotations

from collections.abc import Sequence

from mlflow_lint.findings import Finding
from mlflow_lint.record import record
from mlflow_lint.source.file import Cell, split_lines


@record
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
    written: str = ""
    """The JSON that a notebook is, "" when not available."""

    def line(self, number: int, cell: int | None = None) -> str | None:
        """Return a line of the file, or of a notebook's cell, without newline; None when not available."""
        lines: Sequence[str] = self.lines
        if cell is not None:
            # Where there are no cells, there are no lines either.
            lines = [line for each in (self.cells or ())[cell - 1 : cell] for line in split_lines(each.text)]
        return lines[number - 1] if 1 <= number <= len(lines) else None


@record
class Options:
    """How to print."""

    color: bool
    width: int
    unsafe_fixes: bool
    """Whether unsafe fixes count as fixable in the summary."""
    docs_url: str
    """Base of the rules' pages."""
    wrap: bool = False
    """Whether long sentences of `full` are broken at `width`, as a terminal has no better place for it."""
    root: str = ""
    """The working directory, which reported paths are relative to; "" when not known."""
    checkout: str | None = None
    """Where a CI system has the repository, as it says."""

    def page(self, code: str) -> str:
        """Return the address of a rule's page, by code because codes never change and names may."""
        return f"{self.docs_url.rstrip('/')}/{code}"

    def address(self, code: str) -> str | None:
        """Return `page` for formats that take nothing but complete addresses."""
        page = self.page(code)
        return page if page.startswith(("https://", "http://")) else None

    @property
    def base(self) -> str:
        """The folder that CI systems know paths from: the checkout, if the work is done in it, else `root`."""
        checkout = (self.checkout or "").rstrip("/")
        return checkout if checkout and f"{self.root}/".startswith(f"{checkout}/") else self.root

    def from_base(self, path: str) -> str:
        """Return a reported path as seen from `base`; one that lies elsewhere stays absolute."""
        if not self.root:
            return path
        whole = path if is_absolute(path) else f"{self.root}/{path}"
        return whole.removeprefix(f"{self.base}/")


def is_absolute(path: str) -> bool:
    """Whether a path with forward slashes begins at a root or a drive."""
    return path.startswith("/") or path[1:3] == ":/"
