"""What one call of a function does to the tracking store.

A function's effects are the MLflow writes that it makes itself and those of the project functions it calls, each with
the chain of lines that leads there and whether something on the way lets only some calls through. What it calls only
because it was passed in is deferred: the caller knows what that is. Invariant: a function that is being summarised
contributes nothing to itself (recursion ends), and a summary is bounded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

from mlflow_lint.analysis.flow.loops import Loops
from mlflow_lint.analysis.flow.registered import Registered
from mlflow_lint.analysis.flow.sites import Loop, Run, Site, sites
from mlflow_lint.analysis.flow.throttles import Throttles
from mlflow_lint.analysis.memo import Memo
from mlflow_lint.analysis.names.annotations import is_vague
from mlflow_lint.analysis.names.arguments import filled_parameters
from mlflow_lint.analysis.names.clients import through_client, through_logger
from mlflow_lint.analysis.names.meaning import (
    ClassRef,
    External,
    FunctionRef,
    Instance,
    Meaning,
    Place,
    api_called,
    apis_called,
    options_of,
    plain_api,
)
from mlflow_lint.analysis.names.overrides import Overrides, is_abstract
from mlflow_lint.analysis.names.resolve import Resolver
from mlflow_lint.analysis.names.scopes import Scope
from mlflow_lint.analysis.writes.conditions import Condition, conditions, inherited, passed_on, ruled_out
from mlflow_lint.analysis.writes.keys import Key, Keys, Origin
from mlflow_lint.analysis.writes.summary import NOTHING, Body, Deferred, Effect, Reached, Summary
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, Kind
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.functions import is_static
from mlflow_lint.facts.hooks import hook
from mlflow_lint.facts.traverse import argument
from mlflow_lint.findings import Step
from mlflow_lint.project.modules import Unit

Asked = TypeVar("Asked", Unit, Site)
Found = TypeVar("Found")
_Given: TypeAlias = tuple[Origin, tuple[str, ...]]
"""A parameter, and the attributes on the way from it."""

_MOST_EFFECTS = 24
_MOST_DEFERRED = 48
_LONGEST_CHAIN = 8


class Effects:
    """Summaries of functions, made on demand and remembered."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self._targets: dict[tuple[int, int], Meaning | None] = {}
        self._reached: dict[tuple[int, int], tuple[Reached, ...]] = {}
        self._hooks: dict[tuple[int, int], tuple[str, Frequency] | None] = {}
        self._bodies: dict[Unit, tuple[Body, ...]] = {}
        self._touching: dict[tuple[int, int], tuple[Site, ...]] = {}
        self._found: dict[tuple[object, Unit | Site], tuple[Any, ...]] = {}
        # One memo for both, since what is around a call (a run that a helper opens) rests on effects in turn.
        self._known: Memo[tuple[Site, ...] | Summary] = Memo(NOTHING)
        self._start()

    def _start(self) -> None:
        self.throttles = Throttles(self.resolver)
        self.loops = Loops(self.resolver)
        self._keys = Keys(self.resolver, self.throttles)
        self._overrides = Overrides(self.resolver)
        self._registered = Registered(self.resolver)

    def forget(self) -> None:
        """Drop every conclusion, because more modules are known now."""
        self.resolver.forget()
        self._start()
        self._targets.clear()
        self._reached.clear()
        self._hooks.clear()
        self._touching.clear()
        self._bodies.clear()
        self._found.clear()
        self._known.clear()

    # ---------------------------------------------------------------------------------------------- bodies
    def bodies(self, unit: Unit) -> tuple[Body, ...]:
        """The module and every function of a file, in order of appearance."""
        if unit not in self._bodies:
            self._bodies[unit] = tuple(self._bodies_of(unit))
        return self._bodies[unit]

    def _bodies_of(self, unit: Unit) -> Iterator[Body]:
        yield Body(unit.facts.body, Place(unit.scope), None)
        pending = deque([unit.scope])
        while pending:
            for inner in pending.popleft().inner.values():
                pending.append(inner)
                if isinstance(inner.owner, facts.Function):
                    function = self._function(inner.owner, inner, unit)
                    yield Body(inner.owner.body, Place(inner, function.receiver), function)

    def _function(self, definition: facts.Function, scope: Scope, unit: Unit) -> FunctionRef:
        receiver = None
        for outer in scope.enclosing():
            if isinstance(outer.owner, facts.Class):
                receiver = ClassRef(unit, outer.owner, outer)
                break
        return FunctionRef(unit, definition, scope, receiver)

    def sites(self, body: Body) -> tuple[Site, ...]:
        """The calls of a body with what stands around them."""
        receiver = body.place.receiver
        key = ("sites", id(body.block), id(receiver.definition) if receiver else 0)
        found = self._known.get(key, lambda: tuple(sites(body.block, body.place, self)))
        return found if isinstance(found, tuple) else ()

    def once(self, question: Callable[[Effects, Asked], Iterable[Found]], about: Asked) -> tuple[Found, ...]:
        """What a question about a file or a call finds, for those that several rules ask; worked out once."""
        key = (question, about)
        if key not in self._found:
            self._found[key] = tuple(question(self, about))
        return self._found[key]

    def touching(self, body: Body) -> tuple[Site, ...]:
        """The calls of a body that are or may be calls of MLflow, or that reach a write through the project.

        Most rules ask about nothing else, and most bodies have none. Not to be asked while a summary is worked out.
        """
        receiver = body.place.receiver
        key = (id(body.block), id(receiver.definition) if receiver else 0)
        if key not in self._touching:
            self._touching[key] = tuple(site for site in self.sites(body) if self._touches(site))
        return self._touching[key]

    def _touches(self, site: Site) -> bool:
        meaning = site.target
        if meaning is None:
            return False
        if isinstance(meaning, External):
            return meaning.dotted.startswith("mlflow.")
        if any(isinstance(option, External) and option.dotted.startswith("mlflow.") for option in options_of(meaning)):
            return True
        return any(reached.effects for reached in self.reached(site.call, site.place))

    def hook(self, body: Body) -> tuple[str, Frequency] | None:
        """The framework that calls a function again and again, and how often; None for other bodies."""
        function = body.function
        if function is None:
            return None
        receiver = function.receiver
        key = (id(function.definition), id(receiver.definition) if receiver is not None else 0)
        if key not in self._hooks:
            self._hooks[key] = self._hook(function)
        return self._hooks[key]

    def _hook(self, function: FunctionRef) -> tuple[str, Frequency] | None:
        registered = self._registered.hook(function)
        if registered is not None or function.receiver is None:
            return registered
        if function.scope.parent is not function.receiver.scope:
            return None
        bases = [a.dotted for a in self.resolver.classes.ancestry(function.receiver) if isinstance(a, External)]
        found = hook(function.definition.name, bases)
        return (found[0].name, found[1]) if found else None

    # ----------------------------------------------------------------------------------------------- calls
    def api(self, call: facts.Call, place: Place) -> Api | None:
        """The MLflow call that this plainly is, all its arguments in sight; None for anything else."""
        return plain_api(self.target(call, place))

    def apis(self, call: facts.Call, place: Place) -> list[Api]:
        """The MLflow calls that this is or may be: also those of a partial, or of one of several loggers."""
        return apis_called(self.target(call, place))

    def target(self, call: facts.Call, place: Place) -> Meaning | None:
        """What a call calls. Asked of each call by every rule, so remembered by call."""
        receiver = place.receiver
        key = (id(call), id(receiver.definition) if receiver is not None else 0)
        try:
            return self._targets[key]
        except KeyError:
            target = self._targets[key] = self.resolver.resolve(call.function, place) or self._told(call, place)
            return target

    def _told(self, call: facts.Call, place: Place) -> Meaning | None:
        """What a call of something unknown calls, by how it calls it."""
        found = through_logger(call)
        if found is None and isinstance(call.function, facts.Attribute):
            found = through_client(call)
            if found is not None and self.resolver.resolve(call.function.value, place) is not None:
                return None  # a client of the project's own
        return found

    def opens_run(self, call: facts.Call, target: Meaning | None) -> bool:
        """Whether a call of something opens an MLflow run, itself or through a helper of the project."""
        if isinstance(target, External):
            api = api_called(target)
            return api is not None and api.kind is Kind.RUN and not _reopens(call, api)
        opening: Meaning | None = target
        if isinstance(target, ClassRef):
            opening = self.resolver.attribute(Instance(target), "__enter__")
        return isinstance(opening, FunctionRef) and any(effect.api.kind is Kind.RUN for effect in self.of(opening))

    def ends_run(self, target: Meaning | None) -> bool:
        """Whether calling something ends an MLflow run, itself or through a helper of the project."""
        if isinstance(target, FunctionRef):
            return any(effect.api.kind is Kind.END and effect.throttled is None for effect in self.of(target))
        api = api_called(target)
        return api is not None and api.kind is Kind.END

    def reached(self, call: facts.Call, place: Place) -> tuple[Reached, ...]:
        """The project functions that a call may reach, and what they do with what they are given there."""
        meaning = self.target(call, place)
        if meaning is None or isinstance(meaning, External):
            return ()
        receiver = place.receiver
        key = (id(call), id(receiver.definition) if receiver is not None else 0)
        known = self._reached.get(key)
        if known is not None:
            return known
        found = tuple(self._reach(function, call, place) for function in self._functions(meaning))
        if self._known.idle:
            self._reached[key] = found
        return found

    def _reach(self, function: FunctionRef, call: facts.Call, place: Place) -> Reached:
        summary = self._summary(function)
        effects = summary.effects
        if any(effect.when for effect in effects):
            effects = tuple(effect for effect in effects if not ruled_out(effect.when, call, function))
        passed = self._passed(summary, call, place, function)
        return Reached(function, (*effects, *passed) if passed else effects)

    def _functions(self, meaning: Meaning | None) -> Iterator[FunctionRef]:
        """What runs when something is called: a function, a constructor, an object's `__call__`."""
        for option in options_of(meaning):
            reached: Meaning | None = option
            if isinstance(option, ClassRef):
                reached = self.resolver.attribute(Instance(option), "__init__")
            elif isinstance(option, Instance):
                reached = self.resolver.attribute(option, "__call__")
            for function in options_of(reached):
                if isinstance(function, FunctionRef):
                    yield function

    def of(self, function: FunctionRef) -> tuple[Effect, ...]:
        """What one call of a function writes, whatever it is given."""
        return self._summary(function).effects

    def _summary(self, function: FunctionRef) -> Summary:
        definition = function.definition
        key = ("effects", id(definition), id(function.receiver.definition) if function.receiver else 0)
        found = self._known.get(key, lambda: self._summarise(function))
        return found if isinstance(found, Summary) else NOTHING

    def _summarise(self, function: FunctionRef) -> Summary:
        body = Body(function.definition.body, Place(function.scope, function.receiver), function)
        effects: dict[tuple[object, ...], Effect] = {}
        deferred: dict[tuple[object, ...], Deferred] = {}

        def keep(effect: Effect) -> None:
            if effect.when and len(effects) >= _MOST_EFFECTS // 2:
                effect = _under(effect, ())  # the room that is left is for other writes
            shape = (effect.api, effect.throttled is None, effect.repeated, effect.own_run, effect.key, effect.when)
            if len(effects) < _MOST_EFFECTS and len(effect.chain) <= _LONGEST_CHAIN:
                effects.setdefault(shape, effect)

        if is_abstract(function.definition):
            for effect in self._overriding(function):
                keep(effect)
            return Summary(tuple(effects.values()))
        for site in self.sites(body):
            given = self._given(site.call.function, site.place)
            if given is None:  # what it is otherwise, each caller knows for itself
                called = site.target
                for effect in self._at(site) if called is not None else ():
                    keep(effect)
                if called is None or isinstance(called, External):
                    continue
            for waiting in self._deferred_at(site, given):
                what = (waiting.origin, waiting.path, waiting.throttled is None, waiting.own_run)
                if len(deferred) < _MOST_DEFERRED and len(waiting.chain) < _LONGEST_CHAIN:
                    deferred.setdefault(what, waiting)
        return Summary(tuple(effects.values()), tuple(deferred.values()))

    def _overriding(self, abstract: FunctionRef) -> Iterator[Effect]:
        """What the methods do that stand in for an abstract one."""
        loaded = self._overrides.loaded(abstract)
        for override in loaded:
            yield from (_stood_in(abstract, override, effect) for effect in self.of(override))
        for override in self._overrides.nearby(abstract) if not loaded else ():
            for effect in self.of(override):
                # Which of the modules that such a module imports matter is only known when it is checked itself.
                if all(step.path == override.unit.path for step in effect.chain):
                    yield _stood_in(abstract, override, effect)

    def _at(self, site: Site) -> Iterator[Effect]:
        """Effects of one call inside a function, as seen by whoever calls the function."""
        around = _Around(site, self.throttles)
        for option in options_of(site.target):
            api = api_called(option)
            if api is not None:
                step = _step(site, api.label)
                own_run = around.own_run and api.kind is not Kind.RUN
                key = self._key(site, option, api)
                yield Effect(api, (step,), around.throttled, around.repeated, own_run, key, around.when)
        for reached in self.reached(site.call, site.place):
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

    def _key(self, site: Site, called: Meaning, api: Api) -> Key:
        hidden = isinstance(called, External) and called.applied
        return Key(False) if hidden else self._keys.written(site, api)

    # ------------------------------------------------------------------------------------- what is passed in
    def _deferred_at(self, site: Site, given: _Given | None) -> Iterator[Deferred]:
        """What a call in a function leaves to whoever calls the function; `given` is what it calls, if passed in."""
        around = _Around(site, self.throttles)
        if given is not None:
            origin, path = given
            chain = (_step(site, ".".join((origin[1], *path))),)
            yield Deferred(origin, path, site, chain, around.throttled, around.repeated, around.own_run)
            return
        for function in self._functions(site.target):
            waiting = self._summary(function).deferred
            filled = filled_parameters(site.call, function) if waiting else {}
            for inner in waiting:
                origin, path = inner.origin, inner.path
                if origin[0] is function.scope:
                    passed = filled.get(origin[1])
                    outer = self._given(passed, site.place) if passed is not None else None
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

    def _given(self, expression: facts.Expression, place: Place) -> _Given | None:
        """The parameter that an expression is, or is an attribute of: `callback`, `context.tracker`.

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

    def _passed(self, summary: Summary, call: facts.Call, place: Place, function: FunctionRef) -> list[Effect]:
        """What a function does through what a call of it passes in; keys are in the terms of the function."""
        if not summary.deferred:
            return []
        filled = filled_parameters(call, function)
        found: list[Effect] = []
        for waiting in summary.deferred:
            if waiting.origin[0] is not function.scope or waiting.origin[1] not in filled:
                continue
            meaning = self.resolver.resolve(filled[waiting.origin[1]], place)
            for name in waiting.path:
                meaning = self.resolver.attribute(meaning, name) if meaning is not None else None
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
            for effect in self.of(function):
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


def _step(site: Site, text: str) -> Step:
    return site.place.unit.step(site.call.span[0], text)


def _reopens(call: facts.Call, api: Api) -> bool:
    """Whether a call goes back to one and the same run: `start_run(run_id=self.run_id)`."""
    given = argument(call, "run_id", 0) if not api.client else None
    if given is None:
        return False
    value = given.value
    return isinstance(value, facts.Attribute) or (isinstance(value, facts.Constant) and isinstance(value.value, str))
