"""Lines in colours, or the same lines without.

Invariant: colour changes no character of the text, and Rich is imported only for colour.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

Span = tuple[str, str]
"""A piece of a line and its Rich style."""
Line = list[Span]


def painted(lines: Iterable[Line], color: bool) -> str:
    """Return the lines as text, each ended by a newline."""
    paint = _colored if color else _plain
    return "".join([f"{paint(line)}\n" for line in lines])


def _plain(line: Line) -> str:
    return "".join([text for text, _ in line])


def _colored(line: Line) -> str:
    pieces: list[str] = []
    for text, style in line:
        before, after = _codes(style)
        pieces += [before, text, after] if text else []
    return "".join(pieces)


@cache
def _codes(style: str) -> tuple[str, str]:
    """What switches a style on and off."""
    from rich.color import ColorSystem
    from rich.style import Style

    # The sixteen standard colours, as users' themes set these and every terminal has them.
    before, _, after = Style.parse(style).render("x", color_system=ColorSystem.STANDARD).partition("x")
    return before, after
