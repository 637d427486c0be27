"""Queries in loops whose answer was at hand, or could be had once.

Four forms: the same query each turn, the same twice in a turn, `get_run` for each row of a search, a search per
experiment where one takes the list. Invariant: a query that may be answered differently next time, because the loop
writes, trains or waits, is none of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field

from mlflow_lint.analysis.batching.rows import arguments_of
from mlflow_lint.analysis.flow.loops import literal_count, own_calls
from mlflow_lint.analysis.flow.quick import WORK, is_quick_expression
from mlflow_lint.analysis.flow.repetition import loop_start, loop_words
from mlflow_lint.analysis.flow.sites import Loop, Rescue, Run, Site
from mlflow_lint.analysis.flow.throttles import assigned_names
from mlflow_lint.analysis.frequency.constancy import changing_names, differs
from mlflow_lint.analysis.names.meaning import FunctionRef, Place, apis_called, plain_api
from mlflow_lint.analysis.names.scopes import Item, Value
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import WRITES, Api, Kind
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.functions import returned_values
from mlflow_lint.facts.traverse import argument, calls_in, descend, last_name, names_in
from mlflow_lint.findings import Step
from mlflow_lint.record import entity, record
from mlflow_lint.regex import regex

_SMALL = 5
_DEEPEST = 8
_RUN_IDS = frozenset(["run_id", "run_uuid"])
_SETTLED = frozenset(["get_experiment", "get_parent_run", "search_experiments"])
"""Queries that what a run writes does not answer differently."""
_CHANGING = regex(r"(delete|copy|restore|rename|transition|archive|export|import)(_|$)")
_NOT_IN_ROWS = regex(r"\.(inputs|outputs)\b")
"""What a run holds and the rows of a frame of runs do not."""
_WAITING = frozenset(["sleep", "wait", "system", "check_call", "check_output", "Popen", "communicate"])


@entity
class Read:
    """A query that a loop repeats for nothing."""

    site: Site
    api: Api
    where: str
    """`loop over runs, line 12`."""
    reason: str
    """What is wrong with it, for the message."""
    advice: str
    chain: tuple[Step, ...]


def repeated_reads(effects: Effects, bodies: Iterable[Body]) -> Iterator[Read]:
    """Queries of a file that a loop repeats, in order."""
    for body in bodies:
        asked: dict[tuple[int, facts.Call], Site] = {}
        for site in effects.touching(body):
            api = site.api
            if api is None or api.kind is not Kind.READ or any(isinstance(f, Rescue) for f in site.frames):
                continue
            before = asked.setdefault((id(site.block), site.call), site)
            found = _judged(effects, site, api) or _asked_twice(effects, before, site)
            if found is None:
                continue
            loop, reason, advice = found
            start, words = loop_start(loop), loop_words(loop)
            chain = (
                body.unit.step(start, f"{words}: {reason}"),
                body.unit.step(site.call.span[0], api.label),
            )
            yield Read(site, api, f"{words}, {body.unit.where(start)}", reason, advice, chain)


def _judged(effects: Effects, site: Site, api: Api) -> tuple[Loop, str, str] | None:
    """The loop that repeats a query for nothing, why, and what to do instead."""
    for index in range(len(site.frames) - 1, -1, -1):
        frame = site.frames[index]
        if isinstance(frame, Run):
            return None
        if not isinstance(frame, Loop):
            continue
        verdict = effects.loops.verdict(frame)
        if isinstance(frame.node, facts.While) or verdict.frequency in (Frequency.ONCE, Frequency.POLLING):
            return None
        if effects.throttles.between(site.frames[index + 1 :], frame):
            return None
        count = literal_count(frame.node)
        if count is not None and count <= _SMALL:
            continue
        if not differs(site.call, frame):
            if _is_settled(effects, site, api, frame):
                return frame, "its arguments do not change", "ask once, before the loop"
            continue
        if api.name == "get_run" and _of_row(effects, site, frame):
            return frame, "each row of the search holds the run", "read params, metrics and tags from the row"
        if api.name == "search_runs" and _per_experiment(api, site.call, frame) and not _acts(effects, site, frame):
            return frame, "it takes a list of experiments", "search all experiments at once and group the rows"
        return None
    return None


def _asked_twice(effects: Effects, before: Site, site: Site) -> tuple[Loop, str, str] | None:
    """The loop around a query that the same turn has asked already, with nothing in between that matters to it."""
    loop = next((frame for frame in reversed(site.frames) if isinstance(frame, (Loop, Run))), None)
    if before is site or before.frames != site.frames or not isinstance(loop, Loop):
        return None
    if isinstance(loop.node, facts.While) or effects.loops.verdict(loop).frequency is Frequency.POLLING:
        return None
    between = site.block[before.index : site.index]
    for call in own_calls(between):
        kinds = _kinds(effects, call, site.place)
        if kinds - {Kind.READ} or not (kinds or is_quick_expression(effects, call, site.place)):
            return None
    if assigned_names(between) & names_in(site.call):
        return None
    where = site.place.unit.where(before.call.span[0])
    return loop, f"{where} asks the same", "keep that answer"


def _is_settled(effects: Effects, site: Site, api: Api, loop: Loop) -> bool:
    """Whether the answer is the same in each turn: nothing in the loop can change what is asked for."""
    if not isinstance(loop.node, facts.For):
        return True
    stays = api.name in _SETTLED or _asks_for_info(site)
    for word, kinds in effects.once(_done_in, loop):
        if word in _WAITING or Kind.SETUP in kinds:
            return False
        if not stays and (kinds - {Kind.READ} or (not kinds and WORK.search(word))):
            return False
    return True


def _done_in(effects: Effects, loop: Loop) -> frozenset[tuple[str, frozenset[Kind]]]:
    """What the calls of a turn are named, and what they do to the store."""
    body = () if isinstance(loop.node, facts.Clause) else loop.node.body
    return frozenset((last_name(call.function), _kinds(effects, call, loop.place)) for call in own_calls(body))


def _kinds(effects: Effects, call: facts.Call, place: Place) -> frozenset[Kind]:
    kinds = frozenset(api.kind for api in apis_called(effects.target(call, place)))
    return kinds.union(effect.api.kind for reached in effects.reached(call, place) for effect in reached.effects)


def _asks_for_info(site: Site) -> bool:
    """`get_run(run_id).info`: what a run was created with."""
    value = getattr(site.statement, "value", None)
    return value is not None and any(
        isinstance(node, facts.Attribute) and node.name == "info" and node.value is site.call for node in descend(value)
    )


def _acts(effects: Effects, site: Site, loop: Loop) -> bool:
    """Whether the loop works on what it found rather than looks at it: it deletes, copies, trains."""
    if not isinstance(loop.node, facts.For):
        return False
    for call in own_calls(loop.node.body):
        kinds = _kinds(effects, call, site.place)
        if kinds - {Kind.READ, Kind.SETUP}:
            return True
        if not kinds and (WORK.search(last_name(call.function)) or _CHANGING.match(last_name(call.function))):
            return True
    return False


def _per_experiment(api: Api, call: facts.Call, loop: Loop) -> bool:
    """Whether only the experiment is another each turn: `search_runs([experiment.experiment_id])`, or without `[]`."""
    arguments = arguments_of(call, api)
    if arguments is None:
        return False
    changing = changing_names(loop)
    varying = {name: given.value for name, given in arguments.items() if names_in(given.value) & changing}
    return set(varying) in ({"experiment_ids"}, {"experiment_names"}) and all(
        len(value.items) == 1 if isinstance(value, facts.Collection) else last_name(value) == "experiment_id"
        for value in varying.values()
    )


def _of_row(effects: Effects, site: Site, loop: Loop) -> bool:
    """Whether a loop walks what a search gave, and asks for the run of the row that is at hand."""
    given = argument(site.call, "run_id", 0)
    if given is None or isinstance(loop.node, facts.While) or not names_in(given.value) & changing_names(loop):
        return False
    if any(isinstance(outer, Loop) and isinstance(outer.node, facts.While) for outer in loop.around):
        return False  # it looks again after a while
    if isinstance(loop.node, facts.For) and any(
        api is not None and api.client and api.kind in WRITES
        for api in (plain_api(effects.target(call, site.place)) for call in own_calls(loop.node.body))
    ):
        return False  # it looks at what it wrote
    words = set(_words(given.value, loop.place, 0))
    text = loop.place.unit.text[slice(*loop.node.span)] if isinstance(loop.node, facts.For) else ""
    if _NOT_IN_ROWS.search(text):
        return False
    own = bool(words & _RUN_IDS) and not any("parent" in word.lower() for word in words)
    return own and _Origin(effects, "search_runs").of(loop.node.iterable, loop.place, 0)


def _words(expression: facts.Expression, place: Place, depth: int) -> Iterator[str]:
    """Identifiers and string keys that an expression is made of, names followed to where they come from."""
    for node in descend(expression):
        if isinstance(node, facts.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, facts.Attribute):
            yield node.name
        elif isinstance(node, facts.Name):
            yield node.id
            holder = place.scope.holder(node.id)
            for binding in holder.bindings[node.id] if holder is not None and depth < 3 else ():
                if isinstance(binding, (Value, Item)):
                    source = binding.expression if isinstance(binding, Value) else binding.iterable
                    if not any(map(_is_search, calls_in(source))):
                        yield from _words(source, place, depth + 1)


def _is_search(call: facts.Call) -> bool:
    return last_name(call.function) == "search_runs"


@record
class _Origin:
    """Follows an expression back to a query of MLflow."""

    effects: Effects
    query: str
    names: dict[tuple[int, str], bool] = field(default_factory=dict)
    """What is known of names; one that is asked for while it is followed decides nothing."""

    def of(self, expression: facts.Expression, place: Place, depth: int) -> bool:
        if depth > _DEEPEST:
            return False
        match expression:
            case facts.Call():
                return self.call(expression, place, depth)
            case facts.Attribute(value, _) | facts.Subscript(value, _):
                return self.of(value, place, depth + 1)
            case facts.Comprehension(_, _, clauses):
                return self.of(clauses[0].iterable, place, depth + 1)
            case facts.Name(name):
                return self.name(name, place, depth)
        return False

    def name(self, name: str, place: Place, depth: int) -> bool:
        holder = place.scope.holder(name)
        if holder is None:
            return False
        key = (id(holder), name)
        if key not in self.names:
            self.names[key] = True
            inner = Place(holder, place.receiver)
            known = [
                self.of(b.expression if isinstance(b, Value) else b.iterable, inner, depth + 1)
                for b in holder.bindings[name]
                if isinstance(b, (Value, Item)) and not _is_empty(b)
            ]
            self.names[key] = bool(known) and all(known)
        return self.names[key]

    def call(self, call: facts.Call, place: Place, depth: int) -> bool:
        meaning = self.effects.target(call, place)
        api = plain_api(meaning)
        if (api.name if api is not None else last_name(call.function)) == self.query:
            return True
        if isinstance(meaning, FunctionRef):
            inner = Place(meaning.scope, meaning.receiver)
            values = [value for value in returned_values(meaning.definition.body) if value != facts.Constant(None)]
            return bool(values) and all(self.of(value, inner, depth + 1) for value in values)
        if isinstance(call.function, facts.Attribute) and self.of(call.function.value, place, depth + 1):
            return True
        return bool(call.arguments) and self.of(call.arguments[0].value, place, depth + 1)


def _is_empty(binding: Value | Item) -> bool:
    """`runs = []`, `runs = None`: only makes room."""
    if isinstance(binding, Item):
        return False
    value = binding.expression
    return isinstance(value, facts.Constant) or (isinstance(value, facts.Collection) and not value.items)
