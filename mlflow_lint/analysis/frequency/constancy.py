"""Params that a loop of one run writes again with the same key and value.

Invariant: reported only when neither key nor value can differ between two turns, and nothing on the way lets only some
turns through; a value that changes is another rule's business, since MLflow raises on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from mlflow_lint.analysis.flow.repetition import loop_start, loop_words
from mlflow_lint.analysis.flow.sites import Frame, Guard, Loop, Run, Site
from mlflow_lint.analysis.flow.throttles import assigned_names
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.functions import inner_blocks
from mlflow_lint.facts.traverse import bound_names, descend, names_in
from mlflow_lint.findings import Step
from mlflow_lint.record import entity


@entity
class RepeatedParam:
    """A line that writes an unchanging param each turn."""

    sites: tuple[Site, ...]
    """The call, and those after it in its block that do the same."""
    body: Body
    loop: Loop | None
    """None for a step hook."""
    label: str
    where: str
    unit: str
    chain: tuple[Step, ...]

    @property
    def site(self) -> Site:
        """The first of the calls."""
        return self.sites[0]


def repeated_params(effects: Effects, bodies: Iterable[Body]) -> Iterator[RepeatedParam]:
    """Repeated params of a file, in order; the first in each block of a loop."""
    for body in bodies:
        groups: dict[tuple[int, int], list[Site]] = {}
        firsts: dict[tuple[int, int], tuple[Loop | facts.Function, str, tuple[Step, ...]]] = {}
        for site in effects.touching(body):
            written = _param(effects, site, body)
            if written is None:
                continue
            around = _loop(effects, site) or _hook(effects, body, site)
            if around is None:
                continue
            key = (id(site.block), id(around))
            groups.setdefault(key, []).append(site)
            firsts.setdefault(key, (around, *written))
        for key, (around, label, chain) in firsts.items():
            sites = tuple(groups[key])
            if isinstance(around, Loop):
                start, loop = loop_start(around), around
                words, unit = loop_words(around), _unit(effects, around)
            else:
                start, loop = around.span[0], None
                words, unit = f"step hook {around.name}", "once per step"
            steps = (body.unit.step(start, words), *chain)
            yield RepeatedParam(sites, body, loop, label, f"{words}, {body.unit.where(start)}", unit, steps)


def _unit(effects: Effects, loop: Loop) -> str:
    verdict = effects.loops.verdict(loop)
    return "each turn" if verdict.frequency in (Frequency.UNKNOWN, Frequency.PER_KEY) else verdict.unit


def _param(effects: Effects, site: Site, body: Body) -> tuple[str, tuple[Step, ...]] | None:
    at = site.call.span[0]
    api = site.api
    if api is not None:
        if api.kind is not Kind.PARAM:
            return None
        return api.label, (body.unit.step(at, api.label),)
    for reached in effects.reached(site.call, site.place):
        for effect in reached.effects:
            if effect.api.kind is Kind.PARAM and effect.key.constant and not effect.throttled and not effect.own_run:
                name = f"{reached.function.definition.name}()"
                return (
                    f"{name}, which calls {effect.api.label},",
                    (body.unit.step(at, name), *effect.chain),
                )
    return None


def _loop(effects: Effects, site: Site) -> Loop | None:
    """The innermost loop in which the call cannot differ between turns, if nothing throttles it there."""
    for index in range(len(site.frames) - 1, -1, -1):
        frame = site.frames[index]
        if isinstance(frame, Run):
            return None
        if isinstance(frame, Loop):
            inside = site.frames[index + 1 :]
            verdict = effects.loops.verdict(frame).frequency
            if verdict is Frequency.ONCE or effects.throttles.between(inside, frame) or in_first_turn(inside):
                return None
            if not differs(site.call, frame):
                return frame
    return None


def _hook(effects: Effects, body: Body, site: Site) -> facts.Function | None:
    hooked = effects.hook(body)
    if hooked is None or any(isinstance(frame, Run) for frame in site.frames):
        return None
    if effects.throttles.between(site.frames, None) or in_first_turn(site.frames) or body.function is None:
        return None
    varying = {p.name for p in body.function.definition.parameters[1:]} | assigned_names(body.block)
    if any(names_in(given.value) & varying or _acts(given.value) for given in site.call.arguments):
        return None
    return body.function.definition


def differs(call: facts.Call, loop: Loop) -> bool:
    """Whether what is called, or an argument, may be another in another turn."""
    parts = (call.function, *(given.value for given in call.arguments))
    changing = changing_names(loop)
    kept = changing_attributes(loop)
    return any(names_in(part) & changing for part in parts) or any(
        node in kept or isinstance(node, (facts.Call, facts.Await, facts.Yield))
        for given in call.arguments
        for node in descend(given.value)
    )


@lru_cache(maxsize=64)  # asked of each write in a loop, and a loop is told apart by identity
def changing_names(loop: Loop) -> frozenset[str]:
    """Names that a loop binds: its targets, and what its body assigns."""
    node = loop.node
    targets = () if isinstance(node, facts.While) else bound_names(node.target)
    assigned = frozenset() if isinstance(node, facts.Clause) else assigned_names(node.body)
    return assigned | frozenset(targets)


@lru_cache(maxsize=64)
def changing_attributes(loop: Loop) -> frozenset[facts.Expression]:
    """Attributes that a loop's body assigns."""
    return frozenset() if isinstance(loop.node, facts.Clause) else frozenset(_attributes(loop.node.body))


def _attributes(block: facts.Block) -> Iterator[facts.Expression]:
    for statement in block:
        targets = statement.targets if isinstance(statement, facts.Assign) else ()
        if isinstance(statement, facts.Update):
            targets = (statement.target,)
        yield from (target for target in targets if isinstance(target, facts.Attribute))
        for inner in inner_blocks(statement):
            yield from _attributes(inner)


def _acts(expression: facts.Expression) -> bool:
    return any(isinstance(node, (facts.Call, facts.Await, facts.Yield)) for node in descend(expression))


def in_first_turn(frames: Iterable[Frame]) -> bool:
    """`if not described: …; described = True`: a guard that its own body shuts."""
    return any(isinstance(frame, Guard) and _shuts_itself(frame) for frame in frames)


@lru_cache(maxsize=256)  # asked of each call behind the test, which is told apart by identity
def _shuts_itself(guard: Guard) -> bool:
    names = names_in(guard.test)
    if names and not names.isdisjoint(assigned_names(guard.body)):
        return True
    tested = [node for node in descend(guard.test) if isinstance(node, facts.Attribute)]
    return bool(tested) and any(
        target in tested
        for statement in guard.body
        if isinstance(statement, facts.Assign)
        for target in statement.targets
    )
