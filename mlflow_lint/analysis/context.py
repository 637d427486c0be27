"""What a rule sees of one file: its facts, and the questions that several rules ask, answered once.

Invariant: answers are computed on first use and kept; a context is read by one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from mlflow_lint.analysis.batching.per_key import KeyedWrite, keyed_writes
from mlflow_lint.analysis.batching.replay import Replay, replays
from mlflow_lint.analysis.batching.rows import Row, rows
from mlflow_lint.analysis.frequency.hot import HotWrite, hot_writes
from mlflow_lint.analysis.runs.lifecycle import Lifecycle
from mlflow_lint.analysis.runs.run_state import Moment
from mlflow_lint.analysis.store.tracking_uris import TrackingUri, tracking_uris
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.backends import LIMITS, Limited
from mlflow_lint.findings import Step
from mlflow_lint.project.modules import Unit
from mlflow_lint.project.target import NEWEST_TARGET, Target


@dataclass(eq=False)
class Context:
    """One file under analysis, with the settings that rules depend on."""

    unit: Unit
    effects: Effects
    min_group_size: int = 2
    tracking_backend: str = "oss"
    hot_loop_fix: str = "buffer"
    """How metrics that are logged each step are fixed: `async`, `buffer` or `throttle`."""
    find_target: Callable[[], Target] = lambda: NEWEST_TARGET

    @cached_property
    def target(self) -> Target:
        """The version of MLflow that the file is written for."""
        return self.find_target()

    def limit(self, limited: Limited, amount: int | None = None) -> str:
        """How messages go on where the store of the project has a limit, and `amount` is more, if it is given."""
        limit = LIMITS.get((self.tracking_backend, limited))
        return f"; {limit.words}" if limit is not None and (amount is None or amount > limit.amount) else ""

    @cached_property
    def bodies(self) -> tuple[Body, ...]:
        """The module and every function of the file."""
        return self.effects.bodies(self.unit)

    def link(self) -> None:
        """Follow the names of the file and the calls that reach MLflow, which all rules rest on."""
        for body in self.bodies:
            self.effects.touching(body)

    @cached_property
    def touching_bodies(self) -> tuple[Body, ...]:
        """The bodies with calls that are or may be calls of MLflow, or that reach a write through the project."""
        return tuple(body for body in self.bodies if self.effects.touching(body))

    @cached_property
    def kinds(self) -> frozenset[Kind]:
        """What the calls of the file may do to the store, themselves or through the project."""
        sites = [site for body in self.touching_bodies for site in self.effects.touching(body)]
        reached = (reached for site in sites for reached in self.effects.reached(site.call, site.place))
        own = {api.kind for site in sites for api in site.apis}
        return frozenset(own.union(effect.api.kind for one in reached for effect in one.effects))

    @cached_property
    def lifecycle(self) -> Lifecycle:
        """Which run is open where, also in functions of other files."""
        return Lifecycle(self.effects)

    @cached_property
    def flows(self) -> tuple[tuple[Moment, ...], ...]:
        """For each body, the calls that touch runs or write to them, with what is open there."""
        return tuple(self.lifecycle.moments(body) if self.effects.touching(body) else () for body in self.bodies)

    @cached_property
    def replays(self) -> tuple[Replay, ...]:
        """Calls that log finished data point after point; all of a loop."""
        return tuple(replays(self.effects, self.touching_bodies))

    @cached_property
    def walks(self) -> frozenset[int]:
        """The loops (by `id`) that walk finished data, whose points are replayed."""
        return frozenset(id(loop.node) for replay in self.replays for loop in replay.loops)

    @cached_property
    def hot_writes(self) -> tuple[HotWrite, ...]:
        """Writes that run per step, unthrottled; one per kind, block and loop."""
        return tuple(hot_writes(self.effects, self.touching_bodies, self.walks))

    @cached_property
    def keyed_writes(self) -> tuple[KeyedWrite, ...]:
        """Writes of one key per turn of a loop over keys; one per kind and loop."""
        return tuple(
            keyed_writes(self.effects, self.touching_bodies, {id(replay.site.call) for replay in self.replays})
        )

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Writes of one kind that follow one another and could be one."""
        keyed = {id(write.loop.node) for write in self.keyed_writes}
        replayed = {id(replay.site.call) for replay in self.replays}
        found = rows(self.effects, self.touching_bodies, keyed)
        return tuple(row for row in found if id(row.writes[0].site.call) not in replayed)

    @cached_property
    def tracking_uris(self) -> tuple[TrackingUri, ...]:
        """The addresses of stores that the file spells out."""
        return tuple(tracking_uris(self.effects, self.unit))

    def step(self, offset: int, text: str) -> Step:
        """A link of a reason chain that lies in this file."""
        return self.unit.step(offset, text)
