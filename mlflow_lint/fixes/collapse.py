"""Turn a loop that writes one key each turn into one call.

A loop that does nothing else becomes a comprehension; any other keeps its loop, collects the entries in a dict and
sends them after it. Invariant: only the first form can be safe, and only where no two turns can write one key.
"""

from __future__ import annotations

from mlflow_lint.analysis.batching.per_key import KeyedWrite, turn_names
from mlflow_lint.analysis.batching.rows import Write, arguments_of
from mlflow_lint.analysis.flow.sites import Attempt, Loop, Site
from mlflow_lint.analysis.flow.weight import is_pure
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.traverse import bound_names, names_in
from mlflow_lint.findings import Applicability, Edit, Fix
from mlflow_lint.fixes.behind import returns
from mlflow_lint.fixes.clauses import clause_of, filter_of, read_elsewhere
from mlflow_lint.fixes.entries import Plural, entry, evaluated, plural_call, plural_of
from mlflow_lint.fixes.keys import differ_by_turn
from mlflow_lint.fixes.merge import at_most_one_model, in_order, swallows_errors
from mlflow_lint.fixes.names import fresh
from mlflow_lint.fixes.text import comments, indentation, is_directive, layout_at, line_end, line_start, slice_of
from mlflow_lint.project.target import Target
from mlflow_lint.record import entity
from mlflow_lint.source.file import newline_of

_COLLECTED = {Kind.METRIC: "metrics", Kind.PARAM: "params", Kind.TAG: "tags"}


@entity
class _Turn:
    """A loop whose turn is one write, perhaps under conditions, and nothing else."""

    statement: facts.For | facts.Evaluate
    clauses: tuple[str, ...]
    """`for … in …`, and `if …` for each condition."""
    conditions: tuple[facts.Expression, ...]


def collapse(keyed: KeyedWrite, effects: Effects, target: Target) -> Fix | None:
    """The fix that makes one call of a loop; None if it cannot be written without losing something."""
    if keyed.through is not None or any(isinstance(frame, Attempt) for frame in _inside(keyed.site, keyed.loop)):
        return None
    if keyed.site.place.scope.is_class:
        return None  # a comprehension in a class body does not see the names of the class
    write = _write(keyed.site, effects)
    if write is None or write.api.plural:
        return None
    plural = plural_of(write, effects.resolver, target)
    turn = turn_names(keyed.loop)
    if plural is None or any(names_in(value) & turn for value in write.others.values()):
        return None
    if not all(is_pure(value, keyed.site.place, effects.resolver) for value in write.others.values()):
        return None
    single = _single_turn(keyed, write)
    return _comprehension(keyed, write, plural, single, effects) if single else _collect(keyed, write, plural, effects)


def _inside(site: Site, loop: Loop) -> tuple[object, ...]:
    return site.frames[site.frames.index(loop) + 1 :]


def _write(site: Site, effects: Effects) -> Write | None:
    api = site.api
    arguments = arguments_of(site.call, api) if api is not None else None
    if api is None or arguments is None or (not api.plural and not {"key", "value"} <= set(arguments)):
        return None
    return Write(site, api, arguments, site.index)


# --------------------------------------------------------------------------------------------- comprehension
def _single_turn(keyed: KeyedWrite, write: Write) -> _Turn | None:
    text = keyed.body.unit.text
    node = keyed.loop.node
    statement = keyed.site.statement
    if isinstance(node, facts.Clause):
        owner = keyed.loop.owner
        if (
            owner is None
            or len(owner.clauses) != 1
            or owner.kind not in ("list", "set")
            or owner.element is not write.site.call
            or not isinstance(statement, facts.Evaluate)
            or statement.value is not owner
        ):
            return None
        return _Turn(statement, (slice_of(text, owner.clauses_span),), node.conditions)
    assert isinstance(node, facts.For)
    if node.is_async or node.orelse:
        return None
    tests: list[facts.If] = []
    block = node.body
    while len(block) == 1 and isinstance(block[0], facts.If) and not block[0].orelse:
        tests.append(block[0])
        block = block[0].body
    if len(block) != 1 or block[0] is not statement or not keyed.site.stands_alone:
        return None
    clauses = (clause_of(node, text), *(filter_of(test, text) for test in tests))
    return _Turn(node, clauses, tuple(test.test for test in tests))


def _comprehension(keyed: KeyedWrite, write: Write, plural: Plural, turn: _Turn, effects: Effects) -> Fix | None:
    text = keyed.body.unit.text
    start, end = turn.statement.span
    layout = layout_at(text, start)
    stop = line_end(text, end)
    if layout is None or not getattr(turn.statement, "alone", True):
        return None
    if text[end:stop].strip() and not text[end:stop].lstrip().startswith("#"):
        return None
    key, value = (slice_of(text, write.arguments[name].span) for name in ("key", "value"))
    kept = "".join((key, value, *turn.clauses))
    lost = [comment for offset, comment in comments(text, line_start(text, start), stop) if comment not in kept]
    if any(map(is_directive, lost)):
        return None
    if _is_whole_dict(keyed, write) and not plural.entity:
        whole = slice_of(text, _iterable(keyed.loop.node).span).removesuffix(".items()")
        written = f"{plural.callee}({', '.join([whole, *plural.rest])})"
    else:
        written = plural_call(plural, [entry(key, value, write, plural), *turn.clauses], " ", layout)
    edit = Edit(start, stop, (layout.newline + layout.indent).join([*lost, written]))
    applicability = Applicability.SAFE if _is_safe(keyed, write, turn, effects) else Applicability.UNSAFE
    name = plural.callee.rpartition(".")[2]
    return Fix(f"Send all keys with one {name}", (*plural.edits, edit), applicability)


