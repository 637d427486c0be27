"""Uploads that go to one place turn after turn of a loop, or call after call of a hook, in one run.

What decides the place (file, folder, run) is read from the call, also through functions of the project, in the terms
of the line that repeats it. Invariant: reported only where none of it can change, and nothing on the way lets only
some turns through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from mlflow_lint.analysis.artifacts.constancy import Turn, depends_on, is_fixed, turn_of_body, turn_of_loop
from mlflow_lint.analysis.flow.repetition import Repetition, by_hook, by_loop
from mlflow_lint.analysis.flow.sites import Frame, Loop, Run, Site, calls_of
from mlflow_lint.analysis.names.arguments import filled_parameters
from mlflow_lint.analysis.names.meaning import FunctionRef, plain_api
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.traverse import last_name
from mlflow_lint.findings import Step
from mlflow_lint.record import entity
from mlflow_lint.regex import regex

_DEEPEST = 4
_REPEATING = (Frequency.PER_STEP, Frequency.PER_EPOCH)
_ONE_PASS = regex(r"test|predict|(^|_)(train|fit)_(begin|start|end)")
"""Hooks that frameworks call at each end of an epoch of what is gone through once."""
_NEW_RUN = regex(r"((start|new|create|begin|open|init|set|enter)_?\w*run|run_context)", re.I)


@entity
class Target:
    """What an upload goes to, in the terms of the code around a call."""

    api: Api
    name: facts.Expression
    """What a message calls it: the file or folder."""
    place: tuple[facts.Expression, ...]
    """All that decides where it goes."""
    through: str | None
    """The function that the line calls, if it does not upload itself."""
    chain: tuple[Step, ...]
    """From the call to the upload."""


@entity
class RepeatedUpload:
    """A line that uploads to one place each turn."""

    site: Site
    target: Target
    repetition: Repetition
    loop: Loop | None
    """None where a hook repeats it."""
    body: Body

    @property
    def turn(self) -> Turn:
        """What may be another each time."""
        return turn_of_body(self.body) if self.loop is None else turn_of_loop(self.loop)

    @property
    def called(self) -> str:
        """The call as a message names it: `log_table`, `save(), which calls log_table,`."""
        label = self.target.api.label
        return label if self.target.through is None else f"{self.target.through} calls {label}, which"

    @property
    def chain(self) -> tuple[Step, ...]:
        """From what repeats the call to the upload."""
        return (self.repetition.step, *self.target.chain)


Reader: TypeAlias = Callable[[Effects, Site, Turn], "Target | None"]
"""Reads a call that uploads itself, in a turn of what is right around it; None if it is of no interest."""
Choice: TypeAlias = Callable[[Effects, Sequence[Frame], "Loop | None"], bool]
"""Whether something among frames lets only some turns of a loop, or calls of a function, through."""


def repeated_uploads(
    effects: Effects, bodies: Iterable[Body], names: frozenset[str], read: Reader, chosen: Choice
) -> Iterator[RepeatedUpload]:
    """Calls of MLflow's `names` (or of functions that call them) that upload to one place again and again."""
    for body in bodies:
        for site in effects.touching(body):
            if not _leads_to(effects, site, names):
                continue
            found = _in_loop(effects, site, body, names, read, chosen) or _in_hook(
                effects, site, body, names, read, chosen
            )
            if found is not None:
                yield found


def _leads_to(effects: Effects, site: Site, names: frozenset[str]) -> bool:
    api = site.api
    if api is not None:
        return api.name in names
    return any(e.api.name in names for reached in effects.reached(site.call, site.place) for e in reached.effects)


def _target(
    effects: Effects, site: Site, turn: Turn, names: frozenset[str], read: Reader, chosen: Choice, depth: int = 0
) -> Target | None:
    """What a call uploads to, itself or through functions that always upload once."""
    if site.api is not None:
        return read(effects, site, turn)
    for reached in effects.reached(site.call, site.place) if depth < _DEEPEST else ():
        function = reached.function
        if not any(effect.api.name in names for effect in reached.effects):
            continue
        body = Body.of(function)
        inside = turn_of_body(body)
        for inner in effects.touching(body):
            if any(isinstance(frame, (Loop, Run)) for frame in inner.frames) or not _leads_to(effects, inner, names):
                continue
            target = _target(effects, inner, inside, names, read, chosen, depth + 1)
            if target is not None and not chosen(effects, inner.frames, None):
                passed = _passed(target, site, function, inside, effects)
                if passed is not None:
                    return passed
    return None


