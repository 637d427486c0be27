"""Reading definitions: what decorates a function, what it returns, what it assigns to its object.

Invariant: pure functions over `facts.model`; nested functions and classes are left out.
"""

from __future__ import annotations

from mlflow_lint.facts import model as facts


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


def self_assignments(
    block: facts.Block, own: str, name: str
) -> list[tuple[facts.Expression | None, facts.Expression | None]]:
    """Values and annotations that a method assigns to `self.name`."""
    wanted = facts.Attribute(facts.Name(own), name)
    found: list[tuple[facts.Expression | None, facts.Expression | None]] = []
    for statement in block:
        if isinstance(statement, facts.Assign) and wanted in statement.targets:
            found.append((statement.value, statement.annotation))
        elif isinstance(statement, facts.Assign):
            unpacked = [t for t in statement.targets if isinstance(t, facts.Collection) and wanted in t.items]
            found.extend((facts.Opaque(), None) for _ in unpacked)
        for inner in inner_blocks(statement):
            found.extend(self_assignments(inner, own, name))
    return found


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
