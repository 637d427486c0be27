"""Log every hundredth step of a hot loop: a test of its counter around the calls.

Invariant: what is skipped with a call only computes values, and the counter counts the turns of the loop.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.batching.rows import Write
from mlflow_lint.analysis.flow.counters import counted_up, counter_of, says_step
from mlflow_lint.analysis.flow.sites import Loop
from mlflow_lint.analysis.flow.weight import is_pure
from mlflow_lint.analysis.frequency.hot_loops import HotLoop
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.traverse import calls_in, last_name
from mlflow_lint.findings import Applicability, Edit, Fix
from mlflow_lint.fixes.edits import arranged
from mlflow_lint.fixes.indenting import indented
from mlflow_lint.fixes.names import fresh
from mlflow_lint.fixes.text import layout_at, line_end, line_start, slice_of
from mlflow_lint.record import record

EVERY = 100
"""Steps from one point to the next: a curve of 100 points for 10,000 steps, and a hundredth of the requests."""

_NAMES = ("step", "batch_idx", "iteration")
"""For a counter, in order of preference."""


@record
class _Counter:
    name: str
    edits: tuple[Edit, ...]
    """What brings it about."""


def throttled(hot: HotLoop, effects: Effects) -> Fix | None:
    """The fix that logs only some of the steps; None without a counter, or if a skipped value would be missed."""
    counter = _counter(hot)
    if counter is None:
        return None
    edits: list[Edit] = []
    for row in _rows(hot.block):
        edit = _guarded(row, counter.name, hot.text)
        if edit is None or not all(_only_computes(write, effects) for write in row):
            return None
        edits.append(edit)
    return Fix(f"Log every {EVERY} steps", arranged((*counter.edits, *edits)), Applicability.UNSAFE)


def _rows(block: tuple[Write, ...]) -> Iterator[list[Write]]:
    """Writes that stand one after another, so that one test holds them."""
    row: list[Write] = []
    for write in block:
        if row and write.index != row[-1].index + 1:
            yield row
            row = []
        row.append(write)
    yield row


def _only_computes(write: Write, effects: Effects) -> bool:
    return all(is_pure(given.value, write.site.place, effects.resolver) for given in write.arguments.values())


def _guarded(row: list[Write], counter: str, text: str) -> Edit | None:
    first, last = row[0].site.statement, row[-1].site.statement
    layout = layout_at(text, first.span[0])
    start, end = line_start(text, first.span[0]), line_end(text, last.span[1])
    if layout is None or not all(getattr(write.site.statement, "alone", True) for write in row):
        return None
    inside = indented(text[start:end], layout.step)
    if inside is None:
        return None
    return Edit(start, end, f"{layout.indent}if {counter} % {EVERY} == 0:{layout.newline}{inside}")


# ------------------------------------------------------------------------------------------------------ counter
def _counter(hot: HotLoop) -> _Counter | None:
    """What counts the turns of the loop: a counter that it has, or one that `enumerate` gives it."""
    loop = hot.inner
    node = loop.node
    assert not isinstance(node, facts.Clause)
    own = None if _strides(loop) else counter_of(loop) or _of_range(node)
    if own is not None:
        return _Counter(own, ())
    counted = [name for name in counted_up(loop) if says_step(name)]
    if len(counted) == 1:
        return _Counter(counted[0], ())
    if counted or not isinstance(node, facts.For) or node.is_async:
        return None
    place = hot.body.place
    if place.scope.holder("enumerate") is not None:
        return None
    names = [fresh(name, place) for name in _NAMES]
    name = next((name for name in names if name in _NAMES), names[0])
    target, iterable = slice_of(hot.text, node.target_span), slice_of(hot.text, node.iterable_span)
    if isinstance(node.target, facts.Collection) and target[0] not in "([":
        target = f"({target})"
    if isinstance(node.iterable, facts.Collection) and node.iterable.kind == "tuple":
        return None
    edits = Edit(*node.target_span, f"{name}, {target}"), Edit(*node.iterable_span, f"enumerate({iterable})")
    return _Counter(name, edits)


def _of_range(node: facts.For | facts.While) -> str | None:
    """What a loop over a `range` calls its numbers, be it a private name."""
    if isinstance(node, facts.For) and isinstance(node.iterable, facts.Call) and isinstance(node.target, facts.Name):
        return node.target.id if last_name(node.iterable.function) == "range" and node.target.id != "_" else None
    return None


def _strides(loop: Loop) -> bool:
    """Whether a loop counts in steps of its own: `range(0, n, size)`."""
    if not isinstance(loop.node, facts.For):
        return False
    ranges = (
        call for call in calls_in(loop.node.iterable) if last_name(call.function) in ("range", "trange", "arange")
    )
    return any(len(call.arguments) > 2 for call in ranges)
