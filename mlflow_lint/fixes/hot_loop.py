"""The fix of a metric that is logged each step, in the way the settings choose.

Invariant: all of them are unsafe: points come later, or some of them not at all. Which is right is the user's choice.
"""

from __future__ import annotations

from collections.abc import Container

from mlflow_lint.analysis.flow.sites import Loop
from mlflow_lint.analysis.frequency.hot import HotWrite
from mlflow_lint.analysis.frequency.hot_loops import HotLoops
from mlflow_lint.analysis.runs.lifecycle import Lifecycle
from mlflow_lint.findings import Fix
from mlflow_lint.fixes.asynchronous import queued
from mlflow_lint.fixes.buffer import Buffered, buffered
from mlflow_lint.fixes.throttle import throttled


class HotLoopFixes:
    """The fixes of the hot metrics of a file, by `async`, `buffer` or `throttle`."""

    def __init__(self, how: str, lifecycle: Lifecycle, replays: Container[int]) -> None:
        self._how = how
        self._lifecycle = lifecycle
        self._loops = HotLoops(lifecycle.effects, replays)
        self._buffered: dict[Loop, Buffered | None] = {}

    def of(self, write: HotWrite) -> Fix | None:
        """The fix of a hot metric; None where that cannot be written without a loss."""
        loop = self._loops.around(write)
        if loop is None:
            return None
        if self._how == "async":
            return queued(loop, self._lifecycle)
        if self._how == "throttle":
            return throttled(loop, self._lifecycle.effects)
        if loop.outer not in self._buffered:
            self._buffered[loop.outer] = buffered(loop, self._lifecycle)
        found = self._buffered[loop.outer]
        return found.fix if found is not None and loop.block in found.blocks else None
