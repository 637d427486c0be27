"""Move calls whose last write is all that is left behind the loop that repeats them.

The last turn decides what is left, so a call moves only if each turn gets to it and nothing after it touches what it
uses. Invariant: the fix is safe only where the loop is sure to turn, runs to its end, and nothing in it could look
into the store; what is moved is copied letter for letter, comments included.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlflow_lint.analysis.flow.loops import literal_count
from mlflow_lint.analysis.flow.sites import Loop, Site
from mlflow_lint.analysis.flow.weight import is_pure, is_quick_call, is_report
from mlflow_lint.analysis.names.meaning import External, plain_api
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import WRITES, Kind
from mlflow_lint.facts.functions import LONGEST_BLOCK, inner_blocks, own_expressions
from mlflow_lint.facts.traverse import calls_in, descend, last_name
from mlflow_lint.findings import Applicability, Edit, Fix
from mlflow_lint.fixes.behind import jumps, line_behind, returns, waits
from mlflow_lint.fixes.indenting import shifted
from mlflow_lint.fixes.merge import bound_by, swallows_errors
from mlflow_lint.fixes.text import (
    after_newline,
    comments,
    comments_above,
    indentation,
    is_directive,
    line_end,
    line_start,
)
from mlflow_lint.source.file import newline_of

_CLEARING = frozenset(["clf", "cla", "clear"])
_BLIND = (
    "numpy.",
    "math.",
    "statistics.",
    "random.",
    "time.",
    "datetime.",
    "json.",
    "os.path.",
    "matplotlib.",
    "torch.",
)
"""Libraries whose functions know nothing of MLflow, and call nothing that they are given."""


def sink(sites: Sequence[Site], loop: Loop, body: Body, effects: Effects) -> Fix | None:
    """The fix that moves calls, each a statement of the loop's own block, behind the loop; None if one cannot move."""
    node = loop.node
    if isinstance(node, facts.Clause) or node.orelse or (isinstance(node, facts.For) and node.is_async):
        return None
    if len(node.body) > LONGEST_BLOCK:
        return None
    if returns(node.body) or waits(node.body) or swallows_errors(loop.around) or len(sites) >= len(node.body):
        return None
    moved = sorted(sites, key=lambda site: site.index)
    if not all(_can_move(site, moved, node, effects) for site in moved):
        return None
    edits = _edits(body.unit.text, moved, node)
    if edits is None:
        return None
    applicability = Applicability.SAFE if _is_safe(moved, loop, body, effects) else Applicability.UNSAFE
    return Fix(f"Move {last_name(moved[0].call.function)} behind the loop", edits, applicability)


# ------------------------------------------------------------------------------------------------ may it move?
def _can_move(site: Site, moved: Sequence[Site], node: facts.For | facts.While, effects: Effects) -> bool:
    """Whether the last turn is sure to get to a call, and leaves alone what it uses."""
    statement = site.statement
    if site.block is not node.body or not site.stands_alone or not getattr(statement, "alone", False):
        return False
    if any(isinstance(part, (facts.Yield, facts.Await, facts.Assigned)) for part in descend(site.call)):
        return False
    if jumps(node.body[: site.index]):
        return False
    others = [later for later in node.body[site.index + 1 :] if not any(later is other.statement for other in moved)]
    used = used_by(site, effects)
    api = site.api
    if api is not None and api.name == "log_figure" and any(_clears(later) for later in others):
        return False
    if isinstance(node, facts.While) and _acts(node.test) and used.intersection(descend(node.test)):
        return False
    return not any(touches(later, used, site, effects) for later in others)


def _acts(test: facts.Expression) -> bool:
    return any(isinstance(node, (facts.Call, facts.Assigned)) for node in descend(test))


