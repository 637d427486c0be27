"""Whole lines at another indentation: put into a block, or moved to where they stand less deep.

Invariant: no string changes: lines that end within one are not indented, they stop it.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator

from mlflow_lint.facts.model import Span
from mlflow_lint.fixes.text import line_start
from mlflow_lint.regex import regex

_NEWLINE = regex(r"\r\n|\r|\n")
_CONTINUED = regex(r"\\(\r|\n)")
_PLAIN = regex(
    r"""
      "(?: [^"{}\\\r\n] | \\[^\r\n] | \{[^"{}\\\r\n]*\} )*"(?!")
    | '(?: [^'{}\\\r\n] | \\[^\r\n] | \{[^'{}\\\r\n]*\} )*'(?!')
    | \#[^\r\n]*
    """,
    re.VERBOSE,
)
"""A comment, or a string that is sure to end on its line: no triple quotes, and no brace left open in it."""
_DOUBTFUL = regex(r"[\"'\\]")


def indented(lines: str, step: str) -> str | None:
    """Whole lines of statements, each by `step` further in, blank ones left alone; None if a string spans two."""
    if _has_long_string(lines):
        return None
    return "".join(f"{step if line.strip() else ''}{line}{newline}" for line, newline in _lines(lines))


def shifted(lines: str, before: str, after: str) -> str | None:
    """Lines that begin with `before` begin with `after`; None if one lies in a string or a continued line."""
    if _has_long_string(lines) or _CONTINUED.search(lines):
        return None
    return "".join(
        f"{after + line.removeprefix(before) if line.startswith(before) else line}{newline}"
        for line, newline in _lines(lines)
    )


def placed(text: str, span: Span, indent: str) -> str:
    """The source of a span for a line that begins with `indent`: its further lines move as far as its first does."""
    source = text[span[0] : span[1]]
    if "\n" not in source and "\r" not in source:
        return source
    start = line_start(text, span[0])
    line = text[start : span[0]]
    before = line[: len(line) - len(line.lstrip(" \t\f"))]
    moved = shifted(before + source, before, indent)
    return source if moved is None else moved.removeprefix(indent)


def _lines(lines: str) -> Iterator[tuple[str, str]]:
    """Each line with what ends it."""
    yield from zip(_NEWLINE.split(lines), [*_NEWLINE.findall(lines), ""], strict=True)


def _has_long_string(lines: str) -> bool:
    """Whether a string goes on over the end of a line; so it is taken to be where that cannot be told."""
    if not _DOUBTFUL.search(_PLAIN.sub("", lines)):
        return False  # as most are; a tokenizer takes a hundred times as long
    # A block of its own is what the tokenizer accepts at any indentation.
    source = "if 1:\n" + "\n".join(_NEWLINE.split(lines)) + "\n"
    opened: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            kind = tokenize.tok_name[token.type]
            if kind == "STRING" and token.start[0] != token.end[0]:
                return True
            if kind.endswith("STRING_START"):  # of formatted strings, from Python 3.12 on
                opened.append(token.start[0])
            elif kind.endswith("STRING_END") and opened.pop() != token.end[0]:
                return True
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return True
    return False
