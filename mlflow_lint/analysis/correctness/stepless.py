"""Metrics that are logged again and again in one run without a step, so that all their points land on step 0.

What repeats them is a loop over epochs, steps, trials or finished data, a hook, or callers that pass a step which the
function does not hand on. Invariant: a key that changes from turn to turn, a value that is logged in chosen turns only
and a running best are none of these.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator

from mlflow_lint.analysis.batching.per_key import turn_names
from mlflow_lint.analysis.flow.counters import counter_of, counting, misplaced_step, says_step
from mlflow_lint.analysis.flow.loops import called_names
from mlflow_lint.analysis.flow.registered import Hook
from mlflow_lint.analysis.flow.repetition import Repetition, by_function, by_hook, by_loop
from mlflow_lint.analysis.flow.sites import Frame, Guard, Loop, Rescue, Run, Site
from mlflow_lint.analysis.frequency.constancy import changing_names, in_first_turn
from mlflow_lint.analysis.frequency.selection import is_selected
from mlflow_lint.analysis.names.arguments import filled_parameters
from mlflow_lint.analysis.names.constants import Hole, Parts, bound_once, parts_of
from mlflow_lint.analysis.names.meaning import External, FunctionRef, Place
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.analysis.writes.written import Entry, entries, expects_failure, given
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, Kind
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.traverse import descend, last_name, names_in
from mlflow_lint.findings import Step
from mlflow_lint.record import entity, record
from mlflow_lint.regex import regex

_ITERATING = (Frequency.PER_EPOCH, Frequency.PER_STEP)
_SUMMARY = regex(r"best|(^|[_/\-. ])(final|last|overall|so_far|early_stop\w*|stopped\w*)([_/\-. ]|$)", re.I)
_ONE_TIME = regex(r"test|predict|sanity")
_TRAINING = regex(r"^training_step$|train_batch_end$")
"""Hooks of a batch in which Lightning's counter is another each time: it stands still while a model is validated."""
_WRAPPED_STEP = regex(
    r"^((global|current|train|training)_?)?(step|epoch|iteration|step_num|step_idx|step_count)$", re.I
)
_RUNS = regex(
    r"(start|begin|open|new|create|init|set_?up|end|finish|close)\w*(run|experiment|track\w*|logger|mlflow)$", re.I
)
_DEEPEST = 2


@record
class _Key:
    """A key that a write uses, and what it writes under it."""

    parts: Parts
    value: facts.Expression | None


@entity
class _Write:
    api: Api
    keys: tuple[_Key, ...] | None
    """None where no key is in sight."""
    chain: tuple[Step, ...]


@entity
class Stepless:
    """A metric without a step."""

    site: Site
    api: Api
    around: Repetition
    chain: tuple[Step, ...]
    step: str | None
    """The name or attribute that plainly is the step."""
    wraps: bool = False
    """Whether a function takes the step and does not pass it on."""

    @property
    def through(self) -> Step | None:
        """The line that writes, when it is not the line itself."""
        return self.chain[-1] if len(self.chain) > 2 else None


def stepless_metrics(effects: Effects, bodies: Iterable[Body], walks: Container[int]) -> Iterator[Stepless]:
    """Metrics of a file that miss their step, in order."""
    for body in bodies:
        for site in effects.touching(body):
            write = _direct(effects, site, body) or _through(effects, site, body, 0)
            if write is None or _is_summary(write) or expects_failure(site):
                continue
            found = _in_loop(effects, site, body, write, walks) or _in_hook(effects, site, body, write)
            found = found or _wrapper(effects, site, body, write)
            if found is not None:
                yield found


# ------------------------------------------------------------------------------------------------- the writes
def _direct(effects: Effects, site: Site, body: Body) -> _Write | None:
    """A call of MLflow that writes metrics without a step."""
    api = site.api
    if api is None or api.kind is not Kind.METRIC or site.call.spread:
        return None
    if given(site.call, api, "step") not in (None, facts.Constant(None)):
        return None
    if api.client and misplaced_step(site.call, site.place) is not None:
        return None
    keys = tuple(_key(effects, entry) for entry in entries(effects, site))
    return _Write(api, keys or None, (body.unit.step(site.call.span[0], api.label),))


