"""Lines broken between words, so that a terminal need not break them within one.

Invariant: nothing but blanks and newlines is added, and no blank that was there is lost but those at a break.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlflow_lint.report.excerpt import cell_len
from mlflow_lint.report.paint import Line

_PIECE = re.compile(r" +|[^ ]+")
_NARROWEST = 40
"""Cells below which breaking makes nothing easier to read."""


def wrapped(line: Line, width: int, margin: Line) -> Iterator[Line]:
    """Return a line in as many as it takes to fit into `width` cells, all but the first behind `margin`."""
    if width < _NARROWEST or sum(cell_len(text) for text, _ in line) <= width:
        yield line
        return
    indent = sum(cell_len(text) for text, _ in margin)
    current: Line = []
    used = 0
    filled = False
    for text, style in line:
        for piece in _PIECE.findall(text):
            size = cell_len(piece)
            if filled and not piece.isspace() and used + size > width:
                yield _without_blanks(current)
                current, used, filled = [*margin], indent, False
            if piece.isspace() and not filled and current:
                continue
            current.append((piece, style))
            used += size
            filled = filled or not piece.isspace()
    yield current


def _without_blanks(line: Line) -> Line:
    while line and line[-1][0].isspace():
        line = line[:-1]
    return line
