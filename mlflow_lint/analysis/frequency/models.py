"""Models that are logged again and again in one run, with nothing that chooses which.

Invariant: a trial, fold or run of its own each turn is none of these, nor is a call that is reached only sometimes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlflow_lint.analysis.flow.repetition import Repetition, by_hook, by_loop
from mlflow_lint.analysis.flow.sites import Loop, Run, Site
from mlflow_lint.analysis.frequency.selection import is_selected
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.paths import path_to
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts.api import Api, Kind
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.findings import Step
from mlflow_lint.record import entity

_OFTEN = (Frequency.PER_STEP, Frequency.PER_EPOCH)
_CHOSEN = frozenset(["on_save", "on_evaluate"])
"""Hooks that run when the user's settings say that it is time."""


@entity
class ModelWrite:
    """A line that logs a model each epoch or step."""

    site: Site
    api: Api
    where: str
    """`loop over range(epochs), line 12`."""
    unit: str
    """`once per epoch`."""
    chain: tuple[Step, ...]
    through: Step | None
    """The line that logs, when a function of the project does it."""


def repeated_models(effects: Effects, bodies: Iterable[Body]) -> Iterator[ModelWrite]:
    """Model writes of a file that run each epoch or step, in order; the first in each block of a loop."""
    for body in bodies:
        seen: set[tuple[int, int]] = set()
        for site in effects.touching(body):
            logged = path_to(effects, site, Kind.MODEL, lambda inner: is_selected(effects, inner.frames, None))
            around = _around(effects, site, body) if logged is not None else None
            if logged is None or around is None or (around.marker, id(site.block)) in seen:
                continue
            seen.add((around.marker, id(site.block)))
            api, chain = logged
            through = chain[-1] if len(chain) > 1 else None
            yield ModelWrite(site, api, around.where, around.unit, (around.step, *chain), through)


def _around(effects: Effects, site: Site, body: Body) -> Repetition | None:
    """The loop or hook around a call that repeats it in one run."""
    for index in range(len(site.frames) - 1, -1, -1):
        frame = site.frames[index]
        if isinstance(frame, Run):
            return None
        if isinstance(frame, Loop):
            if effects.loops.is_sweep(frame) or is_selected(effects, site.frames[index + 1 :], frame):
                return None
            verdict = effects.loops.verdict(frame)
            if verdict.frequency in _OFTEN:
                return by_loop(frame, body, verdict)
    return _hook_around(effects, site, body)


def _hook_around(effects: Effects, site: Site, body: Body) -> Repetition | None:
    hooked = effects.hook(body)
    if hooked is None or body.function is None or body.function.definition.name in _CHOSEN:
        return None
    if hooked[1] not in _OFTEN or is_selected(effects, site.frames, None):
        return None
    return by_hook(body.function.definition, body, hooked)
