"""Records as JSON, and back.

A record is an object whose one key names its class and holds the values of its fields, in their order, without those at
the end that have their default. A tuple is an array, and a member of an enumeration is its value. What JSON cannot hold
is an object with one odd key: a number with too many digits, an infinity, text with surrogates. Invariant: what is read
back is equal in every field; text that is not what `dump` writes gives `CodecError` and nothing else, and reading makes
what the type hints allow and nothing else.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import types
import typing
from collections.abc import Iterable
from functools import cache
from typing import Any, TypeAlias, TypeVar

from mlflow_lint.digest import digest
from mlflow_lint.record import record
from mlflow_lint.regex import regex

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

_FORM = 2
"""Counts up with every change of what is said above."""
_SCALARS = (str, int, float, bool, types.NoneType)
_LARGEST = 2**63
_HEX = regex(r"-?0x[0-9a-f]+")
_SURROGATE = regex("[\ud800-\udfff]")
_FLOATS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


class CodecError(Exception):
    """The text holds no such record, or one of another version."""


Record = TypeVar("Record")


def dump(record: object) -> str:
    """A record as one line of JSON. Raises `CodecError` for one that nests too deeply.

    How deep is too deep depends on the stack: see `with_deep_stack`.
    """
    try:
        kind: Any = type(record)
        framed = {"version": version(kind), "record": _written(record)}
        return json.dumps(framed, allow_nan=False, separators=(",", ":"))
    except RecursionError:
        raise CodecError("nested too deeply to be written") from None


def load(text: str | bytes, of: type[Record]) -> Record:
    """The record of the given class that `dump` wrote. Raises `CodecError` for any other text."""
    kind: Any = of
    try:
        data = _DECODER.decode(text if isinstance(text, str) else text.decode())
        if not isinstance(data, dict) or data.keys() != {"version", "record"}:
            raise CodecError("no record")
        if data["version"] != version(kind):
            raise CodecError("a record of another version")
        record = _read(data["record"], _allowed(kind))
        assert isinstance(record, of)
        return record
    except RecursionError:
        raise CodecError("nested too deeply to be read") from None
    except ValueError as error:
        raise CodecError(f"no JSON: {error}") from None


@cache
def version(of: Any) -> str:
    """Tells records of one shape from those of another: it follows from the classes in them and their fields."""
    found: dict[str, type] = {}
    pending = [_allowed(of)]
    while pending:
        allowed = pending.pop()
        pending += allowed.items or ()
        new = {name: record for name, record in allowed.records.items() if name not in found}
        found |= new
        pending += [each for record in new.values() for each in _shape(record).hints]
    shape = [
        (name, field.name, str(field.type), None if field.default is dataclasses.MISSING else repr(field.default))
        for name, record in sorted(found.items())
        for field in dataclasses.fields(record)
    ]
    return digest(repr((_FORM, shape)).encode())[:16]


# ---------------------------------------------------------------------------------------------------- writing
def _written(value: Any) -> Json:
    kind: Any = type(value)
    if value is None or kind is bool:
        return value  # type: ignore[no-any-return]
    if kind is tuple:
        return [_written(item) for item in value]
    if kind is str:
        return {"utf-8": value.encode("utf-8", "surrogatepass").hex()} if _SURROGATE.search(value) else value
    if kind is int:
        return value if -_LARGEST < value < _LARGEST else {"hex": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, enum.Enum):
        return _written(value.value)
    shape = _shape(kind)
    items = [getattr(value, name) for name in shape.names]
    while len(items) > shape.required and _is_same(items[-1], shape.defaults[len(items) - 1]):
        items.pop()
    return {kind.__name__: [_written(item) for item in items]}


def _is_same(one: object, other: object) -> bool:
    return (type(one), one) == (type(other), other)


# ---------------------------------------------------------------------------------------------------- reading
@record
class _Allowed:
    """What a type hint allows."""

    records: dict[str, type]
    """By name."""
    scalars: tuple[type, ...]
    plain: tuple[type, ...]
    """Scalars that can stand for nothing else."""
    words: dict[str, enum.Enum]
    """Members of an enumeration, by value."""
    items: tuple[_Allowed, ...] | None
    """Of a tuple; None where there may be none."""
    repeated: bool
    """Whether the one item of a tuple may come any number of times."""


@record
class _Shape:
    """The fields of a class, in their order."""

    names: tuple[str, ...]
    hints: tuple[_Allowed, ...]
    """What each may hold."""
    defaults: tuple[object, ...]
    """`MISSING` where there is none."""
    required: int
    """How many there must be: all before the first that has a default."""


@cache
def _shape(record: type) -> _Shape:
    hints = typing.get_type_hints(record)
    fields = dataclasses.fields(record)
    defaults = tuple(field.default for field in fields)
    names = tuple(field.name for field in fields)
    return _Shape(names, tuple(_allowed(hints[name]) for name in names), defaults, defaults.count(dataclasses.MISSING))


def _is_record(value: object) -> typing.TypeGuard[type]:
    return isinstance(value, type) and dataclasses.is_dataclass(value)


@cache
def _allowed(hint: Any) -> _Allowed:
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    records = {option.__name__: option for option in options if _is_record(option)}
    parts = next((typing.get_args(option) for option in options if typing.get_origin(option) is tuple), None)
    scalars = tuple(option for option in options if option in _SCALARS)
    words = {each.value: each for option in options if isinstance(option, enum.EnumMeta) for each in _members(option)}
    return _Allowed(
        records,
        scalars,
        () if words else scalars,
        words,
        None if parts is None else tuple(_allowed(part) for part in parts if part is not ...),
        parts is not None and parts[-1] is ...,
    )


def _members(of: Any) -> Iterable[enum.Enum]:
    members: Iterable[enum.Enum] = of
    return members


def _read(data: Json, allowed: _Allowed) -> Any:
    if type(data) in allowed.plain:
        return data
    if isinstance(data, list):
        return _read_items(data, allowed)
    if isinstance(data, dict):
        return _read_object(data, allowed)
    if isinstance(data, str) and data in allowed.words:
        return allowed.words[data]
    return _checked(data, allowed)


def _read_object(data: dict[str, Json], allowed: _Allowed) -> Any:
    if len(data) != 1:
        raise CodecError(f"an object with {len(data)} keys")
    [(name, values)] = data.items()
    record = allowed.records.get(name)
    if record is None:
        return _checked(_read_odd(name, values), allowed)
    shape = _shape(record)
    if not isinstance(values, list) or not shape.required <= len(values) <= len(shape.hints):
        raise CodecError(f"a {name} without its fields, or with more")
    return record(*map(_read, values, shape.hints))


def _read_items(data: list[Json], allowed: _Allowed) -> tuple[Any, ...]:
    if allowed.items is None:
        raise CodecError("an array where there can be none")
    if allowed.repeated:
        (hint,) = allowed.items
        return tuple([_read(item, hint) for item in data])
    if len(allowed.items) != len(data):
        raise CodecError(f"an array of {len(data)} where {len(allowed.items)} belong")
    return tuple(map(_read, data, allowed.items))


def _read_odd(kind: str, word: Json) -> str | int | float:
    """What JSON cannot hold."""
    match kind, word:
        case "hex", str() if _HEX.fullmatch(word):
            return int(word, 16)
        case "float", str() if word in _FLOATS:
            return _FLOATS[word]
        case "utf-8", str():
            return bytes.fromhex(word).decode("utf-8", "surrogatepass")
    raise CodecError("an object that is no record of the kind that belongs there")


def _checked(value: str | int | float | None, allowed: _Allowed) -> str | int | float | None:
    if type(value) not in allowed.scalars:
        raise CodecError(f"a {type(value).__name__} where there can be none")
    return value


def _refused(word: str) -> typing.NoReturn:
    raise CodecError(f"{word} is no number of JSON")


_DECODER = json.JSONDecoder(parse_constant=_refused)
