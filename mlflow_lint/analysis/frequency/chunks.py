"""Loops that send what is at hand in pieces as large as a request may be: what log_batch is for.

Invariant: only what is sent as it is counts as a piece: a slice of the loop, or what the loop gives, entry by entry.
"""

from __future__ import annotations

from mlflow_lint.analysis.flow.sites import Loop, Site
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.traverse import argument, bound_names, last_name, names_in

_ENTRIES = ("metrics", "params", "tags")
_SAME = frozenset(["list", "tuple", "dict"])


def sends_chunk(site: Site, loop: Loop) -> bool:
    """Whether a call sends a piece of what a loop walks over, with many entries in it."""
    api, node = site.api, loop.node
    if api is None or not isinstance(node, facts.For) or not (api.plural or api.kind is Kind.BATCH):
        return False
    targets = frozenset(bound_names(node.target))
    slices = frozenset(
        name
        for statement in node.body
        if isinstance(statement, facts.Assign) and _is_slice(statement.value, targets)
        for target in statement.targets
        for name in bound_names(target)
    )
    pieces = slices | targets if api.kind is Kind.BATCH else slices
    given = (argument(site.call, name, i) for i, name in enumerate(api.parameters) if name in _ENTRIES)
    return any(found is not None and _is_piece(found.value, pieces, targets) for found in given)


def _is_piece(value: facts.Expression, pieces: frozenset[str], targets: frozenset[str]) -> bool:
    match value:
        case facts.Name(name):
            return name in pieces
        case facts.Subscript():
            return _is_slice(value, targets)
        case facts.Comprehension(_, _, (facts.Clause() as clause,)):
            return _is_piece(clause.iterable, pieces, targets)
        case facts.Call(_, (given,)) if last_name(value.function) in _SAME:
            return _is_piece(given.value, pieces, targets)
    return False


def _is_slice(value: facts.Expression | None, targets: frozenset[str]) -> bool:
    """`points[start : start + size]`, where the loop counts `start`."""
    return (
        isinstance(value, facts.Subscript)
        and isinstance(value.index, facts.Opaque)
        and bool(names_in(value.index) & targets)
    )
