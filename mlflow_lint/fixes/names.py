"""Names that new code needs: those at hand are used, others are imported.

Invariant: a name is offered only where it is sure to mean what it should; a clash means no fix.
"""

from __future__ import annotations

from functools import lru_cache

from mlflow_lint.analysis.names.meaning import Place
from mlflow_lint.analysis.names.resolve import Resolver
from mlflow_lint.analysis.names.scopes import Imported, Scope
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, api_of
from mlflow_lint.facts.traverse import shown
from mlflow_lint.findings import Edit
from mlflow_lint.fixes.imports import importing, imports_of, joining

Named = tuple[str, tuple[Edit, ...]]
"""How to write a name, and the edits that make it available."""


def sibling(call: facts.Call, api: Api, wanted: str, place: Place, resolver: Resolver) -> Named | None:
    """How to call `wanted`, a function beside the one that `call` calls: `m.log_metrics` beside `m.log_metric`."""
    unit = place.unit
    function = call.function
    if isinstance(function, facts.Attribute):
        written = shown(function, 200)
        if function.name != api.name or not unit.text.startswith(written, call.span[0]):
            return None
        return f"{written.removesuffix(api.name)}{wanted}", ()
    if not isinstance(function, facts.Name):
        return None
    for name, dotted in resolver.libraries(place):
        if dotted == "mlflow":
            return f"{name}.{wanted}", ()
        found = api_of(dotted)
        if found is not None and not found.client and found.name == wanted:
            return name, ()
    return _beside(function.id, wanted, place)


def _beside(local: str, wanted: str, place: Place) -> Named | None:
    """Add `wanted` to the `from mlflow import …` that binds `local`."""
    holder = place.scope.holder(local)
    if holder is None or isinstance(holder.owner, facts.Comprehension):
        return None
    if any(wanted in scope.bindings for scope in place.scope.enclosing()):
        return None
    for statement in imports_of(holder.owner.body):
        if any(name.local == local and name.attribute is not None for name in statement.names):
            edit = joining(statement, wanted, place.unit)
            return (wanted, (edit,)) if edit is not None else None
    return None


def member(path: str, place: Place, resolver: Resolver) -> Named | None:
    """How to write a member of MLflow, `MlflowClient` or `entities.Metric`: by its name, or in full.

    A submodule's is imported by name, unless MLflow itself is imported late or may be missing.
    """
    module, _, name = f"mlflow.{path}".rpartition(".")
    full: str | None = None
    for local, dotted in resolver.libraries(place):
        if dotted == f"mlflow.{path}":
            return local, ()
        if dotted == "mlflow":
            full = full or f"{local}.{path}"
    if full is not None and module == "mlflow":
        return full, ()
    return imported(module, name, place) or ((full, ()) if full is not None else None)


def fresh(name: str, place: Place) -> str:
    """A name that nothing here uses."""
    candidates = [name, f"{name}_to_log", *(f"{name}_to_log_{number}" for number in range(2, 100))]
    for candidate in candidates:
        if not any(candidate in scope.bindings for scope in place.scope.enclosing()):
            return candidate
    return candidates[-1]


def imported(module: str, attribute: str | None, place: Place) -> Named | None:
    """How to write `attribute` of `module` (or the module itself), importing it at the top if need be."""
    unit = place.unit
    wanted = attribute or module
    for name in _imported_as(unit.scope).get((module, attribute), ()):
        if place.scope.holder(name) is unit.scope:
            return name, ()
    if any(wanted in scope.bindings for scope in place.scope.enclosing()):
        return None
    edit = importing(module, attribute, place)
    return (wanted, (edit,)) if edit is not None else None


@lru_cache(maxsize=1)
def _imported_as(scope: Scope) -> dict[tuple[str, str | None], list[str]]:
    """By module and attribute, the names of a scope that are bound by an import and by nothing else.

    Remembered, for a long file has many fixes.
    """
    found: dict[tuple[str, str | None], list[str]] = {}
    for name, bindings in scope.bindings.items():
        first = bindings[0]
        if len(bindings) == 1 and isinstance(first, Imported) and not first.name.level:
            found.setdefault((first.name.module, first.name.attribute), []).append(name)
    return found
