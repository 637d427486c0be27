"""Fixes of generated programs keep every property that a fix has, and what the programs leave in a real store.

`python tests/prove_fixes.py` asks the same of thousands of programs.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fix_properties import assert_equivalent, assert_sound, fixed
from hypothesis import HealthCheck, Phase, given, settings
from programs import FAMILIES, Program, programs
from tracking_store import StoreRunner

each_family = pytest.mark.parametrize("family", FAMILIES)


def generated(count: int) -> settings:
    """Settings for a test over generated programs: the same ones in each run; small ones take long to find."""
    return settings(
        phases=[Phase.generate],
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.parametrize("unsafe", [False, True], ids=["safe", "unsafe"])
@each_family
def test_fixes_of_generated_programs(family: str, unsafe: bool) -> None:
    changed: list[bool] = []

    @generated(30)
    @given(programs(family))
    def check(program: Program) -> None:
        result = fixed(program.data, unsafe=unsafe)
        changed.append(bool(result.applied))
        assert_sound(result, program.data, unsafe=unsafe)
        assert_kept(program, result.after, unsafe)

    check()
    assert sum(changed) * 4 >= len(changed), "many programs should have something to fix"


def assert_kept(program: Program, after: str, unsafe: bool) -> None:
    """Every line that no fix has business with is there, in order; an unsafe fix may indent it."""
    newline = "\r\n" if "\r\n" in program.text else "\n"
    lines = iter(line.strip() if unsafe else line for line in after.split(newline))
    kept = (line.strip() if unsafe else line for line in program.kept)
    lost = next((line for line in kept if line not in lines), None)
    assert lost is None, f"{lost!r} is not in its place in\n{after}"


@each_family
def test_fixed_programs_leave_the_same(family: str, store_runner: StoreRunner, tmp_path: Path) -> None:
    compared = 0

    @generated(10)
    @given(programs(family))
    def check(program: Program) -> None:
        nonlocal compared
        result = fixed(program.data, unsafe=False)
        if result.applied:
            after = assert_sound(result, program.data, unsafe=False)
            old, _ = assert_equivalent(store_runner, program.data, after, tmp_path)
            compared += old.exception is None

    check()
    assert compared
