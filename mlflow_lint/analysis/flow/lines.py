"""Which statements of a body a line belongs to, and what encloses them.

A line inside a statement of several lines is that statement's; of a compound statement only the header is its own.
Invariant: nothing is resolved here; these are questions about the text.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.flow.sites import Attempt, Frame, Guard, Loop, Rescue
from mlflow_lint.analysis.names.meaning import Place
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import inner_blocks
from mlflow_lint.project.modules import Unit
from mlflow_lint.record import entity


@entity
class Standing:
    """A statement, and the compound statements around it in its body, each with the block that it stands in."""

    statement: facts.Statement
    within: tuple[tuple[facts.Statement, facts.Block], ...]


def standing(block: facts.Block) -> Iterator[Standing]:
    """Every statement of a body, those of classes in it included and those of functions left out."""
    pending: list[Standing] = [Standing(statement, ()) for statement in reversed(block)]
    while pending:
        here = pending.pop()
        yield here
        for inner in reversed(_blocks(here.statement)):
            within = (*here.within, (here.statement, inner))
            pending.extend(Standing(statement, within) for statement in reversed(inner))


def on_line(block: facts.Block, line: int, unit: Unit) -> list[Standing]:
    """The statements of a body that a line is part of; more than one where they share it."""
    found = []
    for each in standing(block):
        first, last = own_lines(each.statement, unit)
        if first <= line <= last:
            found.append(each)
    return found


def enclosing(block: facts.Block, line: int, unit: Unit) -> Standing | None:
    """The innermost compound statement of a body that a line lies in, be it blank."""
    found = None
    for each in standing(block):
        if unit.line(each.statement.span[0]) <= line <= _last_line(each.statement, unit):
            found = each
    return found


def own_lines(statement: facts.Statement, unit: Unit) -> tuple[int, int]:
    """First and last line of a statement, or of the header of a compound one, decorators that call included."""
    first, last = unit.line(statement.span[0]), _last_line(statement, unit)
    body = statement.body if isinstance(statement, facts.Function) else ()
    starts = [unit.line(inner[0].span[0]) for inner in (body, *_blocks(statement)) if inner]
    if isinstance(statement, (facts.Function, facts.Class)):
        calls = [node for node in statement.decorators if isinstance(node, facts.Call)]
        first = min([first, *(unit.line(call.span[0]) for call in calls)])
    return first, max(first, min(starts) - 1) if starts else last


def _last_line(statement: facts.Statement, unit: Unit) -> int:
    return unit.line(max(statement.span[0], statement.span[1] - 1))


def _blocks(statement: facts.Statement) -> tuple[facts.Block, ...]:
    return (statement.body,) if isinstance(statement, facts.Class) else inner_blocks(statement)


def frames_in_sight(here: Standing, place: Place) -> tuple[Frame, ...]:
    """What encloses a statement by the look of the text: the walk of `sites` knows more, but only of calls."""
    frames: tuple[Frame, ...] = ()
    for statement, block in here.within:
        match statement:
            case facts.For(_, _, body) | facts.While(_, body) if block is body:
                frames = (*frames, Loop(statement, place, frames))
            case facts.If(test, body):
                frames = (*frames, Guard(test, block is body, place, block))
            case facts.Match(_, cases):
                case = next(case for case in cases if case.body is block)
                frames = (*frames, Guard(case.guard or facts.Opaque(), True, place, block))
            case facts.Try(body, handlers):
                if handlers and block is body:
                    frames = (*frames, Attempt(statement))
                elif any(block is handler.body for handler in handlers):
                    frames = (*frames, Rescue(statement))
    return frames