def _key(effects: Effects, entry: Entry) -> _Key:
    return _Key(parts_of(entry.key, entry.place, effects), entry.value)


def _through(effects: Effects, site: Site, body: Body, depth: int) -> _Write | None:
    """A call of one project function that each time writes metrics without a step."""
    if site.api is not None or depth > _DEEPEST or site.call.spread:
        return None
    functions = effects.reached(site.call, site.place)
    if len(functions) != 1 or not any(effect.api.kind is Kind.METRIC for effect in functions[0].effects):
        return None
    function = functions[0].function
    filled = filled_parameters(site.call, function)
    if function.applied or any(_WRAPPED_STEP.match(name) for name in filled):
        return None  # the function itself is told that it does not pass the step on
    if _SUMMARY.search(function.definition.name) or any(
        _says_summary(argument.value) for argument in site.call.arguments
    ):
        return None
    inner = Body.of(function)
    if any(effects.opens_run(one.call, one.target) or effects.ends_run(one.target) for one in effects.sites(inner)):
        return None
    for one in effects.touching(inner):
        if _is_chosen(effects, one.frames, None) or any(_is_long(effects, frame) for frame in one.frames):
            continue
        write = _direct(effects, one, inner) or _without(effects, one, inner, filled)
        write = write or _through(effects, one, inner, depth + 1)
        if write is not None:
            keys = _handed(effects, write.keys, function, filled, site.place)
            step = body.unit.step(site.call.span[0], f"{function.definition.name}()")
            return _Write(write.api, keys, (step, *write.chain))
    return None


def _without(effects: Effects, site: Site, body: Body, filled: dict[str, facts.Expression]) -> _Write | None:
    """A write whose step is a parameter that the caller leaves at None."""
    api = site.api
    if api is None or api.kind is not Kind.METRIC or site.call.spread or body.function is None:
        return None
    step = given(site.call, api, "step")
    for parameter in body.function.definition.parameters:
        if step == facts.Name(parameter.name) and parameter.default == facts.Constant(None):
            bindings = body.function.scope.bindings[parameter.name]
            if parameter.name not in filled and len(bindings) == 1:
                keys = tuple(_key(effects, entry) for entry in entries(effects, site))
                return _Write(api, keys or None, (body.unit.step(site.call.span[0], api.label),))
    return None


def _handed(
    effects: Effects,
    keys: tuple[_Key, ...] | None,
    function: FunctionRef,
    filled: dict[str, facts.Expression],
    place: Place,
) -> tuple[_Key, ...] | None:
    """The keys of a function in the terms of its caller; None where one is not in sight."""
    if keys is None:
        return None
    found: list[_Key] = []
    for key in keys:
        parts: list[str | Hole] = []
        for part in key.parts:
            if isinstance(part, str):
                parts.append(part)
            elif isinstance(part.value, facts.Name) and part.value.id in filled and part.place.scope is function.scope:
                parts += parts_of(filled[part.value.id], place, effects)
            else:
                return None
        found.append(_Key(tuple(parts), None))
    return tuple(found)


def _is_long(effects: Effects, frame: Frame) -> bool:
    """Whether a frame repeats a write on its own account, or gives it a run of its own."""
    if isinstance(frame, Loop):
        return effects.loops.verdict(frame).frequency not in (Frequency.PER_KEY, Frequency.ONCE)
    return isinstance(frame, Run)


def _says_summary(expression: facts.Expression) -> bool:
    """Whether a text in what is handed to a function names a best or a last value."""
    return any(
        isinstance(node, facts.Constant) and isinstance(node.value, str) and bool(_SUMMARY.search(node.value))
        for node in descend(expression)
    )


