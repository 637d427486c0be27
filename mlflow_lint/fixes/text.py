"""Reading and writing the text around statements: lines, indentation, comments.

Invariant: offsets are code points into the unit's text, as everywhere.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from mlflow_lint.facts.model import Span
from mlflow_lint.record import record
from mlflow_lint.regex import regex
from mlflow_lint.source.file import newline_of

_INDENTED = regex(r"^([ \t]+)\S", re.MULTILINE)
_DIRECTIVE = regex(r"\bnoqa\b|mlflow-lint:|\b(type|pyright|mypy|pylint|ruff|fmt|isort|pragma|yapf):", re.IGNORECASE)

_LEAST_WIDTH, _MOST_WIDTH = 88, 120
_LONG_LINES = 3


def is_directive(comment: str) -> bool:
    """Whether a comment speaks to a tool about the line it stands on, so that it must not move."""
    return bool(_DIRECTIVE.search(comment))


def slice_of(text: str, span: Span) -> str:
    """The source of a span."""
    return text[span[0] : span[1]]


def line_start(text: str, offset: int) -> int:
    """Offset at which the line of `offset` begins."""
    start = text.rfind("\n", 0, offset) + 1
    return max(start, text.rfind("\r", start, offset) + 1)


def line_end(text: str, offset: int) -> int:
    """Offset at which the line of `offset` ends, its newline not included."""
    newline = text.find("\n", offset)
    end = newline if newline >= 0 else len(text)
    carriage_return = text.find("\r", offset, end)
    return carriage_return if carriage_return >= 0 else end


def indentation(text: str, offset: int) -> str | None:
    """The blanks before a statement; None if something else stands before it on its line."""
    blanks = text[line_start(text, offset) : offset]
    return blanks if not blanks.strip(" \t\f") else None


def after_newline(text: str, offset: int) -> int:
    """Offset right after the newline at `offset`."""
    if text.startswith("\r\n", offset):
        return offset + 2
    return min(offset + 1, len(text))


def after_blank_lines(text: str, offset: int) -> int:
    """Past the blank lines that begin at an offset."""
    while offset < len(text) and not text[offset : line_end(text, offset)].strip():
        offset = after_newline(text, line_end(text, offset))
    return offset


def is_apart(text: str, start: int) -> bool:
    """Whether a blank line stands before the line that begins at `start`."""
    before = text[line_start(text, start - 1) : start] if start else ""
    return bool(before) and not before.strip()


def comments(text: str, start: int, end: int) -> list[tuple[int, str]]:
    """Comments between two offsets at which whole lines begin and end, with their offsets; strings hold none."""
    region = text[start:end]
    if "#" not in region:
        return []
    # A block of its own is what the tokenizer accepts at any indentation.
    prefix = "if 1:\n" if region[:1] in " \t\f" else ""
    found: list[tuple[int, str]] = []
    starts = _line_starts(prefix + region)
    try:
        for token in tokenize.generate_tokens(io.StringIO(prefix + region, newline="").readline):
            if token.type == tokenize.COMMENT:
                offset = starts[token.start[0] - 1] + token.start[1] - len(prefix)
                found.append((start + offset, token.string))
    except (tokenize.TokenError, IndentationError, SyntaxError):
        # The region ends inside a block; what was read up to there is all there is.
        pass
    return found


def lines_inside(display: str) -> list[str] | None:
    """The lines between the brackets of a display, the last with a comma too; None if an entry spans several."""
    rows: dict[int, list[tokenize.TokenInfo]] = {}
    depth = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(display).readline):
            if token.start[0] != token.end[0] and token.type not in (tokenize.NEWLINE, tokenize.NL):
                return None
            depth += (token.string in ("(", "[", "{")) - (token.string in (")", "]", "}"))
            if token.type == tokenize.NL and depth != 1:
                return None
            if token.string.strip() and token.type != tokenize.ENDMARKER:
                rows.setdefault(token.start[0], []).append(token)
    except (tokenize.TokenError, SyntaxError):
        return None
    inside = list(rows.values())
    inside[0] = inside[0][1:]
    inside[-1] = inside[-1][:-1]
    inside = [row for row in inside if row]
    lines: list[str] = []
    for number, row in enumerate(inside):
        code = [token for token in row if token.type != tokenize.COMMENT]
        line = display.splitlines()[row[0].start[0] - 1]
        if code and code[-1].string != ",":
            if any(token.type != tokenize.COMMENT for later in inside[number + 1 :] for token in later):
                return None
            end = code[-1].end[1]
            line = f"{line[:end]},{line[end:]}"
            lines.append(line[row[0].start[1] : row[-1].end[1] + 1])
        else:
            lines.append(line[row[0].start[1] : row[-1].end[1]])
    return lines


def comments_above(text: str, start: int, indent: str) -> list[tuple[int, str]]:
    """Comment lines directly above a statement, at its own indentation."""
    found: list[tuple[int, str]] = []
    offset = line_start(text, start)
    while offset > 0:
        previous = line_start(text, offset - 2 if text.endswith("\r\n", 0, offset) else offset - 1)
        line = text[previous:offset].rstrip("\r\n")
        if not line.startswith(indent + "#"):
            break
        found.insert(0, (previous + len(indent), line[len(indent) :].rstrip()))
        offset = previous
    return found


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in io.StringIO(text, newline=""):
        starts.append(starts[-1] + len(line))
    return starts


@record
class Display:
    """A dict or list display as text."""

    brackets: str
    """What opens it, perhaps after a keyword, and one character that closes it: `{}`, `metrics=[]`."""
    lines: tuple[str, ...]
    """Entries with their commas, clauses of a comprehension, comments of their own."""
    separator: str
    """Joins the lines, their commas dropped, where all fit on one."""

    @property
    def one_line(self) -> str:
        """The display on one line; only good without comments."""
        inside = self.separator.join(line.removesuffix(",") for line in self.lines)
        return f"{self.brackets[:-1]}{inside}{self.brackets[-1]}"


@record
class Layout:
    """How lines are laid out where new code goes."""

    indent: str
    """Blanks before the statement."""
    step: str
    """What one more level adds."""
    newline: str
    width: int
    """How long a line may be."""

    def fits(self, source: str, levels: int = 0) -> bool:
        """Whether source is one line that may be indented by so many levels more; a tab is as wide as four blanks."""
        blanks = (self.indent + self.step * levels).expandtabs(4)
        return len(blanks) + len(source) <= self.width and "\n" not in source and "\r" not in source

    def at(self, indent: str) -> Layout:
        """The layout of a statement of the same file, at another indentation."""
        return replace(self, indent=indent)


def layout_at(text: str, offset: int) -> Layout | None:
    """The layout at a statement; None if something else stands before it on its line."""
    indent = indentation(text, offset)
    if indent is None:
        return None
    first = _INDENTED.search(text)
    if first is not None and first[1].startswith("\t"):
        step = "\t"
    else:
        step = "  " if first is not None and first[1] == "  " else "    "
    return Layout(indent, step, newline_of(text), _width(text))


@lru_cache(maxsize=1)
def _width(text: str) -> int:
    """How long lines may be: as long as a few of the file are, so that its formatter leaves them alone."""
    longest = sorted((length for line in text.splitlines() if (length := len(line)) <= _MOST_WIDTH), reverse=True)
    return max([_LEAST_WIDTH, *longest[_LONG_LINES - 1 : _LONG_LINES]])


def call_text(callee: str, before: Sequence[str], display: Display, after: Sequence[str], layout: Layout) -> str:
    """A call with a display among its arguments: on one line if it fits and has no comments, else on many."""
    indent, step = layout.indent, layout.step
    short = f"{callee}({', '.join([*before, display.one_line, *after])})"
    plain = not any("#" in line for line in display.lines)
    if plain and layout.fits(short):
        return short
    inner = f"{indent}{step}"
    written = [f"{callee}("]
    written += [f"{inner}{argument}," for argument in before]
    if display.separator == " " and plain and layout.fits(f"{display.one_line},", 1):
        written += [f"{inner}{display.one_line},"]
    else:
        written += [f"{inner}{display.brackets[:-1]}", *(f"{inner}{step}{line}" for line in display.lines)]
        written += [f"{inner}{display.brackets[-1]},"]
    written += [f"{inner}{argument}," for argument in after]
    return layout.newline.join([*written, f"{indent})"])
