"""Collect the metrics of a hot loop and send them together: a list before the loop, `log_batch` per 500 points.

What is left is sent in a `finally`, however the loop ends. That is a `try` around the loop rather than an `ExitStack`
or a helper of our own: both would need the same block and hide when points are sent. Invariant: each point keeps its
key, value, step and run; values become numbers where they stood, so that what changes later does not change them.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.batching.rows import Write
from mlflow_lint.analysis.flow.counters import is_step, says_step
from mlflow_lint.analysis.flow.sites import Attempt, Rescue
from mlflow_lint.analysis.flow.throttles import assigned_names
from mlflow_lint.analysis.flow.weight import is_pure
from mlflow_lint.analysis.frequency.constancy import changing_attributes, changing_names
from mlflow_lint.analysis.frequency.hot_loops import HotLoop
from mlflow_lint.analysis.names.meaning import Place
from mlflow_lint.analysis.names.scopes import Binding, Item, Unknown, Value
from mlflow_lint.analysis.runs.lifecycle import Lifecycle
from mlflow_lint.analysis.runs.run_state import How, OpenRun
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import WRITES, Kind
from mlflow_lint.facts.traverse import descend, names_in
from mlflow_lint.findings import Applicability, Edit, Fix
from mlflow_lint.fixes.edits import applied, arranged
from mlflow_lint.fixes.indenting import indented
from mlflow_lint.fixes.names import Named, fresh, imported, member, sibling
from mlflow_lint.fixes.text import Layout, comments, indentation, layout_at, line_end, line_start, slice_of
from mlflow_lint.record import entity, record

ENOUGH = 500
"""Points to send together: half of what a request takes (`MAX_METRICS_PER_BATCH`), so that many keys a turn fit too."""

_MOST_BLOCKS = 50
"""A loop that logs in more places was written by a program, and each finding would carry the whole of it."""

_OPTIONS = {"run_id", "step", "timestamp", "synchronous"}
_SIMPLE = (facts.Name, facts.Attribute, facts.Call, facts.Subscript, facts.Mapping)
_ARITHMETIC = ("+", "-", "*", "/", "//", "%", "**")
_NUMBERS = ("float", "int", "len", "round")


@record
class _Words:
    """How the new code writes what it needs."""

    points: str
    metric: str
    clock: str
    callee: str
    """What sends the points."""
    run: str

    def send(self, layout: Layout) -> str:
        """The call that sends the points, to be indented by `layout`."""
        return _fitted(f"{self.callee}(", [f"{self.run}, metrics={self.points}"], ")", layout)


@entity
class Buffered:
    """The fix of a loop, and which of its blocks it is for."""

    fix: Fix
    blocks: tuple[tuple[Write, ...], ...]


def buffered(hot: HotLoop, lifecycle: Lifecycle) -> Buffered | None:
    """The fix that sends the metrics of a hot loop together; None if it cannot be written without a loss."""
    effects = lifecycle.effects
    if len(hot.blocks) > _MOST_BLOCKS:
        return None
    if isinstance(hot.statement, facts.For) and hot.statement.is_async:
        return None
    if hot.body.function is not None and hot.body.function.definition.is_generator:
        return None  # what comes after the loop may come late, or never
    if _touches_runs(hot, effects):
        return None
    chosen = tuple(block for block in hot.blocks if _is_convertible(block, hot, effects))
    writes = [write for block in chosen for write in block]
    if len({_target(write) for write in writes}) != 1:
        return None
    layout = layout_at(hot.text, hot.statement.span[0])
    named = _words(hot, writes, lifecycle)
    if layout is None or named is None:
        return None
    words, imports = named
    region = _region(hot, layout)
    edits = list(_edits(chosen, words, layout, hot.text))
    inside = indented(applied(hot.text, region, edits), layout.step)
    if inside is None:
        return None
    indent, step = layout.indent, layout.step
    last = layout.at(indent + step * 2)
    lines = [f"{indent}{words.points} = []", f"{indent}try:", inside, f"{indent}finally:"]
    lines += [f"{indent}{step}if {words.points}:", f"{last.indent}{words.send(last)}"]
    title = f"Collect the points and send them with log_batch, {ENOUGH} at a time"
    edit = Edit(*region, layout.newline.join(lines))
    return Buffered(Fix(title, arranged((*imports, edit)), Applicability.UNSAFE), chosen)


def _touches_runs(hot: HotLoop, effects: Effects) -> bool:
    """Whether the loop may open or end a run, or ask for what it has logged."""
    for site in effects.sites(hot.body):
        if hot.outer not in site.frames:
            continue
        if any(api.kind not in WRITES for api in site.apis):
            return True
        inside = (effect.api.kind for one in effects.reached(site.call, site.place) for effect in one.effects)
        if any(kind in (Kind.RUN, Kind.END) for kind in inside):
            return True
    return False


# ---------------------------------------------------------------------------------------------- what can be sent
def _is_convertible(block: tuple[Write, ...], hot: HotLoop, effects: Effects) -> bool:
    return all(_is_point(write, hot, effects) for write in block)


def _is_point(write: Write, hot: HotLoop, effects: Effects) -> bool:
    site, others = write.site, write.others
    inside = site.frames[site.frames.index(hot.outer) + 1 :]
    if any(isinstance(frame, (Attempt, Rescue)) for frame in inside):
        return False  # an error of the tracking server would no longer be caught
    if set(others) - _OPTIONS or others.get("synchronous", facts.Constant(True)) != facts.Constant(True):
        return False
    if isinstance(others.get("timestamp"), (facts.Name, facts.Attribute)):
        return False  # it may be None, which MLflow takes for now
    entries = {"metrics"} if write.api.plural else {"key", "value"}
    if not entries <= set(write.arguments) or {"params", "tags"} & set(write.arguments):
        return False
    shared = [others[name] for name in ("step", "timestamp") if name in others]
    if write.api.plural and not all(is_pure(value, site.place, effects.resolver) for value in shared):
        return False  # it would be evaluated for each key
    return _stays(write, hot) and _is_line(write, hot.text)


def _stays(write: Write, hot: HotLoop) -> bool:
    """Whether each turn writes to the same run, by the same client."""
    function = write.site.call.function
    if write.api.client and "run_id" not in write.others:
        return False
    others = write.others
    steering = [others["run_id"]] if "run_id" in others else []
    steering += [function] if write.api.client else []
    changing = changing_names(hot.outer)
    kept = changing_attributes(hot.outer)
    for expression in steering:
        if names_in(expression) & changing or any(node in kept for node in descend(expression)):
            return False
    return not any(isinstance(node, facts.Call) for expression in steering for node in descend(expression))


def _is_line(write: Write, text: str) -> bool:
    """Whether a write has its lines for itself, with no comment that would be lost."""
    statement = write.site.statement
    start, end = statement.span
    alone = indentation(text, start) is not None and getattr(statement, "alone", True)
    kept_text = "".join(slice_of(text, given.span) for given in write.arguments.values())
    lost = [
        comment
        for offset, comment in comments(text, line_start(text, start), line_end(text, end))
        if start <= offset < end and comment not in kept_text
    ]
    return alone and not lost


def _target(write: Write) -> tuple[bool, facts.Expression | None, facts.Expression | None]:
    """Where a write goes; equal for those that one call can send."""
    function = write.site.call.function
    receiver = function.value if write.api.client and isinstance(function, facts.Attribute) else None
    return write.api.client, receiver, write.others.get("run_id")


# ------------------------------------------------------------------------------------------------------- words
def _words(hot: HotLoop, writes: list[Write], lifecycle: Lifecycle) -> tuple[_Words, tuple[Edit, ...]] | None:
    resolver = lifecycle.effects.resolver
    place = hot.body.place
    first = writes[0]
    metric = member("entities.Metric", place, resolver)
    clock = _clock(place)
    callee: Named | None
    if first.api.client:
        callee = sibling(first.site.call, first.api, "log_batch", first.site.place, resolver)
    else:
        client = member("MlflowClient", place, resolver)
        callee = (f"{client[0]}().log_batch", client[1]) if client is not None else None
    run = _run(hot, writes, lifecycle)
    if metric is None or clock is None or callee is None or run is None:
        return None
    points = fresh("points", place)
    return _Words(points, metric[0], clock[0], callee[0], run[0]), (*metric[1], *clock[1], *callee[1], *run[1])


def _clock(place: Place) -> Named | None:
    module = imported("time", None, place)
    if module is not None:
        return f"int({module[0]}.time() * 1000)", module[1]
    function = imported("time", "time", place)
    return (f"int({function[0]}() * 1000)", function[1]) if function is not None else None


def _run(hot: HotLoop, writes: list[Write], lifecycle: Lifecycle) -> Named | None:
    """The id of the run that the points go to; where none may be open, MLflow opens one, as `log_metric` does."""
    place, resolver = hot.body.place, lifecycle.effects.resolver
    given = writes[0].arguments.get("run_id")
    if given is not None and "run_id" in writes[0].others:
        return slice_of(hot.text, given.span), ()
    opened = lifecycle.opened_before(writes[0].site, hot.body, hot.statement.span[0])
    if opened is not None and _still_means(opened, hot):
        return f"{opened.name}.info.run_id", ()
    active = member("active_run", place, resolver)
    if active is None or opened is not None:
        return (f"{active[0]}().info.run_id", active[1]) if active is not None else None
    start = member("start_run", place, resolver)
    if start is None:
        return None
    return f"({active[0]}() or {start[0]}()).info.run_id", (*active[1], *start[1])


def _still_means(run: OpenRun, hot: HotLoop) -> bool:
    """Whether the name of a run, if it has one, is still its name at the loop."""
    statement = run.site.statement
    if run.name is None or run.how is not How.WITH or not isinstance(statement, facts.With):
        return False
    return run.name not in assigned_names(statement.body)


# --------------------------------------------------------------------------------------------------------- text
def _region(hot: HotLoop, layout: Layout) -> tuple[int, int]:
    """The lines of the loop, comments at its end that are indented as its body is included."""
    text = hot.text
    start, end = line_start(text, hot.statement.span[0]), line_end(text, hot.statement.span[1])
    position = end
    while position < len(text):
        begin = position + (2 if text.startswith("\r\n", position) else 1)
        position = line_end(text, begin)
        line = text[begin:position]
        if line.strip():
            if not line.lstrip().startswith("#") or not line.startswith(layout.indent + layout.step):
                break
            end = position
    return start, end


def _edits(blocks: tuple[tuple[Write, ...], ...], words: _Words, layout: Layout, text: str) -> Iterator[Edit]:
    """The writes as points, and after the last of each block the test whether there are enough of them."""
    for block in blocks:
        for write in block:
            start, end = write.site.statement.span
            here = layout.at(indentation(text, start) or "")
            yield Edit(start, end, _collected(write, words, here))
        inner = layout.at(here.indent + layout.step)
        lines = [f"{here.indent}if len({words.points}) >= {ENOUGH}:", f"{inner.indent}{words.send(inner)}"]
        lines += [f"{inner.indent}{words.points}.clear()"]
        stop = line_end(text, end)
        yield Edit(stop, stop, "".join(f"{layout.newline}{line}" for line in lines))


def _collected(write: Write, words: _Words, layout: Layout) -> str:
    """The statement that keeps the points of a write."""
    text = write.site.place.unit.text
    if write.api.kind is Kind.BATCH:
        return f"{words.points}.extend({slice_of(text, write.arguments['metrics'].span)})"
    stamp = slice_of(text, write.arguments["timestamp"].span) if "timestamp" in write.others else words.clock
    step = _step(write, text)
    if not write.api.plural:
        key, value = (slice_of(text, write.arguments[name].span) for name in ("key", "value"))
        number = value if _is_number(write.arguments["value"].value, write.site.place) else f"float({value})"
        point = _point(words.metric, (key, number, stamp, step), layout)
        return _fitted(f"{words.points}.append(", [point], ")", layout)
    given = write.arguments["metrics"]
    used = names_in(write.others.get("step", facts.Constant(0))) | names_in(
        write.others.get("timestamp", facts.Constant(0))
    )
    key = next(name for name in ("key", "name", "metric_key") if name not in used)
    value = next(name for name in ("value", "number", "metric_value") if name not in used)
    entries = slice_of(text, given.span)
    entries = entries if isinstance(given.value, _SIMPLE) else f"({entries})"
    point = _point(words.metric, (key, f"float({value})", stamp, step), layout)
    return _fitted(f"{words.points} += [", [point, f"for {key}, {value} in {entries}.items()"], "]", layout)


def _fitted(opening: str, parts: list[str], closing: str, layout: Layout) -> str:
    """A statement on one line, if it fits there one level further in, else with a line for each part."""
    short = f"{opening}{' '.join(parts)}{closing}"
    if layout.fits(short, 1):
        return short
    lines = [opening, *(f"{layout.indent}{layout.step}{part}" for part in parts), f"{layout.indent}{closing}"]
    return layout.newline.join(lines)


def _point(metric: str, arguments: tuple[str, ...], layout: Layout) -> str:
    """A point, within a statement: on one line if it fits, else with a line for each argument."""
    short = f"{metric}({', '.join(arguments)})"
    if layout.fits(short, 2):
        return short
    inner = f"{layout.indent}{layout.step}"
    lines = [f"{metric}(", *(f"{inner}{layout.step}{argument}," for argument in arguments), f"{inner})"]
    return layout.newline.join(lines)


def _step(write: Write, text: str) -> str:
    """The step of a point, which is never None."""
    expression = write.others.get("step")
    if expression is None:
        return "0"
    source = slice_of(text, write.arguments["step"].span)
    if _never_none(expression, write.site.place):
        return source
    return f"{source} or 0" if isinstance(expression, _SIMPLE) else f"({source}) or 0"


def _never_none(expression: facts.Expression, place: Place) -> bool:
    match expression:
        case facts.Constant():
            return True
        case facts.Operation(operator):
            return operator in _ARITHMETIC
        case facts.Call(facts.Name("int" | "len" | "round" as name)):
            return place.scope.holder(name) is None
        case facts.Name(name):
            holder = place.scope.holder(name)
            bindings = holder.bindings[name] if holder is not None else []
            return bool(bindings) and all(_binds_step(binding, expression, place) for binding in bindings)
    return False


def _binds_step(binding: Binding, name: facts.Name, place: Place) -> bool:
    """Whether a binding gives a name a step and not None: counting it up, a loop, a sum."""
    match binding:
        case Unknown():
            return True
        case Value(value):
            return not isinstance(value, facts.Name) and value != facts.Constant(None) and _never_none(value, place)
        case facts.Parameter():
            return binding.default is None and says_step(name.id)
    return isinstance(binding, Item) and is_step(name, place)


def _is_number(expression: facts.Expression, place: Place) -> bool:
    """Whether a value is a plain number already, which nothing can change."""
    match expression:
        case facts.Constant():
            return True
        case facts.Call(facts.Name(name)):
            return name in _NUMBERS and place.scope.holder(name) is None
        case facts.Call(facts.Attribute(_, "item")):
            return True
    return False
