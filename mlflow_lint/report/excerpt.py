"""One source line, cut to the width of the terminal, and where the marks under it go.

Invariant: widths are in terminal cells; Rich, which knows them, is imported only for text that is not ASCII.
"""

from __future__ import annotations

from mlflow_lint.record import record
from mlflow_lint.report.visible import is_harmless, visible_each

_TAB = 4
_CUT = "…"
_NARROWEST = 20
"""Cells below which an excerpt says nothing; a narrower terminal has to wrap."""


def cell_len(text: str) -> int:
    """How many cells of a terminal a text takes that has no control characters."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len as measured

    return measured(text)


@record
class Excerpt:
    """A line as shown; `indent` and `length` of the marks are in terminal cells."""

    text: str
    indent: int
    length: int


def excerpt(line: str, start: int, end: int, width: int) -> Excerpt:
    """Return the part of `line` around the code points from `start` to `end` that fits into `width` cells."""
    width = max(width, _NARROWEST)
    start = min(start, len(line))
    if _is_plain(line, width):
        return Excerpt(line.rstrip(), start, max(1, min(end, len(line)) - start))
    if len(line) <= width and is_harmless(line) and cell_len(line) <= width:
        return Excerpt(line.rstrip(), cell_len(line[:start]), max(1, cell_len(line[start : max(start, end)])))
    # Nothing further away can be on screen, and a line may be megabytes long.
    skipped = max(0, start - width)
    near = line[skipped : start + width]
    shown = _shown(near)
    start, end = start - skipped, min(max(start, end) - skipped, len(shown))
    whole = skipped == 0 and len(near) == len(line) and cell_len("".join(shown)) <= width
    first, last = (0, len(shown)) if whole else _window(shown, start, end, width - 2 * cell_len(_CUT))
    before = _CUT if first > 0 or skipped else ""
    after = _CUT if last < len(shown) or skipped + last < len(line) else ""
    return Excerpt(
        text=f"{before}{''.join(shown[first:last])}{after}".rstrip(),
        indent=cell_len(before + "".join(shown[first:start])),
        length=max(1, cell_len("".join(shown[start : min(end, last)]))),
    )


def beginning(line: str, width: int) -> str:
    """Return as much of `line` from its first code point on as fits into `width` cells."""
    return line.rstrip() if _is_plain(line, width) else excerpt(line, 0, 0, width).text


def _is_plain(line: str, width: int) -> bool:
    """Whether a line fits, and each of its code points is shown as it is in one cell, as nearly always."""
    return len(line) <= width and line.isascii() and is_harmless(line)


def _shown(line: str) -> list[str]:
    shown: list[str] = []
    column = 0
    for number, chunk in enumerate(line.split("\t")):
        if number:
            blanks = _TAB - column % _TAB
            shown.append(" " * blanks)
            column += blanks
        characters = visible_each(chunk)
        shown += characters
        column += cell_len("".join(characters))
    return shown


def _window(shown: list[str], start: int, end: int, room: int) -> tuple[int, int]:
    """Return the slice of `shown` that has `start`, what follows up to `end`, and what else fits around."""
    cells = [cell_len(text) for text in shown]
    before, marked = sum(cells[:start]), sum(cells[start:end])
    if before + marked <= room:
        left = room - marked
    else:
        # Of what is too wide in any case, the end is cut, and the indentation stays to be seen.
        left = before if marked > room and before <= room // 3 else max(0, room - marked) // 2
    first = start
    while first > 0 and cells[first - 1] <= left:
        first -= 1
        left -= cells[first]
        room -= cells[first]
    last = start
    while last < len(cells) and cells[last] <= room:
        room -= cells[last]
        last += 1
    while first > 0 and cells[first - 1] <= room:
        first -= 1
        room -= cells[first]
    return first, last
