"""Params that one run logs twice with different values, which MLflow refuses.

Invariant: found only where the second value is sure to differ (another literal, or the very item of a loop), where the
second call is reached after the first, and where nothing opens or ends a run in between.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlflow_lint.analysis.flow.counters import counter_of
from mlflow_lint.analysis.flow.loops import called_names
from mlflow_lint.analysis.flow.repetition import by_loop
from mlflow_lint.analysis.flow.sites import Guard, Loop, Rescue, Run, Site
from mlflow_lint.analysis.frequency.constancy import changing_names
from mlflow_lint.analysis.names.constants import constant_text, parts_of
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.analysis.writes.written import Entry, entries, expects_failure, given
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, Kind
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.traverse import bound_names, last_name, names_in, shown
from mlflow_lint.findings import Step
from mlflow_lint.record import entity
from mlflow_lint.regex import regex

_RUNS = regex(r"run|experiment|mlflow|track", re.I)


@entity
class ChangedParam:
    """A call that logs another value under a key that the run has already."""

    site: Site
    api: Api
    key: str
    why: str
    """`1 at line 3 and 2 here`, `seed is another in each turn (loop over seeds, line 4)`."""
    chain: tuple[Step, ...]


def changed_params(effects: Effects, bodies: Iterable[Body]) -> Iterator[ChangedParam]:
    """Params of a file whose value changes, in order; the first of each call."""
    for body in bodies:
        if not any(_is_param(site.api) for site in effects.touching(body)):
            continue
        logged: dict[str, tuple[Site, str, facts.Expression | None]] = {}
        for site in effects.sites(body):
            if _may_change_runs(effects, site):
                logged.clear()
            api = site.api
            if api is None or not _is_param(api) or expects_failure(site):
                continue
            found: ChangedParam | None = None
            for entry in entries(effects, site):
                key = constant_text(parts_of(entry.key, entry.place, effects))
                if key is None or entry.value is None:
                    continue
                found = (
                    found
                    or _in_turn(effects, site, body, api, key, entry)
                    or _again(site, body, api, key, entry, logged)
                )
                if isinstance(entry.value, facts.Constant):
                    logged.setdefault(key, (site, str(entry.value.value), _run_of(site, api)))
            if found is not None:
                yield found


def _is_param(api: Api | None) -> bool:
    return api is not None and api.kind is Kind.PARAM


def _may_change_runs(effects: Effects, site: Site) -> bool:
    """Whether what follows a call may go to another run."""
    if effects.opens_run(site.call, site.target) or effects.ends_run(site.target):
        return True
    return site.target is None and bool(_RUNS.search(last_name(site.call.function)))


def _run_of(site: Site, api: Api) -> facts.Expression | None:
    return given(site.call, api, "run_id")


def _again(
    site: Site,
    body: Body,
    api: Api,
    key: str,
    entry: Entry,
    logged: dict[str, tuple[Site, str, facts.Expression | None]],
) -> ChangedParam | None:
    """Another literal under a key that is logged before, whenever this call is reached."""
    if key not in logged or not isinstance(entry.value, facts.Constant):
        return None
    first, value, run = logged[key]
    if value == str(entry.value.value) or run != _run_of(site, api) or first.place != site.place:
        return None
    outer = site.frames[: len(first.frames)]
    inside = site.frames[len(first.frames) :]
    if outer != first.frames or any(isinstance(frame, (Run, Rescue)) for frame in inside):
        return None
    unit, at = body.unit, first.call.span[0]
    before, now = shown(facts.Constant(value)), shown(facts.Constant(str(entry.value.value)))
    why = f"{before} ({unit.where(at)}) and {now}"
    steps = (unit.step(at, f"logs {key!r} as {before}"), unit.step(site.call.span[0], f"logs it as {now}"))
    return ChangedParam(site, api, key, why, steps)


def _in_turn(effects: Effects, site: Site, body: Body, api: Api, key: str, entry: Entry) -> ChangedParam | None:
    """The item of a loop as the value under a key that stays."""
    assert entry.value is not None
    shown_item = _item(entry.value)
    if shown_item is None:
        return None
    for index in range(len(site.frames) - 1, -1, -1):
        frame = site.frames[index]
        if not isinstance(frame, Loop):
            if isinstance(frame, Guard) and not _is_switch(frame):
                return None
            if isinstance(frame, (Run, Rescue)):
                return None
            continue
        node = frame.node
        if isinstance(node, facts.While) or shown_item not in bound_names(node.target):
            return None
        if effects.loops.verdict(frame).frequency is Frequency.ONCE or not _differs_each_turn(frame, shown_item):
            return None
        run = _run_of(site, api)
        if (run is not None and names_in(run) & changing_names(frame)) or _may_open_a_run(frame):
            return None
        around = by_loop(frame, body, effects.loops.verdict(frame))
        why = f"{shown_item} of each turn ({around.where})"
        step = body.unit.step(site.call.span[0], f"logs {key!r} as {shown(entry.value)}")
        return ChangedParam(site, api, key, why, (around.step, step))
    return None


def _item(value: facts.Expression) -> str | None:
    """The name that a value is, perhaps as text or shifted."""
    match value:
        case facts.Name(name):
            return name
        case facts.Call(facts.Name("str" | "int" | "float" | "repr"), (argument,)):
            return _item(argument.value)
        case facts.Text((*_, facts.Interpolation(facts.Name(name), ""))) if len(value.parts) <= 2:
            return name
        case facts.Operation("+" | "-", (facts.Name(name), facts.Constant())):
            return name
    return None


def _differs_each_turn(loop: Loop, name: str) -> bool:
    """Whether an item is sure to be another in another turn: a counter, a member of a literal or of a sweep."""
    node = loop.node
    if isinstance(node, facts.While):
        return False
    if name == counter_of(loop):
        return True
    if isinstance(node.iterable, facts.Collection) and isinstance(node.target, facts.Name):
        values = [item.value for item in node.iterable.items if isinstance(item, facts.Constant)]
        return len(set(map(repr, values))) == len(node.iterable.items) > 1
    return isinstance(node.iterable, facts.Name) and isinstance(node.target, facts.Name)


def _is_switch(guard: Guard) -> bool:
    """A guard that comes out the same in each turn by the look of it: `if rank == 0`, `if use_mlflow`."""
    return isinstance(guard.test, (facts.Name, facts.Attribute)) or (
        isinstance(guard.test, facts.Comparison) and last_name(guard.test.operands[0]).lower().endswith("rank")
    )


def _may_open_a_run(loop: Loop) -> bool:
    """Whether a turn calls something that may set up a run of its own."""
    return any(map(_RUNS.search, called_names(loop)))
