"""Searches for runs of which only the first rows are looked at, or whether there are any.

Invariant: every use of what a search gives is looked at; one that is not understood may need all rows, and says no.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlflow_lint.analysis.flow.sites import Site
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import all_blocks, inner_blocks, own_expressions
from mlflow_lint.facts.traverse import argument, children
from mlflow_lint.project.modules import Unit
from mlflow_lint.record import entity

_EMPTY_WHEN = {(">", 0), ("==", 0), ("!=", 0), ("<", 1), (">=", 1)}
_HEAD = 5
_STANDARD = frozenset("run_id experiment_id status artifact_uri start_time end_time".split())
_NO_COLUMNS = frozenset("columns index dtypes T".split())


@entity
class _Use:
    """An expression, and what it stands in: the expressions around it, innermost first, and the statement."""

    statement: facts.Statement
    around: tuple[facts.Expression, ...]


@entity
class Search:
    """A search without `max_results`, and how many of its rows are needed."""

    site: Site
    rows: int
    """0 where only their being there counts."""
    use: int
    """Offset of the statement that looks at them first."""
    any_columns: bool
    """Whether what is read of them is there for each run: keys that only other runs have make columns too."""


def unbounded_searches(effects: Effects, bodies: Iterable[Body]) -> Iterator[Search]:
    """Fluent searches of a file that ask for all rows and need a few."""
    for body in bodies:
        for site in effects.touching(body):
            api = site.api
            if api is None or api.client or api.name != "search_runs" or site.call.spread:
                continue
            if argument(site.call, "max_results", api.parameters.index("max_results")) is not None:
                continue
            uses = list(_uses(site, body, effects))
            needs = [_rows(chain) for chain in uses]
            known = [need for need in needs if need is not None]
            if known and len(known) == len(needs):
                output = argument(site.call, "output_format", api.parameters.index("output_format"))
                lists = output is not None and output.value == facts.Constant("list")
                columns = lists or all(need == 0 or _is_standard(use) for use, need in zip(uses, known, strict=True))
                yield Search(site, max(known), uses[0].statement.span[0], columns)


def _uses(site: Site, body: Body, effects: Effects) -> Iterator[_Use]:
    """What becomes of the result of a search: where it stands, or where the name that keeps it is read."""
    statement = site.statement
    if not (isinstance(statement, facts.Assign) and statement.value is site.call):
        for expression in own_expressions(statement):
            yield from (_Use(statement, around) for found, around in _parts(expression, ()) if found is site.call)
        return
    if len(statement.targets) != 1 or not isinstance(statement.targets[0], facts.Name):
        yield _Use(statement, ())  # kept where it is not followed to
        return
    name = statement.targets[0]
    holder = body.place.scope.holder(name.id)
    if holder is None:
        return
    (names,) = effects.once(_names, body.unit)
    here = names.assigned.get((id(site.block), name.id), [])
    # Only if this block alone gives the name its values is it clear which reads are of this one.
    in_order = len(holder.bindings[name.id]) == len(here) and holder is body.place.scope
    later = next((index for index in here if index > site.index), len(site.block))
    if not in_order and holder is body.place.scope and body.function is not None:
        uses = _reads_after(body.block, site.statement, name.id, names)
        if uses is not None:
            yield from uses
            return
    block = site.block[site.index + 1 : later + 1] if in_order else body.unit.facts.body
    for use in names.reads_in(block, name.id):
        if not in_order or use.statement is not statement:
            yield use
    if in_order and later < len(site.block):
        return
    if in_order and site.block is not body.block:
        yield from (
            use for use in names.reads_in(body.block, name.id) if use.statement.span[0] >= site.block[-1].span[1]
        )


@entity
class _Names:
    """Where a file reads names, in order, and where it gives them values."""

    reads: dict[str, list[_Use]]
    assigned: dict[tuple[int, str], list[int]]
    """By block (its `id`) and name, the statements of the block that assign it."""

    def reads_in(self, block: facts.Block, name: str) -> Iterator[_Use]:
        """Every read of a name in a block or a stretch of one, functions in it included."""
        if block:
            start, end = block[0].span[0], block[-1].span[1]
            yield from (use for use in self.reads.get(name, ()) if start <= use.statement.span[0] < end)


def _names(_: Effects, unit: Unit) -> Iterator[_Names]:
    names = _Names({}, {})
    _collect(unit.facts.body, names)
    yield names


def _collect(block: facts.Block, names: _Names) -> None:
    for index, statement in enumerate(block):
        targets = statement.targets if isinstance(statement, facts.Assign) else ()
        assigned = [target for target in targets if isinstance(target, facts.Name)]
        for target in assigned:
            names.assigned.setdefault((id(block), target.id), []).append(index)
        for expression in own_expressions(statement):
            if expression not in assigned:
                for found, around in _parts(expression, ()):
                    if isinstance(found, facts.Name):
                        names.reads.setdefault(found.id, []).append(_Use(statement, around))
        for inner in all_blocks(statement):
            _collect(inner, names)


def _reads_after(block: facts.Block, assigned: facts.Statement, name: str, names: _Names) -> list[_Use] | None:
    """Every read of a name that can come after a statement, functions included, other branches of its tests left out.

    None where the statement repeats.
    """
    offset = assigned.span[0]
    for index, statement in enumerate(block):
        if not statement.span[0] <= offset < statement.span[1]:
            continue
        functions = (s for s in block[:index] if isinstance(s, (facts.Function, facts.Class)))
        after = [use for function in functions for use in names.reads_in((function,), name)]
        after += names.reads_in(block[index + 1 :], name)
        if statement is assigned:
            return after
        if isinstance(statement, (facts.For, facts.While)):
            return None
        inside = [
            inner for inner in inner_blocks(statement) if inner and inner[0].span[0] <= offset < inner[-1].span[1]
        ]
        own = _reads_after(inside[0], assigned, name, names) if inside else None
        if own is None:
            return None
        # What is assigned in a `try` is read by what comes behind it; the branches of a test exclude each other.
        others = [] if isinstance(statement, (facts.If, facts.Match)) else inner_blocks(statement)
        return [*own, *(use for inner in others if inner not in inside for use in names.reads_in(inner, name)), *after]
    return None


def _parts(
    expression: facts.Expression, around: tuple[facts.Expression, ...]
) -> Iterator[tuple[facts.Expression, tuple[facts.Expression, ...]]]:
    """An expression and all that stands in it, each with what it stands in."""
    yield expression, around
    for child in children(expression):
        yield from _parts(child, (expression, *around))


def _rows(use: _Use) -> int | None:
    """How many rows a use needs; None for all of them, or for a use that is not understood."""
    match use.around:
        case (facts.Attribute(_, "empty"), *_):
            return 0
        case (facts.Attribute(_, name), *_) if name in _NO_COLUMNS:
            return None
        case (facts.Attribute(_, "iloc" | "loc" | "iat" | "at" | "values"), facts.Subscript(_, index), *_):
            return _first(index)
        case (facts.Attribute(_, "shape"), facts.Subscript(_, facts.Constant(0)) as count, *rest):
            return _emptiness(use.statement, rest, count)
        case (facts.Attribute(_, "head"), facts.Call(_, ()), *_):
            return _HEAD
        case (facts.Attribute(_, "head"), facts.Call(_, (facts.Argument(facts.Constant(int() as count)),)), *_):
            return count
        case (facts.Attribute() | facts.Subscript(_, facts.Constant(str())), facts.Subscript(_, index), *_):
            return _first(index)  # of a column
        case (
            facts.Attribute() | facts.Subscript(_, facts.Constant(str())),
            facts.Attribute(_, "iloc" | "loc" | "iat" | "values"),
            facts.Subscript(_, index),
            *_,
        ):
            return _first(index)
        case (facts.Subscript(_, index), *_):
            return _first(index)
        case (facts.Call(facts.Name("len"), _) as count, *rest):
            return _emptiness(use.statement, rest, count)
        case (facts.Comparison(("is" | "is not",), _), *_):
            return 0
    return 0 if _only_tested(use.statement, use.around) else None


def _is_standard(use: _Use) -> bool:
    """Whether a use reads a column that each run has."""
    for node in use.around:
        match node:
            case facts.Attribute(_, name) | facts.Subscript(_, facts.Constant(str() as name)) if name in _STANDARD:
                return True
            case facts.Subscript(_, facts.Collection("tuple", (_, facts.Constant(str() as name)))) if name in _STANDARD:
                return True
    return False


def _first(index: facts.Expression) -> int | None:
    match index:
        case facts.Constant(0) | facts.Collection("tuple", (facts.Constant(0), *_)):
            return 1
    return None


def _emptiness(statement: facts.Statement, around: list[facts.Expression], count: facts.Expression) -> int | None:
    """0 where a number of rows only tells whether there are any."""
    match around:
        case [facts.Comparison((operator,), (left, facts.Constant(int() as limit))), *_] if left is count:
            return 0 if (operator, limit) in _EMPTY_WHEN else None
    return 0 if _only_tested(statement, tuple(around)) else None


def _only_tested(statement: facts.Statement, around: tuple[facts.Expression, ...]) -> bool:
    """Whether only the truth of a value counts: `if runs`, `not runs`, `if runs and …`."""
    match around:
        case ():
            return isinstance(statement, (facts.If, facts.While))
        case (facts.Operation("not", _), *_):
            return True
        case (facts.Operation("and" | "or", _), *rest):
            return _only_tested(statement, tuple(rest))
    return False
