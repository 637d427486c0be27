r"""What IPython understands beyond Python: cell magics, line magics, shell lines, help.

It is masked by as many characters of harmless Python, so that offsets stay true. Invariant: only what can be no Python
is masked: an operator such as `%` or `!` where a statement or a value begins, two words in a row, or a `?` at the end
of a line, outside strings, comments and brackets.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mlflow_lint.regex import regex

# Cell magics whose body is Python that runs in the notebook's own namespace.
_PYTHON_MAGICS = frozenset("capture debug memit prun pyspark time timeit".split())
# First lines by which Databricks marks cells in another language; `%python` is its way to say Python.
_OTHER_LANGUAGES = frozenset("fs html md md-sandbox r scala sh sql".split())
# Magics that people write without the percent sign, as IPython lets them.
_AUTOMATIC = "pip|conda|mamba|uv|cd|ls|ll|mkdir|cat|cp|mv|rm|man|time|timeit|run|matplotlib|load_ext|reload_ext|env"

_SIMPLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Import, ast.ImportFrom)
_TIMED = regex(r"%time[ \t]+")

_CELL_MAGIC = regex(r"\s*(%%?)([\w-]+)")
_CANDIDATE = regex(rf"[%!?]|^[ \t]*(?:[,;/]|(?:{_AUTOMATIC})[ \t])", re.MULTILINE)
_STATEMENT = regex(
    rf"""[%!?,;/]
    | (?:{_AUTOMATIC})[ \t]+(?!(?:and|else|for|if|in|is|not|or)\b)(?:-+[A-Za-z]+[ \t]+)*(?:[A-Za-z_~"']|\.\.)""",
    re.VERBOSE,
)
_ASSIGNED = regex(r"=[ \t]*(?=!|%[A-Za-z_])")
_TOKEN = regex(
    r"""(?P<newline>\r\n|\r|\n)
    | (?P<open>[(\[{]) | (?P<close>[)\]}])
    | (?P<ignored>[ \t\f]+|\#[^\r\n]*)
    | (?P<help>\?)
    | (?P<equals>=)
    | \\(?:\r\n|\r|\n)
    | \"""(?:[^\\"]+|\\.?|"(?!""))*(?:\"""|\Z) | '''(?:[^\\']+|\\.?|'(?!''))*(?:'''|\Z)
    | "(?:[^\\"\r\n]+|\\(?:\r\n|.))*"? | '(?:[^\\'\r\n]+|\\(?:\r\n|.))*'?
    | [\w.]+ | .
    """,
    re.VERBOSE | re.DOTALL,
)
_REST_OF_LINE = regex(r"(?:[^\\\r\n]+|\\(?:\r\n|\r|\n)?)*")
_PIECE = regex(r"[^\r\n]+")


def python_of(cell: str) -> str:
    """Return the Python of a cell, as long as the cell; empty if the cell is in another language."""
    start = 0
    while found := _CELL_MAGIC.match(cell, start):
        percent, name = found.groups()
        if percent == "%":
            if name in _OTHER_LANGUAGES:
                return ""
            break
        if name not in _PYTHON_MAGICS:
            return ""
        start = _line_end(cell, found.end())
    head = _PIECE.sub(lambda line: "#" * len(line[0]), cell[:start])
    body = cell[start:]
    return head + (_masked(body) if _CANDIDATE.search(body) else body)


def _masked(text: str) -> str:
    pieces: list[str] = []
    done = 0
    for start, end in _magics(text):
        at_margin = start == 0 or text[start - 1] in "\r\n"
        pieces += [text[done:start], _mask(text[start:end], at_margin)]
        done = end
    return "".join([*pieces, text[done:]])


def _mask(magic: str, at_margin: bool) -> str:
    """A call of something unknown, as a magic may take any time and do anything, and comments to fill its lines.

    What `%time` measures is Python of the notebook, and follows the call. What it assigns is global, also where it
    stands in a function.
    """
    timed = _TIMED.match(magic)
    if timed and _may_follow(magic[timed.end() :], at_margin):
        return "_();".ljust(timed.end()) + magic[timed.end() :]
    whole = _PIECE.sub(lambda line: "#" * len(line[0]), magic)
    call = "_()" if whole.startswith("###") else "_"
    return call + whole[len(call) :]


def _may_follow(line: str, assigns: bool) -> bool:
    """Whether a line is Python that may stand behind a semicolon; only with `assigns` may it be more than a value."""
    if "\n" in line or "\r" in line:
        return False
    try:
        body = ast.parse(line).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return bool(body) and all(isinstance(each, ast.Expr) or (assigns and isinstance(each, _SIMPLE)) for each in body)


def _line_end(text: str, start: int) -> int:
    """End of a line, continued by backslashes as it may be."""
    rest = _REST_OF_LINE.match(text, start)
    return rest.end() if rest else start


def _magics(text: str) -> Iterator[tuple[int, int]]:
    """Stretches of a text that only IPython understands, in order."""
    position = depth = 0
    statement: int | None = None  # where the one that is read begins
    last = ""
    while position < len(text):
        token = _TOKEN.match(text, position)
        assert token is not None, "the pattern takes any character"
        kind = token.lastgroup or ""
        begins = depth == 0 and statement is None and kind not in ("newline", "ignored")
        if begins:
            statement = position
        magic = position if begins and _STATEMENT.match(text, position) else None
        if kind == "equals" and depth == 0 and (assigned := _ASSIGNED.match(text, position)):
            magic = assigned.end()
        if magic is not None:
            position = _line_end(text, magic)
            last = ""
            yield magic, position
            continue
        if kind == "newline" and depth == 0:
            if last == "help" and statement is not None:
                yield statement, position
            statement, last = None, ""
        elif kind not in ("newline", "ignored"):
            last = kind
            depth = max(0, depth + (kind == "open") - (kind == "close"))
        position = token.end()
    if last == "help" and depth == 0 and statement is not None:
        yield statement, len(text)