def _is_summary(write: _Write) -> bool:
    """Whether a metric is meant to be overwritten: the best so far, the last, the current epoch."""
    for key in write.keys or ():
        if any(isinstance(part, str) and _SUMMARY.search(part) for part in key.parts):
            return True
        if key.value is None:
            continue
        if any(
            isinstance(node, (facts.Name, facts.Attribute)) and "best" in last_name(node).lower()
            for node in descend(key.value)
        ):
            return True
        if isinstance(key.value, facts.Call) and last_name(key.value.function) in ("max", "min"):
            return True
        if says_step(last_name(key.value)):
            return True
    return False


# --------------------------------------------------------------------------------------------- what repeats them
def _in_loop(effects: Effects, site: Site, body: Body, write: _Write, walks: Container[int]) -> Stepless | None:
    frames = site.frames
    for index in range(len(frames) - 1, -1, -1):
        frame = frames[index]
        if isinstance(frame, (Run, Rescue)):
            return None
        if not isinstance(frame, Loop):
            continue
        verdict = effects.loops.verdict(frame)
        replayed = id(frame.node) in walks or verdict.frequency is Frequency.REPLAY
        iterating = verdict.frequency in _ITERATING
        if not (iterating or replayed or verdict.frequency is Frequency.PER_TRIAL):
            continue
        if _is_chosen(effects, frames[index + 1 :], frame) or _goes_elsewhere(site.call, write.api, frame):
            return None
        if verdict.frequency is Frequency.PER_TRIAL and _opens_something(frame):
            return None
        if write.keys is None and (not iterating or _names_the_turn(site.call, frame)):
            return None
        varying = counting(frame) if iterating and not effects.loops.is_sweep(frame) else turn_names(frame)
        if any(_varies(part, varying, 0) for key in write.keys or () for part in key.parts):
            return None
        around = by_loop(frame, body, verdict)
        step = _step_of(effects, frame, frames[:index], body) if iterating or replayed else None
        return Stepless(site, write.api, around, (around.step, *write.chain), step)
    return None


def _varies(part: str | Hole, varying: frozenset[str], depth: int) -> bool:
    """Whether a part of a key is another in another turn, as far as its own expression tells."""
    if isinstance(part, str):
        return False
    if names_in(part.value) & varying or any(says_step(last_name(node)) for node in descend(part.value)):
        return True
    if isinstance(part.value, facts.Name) and depth < _DEEPEST:
        bound = bound_once(part.value.id, part.place)
        return bound is not None and _varies(Hole(*bound), varying, depth + 1)
    return False


def _names_the_turn(call: facts.Call, loop: Loop) -> bool:
    """Whether text that is put together in the arguments holds what the loop counts: a prefix for keys."""
    targets = counting(loop)
    return any(
        isinstance(node, facts.Text) and bool(names_in(node) & targets)
        for argument in call.arguments
        for node in descend(argument.value)
    )


def _goes_elsewhere(call: facts.Call, api: Api, loop: Loop) -> bool:
    """Whether a write may go to another run each turn."""
    changing = changing_names(loop)
    receiver = call.function.value if isinstance(call.function, facts.Attribute) else None
    parts = [given(call, api, "run_id"), receiver]
    return any(part is not None and bool(names_in(part) & changing) for part in parts)


def _opens_something(loop: Loop) -> bool:
    """Whether a turn of a sweep may set up a run of its own, by a call that is not known."""
    return any(map(_RUNS.search, called_names(loop)))


def _is_chosen(effects: Effects, frames: tuple[Frame, ...], loop: Loop | None) -> bool:
    """Whether only chosen turns get there: the best, the first, the last; every n-th turn is no choice."""
    if any(isinstance(frame, Rescue) for frame in frames) or in_first_turn(frames):
        return True
    chosen = [frame for frame in frames if not (isinstance(frame, Guard) and _is_periodic(frame.test))]
    return is_selected(effects, chosen, loop)


def _is_periodic(test: facts.Expression) -> bool:
    return any(isinstance(node, facts.Operation) and node.operator == "%" for node in descend(test))


