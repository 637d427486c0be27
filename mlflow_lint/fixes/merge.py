"""Merge a row of writes into one call.

The merged call stands where the last one stood, so that everything between the calls still runs before it. Invariant:
the fix is safe only when the order of evaluation and the stored points cannot tell the difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlflow_lint.analysis.batching.rows import Row, Write
from mlflow_lint.analysis.flow.sites import Attempt, Frame, Loop, Run, Site
from mlflow_lint.analysis.flow.throttles import assigned_names
from mlflow_lint.analysis.flow.weight import is_pure, is_report
from mlflow_lint.analysis.names.meaning import plain_api
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import WRITES, Kind
from mlflow_lint.facts.traverse import last_name, names_in
from mlflow_lint.findings import Applicability, Edit, Fix
from mlflow_lint.fixes.entries import Plural, entries, evaluated, keys_of, plural_call, plural_of
from mlflow_lint.fixes.keys import all_differ
from mlflow_lint.fixes.text import (
    after_blank_lines,
    after_newline,
    comments,
    comments_above,
    indentation,
    is_apart,
    is_directive,
    layout_at,
    line_end,
    line_start,
    slice_of,
)
from mlflow_lint.project.modules import Unit
from mlflow_lint.project.target import Target

_MODEL_CALLS = ("log_model", "autolog", "set_active_model")


def merge(row: Row, effects: Effects, target: Target) -> Fix | None:
    """The fix that makes one call of a row; None if it cannot be written without losing something."""
    last = row.writes[-1]
    plural = plural_of(last, effects.resolver, target)
    if plural is None or not all(_alone(write) for write in row.writes):
        return None
    layout = _layout(row, plural)
    if layout is None:
        return None
    applicability = Applicability.SAFE if _is_safe(row, effects) else Applicability.UNSAFE
    title = f"Merge the {len(row.writes)} calls into one {plural.callee.rpartition('.')[2]}"
    return Fix(title, (*plural.edits, *layout), applicability)


def _alone(write: Write) -> bool:
    statement = write.site.statement
    return isinstance(statement, facts.Evaluate) and statement.alone


# ---------------------------------------------------------------------------------------------------- layout
def _layout(row: Row, plural: Plural) -> list[Edit] | None:
    """Edits that take the earlier calls away and write the merged one, comments carried along."""
    text = row.body.unit.text
    first, last = row.writes[0], row.writes[-1]
    layout = layout_at(text, first.site.statement.span[0])
    if layout is None:
        return None
    indent = layout.indent
    inner = indent + 2 * layout.step
    whole = line_start(text, first.site.statement.span[0]), line_end(text, last.site.statement.span[1])
    pieces: list[str] = []
    edits: list[Edit] = []
    carried = 0
    apart = False
    for write in row.writes:
        start, end = write.site.statement.span
        found = entries(write, plural, inner)
        if found is None or indentation(text, start) != indent:
            return None
        stop = line_end(text, end)
        above = [] if write is first else comments_above(text, start, indent)
        own = comments(text, line_start(text, start), stop)
        kept = [slice_of(text, given.span) for given in write.arguments.values()]
        if any(offset < end and not any(comment in part for part in kept) for offset, comment in own):
            return None
        if any(is_directive(comment) for _, comment in (*above, *own)):
            return None
        trailing = [comment for offset, comment in own if offset >= end]
        carried += len(above) + len(own)
        pieces += [comment for _, comment in above]
        if trailing:
            found = [*found[:-1], f"{found[-1]}  {trailing[0]}"] if found else trailing
        pieces += found
        begin = above[0][0] if above else start
        if write is last:
            edits.append(Edit(begin, stop, ""))
        else:
            begin, stop = line_start(text, begin), after_newline(text, stop)
            if not (edits and edits[-1].end == begin):
                apart = write.index == 0 or is_apart(text, begin)
            # Of the blank lines before and after what is taken away, those before stay.
            edits.append(Edit(begin, after_blank_lines(text, stop) if apart else stop, ""))
    merged = plural_call(plural, pieces, ", ", layout)
    if row.adjacent and carried == len(comments(text, *whole)):
        # Nothing but blank lines stands between the calls, and they go with them.
        return [Edit(first.site.statement.span[0], edits[-1].end, merged)]
    return [*edits[:-1], Edit(edits[-1].start, edits[-1].end, merged)]


# ---------------------------------------------------------------------------------------------------- safety
def _is_safe(row: Row, effects: Effects) -> bool:
    return (
        _keys_are_safe(row)
        and _values_are_safe(row, effects)
        and _between_is_safe(row, effects)
        and not swallows_errors(row.frames)
        and (row.kind is not Kind.METRIC or row.writes[0].api.client or at_most_one_model(row.body, effects))
    )


def swallows_errors(frames: Sequence[Frame]) -> bool:
    """Whether an error is caught around here and the program goes on.

    One call of many entries writes nothing when one of them is wrong; calls one by one write those before it.
    """
    for frame in frames:
        if isinstance(frame, Attempt) and not (
            isinstance(frame.node, facts.Try) and all(_raises(handler.body) for handler in frame.node.handlers)
        ):
            return True
    return False


def _raises(block: facts.Block) -> bool:
    return bool(block) and isinstance(block[-1], facts.Leave) and block[-1].kind == "raise"


def _keys_are_safe(row: Row) -> bool:
    """Fluent params and tags may repeat a key: MLflow raises on a changed param, and the last tag wins either way."""
    if row.kind is Kind.METRIC or (row.kind is Kind.PARAM and row.writes[0].api.client):
        keys = keys_of(row.writes)
        return keys is not None and all_differ(keys)
    return True


def _values_are_safe(row: Row, effects: Effects) -> bool:
    """What is evaluated later than before must not see or change anything.

    The first key and value of adjacent calls are evaluated exactly when they were, if they stand in that order.
    """
    for position, write in enumerate(row.writes):
        if position == 0 and row.adjacent and in_order(write):
            continue
        if not all(is_pure(value, write.site.place, effects.resolver) for value in evaluated(write)):
            return False
    return True


def in_order(write: Write) -> bool:
    """Whether a call names its key before its value, as a dict does."""
    key, value = write.arguments.get("key"), write.arguments.get("value")
    return key is None or value is None or key.span < value.span


def _between_is_safe(row: Row, effects: Effects) -> bool:
    """Statements between the calls must not change what the moved calls read, nor look at the run."""
    written = {write.index: write for write in row.writes}
    moved: set[str] = set()
    for index in range(row.writes[0].index, row.writes[-1].index):
        if index in written:
            moved.update(*(names_in(expression) for expression in evaluated(written[index])))
        elif not _stays_out(row.block[index], row, effects) or moved & bound_by(row.block[index]):
            return False
    return True


def _stays_out(statement: facts.Statement, row: Row, effects: Effects) -> bool:
    """Whether a statement neither changes an object that others may know by another name nor looks at the run."""
    place, resolver = row.body.place, effects.resolver
    match statement:
        case facts.Evaluate(facts.Call() as call):
            api = plain_api(effects.target(call, place))
            apart = api is not None and api.kind in WRITES and api.kind not in (row.kind, Kind.BATCH)
            return (apart or is_report(call, place)) and all(
                is_pure(given.value, place, resolver) for given in call.arguments
            )
        case facts.Assign(targets, value):
            return all(map(is_name, targets)) and (value is None or is_pure(value, place, resolver))
        case facts.Evaluate(value):
            return is_pure(value, place, resolver)
    return isinstance(statement, facts.Import)


def is_name(target: facts.Expression) -> bool:
    """Whether an assignment binds names and changes no object."""
    if isinstance(target, facts.Collection):
        return all(is_name(item) for item in target.items)
    return isinstance(target, facts.Name) or (isinstance(target, facts.Starred) and is_name(target.value))


def bound_by(statement: facts.Statement) -> frozenset[str]:
    """Names that a statement binds."""
    if isinstance(statement, facts.Import):
        return frozenset(name.local for name in statement.names)
    return assigned_names((statement,))


def at_most_one_model(body: Body, effects: Effects) -> bool:
    """Whether the file logs at most one model a run.

    `log_metric` feeds the first model of the run at that step, `log_metrics` all of them, so with two the store can
    tell the forms apart (`mlflow/tracking/fluent.py`, `_get_model_ids_for_new_metric_if_exist`).
    """
    models = effects.once(_models, body.unit)
    return len(models) < 2 and not any(map(_is_repeated, models))


def _models(effects: Effects, unit: Unit) -> Iterator[Site]:
    """The calls of a file that log a model, or that decide to which one metrics go."""
    if any(word in unit.text for word in _MODEL_CALLS):
        for body in effects.bodies(unit):
            yield from (site for site in effects.sites(body) if last_name(site.call.function) in _MODEL_CALLS)


def _is_repeated(site: Site) -> bool:
    """Whether a call logs several models in one run."""
    around = [frame for frame in site.frames if isinstance(frame, (Loop, Run))]
    return last_name(site.call.function) == "log_model" and bool(around) and isinstance(around[-1], Loop)
