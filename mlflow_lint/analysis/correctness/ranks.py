"""Writes that every process of a distributed training makes, since nothing around them asks which process it is.

A body is distributed after it has joined the other processes: a process group, DDP, an `Accelerator`, a look at
`LOCAL_RANK`, or a function of the file that does so. From there the calls of project functions are followed. Invariant:
whatever may tell one process from the others, by its name or by what it was assigned, is a guard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlflow_lint.analysis.flow.sites import Guard, Rescue, Site
from mlflow_lint.analysis.names.meaning import External
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import WRITES, Api
from mlflow_lint.facts.functions import decorator_names, inner_blocks, own_expressions
from mlflow_lint.facts.traverse import bound_names, descend, last_name
from mlflow_lint.findings import Step
from mlflow_lint.record import entity
from mlflow_lint.regex import regex

_JOINS = regex(
    r"torch\.distributed\.init_process_group|torch\.nn\.parallel\.(distributed\.)?DistributedDataParallel"
    r"|torch\.distributed\.fsdp\.(\w+\.)?(FullyShardedDataParallel|fully_shard)|accelerate\.(accelerator\.)?Accelerator"
    r"|deepspeed\.(initialize|init_distributed)|horovod\.[\w.]+\.init"
)
_VARIABLE = "LOCAL_RANK"
_RANK = regex(
    r"(^|_)rank(_|$|\d)|rank_?zero|is_?(main|master|chief|primary|leader|root|logging|first)|(^|_)(main|master)_?(process|node|proc|gpu)"
    r"|(^|_)(master|chief|primary|leader)$|global_zero|process_(index|idx|id)|world_?size|^(g|l)?rank$",
    re.I,
)
_DEEPEST = 4


@entity
class EveryRank:
    """A write that each process makes."""

    site: Site
    """The write, or the call that leads to it in another file."""
    api: Api
    joined: Step
    """Where the processes are joined."""
    chain: tuple[Step, ...]


def every_rank_writes(effects: Effects, bodies: tuple[Body, ...]) -> Iterator[EveryRank]:
    """The first such write of each body of a file, in order."""
    joined = _Joined(effects, bodies)
    if not joined.found:
        return
    search = _Search(effects, bodies)
    for body in bodies:
        at = joined.at(body)
        if at is not None:
            yield from search.of(body, at[0], at[1], ())


class _Joined:
    """Where the bodies of a file join the processes of a training."""

    def __init__(self, effects: Effects, bodies: tuple[Body, ...]) -> None:
        self._effects = effects
        self._own = {id(body.block): where for body in bodies if (where := _joins(effects, body)) is not None}
        self._classes = {
            id(body.place.receiver.definition): where
            for body in bodies
            if body.place.receiver is not None and (where := self._own.get(id(body.block))) is not None
        }

    @property
    def found(self) -> bool:
        """Whether any body does."""
        return bool(self._own)

    def at(self, body: Body) -> tuple[int, Step] | None:
        """From where on a body runs in each of several processes, and what says so."""
        own = self._own.get(id(body.block))
        if own is not None:
            return own
        if body.function is not None and body.place.receiver is not None:
            of_class = self._classes.get(id(body.place.receiver.definition))
            return (0, of_class[1]) if of_class is not None else None
        for site in self._effects.sites(body):
            for reached in _called(self._effects, site):
                where = self._own.get(id(reached.block))
                if where is not None:
                    return site.call.span[0], where[1]
        return None


def _called(effects: Effects, site: Site) -> list[Body]:
    """The one function of the project that a call is sure to call, as a body; nothing if there may be several."""
    functions = [reached.function for reached in effects.reached(site.call, site.place)]
    if len(functions) != 1:
        return []
    (function,) = functions
    return [Body.of(function)]


def _joins(effects: Effects, body: Body) -> tuple[int, Step] | None:
    """Where a body itself joins the processes."""
    found: list[tuple[int, str]] = []
    for site in effects.sites(body):
        meaning = site.target
        if isinstance(meaning, External) and _JOINS.fullmatch(meaning.dotted):
            found.append((site.call.span[0], last_name(site.call.function)))
    found += [(offset, _VARIABLE) for offset in _reads_variable(body.block)]
    if not found:
        return None
    offset, what = min(found)
    return offset, body.unit.step(offset, what)


def _reads_variable(block: facts.Block) -> Iterator[int]:
    """Where a block looks at `LOCAL_RANK`; setting it is no look."""
    for statement in block:
        targets = statement.targets if isinstance(statement, facts.Assign) else ()
        for expression in own_expressions(statement):
            if expression not in targets and facts.Constant(_VARIABLE) in descend(expression):
                yield statement.span[0]
        for inner in inner_blocks(statement):
            yield from _reads_variable(inner)


class _Search:
    """Looks for writes with no guard around."""

    def __init__(self, effects: Effects, bodies: tuple[Body, ...]) -> None:
        self._effects = effects
        self._unit = bodies[0].unit
        self._telling = frozenset[str]()
        for _ in range(2):  # what is assigned from what tells the rank tells it as well
            self._telling |= frozenset(name for body in bodies for name in self._assigned(body.block, False))
        self._seen: set[int] = set()

    def of(self, body: Body, start: int, joined: Step, through: tuple[Step, ...]) -> Iterator[EveryRank]:
        """The first unguarded write of a body after an offset, and those of the functions that it calls there."""
        if id(body.block) in self._seen or len(through) > _DEEPEST or self._is_decorated(body):
            return
        self._seen.add(id(body.block))
        told = False
        for site in self._effects.sites(body):
            if site.call.span[0] < start or self._is_guarded(site):
                continue
            step = body.unit.step(site.call.span[0], last_name(site.call.function))
            api = site.api
            if api is not None and api.kind in WRITES and not told:
                told = True
                yield EveryRank(site, api, joined, (joined, *through, step))
            for inner in _called(self._effects, site) if api is None else ():
                for found in self.of(inner, 0, joined, (*through, step)):
                    if inner.unit is self._unit:
                        yield found
                    elif not told:
                        told = True
                        yield EveryRank(site, found.api, joined, found.chain)

    def _is_guarded(self, site: Site) -> bool:
        """Whether a call is made by chosen processes only, or on an object that may know which one it is."""
        receiver = site.call.function.value if isinstance(site.call.function, facts.Attribute) else None
        if receiver is not None and any(last_name(node) in self._telling for node in descend(receiver)):
            return True
        return any(
            isinstance(frame, Rescue) or (isinstance(frame, Guard) and self._names_rank(frame.test))
            for frame in site.frames
        )

    def _is_decorated(self, body: Body) -> bool:
        names = decorator_names(body.function.definition) if body.function is not None else ()
        return any(_RANK.search(name) for name in names)

    def _names_rank(self, test: facts.Expression) -> bool:
        return any(
            (isinstance(node, facts.Constant) and isinstance(node.value, str) and "RANK" in node.value)
            or bool(_RANK.search(last_name(node)))
            or last_name(node) in self._telling
            for node in descend(test)
        )

    def _tells_rank(self, value: facts.Expression) -> bool:
        """Whether a value tells one process from another: a rank, a comparison with it, an object that is given it."""
        if any(
            isinstance(node, (facts.Comparison, facts.Operation, facts.Conditional)) and self._names_rank(node)
            for node in descend(value)
        ):
            return True
        if isinstance(value, facts.Call) and last_name(value.function)[:1].isupper():
            return any(_RANK.search(given.keyword or last_name(given.value)) for given in value.arguments)
        while isinstance(value, facts.Call) and last_name(value.function) in ("int", "bool") and value.arguments:
            value = value.arguments[0].value
        asks = facts.Constant("RANK"), facts.Constant(_VARIABLE)
        return bool(_RANK.search(last_name(value))) or any(node in asks for node in descend(value))

    def _assigned(self, block: facts.Block, chosen: bool) -> Iterator[str]:
        """Names that are assigned what tells the rank, or in chosen processes only."""
        for statement in block:
            value = statement.value if isinstance(statement, facts.Assign) else None
            if isinstance(statement, facts.Assign) and value is not None and (chosen or self._tells_rank(value)):
                for target in statement.targets:
                    yield from (bound_names(target) or (last_name(target),))
            inside = chosen or (isinstance(statement, facts.If) and self._names_rank(statement.test))
            for inner in inner_blocks(statement):
                yield from self._assigned(inner, inside)
