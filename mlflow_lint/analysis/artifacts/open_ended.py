"""Loops that hold nobody knows how many files: a glob, a directory listing, a list that a loop has filled.

Invariant: what the code spells out, item by item, is closed; so is a cut of a few.
"""

from __future__ import annotations

from mlflow_lint.analysis.flow.loops import literal_count
from mlflow_lint.analysis.flow.sites import Loop
from mlflow_lint.analysis.names.meaning import FunctionRef, Place
from mlflow_lint.analysis.names.scopes import Item, Value
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.functions import inner_blocks, returned_values
from mlflow_lint.facts.iterables import SAME_ITEMS, unwrapped
from mlflow_lint.facts.traverse import descend, last_name

_DEEPEST = 6
_FEW = 20
_MAGIC = frozenset("*?[")
_ADDING = frozenset("append add insert".split())
_WRAPPERS = SAME_ITEMS | {"enumerate", "zip", "filter"}


def is_listing(effects: Effects, loop: Loop) -> bool:
    """Whether a loop walks files of which nobody knows how many there are."""
    node = loop.node
    if isinstance(node, facts.While) or literal_count(node) is not None:
        return False
    if _is_walked(node.iterable, loop.place):
        return True
    if _finds_one(node.iterable, loop.place):
        return False
    walked = effects.loops.verdict(loop).frequency
    if walked not in (Frequency.PER_FILE, Frequency.UNKNOWN):
        return False
    place = loop.place
    if isinstance(node, facts.Clause) and place.scope.parent is not None:
        place = Place(place.scope.parent, place.receiver)
    grown = _Grown(effects).expression(node.iterable, place, 0)
    return grown is True or (grown is None and walked is Frequency.PER_FILE)


def _is_walked(iterable: facts.Expression, place: Place) -> bool:
    """The `names` of `for root, folders, names in os.walk(…)`."""
    holder = place.scope.holder(iterable.id) if isinstance(iterable, facts.Name) else None
    bindings = holder.bindings[iterable.id] if holder is not None and isinstance(iterable, facts.Name) else []
    return any(isinstance(b, Item) and last_name(b.iterable) == "walk" and b.path == (2,) for b in bindings)


def _finds_one(iterable: facts.Expression, place: Place) -> bool:
    """Whether a glob looks for names that are written out: `for f in folder.glob("results.png")`."""
    iterable = unwrapped(iterable, _WRAPPERS)
    if not isinstance(iterable, facts.Call) or last_name(iterable.function) not in ("glob", "iglob"):
        return False
    patterns = _spelled(iterable.arguments[0].value, place) if iterable.arguments else ()
    return bool(patterns) and all(isinstance(p, str) and not _MAGIC & set(p) for p in patterns)


def _spelled(expression: facts.Expression, place: Place) -> tuple[object, ...]:
    """The constants that an expression can be: itself, or the items of a literal that it goes through."""
    if isinstance(expression, facts.Constant):
        return (expression.value,)
    holder = place.scope.holder(expression.id) if isinstance(expression, facts.Name) else None
    if holder is None or not isinstance(expression, facts.Name):
        return ()
    match holder.bindings[expression.id]:
        case [Item(facts.Collection(_, items), ())]:
            return tuple(item.value if isinstance(item, facts.Constant) else None for item in items)
    return ()


class _Grown:
    """Tells whether a list is filled by loops (True) or written out (False); None where its making is not in sight."""

    def __init__(self, effects: Effects) -> None:
        self.effects = effects

    def expression(self, node: facts.Expression, place: Place, depth: int) -> bool | None:
        if depth > _DEEPEST:
            return None
        match node:
            case facts.Collection(_, items):
                return None if any(isinstance(item, facts.Starred) for item in items) else False
            case facts.Mapping() | facts.Constant():
                return False
            case facts.Subscript(value, index):
                few = [n.value for n in descend(index) if isinstance(n, facts.Constant) and isinstance(n.value, int)]
                cut = isinstance(index, facts.Opaque) and bool(few) and max(few) <= _FEW
                return (
                    False
                    if cut
                    else self.expression(value, place, depth + 1)
                    if isinstance(index, facts.Opaque)
                    else None
                )
            case facts.Name(name):
                return self.name(name, place, depth + 1)
            case facts.Call(function, arguments):
                word = last_name(function)
                if word in _WRAPPERS and arguments:
                    return self.expression(arguments[-1 if word == "filter" else 0].value, place, depth + 1)
                return self.returned(node, place, depth + 1)
        return None

    def name(self, name: str, place: Place, depth: int) -> bool | None:
        holder = place.scope.holder(name)
        if holder is None or isinstance(holder.owner, facts.Comprehension):
            return None
        values = [binding.expression for binding in holder.bindings[name] if isinstance(binding, Value)]
        # An `x += …` is a binding of its own, which is not followed.
        if not values or any(isinstance(b, facts.Parameter) for b in holder.bindings[name]):
            return None
        if all(_is_empty(value) for value in values):
            return _filled(holder.owner.body, name, False)
        found = [self.expression(value, Place(holder, place.receiver), depth) for value in values]
        if all(grown is False for grown in found):
            return _filled(holder.owner.body, name, False) or False
        return True if True in found else None

    def returned(self, call: facts.Call, place: Place, depth: int) -> bool | None:
        function = self.effects.target(call, place)
        if not isinstance(function, FunctionRef):
            return None
        inside = Place(function.scope, function.receiver)
        found = {self.expression(value, inside, depth) for value in returned_values(function.definition.body)}
        return found.pop() if len(found) == 1 else None


def _is_empty(value: facts.Expression) -> bool:
    match value:
        case facts.Collection("list" | "set", ()):
            return True
        case facts.Call(facts.Name("list" | "set"), ()):
            return True
    return False


def _filled(block: facts.Block, name: str, repeated: bool) -> bool | None:
    """Whether a list is added to in loops; False if only item by item outside them, None if by something else."""
    found: bool | None = False
    for statement in block:
        match statement:
            case facts.Evaluate(facts.Call(facts.Attribute(facts.Name(owner), word))) if owner == name:
                if word in _ADDING and repeated:
                    return True
                if word == "extend":
                    found = None
            case facts.Update(facts.Name(owner)) if owner == name:
                found = None
        inside = repeated or isinstance(statement, (facts.For, facts.While))
        for inner in inner_blocks(statement):
            deeper = _filled(inner, name, inside)
            if deeper:
                return True
            found = None if deeper is None else found
    return found
