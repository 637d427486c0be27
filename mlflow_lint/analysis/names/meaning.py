"""What names and expressions can stand for.

Invariant: a meaning is a small record that points to facts and scopes; telling meanings apart is `same`.
"""

from __future__ import annotations

from typing import TypeAlias

from mlflow_lint.analysis.names.scopes import Scope
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, api_of
from mlflow_lint.project.modules import Unit
from mlflow_lint.record import entity, record


@record
class External:
    """Something of a library, by dotted path; `path.of.Class().method` for what is reached through an instance."""

    dotted: str
    applied: tuple[facts.Argument, ...] = ()
    """Arguments that a `functools.partial` has filled already."""


@record
class Result:
    """What calling something of a library gives: an instance, if it is a class."""

    dotted: str


@entity
class ModuleRef:
    """A module or package of the project, read or not."""

    file: str


@entity
class ClassRef:
    """A class of the project."""

    unit: Unit
    definition: facts.Class
    scope: Scope
    """The scope inside the class body."""


@entity
class Instance:
    """An object of a class of the project."""

    type: ClassRef


@entity
class FunctionRef:
    """A function of the project; a method carries the class of the object it is called on."""

    unit: Unit
    definition: facts.Function
    scope: Scope
    """The scope inside the function body."""
    receiver: ClassRef | None = None
    bound: bool = False
    """Whether the first parameter is already filled by the object."""
    applied: tuple[facts.Argument, ...] = ()
    """Arguments that a `functools.partial` has filled already."""


@entity
class Super:
    """`super()`: the bases of `type`, on an object of class `receiver`."""

    type: ClassRef
    receiver: ClassRef


@entity
class Several:
    """One of several things, or each in turn: the loggers of a list, the subclasses that override a method.

    Good for asking what a call may do, never for rewriting it.
    """

    options: tuple[Meaning, ...]


Meaning: TypeAlias = External | Result | ModuleRef | ClassRef | Instance | FunctionRef | Super | Several

_MOST_OPTIONS = 16


@record
class Place:
    """Where an expression is evaluated: the scope, and the class of `self` if it is a method's."""

    scope: Scope
    receiver: ClassRef | None = None

    @property
    def unit(self) -> Unit:
        """The file it lies in."""
        home = self.scope.home
        assert isinstance(home, Unit)
        return home


def same(left: Meaning, right: Meaning) -> bool:
    """Whether two meanings are one and the same thing."""
    match left, right:
        case (External(), External()) | (Result(), Result()):
            return left == right
        case ModuleRef(), ModuleRef():
            return left.file == right.file
        case ClassRef(), ClassRef():
            return left.definition is right.definition
        case Instance(), Instance():
            return left.type.definition is right.type.definition
        case FunctionRef(), FunctionRef():
            return left.definition is right.definition and left.applied == right.applied
    return False


def agreed(known: list[Meaning]) -> Meaning | None:
    """What several bindings stand for, if they all stand for one thing."""
    if known and all(same(known[0], other) for other in known[1:]):
        return known[0]
    return None


def either(known: list[Meaning]) -> Meaning | None:
    """What several bindings stand for, if each is known: one thing, or one of several objects or functions."""
    common = agreed(known)
    if common is not None or not known:
        return common
    options: list[Meaning] = []
    for meaning in known:
        for option in options_of(meaning):
            if not any(same(option, other) for other in options):
                options.append(option)
    if len(options) > _MOST_OPTIONS or not any(isinstance(o, (Instance, FunctionRef, ClassRef)) for o in options):
        return None
    return Several(tuple(options))


def options_of(meaning: Meaning | None) -> tuple[Meaning, ...]:
    """The things that a meaning may be: itself, those of a `Several`, or nothing."""
    if meaning is None:
        return ()
    return meaning.options if isinstance(meaning, Several) else (meaning,)


def api_called(meaning: Meaning | None) -> Api | None:
    """The call of MLflow that something is, be it with some of its arguments filled already."""
    return api_of(meaning.dotted) if isinstance(meaning, External) else None


def plain_api(meaning: Meaning | None) -> Api | None:
    """The call of MLflow that something plainly is: whoever calls it gives all its arguments."""
    return api_of(meaning.dotted) if isinstance(meaning, External) and not meaning.applied else None


def apis_called(meaning: Meaning | None) -> list[Api]:
    """The calls of MLflow that something is or may be: also those of a partial, or of one of several loggers."""
    return [api for option in options_of(meaning) if (api := api_called(option)) is not None]


def all_agreed(options: list[Meaning | None]) -> Meaning | None:
    """The same for options that must all be known."""
    known = [option for option in options if option is not None]
    return agreed(known) if len(known) == len(options) else None
