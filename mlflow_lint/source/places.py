"""Where the offsets of a text lie, as findings say it: in a line of a file, or in a line of a notebook's cell.

Invariant: lines and columns count from 1, in a notebook from the start of the cell; code cells count from 1.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from mlflow_lint.findings import Region
from mlflow_lint.source.file import Cell, LineIndex


class Places:
    """The places of one source, given by its text and, for a notebook, its cells."""

    def __init__(self, text: str, cells: Sequence[Cell] | None) -> None:
        self._lines = LineIndex(text)
        self._starts = None if cells is None else [cell.start for cell in cells]

    def line(self, offset: int) -> int:
        """Line of an offset in the whole text, all cells of a notebook counted."""
        return self._lines.position(offset)[0]

    def cell(self, offset: int) -> int | None:
        """Number of the cell that an offset lies in; None in what is no notebook."""
        return None if self._starts is None else bisect_right(self._starts, offset)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset."""
        line, column = self._lines.position(offset)
        if self._starts is None:
            return line, column
        first, _ = self._lines.position(self._starts[bisect_right(self._starts, offset) - 1])
        return line - first + 1, column

    def region(self, start: int, end: int) -> Region:
        """The stretch between two offsets, which lie in one cell."""
        return Region(*self.position(start), *self.position(end), self.cell(start))
