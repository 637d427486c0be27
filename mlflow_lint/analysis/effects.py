"""What one call of a function does to the tracking store.

A function's effects are the MLflow writes that it makes itself and those of the project functions it calls, each with
the chain of lines that leads there and whether something on the way lets only some calls through. Invariant: a
function that is being summarised contributes nothing to itself (recursion ends), and a summary is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from mlflow_lint.analysis.loops import Loops
from mlflow_lint.analysis.meaning import ClassRef, External, FunctionRef, Instance, Meaning, ModuleRef, Place, Result
from mlflow_lint.analysis.memo import Memo
from mlflow_lint.analysis.resolve import Resolver
from mlflow_lint.analysis.scopes import Scope
from mlflow_lint.analysis.sites import Loop, Run, Site, sites
from mlflow_lint.analysis.throttles import Throttles
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, Kind, api_of
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.hooks import hook
from mlflow_lint.facts.traverse import argument, descend
from mlflow_lint.findings import Step
from mlflow_lint.project.modules import Unit

_MOST_EFFECTS = 24
_LONGEST_CHAIN = 8


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of the key that a write uses."""

    constant: bool
    """The same in every call."""
    parameters: frozenset[str] = frozenset()
    """Parameters of the function that it is built from."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One write that a call makes."""

    api: Api
    chain: tuple[Step, ...]
    """From the function's own line to the MLflow call."""
    throttled: str | None
    """What lets only some calls through, in words."""
    repeated: bool
    """Whether the write stands in a loop of the function."""
    own_run: bool
    """Whether the write goes to a run that the function itself opens."""
    key: Key


@dataclass(frozen=True, eq=False, slots=True)
class Body:
    """Something that runs: a module, a class body with it, or a function."""

    block: facts.Block
    place: Place
    function: FunctionRef | None

    @property
    def unit(self) -> Unit:
        """The file it lies in."""
        return self.place.unit


