"""Tables that a loop or hook appends to in one run, a few rows at a time.

Invariant: reported only where the file is the same in each turn, and nothing on the way lets only some turns through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlflow_lint.analysis.flow.repetition import Repetition, by_hook, by_loop
from mlflow_lint.analysis.flow.sites import Loop, Run, Site
from mlflow_lint.analysis.flow.throttles import assigned_names
from mlflow_lint.analysis.frequency.constancy import changing_attributes, changing_names, in_first_turn
from mlflow_lint.analysis.names.meaning import Place
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.traverse import argument, descend, names_in, shown
from mlflow_lint.findings import Step


@dataclass(frozen=True, eq=False, slots=True)
class TableWrite:
    """A line that appends to one table each turn."""

    site: Site
    api: Api
    through: str | None
    """The helper that the line calls, if it does not write itself."""
    file: str
    """The table's file, as the code writes it."""
    repetition: Repetition
    chain: tuple[Step, ...]


@dataclass(frozen=True, eq=False, slots=True)
class _Append:
    """What a call appends to: of `file` and `run`, neither may change."""

    api: Api
    parts: tuple[facts.Expression, ...]
    file: facts.Expression
    through: str | None
    chain: tuple[Step, ...]


def repeated_tables(effects: Effects, bodies: Iterable[Body]) -> Iterator[TableWrite]:
    """Tables of a file that grow by a download and an upload each turn."""
    for body in bodies:
        for site in effects.sites(body):
            append = _append(effects, site) or _through(effects, site)
            repetition = append and (_loop(effects, site, body, append) or _hook(effects, site, body, append))
            if append and repetition:
                chain = (repetition.step, *append.chain)
                file = shown(append.file)
                yield TableWrite(site, append.api, append.through, file, repetition, chain)


def _append(effects: Effects, site: Site) -> _Append | None:
    """A call that plainly is `log_table`."""
    api = effects.api(site.call, site.place)
    if api is None or api.name != "log_table" or site.call.spread:
        return None
    file = argument(site.call, "artifact_file", api.parameters.index("artifact_file"))
    if file is None:
        return None
    run = argument(site.call, "run_id", api.parameters.index("run_id"))
    parts = (file.value,) if run is None else (file.value, run.value)
    if any(isinstance(node, (facts.Call, facts.Await)) for part in parts for node in descend(part)):
        return None
    return _Append(api, parts, file.value, None, (site.place.unit.step(site.call.span[0], api.label),))


def _through(effects: Effects, site: Site) -> _Append | None:
    """A call of a function of the project that always appends to one file."""
    for reached in effects.reached(site.call, site.place):
        if not any(effect.api.name == "log_table" for effect in reached.effects):
            continue
        function = reached.function
        body = Body(function.definition.body, Place(function.scope, function.receiver), function)
        local = {parameter.name for parameter in function.definition.parameters} | assigned_names(body.block)
        for inner in effects.sites(body):
            append = _append(effects, inner)
            if append is None or any(names_in(part) & local for part in append.parts):
                continue
            if any(isinstance(frame, (Loop, Run)) for frame in inner.frames) or _sometimes(effects, inner):
                continue
            name = f"{function.definition.name}()"
            step = site.place.unit.step(site.call.span[0], name)
            return _Append(append.api, (), append.file, name, (step, *append.chain))
    return None


def _sometimes(effects: Effects, site: Site) -> bool:
    return bool(effects.throttles.between(site.frames, None)) or in_first_turn(site.frames)


def _loop(effects: Effects, site: Site, body: Body, append: _Append) -> Repetition | None:
    """The innermost loop, if it turns within one run and the file is the same in each turn."""
    for index in range(len(site.frames) - 1, -1, -1):
        frame = site.frames[index]
        if isinstance(frame, Run):
            return None
        if isinstance(frame, Loop):
            inside = site.frames[index + 1 :]
            verdict = effects.loops.verdict(frame)
            if verdict.frequency is Frequency.ONCE or effects.throttles.between(inside, frame) or in_first_turn(inside):
                return None
            changing, kept = changing_names(frame), changing_attributes(frame)
            if any(names_in(part) & changing or any(n in kept for n in descend(part)) for part in append.parts):
                return None
            return by_loop(frame, body, verdict)
    return None


def _hook(effects: Effects, site: Site, body: Body, append: _Append) -> Repetition | None:
    """The hook that a framework calls each step or epoch, if the file is the same each time."""
    hooked = effects.hook(body)
    if hooked is None or hooked[1] not in (Frequency.PER_STEP, Frequency.PER_EPOCH) or body.function is None:
        return None
    if any(isinstance(frame, (Loop, Run)) for frame in site.frames) or _sometimes(effects, site):
        return None
    definition = body.function.definition
    varying = {parameter.name for parameter in definition.parameters} | assigned_names(body.block)
    if any(names_in(part) & varying for part in append.parts):
        return None
    return by_hook(definition, body, hooked)
