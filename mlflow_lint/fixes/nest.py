"""The loops that walk finished data, with everything that they log.

Invariant: all writes of a nest go to one run in one way, and each says which step its points have.
"""

from __future__ import annotations

from mlflow_lint.analysis.batching.replay import Replay
from mlflow_lint.analysis.batching.rows import Write, arguments_of
from mlflow_lint.analysis.flow.sites import Guard, Loop, Site
from mlflow_lint.analysis.frequency.constancy import changing_attributes, changing_names
from mlflow_lint.analysis.frequency.hot import is_buffered
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.traverse import descend, names_in
from mlflow_lint.record import entity

_OTHERS = {"run_id", "step", "timestamp", "synchronous"}


@entity
class Nest:
    """Loops that walk finished data, and what they write."""

    body: Body
    loops: tuple[Loop, ...]
    """Outermost first."""
    statement: facts.For | facts.Evaluate
    """The statement that holds them all."""
    writes: tuple[Write, ...]

    @property
    def text(self) -> str:
        """Of the file."""
        return self.body.unit.text

    @property
    def block(self) -> facts.Block:
        """What runs each turn of the outermost loop; empty for a comprehension."""
        return self.statement.body if isinstance(self.statement, facts.For) else ()

    @property
    def changing(self) -> frozenset[str]:
        """Names that are another from turn to turn."""
        return frozenset().union(*map(changing_names, self.loops))


def nest_of(replay: Replay, effects: Effects) -> Nest | None:
    """The loops to send the points of together, with all their writes."""
    first = _write(replay.site, effects) if replay.through is None else None
    if first is None:
        return None
    loops: list[Loop] = []
    for loop in replay.loops:
        if _goes_elsewhere(first, loop):
            break
        loops.insert(0, loop)
    if not loops:
        return None
    outer = loops[0]
    writes: list[Write] = []
    for site in effects.sites(replay.body):
        if outer not in site.frames:
            continue
        written = _metrics(site, effects)
        if written is None:
            continue
        write = _write(site, effects)
        inside = site.frames[site.frames.index(outer) + 1 :]
        if write is None or is_buffered(effects, site.call, replay.body) or not _shares(write, first):
            return None
        if not all(isinstance(frame, (Loop, Guard)) for frame in inside):
            return None
        writes.append(write)
    statement = first.site.statement if isinstance(outer.node, facts.Clause) else outer.node
    if not isinstance(statement, (facts.For, facts.Evaluate)):
        return None
    return Nest(replay.body, tuple(loops), statement, tuple(writes))


def _metrics(site: Site, effects: Effects) -> bool | None:
    """Whether a call itself logs metrics; None if it logs none, not even through functions."""
    api = site.api
    if api is not None:
        return api.kind is Kind.METRIC if api.kind in (Kind.METRIC, Kind.BATCH) else None
    kinds = [found.kind for found in site.apis]
    kinds += [effect.api.kind for reached in effects.reached(site.call, site.place) for effect in reached.effects]
    return False if Kind.METRIC in kinds or Kind.BATCH in kinds else None


def _write(site: Site, effects: Effects) -> Write | None:
    """A call as a write of points whose parts are all in sight."""
    api = site.api
    arguments = arguments_of(site.call, api) if api is not None and api.kind is Kind.METRIC else None
    if api is None or arguments is None or not (site.stands_alone or _is_element(site)):
        return None
    write = Write(site, api, arguments, site.index)
    needed = {"metrics"} if api.plural else {"key", "value"}
    if not needed <= set(arguments) or "step" not in write.others or set(write.others) - _OTHERS:
        return None
    return write if not api.client or "run_id" in write.others else None


def _is_element(site: Site) -> bool:
    """`[log_metric(…) for …]` as a statement."""
    statement = site.statement
    return (
        isinstance(statement, facts.Evaluate)
        and isinstance(statement.value, facts.Comprehension)
        and statement.value.kind in ("list", "set")
        and statement.value.element is site.call
    )


def _destination(write: Write) -> tuple[facts.Expression | None, ...]:
    """What says where a write goes, and how."""
    function = write.site.call.function
    receiver = function.value if write.api.client and isinstance(function, facts.Attribute) else None
    return (receiver, write.others.get("run_id"), write.others.get("synchronous"))


def _shares(write: Write, first: Write) -> bool:
    return write.api.client == first.api.client and _destination(write) == _destination(first)


def _goes_elsewhere(write: Write, loop: Loop) -> bool:
    """Whether a write may go to another run in another turn."""
    names, attributes = changing_names(loop), changing_attributes(loop)
    return any(
        names_in(part) & names or any(node in attributes for node in descend(part))
        for part in _destination(write)
        if part is not None
    )
