"""What a fix does to the lines it touches, as a diff without context.

Invariant: the lines that go and come are those of the text with all edits of the fix made.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from mlflow_lint.findings import Edit, Fix
from mlflow_lint.record import record
from mlflow_lint.report.model import FileReport
from mlflow_lint.source.editing import edited
from mlflow_lint.source.file import LineIndex, split_lines


@record
class Hunk:
    """Lines next to each other that a fix replaces; either side may be empty."""

    line: int
    """Number of the first line, in a notebook in its cell."""
    gone: tuple[str, ...]
    come: tuple[str, ...]

    @property
    def last(self) -> int:
        """Number of the last line that goes."""
        return self.line + max(len(self.gone), 1) - 1


class SmallDiffs:
    """The diffs of the fixes of one file."""

    def __init__(self, report: FileReport) -> None:
        self._text = report.text
        self._index = LineIndex(report.text)
        self._cells = [self._index.position(cell.start)[0] for cell in report.cells or ()]

    def of(self, fix: Fix) -> list[Hunk]:
        """The hunks of a fix, from the top; none where the text is not at hand."""
        if any(edit.end > len(self._text) for edit in fix.edits):
            return []
        return [hunk for first, last, edits in self._groups(fix.edits) for hunk in self._hunk(first, last, edits)]

    def _groups(self, edits: Sequence[Edit]) -> list[tuple[int, int, list[Edit]]]:
        """Edits that touch the same or neighbouring lines, with the first and last of these."""
        groups: list[tuple[int, int, list[Edit]]] = []
        for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
            first, last = self._index.position(edit.start)[0], self._index.position(edit.end)[0]
            if groups and first <= groups[-1][1] + 1:
                start, end, members = groups[-1]
                groups[-1] = (start, max(end, last), [*members, edit])
            else:
                groups.append((first, last, [edit]))
        return groups

    def _hunk(self, first: int, last: int, edits: Sequence[Edit]) -> Iterator[Hunk]:
        start = self._index.offset(first, 1)
        is_last = last == self._index.line_count
        end = len(self._text) if is_last else self._index.offset(last + 1, 1)
        before = self._text[start:end]
        gone, come = split_lines(before), split_lines(edited(before, edits, start))
        if not is_last:
            gone, come = gone[:-1], come[:-1]  # what follows the last line's end is the next line's
        ahead = _alike(gone, come)
        gone, come = gone[ahead:], come[ahead:]
        behind = _alike(gone[::-1], come[::-1])
        if behind:
            gone, come = gone[:-behind], come[:-behind]
        if gone or come:
            yield Hunk(self._number(first + ahead), tuple(gone), tuple(come))

    def _number(self, line: int) -> int:
        cell = bisect_right(self._cells, line)
        return line - self._cells[cell - 1] + 1 if cell else line


def _alike(left: Sequence[str], right: Sequence[str]) -> int:
    """How many lines are the same at the beginning."""
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count
