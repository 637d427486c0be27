"""What an expression stands for: MLflow, a client, a function or class of the project, or something unknown.

Invariant: an answer is given only when every binding that could be in force agrees; `None` means unknown, and
unknown means silent. Fallbacks (`except ImportError: mlflow = None`) give way to what they stand in for.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import tee

from mlflow_lint.analysis.memo import Memo
from mlflow_lint.analysis.names.annotations import annotated, is_vague
from mlflow_lint.analysis.names.callers import Callers
from mlflow_lint.analysis.names.classes import Classes
from mlflow_lint.analysis.names.clients import CLIENT, is_logger
from mlflow_lint.analysis.names.elements import Elements
from mlflow_lint.analysis.names.imports import Imports, imported_by_name
from mlflow_lint.analysis.names.meaning import (
    ClassRef,
    External,
    FunctionRef,
    Instance,
    Meaning,
    ModuleRef,
    Place,
    Result,
    Several,
    Super,
    agreed,
    either,
)
from mlflow_lint.analysis.names.scopes import (
    Binding,
    Declared,
    Entered,
    Imported,
    Item,
    Scope,
    Unknown,
    Value,
    says_nothing,
)
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import is_classmethod, is_static, returned_values
from mlflow_lint.project.modules import Modules

_DEPTH = 200


class Resolver:
    """Resolves expressions across the modules of a project; answers are remembered."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        # One memo for all, since what a name stands for may rest on a class's ancestry, and the other way round.
        self._known: Memo[Meaning | tuple[ClassRef | External, ...] | None] = Memo(None)
        self.classes = Classes(self)
        self.callers = Callers(self)
        self.elements = Elements(self)
        self._imports = Imports(self)
        self._lambdas: dict[int, FunctionRef] = {}
        self._libraries: dict[tuple[Scope, int], Iterator[tuple[str, str]]] = {}
        self._depth = 0
        self.reads_anyway = False
        """Whether modules that cannot reach MLflow are read as well."""

    def forget(self) -> None:
        """Drop every answer, because more modules are known now."""
        self._known.clear()
        self._lambdas.clear()
        self._libraries.clear()
        self.classes = Classes(self)
        self.callers = Callers(self)
        self.elements = Elements(self)
        self.modules.forget_absent()

    def remembered(self, key: tuple[Hashable, ...], answer: Callable[[], Meaning | None]) -> Meaning | None:
        """The answer to a question about the project, worked out once."""
        found = self._known.get((self.reads_anyway, *key), answer)
        return None if isinstance(found, tuple) else found

    def ancestry(
        self, definition: ClassRef, answer: Callable[[], tuple[ClassRef | External, ...]]
    ) -> tuple[ClassRef | External, ...]:
        """The ancestry of a class, worked out once; of one that is just being worked out, the class alone."""
        found = self._known.get((self.reads_anyway, "ancestry", id(definition.definition)), answer)
        return found if isinstance(found, tuple) else (definition,)

    @contextmanager
    def reading_anyway(self) -> Iterator[None]:
        """Within this, modules that cannot reach MLflow are read as well."""
        before, self.reads_anyway = self.reads_anyway, True
        try:
            yield
        finally:
            self.reads_anyway = before

    # ------------------------------------------------------------------------------------------- expressions
    def resolve(self, expression: facts.Expression, place: Place) -> Meaning | None:
        """What an expression stands for, or None."""
        if self._depth > _DEPTH:
            return None
        self._depth += 1
        try:
            return self._resolve(expression, place)
        finally:
            self._depth -= 1

    def _resolve(self, expression: facts.Expression, place: Place) -> Meaning | None:
        match expression:
            case facts.Name(name):
                return self.name(name, place)
            case facts.Attribute(value, name):
                owner = self.resolve(value, place)
                return self.attribute(owner, name) if owner is not None else None
            case facts.Call():
                return self._call(expression, place)
            case facts.Await(value) | facts.Starred(value) | facts.Assigned(_, value):
                return self.resolve(value, place)
            case facts.Operation("or", operands):
                return self._alternatives(operands, place)
            case facts.Conditional(_, body, otherwise):
                return self._alternatives((body, otherwise), place)
            case facts.Lambda():
                return self._lambda(expression, place)
            case facts.Subscript(value, _):
                # Which of several members it is, nobody knows.
                member = self.elements.of(value, (), place)
                return None if isinstance(member, Several) else member
        return None

    def _lambda(self, expression: facts.Lambda, place: Place) -> Meaning:
        """A lambda as the function that it is."""
        key = id(expression)
        if key not in self._lambdas:
            body = (facts.Leave("return", expression.body, expression.span),)
            parameters, span = expression.parameters, expression.span
            definition = facts.Function("<lambda>", parameters, body, (), None, False, False, span)
            scope = Scope(definition, place.scope, place.scope.home)
            for parameter in parameters:
                scope.bind(parameter.name, parameter)
            self._lambdas[key] = FunctionRef(place.unit, definition, scope, place.receiver)
        return self._lambdas[key]

    def _alternatives(self, options: tuple[facts.Expression, ...], place: Place) -> Meaning | None:
        """`given or MlflowClient()`: what is passed in is meant to be used like what stands in for it."""
        known: list[Meaning] = []
        for option in options:
            if isinstance(option, facts.Constant):
                continue
            meaning = self.resolve(option, place)
            if meaning is not None:
                known.append(meaning)
            elif not isinstance(option, (facts.Name, facts.Attribute)):
                return None
        return either(known)

    def _call(self, call: facts.Call, place: Place) -> Meaning | None:
        function = call.function
        if isinstance(function, facts.Name) and place.scope.holder(function.id) is None:
            if function.id == "super":
                return self._super(place)
            if function.id == "getattr" and len(call.arguments) >= 2:
                wanted = call.arguments[1].value
                owner = self.resolve(call.arguments[0].value, place)
                if owner is not None and isinstance(wanted, facts.Constant) and isinstance(wanted.value, str):
                    return self.attribute(owner, wanted.value)
            return None
        module = imported_by_name(call)
        return module or self._result(self.resolve(function, place), call, place)

    def _result(self, called: Meaning | None, call: facts.Call, place: Place) -> Meaning | None:
        """What calling something gives."""
        match called:
            case External("functools.partial") if call.arguments:
                return _applied(self.resolve(call.arguments[0].value, place), call.arguments[1:])
            case External(dotted):
                return Result(dotted)
            case ClassRef():
                return Instance(called)
            case FunctionRef():
                return self.returned(called)
            case Several(options):
                results = [self._result(option, call, place) for option in options]
                return either([result for result in results if result is not None])
        return None

    def _super(self, place: Place) -> Meaning | None:
        for scope in place.scope.enclosing():
            if isinstance(scope.owner, facts.Class):
                definition = ClassRef(place.unit, scope.owner, scope)
                return Super(definition, place.receiver or definition)
        return None

    def returned(self, function: FunctionRef) -> Meaning | None:
        """What calling a function of the project gives, where all its returns agree."""
        definition = function.definition
        if definition.is_generator:
            return None
        if definition.returns is not None:
            annotated = self.annotation(definition.returns, Place(function.scope))
            if annotated is not None:
                return annotated
        place = Place(function.scope, function.receiver)
        known: list[Meaning] = []
        for value in returned_values(definition.body):
            if isinstance(value, facts.Constant):
                continue
            meaning = self.resolve(value, place)
            if meaning is None:
                return None
            known.append(meaning)
        return either(known)

    # ------------------------------------------------------------------------------------------------- names
    def name(self, name: str, place: Place) -> Meaning | None:
        """What a name stands for in a scope."""
        holder = place.scope.holder(name)
        if holder is None:
            return self._imports.starred(name, place)
        receiver = place.receiver if place.receiver is not None and _within(place.scope, holder) else None
        # The scope itself is the key: that of a comprehension would otherwise be gone, and its id another's.
        key = (holder, name, id(receiver.definition) if receiver is not None else 0)
        return self.remembered(key, lambda: self._bound(holder, name, Place(holder, receiver)))

    def libraries(self, place: Place) -> Iterator[tuple[str, str]]:
        """The names in sight that stand for something of a library, innermost first, each with its dotted path."""
        key = (place.scope, id(place.receiver.definition) if place.receiver else 0)
        if key not in self._libraries:
            self._libraries[key] = self._libraries_of(place)
        # What was found before is not looked for again, and none is looked for that nobody asks for.
        names, self._libraries[key] = tee(self._libraries[key])
        return names

    def _libraries_of(self, place: Place) -> Iterator[tuple[str, str]]:
        for scope in place.scope.enclosing():
            for name in scope.bindings if scope is place.scope or not scope.is_class else ():
                meaning = self.name(name, place)
                if isinstance(meaning, External):
                    yield name, meaning.dotted

    def _bound(self, holder: Scope, name: str, place: Place) -> Meaning | None:
        bindings = holder.bindings[name]
        firm = [binding for binding in bindings if not _is_fallback(binding)]
        for group in (firm, bindings):
            known: list[Meaning] = []
            for binding in group:
                if says_nothing(binding, group):
                    continue
                meaning = self.binding(binding, place)
                if meaning is None:
                    known.clear()
                    break
                known.append(meaning)
            # A definition replaces what the name was before; assignments may each have their turn.
            defined = any(isinstance(binding, (facts.Function, facts.Class)) for binding in group)
            common = agreed(known) if defined else either(known)
            if common is not None or (group is firm and firm):
                return common
        return None

    def binding(self, binding: Binding, place: Place) -> Meaning | None:
        """What one binding of a name in the scope of `place` stands for."""
        match binding:
            case Value(facts.Call() as call, True, _, 0):
                return imported_by_name(call)  # `mlflow, found = optional_import("mlflow")`
            case Value(expression, unpacked):
                return None if unpacked else self.resolve(expression, place)
            case Declared(annotation):
                return self.annotation(annotation, place)
            case Entered(expression):
                return self._entered(expression, place)
            case Imported(name):
                return self._imports.bound(name, place)
            case facts.Parameter():
                return self._parameter(binding, place)
            case facts.Function():
                scope = place.scope.inner.get(id(binding))
                # A decorator that wraps a function leaves what the function does in place.
                return FunctionRef(place.unit, binding, scope, place.receiver) if scope else None
            case facts.Class():
                scope = place.scope.inner.get(id(binding))
                return ClassRef(place.unit, binding, scope) if scope else None
            case Item(iterable, path):
                return self.elements.of(iterable, path, place)
        return None

    def _entered(self, expression: facts.Expression, place: Place) -> Meaning | None:
        """`with value as name` gives what `__enter__` returns, which for most objects is the object."""
        meaning = self.resolve(expression, place)
        if isinstance(meaning, Instance):
            entering = self.attribute(meaning, "__enter__")
            if isinstance(entering, FunctionRef):
                return self.returned(entering)
        return meaning

    def _parameter(self, parameter: facts.Parameter, place: Place) -> Meaning | None:
        function = place.scope.owner
        if parameter.star:
            return None
        if isinstance(function, facts.Function) and place.scope.parent is not None:
            first = function.parameters[0] if function.parameters else None
            outer = place.scope.parent
            if first is parameter and isinstance(outer.owner, facts.Class) and not is_static(function):
                owner = ClassRef(place.unit, outer.owner, outer)
                receiver = place.receiver or owner
                return receiver if is_classmethod(function) else Instance(receiver)
        if parameter.annotation is not None and not is_vague(parameter.annotation):
            return self.annotation(parameter.annotation, place)
        if parameter.default is not None and not isinstance(parameter.default, facts.Constant):
            outer_place = Place(place.scope.parent) if place.scope.parent is not None else place
            return self.resolve(parameter.default, outer_place)
        return self._passed(parameter, place.scope)

    def _passed(self, parameter: facts.Parameter, scope: Scope) -> Meaning | None:
        """What the calls in the same file pass for a parameter, if all of them are known."""
        known: list[Meaning] = []
        for given, where in self.callers.arguments(scope, parameter.name) or ():
            if isinstance(given, facts.Constant):
                continue
            meaning = self.resolve(given, where)
            if meaning is None:
                return None
            known.append(meaning)
        return either(known)

    def annotation(self, expression: facts.Expression, place: Place) -> Meaning | None:
        """What an object with this annotation is."""
        return annotated(expression, place, self)

    # -------------------------------------------------------------------------------------------- attributes
    def attribute(self, owner: Meaning, name: str) -> Meaning | None:
        """What `owner.name` stands for."""
        match owner:
            case External(dotted):
                return External(f"{dotted}.{name}")
            case Result(dotted) if name == "experiment" and is_logger(dotted):
                return Result(CLIENT)
            case Result(dotted):
                return External(f"{dotted}().{name}")
            case ModuleRef(file):
                return self._imports.member(file, name)
            case ClassRef():
                return self.classes.member(owner, name, owner, instance=False)
            case Instance(of):
                return self.classes.member(of, name, of, instance=True)
            case Several(options):
                members = [self.attribute(option, name) for option in options]
                known = tuple(meaning for meaning in members if meaning is not None)
                return Several(known) if known else None
            case Super(of, receiver):
                for base in self.classes.bases(of):
                    if isinstance(base, ClassRef):
                        found = self.classes.member(base, name, receiver, instance=True)
                        if found is not None:
                            return found
                return None
        return None


def _applied(meaning: Meaning | None, arguments: tuple[facts.Argument, ...]) -> Meaning | None:
    """What `functools.partial` makes of a function."""
    if isinstance(meaning, (External, FunctionRef)):
        return replace(meaning, applied=(*meaning.applied, *arguments))
    return None


def _is_fallback(binding: Binding) -> bool:
    return isinstance(binding, (Value, Unknown, Imported)) and binding.fallback


def _within(scope: Scope, holder: Scope) -> bool:
    """Whether `holder` is at or inside the method that gives `scope` its `self`."""
    return holder.parent is not None and any(scope_ is holder for scope_ in scope.enclosing())
