"""The loop that a hot write stands in, with all that it logs each step.

Invariant: the loop stands in the body of the write. A block counts only if each of its hot metrics is a plain call of
MLflow whose arguments are in sight, so that what is done to them is done to all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Container

from mlflow_lint.analysis.batching.rows import Write, arguments_of
from mlflow_lint.analysis.flow.sites import Loop, Run, Site
from mlflow_lint.analysis.frequency.hot import HotWrite, counted_writes, group_of, hot_around
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.record import entity


@entity
class HotLoop:
    """A loop statement that turns once per step."""

    body: Body
    outer: Loop
    """The outermost loop that does, for what comes before and after all steps."""
    inner: Loop
    """The innermost loop that does, whose turns are the steps."""
    blocks: Collection[tuple[Write, ...]]
    """The metrics that `outer` logs each step, by block, in order."""
    block: tuple[Write, ...]
    """Those beside the write that was asked about; one of `blocks`."""

    @property
    def text(self) -> str:
        """Of the file."""
        return self.body.unit.text

    @property
    def statement(self) -> facts.For | facts.While:
        """The statement of `outer`."""
        node = self.outer.node
        assert not isinstance(node, facts.Clause)
        return node


class HotLoops:
    """The loops around the hot metrics of a file; what a loop logs is worked out once for all of its metrics."""

    def __init__(self, effects: Effects, replays: Container[int]) -> None:
        self._effects = effects
        self._replays = replays
        self._blocks: dict[Loop, dict[int, tuple[Write, ...]]] = {}
        """By loop and block (its `id`)."""

    def around(self, write: HotWrite) -> HotLoop | None:
        """The loop of a hot metric; None where a hook or a comprehension repeats it, or its block is not plain.

        In a class body too: comprehensions would not see its names.
        """
        if write.through is not None or write.site.place.scope.is_class:
            return None
        inner = _inner(write.site, write.body, self._effects, self._replays)
        outer = _outer(write.site, self._effects, self._replays)
        if inner is None or outer is None:
            return None
        if isinstance(inner.node, facts.Clause) or isinstance(outer.node, facts.Clause):
            return None
        if outer not in self._blocks:
            self._blocks[outer] = self._blocks_of(outer, write.body)
        blocks = self._blocks[outer]
        block = blocks.get(id(write.site.block))
        return HotLoop(write.body, outer, inner, blocks.values(), block) if block is not None else None

    def _blocks_of(self, outer: Loop, body: Body) -> dict[int, tuple[Write, ...]]:
        by_block: dict[int, list[Write | None]] = {}
        for site in self._effects.touching(body):
            if outer in site.frames and _is_hot(site, body, self._effects, self._replays):
                by_block.setdefault(id(site.block), []).append(_plain(site))
        return {block: tuple(filter(None, found)) for block, found in by_block.items() if None not in found}


def _inner(site: Site, body: Body, effects: Effects, replays: Container[int]) -> Loop | None:
    around = hot_around(effects, site, body, replays)
    loops = (frame for frame in site.frames if isinstance(frame, Loop))
    return next((loop for loop in loops if around is not None and id(loop.node) == around.marker), None)


def _outer(site: Site, effects: Effects, replays: Container[int]) -> Loop | None:
    """The outermost hot loop around a call, in the run of the call."""
    found: Loop | None = None
    for frame in reversed(site.frames):
        if isinstance(frame, Run):
            break
        if isinstance(frame, Loop) and id(frame.node) not in replays:
            found = frame if effects.loops.verdict(frame).frequency is Frequency.PER_STEP else found
    return found


def _is_hot(site: Site, body: Body, effects: Effects, replays: Container[int]) -> bool:
    if not any(group_of(api) is Kind.METRIC for api, _ in counted_writes(effects, site, body)):
        return False
    return hot_around(effects, site, body, replays) is not None


def _plain(site: Site) -> Write | None:
    """A call of MLflow that is a statement of its own."""
    api = site.api
    arguments = arguments_of(site.call, api) if api is not None and site.stands_alone else None
    return Write(site, api, arguments, site.index) if api is not None and arguments is not None else None
