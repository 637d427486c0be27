"""Gather what a loop appends to a table, and log the table once behind the loop.

Invariant: the data must be seen to be a dict of lists or a frame; what is gathered is copied letter for letter. Always
unsafe: rows that were uploaded before a crash are lost with it.
"""

from __future__ import annotations

from mlflow_lint.analysis.artifacts.constancy import assigned_value, is_fixed, turn_of_loop
from mlflow_lint.analysis.artifacts.one_place import RepeatedUpload
from mlflow_lint.analysis.flow.loops import literal_count
from mlflow_lint.analysis.flow.sites import Loop, Run, Site
from mlflow_lint.analysis.names.meaning import Result
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import LONGEST_BLOCK
from mlflow_lint.facts.traverse import argument
from mlflow_lint.findings import Applicability, Edit, Fix
from mlflow_lint.fixes.behind import line_behind, returns, waits
from mlflow_lint.fixes.indenting import shifted
from mlflow_lint.fixes.merge import swallows_errors
from mlflow_lint.fixes.names import Named, fresh, imported
from mlflow_lint.fixes.sink import touches, used_by
from mlflow_lint.fixes.text import indentation, layout_at, line_start, slice_of
from mlflow_lint.record import record

_DICTS = "{{key: [value for row in {name} for value in row[key]] for key in {name}[0]}}"


@record
class _Form:
    """How pieces of data are called, and how they are joined."""

    name: str
    joined: str
    edits: tuple[Edit, ...]


def gather(upload: RepeatedUpload, effects: Effects) -> Fix | None:
    """The fix that logs a table once; None if the data's form is not in sight, or something else may look at it."""
    site = upload.site
    loop = _outermost(upload, effects)
    if loop is None or upload.target.through is not None or not _stays(site, loop, effects):
        return None
    if site.place.scope.is_class:
        return None  # a comprehension does not see the names of the class
    if _others(upload, loop, effects):
        return None
    given = argument(site.call, "data", upload.target.api.parameters.index("data"))
    form = _form(given.value, site, loop, effects) if given is not None else None
    if given is None or form is None:
        return None
    edits = _edits(site, loop, given.span, form)
    if edits is None:
        return None
    return Fix("Gather the rows and log the table once after the loop", (*form.edits, *edits), Applicability.UNSAFE)


def _outermost(upload: RepeatedUpload, effects: Effects) -> Loop | None:
    """The outermost of the loops around it that append to the same table of the same run."""
    found: Loop | None = None
    for frame in reversed(upload.site.frames):
        if isinstance(frame, Run):
            break
        if isinstance(frame, Loop):
            turn = turn_of_loop(frame)
            if not all(is_fixed(part, turn, effects) for part in upload.target.place):
                break
            found = frame
    return found


def _stays(site: Site, loop: Loop, effects: Effects) -> bool:
    """Whether the loop goes on to what stands behind it, and what is gathered is left alone."""
    node, statement = loop.node, site.statement
    if isinstance(node, facts.Clause) or node.orelse or (isinstance(node, facts.For) and node.is_async):
        return False
    if not site.stands_alone or not getattr(statement, "alone", False) or len(node.body) > LONGEST_BLOCK:
        return False
    if returns(node.body) or waits(node.body) or swallows_errors(site.frames):
        return False
    used = used_by(site, effects)
    return not any(touches(later, used, site, effects) for later in site.block[site.index + 1 :])


def _others(upload: RepeatedUpload, loop: Loop, effects: Effects) -> bool:
    """Whether something else in the loop appends to a table, perhaps to the same."""
    for other in effects.sites(upload.body):
        if loop not in other.frames or other.call is upload.site.call:
            continue
        if any(api.name == "log_table" for api in other.apis) or any(
            effect.api.name == "log_table"
            for reached in effects.reached(other.call, other.place)
            for effect in reached.effects
        ):
            return True
    return False


def _form(value: facts.Expression, site: Site, loop: Loop, effects: Effects) -> _Form | None:
    """What the data is: a dict of lists that is written out, or a frame that is made in the turn."""
    if isinstance(value, facts.Name):
        made = assigned_value(value.id, turn_of_loop(loop))
        if made is None:
            return None
        value = made
    if isinstance(value, facts.Mapping):
        keys = [key.value if isinstance(key, facts.Constant) else None for key, _ in value.items]
        if not keys or not all(isinstance(key, str) for key in keys) or len(set(keys)) != len(keys):
            return None
        if not all(_is_list(item) for _, item in value.items):
            return None
        name = fresh("rows", site.place)
        return _Form(name, _DICTS.format(name=name), ())
    made_by = effects.resolver.resolve(value, site.place) if isinstance(value, facts.Call) else None
    if not isinstance(made_by, Result) or made_by.dotted != "pandas.DataFrame":
        return None
    pandas = _pandas(value, site)
    if pandas is None:
        return None
    name = fresh("frames", site.place)
    return _Form(name, f"{pandas[0]}.concat({name}, ignore_index=True)", pandas[1])


def _pandas(made: facts.Expression, site: Site) -> Named | None:
    """How to write the module that made a frame: `pd` of `pd.DataFrame(…)`."""
    match made:
        case facts.Call(facts.Attribute(facts.Name(module))):
            return module, ()
    return imported("pandas", None, site.place)


def _is_list(value: facts.Expression) -> bool:
    match value:
        case facts.Collection("list", items):
            return not any(isinstance(item, facts.Starred) for item in items)
        case facts.Comprehension("list"):
            return True
    return False


def _edits(site: Site, loop: Loop, data: facts.Span, form: _Form) -> tuple[Edit, ...] | None:
    assert not isinstance(loop.node, facts.Clause)
    text = site.place.unit.text
    start, end = site.call.span
    layout = layout_at(text, loop.node.span[0])
    inner = indentation(text, start)
    if layout is None or inner is None:
        return None
    sure = site.block is loop.node.body and site.frames[-1] is loop and bool(literal_count(loop.node))
    guard = "" if sure else f"{layout.indent}if {form.name}:{layout.newline}"
    indent = layout.indent if sure else layout.indent + layout.step
    logged = shifted(f"{inner}{text[start : data[0]]}{form.joined}{text[data[1] : end]}", inner, indent)
    if logged is None:
        return None
    top = line_start(text, loop.node.span[0])
    behind = line_behind(text, loop.node, layout.indent)
    return (
        Edit(top, top, f"{layout.indent}{form.name} = []{layout.newline}"),
        Edit(start, end, f"{form.name}.append({slice_of(text, data)})"),
        Edit(behind, behind, f"{layout.newline}{guard}{logged}"),
    )
