"""Names of a module through which an importer can reach MLflow: functions, classes, objects, modules."""

from __future__ import annotations

from mlflow_lint.analysis.names.meaning import (
    ClassRef,
    External,
    FunctionRef,
    Instance,
    Meaning,
    ModuleRef,
    Place,
    Result,
    Several,
)
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.project.modules import Unit


def exports(effects: Effects, unit: Unit) -> frozenset[str]:
    """The names of a module that reach MLflow."""
    place = Place(unit.scope)
    return frozenset(n for n in unit.scope.bindings if _reaches(effects, effects.resolver.name(n, place), set()))


def _reaches(effects: Effects, meaning: Meaning | None, passed: set[int]) -> bool:
    """Whether something, or what it returns, reaches MLflow; functions that were `passed` may give themselves."""
    match meaning:
        case FunctionRef():
            if id(meaning.definition) in passed:
                return False
            passed.add(id(meaning.definition))
            return bool(effects.of(meaning)) or _reaches(effects, effects.resolver.returned(meaning), passed)
        case ClassRef() | Instance():
            return _class_reaches(effects, meaning.type if isinstance(meaning, Instance) else meaning, passed)
        case Several(options):
            return any(_reaches(effects, option, passed) for option in options)
        case ModuleRef(file):
            return effects.resolver.modules.unit(file) is not None
        case External(dotted) | Result(dotted):
            return dotted.partition(".")[0] == "mlflow"
    return False


def _class_reaches(effects: Effects, of: ClassRef, passed: set[int]) -> bool:
    """Whether a method of a class, its own or inherited, or an object that it keeps does anything to MLflow."""
    if id(of.definition) in passed:
        return False
    passed.add(id(of.definition))
    for owner in effects.resolver.classes.ancestry(of):
        if isinstance(owner, ClassRef):
            for inner in owner.scope.inner.values():
                if isinstance(inner.owner, facts.Function):
                    method = FunctionRef(owner.unit, inner.owner, inner, of)
                    if effects.of(method):
                        return True
    kept = effects.resolver.classes.kept(of)
    return any(_reaches(effects, effects.resolver.attribute(Instance(of), name), passed) for name in kept)
