"""Walk a body in the order in which it runs, and tell for each call what stands around it.

A site carries its frames, outermost first: the loops it repeats in, the tests it depends on, the runs and `try`
blocks it lies in. A `def` or lambda starts anew, since it runs where it is called. Invariant: one pass over the body;
frames are shared between the sites below them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeAlias

from mlflow_lint.analysis.names.meaning import Meaning, Place, apis_called, plain_api
from mlflow_lint.analysis.names.scopes import clause_scope
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api
from mlflow_lint.facts.traverse import children, last_name
from mlflow_lint.record import entity


@entity
class Loop:
    """The body of a loop: of a statement, or of one clause of a comprehension."""

    node: facts.For | facts.While | facts.Clause
    place: Place
    around: tuple[Frame, ...]
    """The frames that the loop itself stands in."""
    owner: facts.Comprehension | None = None
    """The comprehension that a clause belongs to."""


@entity
class Guard:
    """Reached only when `test` came out as `holds`; `body` is what runs under it."""

    test: facts.Expression
    holds: bool
    place: Place
    body: facts.Block


@entity
class Run:
    """Within a run that was opened here, or that ends here each turn."""

    call: facts.Call


@entity
class Attempt:
    """Where errors may be caught: the body of a `try` with handlers, or of `with suppress(…)`."""

    node: facts.Try | facts.With


@entity
class Rescue:
    """An `except` clause: reached only after a failure."""

    node: facts.Try


Frame: TypeAlias = Loop | Guard | Run | Attempt | Rescue


@entity
class Site:
    """A call, and where it stands."""

    call: facts.Call
    frames: tuple[Frame, ...]
    place: Place
    block: facts.Block
    index: int
    """Of the statement in `block` that the call is part of."""
    target: Meaning | None
    """What is called."""
    api: Api | None
    """The call of MLflow that this plainly is, all its arguments in sight; None for anything else."""

    @property
    def apis(self) -> list[Api]:
        """The calls of MLflow that this is or may be: also those of a partial, or of one of several loggers."""
        return apis_called(self.target)

    @property
    def statement(self) -> facts.Statement:
        """The statement that the call is part of."""
        return self.block[self.index]

    @property
    def stands_alone(self) -> bool:
        """Whether the call is a whole statement, so that nothing uses its result."""
        statement = self.statement
        return isinstance(statement, facts.Evaluate) and statement.value is self.call


class Calls(Protocol):
    """Tells what calls call, and whether that opens or ends an MLflow run."""

    def target(self, call: facts.Call, place: Place) -> Meaning | None:
        """What a call calls."""

    def opens_run(self, call: facts.Call, target: Meaning | None) -> bool:
        """Whether a call of something opens a run that its result or what follows lives in."""

    def ends_run(self, target: Meaning | None) -> bool:
        """Whether calling something ends a run."""


def sites(body: facts.Block, place: Place, calls: Calls) -> tuple[Site, ...]:
    """Every call of a body, those of functions defined in it left out."""
    walk = _Walk(calls)
    walk.block(body, place, ())
    return tuple(walk.found)


_MOST_AROUND = 100
"""Frames of a call, of tests and of runs one after another: more were written by a program, and each takes its time."""

_NO_CALL_IN = (facts.Name, facts.Constant, facts.Lambda)


class _Walk:
    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.found: list[Site] = []

    def block(self, block: facts.Block, place: Place, frames: tuple[Frame, ...]) -> None:
        for index, statement in enumerate(block):
            before = len(self.found)
            self.statement(statement, block, index, place, frames)
            if len(self.found) > before and not isinstance(statement, facts.With):
                for site in reversed(self.found[before:]):
                    if site.block is block and self.calls.opens_run(site.call, site.target):
                        if len(frames) <= _MOST_AROUND or not isinstance(frames[-1], Run):
                            frames = (*frames, Run(site.call))
                        break
            if isinstance(statement, facts.If) and len(frames) <= _MOST_AROUND:
                outcome = _outcome_left(statement)
                if outcome is not None:
                    frames = _guarded(frames, Guard(statement.test, outcome, place, block[index + 1 :]))

    def run_of_turn(self, body: facts.Block, place: Place) -> Iterator[Run]:
        """A loop that ends a run each turn writes to another run each turn, whoever opened it."""
        for call in calls_of(body):
            if self.calls.ends_run(self.calls.target(call, place)):
                yield Run(call)
                return

    def statement(
        self,
        statement: facts.Statement,
        block: facts.Block,
        index: int,
        place: Place,
        frames: tuple[Frame, ...],
    ) -> None:
        at = (block, index)
        match statement:
            case facts.Evaluate(value) | facts.Leave(_, value):
                self.expression(value, frames, place, at)
            case facts.Assign(targets, value):
                self.expression(value, frames, place, at)
                for target in targets:
                    self.expression(target, frames, place, at)
            case facts.Update(target, _, value):
                self.expression(value, frames, place, at)
                self.expression(target, frames, place, at)
            case facts.If(test, body, orelse):
                self.expression(test, frames, place, at)
                self.block(body, place, _guarded(frames, Guard(test, True, place, body)))
                self.block(orelse, place, _guarded(frames, Guard(test, False, place, orelse)))
            case facts.For(_, iterable, body, orelse):
                self.expression(iterable, frames, place, at)
                inside = (*frames, Loop(statement, place, frames))
                self.block(body, place, (*inside, *self.run_of_turn(body, place)))
                self.block(orelse, place, frames)
            case facts.While(test, body, orelse):
                inside = (*frames, Loop(statement, place, frames))
                self.expression(test, inside, place, at)
                self.block(body, place, (*inside, *self.run_of_turn(body, place)))
                self.block(orelse, place, frames)
            case facts.Try(body, handlers, orelse, final):
                attempt = (*frames, Attempt(statement)) if handlers else frames
                self.block(body, place, attempt)
                for handler in handlers:
                    self.block(handler.body, place, (*frames, Rescue(statement)))
                self.block(orelse, place, frames)
                self.block(final, place, frames)
            case facts.With(items, body):
                inside = frames
                for value, _ in items:
                    self.expression(value, inside, place, at)
                    if isinstance(value, facts.Call) and self.calls.opens_run(value, self.calls.target(value, place)):
                        inside = (*inside, Run(value))
                    if last_name(value) in ("suppress", "raises"):
                        inside = (*inside, Attempt(statement))
                self.block(body, place, inside)
            case facts.Match(subject, cases):
                self.expression(subject, frames, place, at)
                for case in cases:
                    self.expression(case.guard, frames, place, at)
                    guard = Guard(case.guard or facts.Opaque(), True, place, case.body)
                    self.block(case.body, place, _guarded(frames, guard))
            case facts.Function(_, parameters, _, decorators):
                for decorator in decorators:
                    self.expression(decorator, frames, place, at)
                for parameter in parameters:
                    self.expression(parameter.default, frames, place, at)
            case facts.Class(_, bases, body, decorators):
                for decorator in decorators:
                    self.expression(decorator, frames, place, at)
                for base in bases:
                    self.expression(base.value, frames, place, at)
                inner = place.scope.inner.get(id(statement))
                if inner is not None:
                    self.block(body, Place(inner, None), frames)
            case facts.Import() | facts.Declare():
                pass

    def expression(
        self,
        expression: facts.Expression | None,
        frames: tuple[Frame, ...],
        place: Place,
        at: tuple[facts.Block, int],
    ) -> None:
        while isinstance(expression, facts.Attribute):
            expression = expression.value
        if expression is None or isinstance(expression, _NO_CALL_IN):
            return
        match expression:
            case facts.Call(function, arguments):
                self.expression(function, frames, place, at)
                for argument in arguments:
                    if not isinstance(argument.value, _NO_CALL_IN):
                        self.expression(argument.value, frames, place, at)
                target = self.calls.target(expression, place)
                self.found.append(Site(expression, frames, place, *at, target, plain_api(target)))
            case facts.Comprehension(_, element, clauses):
                inner = Place(clause_scope(expression, place.scope), place.receiver)
                inside = frames
                for position, clause in enumerate(clauses):
                    where = place if position == 0 else inner
                    self.expression(clause.iterable, inside, where, at)
                    inside = (*inside, Loop(clause, inner, inside, expression))
                    for condition in clause.conditions:
                        self.expression(condition, inside, inner, at)
                        inside = (*inside, Guard(condition, True, inner, ()))
                self.expression(element, inside, inner, at)
            case facts.Conditional(test, body, otherwise):
                self.expression(test, frames, place, at)
                self.expression(body, (*frames, Guard(test, True, place, ())), place, at)
                self.expression(otherwise, (*frames, Guard(test, False, place, ())), place, at)
            case facts.Operation("and" | "or" as operator, operands):
                inside = frames
                for operand in operands:
                    self.expression(operand, inside, place, at)
                    inside = (*inside, Guard(operand, operator == "and", place, ()))
            case _:
                for child in children(expression):
                    if not isinstance(child, _NO_CALL_IN):
                        self.expression(child, frames, place, at)


def _guarded(frames: tuple[Frame, ...], guard: Guard) -> tuple[Frame, ...]:
    """What stands around what a test guards; of too many the last is one that nothing passes, so that it is silent."""
    if len(frames) < _MOST_AROUND:
        return (*frames, guard)
    never = Guard(facts.Constant(False), True, guard.place, guard.body)
    return (*frames, never) if len(frames) == _MOST_AROUND else frames


def _outcome_left(statement: facts.If) -> bool | None:
    """How the test came out where what follows is reached: `False` after `if test: continue`; None if either way."""
    if leaves(statement.body) and not leaves(statement.orelse):
        return False
    if statement.orelse and leaves(statement.orelse) and not leaves(statement.body):
        return True
    return None


def calls_of(block: facts.Block) -> Iterator[facts.Call]:
    """Calls that stand as statements of a block and are sure to run with it."""
    for statement in block:
        match statement:
            case facts.Evaluate(facts.Call() as call):
                yield call
            case facts.With(_, body):
                yield from calls_of(body)
            case facts.Try(body, _, orelse, final):
                yield from calls_of((*body, *orelse, *final))


def leaves(block: facts.Block) -> bool:
    """Whether a block always ends its loop turn or its function: nothing after it in the outer block runs."""
    if not block:
        return False
    last = block[-1]
    match last:
        case facts.Leave():
            return True
        case facts.If(_, body, orelse):
            return leaves(body) and leaves(orelse)
        case facts.With(_, body):
            return leaves(body)
    return False
