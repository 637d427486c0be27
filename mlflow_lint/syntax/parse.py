"""Text to LibCST tree, with every way it can fail turned into one error."""

from __future__ import annotations

import ast
import re
import warnings

import libcst

_PLACE = re.compile(r"error at (\d+):(\d+)")

# LibCST ends the process, with no error to catch, on nesting that overflows its stack. Nothing shorter than this can
# overflow the stack of `with_deep_stack`; longer texts must first be accepted by CPython, whose own limits are lower.
_UNBOUNDED_CHARACTERS = 200_000
_UNBOUNDED_BRACKETS = 10_000


class SyntaxFailure(Exception):
    """The text cannot be read as Python; `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


def parse(text: str) -> libcst.Module:
    """Parse decoded text (without its byte-order mark); to be called within `with_deep_stack`.

    Raises `SyntaxFailure` for text that is not Python, or that nests deeper than CPython itself can follow.
    """
    if len(text) > _UNBOUNDED_CHARACTERS or sum(map(text.count, "([{")) > _UNBOUNDED_BRACKETS:
        failure = _failure_of_cpython(text)
        if failure is not None:
            raise failure
    try:
        return libcst.parse_module(text)
    except libcst.ParserSyntaxError as error:
        # CPython says what is wrong and where far better; LibCST's word stands where only it objects.
        raise (_failure_of_cpython(text) or _failure_of_libcst(error)) from None


def _failure_of_cpython(text: str) -> SyntaxFailure | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in the linted code are not our user's to hear of here
            ast.parse(text)
    except SyntaxError as error:
        return SyntaxFailure(error.msg, max(error.lineno or 1, 1), max(error.offset or 1, 1))
    except (RecursionError, MemoryError):
        return SyntaxFailure("nested too deeply to be read", 1, 1)
    except ValueError as error:
        return SyntaxFailure(str(error), 1, 1)
    return None


def _failure_of_libcst(error: libcst.ParserSyntaxError) -> SyntaxFailure:
    place = _PLACE.search(error.message)
    line, column = (int(place[1]), int(place[2]) + 1) if place else (1, 1)
    return SyntaxFailure(f"cannot be parsed: {error.message}", max(line, 1), max(column, 1))
