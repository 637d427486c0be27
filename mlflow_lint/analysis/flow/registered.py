"""Functions that a framework calls because they were registered with it, and how often.

`trainer.add_event_handler(Events.ITERATION_COMPLETED, log)`, `@trainer.on(…)`, `LambdaCallback(on_batch_end=log)`,
`model.add_callback("on_train_batch_end", log)`, `module.register_forward_hook(log)`. Invariant: a registration counts
only in the file that defines the function, where every check of that file sees it.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.names.meaning import ClassRef, External, FunctionRef, Instance, Meaning, Place, options_of
from mlflow_lint.analysis.names.resolve import Resolver
from mlflow_lint.analysis.names.scopes import Imported, Scope
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.hooks import FRAMEWORKS, REGISTRARS, REGISTRATIONS, Registration, event
from mlflow_lint.facts.traverse import argument, last_name
from mlflow_lint.regex import regex

Hook = tuple[str, Frequency]
"""The framework's name, and how often it calls."""

_SOMETIMES = ("every", "once", "event_filter", "before", "after")
"""What an Ignite event is given to let only some occurrences through (`ignite/engine/events.py`)."""
_PACKAGES = frozenset(package for framework in FRAMEWORKS for package in framework.packages)
_EVENTS = frozenset[str]().union(*(framework.per_step | framework.per_epoch for framework in FRAMEWORKS))
_WORD = regex(r"\w+")


class Registered:
    """Finds registrations; each file is looked through once."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._known: dict[Scope, dict[int, Hook]] = {}

    def hook(self, function: FunctionRef) -> Hook | None:
        """Who calls a function again and again, and how often, if the file that defines it registers it."""
        module = function.scope.module
        if module not in self._known:
            self._known[module] = {}
            for definition, found in self._registrations(Place(module)):
                self._known[module].setdefault(id(definition), found)
        return self._known[module].get(id(function.definition)) or self._decorated(function)

    def _decorated(self, function: FunctionRef) -> Hook | None:
        place = Place(function.scope.parent or function.scope, function.receiver)
        for decorator in function.definition.decorators:
            if isinstance(decorator, facts.Call) and last_name(decorator.function) in REGISTRARS:
                found = self._event(decorator.arguments[0].value, place) if decorator.arguments else None
                if found is not None:
                    return found
        return self._returned(function)

    def _returned(self, function: FunctionRef) -> Hook | None:
        """spaCy calls the `log_step` that a function registered by `@spacy.registry.loggers(…)` returns."""
        outer = function.scope.parent.owner if function.scope.parent is not None else None
        if isinstance(outer, facts.Function) and any(last_name(d) == "loggers" for d in outer.decorators):
            found = event(function.definition.name, "spacy")
            return (found[0].name, found[1]) if found is not None else None
        return None

    def _registrations(self, place: Place) -> Iterator[tuple[facts.Function, Hook]]:
        imported = _imported_packages(place.scope)
        registrations = [row for row in REGISTRATIONS if imported.intersection(row.packages)]
        if not _speaks_of_any(place.unit.text, registrations, bool(imported & _PACKAGES)):
            return  # most files: looking at each of their calls can be spared
        for name, calls in self._resolver.callers.calls(place).items():
            rows = [row for row in registrations if name in row.calls]
            for call, where in calls:
                for row in rows:
                    given = argument(call, row.keyword, row.position if row.position is not None else 1 << 10)
                    if given is not None:
                        yield from self._handlers(given.value, where, (row.framework, row.frequency))
                if name in REGISTRARS and len(call.arguments) > 1:
                    found = self._event(call.arguments[0].value, where)
                    if found is not None:
                        yield from self._handlers(call.arguments[1].value, where, found)
                if imported & _PACKAGES and any(given.keyword for given in call.arguments):
                    yield from self._by_keyword(call, where)

    def _by_keyword(self, call: facts.Call, place: Place) -> Iterator[tuple[facts.Function, Hook]]:
        """`LambdaCallback(on_batch_end=log)`."""
        for given in call.arguments:
            if given.keyword is None or event(given.keyword, "") is None:
                continue
            called = self._resolver.resolve(call.function, place)
            if isinstance(called, External):
                found = event(given.keyword, called.dotted.partition(".")[0])
                if found is not None:
                    yield from self._handlers(given.value, place, (found[0].name, found[1]))

    def _event(self, expression: facts.Expression, place: Place) -> Hook | None:
        """How often an event occurs: a name in quotes, `Events.ITERATION_COMPLETED`, several joined by `|`."""
        match expression:
            case facts.Constant(str() as name):
                found = event(name, "")
            case facts.Operation("|", operands):
                hooks = [hook for hook in (self._event(o, place) for o in operands) if hook is not None]
                return next((hook for hook in hooks if hook[1] is Frequency.PER_STEP), hooks[0] if hooks else None)
            case facts.Call(function, arguments):
                every = expression.keyword("every")
                always = every is not None and every.value == facts.Constant(1) and len(arguments) == 1
                sometimes = any(given.keyword in _SOMETIMES for given in arguments)
                return self._event(function, place) if always or not sometimes else None
            case facts.Attribute():
                meaning = self._resolver.resolve(expression, place)
                dotted = meaning.dotted if isinstance(meaning, External) else ""
                package, _, _ = dotted.partition(".")
                found = event(expression.name, package) if package else None
            case _:
                return None
        return (found[0].name, found[1]) if found is not None else None

    def _handlers(self, value: facts.Expression, place: Place, hook: Hook) -> Iterator[tuple[facts.Function, Hook]]:
        """The functions that a registration names; of an object, the methods that the framework calls."""
        values = value.items if isinstance(value, facts.Collection) else (value,)
        for one in values:
            for option in options_of(self._resolver.resolve(one, place)):
                if isinstance(option, FunctionRef):
                    yield option.definition, hook
                elif isinstance(option, Instance):
                    yield from self._methods(option.type, hook[0])

    def _methods(self, of: ClassRef, framework: str) -> Iterator[tuple[facts.Function, Hook]]:
        row = next((f for f in FRAMEWORKS if f.name == framework), None)
        for name in sorted(row.per_step | row.per_epoch) if row is not None else ():
            method: Meaning | None = self._resolver.attribute(Instance(of), name)
            if row is not None and isinstance(method, FunctionRef):
                frequency = Frequency.PER_STEP if name in row.per_step else Frequency.PER_EPOCH
                yield method.definition, (framework, frequency)


def _speaks_of_any(text: str, registrations: list[Registration], by_keyword: bool) -> bool:
    """Whether a text has words of one of these registrations, or of one of an event where such are told apart."""
    by_event = by_keyword or any(f".{name}(" in text for name in REGISTRARS)
    words = frozenset[str]().union(*(row.calls for row in registrations), _EVENTS if by_event else ())
    return bool(words) and not words.isdisjoint(_WORD.findall(text))


def _imported_packages(scope: Scope) -> frozenset[str]:
    """Top-level packages that a module imports at its own level."""
    return frozenset(
        binding.name.module.partition(".")[0]
        for group in scope.bindings.values()
        for binding in group
        if isinstance(binding, Imported) and not binding.name.level
    )
