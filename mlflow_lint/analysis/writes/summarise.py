"""What one call of a function does to the tracking store.

A summary holds the MLflow writes that a function makes itself and those of the project functions it calls, each with
the chain of lines that leads there and whether something on the way lets only some calls through. What it calls only
because it was passed in is deferred: the caller knows what that is. Invariant: a function that is being summarised
contributes nothing to itself (recursion ends), and a summary is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from mlflow_lint.analysis.flow.sites import Loop, Run, Site
from mlflow_lint.analysis.flow.throttles import Throttles
from mlflow_lint.analysis.memo import Memo
from mlflow_lint.analysis.names.annotations import is_vague
from mlflow_lint.analysis.names.arguments import filled_parameters
from mlflow_lint.analysis.names.meaning import (
    ClassRef,
    External,
    FunctionRef,
    Instance,
    Meaning,
    Place,
    api_called,
    options_of,
)
from mlflow_lint.analysis.names.overrides import Overrides, is_abstract
from mlflow_lint.analysis.names.resolve import Resolver
from mlflow_lint.analysis.writes.conditions import Condition, conditions, inherited, passed_on, ruled_out
from mlflow_lint.analysis.writes.keys import Key, Keys, Origin
from mlflow_lint.analysis.writes.summary import NOTHING, Body, Deferred, Effect, Reached, Summary
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, Kind
from mlflow_lint.facts.functions import is_static
from mlflow_lint.findings import Step

Conclusions: TypeAlias = Memo[tuple[Site, ...] | Summary]
"""The sites of bodies and the summaries of functions. What is around a call, such as a run that a helper opens, rests
on summaries in turn, so both are remembered together."""

_MOST_EFFECTS = 24
_MOST_DEFERRED = 48
_LONGEST_CHAIN = 8


class Summaries:
    """Summaries of functions, made on demand and remembered; `sites` lists the calls of a body."""

    def __init__(
        self, resolver: Resolver, throttles: Throttles, known: Conclusions, sites: Callable[[Body], tuple[Site, ...]]
    ) -> None:
        self._resolver = resolver
        self._throttles = throttles
        self._known = known
        self._sites = sites
        self._keys = Keys(resolver, throttles)
        self._overrides = Overrides(resolver)

    def of(self, function: FunctionRef) -> Summary:
        """What one call of a function does, whatever it is given."""
        definition = function.definition
        key = ("summary", id(definition), id(function.receiver.definition) if function.receiver else 0)
        found = self._known.get(key, lambda: self._summarise(function))
        return found if isinstance(found, Summary) else NOTHING

    def reached(self, called: Meaning | None, call: facts.Call, place: Place) -> Iterator[Reached]:
        """The project functions that a call of something may reach, and what they do with what they are given there.

        Worked out anew each time, since a function that is being summarised has no effects yet.
        """
        for function in self._functions(called):
            summary = self.of(function)
            effects = summary.effects
            if any(effect.when for effect in effects):
                effects = tuple(effect for effect in effects if not ruled_out(effect.when, call, function))
            passed = self._passed(summary, call, place, function)
            yield Reached(function, (*effects, *passed) if passed else effects)

    def _functions(self, meaning: Meaning | None) -> Iterator[FunctionRef]:
        """What runs when something is called: a function, a constructor, an object's `__call__`."""
        for option in options_of(meaning):
            reached: Meaning | None = option
            if isinstance(option, ClassRef):
                reached = self._resolver.attribute(Instance(option), "__init__")
            elif isinstance(option, Instance):
                reached = self._resolver.attribute(option, "__call__")
            for function in options_of(reached):
                if isinstance(function, FunctionRef):
                    yield function

    def _summarise(self, function: FunctionRef) -> Summary:
        effects: dict[tuple[object, ...], Effect] = {}
        deferred: dict[tuple[object, ...], Deferred] = {}
        for found in self._overriding(function) if is_abstract(function.definition) else self._inside(function):
            if isinstance(found, Effect):
                if found.when and len(effects) >= _MOST_EFFECTS // 2:
                    found = _under(found, ())  # the room that is left is for other writes
                shape = (found.api, found.throttled is None, found.repeated, found.own_run, found.key, found.when)
                if len(effects) < _MOST_EFFECTS and len(found.chain) <= _LONGEST_CHAIN:
                    effects.setdefault(shape, found)
            else:
                what = (found.origin, found.path, found.throttled is None, found.own_run)
                if len(deferred) < _MOST_DEFERRED and len(found.chain) < _LONGEST_CHAIN:
                    deferred.setdefault(what, found)
        return Summary(tuple(effects.values()), tuple(deferred.values()))

    def _overriding(self, abstract: FunctionRef) -> Iterator[Effect]:
        """What the methods do that stand in for an abstract one."""
        loaded = self._overrides.loaded(abstract)
        for override in loaded:
            yield from (_stood_in(abstract, override, effect) for effect in self.of(override).effects)
        for override in self._overrides.nearby(abstract) if not loaded else ():
            for effect in self.of(override).effects:
                # Which of the modules that such a module imports matter is only known when it is checked itself.
                if all(step.path == override.unit.path for step in effect.chain):
                    yield _stood_in(abstract, override, effect)

    def _inside(self, function: FunctionRef) -> Iterator[Effect | Deferred]:
        """What the calls in a function do, and what they leave to whoever calls the function."""
        for site in self._sites(Body.of(function)):
            given = _given(site.call.function, site.place)
            if given is not None:  # what it is otherwise, each caller knows for itself
                yield self._handed(site, *given)
            elif site.target is not None:
                yield from self._at(site, site.target)

    def _at(self, site: Site, called: Meaning) -> Iterator[Effect | Deferred]:
        """The same of one call, of what it is known to call."""
        around = _Around(site, self._throttles)
        for option in options_of(called):
            api = api_called(option)
            if api is not None:
                step = _step(site, api.label)
                own_run = around.own_run and api.kind is not Kind.RUN
                key = self._key(site, option, api)
                yield Effect(api, (step,), around.throttled, around.repeated, own_run, key, around.when)
        for reached in self.reached(called, site.call, site.place):
            for effect in reached.effects:
                yield Effect(
                    effect.api,
                    (_step(site, reached.function.definition.name), *effect.chain),
                    around.throttled or effect.throttled,
                    around.repeated or effect.repeated,
                    around.own_run or effect.own_run,
                    self._keys.passed(effect.key, site, reached.function),
                    (*around.when, *passed_on(effect.when, site.call, site.place, reached.function)),
                )
            yield from self._left(site, reached.function, around)

    def _key(self, site: Site, called: Meaning, api: Api) -> Key:
        hidden = isinstance(called, External) and called.applied
        return Key(False) if hidden else self._keys.written(site, api)

    # ------------------------------------------------------------------------------------- what is passed in
    def _handed(self, site: Site, origin: Origin, path: tuple[str, ...]) -> Deferred:
        """A call in a function of something that the function is given."""
        around = _Around(site, self._throttles)
        chain = (_step(site, ".".join((origin[1], *path))),)
        return Deferred(origin, path, site, chain, around.throttled, around.repeated, around.own_run)

    def _left(self, site: Site, function: FunctionRef, around: _Around) -> Iterator[Deferred]:
        """What a call of `function` leaves to whoever calls the function that the call is in."""
        waiting = self.of(function).deferred
        filled = filled_parameters(site.call, function) if waiting else {}
        for inner in waiting:
            origin, path = inner.origin, inner.path
            if origin[0] is function.scope:
                passed = filled.get(origin[1])
                outer = _given(passed, site.place) if passed is not None else None
                if outer is None:
                    continue
                origin, path = outer[0], (*outer[1], *path)
            yield Deferred(
                origin,
                path,
                inner.site,
                (_step(site, function.definition.name), *inner.chain),
                around.throttled or inner.throttled,
                around.repeated or inner.repeated,
                around.own_run or inner.own_run,
            )

    def _passed(self, summary: Summary, call: facts.Call, place: Place, function: FunctionRef) -> list[Effect]:
        """What a function does through what a call of it passes in; keys are in the terms of the function."""
        if not summary.deferred:
            return []
        filled = filled_parameters(call, function)
        found: list[Effect] = []
        for waiting in summary.deferred:
            if waiting.origin[0] is not function.scope or waiting.origin[1] not in filled:
                continue
            meaning = self._resolver.resolve(filled[waiting.origin[1]], place)
            for name in waiting.path:
                meaning = self._resolver.attribute(meaning, name) if meaning is not None else None
            found += self._called(meaning, waiting)
        return found

    def _called(self, meaning: Meaning | None, waiting: Deferred) -> Iterator[Effect]:
        """What a deferred call does, now that it is known what it calls."""
        throttled, repeated, own_run = waiting.throttled, waiting.repeated, waiting.own_run
        direct = len(waiting.chain) == 1
        for option in options_of(meaning):
            api = api_called(option)
            if api is not None:
                key = self._key(waiting.site, option, api) if direct else Key(False)
                chain = (*waiting.chain[:-1], _step(waiting.site, api.label))
                yield Effect(api, chain, throttled, repeated, own_run and api.kind is not Kind.RUN, key)
        for function in self._functions(meaning):
            for effect in self.of(function).effects:
                key = self._keys.passed(effect.key, waiting.site, function) if direct else Key(False)
                yield Effect(
                    effect.api,
                    (*waiting.chain, *effect.chain),
                    throttled or effect.throttled,
                    repeated or effect.repeated,
                    own_run or effect.own_run,
                    key,
                )


