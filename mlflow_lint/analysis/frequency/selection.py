"""Whether something chooses the turns in which a model is logged: "best so far", every n-th, the last.

What throttles a metric throttles a model too; beyond that, a comparison with what changes from turn to turn chooses,
and so may a predicate that is not known. Invariant: a switch, a rank check or a test for None chooses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from mlflow_lint.analysis.flow.sites import Frame, Guard, Loop
from mlflow_lint.analysis.frequency.constancy import changing_names
from mlflow_lint.analysis.names.meaning import Place
from mlflow_lint.analysis.names.scopes import Imported, Value
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import inner_blocks
from mlflow_lint.facts.traverse import descend, last_name, names_in
from mlflow_lint.regex import regex

_DEEPEST = 5
_CHOICE = regex(r"best|improv|better|should|(^|_)(due|last|final|milestones?|now)(_|$)|save_\w*(epoch|step|iter)", re.I)
_SWITCH = regex(r"rank|process|worker|device|world|mode|phase|split|backend|framework|flavor|type|name", re.I)
_PLAIN = frozenset(
    "isinstance hasattr getattr callable len int bool str any all is_main_process active_run get".split()
)
_ORDERED = frozenset(["<", ">", "<=", ">="])


def is_selected(effects: Effects, frames: Sequence[Frame], loop: Loop | None) -> bool:
    """Whether something among `frames`, which stand inside the loop, chooses the turns that get through."""
    if effects.throttles.between(frames, loop):
        return True
    return any(
        isinstance(frame, Guard)
        and _chooses(frame.test, frame.place, loop, 0)
        and not (loop is not None and _only_ends(loop, frame))
        for frame in frames
    )


@lru_cache(maxsize=256)  # asked of each call behind the test, and both are told apart by identity
def _only_ends(loop: Loop, guard: Guard) -> bool:
    """`if patience > 10: break` ends the loop and chooses none of its turns."""
    return not guard.holds and not isinstance(loop.node, facts.Clause) and _ends(loop.node.body, guard.test)


def _ends(block: facts.Block, test: facts.Expression) -> bool:
    for statement in block:
        if isinstance(statement, facts.If) and statement.test is test:
            last = statement.body[-1]
            return isinstance(last, facts.Leave) and last.kind != "continue"
        if any(_ends(inner, test) for inner in inner_blocks(statement)):
            return True
    return False


def _chooses(test: facts.Expression, place: Place, loop: Loop | None, depth: int) -> bool:
    if depth > _DEEPEST:
        return False
    match test:
        case facts.Operation("not" | "and" | "or", operands):
            return any(_chooses(operand, place, loop, depth + 1) for operand in operands)
        case facts.Comparison((operator,), (left, right)):
            return _compares(operator, left, right, loop)
        case facts.Comparison():
            return True
        case facts.Name(name):
            holder = place.scope.holder(name)
            values = [b.expression for b in holder.bindings[name] if isinstance(b, Value)] if holder else []
            stored = any(_chooses(value, place, loop, depth + 1) for value in values)
            return stored or bool(_CHOICE.search(name))
        case facts.Attribute() | facts.Subscript():
            return bool(_CHOICE.search(last_name(test)))
        case facts.Call(function):
            return _known_as(function, place) not in _PLAIN
        case facts.Assigned(_, value):
            return _chooses(value, place, loop, depth + 1)
    return False


def _known_as(function: facts.Expression, place: Place) -> str:
    """The last name of what is called; an import's own, whatever the file calls it."""
    name = last_name(function)
    if isinstance(function, facts.Name) and (holder := place.scope.holder(name)) is not None:
        for binding in holder.bindings[name]:
            if isinstance(binding, Imported):
                return binding.name.attribute or name
    return name


def _compares(operator: str, left: facts.Expression, right: facts.Expression, loop: Loop | None) -> bool:
    """Whether a comparison comes out differently from turn to turn; that of a remainder is a throttle or nothing."""
    nodes = [*descend(left), *descend(right)]
    if any(isinstance(node, facts.Operation) and node.operator == "%" for node in nodes):
        return False
    if operator in ("is", "is not") or any(_SWITCH.search(last_name(side)) for side in (left, right)):
        return False
    if operator not in _ORDERED and any(
        isinstance(c, facts.Constant) and isinstance(c.value, str) for c in (left, right)
    ):
        return False
    if loop is None or any(isinstance(node, (facts.Attribute, facts.Call, facts.Subscript)) for node in nodes):
        return True
    return bool((names_in(left) | names_in(right)) & changing_names(loop))
