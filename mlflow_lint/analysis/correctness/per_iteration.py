"""Metric keys that are built from a counter of epochs, steps or samples: a new metric each turn, in place of a step.

Invariant: the index of a fold, a seed, a class, a layer or a device is no such counter; an index counts only where the
loop is known to go through epochs, steps, samples or a history.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator

from mlflow_lint.analysis.flow.counters import counter_of, counting, says_step
from mlflow_lint.analysis.flow.repetition import loop_start, loop_words
from mlflow_lint.analysis.flow.sites import Guard, Loop, Run, Site
from mlflow_lint.analysis.names.arguments import filled_parameters
from mlflow_lint.analysis.names.constants import Hole, parts_of
from mlflow_lint.analysis.names.meaning import Place
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.analysis.writes.written import entries
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, Kind
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.iterables import SAME_ITEMS, unwrapped
from mlflow_lint.facts.traverse import descend, last_name, names_in, shown
from mlflow_lint.findings import Step
from mlflow_lint.record import entity
from mlflow_lint.regex import regex

_ITERATING = (Frequency.PER_EPOCH, Frequency.PER_STEP, Frequency.REPLAY)
_SAMPLES = regex(
    r"(^|_)(samples|examples|questions|queries|prompts|rows|records|documents|docs|batches|sentences|images|inputs"
    r"|conversations|test_cases|instances|(data|train|test|val|eval)(_?set|_?data)?)$",
    re.I,
)
_HORIZON = regex(r"horizon|lead|ahead|forecast|lag|pred_len", re.I)
_AMBIGUOUS = frozenset({"step", "time_step", "timestep", "ep"})
"""Also the names of horizons of a forecast, and of the steps of a pipeline."""


@entity
class IterationKey:
    """A metric key that holds a counter."""

    site: Site
    api: Api
    key: facts.Expression
    counter: facts.Expression
    where: str
    """What counts: `loop over range(epochs), line 4`, `parameter epoch of log, line 7`."""
    chain: tuple[Step, ...]

    @property
    def direct(self) -> bool:
        """Whether the call itself writes the metric."""
        return len(self.chain) == 2


def iteration_keys(effects: Effects, bodies: Iterable[Body], walks: Container[int]) -> Iterator[IterationKey]:
    """Keys of a file that hold a counter, in order; the first of each call."""
    for body in bodies:
        for site in effects.touching(body):
            for api, key, place, chain in _keys(effects, site, body):
                found = _counted(effects, key, place, site, body, walks)
                if found is not None:
                    counter, where, first = found
                    yield IterationKey(site, api, key, counter, where, (first, *chain))
                    break


def _keys(effects: Effects, site: Site, body: Body) -> Iterator[tuple[Api, facts.Expression, Place, tuple[Step, ...]]]:
    """The metric keys of a call: its own, or those that it hands to a function that writes them."""
    at = site.call.span[0]
    api = site.api
    if api is not None:
        for entry in entries(effects, site):
            if entry.kind is Kind.METRIC:
                yield api, entry.key, entry.place, (body.unit.step(at, api.label),)
        return
    for reached in effects.reached(site.call, site.place):
        filled = filled_parameters(site.call, reached.function)
        for effect in reached.effects:
            if effect.api.kind is Kind.METRIC and not effect.own_run:
                for name in sorted(effect.key.parameters(reached.function) & filled.keys()):
                    step = body.unit.step(at, f"{reached.function.definition.name}()")
                    yield effect.api, filled[name], site.place, (step, *effect.chain)


def _counted(
    effects: Effects, key: facts.Expression, place: Place, site: Site, body: Body, walks: Container[int]
) -> tuple[facts.Expression, str, Step] | None:
    """The counter in a key, and what counts."""
    parts = parts_of(key, place, effects)
    if not any(isinstance(part, str) for part in parts):
        return None
    for part in parts:
        if isinstance(part, Hole):
            found = _counter(effects, part.value, site, body, walks)
            if found is not None:
                return part.value, *found
    return None


def _counter(
    effects: Effects, value: facts.Expression, site: Site, body: Body, walks: Container[int]
) -> tuple[str, Step] | None:
    """What counts in a part of a key, in words; None if nothing is known to."""
    counted = _subject(value)
    if counted is None or _picks_turns(site, counted):
        return None
    for index in range(len(site.frames) - 1, -1, -1):
        frame = site.frames[index]
        if isinstance(frame, Run):
            return None
        if isinstance(frame, Loop) and isinstance(counted, facts.Name) and counted.id in counting(frame):
            if not _iterates(effects, frame, counted.id, walks):
                return None
            words, start = loop_words(frame), loop_start(frame)
            step = body.unit.step(start, f"{words}, in which {counted.id} counts")
            return f"{words}, {body.unit.where(start)}", step
    return _named(counted, site, body)


def _subject(value: facts.Expression) -> facts.Name | facts.Attribute | facts.Subscript | None:
    """The one name that an expression shows, perhaps shifted or converted."""
    match value:
        case facts.Name() | facts.Attribute():
            return value
        case facts.Subscript(_, facts.Constant(str())):
            return value
        case facts.Call(facts.Name("int" | "str"), (given,)):
            return _subject(given.value)
        case facts.Call(facts.Attribute(inner, "zfill"), _):
            return _subject(inner)
        case facts.Operation("+" | "-" | "*" | "//", operands):
            named = [operand for operand in operands if not isinstance(operand, facts.Constant)]
            return _subject(named[0]) if len(named) == 1 else None
    return None


def _iterates(effects: Effects, loop: Loop, name: str, walks: Container[int]) -> bool:
    """Whether a name that a loop binds or counts up goes through epochs, steps or samples."""
    node = loop.node
    frequency = effects.loops.verdict(loop).frequency
    if effects.loops.is_sweep(loop) or frequency is Frequency.ONCE:
        return False
    if not isinstance(node, facts.While):
        if isinstance(node.iterable, (facts.Collection, facts.Mapping)):
            return False
        if any(_HORIZON.search(last_name(part)) for part in descend(node.iterable)):
            return False
    iterating = frequency in _ITERATING
    if says_step(name):
        return iterating or (name not in _AMBIGUOUS and id(node) not in walks)
    if name != counter_of(loop):
        return False
    if frequency in (Frequency.PER_EPOCH, Frequency.PER_STEP):
        return True
    return not isinstance(node, facts.While) and any(
        _SAMPLES.search(last_name(part)) or (iterating and frequency is Frequency.REPLAY)
        for part in _walked(node.iterable)
    )


def _walked(iterable: facts.Expression) -> Iterator[facts.Expression]:
    """What `enumerate(…)` walks over."""
    counted = unwrapped(iterable, SAME_ITEMS)
    if isinstance(counted, facts.Call) and last_name(counted.function) == "enumerate" and counted.arguments:
        yield counted.arguments[0].value


def _picks_turns(site: Site, counted: facts.Expression) -> bool:
    """Whether the counter is compared with some turns: `if epoch == last`, `if epoch in (10, 50)`."""
    return any(
        isinstance(frame, Guard)
        and frame.holds
        and isinstance(frame.test, facts.Comparison)
        and frame.test.operators[0] in ("==", "in")
        and counted in frame.test.operands
        for frame in site.frames
    )


def _named(counted: facts.Expression, site: Site, body: Body) -> tuple[str, Step] | None:
    """A parameter or attribute that says it counts."""
    if not says_step(last_name(counted)) or any(isinstance(frame, Run) for frame in site.frames):
        return None
    definition = body.function.definition if body.function is not None else None
    if definition is None:
        return None
    if isinstance(counted, facts.Name):
        if not any(parameter.name == counted.id and not parameter.star for parameter in definition.parameters):
            return None
        words = f"parameter {counted.id} of {definition.name}"
    elif names_in(counted) & {"args", "cfg", "config", "opt", "hparams", "params"}:
        return None
    else:
        words = f"{shown(counted)} in {definition.name}"
    start = definition.span[0]
    return f"{words}, {body.unit.where(start)}", body.unit.step(start, f"{words} counts")