class Effects:
    """Summaries of functions, made on demand and remembered."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.throttles = Throttles(resolver)
        self.loops = Loops(resolver)
        # One memo for both, since what is around a call (a run that a helper opens) rests on effects in turn.
        self._targets: dict[tuple[int, int], Meaning | None] = {}
        self._known: Memo[tuple[Site, ...] | tuple[Effect, ...]] = Memo(())

    def forget(self) -> None:
        """Drop every conclusion, because more modules are known now."""
        self.resolver.forget()
        self.throttles = Throttles(self.resolver)
        self.loops = Loops(self.resolver)
        self._targets.clear()
        self._known.clear()

    def exports(self, unit: Unit) -> frozenset[str]:
        """Names of a module through which an importer can reach MLflow: functions, classes, objects, modules."""
        place = Place(unit.scope)
        return frozenset(name for name in unit.scope.bindings if self._reaches(self.resolver.name(name, place)))

    def _reaches(self, meaning: Meaning | None) -> bool:
        match meaning:
            case FunctionRef():
                return bool(self.of(meaning)) or self._reaches(self.resolver.returned(meaning))
            case ClassRef() | Instance():
                of = meaning.type if isinstance(meaning, Instance) else meaning
                return any(
                    isinstance(owner, ClassRef)
                    and any(
                        isinstance(inner.owner, facts.Function)
                        and self.of(FunctionRef(owner.unit, inner.owner, inner, of))
                        for inner in owner.scope.inner.values()
                    )
                    for owner in self.resolver.classes.ancestry(of)
                )
            case ModuleRef(file):
                return self.resolver.modules.unit(file) is not None
            case External(dotted) | Result(dotted):
                return dotted.partition(".")[0] == "mlflow"
        return False

    # ---------------------------------------------------------------------------------------------- bodies
    def bodies(self, unit: Unit) -> Iterator[Body]:
        """The module and every function of a file, in order of appearance."""
        yield Body(unit.facts.body, Place(unit.scope), None)
        pending = [unit.scope]
        while pending:
            scope = pending.pop(0)
            for inner in scope.inner.values():
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
        return cast("tuple[Site, ...]", self._known.get(key, lambda: tuple(sites(body.block, body.place, self))))

    def hook(self, body: Body) -> tuple[str, Frequency] | None:
        """The framework that calls a method again and again, and how often; None for other bodies."""
        function = body.function
        if function is None or function.receiver is None:
            return None
        if function.scope.parent is not function.receiver.scope:
            return None
        bases = [a.dotted for a in self.resolver.classes.ancestry(function.receiver) if isinstance(a, External)]
        found = hook(function.definition.name, bases)
        return (found[0].name, found[1]) if found else None

    # ----------------------------------------------------------------------------------------------- calls
    def api(self, call: facts.Call, place: Place) -> Api | None:
        """The MLflow call that this is, if it is one."""
        return _api(self.target(call, place))

    def target(self, call: facts.Call, place: Place) -> Meaning | None:
        """What a call calls. Asked of each call by every rule, so remembered by call."""
        key = (id(call), id(place.receiver.definition) if place.receiver else 0)
        if key not in self._targets:
            self._targets[key] = self.resolver.resolve(call.function, place)
        return self._targets[key]

    def opens_run(self, call: facts.Call, place: Place) -> bool:
        """Whether a call opens an MLflow run, itself or through a helper of the project."""
        meaning = self.target(call, place)
        api = _api(meaning)
        if api is not None:
            return api.kind is Kind.RUN and not _reopens(call, api)
        if isinstance(meaning, ClassRef):
            entering = self.resolver.attribute(Instance(meaning), "__enter__")
            if isinstance(entering, FunctionRef):
                return any(effect.api.kind is Kind.RUN for effect in self.of(entering))
        if isinstance(meaning, FunctionRef):
            return any(effect.api.kind is Kind.RUN for effect in self.of(meaning))
        return False

    def ends_run(self, call: facts.Call, place: Place) -> bool:
        """Whether a call ends an MLflow run, itself or through a helper of the project."""
        meaning = self.target(call, place)
        if isinstance(meaning, FunctionRef):
            return any(effect.api.kind is Kind.END and effect.throttled is None for effect in self.of(meaning))
        api = _api(meaning)
        return api is not None and api.kind is Kind.END

    def of_call(self, call: facts.Call, place: Place) -> tuple[FunctionRef, tuple[Effect, ...]] | None:
        """The project function that a call reaches, and what that does; None for anything else."""
        meaning = self.target(call, place)
        if isinstance(meaning, FunctionRef):
            return meaning, self.of(meaning)
        return None

    def of(self, function: FunctionRef) -> tuple[Effect, ...]:
        """What one call of a function writes."""
        definition = function.definition
        key = ("effects", id(definition), id(function.receiver.definition) if function.receiver else 0)
        return cast("tuple[Effect, ...]", self._known.get(key, lambda: self._summary(function)))

    def _summary(self, function: FunctionRef) -> tuple[Effect, ...]:
        definition = function.definition
        if definition.is_generator and not _is_context_manager(definition):
            return ()  # it runs where it is iterated
        body = Body(definition.body, Place(function.scope, function.receiver), function)
        found: dict[tuple[object, ...], Effect] = {}
        for site in self.sites(body):
            for effect in self._at(site, body):
                shape = (effect.api, effect.throttled is None, effect.repeated, effect.own_run, effect.key)
                known = found.get(shape)
                if known is None and len(found) < _MOST_EFFECTS:
                    found[shape] = effect
        return tuple(found.values())

    def _at(self, site: Site, body: Body) -> Iterator[Effect]:
        """Effects of one call inside a function, as seen by whoever calls the function."""
        unit = body.unit
        throttled = self.throttles.between(site.frames, None)
        repeated = any(isinstance(frame, Loop) for frame in site.frames)
        own_run = any(isinstance(frame, Run) for frame in site.frames)
        api = self.api(site.call, site.place)
        line = unit.line(site.call.span[0])
        if api is not None:
            step = Step(unit.path, line, api.label)
            key = self.key_of(site, api, body)
            yield Effect(api, (step,), throttled, repeated, own_run and api.kind is not Kind.RUN, key)
            return
        reached = self.of_call(site.call, site.place)
        if reached is None:
            return
        function, effects = reached
        for effect in effects:
            if len(effect.chain) >= _LONGEST_CHAIN:
                continue
            step = Step(unit.path, line, function.definition.name)
            yield Effect(
                effect.api,
                (step, *effect.chain),
                throttled or effect.throttled,
                repeated or effect.repeated,
                own_run or effect.own_run,
                self._passed_key(effect.key, site, function, body),
            )

    # ------------------------------------------------------------------------------------------------- keys
    def key_of(self, site: Site, api: Api, body: Body) -> Key:
        """What is known of the key of a direct write."""
        if api.plural:
            given = argument(site.call, api.parameters[0 if not api.client else 1], 0)
            if given is not None and isinstance(given.value, facts.Mapping):
                parts = [self._origin(k, site, body) for k, _ in given.value.items if k is not None]
                complete = len(parts) == len(given.value.items)
                return Key(complete and all(part == frozenset() for part in parts))
            return Key(False)
        if "key" not in api.parameters:
            return Key(False)
        given = argument(site.call, "key", api.parameters.index("key"))
        if given is None:
            return Key(False)
        origin = self._origin(given.value, site, body)
        if origin is None:
            return Key(False)
        return Key(not origin, origin)

    def _passed_key(self, key: Key, site: Site, function: FunctionRef, body: Body) -> Key:
        if not key.parameters:
            return key
        filled = self.resolver.parameter_arguments(site.call, function)
        origins: set[str] = set()
        for name in key.parameters:
            if name in filled:
                origin = self._origin(filled[name], site, body)
                if origin is None:
                    return Key(False)
                origins |= origin
        return Key(not origins, frozenset(origins))

    def _origin(self, expression: facts.Expression, site: Site, body: Body) -> frozenset[str] | None:
        """Parameters that an expression is built from; empty if it is always the same, None if it may vary."""
        if body.function is None:
            parameters: frozenset[str] = frozenset()
        else:
            parameters = frozenset(p.name for p in body.function.definition.parameters)
        found: set[str] = set()
        for node in descend(expression):
            if isinstance(node, (facts.Call, facts.Subscript)):
                return None
            if isinstance(node, facts.Name):
                holder = site.place.scope.holder(node.id)
                if holder is body.place.scope and node.id in parameters:
                    found.add(node.id)
                elif holder is not None and not self._is_fixed(node, site.place):
                    return None
        return frozenset(found)

    def _is_fixed(self, name: facts.Name, place: Place) -> bool:
        if self.throttles.constant(name, place) is not ...:
            return True
        return self.resolver.resolve(name, place) is not None


def _api(meaning: Meaning | None) -> Api | None:
    return api_of(meaning.dotted) if isinstance(meaning, External) else None


def _reopens(call: facts.Call, api: Api) -> bool:
    """Whether a call goes back to one and the same run: `start_run(run_id=self.run_id)`."""
    given = argument(call, "run_id", 0) if not api.client else None
    if given is None:
        return False
    value = given.value
    return isinstance(value, facts.Attribute) or (isinstance(value, facts.Constant) and isinstance(value.value, str))


def _is_context_manager(definition: facts.Function) -> bool:
    return any(
        getattr(node, "name", getattr(node, "id", "")) in ("contextmanager", "asynccontextmanager")
        for node in definition.decorators
    )
