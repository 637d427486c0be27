"""Who calls a function in its own file, and what it is given there.

A parameter without an annotation is whatever the calls of its function pass; those of the same file are in sight
wherever the file is checked. Invariant: callers in other files are never asked, so that the answers for a file do not
depend on who imports it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from mlflow_lint.analysis.names.arguments import filled_parameters
from mlflow_lint.analysis.names.meaning import ClassRef, FunctionRef, Instance, Meaning, Place, options_of
from mlflow_lint.analysis.names.scopes import Scope, clause_scope
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import inner_blocks, own_expressions
from mlflow_lint.facts.traverse import LEAVES, children, last_name

if TYPE_CHECKING:
    from mlflow_lint.analysis.names.resolve import Resolver

_MOST_CALLS = 50


class Callers:
    """Finds the calls of functions within their file; calls are listed once per file."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._calls: dict[Scope, dict[str, list[tuple[facts.Call, Place]]]] = {}

    def calls(self, place: Place) -> dict[str, list[tuple[facts.Call, Place]]]:
        """The calls of the file of `place`, by the last name of what they call."""
        module = place.scope.module
        if module not in self._calls:
            found: _Calls = []
            _calls_of_scope(module, None, place, found)
            named: dict[str, _Calls] = {}
            for call, where in found:
                named.setdefault(last_name(call.function), []).append((call, where))
            self._calls[module] = named
        return self._calls[module]

    def arguments(self, scope: Scope, name: str) -> list[tuple[facts.Expression, Place]] | None:
        """What the calls of a function, whose inner scope is `scope`, pass for a parameter.

        None if a call may pass something that is not in sight; a call that leaves it to the default is left out.
        """
        definition = scope.owner
        if not isinstance(definition, facts.Function):
            return None
        given: list[tuple[facts.Expression, Place]] = []
        candidates = self._candidates(definition, scope)
        if len(candidates) > _MOST_CALLS:
            return None
        for call, place in candidates:
            function = self._called(definition, call, place)
            if function is None:
                continue
            filled = filled_parameters(call, function)
            if name in filled:
                if filled[name] != facts.Name(name) or place.scope is not scope:
                    given.append((filled[name], place))
            elif call.spread or function.applied:
                return None
        return given

    def is_called(self, scope: Scope) -> bool:
        """Whether the function with this inner scope is called in its file."""
        definition = scope.owner
        return isinstance(definition, facts.Function) and any(
            self._called(definition, call, place) for call, place in self._candidates(definition, scope)[:_MOST_CALLS]
        )

    def _candidates(self, definition: facts.Function, scope: Scope) -> list[tuple[facts.Call, Place]]:
        calls = self.calls(Place(scope))
        if definition.name != "__init__" or scope.parent is None or not isinstance(scope.parent.owner, facts.Class):
            return calls.get(definition.name, [])
        names = {"__init__", "cls"} | {
            inner.owner.name for inner in scope.module.inner.values() if isinstance(inner.owner, facts.Class)
        }
        return [found for name in sorted(names) for found in calls.get(name, ())]

    def _called(self, definition: facts.Function, call: facts.Call, place: Place) -> FunctionRef | None:
        for option in options_of(self._resolver.resolve(call.function, place)):
            reached: Meaning | None = option
            if isinstance(option, ClassRef):
                reached = self._resolver.attribute(Instance(option), "__init__")
            if isinstance(reached, FunctionRef) and reached.definition is definition:
                return reached
        return None


_Calls: TypeAlias = "list[tuple[facts.Call, Place]]"


def _calls_of_scope(scope: Scope, receiver: ClassRef | None, home: Place, found: _Calls) -> None:
    owner = scope.owner
    if isinstance(owner, facts.Class):
        receiver = ClassRef(home.unit, owner, scope)
    if not isinstance(owner, facts.Comprehension):
        place = Place(scope, receiver if isinstance(owner, facts.Function) else None)
        _calls_of_block(owner.body, place, found)
    for inner in scope.inner.values():
        _calls_of_scope(inner, receiver, home, found)


def _calls_of_block(block: facts.Block, place: Place, found: _Calls) -> None:
    for statement in block:
        for expression in own_expressions(statement):
            _calls_of(expression, place, found)
        for inner in inner_blocks(statement):
            _calls_of_block(inner, place, found)


def _calls_of(expression: facts.Expression, place: Place, found: _Calls) -> None:
    pending = [expression]
    while pending:
        node = pending.pop()
        if isinstance(node, facts.Comprehension):
            inside = Place(clause_scope(node, place.scope), place.receiver)
            for child in children(node):
                _calls_of(child, inside, found)
        elif not isinstance(node, LEAVES):
            if isinstance(node, facts.Call):
                found.append((node, place))
            pending += children(node)[::-1]
