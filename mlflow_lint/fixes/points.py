"""Turn a loop that logs finished points one by one into one `log_batch`.

A loop that does nothing else becomes a comprehension; any other keeps its turns, collects the points and sends them
after it. Invariant: every point keeps its key, value and step; where the points of one key could share a step, or the
store could tell the forms apart otherwise, the fix is unsafe (`point_safety`).
"""

from __future__ import annotations

import ast

from mlflow_lint.analysis.batching.replay import Replay
from mlflow_lint.analysis.batching.rows import Write
from mlflow_lint.analysis.flow.sites import Guard
from mlflow_lint.analysis.flow.throttles import assigned_names
from mlflow_lint.analysis.names.meaning import Place
from mlflow_lint.analysis.runs.lifecycle import Lifecycle
from mlflow_lint.analysis.runs.run_state import How, OpenRun
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.traverse import bound_names, calls_in, descend, last_name, names_in
from mlflow_lint.findings import Applicability, Edit, Fix
from mlflow_lint.fixes.behind import returns
from mlflow_lint.fixes.clauses import clause_of, filter_of, read_elsewhere
from mlflow_lint.fixes.names import Named, fresh, imported, member, sibling
from mlflow_lint.fixes.nest import Nest, nest_of
from mlflow_lint.fixes.point_safety import is_safe
from mlflow_lint.fixes.text import (
    Display,
    Layout,
    call_text,
    comments,
    is_directive,
    layout_at,
    line_end,
    line_start,
    slice_of,
)
from mlflow_lint.record import record

_PRIMARY = (facts.Name, facts.Attribute, facts.Call, facts.Subscript, facts.Mapping, facts.Comprehension)
"""What `.items()` may follow without parentheses."""


@record
class _Batch:
    """How the one call is written, and what it needs."""

    callee: str
    run: str
    rest: tuple[str, ...]
    entity: str
    """How `Metric` is written."""
    now: str
    """The name that holds the time of all points."""
    clock: str
    """What it is assigned; empty where every point brings a time of its own."""
    edits: tuple[Edit, ...]
    is_sure: bool
    """Whether the run is sure to be open."""

    @property
    def before(self) -> tuple[str, ...]:
        """What stands before the points."""
        return (f"{self.now} = {self.clock}",) if self.clock else ()

    def send(self, display: Display, layout: Layout) -> str:
        """The call with these points."""
        return call_text(self.callee, (self.run,), display, self.rest, layout)


def batched(replay: Replay, lifecycle: Lifecycle) -> Fix | None:
    """The fix that sends all points of a nest of loops at once; None if it cannot be written without a loss."""
    effects = lifecycle.effects
    nest = nest_of(replay, effects)
    if nest is None or any(write.site.place.scope.is_class for write in nest.writes):
        return None  # a comprehension in a class body does not see the names of the class
    opened = lifecycle.opened_before(nest.writes[0].site, nest.body, nest.statement.span[0])
    batch = _batch(nest, effects, opened)
    layout = layout_at(nest.text, nest.statement.span[0])
    if batch is None or layout is None:
        return None
    edits = _comprehension(nest, batch, layout) or _collected(nest, batch, layout)
    if edits is None:
        return None
    applicability = Applicability.SAFE if is_safe(nest, effects, opened) else Applicability.UNSAFE
    needs = "" if batch.is_sure else "; a run must be open"
    return Fix(f"Send all points with one log_batch{needs}", (*batch.edits, *edits), applicability)


# ----------------------------------------------------------------------------------------------------- batch
def _batch(nest: Nest, effects: Effects, opened: OpenRun | None) -> _Batch | None:
    first = nest.writes[0]
    place = nest.body.place
    named = _callee(first, place, effects)
    run = _run(nest, effects, opened)
    entity = member("entities.Metric", place, effects.resolver)
    if named is None or run is None or entity is None:
        return None
    edits = (*named[1], *run[1], *entity[1])
    clock = ""
    if not all("timestamp" in write.others for write in nest.writes):
        time = imported("time", None, place)
        if time is None:
            return None
        clock, edits = f"int({time[0]}.time() * 1000)", (*edits, *time[1])
    rest = tuple(f"{n}={slice_of(nest.text, first.arguments[n].span)}" for n in first.others if n == "synchronous")
    is_sure = opened is not None or "run_id" in first.others
    return _Batch(named[0], run[0], rest, entity[0], fresh("now", place), clock, edits, is_sure)


