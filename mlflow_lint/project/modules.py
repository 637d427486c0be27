"""Files as modules: from the name in an import to the file that it means.

Invariant: a module is looked up only where Python itself would find it when run from the project: beside the
importing package, in the project root, or in its `src` folder; `mlflow` itself is never looked up.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlflow_lint.analysis.scopes import Scope, module_scope
from mlflow_lint.facts import model as facts
from mlflow_lint.source.file import LineIndex


@dataclass(eq=False, slots=True)
class Unit:
    """One file under analysis."""

    file: str
    """Absolute path; empty for text without a file."""
    path: str
    """As reports show it."""
    text: str
    facts: facts.Module
    scope: Scope
    lines: LineIndex

    def line(self, offset: int) -> int:
        """Line, from 1, of an offset."""
        return self.lines.position(offset)[0]


def make_unit(file: str, path: str, text: str, module: facts.Module) -> Unit:
    """Bind a file's facts to its scope tree."""
    unit = Unit(file, path, text, module, None, LineIndex(text))  # type: ignore[arg-type]
    unit.scope = module_scope(module, unit)
    return unit


Loader = Callable[[str], Unit | None]
"""Gives the unit of an absolute path, or None when the file cannot be read or parsed."""


class Modules:
    """Finds and keeps the modules of a project; `load` reads one."""

    def __init__(self, root: str, load: Loader) -> None:
        self.root = root
        self._load = load
        self._units: dict[str, Unit | None] = {}
        self._found: dict[tuple[str, str], str | None] = {}

    def add(self, unit: Unit) -> None:
        """Make a unit known, so that importing its file gives this very one."""
        self._units[unit.file] = unit

    def unit(self, file: str) -> Unit | None:
        """The unit of a file, read on first use."""
        if file not in self._units:
            self._units[file] = None  # an import cycle that comes back here while reading finds nothing, and ends
            self._units[file] = self._load(file)
        return self._units[file]

    def find(self, importer: Unit, module: str, level: int) -> str | None:
        """File of the module that `from <level dots><module> import …` in `importer` means, if it is ours."""
        if not importer.file:
            return None
        if level:
            base = os.path.dirname(importer.file)
            for _ in range(level - 1):
                base = os.path.dirname(base)
            return self._at(base, module)
        if module.partition(".")[0] == "mlflow":
            return None
        for root in self._roots(os.path.dirname(importer.file)):
            found = self._at(root, module)
            if found is not None:
                return found
        return None

    def _roots(self, folder: str) -> tuple[str, ...]:
        package = folder
        while self._is_file(os.path.join(package, "__init__.py")):
            parent = os.path.dirname(package)
            if parent == package:
                break
            package = parent
        return tuple(dict.fromkeys((package, folder, self.root, os.path.join(self.root, "src"))))

    def _at(self, base: str, module: str) -> str | None:
        key = (base, module)
        if key not in self._found:
            stem = os.path.join(base, *module.split(".")) if module else base
            candidates = (
                [stem + ".py", os.path.join(stem, "__init__.py")]
                if module
                else [os.path.join(stem, "__init__.py")]
            )
            self._found[key] = next((file for file in candidates if self._is_file(file)), None)
        return self._found[key]

    def submodule(self, package_file: str, name: str) -> str | None:
        """File of the module `name` inside the package whose `__init__.py` is given."""
        if os.path.basename(package_file) != "__init__.py":
            return None
        return self._at(os.path.dirname(package_file), name)

    @staticmethod
    def _is_file(path: str) -> bool:
        return os.path.isfile(path)


def display_path(file: Path, base: Path) -> str:
    """A path as reports show it: relative to `base` where it lies below, with forward slashes."""
    try:
        return file.relative_to(base).as_posix()
    except ValueError:
        return file.as_posix()
