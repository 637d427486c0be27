"""Which methods stand in for an abstract one.

Subclasses are looked for where Python is sure to have loaded them when the base class is used, in its own module and in
the modules that its packages import, and if there are none, in the folder of the base class and those beside it.
Invariant: the answer rests on the base class's file and what lies around it, never on who asks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from mlflow_lint.analysis.names.meaning import ClassRef, FunctionRef, Instance
from mlflow_lint.analysis.names.resolve import Resolver
from mlflow_lint.analysis.names.scopes import Imported, Scope
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.traverse import last_name
from mlflow_lint.project.modules import Unit

_MOST_MODULES = 64
_MOST_OVERRIDES = 16


class Overrides:
    """Finds overriding methods; the classes loaded with a file are listed once."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._loaded: dict[str, tuple[ClassRef, ...]] = {}
        self._imported: dict[Unit, tuple[str, ...]] = {}

    def loaded(self, method: FunctionRef) -> list[FunctionRef]:
        """The methods that subclasses put in place of an abstract method, of those that are sure to be loaded."""
        return self._among(self._classes(method.receiver.unit), method, method.receiver) if method.receiver else []

    def nearby(self, method: FunctionRef) -> list[FunctionRef]:
        """The same, of the modules around the base class's that name MLflow."""
        return self._among(self._nearby(method.receiver.unit), method, method.receiver) if method.receiver else []

    def _among(self, candidates: tuple[ClassRef, ...], method: FunctionRef, receiver: ClassRef) -> list[FunctionRef]:
        found: list[FunctionRef] = []
        for candidate in candidates:
            if candidate.definition is receiver.definition or not self._derives(candidate, receiver):
                continue
            own = self._resolver.attribute(Instance(candidate), method.definition.name)
            if isinstance(own, FunctionRef) and not is_abstract(own.definition):
                found.append(own)
        return found[:_MOST_OVERRIDES]

    def _derives(self, candidate: ClassRef, base: ClassRef) -> bool:
        return any(
            isinstance(ancestor, ClassRef) and ancestor.definition is base.definition
            for ancestor in self._resolver.classes.ancestry(candidate)
        )

    def _classes(self, unit: Unit) -> tuple[ClassRef, ...]:
        key = unit.file or unit.path
        if key not in self._loaded:
            units = [unit, *self._loaded_with(unit)]
            self._loaded[key] = tuple(found for one in units for found in _classes_in(one, one.scope))
        return self._loaded[key]

    def _nearby(self, unit: Unit) -> tuple[ClassRef, ...]:
        """The classes of the modules around a file that name MLflow."""
        key = f"around {unit.file}"
        if key not in self._loaded:
            modules = self._resolver.modules
            files = modules.finder.neighbours(unit.file)[:_MOST_MODULES] if unit.file else []
            units = [
                found for found in map(modules.unit, files) if found is not None and "mlflow" in found.text.lower()
            ]
            self._loaded[key] = tuple(found for one in units for found in _classes_in(one, one.scope))
        return self._loaded[key]

    def _loaded_with(self, unit: Unit) -> list[Unit]:
        """The modules that importing `unit` from outside of its package loads as well."""
        modules = self._resolver.modules
        found: dict[str, Unit] = {}
        pending = deque(modules.finder.packages(unit.file) if unit.file else ())
        seen = {unit.file}
        while pending and len(seen) <= _MOST_MODULES:
            file = pending.popleft()
            if file in seen:
                continue
            seen.add(file)
            # A package that cannot itself reach MLflow may still import what does.
            other = modules.unit(file, anyway=file.endswith("__init__.py"))
            if other is not None:
                found[file] = other
                pending += self._imports(other)
        return list(found.values())

    def _imports(self, unit: Unit) -> tuple[str, ...]:
        """The files of the modules that a module imports."""
        if unit not in self._imported:
            self._imported[unit] = tuple(dict.fromkeys(self._imports_of(unit)))
        return self._imported[unit]

    def _imports_of(self, unit: Unit) -> Iterator[str]:
        names = [b.name for group in unit.scope.bindings.values() for b in group if isinstance(b, Imported)]
        for name in (*names, *unit.scope.stars):
            file = self._resolver.modules.finder.find(unit.file, name.module, name.level)
            if file is not None:
                yield file
            if name.attribute is not None and name.attribute != "*":
                dotted = f"{name.module}.{name.attribute}" if name.module else name.attribute
                nested = self._resolver.modules.finder.find(unit.file, dotted, name.level)
                if nested is not None:
                    yield nested


def _classes_in(unit: Unit, scope: Scope) -> Iterator[ClassRef]:
    for inner in scope.inner.values():
        if isinstance(inner.owner, facts.Class):
            yield ClassRef(unit, inner.owner, inner)
        yield from _classes_in(unit, inner)


def is_abstract(definition: facts.Function) -> bool:
    """Whether a method leaves its work to subclasses: its body is a docstring, `pass`, `…` or `raise`."""
    return all(_does_nothing(statement) for statement in definition.body)


def _does_nothing(statement: facts.Statement) -> bool:
    match statement:
        case facts.Evaluate(facts.Constant() | facts.Opaque(())):
            return True
        case facts.Leave("raise", value):
            return value is not None and last_name(value) == "NotImplementedError"
    return False
