"""The modules of a project that have been read.

Invariant: a module is read when a name has to be resolved into it, at most once, and never executed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mlflow_lint.analysis.names.scopes import Scope, module_scope
from mlflow_lint.facts import model as facts
from mlflow_lint.findings import Step
from mlflow_lint.project.environment import Environment
from mlflow_lint.project.finder import ModuleFinder
from mlflow_lint.record import entity
from mlflow_lint.source.file import SourceFile
from mlflow_lint.source.places import Places

if TYPE_CHECKING:
    from mlflow_lint.syntax.read import BrokenCell


@entity
class Unit:
    """One file under analysis."""

    file: str
    """Absolute path; empty for text without a file."""
    path: str
    """As reports show it."""
    text: str
    facts: facts.Module
    scope: Scope
    places: Places
    broken: tuple[BrokenCell, ...] = ()
    """Cells of a notebook that are not Python."""

    def line(self, offset: int) -> int:
        """The line of an offset in the whole text."""
        return self.places.line(offset)

    def where(self, offset: int) -> str:
        """The line of an offset, as messages name it."""
        cell, line = self.places.cell(offset), self.places.position(offset)[0]
        return f"line {line}" if cell is None else f"cell {cell} line {line}"

    def at(self, offset: int) -> str:
        """File and line of an offset, as messages name them."""
        return self.step(offset, "").place

    def step(self, offset: int, text: str) -> Step:
        """A link of a chain of reasons that lies in this file."""
        return Step(self.path, self.places.position(offset)[0], text, self.places.cell(offset))


def make_unit(file: str, source: SourceFile, module: facts.Module, broken: tuple[BrokenCell, ...] = ()) -> Unit:
    """Bind a file's facts to its scope tree."""
    scope = Scope(module, None, None)
    unit = Unit(file, source.path, source.text, module, scope, Places(source.text, source.cells), broken)
    module_scope(scope, unit, source.text)
    return unit


Loader = Callable[[str, bool], "Unit | None"]
"""Gives the unit of an absolute path, or None when the file cannot be read or parsed, or cannot reach MLflow and the
second argument does not ask for it all the same."""


class Modules:
    """Keeps the modules of a project; `load` reads one. `environment` knows of the variables set around them."""

    def __init__(self, finder: ModuleFinder, load: Loader, environment: Environment) -> None:
        self.finder = finder
        self.environment = environment
        self._load = load
        self._units: dict[str, Unit | None] = {}
        self._others: dict[str, Unit | None] = {}

    def add(self, unit: Unit) -> None:
        """Make a unit known, so that importing its file gives this very one."""
        self._units[unit.file] = unit

    def known(self, file: str) -> Unit | None:
        """The unit of a file, if it was read already."""
        return self._units.get(file)

    def forget_absent(self) -> None:
        """Ask again for the modules that were not given, now that more may matter."""
        self._units = {file: unit for file, unit in self._units.items() if unit is not None}

    def unit(self, file: str, *, anyway: bool = False) -> Unit | None:
        """The unit of a file that can reach MLflow, or of any file with `anyway`; read on first use."""
        if file not in self._units:
            self._units[file] = self._load(file, False)
        known = self._units[file]
        if known is None and anyway:
            if file not in self._others:
                self._others[file] = self._load(file, True)
            return self._others[file]
        return known
