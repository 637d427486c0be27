"""Runs that are opened far more often than there is something to record: per step, or anew around each write.

Invariant: a run per trial, fold, model or file is what runs are for; going back to a run counts only with `run_id=`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlflow_lint.analysis.flow.quick import is_quick_expression
from mlflow_lint.analysis.flow.repetition import Repetition, by_function, by_hook, by_loop
from mlflow_lint.analysis.flow.sites import Guard, Loop, Run, Site
from mlflow_lint.analysis.frequency.constancy import differs, in_first_turn
from mlflow_lint.analysis.names.meaning import plain_api
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.paths import path_to
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import CALLS, Api, Kind
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.functions import inner_blocks
from mlflow_lint.facts.traverse import argument, calls_in, descend, last_name, names_in
from mlflow_lint.findings import Step
from mlflow_lint.record import entity
from mlflow_lint.regex import regex

_OPEN_RUN = regex(r"(^|_)(run|active_run|run_started|run_active|started)$", re.I)
_SMALL_WRITES = (Kind.METRIC, Kind.PARAM, Kind.TAG)


@entity
class Opening:
    """A line that opens a run too often."""

    site: Site
    label: str
    reopens: bool
    """Whether it goes back to a run that there is already."""
    where: str
    """`loop over train_loader, line 12`, `helper log_metric, line 7`."""
    unit: str
    """`once per batch`, `once per write`."""
    chain: tuple[Step, ...]


def openings(effects: Effects, bodies: Iterable[Body]) -> Iterator[Opening]:
    """Runs of a file that are opened too often, in order; the outermost in each loop or helper."""
    for body in bodies:
        seen: set[int] = set()
        for site in effects.touching(body):
            opened = _opened(effects, site)
            if opened is None:
                continue
            label, reopens, chain = opened
            around = _repeated(effects, site, body, reopens) or _helper(effects, site, body, reopens)
            if around is None or around.marker in seen:
                continue
            seen.add(around.marker)
            yield Opening(site, label, reopens, around.where, around.unit, (around.step, *chain))


def _opened(effects: Effects, site: Site) -> tuple[str, bool, tuple[Step, ...]] | None:
    """How a call opens a run: what it is called, whether it goes back to a run, and the lines that lead there."""
    found = path_to(effects, site, Kind.RUN, lambda inner: _is_first(effects, inner, None))
    if found is None:
        return None
    api, chain = found
    if len(chain) == 1:
        return api.label, _names_a_run(site.call, api), chain
    return f"{chain[0].text} reaches {api.label} ({chain[-1].place}) and", False, chain


def _is_first(effects: Effects, site: Site, loop: Loop | None) -> bool:
    """Whether a call is reached at times only: every n-th turn, or as long as no run is open."""
    start = site.frames.index(loop) + 1 if loop is not None else 0
    frames = site.frames[start:]
    if effects.throttles.between(frames, loop) or in_first_turn(frames):
        return True
    return any(isinstance(frame, Guard) and _asks_whether_open(frame) for frame in frames)


def _asks_whether_open(guard: Guard) -> bool:
    """`if mlflow.active_run() is None`, `if not self.run`."""
    asked = any(last_name(call.function) == "active_run" for call in calls_in(guard.test))
    return asked or any(
        isinstance(node, (facts.Name, facts.Attribute)) and bool(_OPEN_RUN.search(last_name(node)))
        for node in descend(guard.test)
    )


def _names_a_run(call: facts.Call, api: Api) -> bool:
    given = argument(call, "run_id", 0) if not api.client else None
    return given is not None and given.value != facts.Constant(None)


def _repeated(effects: Effects, site: Site, body: Body, reopens: bool) -> Repetition | None:
    """The loop or hook that opens a run per step, or goes back to one per step or epoch."""
    often = (Frequency.PER_STEP, Frequency.PER_EPOCH) if reopens else (Frequency.PER_STEP,)
    for index in range(len(site.frames) - 1, -1, -1):
        frame = site.frames[index]
        if isinstance(frame, Run) and not effects.ends_run(effects.target(frame.call, site.place)):
            return None
        if isinstance(frame, Loop):
            verdict = effects.loops.verdict(frame)
            if verdict.frequency in often and not _is_first(effects, site, frame):
                if reopens and differs(site.call, frame) and verdict.frequency is not Frequency.PER_STEP:
                    return None
                return by_loop(frame, body, verdict)
            if effects.loops.is_sweep(frame):
                return None
    hooked = effects.hook(body)
    if (
        hooked is None
        or body.function is None
        or hooked[1] not in often
        or effects.throttles.between(site.frames, None)
    ):
        return None
    return by_hook(body.function.definition, body, hooked)


def _helper(effects: Effects, site: Site, body: Body, reopens: bool) -> Repetition | None:
    """A function that goes back to a run around one small write, or around what callers hand it to write."""
    if not reopens or body.function is None or any(isinstance(frame, (Loop, Run)) for frame in site.frames):
        return None
    entered = site.statement
    if not isinstance(entered, facts.With):
        return None
    definition = body.function.definition
    inner = _innermost(effects, entered, site)
    if not (_is_one_write(effects, inner, site, body) or _runs_small_writes(effects, inner, definition, body)):
        return None
    return by_function(f"helper {definition.name}", definition, body, "once per write")


def _innermost(effects: Effects, entered: facts.With, site: Site) -> facts.Block:
    """What runs in the run, and in runs nested in it."""
    block = entered.body
    while len(block) == 1 and isinstance(block[0], facts.With):
        values = [value for value, _ in block[0].items]
        calls = [value for value in values if isinstance(value, facts.Call)]
        targets = [effects.target(call, site.place) for call in calls]
        if len(calls) < len(values) or not all(map(effects.opens_run, calls, targets)):
            apis = [plain_api(target) for target in targets]
            if not apis or any(api is None or api.kind is not Kind.RUN for api in apis):
                break
        block = block[0].body
    return block


def _is_one_write(effects: Effects, block: facts.Block, site: Site, body: Body) -> bool:
    """Whether a helper does nothing but write, in the run, one metric, param or tag that it is called with."""
    assert body.function is not None
    writes = [(call, api) for call in _calls(block) if (api := plain_api(effects.target(call, site.place))) is not None]
    if len(writes) != 1:
        return False
    call, api = writes[0]
    if api.kind not in _SMALL_WRITES or (api.plural and api.kind is not Kind.METRIC) or not call.arguments:
        return False
    definition = body.function.definition
    given = {p.name for p in definition.parameters} - {"self", "cls"}
    names = names_in(call.arguments[0].value)
    return bool(names & given) and all(
        is_quick_expression(effects, other, site.place) for other in _calls(definition.body)
    )


def _runs_small_writes(effects: Effects, block: facts.Block, definition: facts.Function, body: Body) -> bool:
    """Whether a block only calls a parameter, and the file hands in functions that make one small write."""
    if len(block) != 1 or not isinstance(block[0], (facts.Evaluate, facts.Leave)):
        return False
    called = block[0].value
    parameters = {p.name for p in definition.parameters}
    if not isinstance(called, facts.Call) or not isinstance(called.function, facts.Name):
        return False
    if called.function.id not in parameters:
        return False
    return any(
        _hands_in_a_write(effects, site)
        for other in effects.bodies(body.unit)
        for site in effects.sites(other)
        if any(one.function.definition is definition for one in effects.reached(site.call, site.place))
    )


def _hands_in_a_write(effects: Effects, site: Site) -> bool:
    for given in site.call.arguments:
        if isinstance(given.value, facts.Name):
            holder = site.place.scope.holder(given.value.id)
            for binding in holder.bindings[given.value.id] if holder is not None else ():
                if isinstance(binding, facts.Function) and _writes_once(effects, tuple(_calls(binding.body)), site):
                    return True
        if isinstance(given.value, facts.Lambda) and _writes_once(effects, tuple(calls_in(given.value.body)), site):
            return True
    return False


def _writes_once(effects: Effects, calls: tuple[facts.Call, ...], site: Site) -> bool:
    kinds = [api.kind for call in calls if (api := plain_api(effects.target(call, site.place))) is not None]
    return len(kinds) == 1 and kinds[0] in (Kind.METRIC, Kind.TAG)


def _calls(block: facts.Block) -> Iterator[facts.Call]:
    """Every call of a block and the blocks in it."""
    for statement in block:
        for part in (getattr(statement, "value", None), getattr(statement, "test", None)):
            if part is not None:
                yield from calls_in(part)
        for inner in inner_blocks(statement):
            yield from _calls(inner)


def cost_of_opening(reopens: bool) -> str:
    """What opening and closing a run costs, for a message."""
    if reopens:
        return "5 requests and 31 SQL statements"
    return (
        f"{CALLS[(False, 'start_run')].requests} requests and {CALLS[(False, 'start_run')].statements} SQL statements"
    )
