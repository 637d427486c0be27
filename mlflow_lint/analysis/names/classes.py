"""Classes of the project: their ancestry, their methods, and what their objects keep in attributes.

Invariant: as for names, an attribute stands for something only when every assignment to it agrees.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, TypeAlias

from mlflow_lint.analysis.names.meaning import ClassRef, External, FunctionRef, Meaning, Place, either, same
from mlflow_lint.analysis.names.scopes import Declared, Value
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import additions, is_property, is_static, self_assignments
from mlflow_lint.record import record

if TYPE_CHECKING:
    from mlflow_lint.analysis.names.resolve import Resolver


Setting: TypeAlias = tuple["facts.Expression | None", "facts.Expression | None", Place]
"""A value, an annotation, and where they stand."""


@record
class _Kept:
    """What the objects of one class keep in their attributes, by name."""

    settings: dict[str, list[Setting]] = field(default_factory=dict)
    additions: dict[str, list[tuple[facts.Expression, Place]]] = field(default_factory=dict)


class Classes:
    """Looks into classes on behalf of a resolver."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._known: dict[int, _Kept] = {}

    def bases(self, definition: ClassRef) -> list[Meaning]:
        """What the bases of a class are, those that are known."""
        place = Place(definition.scope.parent or definition.scope)
        found = []
        for base in definition.definition.bases:
            value = base.value.value if isinstance(base.value, facts.Subscript) else base.value
            if base.keyword is None and not base.star:
                meaning = self._base(value, place)
                if meaning is not None:
                    found.append(meaning)
        return found

    def _base(self, value: facts.Expression, place: Place) -> Meaning | None:
        """A base class, looked up also in modules that cannot reach MLflow: they may derive from a framework's."""
        with self._resolver.reading_anyway():
            return self._resolver.resolve(value, place)

    def ancestry(self, definition: ClassRef) -> tuple[ClassRef | External, ...]:
        """The class and its known ancestors, nearest first; libraries' classes by name."""
        return self._resolver.ancestry(definition, lambda: tuple(self._ancestry(definition)))

    def _ancestry(self, definition: ClassRef) -> list[ClassRef | External]:
        found: list[ClassRef | External] = []
        pending: list[Meaning] = [definition]
        while pending and len(found) < 64:
            current = pending.pop(0)
            if isinstance(current, ClassRef) and not any(same(current, other) for other in found):
                found.append(current)
                pending.extend(self.bases(current))
            elif isinstance(current, External):
                found.append(current)
        return found

    def member(self, definition: ClassRef, name: str, receiver: ClassRef, instance: bool) -> Meaning | None:
        """Attribute `name` of a class, or with `instance` of an object of class `receiver`, found through its bases."""
        for current in self.ancestry(definition):
            if isinstance(current, ClassRef):
                found = self._own(current, name, receiver, instance)
                if found is not None:
                    return found
                if name in current.scope.bindings:
                    return None
        return None

    def _own(self, current: ClassRef, name: str, receiver: ClassRef, instance: bool) -> Meaning | None:
        for binding in reversed(current.scope.bindings.get(name, [])):
            if isinstance(binding, facts.Function):
                scope = current.scope.inner[id(binding)]
                method = FunctionRef(current.unit, binding, scope, receiver, instance and not is_static(binding))
                return self._resolver.returned(method) if is_property(binding) else method
        return self._resolver.remembered((id(current.definition), name), lambda: self._assigned(current, name))

    def _assigned(self, current: ClassRef, name: str) -> Meaning | None:
        """What `self.name` is set to by the methods and the body of a class."""
        known: list[Meaning] = []
        for value, annotation, place in self._set_in(current, name):
            if annotation is not None:
                declared = self._resolver.annotation(annotation, place)
                if declared is not None:
                    if place.scope is current.scope:
                        return declared
                    known.append(declared)
                    continue
            if value is None or isinstance(value, facts.Constant):
                continue
            meaning = self._resolver.resolve(value, place)
            if meaning is None:
                return None
            known.append(meaning)
        for binding in current.scope.bindings.get(name, []):
            if not isinstance(binding, (Declared, Value)):
                meaning = self._resolver.binding(binding, Place(current.scope))
                if meaning is None:
                    return None
                known.append(meaning)
        return either(known)

    def assignments(self, of: ClassRef, name: str) -> list[Setting]:
        """Values and annotations that the nearest class of an ancestry that sets `self.name` gives it."""
        for current in self.ancestry(of):
            if isinstance(current, ClassRef):
                found = self._set_in(current, name)
                if found:
                    return found
        return []

    def members(self, of: ClassRef) -> list[str]:
        """Names of what a class and its ancestors define, and of the attributes that their objects keep."""
        found: dict[str, None] = {}
        for current in self.ancestry(of):
            if isinstance(current, ClassRef):
                kept = self._kept(current)
                found |= dict.fromkeys((*current.scope.bindings, *kept.settings, *kept.additions))
        return list(found)

    def appended(self, of: ClassRef, name: str) -> list[tuple[facts.Expression, Place]]:
        """What the methods of a class and its ancestors add to the container in `self.name`."""
        return [
            addition
            for current in self.ancestry(of)
            if isinstance(current, ClassRef)
            for addition in self._kept(current).additions.get(name, ())
        ]

    def _set_in(self, current: ClassRef, name: str) -> list[Setting]:
        return self._kept(current).settings.get(name, [])

    def _kept(self, current: ClassRef) -> _Kept:
        """What the objects of a class keep, gathered once."""
        key = id(current.definition)
        if key not in self._known:
            self._known[key] = _kept(current)
        return self._known[key]


def _kept(current: ClassRef) -> _Kept:
    kept = _Kept()
    place = Place(current.scope)
    for name, bindings in current.scope.bindings.items():
        for binding in bindings:
            if isinstance(binding, Declared):
                kept.settings.setdefault(name, []).append((None, binding.annotation, place))
            elif isinstance(binding, Value):
                value = facts.Opaque() if binding.unpacked else binding.expression
                kept.settings.setdefault(name, []).append((value, None, place))
    for method in current.definition.body:
        if isinstance(method, facts.Function) and method.parameters:
            own = method.parameters[0].name
            inside = Place(current.scope.inner[id(method)], current)
            for name, settings in self_assignments(method.body, own).items():
                kept.settings.setdefault(name, []).extend((value, note, inside) for value, note in settings)
            for path, added in additions(method.body).items():
                if len(path) == 2 and path[0] == own:
                    kept.additions.setdefault(path[1], []).extend((value, inside) for value in added)
    return kept
