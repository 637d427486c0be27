"""Let MLflow queue the metrics of a hot loop: `synchronous=False`, and the variable that makes it merge what it queues.

Invariant: only within a `with start_run()` of the same body, whose end drains the queue, by an exception too. MLflow
cannot send what is still queued when the interpreter ends.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.batching.rows import Write
from mlflow_lint.analysis.frequency.hot_loops import HotLoop
from mlflow_lint.analysis.runs.lifecycle import Lifecycle
from mlflow_lint.analysis.runs.run_state import How
from mlflow_lint.analysis.store.asynchronous import BUFFERING, speaks_of_buffering
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.findings import Applicability, Edit, Fix
from mlflow_lint.fixes.edits import arranged
from mlflow_lint.fixes.imports import leading_imports
from mlflow_lint.fixes.names import imported
from mlflow_lint.fixes.text import after_newline, line_end
from mlflow_lint.project.modules import Unit
from mlflow_lint.source.file import newline_of

SECONDS = 5
"""How long MLflow collects: what a chart lags behind, and at most as many points as one request takes."""


def queued(hot: HotLoop, lifecycle: Lifecycle) -> Fix | None:
    """The fix that makes the writes of a block asynchronous; None where their queue may not be drained."""
    edits: list[Edit] = []
    for write in hot.block:
        edit = _asynchronous(write)
        if edit is None or not _is_drained(write, hot, lifecycle):
            return None
        edits.append(edit)
    setting = _setting(hot, lifecycle.effects)
    if setting is None:
        return None
    return Fix("Log asynchronously, and merge what is queued", arranged((*setting, *edits)), Applicability.UNSAFE)


def _asynchronous(write: Write) -> Edit | None:
    given = write.arguments.get("synchronous")
    if given is not None:
        literal = facts.Constant(True), facts.Constant(None)
        return Edit(*given.span, "False") if given.value in literal else None
    if not write.site.call.arguments:
        return None
    end = write.site.call.arguments[-1].span[1]
    return Edit(end, end, ", synchronous=False")


def _is_drained(write: Write, hot: HotLoop, lifecycle: Lifecycle) -> bool:
    state = lifecycle.state(write.site, hot.body)
    return state is not None and any(
        run.how is How.WITH and run.site.call.span[0] < hot.statement.span[0] for run in state.runs
    )


def _setting(hot: HotLoop, effects: Effects) -> tuple[Edit, ...] | None:
    """The edits that set the variable after the imports at the top, unless the project names it already."""
    unit = hot.body.unit
    if speaks_of_buffering(effects, unit):
        return ()
    module = imported("os", None, hot.body.place)
    leading = leading_imports(unit.facts.body)
    if module is None or not leading or not leading[-1].alone:
        return None
    return (*module[1], *_after(leading[-1], f'{module[0]}.environ.setdefault("{BUFFERING}", "{SECONDS}")', unit))


def _after(statement: facts.Import, line: str, unit: Unit) -> Iterator[Edit]:
    newline = newline_of(unit.text)
    place = after_newline(unit.text, line_end(unit.text, statement.span[1]))
    yield Edit(place, place, f"{newline}{line}{newline}")
