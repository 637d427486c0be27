"""What the import lines of a file say, read from its bytes.

Invariant: the time is linear in the bytes, and only lines that hold the word `import` are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.regex import regex

_WORD = b"import"
_LINE = regex(rb"[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^#\r\n]*)|import[ \t]+([\w. \t,]+))")

ImportLine = tuple[bytes, bytes, bytes]
"""`module` and `names` of `from module import names`, or, behind two empty ones, `modules` of `import modules`."""


def import_lines(code: bytes) -> Iterator[ImportLine]:
    """The import statements that begin a line."""
    done = 0
    at = code.find(_WORD)
    while at >= 0:
        newline = code.rfind(b"\n", done, at)
        statement = _LINE.match(code, newline + 1) if newline >= 0 or done == 0 else None
        if statement is not None:
            yield statement.groups(b"")  # type: ignore[misc]  # as many as the pattern has
        done = max(at + len(_WORD), statement.end() if statement is not None else 0)
        at = code.find(_WORD, done)