def _passed(target: Target, site: Site, function: FunctionRef, inside: Turn, effects: Effects) -> Target | None:
    """A target of a function in the terms of a call of it."""
    filled = filled_parameters(site.call, function)
    defaults = {parameter.name for parameter in function.definition.parameters if parameter.default is not None}
    place: list[facts.Expression] = []
    for part in target.place:
        needed = depends_on(part, inside, effects)
        if needed is None or site.call.spread or any(name not in filled and name not in defaults for name in needed):
            return None
        place += [filled[name] for name in sorted(needed & filled.keys())]
    name = filled.get(target.name.id, target.name) if isinstance(target.name, facts.Name) else target.name
    called = f"{function.definition.name}()"
    step = site.place.unit.step(site.call.span[0], called)
    return replace(target, name=name, place=tuple(place), through=called, chain=(step, *target.chain))


# ---------------------------------------------------------------------------------------------- what repeats it
def _in_loop(
    effects: Effects, site: Site, body: Body, names: frozenset[str], read: Reader, chosen: Choice
) -> RepeatedUpload | None:
    """By the innermost loop, if it turns within one run."""
    for index in range(len(site.frames) - 1, -1, -1):
        frame = site.frames[index]
        if isinstance(frame, Run):
            return None
        if isinstance(frame, Loop):
            verdict = effects.loops.verdict(frame)
            if verdict.frequency in (Frequency.ONCE, Frequency.POLLING) or effects.once(_openings, frame):
                return None
            turn = turn_of_loop(frame)
            if not is_fixed(_receiver(site.call), turn, effects):
                return None
            target = _target(effects, site, turn, names, read, chosen)
            if target is None or chosen(effects, site.frames[index + 1 :], frame):
                return None
            if not all(is_fixed(part, turn, effects) for part in target.place):
                return None
            return RepeatedUpload(site, target, by_loop(frame, body, verdict), frame, body)
    return None


def _receiver(call: facts.Call) -> facts.Expression:
    """What a call is made on: a loop over loggers is no loop of one of them."""
    return call.function.value if isinstance(call.function, facts.Attribute) else call.function


def _openings(effects: Effects, loop: Loop) -> Iterator[facts.Call]:
    """Calls of a turn of something unknown that is named like the start of a run."""
    body = () if isinstance(loop.node, facts.Clause) else loop.node.body
    for call in (*calls_of(body), *_entered(body)):
        if _NEW_RUN.search(last_name(call.function)) and plain_api(effects.target(call, loop.place)) is None:
            yield call


def _entered(block: facts.Block) -> Iterator[facts.Call]:
    for statement in block:
        match statement:
            case facts.Assign(_, facts.Call() as call):
                yield call
            case facts.With(items, body):
                yield from (value for value, _ in items if isinstance(value, facts.Call))
                yield from _entered(body)


def _in_hook(
    effects: Effects, site: Site, body: Body, names: frozenset[str], read: Reader, chosen: Choice
) -> RepeatedUpload | None:
    """By the framework that calls the hook around each step or epoch."""
    hooked = effects.hook(body)
    if hooked is None or hooked[1] not in _REPEATING or body.function is None:
        return None
    definition = body.function.definition
    if _ONE_PASS.search(definition.name) or any(isinstance(frame, (Loop, Run)) for frame in site.frames):
        return None
    turn = turn_of_body(body)
    target = _target(effects, site, turn, names, read, chosen)
    if target is None or chosen(effects, site.frames, None):
        return None
    if not all(is_fixed(part, turn, effects) for part in target.place):
        return None
    return RepeatedUpload(site, target, by_hook(definition, body, hooked), None, body)
