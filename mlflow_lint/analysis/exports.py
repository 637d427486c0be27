"""Names of a module through which an importer can reach MLflow: functions, classes, objects, modules."""

from __future__ import annotations

from mlflow_lint.analysis.effects import Effects
from mlflow_lint.analysis.meaning import (
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
from mlflow_lint.facts import model as facts
from mlflow_lint.project.modules import Unit


def exports(effects: Effects, unit: Unit) -> frozenset[str]:
    """The names of a module that reach MLflow."""
    place = Place(unit.scope)
    return frozenset(name for name in unit.scope.bindings if _reaches(effects, effects.resolver.name(name, place)))


def _reaches(effects: Effects, meaning: Meaning | None) -> bool:
    match meaning:
        case FunctionRef():
            return bool(effects.of(meaning)) or _reaches(effects, effects.resolver.returned(meaning))
        case ClassRef() | Instance():
            return _class_reaches(effects, meaning.type if isinstance(meaning, Instance) else meaning)
        case Several(options):
            return any(_reaches(effects, option) for option in options)
        case ModuleRef(file):
            return effects.resolver.modules.unit(file) is not None
        case External(dotted) | Result(dotted):
            return dotted.partition(".")[0] == "mlflow"
    return False


def _class_reaches(effects: Effects, of: ClassRef) -> bool:
    """Whether a method of a class, its own or inherited, does anything to MLflow."""
    for owner in effects.resolver.classes.ancestry(of):
        if isinstance(owner, ClassRef):
            for inner in owner.scope.inner.values():
                definition = inner.owner
                if isinstance(definition, facts.Function) and effects.of(
                    FunctionRef(owner.unit, definition, inner, of)
                ):
                    return True
    return False
