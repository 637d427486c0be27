"""What a function asks of its arguments before it writes: `if kind == "artifact"`.

A facade often has one method for everything, and a parameter that says what it is given. Invariant: a condition rules
a call out only if both sides are literals in sight; a parameter that is bound anew says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from mlflow_lint.analysis.flow.sites import Frame, Guard
from mlflow_lint.analysis.names.arguments import filled_parameters
from mlflow_lint.analysis.names.meaning import FunctionRef, Place
from mlflow_lint.analysis.writes.keys import Origin
from mlflow_lint.facts import model as facts
from mlflow_lint.record import record

_Literal: TypeAlias = tuple[str, object]
"""A constant, or a member of something: `("", "metric")`, `("Kind", "METRIC")`."""


@record
class Condition:
    """A parameter is, or is not, one of some literals."""

    origin: Origin
    values: frozenset[_Literal] | None
    """None where the test is whether the parameter is true."""
    holds: bool


def conditions(frames: Iterable[Frame]) -> tuple[Condition, ...]:
    """What the tests around a call ask of the parameters of its function."""
    found: list[Condition] = []
    for frame in frames:
        if isinstance(frame, Guard):
            found += _asked(frame.test, frame.holds, frame.place)
    return tuple(found)


def ruled_out(asked: Iterable[Condition], call: facts.Call, function: FunctionRef) -> bool:
    """Whether what a call gives a function plainly fails one of the function's conditions."""
    return any(_admits(condition, _given(condition, call, function)) is False for condition in asked)


def passed_on(
    asked: tuple[Condition, ...], call: facts.Call, place: Place, function: FunctionRef
) -> tuple[Condition, ...]:
    """Conditions of a function in the terms of the code around a call of it; those that are met are dropped."""
    found: list[Condition] = []
    for condition in asked:
        if condition.origin[0] is not function.scope:
            found.append(condition)
            continue
        origin = _parameter(_given(condition, call, function), place)
        if origin is not None:
            found.append(Condition(origin, condition.values, condition.holds))
    return tuple(found)


def inherited(asked: tuple[Condition, ...], override: FunctionRef, abstract: FunctionRef) -> tuple[Condition, ...]:
    """Conditions of a method in the terms of the abstract method that it stands in for."""
    here, there = (
        {parameter.name: parameter.default for parameter in function.definition.parameters}
        for function in (override, abstract)
    )
    found: list[Condition] = []
    for condition in asked:
        scope, name = condition.origin
        if scope is not override.scope:
            found.append(condition)
        elif name in there and here[name] == there[name]:
            found.append(Condition((abstract.scope, name), condition.values, condition.holds))
    return tuple(found)


def _asked(test: facts.Expression, holds: bool, place: Place) -> Iterator[Condition]:
    match test:
        case facts.Operation("not", (operand,)):
            yield from _asked(operand, not holds, place)
        case facts.Operation("and" | "or" as word, operands):
            if (word == "and") is holds:
                for operand in operands:
                    yield from _asked(operand, holds, place)
            else:
                yield from _any_of([tuple(_asked(operand, holds, place)) for operand in operands])
        case facts.Comparison((operator,), (left, right)):
            yield from _compared(operator, left, right, holds, place)
        case facts.Name():
            origin = _parameter(test, place)
            if origin is not None:
                yield Condition(origin, None, holds)


def _any_of(options: list[tuple[Condition, ...]]) -> Iterator[Condition]:
    """`kind == "image" or kind == "figure"`: one condition, if all ask the same parameter."""
    asked = [option[0] for option in options if len(option) == 1]
    if not asked or len(asked) < len(options) or len({(each.origin, each.holds) for each in asked}) > 1:
        return
    values: set[_Literal] = set()
    for each in asked:
        if each.values is None or not each.holds:
            return
        values |= each.values
    yield Condition(asked[0].origin, frozenset(values), True)


def _compared(
    operator: str, left: facts.Expression, right: facts.Expression, holds: bool, place: Place
) -> Iterator[Condition]:
    if operator in ("not in", "!=", "is not"):
        holds = not holds
    elif operator not in ("in", "==", "is"):
        return
    if operator in ("in", "not in"):
        options = [_literal(item) for item in right.items] if isinstance(right, facts.Collection) else []
    else:
        if _literal(left) is not None:
            left, right = right, left
        options = [_literal(right)]
    origin = _parameter(left, place)
    values = [option for option in options if option is not None]
    if origin is not None and values and len(values) == len(options):
        yield Condition(origin, frozenset(values), holds)


def _parameter(expression: facts.Expression | None, place: Place) -> Origin | None:
    """The parameter that a name stands for, if nothing else binds it."""
    if not isinstance(expression, facts.Name):
        return None
    holder = place.scope.holder(expression.id)
    bindings = holder.bindings[expression.id] if holder is not None else []
    if holder is None or len(bindings) != 1 or not isinstance(bindings[0], facts.Parameter) or bindings[0].star:
        return None
    return holder, expression.id


def _given(condition: Condition, call: facts.Call, function: FunctionRef) -> facts.Expression | None:
    """What a parameter of a function is in a call: an argument or the default; None if that is not in sight."""
    scope, name = condition.origin
    if scope is not function.scope:
        return None
    filled = filled_parameters(call, function)
    if name in filled:
        return filled[name]
    if function.applied or any(given.star for given in call.arguments):
        return None
    return next((p.default for p in function.definition.parameters if p.name == name), None)


def _admits(condition: Condition, given: facts.Expression | None) -> bool | None:
    """Whether a value meets a condition; None if the text does not say."""
    literal = _literal(given)
    if literal is None:
        return None
    family, value = literal
    if condition.values is None:
        return None if family else bool(value) is condition.holds
    if literal in condition.values:
        return condition.holds
    # A member may equal a constant (`class Kind(str, Enum)`), never another member of the same thing.
    return not condition.holds if all(each[0] == family for each in condition.values) else None


def _literal(expression: facts.Expression | None) -> _Literal | None:
    match expression:
        case facts.Constant(value):
            return "", value
        case facts.Attribute(facts.Name(owner), name) if name.isupper() and owner[:1].isupper():
            return owner, name
    return None
