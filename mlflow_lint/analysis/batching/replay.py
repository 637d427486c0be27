"""Metrics that are logged point after point although all points are at hand: one `log_batch` would send them.

The data is complete before the loop (`finished`), a turn only looks things up (`quick`), and from turn to turn the
value changes while run and key stay, or the step changes with it. Invariant: a loop in which anything takes time is
none of these, nor is one whose turns write to runs of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlflow_lint.analysis.batching.per_key import is_own_counter, turn_names
from mlflow_lint.analysis.flow.finished import finished_words, is_finished
from mlflow_lint.analysis.flow.loops import literal_count
from mlflow_lint.analysis.flow.quick import is_quick, is_quick_expression, is_quick_function
from mlflow_lint.analysis.flow.repetition import loop_start, loop_words
from mlflow_lint.analysis.flow.sites import Loop, Rescue, Run, Site
from mlflow_lint.analysis.frequency.constancy import changing_names
from mlflow_lint.analysis.frequency.hot import is_buffered
from mlflow_lint.analysis.names.arguments import filled_parameters
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, Kind
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.traverse import argument, names_in
from mlflow_lint.findings import Step
from mlflow_lint.record import entity, record
from mlflow_lint.regex import regex

_SMALL = 20
_SEPARATE = (Frequency.PER_KEY, Frequency.PER_TRIAL, Frequency.PER_FILE)
_VALUES = ("value", "metrics")
_STEP = regex(r"(^|_)(step|epoch|iteration|iter)$")


@entity
class Replay:
    """A call that logs one point of complete data each turn."""

    site: Site
    api: Api
    body: Body
    loops: tuple[Loop, ...]
    """The nest of loops that walk the data, innermost first."""
    where: str
    """`loop over losses, line 12`."""
    chain: tuple[Step, ...]
    through: Step | None
    """The line that writes, when a helper of the project does it."""

    @property
    def nest(self) -> int:
        """What tells one nest of loops from another."""
        return id(self.loops[-1].node)

    @property
    def is_small(self) -> bool:
        """Whether the text says that there are only a few points."""
        counts = [literal_count(loop.node) for loop in self.loops]
        alone = sum(isinstance(frame, Loop) for frame in self.site.frames) == len(self.loops)
        return alone and all(count is not None and count <= _SMALL for count in counts)


@record
class _Point:
    """The parts of a write, by what they say: which series, which value, where in the series, in which run."""

    api: Api
    chain: tuple[Step, ...]
    key: tuple[facts.Expression, ...] | None
    """None where the key cannot be told from the value."""
    value: tuple[facts.Expression, ...]
    step: tuple[facts.Expression, ...]
    destination: tuple[facts.Expression, ...]

    def follows(self, changing: frozenset[str], frequency: Frequency) -> bool:
        """Whether one turn after the other gives the points of series of one run."""

        def changes(expressions: tuple[facts.Expression, ...]) -> bool:
            return any(names_in(expression) & changing for expression in expressions)

        if changes(self.destination) or not changes(self.value):
            return False
        if changes(self.step):
            return True
        # Without steps, models, keys or files that overwrite one another's value are no series.
        return self.key is not None and not changes(self.key) and frequency not in _SEPARATE


def replays(effects: Effects, bodies: Iterable[Body]) -> Iterator[Replay]:
    """Every call of a file that replays finished data, in order."""
    walks: dict[int, bool] = {}
    for body in bodies:
        for site in effects.touching(body):
            loops = _walks(effects, site, walks) if _logs_metrics(effects, site) else ()
            point = _point(effects, site, body) if loops else None
            if point is None:
                continue
            if any(is_own_counter(step, loops[0]) for step in point.step):
                continue  # each turn writes another key, which keeps a count of its own
            written = (o for o in loops if point.follows(_changing(o), effects.loops.verdict(o).frequency))
            loop = next(written, None)
            if loop is None:
                continue
            start, words = loop_start(loop), loop_words(loop)
            first = body.unit.step(start, f"{words}: {finished_words(loop)}")
            through = point.chain[-1] if len(point.chain) > 1 else None
            yield Replay(
                site, point.api, body, loops, f"{words}, {body.unit.where(start)}", (first, *point.chain), through
            )


def _logs_metrics(effects: Effects, site: Site) -> bool:
    """Whether a call may write a metric; asked first, as it is quickly told."""
    if site.api is not None:
        return site.api.kind is Kind.METRIC
    reached = effects.reached(site.call, site.place)
    return any(effect.api.kind is Kind.METRIC for one in reached for effect in one.effects)


def _walks(effects: Effects, site: Site, walks: dict[int, bool]) -> tuple[Loop, ...]:
    """The loops around a call that do nothing but walk finished data, innermost first."""
    if any(isinstance(frame, Rescue) for frame in site.frames):
        return ()
    found: list[Loop] = []
    for index in range(len(site.frames) - 1, -1, -1):
        frame = site.frames[index]
        if isinstance(frame, Run):
            break
        if isinstance(frame, Loop):
            if not _is_walk(effects, frame, walks) or effects.throttles.between(site.frames[index + 1 :], frame):
                break
            found.append(frame)
    return tuple(found)


def _is_walk(effects: Effects, loop: Loop, walks: dict[int, bool]) -> bool:
    key = id(loop.node)
    if key not in walks:
        walks[key] = (
            effects.loops.verdict(loop).frequency is not Frequency.ONCE
            and is_finished(effects, loop)
            and _is_quick_turn(effects, loop)
        )
    return walks[key]


def _is_quick_turn(effects: Effects, loop: Loop) -> bool:
    if isinstance(loop.node, facts.For):
        return is_quick(effects, loop.node.body, loop.place)
    assert isinstance(loop.node, facts.Clause)
    assert loop.owner is not None
    parts = (loop.owner.element, *loop.node.conditions)
    return all(is_quick_expression(effects, part, loop.place) for part in parts)


def _changing(loop: Loop) -> frozenset[str]:
    """Names that are another in each turn: the targets, and what the body computes."""
    return turn_names(loop) | changing_names(loop)


def _point(effects: Effects, site: Site, body: Body) -> _Point | None:
    api = site.api
    if api is not None:
        if api.kind is not Kind.METRIC or is_buffered(effects, site.call, body):
            return None
        return _written(site.call, api, body.unit.step(site.call.span[0], api.label))
    return _through(effects, site, body)


def _written(call: facts.Call, api: Api, step: Step) -> _Point | None:
    """The parts of a direct write; what `**point` holds may be any of those that are not in sight."""
    given = {name: found.value for i, name in enumerate(api.parameters) if (found := argument(call, name, i))}
    spread = tuple(a.value for a in call.arguments if a.star)
    value = tuple(given[name] for name in _VALUES if name in given) or spread
    place = (given["step"],) if "step" in given else spread
    key: tuple[facts.Expression, ...] | None
    if api.plural:
        entries = given.get("metrics")
        names = [k for k, _ in entries.items] if isinstance(entries, facts.Mapping) else [None]
        key = None if None in names else tuple(name for name in names if name is not None)
    else:
        key = (given["key"],) if "key" in given else None
    receiver = (call.function.value,) if api.client and isinstance(call.function, facts.Attribute) else ()
    destination = (*receiver, *(given[name] for name in ("run_id", "model_id") if name in given))
    return _Point(api, (step,), key, value, place, destination)


def _through(effects: Effects, site: Site, body: Body) -> _Point | None:
    """The parts of a write that a helper makes, as far as its parameters tell them apart."""
    functions = effects.reached(site.call, site.place)
    if len(functions) != 1:
        return None
    function = functions[0].function
    filled = filled_parameters(site.call, function)
    # A loop in a helper that is told the step goes over the keys of that step.
    one_step = any(map(_STEP.search, filled))
    writes = [
        effect
        for effect in functions[0].effects
        if effect.api.kind is Kind.METRIC
        and not (effect.throttled or effect.own_run or (effect.repeated and not one_step))
    ]
    if not writes or site.call.spread or not is_quick_function(effects, function):
        return None
    effect = writes[0]
    steps = tuple(value for name, value in filled.items() if any(word in name for word in ("step", "epoch", "iter")))
    keys = tuple(value for name, value in filled.items() if name in effect.key.parameters(function))
    known = effect.key.constant or bool(keys)
    values = tuple(value for value in filled.values() if value not in (*steps, *keys))
    receiver = (site.call.function.value,) if isinstance(site.call.function, facts.Attribute) else ()
    runs = tuple(value for name, value in filled.items() if "run" in name)
    named = body.unit.step(site.call.span[0], f"{function.definition.name}()")
    return _Point(effect.api, (named, *effect.chain), keys if known else None, values, steps, (*receiver, *runs))
