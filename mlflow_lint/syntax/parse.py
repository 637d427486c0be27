"""Text to LibCST tree, with every way it can fail turned into one error."""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING, Any

from mlflow_lint.regex import regex
from mlflow_lint.syntax.lean import UnknownNode, lightened, parsed

if TYPE_CHECKING:
    import libcst

_PLACE = regex(r"error at (\d+):(\d+)")

# LibCST takes time without bound on deeply nested calls, and ends the process, with no error to catch, on nesting that
# overflows its stack. What is longer or nests deeper than this must first be accepted by CPython, whose limits are
# lower; nothing else can overflow the stack of `with_deep_stack`.
_UNBOUNDED_CHARACTERS = 200_000
_UNBOUNDED_LINE = 2_000
_UNBOUNDED_DEPTH = 100
# `a[0][0]…` and `a.b.b…` cost LibCST time with the cube of their length, and CPython takes thousands of them.
_CHAIN = regex(r"(?:\.\w+|\[[^\[\]]*\]|\([^()]*\)){500}")
# LibCST forgets a form feed in front of a statement, with the blanks before it, which all count as nothing.
_FORM_FEED = regex(r"(?:\A|(?<=[\r\n]))(?<!\\[\r\n])(?<!\\\r\n)[ \t\f]*\f(?=[ \t]*\S)")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"()[]{}"))


class SyntaxFailure(Exception):
    """The text cannot be read as Python; `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


def parse(text: str) -> Any:
    """The `Module` of decoded text (without its byte-order mark); to be called within `with_deep_stack`.

    Its nodes are light ones (`syntax/lean.py`). Raises `SyntaxFailure` for text that is not Python, or that nests
    deeper than CPython itself can follow.
    """
    long_line = max(map(len, text.split("\n"))) > _UNBOUNDED_LINE
    if long_line and _CHAIN.search(text):
        raise _too_deep()
    if long_line or len(text) > _UNBOUNDED_CHARACTERS or _may_nest_deeply(text):
        failure = _failure_of_cpython(text)
        if failure is not None:
            raise failure
    if "\f" in text:
        text = _FORM_FEED.sub(_blank_lines, text)
    tree = parsed(text)
    return _parsed_by_libcst(text) if tree is None else tree


def _parsed_by_libcst(text: str) -> Any:
    """What LibCST as a whole makes of a text, which may be that something is wrong with it."""
    # CPython says what is wrong and where far better; LibCST's word stands where only it objects.
    failure = _failure_of_cpython(text)
    if failure is not None:
        raise failure
    import libcst

    try:
        return lightened(libcst.parse_module(text))
    except libcst.ParserSyntaxError as error:
        raise _failure_of_libcst(error) from None
    except UnknownNode as error:
        raise SyntaxFailure(f"{error} of LibCST {libcst.LIBCST_VERSION} is not known to mlflow-lint", 1, 1) from None


def _blank_lines(before: re.Match[str]) -> str:
    """As many characters that count as little, and that LibCST keeps."""
    return before[0].replace("\f", "\n")


def _too_deep() -> SyntaxFailure:
    return SyntaxFailure("nested too deeply to be read", 1, 1)


def _may_nest_deeply(text: str) -> bool:
    """Whether brackets may nest beyond the bound; those in strings count too, which errs on the safe side.

    Taking away empty pairs takes away one level at a time, at the speed of C.
    """
    rest = text.encode("utf-8", "surrogatepass").translate(None, _NOT_BRACKETS)
    for _ in range(_UNBOUNDED_DEPTH):
        before = len(rest)
        rest = rest.replace(b"()", b"").replace(b"[]", b"").replace(b"{}", b"")
        if len(rest) == before:
            break
    return len(rest) > _UNBOUNDED_DEPTH


def _failure_of_cpython(text: str) -> SyntaxFailure | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in the linted code are not our user's to hear of here
            ast.parse(text)
    except SyntaxError as error:
        return SyntaxFailure(error.msg, max(error.lineno or 1, 1), max(error.offset or 1, 1))
    except (RecursionError, MemoryError):
        return _too_deep()
    except ValueError as error:
        return SyntaxFailure(str(error), 1, 1)
    return None


def _failure_of_libcst(error: libcst.ParserSyntaxError) -> SyntaxFailure:
    place = _PLACE.search(error.message)
    line, column = (int(place[1]), int(place[2]) + 1) if place else (1, 1)
    return SyntaxFailure(f"cannot be parsed: {error.message}", max(line, 1), max(column, 1))
