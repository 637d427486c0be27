"""Loops that write one key each turn where one call takes them all.

Invariant: the key depends on the turn and the step does not; a loop that trains, opens a run or works long each turn
is not one of these.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from functools import lru_cache

from mlflow_lint.analysis.batching.rows import GROUPED, arguments_of
from mlflow_lint.analysis.flow.loops import inner_loops, own_calls
from mlflow_lint.analysis.flow.quick import is_quick
from mlflow_lint.analysis.flow.repetition import loop_start, loop_words
from mlflow_lint.analysis.flow.sites import Loop, Rescue, Run, Site
from mlflow_lint.analysis.names.arguments import filled_parameters
from mlflow_lint.analysis.names.meaning import Place
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, Kind
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.functions import inner_blocks
from mlflow_lint.facts.traverse import bound_names, last_name, names_in
from mlflow_lint.findings import Step
from mlflow_lint.record import entity
from mlflow_lint.regex import regex

_NOT_PER_KEY = (
    Frequency.PER_STEP,
    Frequency.PER_EPOCH,
    Frequency.PER_TRIAL,
    Frequency.POLLING,
    Frequency.ONCE,
)
_DEEPEST = 2
_HEAVY = regex(
    r"^_?(fit|fit_\w+|train|train_\w+|retrain\w*|fine_?tun(e|ing)\w*|run|run_\w+|evaluate_\w+|cross_val\w*|optimi[sz]e|search|generate|sleep|predict"
    r"|backward|download\w*|upload\w*|solve|simulate\w*|invoke|request)$"
)


@entity
class KeyedWrite:
    """A write of one key per turn of a loop."""

    site: Site
    api: Api
    body: Body
    loop: Loop
    where: str
    """`loop over metrics.items(), line 12`."""
    chain: tuple[Step, ...]
    through: Step | None
    """The line that writes, when a helper of the project does it."""


def keyed_writes(effects: Effects, bodies: Iterable[Body], replayed: Container[int]) -> Iterator[KeyedWrite]:
    """Keyed writes of a file, in order; the first of each kind in a loop.

    Calls (by `id`) that are `replayed` are left to the rule for the loop that walks the points.
    """
    for body in bodies:
        seen: set[tuple[int, Kind]] = set()
        varying: dict[int, frozenset[str]] = {}
        for site in effects.touching(body):
            loop = _innermost(site)
            if loop is None or id(site.call) in replayed:
                continue
            if id(loop.node) not in varying:
                varying[id(loop.node)] = turn_names(loop)
            written = _single_write(effects, site, body, loop, varying[id(loop.node)])
            if written is None:
                continue
            api, chain = written
            if (id(loop.node), api.kind) in seen or not _is_quick(effects, loop):
                continue
            seen.add((id(loop.node), api.kind))
            start, words = loop_start(loop), loop_words(loop)
            first = body.unit.step(start, f"{words}, {effects.loops.verdict(loop).evidence}")
            through = chain[-1] if len(chain) > 1 else None
            yield KeyedWrite(site, api, body, loop, f"{words}, {body.unit.where(start)}", (first, *chain), through)


def _innermost(site: Site) -> Loop | None:
    """The loop right around a call, if no run is opened in it and it is not the fallback of a failed batch."""
    for index in range(len(site.frames) - 1, -1, -1):
        frame = site.frames[index]
        if isinstance(frame, Run):
            return None
        if isinstance(frame, Loop):
            fallback = any(isinstance(outer, Rescue) for outer in site.frames[:index])
            return None if fallback or isinstance(frame.node, facts.While) else frame
    return None


def _single_write(
    effects: Effects, site: Site, body: Body, loop: Loop, varying: frozenset[str]
) -> tuple[Api, tuple[Step, ...]] | None:
    """The one write that a call makes under a key of this turn, `varying` being what changes with the turn."""
    api = site.api
    functions = effects.reached(site.call, site.place) if api is None else ()
    if api is None and len(functions) != 1:
        return None
    at = site.call.span[0]
    if api is not None:
        if api.kind not in GROUPED:
            return None
        arguments = arguments_of(site.call, api)
        key = _key(api, arguments) if arguments is not None else None
        if key is None or not names_in(key) & varying:
            return None
        step = (arguments or {}).get("step")
        if step is not None and names_in(step.value) & varying and not is_own_counter(step.value, loop):
            return None
        return api, (body.unit.step(at, api.label),)
    (reached,) = functions
    writes = [effect for effect in reached.effects if effect.api.kind in (*GROUPED, Kind.BATCH, Kind.ARTIFACT)]
    # A helper that writes one key: perhaps as one of several kinds, but under the same name and not in a loop.
    if not writes or any(
        effect.repeated or effect.api.plural or effect.own_run or not effect.key.origins for effect in writes
    ):
        return None
    effect = writes[0]
    if any(other.key != effect.key for other in writes):
        return None
    filled = filled_parameters(site.call, reached.function)
    keyed_by = effect.key.parameters(reached.function)
    if not any(names_in(filled[name]) & varying for name in keyed_by & filled.keys()):
        return None
    step_names = [value for name, value in filled.items() if "step" in name or "epoch" in name]
    if any(names_in(value) & varying for value in step_names):
        return None
    return effect.api, (body.unit.step(at, f"{reached.function.definition.name}()"), *effect.chain)


def _key(api: Api, arguments: dict[str, facts.Argument]) -> facts.Expression | None:
    """The key of a singular write, or of a plural one that is given exactly one entry."""
    if not api.plural:
        given = arguments.get("key")
        return given.value if given is not None else None
    for name in ("metrics", "params", "tags"):
        entries = arguments.get(name)
        if entries is not None and isinstance(entries.value, facts.Mapping) and len(entries.value.items) == 1:
            return entries.value.items[0][0]
    return None


def is_own_counter(step: facts.Expression, loop: Loop) -> bool:
    """Whether each key has a counter of its own: `step = counters[name]`, and not `step = row["step"]`."""
    if not isinstance(step, facts.Name) or not isinstance(loop.node, facts.For):
        return False
    turn = turn_names(loop)
    values = [
        statement.value
        for statement in loop.node.body
        if isinstance(statement, facts.Assign) and step in statement.targets
    ]
    return bool(values) and all(_is_looked_up(value, turn) for value in values)


def _is_looked_up(value: facts.Expression | None, turn: frozenset[str]) -> bool:
    """`counters[name]` or `counters.get(name)`: an entry for the turn, in what is the same each turn."""
    match value:
        case facts.Subscript(container, index):
            pass
        case facts.Call(facts.Attribute(container, "get"), (facts.Argument(index), *_)):
            pass
        case _:
            return False
    return not names_in(container) & turn and bool(names_in(index) & turn)


@lru_cache(maxsize=64)  # asked of each write in a loop, and a loop is told apart by identity
def turn_names(loop: Loop) -> frozenset[str]:
    """Names whose value is another in each turn: the targets, and what the body computes from them."""
    node = loop.node
    if isinstance(node, facts.While):
        return frozenset()
    names = set(bound_names(node.target))
    if isinstance(node, facts.For):
        for _ in range(3):
            before = len(names)
            _spread(node.body, names)
            if len(names) == before:
                break
    return frozenset(names)


def _spread(block: facts.Block, names: set[str]) -> None:
    for statement in block:
        if isinstance(statement, facts.Assign) and statement.value is not None:
            if names_in(statement.value) & names:
                for target in statement.targets:
                    names.update(bound_names(target))
        elif isinstance(statement, facts.For) and names_in(statement.iterable) & names:
            names.update(bound_names(statement.target))
        for inner in inner_blocks(statement):
            _spread(inner, names)


def _is_quick(effects: Effects, loop: Loop) -> bool:
    """Whether a turn only looks things up and writes them."""
    frequency = effects.loops.verdict(loop).frequency
    if frequency is Frequency.PER_TRIAL and isinstance(loop.node, facts.For):
        return is_quick(effects, loop.node.body, loop.place)  # the trials are over
    if frequency in _NOT_PER_KEY:
        return False
    if isinstance(loop.node, facts.Clause):
        return True
    assert isinstance(loop.node, facts.For)
    return not _works(effects, loop.node.body, loop.place, 0)


def _works(effects: Effects, block: facts.Block, place: Place, depth: int) -> bool:
    """Whether a block trains, generates or waits, itself, in its loops or in the project functions that it calls."""
    bodies = [block, *(inner.body for inner in inner_loops(block))]
    for call in (call for body in bodies for call in own_calls(body)):
        in_pattern = isinstance(call.function, facts.Attribute) and last_name(call.function.value) == "re"
        if _HEAVY.search(last_name(call.function)) and not in_pattern:
            return True
        for reached in effects.reached(call, place) if depth < _DEEPEST else ():
            function = reached.function
            inside = Place(function.scope, function.receiver)
            if effects.loops.holds_hot_loop(function.definition.body, inside):
                return True
            if _works(effects, function.definition.body, inside, depth + 1):
                return True
    return False
