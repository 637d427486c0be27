"""Records are plain data, and a type checker keeps them as they were made."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from pathlib import Path
from typing import Any

import doors
import pytest

from mlflow_lint.facts.model import Attribute, Constant, Name
from mlflow_lint.record import entity, record


def plain() -> type:
    class Fields:
        first: int
        second: tuple[int, ...] = ()
        place: tuple[int, int] = field(default=(0, 0), compare=False)

    return Fields


def with_factory() -> type:
    class Fields:
        first: int
        seen: dict[str, int] = field(default_factory=dict)

    return Fields


theirs: Any = dataclass(slots=True, unsafe_hash=True)


def outcome(make: Any, *arguments: Any, **named: Any) -> str:
    """What becomes of an attempt to make one: the record as it is shown, or the error."""
    try:
        return repr(make(*arguments, **named))
    except TypeError as error:
        return str(error)


@pytest.mark.parametrize("fields", [plain, with_factory])
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        *(((), {}), ((1,), {}), ((1, (2,)), {}), ((1, (2,), (3, 4)), {}), ((1, 2, 3, 4), {})),
        *(((), {"first": 1}), ((1,), {"second": (2,)}), ((1,), {"place": (3, 4)}), ((1,), {"first": 1})),
        *(((1,), {"seen": {"a": 1}}), ((), {"second": ()}), ((1,), {"third": 1})),
    ],
    ids=str,
)
def test_a_record_is_made_and_shown_as_a_dataclass_is(
    fields: Callable[[], type], arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    expected = outcome(theirs(fields()), *arguments, **named)
    assert outcome(record(fields()), *arguments, **named) == expected
    assert outcome(entity(fields()), *arguments, **named) == expected


def test_records_compare_and_hash_as_dataclasses_do() -> None:
    nan = float("nan")
    values: list[tuple[Any, ...]] = [(1,), (1.0,), (2,), (1, (2,)), (1, (2,), (3, 4))]
    if sys.version_info < (3, 13):  # newer dataclasses say that what holds such a number is not equal to itself
        values += [(nan,), (float("nan"),)]
    ours: Any = record(plain())
    dataclasses_own = theirs(plain())
    for one in values:
        assert hash(ours(*one)) == hash(dataclasses_own(*one))
        assert ours(*one) != dataclasses_own(*one)
        for other in values:
            assert (ours(*one) == ours(*other)) == (dataclasses_own(*one) == dataclasses_own(*other))
    made: Any = record(with_factory())
    with pytest.raises(TypeError, match="unhashable"):
        hash(made(1))


def test_an_entity_is_equal_to_itself_alone() -> None:
    kind: Any = entity(plain())
    one, other = kind(1), kind(1)
    assert one != other
    assert len({one, other, one}) == 2


@pytest.mark.parametrize("decorator", [record, entity])
def test_what_else_a_dataclass_can_do(decorator: Any) -> None:
    kind = decorator(plain())
    match replace(kind(1, (2,)), place=(3, 4)):
        case kind(first, second, place=place):
            assert (first, second, place) == (1, (2,), (3, 4))
        case _:
            pytest.fail("no match")
    assert not hasattr(kind(1), "__dict__")
    assert is_dataclass(kind)
    assert asdict(kind(1)) == {"first": 1, "second": (), "place": (0, 0)}
    if sys.version_info >= (3, 13):
        assert copy.replace(kind(1), first=2).first == 2
    assert list(inspect.signature(kind).parameters) == ["first", "second", "place"]
    kind = decorator(with_factory())
    assert kind(1).seen is not kind(1).seen


def test_equal_records_are_one_in_a_set() -> None:
    first, second = Attribute(Name("mlflow"), "log_metric"), Attribute(Name("mlflow"), "log_metric")
    assert len({first, second, Name("mlflow")}) == 2
    assert Constant("loss", (0, 6)) == Constant("loss", (9, 15))


def test_records_cross_processes() -> None:
    record = Attribute(Name("mlflow"), "log_metric")
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(record, protocol)) == record


def test_mypy_refuses_to_change_one(tmp_path: Path) -> None:
    file = tmp_path / "changes.py"
    file.write_text("from mlflow_lint.facts.model import Name\n\nname = Name('a')\nname.id = 'b'\n")
    command = [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={tmp_path / 'cache'}", str(file)]
    env = doors.environment({"MYPYPATH": str(doors.ROOT)})
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "read-only" in done.stdout
    assert done.stdout.count("error:") == 1, done.stdout