def _step_of(effects: Effects, loop: Loop, outside: tuple[Frame, ...], body: Body) -> str | None:
    """The counter of a loop, if no loop around it makes it start again in the same run."""
    for frame in reversed(outside):
        if isinstance(frame, Run):
            break
        if isinstance(frame, Loop) and effects.loops.verdict(frame).frequency is not Frequency.ONCE:
            counted = {name for name in counting(loop) if "global" in name or name == "total_steps"}
            return counted.pop() if len(counted) == 1 else None
    definition = body.function.definition if body.function is not None else None
    if definition is not None and any(says_step(parameter.name) for parameter in definition.parameters):
        return None
    return counter_of(loop)


def _in_hook(effects: Effects, site: Site, body: Body, write: _Write) -> Stepless | None:
    hooked = effects.hook(body)
    if hooked is None or body.function is None or hooked[1] not in _ITERATING:
        return None
    definition = body.function.definition
    if hooked[1] is Frequency.PER_EPOCH and _ONE_TIME.search(definition.name):
        return None
    if any(isinstance(frame, Run) for frame in site.frames) or _is_chosen(effects, site.frames, None):
        return None
    if any(_varies(part, frozenset(), 0) for key in write.keys or () for part in key.parts):
        return None
    around = by_hook(definition, body, hooked)
    step = _step_of_hook(effects, body, definition, hooked)
    return Stepless(site, write.api, around, (around.step, *write.chain), step)


def _step_of_hook(effects: Effects, body: Body, definition: facts.Function, hooked: Hook) -> str | None:
    """What plainly is the step in a hook: its `epoch`, or the counter that the framework keeps."""
    framework, frequency = hooked
    names = [parameter.name for parameter in definition.parameters]
    others = names[1:]
    if frequency is Frequency.PER_EPOCH and "epoch" in others:
        return "epoch"
    if framework == "Transformers" and "state" in others:
        return "state.global_step"
    if framework != "Lightning" or (frequency is Frequency.PER_STEP and not _TRAINING.search(definition.name)):
        return None
    ancestry = effects.resolver.classes.ancestry(body.place.receiver) if body.place.receiver is not None else ()
    is_module = any(isinstance(one, External) and one.dotted.endswith(".LightningModule") for one in ancestry)
    keeper = "trainer" if "trainer" in others else names[0] if is_module and names else None
    counter = "current_epoch" if frequency is Frequency.PER_EPOCH else "global_step"
    return f"{keeper}.{counter}" if keeper is not None else None


def _wrapper(effects: Effects, site: Site, body: Body, write: _Write) -> Stepless | None:
    """A function that takes a step and writes without it."""
    if body.function is None or len(write.chain) > 1 or _is_chosen(effects, site.frames, None):
        return None
    if any(_is_long(effects, frame) for frame in site.frames):
        return None
    definition = body.function.definition
    steps = [p.name for p in definition.parameters if _WRAPPED_STEP.match(p.name) and not p.star]
    parameters = {p.name for p in definition.parameters} - {"self", "cls"}
    if len(steps) != 1:
        return None
    (step,) = steps
    iterables = [f.node.iterable for f in site.frames if isinstance(f, Loop) and not isinstance(f.node, facts.While)]
    read = frozenset[str]().union(*(names_in(part) for part in (*iterables, *(a.value for a in site.call.arguments))))
    tested = [frame.test for frame in site.frames if isinstance(frame, Guard)]
    if step in read or not read & (parameters - {step}) or any(step in names_in(test) for test in tested):
        return None
    if len(body.function.scope.bindings[step]) != 1 or _passes_a_step(effects, body):
        return None
    around = by_function(f"{definition.name}, which takes {step}", definition, body, "with a step")
    return Stepless(site, write.api, around, (around.step, *write.chain), step, wraps=True)


def _passes_a_step(effects: Effects, body: Body) -> bool:
    """Whether another write of a function has a step: then it is known which ones need one."""
    for site in effects.touching(body):
        api = site.api
        if api is not None and api.kind is Kind.METRIC and given(site.call, api, "step") is not None:
            return True
    return False