def used_by(site: Site, effects: Effects) -> frozenset[facts.Expression]:
    """What a call reads: names and literal texts; libraries stay as they are."""
    found: set[facts.Expression] = set()
    for part in descend(site.call):
        if isinstance(part, facts.Constant) and isinstance(part.value, str):
            found.add(part)
        if isinstance(part, facts.Name):
            meaning = effects.resolver.resolve(part, site.place)
            if not isinstance(meaning, External) or meaning.dotted.startswith("matplotlib"):
                found.add(part)
    return frozenset(found)


def touches(statement: facts.Statement, used: frozenset[facts.Expression], site: Site, effects: Effects) -> bool:
    """Whether a statement may change something that is used: by its name, or through what it is part of."""
    names = {part.id for part in used if isinstance(part, facts.Name)}
    if names & bound_by(statement):
        return True
    if isinstance(statement, facts.Evaluate) and isinstance(statement.value, facts.Call):
        call = statement.value
        api = plain_api(effects.target(call, site.place))
        if (api is not None and api.kind in WRITES) or is_report(call, site.place):
            return not all(is_pure(given.value, site.place, effects.resolver) for given in call.arguments)
    tests = isinstance(statement, (facts.If, facts.While)) and is_pure(statement.test, site.place, effects.resolver)
    if not tests and any(used.intersection(descend(part)) for part in own_expressions(statement)):
        return True
    return any(touches(inner, used, site, effects) for block in inner_blocks(statement) for inner in block)


def _clears(statement: facts.Statement) -> bool:
    own = (call for part in own_expressions(statement) for call in calls_in(part))
    if any(last_name(call.function) in _CLEARING for call in own):
        return True
    return any(_clears(inner) for block in inner_blocks(statement) for inner in block)


# ---------------------------------------------------------------------------------------------------- edits
def _edits(text: str, moved: Sequence[Site], node: facts.For | facts.While) -> tuple[Edit, ...] | None:
    indent = indentation(text, node.span[0])
    if indent is None:
        return None
    behind = line_behind(text, node, indent)
    newline = newline_of(text)
    edits: list[Edit] = []
    pieces: list[str] = []
    for site in moved:
        start, end = site.statement.span
        inner = indentation(text, start)
        stop = line_end(text, end)
        if inner is None or not inner.startswith(indent):
            return None
        above = comments_above(text, start, inner)
        own = comments(text, line_start(text, start), stop)
        if any(is_directive(comment) for _, comment in (*above, *own)):
            return None
        begin = line_start(text, above[0][0] if above else start)
        written = text[begin:stop]
        placed = shifted(written, inner, indent)
        if placed is None:
            return None
        pieces.append(placed)
        edits.append(Edit(begin, after_newline(text, stop), ""))
    last = edits[-1]
    if last.end >= behind:
        start = last.start
        return (*edits[:-1], Edit(start, line_end(text, moved[-1].statement.span[1]), newline.join(pieces)))
    return (*edits, Edit(behind, behind, newline + newline.join(pieces)))


# ---------------------------------------------------------------------------------------------------- safety
def _is_safe(moved: Sequence[Site], loop: Loop, body: Body, effects: Effects) -> bool:
    node = loop.node
    if isinstance(node, facts.Clause) or not literal_count(node) or jumps(node.body):
        return False
    rest = node.body[moved[0].index :]
    if any(not any(statement is site.statement for site in moved) for statement in rest):
        return False
    if not all(is_pure(given.value, site.place, effects.resolver) for site in moved for given in site.call.arguments):
        return False
    calls = {id(site.call) for site in moved}
    return all(
        _is_blind(site, effects) for site in effects.sites(body) if loop in site.frames and id(site.call) not in calls
    )


def _is_blind(site: Site, effects: Effects) -> bool:
    """Whether a call can neither read from the store nor leave the loop."""
    api = site.api
    if api is not None:
        return api.kind in WRITES and api.kind is not Kind.BATCH
    meaning = site.target
    if isinstance(meaning, External) and meaning.dotted.startswith(_BLIND):
        return True
    return is_report(site.call, site.place) or is_quick_call(site.call, site.place, effects.resolver)
