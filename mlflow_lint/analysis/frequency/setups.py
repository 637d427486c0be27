"""Set-up that is repeated in a loop of one run although nothing about it changes.

Invariant: found only where neither what is called nor an argument can be another next time, per step or per epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlflow_lint.analysis.flow.repetition import Repetition, by_hook, by_loop
from mlflow_lint.analysis.flow.sites import Frame, Loop, Rescue, Run, Site
from mlflow_lint.analysis.flow.throttles import assigned_names
from mlflow_lint.analysis.frequency.constancy import differs, in_first_turn
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.paths import path_to
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts.api import Api, Kind
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.traverse import names_in
from mlflow_lint.findings import Step
from mlflow_lint.record import entity

_OFTEN = (Frequency.PER_STEP, Frequency.PER_EPOCH)


@entity
class Setup:
    """A set-up call that runs again and again."""

    site: Site
    api: Api
    where: str
    unit: str
    chain: tuple[Step, ...]
    through: Step | None
    """The line that sets up, when a function of the project does it."""


def repeated_setups(effects: Effects, bodies: Iterable[Body]) -> Iterator[Setup]:
    """Repeated set-up calls of a file, in order."""
    for body in bodies:
        for site in effects.touching(body):
            found = _setup(effects, site)
            around = _loop(effects, site, body) or _hook(effects, site, body) if found is not None else None
            if found is not None and around is not None:
                api, chain = found
                through = chain[-1] if len(chain) > 1 else None
                yield Setup(site, api, around.where, around.unit, (around.step, *chain), through)


def _setup(effects: Effects, site: Site) -> tuple[Api, tuple[Step, ...]] | None:
    """The set-up that each evaluation of a call makes."""
    # What opens a run sets up for that run; what trains is judged where it is written.
    found = (effect for reached in effects.reached(site.call, site.place) for effect in reached.effects)
    if any(effect.api.kind is Kind.RUN or effect.repeated for effect in found):
        return None
    return path_to(effects, site, Kind.SETUP, lambda inner: _is_chosen(effects, inner.frames, None))


def _loop(effects: Effects, site: Site, body: Body) -> Repetition | None:
    for index in range(len(site.frames) - 1, -1, -1):
        frame = site.frames[index]
        if isinstance(frame, Run):
            return None
        if not isinstance(frame, Loop):
            continue
        verdict = effects.loops.verdict(frame)
        if _is_chosen(effects, site.frames[index + 1 :], frame) or effects.loops.is_sweep(frame):
            return None
        if verdict.frequency in _OFTEN and not differs(site.call, frame):
            return by_loop(frame, body, verdict)
    return None


def _hook(effects: Effects, site: Site, body: Body) -> Repetition | None:
    hooked = effects.hook(body)
    if hooked is None or body.function is None or hooked[1] not in _OFTEN:
        return None
    if any(isinstance(frame, Run) for frame in site.frames) or _is_chosen(effects, site.frames, None):
        return None
    definition = body.function.definition
    varying = {p.name for p in definition.parameters[1:]} | assigned_names(body.block)
    if any(names_in(given.value) & varying for given in site.call.arguments):
        return None
    return by_hook(definition, body, hooked)


def _is_chosen(effects: Effects, frames: tuple[Frame, ...], loop: Loop | None) -> bool:
    """Whether only some turns get there, the first one for instance."""
    rescued = any(isinstance(frame, Rescue) for frame in frames)
    return rescued or in_first_turn(frames) or effects.throttles.between(frames, loop) is not None
