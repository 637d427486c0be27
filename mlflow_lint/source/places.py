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

    @property
    def start(self) -> int:
        """Offset at which the code begins: in a notebook, its first cell."""
        return self._starts[0] if self._starts else 0

    def line(self, offset: int) -> int:
        """Line of an offset in the whole text, all cells of a notebook counted."""
        return self._lines.position(offset)[0]

    def offset(self, line: int) -> int:
        """Where a line of the whole text begins."""
        return self._lines.offset(line, 1)

    def line_of(self, line: int, cell: int | None) -> int:
        """The line of the whole text that is a line of a cell; `ValueError` if there is no such cell."""
        if self._starts is None or cell is None:
            return line
        if not 1 <= cell <= len(self._starts):
            raise ValueError(f"there is no cell {cell}")
        return self.line(self._starts[cell - 1]) + line - 1

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
