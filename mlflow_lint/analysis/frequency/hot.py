"""Writes that run once per step, unthrottled, in one MLflow run.

Invariant: a loop counts only if nothing between it and the write lets some turns through, and no run is opened in
between: frequencies are counted per run.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from mlflow_lint.analysis.flow.repetition import Repetition, by_hook, by_loop
from mlflow_lint.analysis.flow.sites import Frame, Loop, Run, Site
from mlflow_lint.analysis.frequency.chunks import sends_chunk
from mlflow_lint.analysis.store.asynchronous import speaks_of_buffering
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body, Effect
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import WRITES, Api, Kind
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.findings import Step
from mlflow_lint.project.modules import Unit
from mlflow_lint.record import entity


@entity
class HotWrite:
    """A line that writes to MLflow each step."""

    site: Site
    api: Api
    body: Body
    loop: Loop | None
    """None where a hook repeats it."""
    where: str
    """The loop or hook, in words, with its line: `loop over train_loader, line 41`."""
    unit: str
    """`once per batch`."""
    chain: tuple[Step, ...]
    """From the loop to the MLflow call."""

    @property
    def through(self) -> Step | None:
        """The line that writes, when it is not the hot line itself."""
        return self.chain[-1] if len(self.chain) > 2 else None


def hot_writes(effects: Effects, bodies: Iterable[Body], replays: Container[int]) -> Iterator[HotWrite]:
    """Hot writes of a file, in order; of several of one kind in one block of one loop only the first.

    `replays` are the loops (by `id`) that walk finished data: none of these is hot, whatever its names say.
    """
    for body in bodies:
        seen: set[tuple[int, int, Kind]] = set()
        for site in effects.touching(body):
            writes = list(counted_writes(effects, site, body))
            if not writes:
                continue
            around = hot_around(effects, site, body, replays)
            if around is None:
                continue
            for api, chain in writes:
                key = (around.marker, id(site.block), group_of(api))
                if key not in seen:
                    seen.add(key)
                    loop = _loop_of(site, around)
                    yield HotWrite(site, api, body, loop, around.where, around.unit, (around.step, *chain))


def _loop_of(site: Site, around: Repetition) -> Loop | None:
    return next((f for f in site.frames if isinstance(f, Loop) and id(f.node) == around.marker), None)


def group_of(api: Api) -> Kind:
    """The kind that a write counts as: a batch is one of metrics."""
    return Kind.METRIC if api.kind is Kind.BATCH else api.kind


def counted_writes(effects: Effects, site: Site, body: Body) -> Iterator[tuple[Api, tuple[Step, ...]]]:
    """The writes that each evaluation of a call makes, itself or through project functions, unthrottled on the way."""
    at = site.call.span[0]
    kinds: set[Kind] = set()
    for api in site.apis:
        if api.kind in WRITES and not is_buffered(effects, site.call, body) and group_of(api) not in kinds:
            kinds.add(group_of(api))
            yield api, (body.unit.step(at, api.label),)
    for reached in effects.reached(site.call, site.place):
        step = body.unit.step(at, f"{reached.function.definition.name}()")
        for effect in sorted(reached.effects, key=_preference):
            if effect.api.kind not in WRITES or effect.throttled or effect.own_run or group_of(effect.api) in kinds:
                continue
            kinds.add(group_of(effect.api))
            yield effect.api, (step, *effect.chain)


def _preference(effect: Effect) -> int:
    return len(effect.chain)


def is_buffered(effects: Effects, call: facts.Call, body: Body) -> bool:
    """Whether a write is asynchronous, with the variable that merges queued calls set in the file or around it."""
    given = call.keyword("synchronous")
    queued = given.value == facts.Constant(False) if given is not None else effects.once(_queueing, body.unit)
    return bool(queued) and speaks_of_buffering(effects, body.unit)


def _queueing(_: Effects, unit: Unit) -> Iterator[str]:
    """What a file says that has its writes queued unless they say otherwise."""
    return (word for word in ("enable_async_logging", "MLFLOW_ENABLE_ASYNC_LOGGING") if word in unit.text)


def hot_around(effects: Effects, site: Site, body: Body, replays: Container[int]) -> Repetition | None:
    """The innermost hot loop or hook around a call."""
    frames = site.frames
    for index in range(len(frames) - 1, -1, -1):
        frame = frames[index]
        if isinstance(frame, Run):
            return None
        if isinstance(frame, Loop) and id(frame.node) not in replays:
            verdict = effects.loops.verdict(frame)
            if verdict.frequency is not Frequency.PER_STEP or sends_chunk(site, frame):
                continue
            if not effects.throttles.between(frames[index + 1 :], frame):
                return by_loop(frame, body, verdict)
    return _hook_around(effects, body, frames)


def _hook_around(effects: Effects, body: Body, frames: tuple[Frame, ...]) -> Repetition | None:
    hooked = effects.hook(body)
    if hooked is None or hooked[1] is not Frequency.PER_STEP or effects.throttles.between(frames, None):
        return None
    assert body.function is not None
    return by_hook(body.function.definition, body, hooked)
