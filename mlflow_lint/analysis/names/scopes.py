"""Which names a scope binds, and to what.

Follows Python's own rules: a name bound anywhere in a function is local to all of it, class scopes are invisible to
the functions in them, comprehensions and lambdas have scopes of their own. Invariant: building a scope evaluates
nothing; a binding keeps the expression, and `resolve` asks what it stands for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from mlflow_lint.facts import model as facts
from mlflow_lint.facts.traverse import bound_names, descend
from mlflow_lint.record import record


@record
class Value:
    """Bound to a value; with `unpacked`, to a part of it. A `fallback` only counts when nothing else is known."""

    expression: facts.Expression
    unpacked: bool = False
    fallback: bool = False
    index: int = 0
    """Which part, where it is unpacked."""


@record
class Item:
    """Bound to each item of an iterable, or to a part of it: a loop target."""

    iterable: facts.Expression
    path: tuple[int, ...]


@record
class Entered:
    """Bound by `with … as`."""

    expression: facts.Expression


@record
class Imported:
    """Bound by an import."""

    name: facts.ImportedName
    fallback: bool = False


@record
class Declared:
    """Only annotated: `client: MlflowClient`."""

    annotation: facts.Expression


@record
class Unknown:
    """Bound to something that is not followed: `except … as`, a pattern, `+=`."""

    fallback: bool = False


Binding: TypeAlias = (
    Value | Item | Entered | Imported | Declared | Unknown | facts.Function | facts.Class | facts.Parameter
)


def says_nothing(binding: Binding, group: list[Binding]) -> bool:
    """`x = None` only makes room; a bare annotation adds nothing to a value."""
    if isinstance(binding, Value):
        return isinstance(binding.expression, facts.Constant)
    return isinstance(binding, Declared) and len(group) > 1


@dataclass(eq=False, slots=True)
class Scope:
    """A namespace; `owner` is the fact that opens it. Identity is what distinguishes scopes."""

    owner: facts.Module | facts.Function | facts.Class | facts.Comprehension
    parent: Scope | None
    home: object
    """The unit (file) that the scope lies in."""
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    """Names declared `global` or `nonlocal` here."""
    inner: dict[int, Scope] = field(default_factory=dict)
    """Scopes of the functions and classes defined here, by `id` of their fact."""
    stars: list[facts.ImportedName] = field(default_factory=list)
    """Star imports: they may bind any name."""

    @property
    def is_class(self) -> bool:
        """Whether this is the namespace of a class body."""
        return isinstance(self.owner, facts.Class)

    @property
    def module(self) -> Scope:
        """The module's own scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def bind(self, name: str, binding: Binding) -> None:
        """Add one way in which `name` comes to be bound."""
        self.bindings.setdefault(name, []).append(binding)

    def holder(self, name: str) -> Scope | None:
        """The scope that a read of `name` here finds its binding in; None for builtins and unknown names."""
        scope: Scope | None = self
        while scope is not None:
            declared = scope.elsewhere.get(name)
            if declared == "global":
                scope = scope.module
                return scope if name in scope.bindings else None
            if name in scope.bindings and declared is None and (scope is self or not scope.is_class):
                return scope
            scope = scope.parent
        return None

    def enclosing(self) -> Iterator[Scope]:
        """This scope and the ones around it, innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


def module_scope(scope: Scope, home: object, text: str) -> None:
    """Fill the scope of a module, and those inside it, with what its code binds; `text` is what it was read from."""
    assert isinstance(scope.owner, facts.Module)
    scope.home = home
    _Binder(":=" in text).block(scope, scope.owner.body, False)
    scope.stars.extend(facts.ImportedName("*", path, 0, None) for path in scope.owner.included)


def clause_scope(comprehension: facts.Comprehension, parent: Scope) -> Scope:
    """The scope of a comprehension, whose targets hide outer names."""
    scope = Scope(comprehension, parent, parent.home)
    for clause in comprehension.clauses:
        _bind_items(scope, clause.target, clause.iterable, ())
    return scope


def _bind_items(scope: Scope, target: facts.Expression, iterable: facts.Expression, path: tuple[int, ...]) -> None:
    if isinstance(target, facts.Name):
        scope.bind(target.id, Item(iterable, path))
    elif isinstance(target, facts.Collection):
        for index, part in enumerate(target.items):
            _bind_items(scope, part, iterable, (*path, index))
    elif isinstance(target, facts.Starred):
        _bind_items(scope, target.value, iterable, (*path, -1))


@dataclass(frozen=True)
class _Binder:
    """Binds what the statements of a file bind."""

    assigned: bool
    """Whether there are assignments in expressions, which few files have and all would be searched for."""

    def block(self, scope: Scope, block: facts.Block, fallback: bool) -> None:
        for statement in block:
            self._statement(scope, statement, fallback)

    def _statement(self, scope: Scope, statement: facts.Statement, fallback: bool) -> None:
        match statement:
            case facts.Assign(targets, value, annotation):
                for target in targets:
                    _bind_target(scope, target, value, annotation, fallback)
                if value is not None:
                    self._expression(scope, value)
            case facts.Evaluate(value):
                self._expression(scope, value)
            case facts.Update(target):
                for name in bound_names(target):
                    scope.bind(name, Unknown(fallback))
            case facts.Import(imported):
                for item in imported:
                    if item.local == "*":
                        scope.stars.append(item)
                    else:
                        scope.bind(item.local, Imported(item, fallback))
            case facts.Declare(kind, names):
                scope.elsewhere.update(dict.fromkeys(names, kind))
            case facts.If(test, body, orelse):
                self._expression(scope, test)
                self.block(scope, body, fallback)
                self.block(scope, orelse, fallback)
            case facts.For(target, iterable, body, orelse):
                _bind_items(scope, target, iterable, ())
                self.block(scope, body, fallback)
                self.block(scope, orelse, fallback)
            case facts.While(test, body, orelse):
                self._expression(scope, test)
                self.block(scope, body, fallback)
                self.block(scope, orelse, fallback)
            case facts.Try(body, handlers, orelse, final):
                self.block(scope, body, fallback)
                for handler in handlers:
                    if handler.name:
                        scope.bind(handler.name, Unknown(fallback))
                    # What a handler binds stands in for what the body could not: `except ImportError: mlflow = None`.
                    self.block(scope, handler.body, True)
                self.block(scope, orelse, fallback)
                self.block(scope, final, fallback)
            case facts.With(items, body):
                for manager, entered in items:
                    if isinstance(entered, facts.Name):
                        scope.bind(entered.id, Entered(manager))
                    elif entered is not None:
                        for name in bound_names(entered):
                            scope.bind(name, Unknown())
                self.block(scope, body, fallback)
            case facts.Match(_, cases):
                for case in cases:
                    for name in case.names:
                        scope.bind(name, Unknown(fallback))
                    self.block(scope, case.body, fallback)
            case facts.Function():
                scope.bind(statement.name, statement)
                inner = Scope(statement, scope, scope.home)
                scope.inner[id(statement)] = inner
                for parameter in statement.parameters:
                    inner.bind(parameter.name, parameter)
                self.block(inner, statement.body, False)
                _hoist(scope, inner)
            case facts.Class():
                scope.bind(statement.name, statement)
                inner = Scope(statement, scope, scope.home)
                scope.inner[id(statement)] = inner
                self.block(inner, statement.body, False)
                _hoist(scope, inner)
            case facts.Leave():
                pass

    def _expression(self, scope: Scope, expression: facts.Expression) -> None:
        for node in descend(expression) if self.assigned else ():
            if isinstance(node, facts.Assigned):
                scope.bind(node.name, Value(node.value))


def _hoist(scope: Scope, inner: Scope) -> None:
    """Bindings of names declared `global` or `nonlocal` belong to the scope they name."""
    for name, kind in inner.elsewhere.items():
        bindings = inner.bindings.pop(name, [])
        holder = scope.module if kind == "global" else scope
        for binding in bindings:
            holder.bind(name, binding)


def _bind_target(
    scope: Scope,
    target: facts.Expression,
    value: facts.Expression | None,
    annotation: facts.Expression | None,
    fallback: bool,
) -> None:
    if isinstance(target, facts.Name):
        if annotation is not None:
            scope.bind(target.id, Declared(annotation))
        if value is not None:
            scope.bind(target.id, Value(value, False, fallback))
    elif isinstance(target, facts.Collection) and value is not None:
        parts = value.items if isinstance(value, facts.Collection) else ()
        paired = len(parts) == len(target.items) and not any(
            isinstance(item, facts.Starred) for item in (*parts, *target.items)
        )
        for index, item in enumerate(target.items):
            if paired:
                _bind_target(scope, item, parts[index], None, fallback)
            else:
                for name in bound_names(item):
                    scope.bind(name, Value(value, True, fallback, index))
