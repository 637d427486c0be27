"""Reading facts: what an expression is made of, which names it reads, how to show it in a message.

Invariant: pure functions over `facts.model`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from mlflow_lint.facts.model import (
    Argument,
    Assigned,
    Attribute,
    Await,
    Call,
    Collection,
    Comparison,
    Comprehension,
    Conditional,
    Constant,
    Expression,
    Interpolation,
    Lambda,
    Mapping,
    Name,
    Opaque,
    Operation,
    Starred,
    Subscript,
    Text,
    Yield,
)

Found = TypeVar("Found")

_UNWRITABLE = 10**100
"""No message has room for such numbers, and Python itself refuses to write the longest."""

_CHILDREN: dict[type, Callable[[Any], tuple[Expression, ...]]] = {
    Constant: lambda node: (),
    Name: lambda node: (),
    Attribute: lambda node: (node.value,),
    Subscript: lambda node: (node.value, node.index),
    Call: lambda node: (node.function, *[argument.value for argument in node.arguments]),
    Operation: lambda node: node.operands,
    Comparison: lambda node: node.operands,
    Conditional: lambda node: (node.test, node.body, node.otherwise),
    Collection: lambda node: node.items,
    Mapping: lambda node: tuple(part for item in node.items for part in item if part is not None),
    Text: lambda node: tuple(part.value for part in node.parts if not isinstance(part, str)),
    Comprehension: lambda node: (
        node.element,
        *(part for clause in node.clauses for part in (clause.target, clause.iterable, *clause.conditions)),
    ),
    Lambda: lambda node: (node.body,),
    Starred: lambda node: (node.value,),
    Assigned: lambda node: (node.value,),
    Await: lambda node: (node.value,),
    Yield: lambda node: (node.value,),
    Opaque: lambda node: node.parts,
}

LEAVES = (Name, Constant)
"""What most of an expression is, and what nothing is in."""


def children(expression: Expression) -> tuple[Expression, ...]:
    """The expressions directly inside one."""
    return _CHILDREN[type(expression)](expression)


def descend(expression: Expression) -> Iterator[Expression]:
    """The expression and everything inside it, outermost first; bodies of lambdas too."""
    pending = [expression]
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, LEAVES):
            pending += _CHILDREN[type(node)](node)[::-1]


def within(expression: Expression, *kinds: type[Found]) -> list[Found]:
    """What of some kinds an expression is and holds, in the order of `descend`, and sooner than by it."""
    found: list[Found] = []
    pending = [expression]
    while pending:
        node = pending.pop()
        if isinstance(node, kinds):
            found.append(node)
        if not isinstance(node, LEAVES):
            pending += _CHILDREN[type(node)](node)[::-1]
    return found


def names_in(expression: Expression) -> frozenset[str]:
    """Every name that is read in an expression."""
    return frozenset([name.id for name in within(expression, Name)])


def calls_in(expression: Expression) -> list[Call]:
    """Every call in an expression."""
    return within(expression, Call)


def bound_names(target: Expression) -> tuple[str, ...]:
    """Names that an assignment target or loop target binds: not those of `a.b` or `a[i]`."""
    if isinstance(target, Name):
        return (target.id,)
    if isinstance(target, Collection):
        return tuple(name for item in target.items for name in bound_names(item))
    if isinstance(target, Starred):
        return bound_names(target.value)
    return ()


def last_name(expression: Expression) -> str:
    """The last identifier of `a`, `a.b`, `a.b(…)`, `a.b[…]`, or of a string subscript `a["b"]`; else `""`."""
    if isinstance(expression, Name):
        return expression.id
    if isinstance(expression, Attribute):
        return expression.name
    if isinstance(expression, Call):
        return last_name(expression.function)
    if isinstance(expression, Subscript):
        index = expression.index
        if isinstance(index, Constant) and isinstance(index.value, str):
            return index.value
        return last_name(expression.value)
    if isinstance(expression, (Await, Starred)):
        return last_name(expression.value)
    return ""


def argument(call: Call, name: str, position: int) -> Argument | None:
    """The argument that fills a parameter, by keyword or position; None where it is absent or hidden by `*`."""
    by_keyword = call.keyword(name)
    if by_keyword is not None:
        return by_keyword
    for index, given in enumerate(call.arguments):
        if given.star or given.keyword is not None:
            return None
        if index == position:
            return given
    return None


def shown(expression: Expression, limit: int = 40) -> str:
    """An expression as a reader would write it, shortened for a message."""
    text = _shown(expression, 0)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _shown(node: Expression, depth: int) -> str:
    if depth > 4:
        return "…"
    inner = depth + 1
    match node:
        case Constant(int() as value) if abs(value) >= _UNWRITABLE:
            return "…"
        case Constant(value):
            return repr(value)
        case Name(name):
            return name
        case Attribute(value, name):
            return f"{_shown(value, inner)}.{name}"
        case Subscript(value, index):
            return f"{_shown(value, inner)}[{_shown(index, inner)}]"
        case Call(function, arguments):
            return f"{_shown(function, inner)}({', '.join(_shown_argument(item, inner) for item in arguments)})"
        case Operation("not", (operand,)):
            return f"not {_shown(operand, inner)}"
        case Operation(operator, (operand,)):
            return f"{operator}{_shown(operand, inner)}"
        case Operation(operator, operands):
            return f" {operator} ".join(_shown(operand, inner) for operand in operands)
        case Comparison(operators, operands):
            pairs = zip(operators, operands[1:], strict=True)
            rest = "".join(f" {operator} {_shown(operand, inner)}" for operator, operand in pairs)
            return _shown(operands[0], inner) + rest
        case Collection(kind, items):
            brackets = {"tuple": "()", "list": "[]", "set": "{}"}[kind]
            return brackets[0] + ", ".join(_shown(item, inner) for item in items) + brackets[1]
        case Text(parts):
            return 'f"' + "".join(_shown_part(part, inner) for part in parts) + '"'
        case Starred(value):
            return f"*{_shown(value, inner)}"
        case Await(value):
            return f"await {_shown(value, inner)}"
        case _:
            return "…"


def _shown_argument(argument: Argument, depth: int) -> str:
    prefix = f"{argument.keyword}=" if argument.keyword else argument.star
    return prefix + _shown(argument.value, depth)


def _shown_part(part: str | Interpolation, depth: int) -> str:
    return part if isinstance(part, str) else "{" + _shown(part.value, depth) + "}"