@dataclass(eq=False)
class _Around:
    """What is around a call in its function; worked out only for calls that lead to a write."""

    site: Site
    throttles: Throttles

    @cached_property
    def throttled(self) -> str | None:
        """What lets only some calls of the function through."""
        return self.throttles.between(self.site.frames, None)

    @cached_property
    def when(self) -> tuple[Condition, ...]:
        """What the function asks of its arguments before it gets there."""
        return conditions(self.site.frames)

    @property
    def repeated(self) -> bool:
        """Whether it stands in a loop of the function."""
        return any(isinstance(frame, Loop) for frame in self.site.frames)

    @property
    def own_run(self) -> bool:
        """Whether it stands in a run that the function opens."""
        return any(isinstance(frame, Run) for frame in self.site.frames)


def _stood_in(abstract: FunctionRef, override: FunctionRef, effect: Effect) -> Effect:
    """An effect of a method as one of the abstract method that callers see."""
    return _under(effect, inherited(effect.when, override, abstract)) if effect.when else effect


def _under(effect: Effect, when: tuple[Condition, ...]) -> Effect:
    """An effect under other conditions."""
    return Effect(effect.api, effect.chain, effect.throttled, effect.repeated, effect.own_run, effect.key, when)


def _given(expression: facts.Expression, place: Place) -> tuple[Origin, tuple[str, ...]] | None:
    """The parameter that an expression is, or an attribute of it with the way there: `callback`, `context.tracker`.

    Not one that an annotation or a default says enough of, nor the object of a method.
    """
    path: tuple[str, ...] = ()
    while isinstance(expression, facts.Attribute):
        path = (expression.name, *path)
        expression = expression.value
    if not isinstance(expression, facts.Name):
        return None
    holder = place.scope.holder(expression.id)
    bindings = holder.bindings[expression.id] if holder is not None else []
    if holder is None or len(bindings) != 1:
        return None
    (binding,) = bindings
    if not isinstance(binding, facts.Parameter) or binding.star or not is_vague(binding.annotation):
        return None
    if binding.default is not None and not isinstance(binding.default, facts.Constant):
        return None
    owner = holder.owner
    in_class = holder.parent is not None and holder.parent.is_class
    if in_class and isinstance(owner, facts.Function) and owner.parameters[0] is binding and not is_static(owner):
        return None
    return (holder, expression.id), path


def _step(site: Site, text: str) -> Step:
    return site.place.unit.step(site.call.span[0], text)
