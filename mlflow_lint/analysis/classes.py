"""Classes of the project: their ancestry, their methods, and what their objects keep in attributes.

Invariant: as for names, an attribute stands for something only when every assignment to it agrees.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlflow_lint.analysis.meaning import ClassRef, External, FunctionRef, Meaning, Place, agreed, same
from mlflow_lint.analysis.scopes import Declared, says_nothing
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import is_property, is_static, self_assignments

if TYPE_CHECKING:
    from mlflow_lint.analysis.resolve import Resolver


class Classes:
    """Looks into classes on behalf of a resolver."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

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

    def ancestry(self, definition: ClassRef) -> list[ClassRef | External]:
        """The class and its known ancestors, nearest first; libraries' classes by name."""
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
        place = Place(current.scope)
        for binding in current.scope.bindings.get(name, []):
            if isinstance(binding, Declared):
                declared = self._resolver.annotation(binding.annotation, place)
                if declared is not None:
                    return declared
            elif not says_nothing(binding, []):
                meaning = self._resolver.binding(binding, place)
                if meaning is None:
                    return None
                known.append(meaning)
        for statement in current.definition.body:
            if isinstance(statement, facts.Function) and statement.parameters:
                own = statement.parameters[0].name
                scope = current.scope.inner[id(statement)]
                for value, annotation in self_assignments(statement.body, own, name):
                    if annotation is not None:
                        meaning = self._resolver.annotation(annotation, Place(scope, current))
                        if meaning is not None:
                            known.append(meaning)
                            continue
                    if value is None or isinstance(value, facts.Constant):
                        continue
                    meaning = self._resolver.resolve(value, Place(scope, current))
                    if meaning is None:
                        return None
                    known.append(meaning)
        return agreed(known)