def _callee(write: Write, place: Place, effects: Effects) -> Named | None:
    if write.api.client:
        return sibling(write.site.call, write.api, "log_batch", write.site.place, effects.resolver)
    client = member("MlflowClient", place, effects.resolver)
    return (f"{client[0]}().log_batch", client[1]) if client is not None else None


def _run(nest: Nest, effects: Effects, opened: OpenRun | None) -> Named | None:
    """How to write the id of the run that the points go to."""
    given = nest.writes[0].arguments.get("run_id")
    if given is not None:
        return slice_of(nest.text, given.span), ()
    if opened is None and nest.body.function is None:
        return None  # MLflow opens a run for the first point
    if opened is not None and opened.name is not None and _still_means(opened, opened.name, nest):
        return f"{opened.name}.info.run_id", ()
    if opened is None and _asks_for_run(nest):
        return None  # where none is open, nothing is to be sent
    active = member("active_run", nest.body.place, effects.resolver)
    return (f"{active[0]}().info.run_id", active[1]) if active is not None else None


def _asks_for_run(nest: Nest) -> bool:
    """Whether a point is logged only while a run is open, and the loops are walked in any case."""
    guards = (
        frame
        for write in nest.writes
        for frame in write.site.frames[write.site.frames.index(nest.loops[0]) :]
        if isinstance(frame, Guard)
    )
    return any(last_name(call.function) == "active_run" for guard in guards for call in calls_in(guard.test))


def _still_means(run: OpenRun, name: str, nest: Nest) -> bool:
    """Whether the name of a run is still its at the nest."""
    statement = run.site.statement
    if run.how is How.WITH and isinstance(statement, facts.With):
        return name not in assigned_names(statement.body)
    scope = nest.body.place.scope
    return len(scope.bindings.get(name, ())) == 1 and name not in scope.elsewhere


# ---------------------------------------------------------------------------------------------------- points
@record
class _Points:
    """The points of a write, as they are written."""

    metrics: tuple[str, ...]
    walk: str = ""
    """`for key, value in … .items()`, where one `Metric` stands for each entry of a dict."""


def _points(write: Write, batch: _Batch, nest: Nest) -> _Points | None:
    text, given = nest.text, write.arguments
    step = slice_of(text, given["step"].span)
    if isinstance(write.others["step"], (facts.Name, facts.Attribute)) and not _varies(write.others["step"], nest):
        step = f"{step} or 0"  # `log_metric` takes None for 0; a `Metric` refuses it
    stamp = slice_of(text, given["timestamp"].span) if "timestamp" in write.others else batch.now

    def metric(key: str, value: str) -> str:
        return f"{batch.entity}({key}, {value}, {stamp}, {step})"

    if not write.api.plural:
        return _Points((metric(slice_of(text, given["key"].span), slice_of(text, given["value"].span)),))
    metrics = given["metrics"]
    source = slice_of(text, metrics.span)
    if isinstance(metrics.value, facts.Mapping) and all(key is not None for key, _ in metrics.value.items):
        entries = _entries(source)
        return _Points(tuple(metric(*entry) for entry in entries)) if entries else None
    if not isinstance(metrics.value, _PRIMARY):
        source = f"({source})"
    taken = names_in(metrics.value) | names_in(write.others["step"])
    key, value = (name if name not in taken else fresh(name, write.site.place) for name in ("key", "value"))
    return _Points((metric(key, value),), f"for {key}, {value} in {source}.items()")


def _varies(expression: facts.Expression, nest: Nest) -> bool:
    return bool(names_in(expression) & nest.changing)


def _entries(display: str) -> list[tuple[str, str]] | None:
    """Keys and values of a dict display, as they are written."""
    source = f"({display})"
    try:
        parsed = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if not isinstance(parsed, ast.Dict):
        return None
    entries = zip(parsed.keys, parsed.values, strict=True)
    found = [
        (key and ast.get_source_segment(source, key), ast.get_source_segment(source, value)) for key, value in entries
    ]
    return [(key, value) for key, value in found if key and value] if all(map(all, found)) else None


