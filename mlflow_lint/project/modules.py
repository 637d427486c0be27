"""Files as modules: from the name in an import to the file that it means.

Invariant: a module is looked up only where Python itself would find it when run from the project: beside the
importing package, in the project root, or in its `src` folder; `mlflow` itself is never looked up.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

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
    scope = Scope(module, None, None)
    unit = Unit(file, path, text, module, scope, LineIndex(text))
    module_scope(scope, unit)
    return unit


Loader = Callable[[str, bool], "Unit | None"]
"""Gives the unit of an absolute path, or None when the file cannot be read or parsed, or cannot reach MLflow and the
second argument does not ask for it all the same."""


class Modules:
    """Finds and keeps the modules of a project; `load` reads one."""

    def __init__(self, root: str, load: Loader) -> None:
        self.root = root
        self._load = load
        self._units: dict[str, Unit | None] = {}
        self._forced: set[str] = set()
        self._found: dict[tuple[str, str], str | None] = {}
        self._roots: dict[str, tuple[str, ...]] = {}
        self._listings: dict[str, frozenset[str]] = {}

    def add(self, unit: Unit) -> None:
        """Make a unit known, so that importing its file gives this very one."""
        self._units[unit.file] = unit

    def forget_absent(self) -> None:
        """Ask again for the modules that were not given, now that more may matter."""
        self._units = {file: unit for file, unit in self._units.items() if unit is not None}

    def unit(self, file: str, *, anyway: bool = False) -> Unit | None:
        """The unit of a file that can reach MLflow, or of any file with `anyway`; read on first use."""
        known = self._units.get(file)
        if known is None and (file not in self._units or (anyway and file not in self._forced)):
            self._units[file] = None  # an import cycle that comes back here while reading finds nothing, and ends
            if anyway:
                self._forced.add(file)
            known = self._units[file] = self._load(file, anyway)
        return known

    def find(self, importer: str, module: str, level: int) -> str | None:
        """File of the module that `from <level dots><module> import …` in file `importer` means, if it is ours."""
        if not importer:
            return None
        folder = os.path.dirname(importer)
        if level:
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            return self._at(folder, module)
        if module.partition(".")[0] == "mlflow":
            return None
        for root in self._search_path(folder):
            found = self._at(root, module)
            if found is not None:
                return found
        return None

    def submodule(self, package_file: str, name: str) -> str | None:
        """File of the module `name` inside the package whose `__init__.py` is given."""
        if os.path.basename(package_file) != "__init__.py":
            return None
        return self._at(os.path.dirname(package_file), name)

    def _search_path(self, folder: str) -> tuple[str, ...]:
        if folder not in self._roots:
            package = folder
            while "__init__.py" in self._listing(package) and os.path.dirname(package) != package:
                package = os.path.dirname(package)
            roots = (package, folder, self.root, os.path.join(self.root, "src"))
            self._roots[folder] = tuple(dict.fromkeys(roots))
        return self._roots[folder]

    def _at(self, base: str, module: str) -> str | None:
        key = (base, module)
        if key not in self._found:
            self._found[key] = self._look(base, module)
        return self._found[key]

    def _look(self, base: str, module: str) -> str | None:
        folder = base
        *packages, last = module.split(".") if module else [""]
        for package in packages:
            if package not in self._listing(folder):
                return None
            folder = os.path.join(folder, package)
        names = self._listing(folder)
        if last and f"{last}.py" in names and os.path.isfile(os.path.join(folder, f"{last}.py")):
            return os.path.join(folder, f"{last}.py")
        if last:
            if last not in names:
                return None
            folder = os.path.join(folder, last)
        return os.path.join(folder, "__init__.py") if "__init__.py" in self._listing(folder) else None

    def _listing(self, folder: str) -> frozenset[str]:
        """Names in a folder, read once: most imports are of libraries, and are told apart without asking the disk."""
        if folder not in self._listings:
            try:
                self._listings[folder] = frozenset(os.listdir(folder))
            except OSError:
                self._listings[folder] = frozenset()
        return self._listings[folder]
