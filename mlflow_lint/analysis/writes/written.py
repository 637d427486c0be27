"""What a write writes: its keys and values, one by one, wherever they are in sight.

Invariant: an entry stands in the call itself or in a display that a name in it is bound to once; what `**` or a call
may add is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.flow.sites import Attempt, Site
from mlflow_lint.analysis.names.constants import bound_once
from mlflow_lint.analysis.names.meaning import External, Place
from mlflow_lint.analysis.names.scopes import clause_scope
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, Kind
from mlflow_lint.facts.functions import inner_blocks
from mlflow_lint.facts.traverse import argument, last_name
from mlflow_lint.record import record

_DEPTH = 4
_DISPLAYS = {"metrics": Kind.METRIC, "params": Kind.PARAM, "tags": Kind.TAG}
_ENTITIES = {"Metric": Kind.METRIC, "Param": Kind.PARAM, "RunTag": Kind.TAG}


@record
class Entry:
    """One key of a write."""

    kind: Kind
    key: facts.Expression
    value: facts.Expression | None
    """None where another value may have taken its place by the time it is written."""
    place: Place


def given(call: facts.Call, api: Api, name: str) -> facts.Expression | None:
    """What a call gives for a parameter; None where nothing is, or where `*` or `**` may hide it."""
    found = argument(call, name, api.parameters.index(name)) if name in api.parameters else None
    return found.value if found is not None and not found.star else None


def entries(effects: Effects, site: Site) -> tuple[Entry, ...]:
    """The entries of a call that writes, as far as they are in sight; none of another call."""
    return effects.once(_entries, site)


def _entries(effects: Effects, site: Site) -> Iterator[Entry]:
    api = site.api
    if api is None:
        return
    key = given(site.call, api, "key")
    if not api.plural:
        if key is not None and api.kind in (Kind.METRIC, Kind.PARAM, Kind.TAG):
            yield Entry(api.kind, key, given(site.call, api, "value"), site.place)
        return
    for name, kind in _DISPLAYS.items():
        found = given(site.call, api, name)
        if found is not None:
            if api.kind is Kind.BATCH:
                yield from _entities(effects, found, kind, site.place, 0)
            else:
                yield from _displayed(found, kind, site.place, 0)


def _displayed(node: facts.Expression, kind: Kind, place: Place, depth: int, certain: bool = True) -> Iterator[Entry]:
    """The entries of a dict."""
    if depth > _DEPTH:
        return
    match node:
        case facts.Mapping(items):
            for key, value in items:
                if key is None:
                    yield from _displayed(value, kind, place, depth + 1, certain)
                else:
                    yield Entry(kind, key, value if certain else None, place)
        case facts.Comprehension("dict", facts.Mapping(((key, value),))) if key is not None:
            inner = Place(clause_scope(node, place.scope), place.receiver)
            yield Entry(kind, key, value if certain else None, inner)
        case facts.Call(facts.Name("dict"), arguments):
            for one in arguments:
                if one.keyword is not None and not one.star:
                    yield Entry(kind, facts.Constant(one.keyword), one.value if certain else None, place)
        case facts.Name(name):
            bound = bound_once(name, place)
            if bound is not None and isinstance(bound[0], (facts.Mapping, facts.Comprehension, facts.Call)):
                yield from _displayed(bound[0], kind, bound[1], depth + 1, False)
                owner = bound[1].scope.owner
                body = () if isinstance(owner, facts.Comprehension) else owner.body
                for key in _added_keys(body, facts.Name(name)):
                    yield Entry(kind, key, None, bound[1])


def _added_keys(block: facts.Block, container: facts.Name) -> Iterator[facts.Expression]:
    """Keys under which a block puts something into a dict: `metrics[key] = value`."""
    for statement in block:
        if isinstance(statement, facts.Assign) and statement.value is not None:
            for target in statement.targets:
                if isinstance(target, facts.Subscript) and target.value == container:
                    yield target.index
        for inner in inner_blocks(statement):
            yield from _added_keys(inner, container)


def _entities(effects: Effects, node: facts.Expression, kind: Kind, place: Place, depth: int) -> Iterator[Entry]:
    """The entries of a list of entities: `[Metric("loss", loss, now, step)]`."""
    if depth > _DEPTH:
        return
    match node:
        case facts.Collection(_, items):
            for item in items:
                yield from _entities(effects, item, kind, place, depth + 1)
        case facts.Comprehension(_, element, _):
            inner = Place(clause_scope(node, place.scope), place.receiver)
            yield from _entities(effects, element, kind, inner, depth + 1)
        case facts.Name(name):
            bound = bound_once(name, place)
            if bound is not None and isinstance(bound[0], (facts.Collection, facts.Comprehension)):
                yield from _entities(effects, bound[0], kind, bound[1], depth + 1)
        case facts.Call() if _ENTITIES.get(last_name(node.function)) is kind:
            meaning = effects.target(node, place)
            key, value = argument(node, "key", 0), argument(node, "value", 1)
            if isinstance(meaning, External) and meaning.dotted.startswith("mlflow.") and key is not None:
                yield Entry(kind, key.value, value.value if value is not None else None, place)


def expects_failure(site: Site) -> bool:
    """Whether a call is meant to raise: it stands in `with pytest.raises(…)`."""
    return any(
        isinstance(frame, Attempt)
        and isinstance(frame.node, facts.With)
        and any(last_name(value) == "raises" for value, _ in frame.node.items)
        for frame in site.frames
    )
