"""Whether sending the points of a nest of loops at once can be told from sending them one by one.

Invariant: `True` is a proof; what cannot be proved is `False`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.batching.per_key import turn_names
from mlflow_lint.analysis.batching.rows import Write, arguments_of
from mlflow_lint.analysis.flow.quick import is_quick_expression
from mlflow_lint.analysis.flow.sites import Loop
from mlflow_lint.analysis.flow.throttles import assigned_names
from mlflow_lint.analysis.flow.weight import is_pure, is_report
from mlflow_lint.analysis.names.meaning import External, Place, plain_api
from mlflow_lint.analysis.runs.run_state import How, OpenRun
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import WRITES, Kind
from mlflow_lint.facts.functions import inner_blocks
from mlflow_lint.facts.iterables import SAME_ITEMS
from mlflow_lint.facts.traverse import bound_names, last_name, names_in
from mlflow_lint.fixes.entries import evaluated, keys_of
from mlflow_lint.fixes.keys import all_differ, differ_by_turn
from mlflow_lint.fixes.merge import is_name, swallows_errors
from mlflow_lint.fixes.nest import Nest
from mlflow_lint.regex import regex

_MODELS = regex(r"log_model|autolog|active_model|logged_model|log_outputs")
_WRAPPERS = SAME_ITEMS | {"enumerate", "zip"}
_NUMBERS = frozenset("float int round len".split())


def is_safe(nest: Nest, effects: Effects, opened: OpenRun | None) -> bool:
    """Whether the store holds the same points in the end; `opened` is the run that is open before the nest."""
    outer = nest.loops[0]
    frames = nest.writes[0].site.frames
    return (
        not swallows_errors(frames[: frames.index(outer)])
        and _walks_purely(nest, effects)
        and all(_is_pure_write(write, effects) for write in nest.writes)
        and (_are_copies(nest, effects) or _are_apart(nest))
        and (nest.writes[0].api.client or _feeds_no_model(nest, effects, opened))
    )


# ------------------------------------------------------------------------------------------------ evaluation
def _walks_purely(nest: Nest, effects: Effects) -> bool:
    """Whether nothing that the loops do besides can see what was written, change a value that was, or end them."""
    outer = nest.loops[0].node
    assert not isinstance(outer, facts.While)
    if not _is_at_hand(outer.iterable, nest.body.place, effects):
        return False
    if isinstance(outer, facts.For):
        return _is_still(outer.body, nest, effects) and not _changes_values(nest)
    clauses = [loop.node for loop in nest.loops if isinstance(loop.node, facts.Clause)]
    inner = [part for clause in clauses for part in (clause.iterable, *clause.conditions)]
    return all(is_pure(part, nest.loops[0].place, effects.resolver) for part in inner if part is not outer.iterable)


def _is_at_hand(iterable: facts.Expression, place: Place, effects: Effects) -> bool:
    """Whether what is walked is read once, before the first point is sent."""
    if isinstance(iterable, facts.Call) and last_name(iterable.function) in _WRAPPERS:
        return all(_is_at_hand(given.value, place, effects) for given in iterable.arguments)
    return is_pure(iterable, place, effects.resolver) or _is_history(iterable, place, effects)


def _is_history(iterable: facts.Expression, place: Place, effects: Effects) -> bool:
    if not isinstance(iterable, facts.Call):
        return False
    meaning = effects.target(iterable, place)
    return isinstance(meaning, External) and meaning.dotted.endswith("().get_metric_history")


def _is_still(block: facts.Block, nest: Nest, effects: Effects) -> bool:
    """Whether statements only compute, print, and write what no metric depends on."""
    place = nest.body.place

    def pure(*expressions: facts.Expression) -> bool:
        return all(is_pure(expression, place, effects.resolver) for expression in expressions)

    for statement in block:
        match statement:
            case facts.Evaluate(facts.Call() as call) if any(write.site.call is call for write in nest.writes):
                passes = True
            case facts.Evaluate(facts.Call(_, arguments) as call):
                api = plain_api(effects.target(call, place))
                apart = api is not None and api.kind in WRITES and api.kind not in (Kind.METRIC, Kind.BATCH)
                passes = (apart or is_report(call, place) or pure(call)) and pure(*(a.value for a in arguments))
            case facts.Evaluate(value):
                passes = pure(value)
            case facts.Assign(targets, value):
                passes = all(map(is_name, targets)) and (value is None or pure(value))
            case facts.Update(target, _, value):
                passes = is_name(target) and pure(value)
            case facts.If(test):
                passes = pure(test)
            case facts.For(_, iterable, _, _, is_async):
                passes = pure(iterable) and not is_async
            case facts.Leave(kind):
                passes = kind in ("break", "continue")
            case _:
                passes = False
        if not passes or not all(_is_still(inner, nest, effects) for inner in inner_blocks(statement)):
            return False
    return True


def _changes_values(nest: Nest) -> bool:
    """Whether a value may be an array that a later turn adds to: `total += loss`."""
    updated = frozenset(_updated(nest.block))
    return any(
        names_in(value) & updated
        for write in nest.writes
        for value in evaluated(write)
        if not (isinstance(value, facts.Call) and last_name(value.function) in _NUMBERS)
    )


def _updated(block: facts.Block) -> Iterator[str]:
    for statement in block:
        if isinstance(statement, facts.Update):
            yield from bound_names(statement.target)
        for inner in inner_blocks(statement):
            yield from _updated(inner)


def _is_pure_write(write: Write, effects: Effects) -> bool:
    place, resolver = write.site.place, effects.resolver
    function = write.site.call.function
    receiver = (function.value,) if isinstance(function, facts.Attribute) else ()
    return all(is_pure(part, place, resolver) for part in (*receiver, *(g.value for g in write.arguments.values())))


# -------------------------------------------------------------------------------------------- points of a key
def _are_copies(nest: Nest, effects: Effects) -> bool:
    """Whether each point brings the step and time that it has in another run."""
    node = nest.loops[-1].node
    if isinstance(node, facts.While) or not _is_history(node.iterable, nest.body.place, effects):
        return False
    return all(
        write.others.get(name) == facts.Attribute(node.target, name)
        for write in nest.writes
        for name in ("timestamp", "step")
    )


def _are_apart(nest: Nest) -> bool:
    """Whether no two points have one key and step, so that no time decides which is the latest."""
    keys = keys_of(nest.writes)
    if not all_differ(keys) if keys is not None else len(nest.writes) > 1:
        return False
    return all(_is_apart(write, nest.loops) for write in nest.writes)


def _is_apart(write: Write, loops: tuple[Loop, ...]) -> bool:
    """Whether each loop makes either the step or all keys another in each of its turns."""
    counter = _counter(write.others["step"])
    counting = [loop for loop in loops if counter is not None and _counts(loop, counter)]
    keys = keys_of([write])
    return bool(counting) and all(
        loop in counting or (keys is not None and all(_names_turn(key, loop) for key in keys)) for loop in loops
    )


def _counter(step: facts.Expression) -> str | None:
    """The name that a step counts with: `epoch`, `epoch + 1`, `10 * epoch`, `int(epoch)`."""
    match step:
        case facts.Name(name):
            return name
        case facts.Operation("+" | "-", (facts.Name(name), facts.Constant(int()))):
            return name
        case facts.Operation("+" | "-", (facts.Constant(int()), facts.Name(name))):
            return name
        case facts.Operation("*", (facts.Name(name), facts.Constant(int(by)))) if by:
            return name
        case facts.Operation("*", (facts.Constant(int(by)), facts.Name(name))) if by:
            return name
        case facts.Call(facts.Name("int"), (facts.Argument(facts.Name(name)),)):
            return name
    return None


def _counts(loop: Loop, name: str) -> bool:
    """Whether a name is the index of `enumerate`, or runs over a range."""
    node = loop.node
    if isinstance(node, facts.While) or not isinstance(node.iterable, facts.Call) or _rebinds(loop, name):
        return False
    match node.iterable.function, node.target:
        case facts.Name("range" as word), facts.Name(target):
            found = target
        case facts.Name("enumerate" as word), facts.Collection(_, (facts.Name(target), *_)):
            found = target
        case _:
            return False
    return found == name and loop.place.scope.holder(word) is None


def _names_turn(key: facts.Expression, loop: Loop) -> bool:
    node = loop.node
    if isinstance(node, facts.While) or any(_rebinds(loop, name) for name in bound_names(node.target)):
        return False
    return differ_by_turn(key, node.target, node.iterable, turn_names(loop))


def _rebinds(loop: Loop, name: str) -> bool:
    return isinstance(loop.node, facts.For) and name in assigned_names(loop.node.body)


# ---------------------------------------------------------------------------------------------------- models
def _feeds_no_model(nest: Nest, effects: Effects, opened: OpenRun | None) -> bool:
    """Whether the run cannot hold a model yet, to which `mlflow.log_metric` copies points and a client does not.

    (`mlflow/tracking/fluent.py`, `_get_model_ids_for_new_metric_if_exist`.)
    """
    if opened is None or opened.how is How.HIDDEN or len(opened.chain) > 1 or "run_id" in nest.writes[0].others:
        return False
    api = opened.site.api
    given = arguments_of(opened.site.call, api) if api is not None else None
    if given is None or "run_id" in given or _MODELS.search(nest.text):
        return False
    begin, end = opened.site.call.span[1], nest.statement.span[1]
    turning = [frame for frame in nest.writes[0].site.frames if isinstance(frame, Loop)]
    turning = [loop for loop in turning if loop not in opened.site.frames]
    between = (
        site
        for site in effects.sites(nest.body)
        if begin <= site.call.span[0] and (site.call.span[0] < end or any(loop in turning for loop in site.frames))
    )
    return all(is_quick_expression(effects, site.call, site.place) for site in between)
