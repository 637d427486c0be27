"""Runs that a function or loop starts and that nothing in sight ends.

Invariant: a file, class or function of the project that ends runs anywhere, by any name, is trusted to end this one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.flow.sites import Guard, Loop, Site
from mlflow_lint.analysis.names.meaning import ClassRef
from mlflow_lint.analysis.names.scopes import Scope
from mlflow_lint.analysis.runs.lifecycle import asks_about_runs
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.functions import inner_blocks, own_expressions
from mlflow_lint.facts.traverse import descend, last_name
from mlflow_lint.record import entity
from mlflow_lint.regex import regex

_ENDS = regex(
    r"(^|_)(end|finish|close|stop|terminate)_?(\w*_)?(run|mlflow|tracking|experiment|log|logging|logger)s?$"
    r"|^(set_terminated|__exit__|enter_context|enter_async_context)$",
    re.I,
)


@entity
class LeftOpen:
    """A `start_run` whose run nothing in sight ends."""

    site: Site
    where: str
    """`main()`, `each turn of the loop of line 3`."""


def left_open(context: Context) -> Iterator[LeftOpen]:
    """Runs of a file that stay open, in order."""
    touching = context.effects.touching
    starts = [(body, site) for body in context.touching_bodies for site in touching(body) if _starts(context, site)]
    if not starts or _file_ends_runs(context):
        return
    for body, site in starts:
        loop = next((frame for frame in reversed(site.frames) if isinstance(frame, Loop)), None)
        if loop is not None and not isinstance(loop.node, facts.Clause):
            where = f"a turn of the loop of {context.unit.where(loop.node.span[0])}"
        elif body.function is not None and not _is_program(context, body):
            where = f"{body.function.definition.name}()"
        else:
            continue
        if not _is_handed_on(site, body) and not _class_ends_runs(context, body):
            yield LeftOpen(site, where)


def _starts(context: Context, site: Site) -> bool:
    """Whether a call is `start_run` as a statement of its own: the run is in no other hands."""
    api = site.api
    if api is None or api.kind is not Kind.RUN or api.client:
        return False
    if any(isinstance(frame, Guard) and asks_about_runs(frame.test) for frame in site.frames):
        return False  # started only if none is open: whoever finds it open goes on in it
    statement = site.statement
    return isinstance(statement, (facts.Evaluate, facts.Assign)) and statement.value is site.call


def _file_ends_runs(context: Context) -> bool:
    """Whether anything in the file ends a run, or has the name of what does."""
    if any(_ENDS.search(name) for name in _names(context.unit.facts.body)):
        return True
    return any(
        effect.api.kind is Kind.END
        for body in context.touching_bodies
        for site in context.effects.touching(body)
        for reached in context.effects.reached(site.call, site.place)
        for effect in reached.effects
    )


def _class_ends_runs(context: Context, body: Body) -> bool:
    """Whether an ancestor of the object's class, in another file, has a method that ends runs."""
    receiver = body.place.receiver
    ancestry = context.effects.resolver.classes.ancestry(receiver) if receiver is not None else ()
    return any(
        isinstance(ancestor, ClassRef) and any(_ENDS.search(name) for name in _names(ancestor.definition.body))
        for ancestor in ancestry
    )


def _names(block: facts.Block) -> Iterator[str]:
    """The names that a block reads, and those of the functions defined in it."""
    for statement in block:
        for expression in own_expressions(statement):
            for node in descend(expression):
                if isinstance(node, (facts.Name, facts.Attribute)):
                    yield last_name(node)
                elif isinstance(node, facts.Constant) and isinstance(node.value, str):
                    yield node.value  # getattr(mlflow, "end_run")
        if isinstance(statement, (facts.Function, facts.Class)):
            yield statement.name
            yield from _names(statement.body)
        for inner in inner_blocks(statement):
            yield from _names(inner)


def _is_program(context: Context, body: Body) -> bool:
    """Whether a function is what the file runs as a program: MLflow ends its run when the program ends."""
    assert body.function is not None
    scope: Scope | None = body.function.scope
    calls = context.effects.resolver.callers.calls(body.place)
    while scope is not None and isinstance(scope.owner, facts.Function):
        name = scope.owner.name
        callers = [place.scope for _, place in calls.get(name, []) if place.scope.holder(name) is scope.parent]
        if len(callers) != 1 or callers[0] is not scope.parent:
            return False
        scope = scope.parent
    return scope is not None and scope.parent is None


def _is_handed_on(site: Site, body: Body) -> bool:
    """Whether the run is returned, entered later, or given to something that may end it."""
    statement = site.statement
    if not isinstance(statement, facts.Assign):
        return False
    names = {last_name(target) for target in statement.targets}
    outer = body.place.receiver.definition.body if body.place.receiver is not None else body.block
    return any(last_name(value) in names for value in _given_away(outer))


def _given_away(block: facts.Block) -> Iterator[facts.Expression]:
    """Values that a block returns, yields, enters by `with` or passes to a call, as they are."""
    for statement in block:
        if isinstance(statement, facts.Leave) and statement.value is not None:
            yield from _plain(statement.value)
        if isinstance(statement, facts.With):
            yield from (value for value, _ in statement.items if not isinstance(value, facts.Call))
        for expression in own_expressions(statement):
            for node in descend(expression):
                if isinstance(node, facts.Call) and last_name(node.function) not in ("print", "str", "repr", "bool"):
                    yield from (part for given in node.arguments for part in _plain(given.value))
                elif isinstance(node, facts.Yield):
                    yield from _plain(node.value)
        if isinstance(statement, (facts.Function, facts.Class)):
            yield from _given_away(statement.body)
        for inner in inner_blocks(statement):
            yield from _given_away(inner)


def _plain(value: facts.Expression) -> Iterator[facts.Expression]:
    """A name or attribute, or those in a display: `run`, `(client, run)`, not `run.info.run_id`."""
    if isinstance(value, facts.Collection):
        for item in value.items:
            yield from _plain(item)
    elif isinstance(value, (facts.Name, facts.Attribute)):
        yield value
