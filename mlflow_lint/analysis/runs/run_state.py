"""Which runs are sure to be open at a point of a body, as records.

Invariant: a state never claims more than holds on every way to its point; what branches disagree on is given up.
"""

from __future__ import annotations

import enum
from dataclasses import replace

from mlflow_lint.analysis.flow.sites import Guard, Loop, Site
from mlflow_lint.facts.api import WRITES, Api
from mlflow_lint.findings import Step
from mlflow_lint.record import entity, record


class How(enum.Enum):
    """How a run came to be open."""

    WITH = "with"
    """`with start_run()`: it ends with the block."""
    CALL = "call"
    """`start_run()`, here or in a function of the project: it stays open until `end_run`."""
    HIDDEN = "hidden"
    """By a write while none was in sight: MLflow opened one, unless whoever called the body had."""


@entity
class OpenRun:
    """A run that is open, and the line of the body that opened it."""

    site: Site
    how: How
    chain: tuple[Step, ...]
    """From the body's own line to the call of MLflow."""
    name: str | None = None
    """What the body calls it."""


@record
class Ended:
    """A run of a `with` that was ended before its block."""

    run: OpenRun
    by: Site


@record
class State:
    """What is sure at one point of a body; runs that were open before the body began are never counted."""

    runs: tuple[OpenRun, ...] = ()
    """Opened by the body and open, innermost last."""
    certain: bool = True
    """Whether the body has opened nothing else that may be open."""
    disturbed: bool = False
    """Whether the body may have ended a run that it did not open."""
    made: tuple[Site, ...] = ()
    """Runs made by `MlflowClient.create_run` and not ended since."""
    ended: tuple[Ended, ...] = ()
    """Runs of a `with` that goes on although its run has ended."""

    def opened(self, run: OpenRun) -> State:
        """After a run was opened."""
        return replace(self, runs=(*self.runs, run), made=())

    def hidden(self, run: OpenRun) -> State:
        """After a write for which MLflow may have had to open a run."""
        return self if self.runs or not self.certain else replace(self, runs=(run,))

    def closed(self, by: Site) -> State:
        """After `end_run`, which ends the innermost."""
        if not self.runs:
            return replace(self, disturbed=True)
        last = self.runs[-1]
        ended = (*self.ended, Ended(last, by)) if last.how is How.WITH and self.certain else self.ended
        disturbed = self.disturbed or last.how is How.HIDDEN
        return replace(self, runs=self.runs[:-1], ended=ended, disturbed=disturbed)

    def left(self, run: OpenRun) -> State:
        """After the block of a `with`, whose end ends its run."""
        ended = tuple(one for one in self.ended if one.run is not run)
        if run not in self.runs:
            return replace(self, ended=ended)
        top = self.runs[-1] is run
        return replace(self, runs=self.runs[: self.runs.index(run)], ended=ended, certain=self.certain and top)

    @property
    def unsure(self) -> State:
        """After something that may have opened runs or ended any."""
        return replace(self, runs=(), certain=False, disturbed=True, made=(), ended=())


def meet(*ways: State | None) -> State | None:
    """What is sure whichever way was taken; None stands for a way that never arrives."""
    known: State | None = None
    for way in ways:
        if known is None:
            known = way
        elif way is not None and way != known:
            known = _both(known, way)
    return known


def _both(left: State, right: State) -> State:
    common = 0
    for one, other in zip(left.runs, right.runs, strict=False):
        if one is not other:
            break
        common += 1
    return State(
        left.runs[:common],
        left.certain and right.certain and left.runs == right.runs,
        left.disturbed or right.disturbed,
        tuple(site for site in left.made if site in right.made),
        tuple(ended for ended in left.ended if ended in right.ended),
    )


@entity
class Passage:
    """What one call of a function does to the runs of whoever calls it."""

    opens: tuple[OpenRun, ...] = ()
    """Left open, innermost last; the first may be a hidden one."""
    certain: bool = True
    disturbs: bool = False
    starts: tuple[Step, ...] | None = None
    """The lines to a `start_run` that is sure to be reached and raises if a run is open already."""


@entity
class Moment:
    """A call that touches runs or writes to one, and what is open when it is reached."""

    site: Site
    api: Api | None
    """The call of MLflow that it is; None for a function of the project."""
    state: State
    after: State
    chain: tuple[Step, ...]
    """To the call of MLflow that matters, for a function of the project."""
    passage: Passage | None = None
    """What a function of the project does on its way."""

    @property
    def sure(self) -> bool:
        """Whether the call is reached each time the body gets to its statement."""
        return not at_times(self.site)

    @property
    def writes(self) -> bool:
        """Whether the call writes to the active run, or opens a hidden one to write to."""
        if self.api is None:
            return bool(self.after.runs) and self.after.runs[-1].how is How.HIDDEN and self.after != self.state
        return self.api.kind in WRITES and not self.api.client and self.site.call.keyword("run_id") is None


def at_times(site: Site) -> bool:
    """Whether a call is part of an expression that evaluates it only at times, or again and again."""
    return any(
        (isinstance(frame, Guard) and not frame.body) or (isinstance(frame, Loop) and frame.owner is not None)
        for frame in site.frames
    )
