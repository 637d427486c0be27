"""Where findings stand in the file as it lies on the disk, which is how CI systems show and compare it.

Invariant: for a file of Python that is where the finding says; in a notebook it is lines of the JSON, whole ones, since
its columns mean nothing to a reader.
"""

from __future__ import annotations

from functools import cached_property

from mlflow_lint.findings import Region
from mlflow_lint.report.model import FileReport
from mlflow_lint.source.file import LineIndex, is_notebook, split_lines


class OnDisk:
    """One file of a report."""

    def __init__(self, report: FileReport) -> None:
        self._report = report
        self.is_notebook = is_notebook(report.path)

    @property
    def text(self) -> str:
        """What the file holds; "" when that is not known."""
        return self._report.written if self.is_notebook else self._report.text

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """Its lines without newlines; none when they are not known."""
        if not self.is_notebook:
            return self._report.lines
        return tuple(split_lines(self.text)) if self.text else ()

    def region(self, region: Region) -> Region:
        """The stretch of the file that a region of a finding is; the first line where that cannot be told."""
        if not self.is_notebook:
            return region
        first = self.line_of(region.cell, region.line)
        last = max(first, self.line_of(region.cell, region.end_line))
        return Region(first, 1, last, len(self.line(last)) + 1)

    def line_of(self, cell: int | None, line: int) -> int:
        """The line of the file that is a line of a cell."""
        if not self.is_notebook:
            return line
        if cell is None:  # the whole notebook is meant, and its JSON counted
            return line if 1 <= line <= len(self.lines) else 1
        if not 1 <= cell <= len(self._cells):
            return 1
        lines = self._cells[cell - 1]
        return lines[min(line, len(lines)) - 1]

    def line(self, number: int) -> str:
        """A line of the file, "" when it is not known."""
        return self.lines[number - 1] if 1 <= number <= len(self.lines) else ""

    @cached_property
    def _cells(self) -> list[list[int]]:
        """For each code cell, the line of the JSON on which each of its lines begins; never an empty list."""
        if not self.text or self._report.cells is None:
            return []
        from mlflow_lint.source.rewrite import source_spans  # most reports have no notebook

        try:
            spans = source_spans(self.text)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):  # it has changed since
            return []
        index = LineIndex(self.text)
        return [self._line_starts(index, *span) for span in spans]

    def _line_starts(self, index: LineIndex, start: int, end: int) -> list[int]:
        """The same for the cell whose `source` stands between two offsets."""
        import json

        from mlflow_lint.source.rewrite import STRING

        begun: list[int] = []
        ended = True
        for item in STRING.finditer(self.text, start, end):
            here = index.position(item.start())[0]
            pieces = split_lines(json.loads(item[0]))
            if ended:
                begun.append(here)
            begun += [here] * (len(pieces) - 1)
            ended = len(pieces) > 1 and not pieces[-1]
            if ended:  # the line that begins behind the newline begins in the next string
                begun.pop()
        return begun or [index.position(start)[0]]