# --------------------------------------------------------------------------------------------- comprehension
def _single_turn(nest: Nest) -> tuple[str, ...] | None:
    """The loops and tests of a nest as clauses, if its turns write once and do nothing else; else None."""
    write = nest.writes[0]
    if len(nest.writes) > 1 or (write.api.plural and isinstance(write.arguments["metrics"].value, facts.Mapping)):
        return None
    if isinstance(nest.statement, facts.Evaluate):
        owner = nest.statement.value
        if not isinstance(owner, facts.Comprehension) or owner.clauses[0] is not nest.loops[0].node:
            return None
        return (slice_of(nest.text, owner.clauses_span),)
    clauses: list[str] = []
    bound: set[str] = set()
    inner: facts.Statement = nest.statement
    while isinstance(inner, (facts.For, facts.If)) and len(inner.body) == 1 and not inner.orelse:
        walked = inner.iterable if isinstance(inner, facts.For) else inner.test
        if any(isinstance(node, facts.Assigned) for node in descend(walked)):
            return None
        if isinstance(inner, facts.For):
            clauses.append(clause_of(inner, nest.text))
            bound.update(bound_names(inner.target))
        else:
            clauses.append(filter_of(inner, nest.text))
        inner = inner.body[0]
    # A comprehension keeps its variables to itself: nothing after the loop may ask for them.
    leaks = bound & set(nest.body.place.scope.elsewhere) or read_elsewhere(nest.body.block, nest.statement, bound)
    if inner is not write.site.statement or leaks or any("\n" in clause for clause in clauses):
        return None
    return tuple(clauses)


def _comprehension(nest: Nest, batch: _Batch, layout: Layout) -> list[Edit] | None:
    """Put the call in the place of the loop."""
    text, clauses = nest.text, _single_turn(nest)
    start, end = nest.statement.span
    stop = line_end(text, end)
    points = _points(nest.writes[0], batch, nest) if clauses is not None else None
    after = text[end:stop].strip()
    shares = isinstance(nest.statement, facts.Evaluate) and not nest.statement.alone
    if clauses is None or points is None or shares or (after and not after.startswith("#")):
        return None
    lines = [*points.metrics, *clauses, *([points.walk] if points.walk else [])]
    lost = [comment for _, comment in comments(text, line_start(text, start), stop) if comment not in "".join(lines)]
    if any(map(is_directive, lost)):
        return None
    sent = batch.send(Display("metrics=[]", tuple(lines), " "), layout)
    return [Edit(start, stop, (layout.newline + layout.indent).join([*lost, *batch.before, sent]))]


# ------------------------------------------------------------------------------------------------- collected
def _collected(nest: Nest, batch: _Batch, layout: Layout) -> list[Edit] | None:
    """Keep the loop, collect its points, send them after it."""
    text, statement = nest.text, nest.statement
    if not isinstance(statement, facts.For) or statement.orelse or returns(statement.body):
        return None
    name = fresh("points", nest.body.place)
    start, stop = line_start(text, statement.span[0]), line_end(text, statement.span[1])
    before = "".join(f"{layout.indent}{line}{layout.newline}" for line in (*batch.before, f"{name} = []"))
    edits = [Edit(start, start, before)]
    for write in nest.writes:
        begin, end = write.site.call.span
        points, inner = _points(write, batch, nest), layout_at(text, begin)
        if points is None or inner is None or comments(text, line_start(text, begin), end):
            return None
        edits.append(Edit(begin, end, _added(name, points, inner)))
    sent = f"{batch.callee}({', '.join([batch.run, f'metrics={name}', *batch.rest])})"
    return [*edits, Edit(stop, stop, f"{layout.newline}{layout.indent}{sent}")]


def _added(name: str, points: _Points, layout: Layout) -> str:
    """The statement that adds points to those collected."""
    many = bool(points.walk) or len(points.metrics) > 1
    before, after = (f"{name} += [", "]") if many else (f"{name}.append(", ")")
    lines = (" ".join((*points.metrics, points.walk)),) if points.walk else points.metrics
    short = f"{before}{', '.join(lines)}{after}"
    inner = layout.indent + layout.step
    if layout.fits(short) or "\n" in short:
        return short
    if points.walk and not layout.fits(lines[0], 1):
        lines = (*points.metrics, points.walk)
    comma = "," if len(points.metrics) > 1 else ""
    return layout.newline.join([before, *(f"{inner}{line}{comma}" for line in lines), f"{layout.indent}{after}"])