def _iterable(node: facts.For | facts.While | facts.Clause) -> facts.Call:
    assert not isinstance(node, facts.While)
    assert isinstance(node.iterable, facts.Call)
    return node.iterable


def _is_whole_dict(keyed: KeyedWrite, write: Write) -> bool:
    """`for k, v in d.items(): log_metric(k, v)` writes `d` as it is."""
    node = keyed.loop.node
    if not isinstance(node, facts.For) or len(node.body) != 1 or isinstance(node.body[0], facts.If):
        return False
    iterable, target = node.iterable, node.target
    return (
        isinstance(iterable, facts.Call)
        and not iterable.arguments
        and isinstance(iterable.function, facts.Attribute)
        and iterable.function.name == "items"
        and slice_of(keyed.body.unit.text, iterable.span).endswith(".items()")
        and isinstance(target, facts.Collection)
        and target.items == (write.arguments["key"].value, write.arguments["value"].value)
        and all(isinstance(item, facts.Name) for item in target.items)
    )


def _is_safe(keyed: KeyedWrite, write: Write, turn: _Turn, effects: Effects) -> bool:
    node = keyed.loop.node
    assert not isinstance(node, facts.While)
    place, resolver = keyed.site.place, effects.resolver
    if swallows_errors(keyed.site.frames) or not in_order(write):
        return False
    if not all(is_pure(e, place, resolver) for e in (*evaluated(write), *turn.conditions, node.iterable)):
        return False
    distinct = write.api.kind is Kind.METRIC or (write.api.client and write.api.kind is Kind.PARAM)
    if distinct and not differ_by_turn(
        write.arguments["key"].value, node.target, node.iterable, turn_names(keyed.loop)
    ):
        return False
    if write.api.kind is Kind.METRIC and not write.api.client and not at_most_one_model(keyed.body, effects):
        return False
    if isinstance(node, facts.For) and any(name in place.scope.elsewhere for name in bound_names(node.target)):
        return False  # `global key`: others see the loop's variable
    # A comprehension keeps its variables to itself: nothing after the loop may ask for them.
    return isinstance(node, facts.Clause) or not read_elsewhere(keyed.body.block, node, set(bound_names(node.target)))


# --------------------------------------------------------------------------------------------------- collect
def _collect(keyed: KeyedWrite, write: Write, plural: Plural, effects: Effects) -> Fix | None:
    """Keep the loop, collect its entries, send them after it."""
    node = keyed.loop.node
    text = keyed.body.unit.text
    if not isinstance(node, facts.For) or plural.entity or returns(node.body):
        return None
    indent = indentation(text, node.span[0])
    stop = line_end(text, node.span[1])
    if indent is None or indentation(text, keyed.site.statement.span[0]) is None:
        return None
    writes = _writes_of_loop(keyed, write, effects)
    if writes is None:
        return None
    name = fresh(_COLLECTED[write.api.kind], keyed.site.place)
    newline = newline_of(text)
    edits = [Edit(line_start(text, node.span[0]), line_start(text, node.span[0]), f"{indent}{name} = {{}}{newline}")]
    for other in writes:
        key, value = (slice_of(text, other.arguments[part].span) for part in ("key", "value"))
        start, end = other.site.call.span
        written = text[start:end]
        if (
            len(comments(text, line_start(text, start), line_end(text, end))) > ("#" in text[end : line_end(text, end)])
            and "#" in written
        ):
            return None
        edits.append(Edit(start, end, f"{name}[{key}] = {value}"))
    call = f"{plural.callee}({', '.join([name, *plural.rest])})"
    edits.append(Edit(stop, stop, f"{newline}{indent}{call}"))
    title = f"Collect the entries and send them with one {plural.callee.rpartition('.')[2]} after the loop"
    return Fix(title, (*plural.edits, *edits), Applicability.UNSAFE)


def _writes_of_loop(keyed: KeyedWrite, write: Write, effects: Effects) -> list[Write] | None:
    """Every write of this kind in the loop, if all of them can be collected."""
    found: list[Write] = []
    for site in effects.sites(keyed.body):
        if keyed.loop not in site.frames:
            continue
        api = site.api
        if api is None:
            reached = effects.reached(site.call, site.place)
            if any(effect.api.kind is write.api.kind for one in reached for effect in one.effects):
                return None
            if any(api.kind is write.api.kind for api in site.apis):
                return None
            continue
        if api.kind is not write.api.kind:
            continue
        other = _write(site, effects)
        if other is None or api.plural or not site.stands_alone or other.others != write.others:
            return None
        if any(isinstance(frame, Attempt) for frame in _inside(site, keyed.loop)):
            return None
        found.append(other)
    return found
