"""What the items of a container stand for: the loggers of a list, the values of a dict.

Invariant: an item that is not known takes nothing away from those that are, since each gets its turn; what comes out is
good for asking what a loop over the items may do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlflow_lint.analysis.names.annotations import annotated_member
from mlflow_lint.analysis.names.meaning import FunctionRef, Instance, Meaning, Place, Several, either, options_of
from mlflow_lint.analysis.names.scopes import Declared, Scope, Value, clause_scope
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import additions
from mlflow_lint.facts.iterables import SAME_ITEMS
from mlflow_lint.facts.traverse import last_name

if TYPE_CHECKING:
    from mlflow_lint.analysis.names.resolve import Resolver

_SAME_ITEMS = SAME_ITEMS | {"copy"}
_DEPTH = 6


class Elements:
    """Looks into containers on behalf of a resolver."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._additions: dict[Scope, dict[tuple[str, ...], list[facts.Expression]]] = {}

    def of(self, node: facts.Expression, path: tuple[int, ...], place: Place, depth: int = 0) -> Meaning | None:
        """What a loop over `node` binds to the part of its target at `path`; `depth` counts the steps that led here."""
        if depth > _DEPTH:
            return None
        match node:
            case facts.Call():
                return self._call(node, path, place, depth)
            case _ if path:
                return None
            case facts.Collection(_, items):
                return self._any_of([self._resolver.resolve(item, place) for item in items])
            case facts.Mapping(items):
                return self._any_of([self._resolver.resolve(value, place) for _, value in items])
            case facts.Comprehension(kind, element, _):
                inner = Place(clause_scope(node, place.scope), place.receiver)
                value = element.items[0][1] if kind == "dict" and isinstance(element, facts.Mapping) else element
                return self._resolver.resolve(value, inner)
            case facts.Operation("or", operands):
                return self._any_of([self.of(operand, (), place, depth + 1) for operand in operands])
            case facts.Conditional(_, body, otherwise):
                return self._any_of([self.of(option, (), place, depth + 1) for option in (body, otherwise)])
            case facts.Name(name):
                holder = place.scope.holder(name)
                if holder is None:
                    return None
                key = ("elements", holder, name, id(place.receiver.definition) if place.receiver else 0)
                return self._resolver.remembered(
                    key, lambda: self._named(holder, name, Place(holder, place.receiver), depth)
                )
            case facts.Attribute(value, name):
                owners = [o for o in options_of(self._resolver.resolve(value, place)) if isinstance(o, Instance)]
                return self._any_of([self.kept(owner, name, depth) for owner in owners])
        return None

    def kept(self, owner: Instance, name: str, depth: int = 0) -> Meaning | None:
        """The same for a loop over what an object keeps in an attribute."""

        def work_out() -> Meaning | None:
            found: list[Meaning | None] = []
            for value, annotation, where in self._resolver.classes.assignments(owner.type, name):
                if annotation is not None:
                    found.append(annotated_member(annotation, where, self._resolver))
                if value is not None:
                    found.append(self.of(value, (), where, depth + 1))
            for item, where in self._resolver.classes.appended(owner.type, name):
                found.append(self._resolver.resolve(item, where))
            return self._any_of(found)

        return self._resolver.remembered(("elements", id(owner.type.definition), name), work_out)

    def _call(self, call: facts.Call, path: tuple[int, ...], place: Place, depth: int) -> Meaning | None:
        word = last_name(call.function)
        values = [given.value for given in call.arguments]
        if isinstance(call.function, facts.Attribute) and word in ("values", "items", "copy"):
            if word == "items":
                return self.of(call.function.value, (), place, depth + 1) if path == (1,) else None
            return self.of(call.function.value, path, place, depth + 1)
        if word == "enumerate" and values and path[:1] == (1,):
            return self.of(values[0], path[1:], place, depth + 1)
        if word == "zip" and path and path[0] < len(values):
            return self.of(values[path[0]], path[1:], place, depth + 1)
        if word in _SAME_ITEMS and values:
            return self.of(values[0], path, place, depth + 1)
        if path:
            return None
        called = self._resolver.resolve(call.function, place)
        if isinstance(called, FunctionRef) and called.definition.returns is not None:
            return annotated_member(called.definition.returns, Place(called.scope), self._resolver)
        return None

    def _named(self, holder: Scope, name: str, place: Place, depth: int) -> Meaning | None:
        found: list[Meaning | None] = []
        for binding in holder.bindings[name]:
            if isinstance(binding, Value) and not binding.unpacked:
                found.append(self.of(binding.expression, (), place, depth + 1))
            elif isinstance(binding, (Declared, facts.Parameter)) and binding.annotation is not None:
                found.append(annotated_member(binding.annotation, place, self._resolver))
            elif isinstance(binding, facts.Parameter):
                for given, where in self._resolver.callers.arguments(holder, name) or ():
                    found.append(self.of(given, (), where, depth + 1))
        found += [self._resolver.resolve(item, place) for item in self._added(holder).get((name,), ())]
        return self._any_of(found)

    def _added(self, holder: Scope) -> dict[tuple[str, ...], list[facts.Expression]]:
        if holder not in self._additions:
            owner = holder.owner
            self._additions[holder] = {} if isinstance(owner, facts.Comprehension) else additions(owner.body)
        return self._additions[holder]

    @staticmethod
    def _any_of(found: list[Meaning | None]) -> Meaning | None:
        known = [meaning for meaning in found if meaning is not None]
        common = either(known)
        return common if common is None or len(known) == len(found) else Several(options_of(common))
