"""Records that are frozen for whoever writes code, and cheap for the machine.

A file becomes thousands of them. `dataclass(frozen=True)` would make each take three times as long to create. And every
start defines all their classes: a dataclass compiles each method from source text, which no .pyc file keeps. So methods
are compiled once for all classes that have as many fields, and the fields' names are put in. Invariant: mypy refuses to
assign to a field; a method is the code that a dataclass would write.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, field, fields
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
    made = entity(cls)
    compared = [each.name for each in _fields(made) if each.compare]
    _, equality, hashing = _methods(len(compared))
    _define(made, equality, compared)
    _define(made, hashing, compared)
    return made


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(field,))
def entity(cls: type[Record]) -> type[Record]:
    """The same for what is told apart by being one thing or another, whatever its fields hold."""
    cls.__doc__ = cls.__doc__ or cls.__name__  # or `dataclass` has `inspect` find out a signature to put there
    if any(isinstance(value, Field) and value.default_factory is not MISSING for value in vars(cls).values()):
        made = dataclass(slots=True, eq=False, repr=False)(cls)
    else:
        made = dataclass(slots=True, eq=False, repr=False, init=False)(cls)
        defaults = tuple(each.default for each in _fields(made) if each.default is not MISSING)
        _define(made, _methods(len(_fields(made)))[0], [each.name for each in _fields(made)], defaults)
    made.__repr__ = _shown  # type: ignore[method-assign]
    return made


def _fields(cls: Any) -> tuple[Field[Any], ...]:
    return fields(cls)


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


def _define(cls: type, method: CodeType, names: list[str], defaults: tuple[object, ...] = ()) -> None:
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
