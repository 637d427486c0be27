"""Whether keys are sure to differ: what merging metric points must know.

Two points of one key and step may not be merged, since MLflow picks the latest by step, timestamp and value.
Invariant: `True` is a proof; what cannot be proved is `False`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from mlflow_lint.facts import model as facts
from mlflow_lint.facts.traverse import last_name, names_in

_Part = str | facts.Expression | tuple[facts.Expression, str]


def all_differ(keys: Sequence[facts.Expression]) -> bool:
    """Whether no two of these keys can be equal."""
    parts = [_parts(key) for key in keys]
    literal = [part for part in parts if _text(part) is not None]
    built = [part for part in parts if _text(part) is None]
    if len({_text(part) for part in literal}) < len(literal):
        return False
    return all(_differ(part, other) for i, part in enumerate(built) for other in (*literal, *built[:i]))


def _text(parts: list[_Part]) -> str | None:
    """What a key says that is all literal."""
    words = [part for part in parts if isinstance(part, str)]
    return "".join(words) if len(words) == len(parts) else None


def _parts(key: facts.Expression) -> list[_Part]:
    """A key as a concatenation of literals and expressions."""
    if isinstance(key, facts.Constant) and isinstance(key.value, str):
        return [key.value] if key.value else []
    if isinstance(key, facts.Text):
        return [part if isinstance(part, str) else (part.value, part.format) for part in key.parts]
    if isinstance(key, facts.Operation) and key.operator == "+":
        return [part for operand in key.operands for part in _parts(operand)]
    return [key]


def _differ(left: list[_Part], right: list[_Part]) -> bool:
    """Equal expressions give equal text, so what is left after stripping them decides."""
    left, right = list(left), list(right)
    while left and right and left[0] == right[0]:
        left.pop(0)
        right.pop(0)
    while left and right and left[-1] == right[-1]:
        left.pop()
        right.pop()
    if all(isinstance(part, str) for part in (*left, *right)):
        return "".join(p for p in left if isinstance(p, str)) != "".join(p for p in right if isinstance(p, str))
    # Different literal beginnings, or endings, cannot be made equal by anything in between.
    return _clash(left[:1], right[:1], str.startswith) or _clash(left[-1:], right[-1:], str.endswith)


def _clash(left: list[_Part], right: list[_Part], fits: object) -> bool:
    if not left or not right or not isinstance(left[0], str) or not isinstance(right[0], str):
        return False
    a, b = left[0], right[0]
    if fits is str.startswith:
        return not (a.startswith(b) or b.startswith(a))
    return not (a.endswith(b) or b.endswith(a))


def differ_by_turn(
    key: facts.Expression, target: facts.Expression, iterable: facts.Expression, turn: frozenset[str]
) -> bool:
    """Whether a key is another in each turn of `for target in iterable`; `turn` names what varies by turn."""
    unique = _unique_names(target, iterable)
    varying = [part for part in _parts(key) if not isinstance(part, str) and _names(part) & turn]
    if len(varying) != 1:
        return False
    part = varying[0]
    expression, form = part if isinstance(part, tuple) else (part, "")
    return isinstance(expression, facts.Name) and expression.id in unique and form in ("", "!s")


def _names(part: _Part) -> frozenset[str]:
    if isinstance(part, str):
        return frozenset()
    return names_in(part[0] if isinstance(part, tuple) else part)


def _unique_names(target: facts.Expression, iterable: facts.Expression) -> frozenset[str]:
    """Targets that never hold the same value twice: dict keys, indices, members of a literal without repeats."""
    if isinstance(iterable, facts.Call):
        word = last_name(iterable.function)
        first = target.items[0] if isinstance(target, facts.Collection) and target.items else None
        if word == "items" and isinstance(iterable.function, facts.Attribute) and isinstance(first, facts.Name):
            return frozenset((first.id,))
        if word == "enumerate" and isinstance(iterable.function, facts.Name) and isinstance(first, facts.Name):
            return frozenset((first.id,))
        if word in ("keys", "range") and isinstance(target, facts.Name):
            return frozenset((target.id,))
    if isinstance(target, facts.Name):
        members: tuple[facts.Expression | None, ...] = ()
        if isinstance(iterable, facts.Collection):
            members = iterable.items
        elif isinstance(iterable, facts.Mapping):
            members = tuple(key for key, _ in iterable.items)
        values = [member.value for member in members if isinstance(member, facts.Constant)]
        with suppress(ValueError):  # a number with more digits than Python writes
            if members and len(values) == len(members) == len({str(value) for value in values}):
                return frozenset((target.id,))
    return frozenset()
