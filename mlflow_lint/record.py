"""Records that are frozen for whoever writes code, and cheap for the machine.

A file becomes thousands of them. `dataclass(frozen=True)` would make each take three times as long to create. And every
start defines all their classes: a dataclass compiles each method from source text, which no .pyc file keeps, and looks
at each annotation three times. So methods are compiled once for all classes that have as many fields, the fields' names
are put in, and what `dataclasses` wants to know is found out when it asks. Invariant: mypy refuses to assign to a
field; a method is the code that a dataclass would write, and whatever takes a dataclass takes a record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from functools import cache
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Any:
        """Do nothing: it speaks to type checkers, and the `typing` of Python 3.10 lacks it."""
        return lambda decorator: decorator


Record = TypeVar("Record")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[Record]) -> type[Record]:
    """Make a class a dataclass with slots whose instances can be compared and hashed."""
    given = vars(cls)
    compared = [name for name in cls.__annotations__ if getattr(given.get(name), "compare", True)]
    made = entity(cls)
    _, equality, hashing = _methods(len(compared))
    _define(made, equality, compared)
    _define(made, hashing, compared)
    return made


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def entity(cls: type[Record]) -> type[Record]:
    """The same for what is told apart by being one thing or another, whatever its fields hold."""
    names = tuple(cls.__annotations__)
    given = {name: vars(cls)[name] for name in names if name in vars(cls)}
    if any(isinstance(each, Field) and each.default_factory is not MISSING for each in given.values()):
        cls.__doc__ = cls.__doc__ or cls.__name__  # as below
        made = dataclass(slots=True, eq=False, repr=False)(cls)
    else:
        defaults = (each.default if isinstance(each, Field) else each for each in given.values())
        left_out = {*names, "__dict__", "__weakref__"}
        members = {name: value for name, value in vars(cls).items() if name not in left_out}
        members |= {"__qualname__": cls.__qualname__, "__slots__": names, "__match_args__": names}
        members |= {"__dataclass_fields__": _Fields(given), "__replace__": replace}
        made = _new_class(cls.__name__, cls.__bases__, members)
        _define(made, _methods(len(names))[0], names, tuple([each for each in defaults if each is not MISSING]))
    made.__repr__ = _shown  # type: ignore[method-assign]
    return made


_new_class: Any = type


class _Fields:
    """What `dataclasses` keeps of a class: found out when it is asked for, which of most classes nobody does."""

    def __init__(self, given: dict[str, object]) -> None:
        self._given = given
        """Defaults, and what else is said of fields."""

    def __get__(self, _: object, of: Any) -> dict[str, Field[Any]]:
        # With a docstring, or `dataclass` has `inspect` find out a signature to put there.
        members = {"__annotations__": of.__annotations__, "__module__": of.__module__, "__doc__": "Fields."}
        known: Any = dataclass(init=False, repr=False, eq=False)(type(of.__name__, (), members | self._given))
        found: dict[str, Field[Any]] = known.__dataclass_fields__
        of.__dataclass_fields__ = found
        return found


@cache
def _methods(count: int) -> list[CodeType]:
    """The code of `__init__`, `__eq__` and `__hash__` for so many fields, which are called `_0`, `_1` and so on."""
    names = [f"_{number}" for number in range(count)]
    own, others = ("".join(f"{of}.{name}, " for name in names) for of in ("self", "other"))
    text = "\n".join(
        [
            f"def __init__(self, {', '.join(names)}):",
            *(f"    self.{name} = {name}" for name in names),
            "    return None",
            "def __eq__(self, other):",
            "    if other.__class__ is self.__class__:",
            f"        return ({own}) == ({others})",
            "    return NotImplemented",
            "def __hash__(self):",
            f"    return hash(({own}))",
        ]
    )
    return [code for code in compile(text, __file__, "exec").co_consts if isinstance(code, CodeType)]


def _define(cls: type, method: CodeType, names: Sequence[str], defaults: tuple[object, ...] = ()) -> None:
    """Give a class a method of `_methods` for fields of these names."""
    instead = {f"_{number}": name for number, name in enumerate(names)}
    code = method.replace(
        co_names=tuple(instead.get(name, name) for name in method.co_names),
        co_varnames=tuple(instead.get(name, name) for name in method.co_varnames),
    )
    function = FunctionType(code, globals(), method.co_name, defaults)
    function.__qualname__ = f"{cls.__qualname__}.{method.co_name}"
    setattr(cls, method.co_name, function)


def _shown(record: Any) -> str:
    values = ", ".join(f"{each.name}={getattr(record, each.name)!r}" for each in fields(record))
    return f"{type(record).__qualname__}({values})"
