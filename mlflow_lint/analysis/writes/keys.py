"""What is known of the key that a write uses: always the same, built from parameters, or anything.

Invariant: a key counts as constant only if every part of it is, wherever its names are bound.
"""

from __future__ import annotations

from typing import TypeAlias

from mlflow_lint.analysis.flow.sites import Site
from mlflow_lint.analysis.flow.throttles import Throttles
from mlflow_lint.analysis.names.arguments import filled_parameters
from mlflow_lint.analysis.names.meaning import FunctionRef, Place
from mlflow_lint.analysis.names.resolve import Resolver
from mlflow_lint.analysis.names.scopes import Scope, Value
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api
from mlflow_lint.facts.traverse import argument, descend
from mlflow_lint.record import record

_DEPTH = 3

Origin: TypeAlias = tuple[Scope, str]
"""A parameter: the scope inside its function, and its name."""


@record
class Key:
    """What is known of the key that a write uses."""

    known: bool
    """Whether every part of it is in sight."""
    origins: frozenset[Origin] = frozenset()
    """Parameters that it is built from, among other things if not every part is in sight."""

    @property
    def constant(self) -> bool:
        """Whether it is the same in every call."""
        return self.known and not self.origins

    def parameters(self, function: FunctionRef) -> frozenset[str]:
        """Names of those that are parameters of `function` itself."""
        return frozenset(name for scope, name in self.origins if scope is function.scope)


class Keys:
    """Reads keys; needs a resolver and throttles to tell what a name stands for."""

    def __init__(self, resolver: Resolver, throttles: Throttles) -> None:
        self._resolver = resolver
        self._throttles = throttles

    def written(self, site: Site, api: Api) -> Key:
        """The key of a call of MLflow."""
        if api.plural:
            given = argument(site.call, api.parameters[0 if not api.client else 1], 0)
            if given is not None and isinstance(given.value, facts.Mapping):
                parts = [self._key(k, site.place, 0) for k, _ in given.value.items if k is not None]
                complete = len(parts) == len(given.value.items)
                return Key(complete and all(part.constant for part in parts))
            return Key(False)
        if "key" not in api.parameters:
            return Key(False)
        given = argument(site.call, "key", api.parameters.index("key"))
        return self._key(given.value, site.place, 0) if given is not None else Key(False)

    def passed(self, key: Key, site: Site, function: FunctionRef) -> Key:
        """A key of `function` in the terms of the code around the call at `site`."""
        own = key.parameters(function)
        if not own:
            return key
        filled = filled_parameters(site.call, function)
        known, origins = key.known, {origin for origin in key.origins if origin[0] is not function.scope}
        for name in own & filled.keys():
            found = self._key(filled[name], site.place, 0)
            known = known and found.known
            origins |= found.origins
        return Key(known, frozenset(origins))

    def _key(self, expression: facts.Expression, place: Place, depth: int) -> Key:
        """What is known of an expression that is used as a key."""
        known, origins = True, set[Origin]()
        for node in descend(expression):
            if isinstance(node, (facts.Call, facts.Subscript)):
                known = False
            elif isinstance(node, facts.Name):
                part = self._named(node, place, depth)
                known = known and part.known
                origins |= part.origins
        return Key(known, frozenset(origins))

    def _named(self, name: facts.Name, place: Place, depth: int) -> Key:
        holder = place.scope.holder(name.id)
        if holder is None:
            return Key(True)
        bindings = holder.bindings[name.id]
        if any(isinstance(binding, facts.Parameter) for binding in bindings):
            return Key(True, frozenset({(holder, name.id)}))
        if self._throttles.constant(name, place) is not ... or self._resolver.resolve(name, place) is not None:
            return Key(True)
        (binding, *others) = bindings
        if not others and isinstance(binding, Value) and not binding.unpacked and depth < _DEPTH:
            return self._key(binding.expression, Place(holder, place.receiver), depth + 1)
        return Key(False)
