"""What a key says: the parts of a text that stand in the code, and those that are only known when it runs.

Literals, f-strings, `+`, `%` and `.format` are put together, and names that are bound once are looked up. Invariant:
nothing is evaluated but text; what is not in sight is a hole, never a guess.
"""

from __future__ import annotations

import re
from string import Formatter
from typing import TypeAlias

from mlflow_lint.analysis.names.meaning import ClassRef, Instance, Place
from mlflow_lint.analysis.names.scopes import Value
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.traverse import argument, last_name
from mlflow_lint.record import record
from mlflow_lint.regex import regex

_DEPTH = 12
_DIRECTIVE = regex(r"%(?:\((?P<name>\w+)\))?[#0\- +]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?P<kind>[%a-zA-Z])")
_LONGEST_NUMBER = 10**100


@record
class Hole:
    """A part of a text that is only known when the code runs."""

    value: facts.Expression
    place: Place


Parts: TypeAlias = "tuple[str | Hole, ...]"
"""A text in order; no two strings follow one another, and none is empty."""


def parts_of(expression: facts.Expression, place: Place, effects: Effects) -> Parts:
    """The text that an expression gives, as far as it is in sight; one hole for what is no text at all."""
    return _Reader(effects).parts(expression, place, 0)


def constant_text(parts: Parts) -> str | None:
    """The whole text, if all of it is in sight."""
    if not parts:
        return ""
    return parts[0] if len(parts) == 1 and isinstance(parts[0], str) else None


def bound_once(name: str, place: Place) -> tuple[facts.Expression, Place] | None:
    """The one value that a name is bound to, and where that stands."""
    holder = place.scope.holder(name)
    bindings = holder.bindings[name] if holder is not None else []
    if holder is None or len(bindings) != 1:
        return None
    (binding,) = bindings
    if not isinstance(binding, Value) or binding.unpacked or binding.fallback:
        return None
    return binding.expression, Place(holder, place.receiver)


def _joined(parts: list[str | Hole]) -> Parts:
    found: list[str | Hole] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    return tuple(found)


class _Reader:
    def __init__(self, effects: Effects) -> None:
        self.effects = effects

    def parts(self, node: facts.Expression, place: Place, depth: int) -> Parts:
        hole: Parts = (Hole(node, place),)
        if depth > _DEPTH:
            return hole
        match node:
            case facts.Constant(str() as value):
                return _joined([value])
            case facts.Text(parts):
                return _joined([p for part in parts for p in self.part(part, place, depth + 1)])
            case facts.Operation("+", operands):
                found = [self.parts(operand, place, depth + 1) for operand in operands]
                if any(self.is_text(o, p) for o, p in zip(operands, found, strict=True)):
                    return _joined([part for each in found for part in each])
            case facts.Operation("%", (left, right)):
                form = constant_text(self.parts(left, place, depth + 1))
                return self.formatted(form, right, place, depth + 1) or hole if form is not None else hole
            case facts.Call(facts.Attribute(value, "format")):
                form = constant_text(self.parts(value, place, depth + 1))
                return self.filled(form, node, place, depth + 1) or hole if form is not None else hole
            case facts.Call(facts.Name("str"), (facts.Argument(value, None, ""),)):
                return self.inserted(value, place, depth + 1)
            case facts.Name(name):
                bound = bound_once(name, place)
                found_parts = self.parts(*bound, depth + 1) if bound is not None else ()
                if bound is not None and self.is_text(bound[0], found_parts):
                    return found_parts
            case facts.Attribute(owner, name):
                of = self.effects.resolver.resolve(owner, place)
                kept = of.type if isinstance(of, Instance) else of
                settings = self.effects.resolver.classes.assignments(kept, name) if isinstance(kept, ClassRef) else []
                if len(settings) == 1 and isinstance(settings[0][0], facts.Constant):
                    return self.parts(settings[0][0], settings[0][2], depth + 1)
        return hole

    @staticmethod
    def is_text(node: facts.Expression, parts: Parts) -> bool:
        """Whether an expression is a text: some of it is in sight, or its form says so."""
        return isinstance(node, (facts.Text, facts.Constant)) or any(isinstance(part, str) for part in parts)

    def part(self, part: str | facts.Interpolation, place: Place, depth: int) -> Parts:
        if isinstance(part, str):
            return (part,)
        return self.inserted(part.value, place, depth) if not part.format else (Hole(part.value, place),)

    def inserted(self, node: facts.Expression, place: Place, depth: int) -> Parts:
        """A value as `str` writes it."""
        if isinstance(node, facts.Constant) and not isinstance(node.value, str):
            short = not isinstance(node.value, int) or abs(node.value) < _LONGEST_NUMBER
            return (str(node.value),) if short else (Hole(node, place),)
        return self.parts(node, place, depth)

    def formatted(self, form: str, right: facts.Expression, place: Place, depth: int) -> Parts | None:
        """`form % right`; None where the arguments do not fit in sight."""
        values = list(right.items) if isinstance(right, facts.Collection) and right.kind == "tuple" else [right]
        named = {}
        if isinstance(right, facts.Mapping):
            named = {key.value: value for key, value in right.items if isinstance(key, facts.Constant)}
        found: list[str | Hole] = []
        position = 0
        for directive in _DIRECTIVE.finditer(form):
            found.append(form[position : directive.start()])
            position = directive.end()
            if directive["kind"] == "%":
                found.append("%")
                continue
            value = named.get(directive["name"]) if directive["name"] else values.pop(0) if values else None
            if value is None:
                return None
            plain = directive.group() == "%s"
            found += self.inserted(value, place, depth) if plain else (Hole(value, place),)
        return _joined([*found, form[position:]])

    def filled(self, form: str, call: facts.Call, place: Place, depth: int) -> Parts | None:
        """`form.format(…)`; None where the arguments do not fit in sight."""
        found: list[str | Hole] = []
        try:
            fields = list(Formatter().parse(form))
        except ValueError:
            return None
        automatic = 0
        for literal, field, spec, conversion in fields:
            found.append(literal)
            if field is None:
                continue
            name = re.split(r"[.\[]", field, maxsplit=1)[0]
            if not name:
                name, automatic = str(automatic), automatic + 1
            given = argument(call, name, int(name) if name.isdecimal() else 1 << 10)
            if given is None:
                return None
            plain = not spec and not conversion and field in ("", name)
            found += self.inserted(given.value, place, depth) if plain else (Hole(given.value, place),)
        return _joined(found)


def is_formatted(expression: facts.Expression) -> bool:
    """Whether an expression is plainly text put together: an f-string, `"…" % x`, `"…".format(x)`, `format(x, "…")`."""
    match expression:
        case facts.Text():
            return True
        case facts.Operation("%", (left, _)):
            return isinstance(left, facts.Constant) and isinstance(left.value, str)
        case facts.Call(facts.Attribute(facts.Constant(str()), "format")):
            return True
        case facts.Call(facts.Name("format"), (_, _)):
            return last_name(expression.function) == "format"
    return False
