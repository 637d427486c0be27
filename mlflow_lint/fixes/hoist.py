"""Move what a loop repeats in front of it.

Invariant: statements move whole, with their comments, and only within their body; the fix is safe only where the loop
is sure to turn and what is moved is the first thing that it does.
"""

from __future__ import annotations

from mlflow_lint.analysis.flow.loops import literal_count
from mlflow_lint.analysis.flow.sites import Loop, Site
from mlflow_lint.analysis.flow.weight import is_pure
from mlflow_lint.analysis.frequency.constancy import RepeatedParam, differs
from mlflow_lint.analysis.runs.lifecycle import Lifecycle
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.findings import Applicability, Edit, Fix
from mlflow_lint.fixes.indenting import shifted
from mlflow_lint.fixes.text import (
    after_blank_lines,
    after_newline,
    comments_above,
    indentation,
    line_end,
    line_start,
)
from mlflow_lint.source.file import newline_of


def hoist(repeated: RepeatedParam, lifecycle: Lifecycle) -> Fix | None:
    """The fix that writes repeated params once; None if something else would have to move with them."""
    effects = lifecycle.effects
    loops = _loops(repeated, effects)
    if not loops or not all(_moves(site, effects) for site in repeated.sites):
        return None
    block = repeated.site.block
    if len(block) == len(repeated.sites):
        return None  # nothing would be left of the loop
    edits = _edits(repeated, loops[0])
    if edits is None:
        return None
    safe = _is_first(repeated, loops, lifecycle)
    title = "Log it once, before the loop" if len(repeated.sites) == 1 else "Log them once, before the loop"
    return Fix(title, edits, Applicability.SAFE if safe else Applicability.UNSAFE)


def _loops(repeated: RepeatedParam, effects: Effects) -> list[Loop]:
    """The loops to move out of, outermost first: nothing but loops around the calls, and none of them changes them."""
    if repeated.loop is None:
        return []
    found: list[Loop] = []
    for frame in reversed(repeated.site.frames):
        if not isinstance(frame, Loop) or isinstance(frame.node, facts.Clause):
            break
        if any(differs(site.call, frame) for site in repeated.sites):
            break
        found.insert(0, frame)
    return found if repeated.loop in found else []


def _moves(site: Site, effects: Effects) -> bool:
    """Whether a call is a statement of its own that calls MLflow itself."""
    statement = site.statement
    alone = isinstance(statement, facts.Evaluate) and statement.alone and site.stands_alone
    return alone and site.api is not None


# ------------------------------------------------------------------------------------------------------ text
def _edits(repeated: RepeatedParam, outer: Loop) -> tuple[Edit, ...] | None:
    text = repeated.body.unit.text
    assert not isinstance(outer.node, facts.Clause)
    indent = indentation(text, outer.node.span[0])
    if indent is None:
        return None
    newline = newline_of(text)
    moved: list[str] = []
    removed: list[Edit] = []
    for position, site in enumerate(repeated.sites):
        start, end = site.statement.span
        inner, stop = indentation(text, start), line_end(text, end)
        if inner is None:
            return None
        above = comments_above(text, start, inner)
        begin = line_start(text, above[0][0] if above else start)
        placed = shifted(text[begin:stop], inner, indent)
        if placed is None:
            return None
        moved.append(placed + newline)
        stop = after_newline(text, stop)
        removed.append(Edit(begin, after_blank_lines(text, stop) if site.index == position else stop, ""))
    loop_above = comments_above(text, outer.node.span[0], indent)
    place = line_start(text, loop_above[0][0] if loop_above else outer.node.span[0])
    return (Edit(place, place, "".join(moved)), *removed)


# ---------------------------------------------------------------------------------------------------- safety
def _is_first(repeated: RepeatedParam, loops: list[Loop], lifecycle: Lifecycle) -> bool:
    """Whether the calls are sure to be made, in one run, before the loop has done anything else."""
    resolver = lifecycle.effects.resolver
    for loop, inner in zip(loops, (*loops[1:], None), strict=True):
        node = loop.node
        assert not isinstance(node, facts.Clause)
        if isinstance(node, facts.While):
            turns = node.test in (facts.Constant(True), facts.Constant(1))
        else:
            turns = bool(literal_count(node)) and is_pure(node.iterable, loop.place, resolver)
        if not turns or (inner is not None and node.body[0] is not inner.node):
            return False
    if [site.index for site in repeated.sites] != list(range(len(repeated.sites))):
        return False
    states = [lifecycle.state(site, repeated.body) for site in repeated.sites]
    return all(state is not None and state.certain and not state.disturbed for state in states)
