"""Notebooks and programs that a notebook runs in its own namespace: `%run ./helpers`, `# MAGIC %run ./helpers`.

What they define is there from then on, as after a star import. Invariant: a path is told only if it is relative and
written out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlflow_lint.regex import regex

_RUN = regex(r"^(# MAGIC[ \t]+)?(%run[ \t]+([^\r\n]+))", re.MULTILINE)
# `-m` names a module; options such as `-i` come before the path, and what follows it are arguments.
_PATH = regex(r"""(?:-(?!m\b)\w+[ \t]+)*(?:"([^"]+)"|'([^']+)'|([^\s"'-]\S*))""")
_NOT_WRITTEN_OUT = regex(r"[${}*?\\]|^[/~]")


def included(text: str) -> tuple[str, ...]:
    """The paths that the cells of a notebook run, as they are imported: relative, and with a slash in them."""
    found = (_PATH.match(run[3]) for run in _runs(text))
    paths = [path[1] or path[2] or path[3] for path in found if path is not None]
    return tuple(dict.fromkeys([f"./{path}" for path in paths if not _NOT_WRITTEN_OUT.search(path)]))


def runs(cell: str) -> list[str]:
    """The lines of a cell that run others."""
    return [run[2] for run in _runs(cell)]


def _runs(text: str) -> Iterator[re.Match[str]]:
    for run in _RUN.finditer(text) if "%run" in text else ():
        if not run[1] or not _is_magic(text, run.start()):
            yield run


def _is_magic(text: str, end: int) -> bool:
    """Whether the line that ends at an offset is one of a command in another language."""
    return text[text.rfind("\n", 0, max(0, end - 1)) + 1 : end].startswith("# MAGIC")
