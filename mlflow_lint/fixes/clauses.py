"""What a loop needs to become a comprehension, or to keep its turns to itself.

Invariant: an answer holds for the text as it stands; nothing is written here.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.flow.throttles import assigned_names
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import LONGEST_BLOCK, inner_blocks
from mlflow_lint.facts.traverse import bound_names, descend, names_in
from mlflow_lint.fixes.text import slice_of


def clause_of(loop: facts.For, text: str) -> str:
    """`for target in iterable`, as a comprehension has it."""
    return f"for {slice_of(text, loop.target_span)} in {operand(loop.iterable, slice_of(text, loop.iterable_span))}"


def filter_of(test: facts.If, text: str) -> str:
    """`if test`, as a comprehension has it."""
    return f"if {operand(test.test, slice_of(text, test.test_span))}"


def operand(expression: facts.Expression, source: str) -> str:
    """Source that may stand after `in` or `if` of a comprehension."""
    loose = isinstance(expression, (facts.Conditional, facts.Lambda, facts.Assigned)) or (
        isinstance(expression, facts.Collection) and expression.kind == "tuple"
    )
    needs = loose or isinstance(expression, facts.Opaque) or "\n" in source
    return f"({source})" if needs and not source.startswith("(") else source


def read_elsewhere(block: facts.Block, loop: facts.For, names: set[str]) -> bool:
    """Whether the loop's variables are or may be read outside it, other than where they are set anew."""
    if len(block) > LONGEST_BLOCK:
        return True
    for statement in block:
        if statement is loop:
            continue
        if any(_reads(expression, names) for expression in _evaluated(statement)):
            return True
        if any(read_elsewhere(inner, loop, own) for inner, own in _inside(statement, names) if own):
            return True
    return False


def _inside(statement: facts.Statement, names: set[str]) -> Iterator[tuple[facts.Block, set[str]]]:
    """The blocks of a statement, each with the names that mean the same there: loops and functions have their own."""
    match statement:
        case facts.For(target, _, body, orelse):
            yield body, names - set(bound_names(target))
            yield orelse, names
        case facts.Function(_, parameters, body):
            declared = {name for inner in body if isinstance(inner, facts.Declare) for name in inner.names}
            local = {parameter.name for parameter in parameters} | set(assigned_names(body)) - declared
            yield body, names - local
        case facts.Class(_, _, body):
            yield body, names
        case _:
            yield from ((inner, names) for inner in inner_blocks(statement))


def _reads(expression: facts.Expression, names: set[str]) -> bool:
    own = {
        name
        for node in descend(expression)
        if isinstance(node, facts.Comprehension)
        for clause in node.clauses
        for name in bound_names(clause.target)
    }
    return bool(names_in(expression) & (names - own))


def _evaluated(statement: facts.Statement) -> Iterator[facts.Expression]:
    """Expressions that a statement evaluates itself: not those of its blocks, nor the names that it binds."""
    match statement:
        case facts.Evaluate(value) | facts.Leave(_, value):
            parts: tuple[facts.Expression | None, ...] = (value,)
        case facts.Assign(targets, value):
            parts = (value, *(target for target in targets if not isinstance(target, facts.Name)))
        case facts.Update(target, _, value):
            parts = (target, value)
        case facts.If(test) | facts.While(test):
            parts = (test,)
        case facts.For(_, iterable):
            parts = (iterable,)
        case facts.With(items):
            parts = tuple(value for value, _ in items)
        case facts.Match(subject, cases):
            parts = (subject, *(case.guard for case in cases))
        case facts.Try(_, handlers):
            parts = tuple(handler.type for handler in handlers)
        case facts.Function(_, parameters, _, decorators):
            parts = (*(parameter.default for parameter in parameters), *decorators)
        case facts.Class(_, bases, _, decorators):
            parts = (*(base.value for base in bases), *decorators)
        case _:
            parts = ()
    yield from (part for part in parts if part is not None)
