"""Records as JSON, and back.

A record is an object whose `is` names its class, a tuple is an array, a member of an enumeration is its value, and
fields that have their default are left out. What JSON cannot hold is an object with one odd key: a number with too many
digits, an infinity, text with surrogates. Invariant: what is read back is equal in every field; text that is not what
`dump` writes gives `CodecError` and nothing else, and reading makes what the type hints allow and nothing else.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import math
import re
import types
import typing
from collections.abc import Iterable
from functools import cache
from typing import Any, TypeAlias, TypeVar

from mlflow_lint.record import record

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

_TAG = "is"
_SCALARS = (str, int, float, bool, types.NoneType)
_LARGEST = 2**63
_HEX = re.compile(r"-?0x[0-9a-f]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
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
        data = json.loads(text, parse_constant=_refused)
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
        pending += [each for record in new.values() for _, each, _ in _fields(record)]
    shape = [
        (name, field.name, str(field.type), None if field.default is dataclasses.MISSING else repr(field.default))
        for name, record in sorted(found.items())
        for field in dataclasses.fields(record)
    ]
    return hashlib.sha256(repr(shape).encode()).hexdigest()[:16]


# ---------------------------------------------------------------------------------------------------- writing
def _written(value: Any) -> Json:
    match value:
        case None | bool():
            return value
        case tuple():
            return [_written(item) for item in value]
        case str():
            return {"utf-8": value.encode("utf-8", "surrogatepass").hex()} if _SURROGATE.search(value) else value
        case int():
            return value if -_LARGEST < value < _LARGEST else {"hex": hex(value)}
        case float():
            return value if math.isfinite(value) else {"float": str(value)}
        case enum.Enum():
            return _written(value.value)
    record: type = type(value)
    written: dict[str, Json] = {_TAG: record.__name__}
    for name, _, default in _fields(record):
        item = getattr(value, name)
        if (type(item), item) != (type(default), default):
            written[name] = _written(item)
    return written


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


_Field: TypeAlias = tuple[str, _Allowed, object]
"""Name, what it may hold, and the default or `MISSING`."""


@cache
def _fields(record: type) -> tuple[_Field, ...]:
    hints = typing.get_type_hints(record)
    return tuple((field.name, _allowed(hints[field.name]), field.default) for field in dataclasses.fields(record))


@cache
def _names(record: type) -> tuple[frozenset[str], frozenset[str]]:
    """What must be there of a record, and what may be."""
    required = (name for name, _, default in _fields(record) if default is dataclasses.MISSING)
    return frozenset(required), frozenset([_TAG, *[name for name, _, _ in _fields(record)]])


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
    if isinstance(data, dict):
        record = allowed.records.get(str(data.get(_TAG)))
        return _read_record(data, record) if record is not None else _checked(_read_odd(data), allowed)
    if isinstance(data, list):
        return _read_items(data, allowed)
    if isinstance(data, str) and data in allowed.words:
        return allowed.words[data]
    return _checked(data, allowed)


def _read_record(data: dict[str, Json], record: type) -> Any:
    fields = _fields(record)
    required, known = _names(record)
    if not required <= data.keys():
        raise CodecError(f"a {record.__name__} without {min(required - data.keys())}")
    if not data.keys() <= known:
        raise CodecError(f"a {record.__name__} with more than its fields")
    return record(*[_read(data[name], allowed) if name in data else default for name, allowed, default in fields])


def _read_items(data: list[Json], allowed: _Allowed) -> tuple[Any, ...]:
    if allowed.items is None:
        raise CodecError("an array where there can be none")
    items = allowed.items * len(data) if allowed.repeated else allowed.items
    if len(items) != len(data):
        raise CodecError(f"an array of {len(data)} where {len(items)} belong")
    return tuple([_read(item, each) for item, each in zip(data, items, strict=True)])


def _read_odd(data: dict[str, Json]) -> str | int | float:
    """What JSON cannot hold."""
    match data:
        case {"hex": str(digits), **rest} if not rest and _HEX.fullmatch(digits):
            return int(digits, 16)
        case {"float": str(word), **rest} if not rest and word in _FLOATS:
            return _FLOATS[word]
        case {"utf-8": str(digits), **rest} if not rest:
            return bytes.fromhex(digits).decode("utf-8", "surrogatepass")
    raise CodecError("an object that is no record of the kind that belongs there")


def _checked(value: str | int | float | None, allowed: _Allowed) -> str | int | float | None:
    if type(value) not in allowed.scalars:
        raise CodecError(f"a {type(value).__name__} where there can be none")
    return value


def _refused(word: str) -> typing.NoReturn:
    raise CodecError(f"{word} is no number of JSON")
