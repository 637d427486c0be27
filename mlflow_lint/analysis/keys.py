"""What is known of the key that a write uses: always the same, built from parameters, or anything.

Invariant: a key counts as constant only if every part of it is, wherever its names are bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from mlflow_lint.analysis.arguments import filled_parameters
from mlflow_lint.analysis.meaning import FunctionRef, Place
from mlflow_lint.analysis.resolve import Resolver
from mlflow_lint.analysis.scopes import Scope
from mlflow_lint.analysis.sites import Site
from mlflow_lint.analysis.throttles import Throttles
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api
from mlflow_lint.facts.traverse import argument, descend

Origin: TypeAlias = tuple[Scope, str]
"""A parameter: the scope inside its function, and its name."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of the key that a write uses."""

    constant: bool
    """The same in every call."""
    origins: frozenset[Origin] = frozenset()
    """Parameters that it is built from."""

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
                parts = [self._origins(k, site.place) for k, _ in given.value.items if k is not None]
                complete = len(parts) == len(given.value.items)
                return Key(complete and all(part == frozenset() for part in parts))
            return Key(False)
        if "key" not in api.parameters:
            return Key(False)
        given = argument(site.call, "key", api.parameters.index("key"))
        origins = self._origins(given.value, site.place) if given is not None else None
        return Key(not origins, origins) if origins is not None else Key(False)

    def passed(self, key: Key, site: Site, function: FunctionRef) -> Key:
        """A key of `function` in the terms of the code around the call at `site`."""
        own = key.parameters(function)
        if not own:
            return key
        filled = filled_parameters(site.call, function)
        origins = {origin for origin in key.origins if origin[0] is not function.scope}
        for name in own & filled.keys():
            found = self._origins(filled[name], site.place)
            if found is None:
                return Key(False)
            origins |= found
        return Key(not origins, frozenset(origins))

    def _origins(self, expression: facts.Expression, place: Place) -> frozenset[Origin] | None:
        """Parameters that an expression is built from; empty if it is always the same, None if it may vary."""
        found: set[Origin] = set()
        for node in descend(expression):
            if isinstance(node, (facts.Call, facts.Subscript)):
                return None
            if isinstance(node, facts.Name):
                holder = place.scope.holder(node.id)
                if holder is None:
                    continue
                if any(isinstance(binding, facts.Parameter) for binding in holder.bindings[node.id]):
                    found.add((holder, node.id))
                elif not self._is_fixed(node, place):
                    return None
        return frozenset(found)

    def _is_fixed(self, name: facts.Name, place: Place) -> bool:
        if self._throttles.constant(name, place) is not ...:
            return True
        return self._resolver.resolve(name, place) is not None
