"""Whether a test tells versions of MLflow apart: by their number, or by what a function takes or an object has.

Names, attributes and functions of the project are followed to what they were given. Invariant: the version of a
registered model and the signature of one are none of MLflow's.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.names.meaning import FunctionRef, Instance, Place
from mlflow_lint.analysis.names.resolve import Resolver
from mlflow_lint.analysis.names.scopes import Value
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import returned_values
from mlflow_lint.facts.traverse import descend, last_name
from mlflow_lint.regex import regex

_DEEPEST = 4
_NAMES = regex(r"__version__|^VERSION$|(?i:mlflow_?(v\d|version|major|[23]))")
_CALLS = frozenset("version parse_version Version LooseVersion StrictVersion signature getfullargspec hasattr".split())
"""`version("mlflow")` of `importlib.metadata`, and what looks whether a function takes an argument."""


def tells_versions(resolver: Resolver, test: facts.Expression, place: Place) -> bool:
    """Whether how a test comes out depends on which MLflow is installed."""
    pending = [(test, place, 0)]
    seen: set[int] = set()
    while pending:
        expression, where, depth = pending.pop()
        if id(expression) in seen:
            continue
        seen.add(id(expression))
        for node in descend(expression):
            if _says(node):
                return True
            if depth < _DEEPEST:
                pending += [(source, at, depth + 1) for source, at in _sources(resolver, node, where)]
    return False


def _says(node: facts.Expression) -> bool:
    if isinstance(node, facts.Call):
        return last_name(node.function) in _CALLS
    return isinstance(node, (facts.Name, facts.Attribute)) and bool(_NAMES.search(last_name(node)))


def _sources(resolver: Resolver, node: facts.Expression, place: Place) -> Iterator[tuple[facts.Expression, Place]]:
    """What an expression was given, with where that stands."""
    match node:
        case facts.Name(name):
            holder = place.scope.holder(name)
            if holder is not None:
                inner = Place(holder, place.receiver)
                yield from ((b.expression, inner) for b in holder.bindings[name] if isinstance(b, Value))
        case facts.Attribute(value, name):
            owner = resolver.resolve(value, place)
            if isinstance(owner, Instance):
                for kept, _, where in resolver.classes.assignments(owner.type, name):
                    if kept is not None:
                        yield kept, where
        case facts.Call(function):
            called = resolver.resolve(function, place)
            if isinstance(called, FunctionRef):
                inner = Place(called.scope, called.receiver)
                yield from ((value, inner) for value in returned_values(called.definition.body))
