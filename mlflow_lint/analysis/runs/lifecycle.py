"""Which run is open at each call: the runs that a body opens and ends, followed along its flow.

Branches are joined, loops may turn again, and an error may leave a `try` anywhere in it. A function of the project is
entered for what it leaves open and what it may end. Invariant: only what is sure on every way counts; anything that may
touch runs in a manner that is not understood makes what follows unsure.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from mlflow_lint.analysis.flow.sites import Attempt, Guard, Loop, Rescue, Site
from mlflow_lint.analysis.memo import Memo
from mlflow_lint.analysis.names.meaning import External, FunctionRef, Instance, Place
from mlflow_lint.analysis.runs.run_state import How, Moment, OpenRun, Passage, State, at_times, meet
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import WRITES, Kind
from mlflow_lint.facts.traverse import argument, calls_in, descend, last_name
from mlflow_lint.findings import Step
from mlflow_lint.regex import regex

_TOUCHING = (Kind.RUN, Kind.END, *WRITES)
_RUN_NAME = regex(r"(^|_)(run|active_run|run_?id|nested|parent|child|run_started|run_active|started)$", re.I)
_ENDING = regex(
    r"(^|_)(end|finish|terminate|teardown)(_|$)|(close|stop|exit|shutdown)_(run|mlflow|tracking|experiment|log)|^__exit__$",
    re.I,
)
_CLOSING = regex(r"^(close|stop|exit|shutdown)$", re.I)
_TRACKER = regex(r"run|log(ger|ging)?|track(er|ing)|mlflow|experiment", re.I)
_DEEPEST_LOOP = 4
_LONGEST_CHAIN = 8


_UNKNOWN = Passage((), False, True)


class Lifecycle:
    """Follows the runs of bodies; answers are remembered."""

    def __init__(self, effects: Effects) -> None:
        self.effects = effects
        self._walks: dict[tuple[int, int], _Walk] = {}
        self._passages: Memo[Passage] = Memo(_UNKNOWN)

    def moments(self, body: Body) -> tuple[Moment, ...]:
        """The calls of a body that touch runs, write to one or set MLflow up, in order."""
        return self._walk(body).moments

    def _walk(self, body: Body) -> _Walk:
        receiver = body.place.receiver
        key = (id(body.block), id(receiver.definition) if receiver else 0)
        walk = self._walks.get(key)
        if walk is None:
            walk = _Walk(self, body)
            if self._passages.firm:
                self._walks[key] = walk
        return walk

    def state(self, site: Site, body: Body) -> State | None:
        """What is open at a call of a body; None if the call neither touches runs, nor writes, nor sets MLflow up."""
        return self._walk(body).states.get(id(site.call))

    def opened_before(self, site: Site, body: Body, offset: int) -> OpenRun | None:
        """The run that is sure to be open at a call, if it was opened before an offset of the text."""
        state = self.state(site, body)
        if state is None or not state.runs:
            return None
        run = state.runs[-1]
        return run if run.site.call.span[0] < offset else None

    def passage(self, call: facts.Call, place: Place) -> Passage | None:
        """What a call of a project function does to runs; None if it does nothing to them, or is no such call."""
        reached = self.effects.reached(call, place)
        touching = [one for one in reached if any(effect.api.kind in _TOUCHING for effect in one.effects)]
        if not touching:
            return None
        return self.of(touching[0].function) if len(reached) == 1 else _UNKNOWN

    def of(self, function: FunctionRef) -> Passage:
        """What one call of a function does to runs."""
        key = (id(function.definition), id(function.receiver.definition) if function.receiver else 0)
        return self._passages.get(key, lambda: self._passed(function))

    def _passed(self, function: FunctionRef) -> Passage:
        if function.definition.is_generator:
            return _UNKNOWN
        walk = self._walk(Body.of(function))
        opens = tuple(run for run in walk.exit.runs if run.how is not How.WITH and len(run.chain) < _LONGEST_CHAIN)
        return Passage(opens, walk.exit.certain, walk.exit.disturbed, _start(walk.moments))


def _start(moments: tuple[Moment, ...]) -> tuple[Step, ...] | None:
    """How a body always gets to a `start_run` that raises if a run is open, before it opened or ended any itself."""
    for moment in moments:
        if moment.state.runs or not moment.state.certain or moment.state.disturbed:
            return None
        if any(isinstance(frame, (Guard, Attempt, Rescue)) for frame in moment.site.frames):
            continue
        if moment.passage is not None:
            return moment.chain if moment.passage.starts is not None and len(moment.chain) < _LONGEST_CHAIN else None
        if undeclared(moment):
            return moment.chain
    return None


def undeclared(moment: Moment) -> bool:
    """Whether a moment is a `start_run` that does not say that its run is nested."""
    api, call = moment.api, moment.site.call
    if api is None or api.kind is not Kind.RUN or api.client or call.spread:
        return False
    nested = argument(call, "nested", api.parameters.index("nested"))
    parent = argument(call, "parent_run_id", api.parameters.index("parent_run_id"))
    return all(
        given is None or given.value in (facts.Constant(False), facts.Constant(None)) for given in (nested, parent)
    )


def asks_about_runs(test: facts.Expression) -> bool:
    """Whether a test may tell whether a run is open: `mlflow.active_run()`, `self.run is None`, `if nested`."""
    asked = any(last_name(call.function) == "active_run" for call in calls_in(test))
    return asked or any(
        isinstance(node, (facts.Name, facts.Attribute)) and bool(_RUN_NAME.search(last_name(node)))
        for node in descend(test)
    )


class _Walk:
    """One body, walked once."""

    def __init__(self, lifecycle: Lifecycle, body: Body) -> None:
        self._lifecycle = lifecycle
        self._effects = lifecycle.effects
        self._place = body.place
        self._sites: dict[tuple[int, int], list[Site]] = {}
        self._runs: dict[int, OpenRun] = {}
        self._turning: set[int] = set()
        """Loops (by `id`) in which runs are opened or ended."""
        self._passed: dict[int, Passage | None] = {}
        self._silent = 0
        self._depth = 0
        self._attempts: list[State | None] = []
        """For each `try` around, what is sure wherever in it an error comes."""
        self._jumps: list[State | None] = []
        """For each loop around, what is sure at its `break` and `continue`."""
        self._returns: State | None = None
        self._moments: list[Moment] = []
        for site in self._effects.sites(body):
            self._sites.setdefault((id(site.block), site.index), []).append(site)
            if self._touches(site):
                self._turning.update(id(frame.node) for frame in site.frames if isinstance(frame, Loop))
        end = self._block(body.block, State()) if self._passed else State()
        self.exit = meet(end, self._returns) or State()
        self.moments = tuple(self._moments)
        self.states = {id(moment.site.call): moment.state for moment in self.moments}

    # ------------------------------------------------------------------------------------------------- calls
    def _touches(self, site: Site) -> bool:
        """Whether a call may touch runs; notes what the functions of the project do that the body calls."""
        api = site.api
        if api is None:
            known = site.target is not None
            passage = self._lifecycle.passage(site.call, site.place) if known else None
            if known and passage is None and self._effects.opens_run(site.call, site.target):
                passage = Passage((), False)  # an object whose `__enter__` opens a run
            if passage is None and (known or not _sounds_like_end(site.call.function)):
                return False
            self._passed[id(site.call)] = passage
            return True
        if api.kind in (*_TOUCHING, Kind.SETUP, Kind.MODEL):
            self._passed[id(site.call)] = None
        return api.kind in (Kind.RUN, Kind.END)

    def _own(
        self, block: facts.Block, index: int, state: State, entered: tuple[facts.Expression, ...] = ()
    ) -> tuple[State, list[OpenRun]]:
        """After the calls that a statement makes itself, with the runs that it enters by `with`."""
        opened: list[OpenRun] = []
        sites = self._sites.get((id(block), index))
        if sites is None:
            return state, opened
        for site in sites:
            if id(site.call) not in self._passed:
                continue
            whole = any(site.call is value for value in entered)
            after, run, chain = self._call(site, state, whole)
            if run is not None and whole:
                opened.append(run)
            if not self._silent:
                api = site.api
                self._moments.append(Moment(site, api, state, after, chain, self._passed[id(site.call)]))
            state = after
            self._note(state)
        return state, opened

    def _note(self, state: State) -> None:
        self._attempts = [meet(known, state) for known in self._attempts]

    def _call(self, site: Site, state: State, entered: bool) -> tuple[State, OpenRun | None, tuple[Step, ...]]:
        api = site.api
        if api is None:
            return self._through(site, state, entered)
        chain = (site.place.unit.step(site.call.span[0], api.label),)
        if api.kind in WRITES:
            if api.client or site.call.keyword("run_id") is not None or site.call.spread:
                return state, None, chain
            return (state if at_times(site) else state.hidden(self._run(site, How.HIDDEN, chain))), None, chain
        if api.kind is Kind.RUN and api.client:
            return (state if at_times(site) else replace(state, made=(*state.made, site))), None, chain
        if api.kind is Kind.RUN:
            if at_times(site) or not (entered or _is_whole(site)):
                return state.unsure, None, chain
            run = self._run(site, How.WITH if entered else How.CALL, chain)
            return state.opened(run), run, chain
        if api.kind is Kind.END:
            if api.client:
                return replace(state, made=()), None, chain
            return (state.unsure if at_times(site) else state.closed(site)), None, chain
        return state, None, chain

    def _through(self, site: Site, state: State, entered: bool) -> tuple[State, OpenRun | None, tuple[Step, ...]]:
        """After a call of a function of the project, or of something with the name of an end."""
        passage = self._passed[id(site.call)]
        step = site.place.unit.step(site.call.span[0], f"{last_name(site.call.function)}()")
        starts = passage.starts if passage is not None else None
        chain: tuple[Step, ...] = (step, *starts) if starts is not None else (step,)
        if passage is None or at_times(site) or passage.disturbs:
            return state.unsure, None, chain
        if entered:
            return replace(state, certain=False), None, chain
        for inner in passage.opens:
            run = self._run(site, inner.how, (step, *inner.chain))
            if starts is None:
                chain = run.chain
            state = state.hidden(run) if inner.how is How.HIDDEN else state.opened(run)
        return replace(state, certain=state.certain and passage.certain), None, chain

    def _run(self, site: Site, how: How, chain: tuple[Step, ...]) -> OpenRun:
        """The run that a call opens: the same each time the walk comes by."""
        key = id(site.call) if how is not How.HIDDEN else -id(site.call)
        if key not in self._runs:
            self._runs[key] = OpenRun(site, how, chain, _name(site))
        return self._runs[key]

    # -------------------------------------------------------------------------------------------- statements
    def _block(self, block: facts.Block, state: State | None) -> State | None:
        for index, statement in enumerate(block):
            if state is None:
                return None
            state = self._statement(statement, block, index, state)
        return state

    def _statement(self, statement: facts.Statement, block: facts.Block, index: int, state: State) -> State | None:
        if isinstance(statement, facts.With):
            return self._with(statement, block, index, state)
        if isinstance(statement, (facts.For, facts.While)):
            return self._loop(statement, block, index, state)
        state, _ = self._own(block, index, state)
        match statement:
            case facts.If(test, body, orelse):
                if asks_about_runs(test):
                    state = state.unsure
                return meet(self._block(body, state), self._block(orelse, state))
            case facts.Try():
                return self._try(statement, state)
            case facts.Match(_, cases):
                return meet(state, *(self._block(case.body, state) for case in cases))
            case facts.Class(_, _, body):
                return self._block(body, state)
            case facts.Leave(kind):
                if kind == "return":
                    self._returns = meet(self._returns, state)
                elif kind in ("break", "continue") and self._jumps:
                    self._jumps[-1] = meet(self._jumps[-1], state)
                return None
        return state

    def _loop(self, loop: facts.For | facts.While, block: facts.Block, index: int, state: State) -> State | None:
        state, _ = self._own(block, index, state)
        if id(loop) in self._turning:
            if self._depth >= _DEEPEST_LOOP:
                state = state.unsure
            else:
                self._silent += 1
                around = self._turn(loop.body, state)
                self._silent -= 1
                state = meet(state, around) or state
        after = self._turn(loop.body, state)
        return self._block(loop.orelse, meet(state, after))

    def _turn(self, body: facts.Block, state: State) -> State | None:
        """What is sure at the end of one turn, however it ends."""
        self._depth += 1
        self._jumps.append(None)
        end = self._block(body, state)
        self._depth -= 1
        return meet(end, self._jumps.pop())

    def _try(self, statement: facts.Try, state: State) -> State | None:
        if not statement.final:
            return self._attempted(statement, state)[0]
        returns, self._returns = self._returns, None
        jumps, self._jumps = self._jumps, [None for _ in self._jumps]
        arrived, failed = self._attempted(statement, state)
        self._silent += 1
        self._returns = meet(returns, self._block(statement.final, self._returns))
        self._jumps = [
            meet(old, self._block(statement.final, new)) for old, new in zip(jumps, self._jumps, strict=True)
        ]
        self._silent -= 1
        finished = self._block(statement.final, meet(arrived, failed))
        return finished if arrived is not None else None

    def _attempted(self, statement: facts.Try, state: State) -> tuple[State | None, State]:
        """After a `try`, its `finally` left out; and what is sure wherever in its body an error comes."""
        self._attempts.append(state)
        end = self._block(statement.body, state)
        failed = self._attempts.pop() or state
        end = self._block(statement.orelse, end)
        ways = [end, *(self._block(handler.body, failed) for handler in statement.handlers)]
        return meet(*ways), failed

    def _with(self, statement: facts.With, block: facts.Block, index: int, state: State) -> State | None:
        values = tuple(value for value, _ in statement.items)
        state, opened = self._own(block, index, state, values)
        suppresses = any(last_name(value) in ("suppress", "raises") for value in values)
        ends = [site for site in self._sites.get((id(block), index), ()) if self._is_active_run(site, values)]
        for value in values:
            run = next((r for r in state.runs if isinstance(value, facts.Name) and r.name == value.id), None)
            if run is not None:
                opened.append(run)
            elif not isinstance(value, facts.Call) and self._is_tracker(value):
                state = state.unsure
        if suppresses:
            self._attempts.append(state)
        end = self._block(statement.body, state)
        if suppresses:
            end = meet(end, self._attempts.pop() or state)
        if end is None:
            return None
        for run in reversed(opened):
            end = end.left(run)
        for site in ends:
            end = end.closed(site)
        return end

    def _is_tracker(self, value: facts.Expression) -> bool:
        """Whether what a `with` enters may open a run: a run by its name, or an object of the project."""
        return asks_about_runs(value) or isinstance(self._effects.resolver.resolve(value, self._place), Instance)

    def _is_active_run(self, site: Site, values: tuple[facts.Expression, ...]) -> bool:
        target = site.target
        return (
            isinstance(target, External)
            and target.dotted in ("mlflow.active_run", "mlflow.tracking.fluent.active_run")
            and any(site.call is value for value in values)
        )


def _is_whole(site: Site) -> bool:
    """Whether a call is all that its statement does, so that nothing else can end the run that it gives."""
    statement = site.statement
    return isinstance(statement, (facts.Evaluate, facts.Assign)) and statement.value is site.call


def _name(site: Site) -> str | None:
    """What a body calls the run that a call opens."""
    match site.statement:
        case facts.Assign((facts.Name(name),), value) if value is site.call:
            return name
        case facts.With(items):
            return next((t.id for value, t in items if value is site.call and isinstance(t, facts.Name)), None)
    return None


@lru_cache(maxsize=4096)
def _ends(name: str) -> bool:
    """Whether a name is that of what ends a run."""
    return _ENDING.search(name) is not None


def _sounds_like_end(function: facts.Expression) -> bool:
    """Whether something that is not known has the name of what ends a run."""
    name = last_name(function)
    if _ends(name):
        return True
    owner = last_name(function.value) if isinstance(function, facts.Attribute) else ""
    return bool(_CLOSING.match(name)) and bool(_TRACKER.search(owner))
