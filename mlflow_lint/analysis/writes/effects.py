"""What the bodies of a file are, and where the calls in them lead.

A body is what runs: the module or a function. A call in it stands in loops, tests and runs, it calls something, and it
may reach functions of the project, whose summaries tell what they write. Invariant: each answer is worked out once, for
one class of `self`, and holds until more modules are known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias, TypeVar

from mlflow_lint.analysis.flow.loops import Loops
from mlflow_lint.analysis.flow.registered import Hook, Registered
from mlflow_lint.analysis.flow.sites import Loop, Site, sites
from mlflow_lint.analysis.flow.throttles import Throttles
from mlflow_lint.analysis.memo import Memo
from mlflow_lint.analysis.names.clients import through_client, through_logger
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
from mlflow_lint.analysis.names.resolve import Resolver
from mlflow_lint.analysis.names.scopes import Scope
from mlflow_lint.analysis.writes.summarise import Conclusions, Summaries
from mlflow_lint.analysis.writes.summary import NOTHING, Body, Reached
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, Kind
from mlflow_lint.facts.hooks import hook
from mlflow_lint.facts.traverse import argument
from mlflow_lint.project.modules import Unit

Asked = TypeVar("Asked", Unit, Site, Loop)
Found = TypeVar("Found")
_Identity: TypeAlias = tuple[int, int]


class Effects:
    """Answers about bodies and calls, with what they rest on: a resolver, loops, throttles and summaries."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self._start()

    def _start(self) -> None:
        known: Conclusions = Memo(NOTHING)
        self.throttles = Throttles(self.resolver)
        self.loops = Loops(self.resolver)
        self.summaries = Summaries(self.resolver, self.throttles, known, self.sites)
        self._registered = Registered(self.resolver)
        self._known = known
        self._targets: dict[_Identity, Meaning | None] = {}
        self._reached: dict[_Identity, tuple[Reached, ...]] = {}
        self._hooks: dict[_Identity, Hook | None] = {}
        self._touching: dict[_Identity, tuple[Site, ...]] = {}
        self._found: dict[tuple[object, Unit | Site | Loop], tuple[Any, ...]] = {}

    def forget(self) -> None:
        """Drop every conclusion, because more modules are known now."""
        self.resolver.forget()
        self._start()

    def once(self, question: Callable[[Effects, Asked], Iterable[Found]], about: Asked) -> tuple[Found, ...]:
        """What a question about a file, a call or a loop finds, if it is asked more than once; worked out once."""
        key = (question, about)
        if key not in self._found:
            self._found[key] = tuple(question(self, about))
        return self._found[key]

    # ---------------------------------------------------------------------------------------------- bodies
    def bodies(self, unit: Unit) -> tuple[Body, ...]:
        """The module and every function of a file, in order of appearance."""
        return self.once(_bodies, unit)

    def sites(self, body: Body) -> tuple[Site, ...]:
        """The calls of a body with what stands around them."""
        key = ("sites", *_identity(body.block, body.place.receiver))
        found = self._known.get(key, lambda: sites(body.block, body.place, self))
        return found if isinstance(found, tuple) else ()

    def touching(self, body: Body) -> tuple[Site, ...]:
        """The calls of a body that are or may be calls of MLflow, or that reach a write through the project.

        Most rules ask about nothing else, and most bodies have none.
        """
        key = _identity(body.block, body.place.receiver)
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

    def hook(self, body: Body) -> Hook | None:
        """The framework that calls a function again and again, and how often; None for other bodies."""
        function = body.function
        if function is None:
            return None
        key = _identity(function.definition, function.receiver)
        if key not in self._hooks:
            self._hooks[key] = self._hook(function)
        return self._hooks[key]

    def _hook(self, function: FunctionRef) -> Hook | None:
        registered = self._registered.hook(function)
        if registered is not None or function.receiver is None:
            return registered
        if function.scope.parent is not function.receiver.scope:
            return None
        bases = [a.dotted for a in self.resolver.classes.ancestry(function.receiver) if isinstance(a, External)]
        found = hook(function.definition.name, bases)
        return (found[0].name, found[1]) if found else None

    # ----------------------------------------------------------------------------------------------- calls
    def target(self, call: facts.Call, place: Place) -> Meaning | None:
        """What a call calls. Asked of each call by every rule, so remembered by call."""
        key = _identity(call, place.receiver)
        try:
            return self._targets[key]
        except KeyError:
            target = self._targets[key] = self.resolver.resolve(call.function, place) or self._told(call, place)
            return target

    def _told(self, call: facts.Call, place: Place) -> Meaning | None:
        """What a call of something unknown calls, by how it calls it."""
        found = through_logger(call)
        if found is None and isinstance(call.function, facts.Attribute):
            found = through_client(call, place.unit.text)
            if found is not None and self.resolver.resolve(call.function.value, place) is not None:
                return None  # a client of the project's own
        return found

    def reached(self, call: facts.Call, place: Place) -> tuple[Reached, ...]:
        """The project functions that a call may reach, and what they do with what they are given there."""
        target = self.target(call, place)
        if target is None or isinstance(target, External):
            return ()
        key = _identity(call, place.receiver)
        if key not in self._reached:
            self._reached[key] = tuple(self.summaries.reached(target, call, place))
        return self._reached[key]

    def opens_run(self, call: facts.Call, target: Meaning | None) -> bool:
        """Whether a call of something opens an MLflow run, itself or through a helper of the project."""
        if isinstance(target, External):
            api = api_called(target)
            return api is not None and api.kind is Kind.RUN and not _reopens(call, api)
        opening: Meaning | None = target
        if isinstance(target, ClassRef):
            opening = self.resolver.attribute(Instance(target), "__enter__")
        if not isinstance(opening, FunctionRef):
            return False
        return any(effect.api.kind is Kind.RUN for effect in self.summaries.of(opening).effects)

    def ends_run(self, target: Meaning | None) -> bool:
        """Whether calling something ends an MLflow run, itself or through a helper of the project."""
        if isinstance(target, FunctionRef):
            effects = self.summaries.of(target).effects
            return any(effect.api.kind is Kind.END and effect.throttled is None for effect in effects)
        api = api_called(target)
        return api is not None and api.kind is Kind.END


def _identity(subject: facts.Call | facts.Block | facts.Function, receiver: ClassRef | None) -> _Identity:
    """By what is known of something remembered, where `self` is of some class."""
    return id(subject), id(receiver.definition) if receiver is not None else 0


def _bodies(_: Effects, unit: Unit) -> Iterator[Body]:
    yield Body(unit.facts.body, Place(unit.scope), None)
    pending = deque([unit.scope])
    while pending:
        for inner in pending.popleft().inner.values():
            pending.append(inner)
            if isinstance(inner.owner, facts.Function):
                yield Body.of(FunctionRef(unit, inner.owner, inner, _receiver(unit, inner)))


def _receiver(unit: Unit, scope: Scope) -> ClassRef | None:
    """The class that a function, or one around it, is a method of."""
    for outer in scope.enclosing():
        if isinstance(outer.owner, facts.Class):
            return ClassRef(unit, outer.owner, outer)
    return None


def _reopens(call: facts.Call, api: Api) -> bool:
    """Whether a call goes back to one and the same run: `start_run(run_id=self.run_id)`."""
    given = argument(call, "run_id", 0) if not api.client else None
    if given is None:
        return False
    value = given.value
    return isinstance(value, facts.Attribute) or (isinstance(value, facts.Constant) and isinstance(value.value, str))
