"""Which files can reach MLflow: those that name it, and those that import, step by step, one that does.

Read from the bytes of import lines, without parsing. Invariant: a file that is let go by cannot call anything of the
project that writes to MLflow, so it can have no finding.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from mlflow_lint.source.gate import names_mlflow

_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+(?P<module>\.*[\w.]*)[ \t]+import[ \t]*(?P<names>\([^)]*\)|[^#\r\n]*)"
    rb"|import[ \t]+(?P<modules>[\w. \t,]+))",
    re.MULTILINE,
)
_WORD = re.compile(r"\w+")

Find = Callable[[str, str, int], "str | None"]
"""File of a module: importing file, dotted module, level."""


class Reach:
    """Answers for files of one project, each looked at once; `find` maps imports to files of the project."""

    def __init__(self, find: Find, read: Callable[[str], bytes]) -> None:
        self._find = find
        self._read = read
        self._names: dict[str, bool] = {}
        self._imports: dict[str, tuple[str, ...]] = {}
        self._reaches: dict[str, bool] = {}

    def matters(self, file: str, data: bytes | None = None) -> bool:
        """Whether a file names MLflow or can reach a file that does; `data` spares reading it again."""
        if file in self._reaches:
            return self._reaches[file]
        if data is not None:
            self._look(file, data)
        seen = {file}
        pending = [file]
        while pending:
            current = pending.pop()
            if current not in self._names:
                self._look(current, self._read(current))
            if self._names[current] or self._reaches.get(current):
                self._reaches[file] = True
                return True
            for imported in self._imported(current):
                if imported not in seen and self._reaches.get(imported) is not False:
                    seen.add(imported)
                    pending.append(imported)
        # None of what was seen reaches MLflow, since each of them was followed to its end.
        self._reaches.update(dict.fromkeys(seen, False))
        return False

    def _look(self, file: str, data: bytes) -> None:
        self._names[file] = names_mlflow(data)
        if not self._names[file]:
            self._imports[file] = tuple(self._files(file, data))

    def _imported(self, file: str) -> tuple[str, ...]:
        return self._imports.get(file, ())

    def _files(self, file: str, data: bytes) -> list[str]:
        found: dict[str, None] = {}
        for match in _IMPORT.finditer(data):
            if match["modules"] is not None:
                for module in match["modules"].decode("utf-8", "replace").split(","):
                    words = module.split()
                    if words:
                        self._add(found, file, words[0], 0)
                continue
            dotted = match["module"].decode("utf-8", "replace")
            module = dotted.lstrip(".")
            level = len(dotted) - len(module)
            self._add(found, file, module, level)
            for name in _WORD.findall(match["names"].decode("utf-8", "replace")):
                self._add(found, file, f"{module}.{name}" if module else name, level)
        return [name for name in found if os.path.basename(name)]

    def _add(self, found: dict[str, None], file: str, module: str, level: int) -> None:
        if not module and not level:
            return
        target = self._find(file, module, level)
        if target is not None:
            found[target] = None
