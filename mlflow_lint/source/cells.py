"""The cells of a source, also of notebooks that are kept as files of Python, and what of them fixes may change.

Databricks parts cells by lines `# COMMAND ----------`; Jupytext, Spyder and VS Code part them by lines `# %%`, in files
that are programs as well and are read as a whole. Invariant: cells are stretches of the text, in order, and offsets are
those of the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable

from mlflow_lint.findings import Edit
from mlflow_lint.regex import regex
from mlflow_lint.source.file import Cell, SourceFile, is_databricks

BORDER = regex(r"^#(?: COMMAND -{10}|[ \t]*%%)", re.MULTILINE)
"""Where the line begins that opens a new cell of a file of Python."""
_COMMAND = regex(r"^# COMMAND -{10}", re.MULTILINE)


def commands(text: str) -> tuple[Cell, ...]:
    """The cells of a notebook of Databricks, each with the line that opens it."""
    from mlflow_lint.source.magics import python_of  # most runs meet none

    return tuple(Cell(start, piece, python_of(piece)) for start, piece in _pieces(text, _COMMAND))


def cells_of(source: SourceFile) -> tuple[Cell, ...]:
    """The code cells of a notebook, in whatever form it is kept; all of the text where it is none."""
    if source.cells is not None:
        return source.cells
    if is_databricks(source.text):
        return commands(source.text)
    return tuple(Cell(start, piece, piece) for start, piece in _pieces(source.text, BORDER))


def only_cell(cells: tuple[Cell, ...], edits: Iterable[Edit]) -> Cell | None:
    """The cell that all edits, of which there is at least one, lie in; None if they change what is not Python."""
    places = [(edit.start, edit.end) for edit in edits]
    number = bisect_right([cell.start for cell in cells], places[0][0])
    cell = cells[max(number, 1) - 1]
    inside = all(cell.start <= start and end <= cell.end for start, end in places)
    spans = [slice(start - cell.start, end - cell.start) for start, end in places]
    return cell if inside and all(cell.text[span] == cell.python[span] for span in spans) else None


def _pieces(text: str, border: re.Pattern[str]) -> list[tuple[int, str]]:
    """The stretches between borders, with where they begin."""
    starts = [0, *(found.start() for found in border.finditer(text) if found.start())]
    return [(start, text[start:end]) for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
