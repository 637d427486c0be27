"""The fix of a metric that is logged each step, in the way the settings choose.

Invariant: all of them are unsafe: points come later, or some of them not at all. Which is right is the user's choice.
"""

from __future__ import annotations

from collections.abc import Container

from mlflow_lint.analysis.frequency.hot import HotWrite
from mlflow_lint.analysis.frequency.hot_loops import hot_loop
from mlflow_lint.analysis.runs.lifecycle import Lifecycle
from mlflow_lint.findings import Fix
from mlflow_lint.fixes.asynchronous import queued
from mlflow_lint.fixes.buffer import buffered
from mlflow_lint.fixes.throttle import throttled


def hot_loop_fix(write: HotWrite, how: str, lifecycle: Lifecycle, replays: Container[int]) -> Fix | None:
    """The fix of a hot metric by `async`, `buffer` or `throttle`; None where that cannot be written without a loss."""
    loop = hot_loop(write, lifecycle.effects, replays)
    if loop is None:
        return None
    if how == "async":
        return queued(loop, lifecycle)
    return buffered(loop, lifecycle) if how == "buffer" else throttled(loop, lifecycle.effects)
