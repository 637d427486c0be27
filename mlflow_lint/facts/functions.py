"""Reading definitions: what decorates a function, what it returns, what it assigns to its object.

Invariant: pure functions over `facts.model`; nested functions and classes are left out.
"""

from __future__ import annotations

from mlflow_lint.facts import model as facts
from mlflow_lint.facts.traverse import descend


def decorator_names(function: facts.Function) -> set[str]:
    """Last names of the decorators of a function."""
    names = set()
    for decorator in function.decorators:
        node = decorator.function if isinstance(decorator, facts.Call) else decorator
        if isinstance(node, facts.Name):
            names.add(node.id)
        elif isinstance(node, facts.Attribute):
            names.add(node.name)
    return names


def is_static(function: facts.Function) -> bool:
    """Whether a method takes no object."""
    return "staticmethod" in decorator_names(function)


def is_classmethod(function: facts.Function) -> bool:
    """Whether a method takes its class."""
    return "classmethod" in decorator_names(function) or function.name == "__init_subclass__"


def is_property(function: facts.Function) -> bool:
    """Whether reading the attribute calls the method."""
    return bool(decorator_names(function) & {"property", "cached_property"})


def returned_values(block: facts.Block) -> list[facts.Expression]:
    """Values of the `return` statements of a body, those of nested functions left out."""
    found: list[facts.Expression] = []
    for statement in block:
        if isinstance(statement, facts.Leave):
            if statement.kind == "return" and statement.value is not None:
                found.append(statement.value)
        else:
            for inner in inner_blocks(statement):
                found.extend(returned_values(inner))
    return found


Setting = tuple["facts.Expression | None", "facts.Expression | None"]
"""A value and an annotation, at least one of them."""


def self_assignments(block: facts.Block, own: str) -> dict[str, list[Setting]]:
    """Values and annotations that a method assigns to attributes of its object, which it calls `own`."""
    found: dict[str, list[Setting]] = {}
    _collect_assignments(block, facts.Name(own), found)
    return found


def _collect_assignments(block: facts.Block, own: facts.Name, found: dict[str, list[Setting]]) -> None:
    for statement in block:
        if isinstance(statement, facts.Assign):
            for target in statement.targets:
                if isinstance(target, facts.Attribute) and target.value == own:
                    found.setdefault(target.name, []).append((statement.value, statement.annotation))
                elif isinstance(target, facts.Collection):
                    for part in target.items:
                        if isinstance(part, facts.Attribute) and part.value == own:
                            found.setdefault(part.name, []).append((facts.Opaque(), None))
        else:
            for inner in inner_blocks(statement):
                _collect_assignments(inner, own, found)


def additions(block: facts.Block) -> dict[tuple[str, ...], list[facts.Expression]]:
    """What a body adds to containers: `x.append(value)` under `("x",)`, `self.x[key] = value` under `("self", "x")`."""
    found: dict[tuple[str, ...], list[facts.Expression]] = {}
    _collect_additions(block, found)
    return found


def _collect_additions(block: facts.Block, found: dict[tuple[str, ...], list[facts.Expression]]) -> None:
    for statement in block:
        match statement:
            case facts.Evaluate(facts.Call(facts.Attribute(owner, "append" | "add"), (given,))):
                found.setdefault(_path(owner), []).append(given.value)
            case facts.Assign(targets, value) if value is not None:
                for target in targets:
                    if isinstance(target, facts.Subscript):
                        found.setdefault(_path(target.value), []).append(value)
        for inner in inner_blocks(statement):
            _collect_additions(inner, found)


def _path(expression: facts.Expression) -> tuple[str, ...]:
    """`a.b` as `("a", "b")`; empty for what is not a name or one of its attributes."""
    match expression:
        case facts.Name(name):
            return (name,)
        case facts.Attribute(facts.Name(owner), name):
            return (owner, name)
    return ()


LONGEST_BLOCK = 300
"""Statements of a block above which a program wrote it: nothing looks through it anew for each of its calls."""


def inner_blocks(statement: facts.Statement) -> tuple[facts.Block, ...]:
    """The blocks of a compound statement that run where it stands: not those of functions and classes."""
    match statement:
        case facts.If(_, body, orelse) | facts.For(_, _, body, orelse) | facts.While(_, body, orelse):
            return (body, orelse)
        case facts.Try(body, handlers, orelse, final):
            return (body, *(handler.body for handler in handlers), orelse, final)
        case facts.With(_, body):
            return (body,)
        case facts.Match(_, cases):
            return tuple(case.body for case in cases)
    return ()


def all_blocks(statement: facts.Statement) -> tuple[facts.Block, ...]:
    """The blocks of a compound statement, those of functions and classes included."""
    return (statement.body,) if isinstance(statement, (facts.Function, facts.Class)) else inner_blocks(statement)


def yielding_loops(block: facts.Block) -> list[facts.For]:
    """The innermost `for` loops of a generator's body in which it yields."""
    found: list[facts.For] = []
    for statement in block:
        deeper = [loop for inner in inner_blocks(statement) for loop in yielding_loops(inner)]
        if not deeper and isinstance(statement, facts.For) and _yields(statement.body):
            deeper = [statement]
        found += deeper
    return found


def _yields(block: facts.Block) -> bool:
    return any(
        any(isinstance(node, facts.Yield) for expression in own_expressions(statement) for node in descend(expression))
        or any(map(_yields, inner_blocks(statement)))
        for statement in block
    )


def own_expressions(statement: facts.Statement) -> tuple[facts.Expression, ...]:
    """The expressions that a statement evaluates itself where it stands, those of its blocks left out."""
    match statement:
        case facts.Evaluate(value):
            return (value,)
        case facts.Assign(targets, value):
            return targets if value is None else (value, *targets)
        case facts.Update(target, _, value):
            return (value, target)
        case facts.Leave(_, value):
            return () if value is None else (value,)
        case facts.If(test) | facts.While(test):
            return (test,)
        case facts.For(target, iterable):
            return (iterable, target)
        case facts.With(items):
            return tuple(part for item in items for part in item if part is not None)
        case facts.Match(subject, cases):
            return (subject, *(case.guard for case in cases if case.guard is not None))
        case facts.Function(_, parameters, _, decorators):
            return (*decorators, *(p.default for p in parameters if p.default is not None))
        case facts.Class(_, bases, _, decorators):
            return (*decorators, *(base.value for base in bases))
    return ()
