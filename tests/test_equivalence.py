"""Programs before and after their fixes leave the same data in a real MLflow store, with fewer writes.

Examples run as their setup and their code, fixtures as they are; each in a store of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from doors import FIXTURES
from example_cases import Case, Spelling, cases, everything, fix, only, write
from tracking_store import Recorded, StoreRunner, assert_same_data

from mlflow_lint.config import default_settings
from mlflow_lint.engine import Project
from mlflow_lint.fixing import fix_files
from mlflow_lint.rules.registry import all_rules

NOT_IN_THE_CLIENT = frozenset({"MLF207", "MLF208", "MLF410", "MLF411", "MLF505", "MLF701"})
NO_WRITES = frozenset({"MLF505", "MLF901", "MLF902"})
"""Rules whose fixes make reads smaller, or comments."""
PRELOAD = (
    "numpy",
    "sklearn.datasets",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.preprocessing",
    "sklearn.ensemble",
)
"""What the fixtures import, once for all of them."""

MENDS = frozenset({"MLF402", "MLF404", "MLF410", "MLF411"})
"""Rules whose fix records what was meant, which is not what was recorded: tests of their own compare the stores."""
MODELS = frozenset({"MLF701"})
"""Rules about models, whose files hold the time at which they were made: a test of their own compares the stores."""
REFUSED = frozenset({"MLF406"})
"""Rules about code that MLflow ends with an exception: their fixes have nothing to keep, they make it run."""

RUNNABLE = tuple(case for case in cases() if case.example.runs and case.rule.code not in REFUSED)
CURED = tuple(case for case in cases() if case.rule.code in REFUSED and case.example.fixed is not None)
FIXED = tuple(case for case in RUNNABLE if case.example.fixed is not None)
WRITTEN = frozenset({Spelling.PLAIN, Spelling.FROM, Spelling.LOCAL, Spelling.CLIENT})
"""Spellings in which fixes write different code; the others only name MLflow otherwise."""
MERGED = tuple(case for case in FIXED if case.rule.code not in MENDS | MODELS and case.spelling in WRITTEN)


# ---------------------------------------------------------------------------------------------------- examples
def run_example(runner: StoreRunner, case: Case, code: str, folder: Path) -> Recorded:
    """Run an example, or what became of it, after its setup."""
    program = write(folder, f"{case.example.setup}\n{code}", case.files)
    recorded = runner.run(path=program, cwd=folder)
    assert recorded.exception is None, recorded.stderr
    return recorded


@pytest.mark.parametrize("case", MERGED, ids=lambda case: case.name)
def test_fixed_example_leaves_the_same(case: Case, store_runner: StoreRunner, tmp_path: Path) -> None:
    path = write(tmp_path / "lint", case.code, case.files)
    result = fix(path, only(path.parent, case.rule.code), unsafe=case.wants_unsafe)
    if case.spelling is Spelling.CLIENT and not result.applied:
        pytest.skip("this fix has no form for a client")
    before = run_example(store_runner, case, case.code, tmp_path / "before")
    after = run_example(store_runner, case, result.after, tmp_path / "after")
    assert_same_data(before, after, timestamps=True)
    assert after.writes < before.writes or (case.rule.code in NO_WRITES and after.writes == before.writes)


@pytest.mark.parametrize("case", CURED, ids=lambda case: case.name)
def test_fixed_example_is_no_longer_refused(case: Case, store_runner: StoreRunner, tmp_path: Path) -> None:
    path = write(tmp_path / "lint", case.code, case.files)
    result = fix(path, only(path.parent, case.rule.code), unsafe=case.wants_unsafe)
    programs = [f"{case.example.setup}\n{code}" for code in (case.code, result.after)]
    before, after = (store_runner.run(program, cwd=tmp_path) for program in programs)
    assert before.exception is not None
    assert "already active" in before.exception
    assert after.exception is None, after.stderr
    assert [run.parent for run in after.runs[1:]] == [0] * (len(after.runs) - 1)


@pytest.mark.parametrize("case", [c for c in RUNNABLE if c.spelling is Spelling.PLAIN], ids=lambda case: case.name)
def test_example_with_all_rules_safe_fixes_leaves_the_same(
    case: Case, store_runner: StoreRunner, tmp_path: Path
) -> None:
    program = f"{case.example.setup}\n{case.code}"
    path = write(tmp_path / "lint", program, case.files)
    result = fix(path, everything(path.parent), unsafe=False)
    assert not result.problems
    before = run_example(store_runner, case, case.code, tmp_path / "before")
    if result.applied and case.rule.code not in MODELS:
        after = store_runner.run(path=write(tmp_path / "after", result.after, case.files), cwd=tmp_path / "after")
        assert_same_data(before, after, timestamps=True)
        assert after.writes < before.writes or (case.rule.code in NO_WRITES and after.writes == before.writes)


def test_every_rule_with_fixes_is_run() -> None:
    fixing = {rule.code for rule in all_rules() if rule.fixes}
    for spelling in Spelling:
        left_out = NOT_IN_THE_CLIENT if spelling is Spelling.CLIENT else frozenset()
        assert {case.rule.code for case in FIXED if case.spelling is spelling} == fixing - left_out - REFUSED


# ---------------------------------------------------------------------------------------------------- fixtures
@dataclass(frozen=True, slots=True)
class Fixture:
    """A program of `fixtures/`."""

    name: str
    module: bool = False

    def run(self, runner: StoreRunner, folder: Path, cwd: Path) -> Recorded:
        """Run it as it lies in `folder`, a copy of `fixtures/`."""
        cwd.mkdir()
        if self.module:
            return runner.run(module=f"{self.name}.train", cwd=cwd, sys_path=[folder])
        return runner.run(path=folder / f"{self.name}.py", cwd=cwd, sys_path=[folder])


PROGRAMS = (
    *(Fixture(path.stem) for path in sorted(FIXTURES.glob("*.py"))),
    *(Fixture(path.parent.name, module=True) for path in sorted(FIXTURES.glob("*/train.py"))),
)


@dataclass(frozen=True, slots=True)
class Savings:
    """What fixing a fixture saves."""

    name: str
    before: Recorded
    safe: Recorded
    """After the safe fixes."""
    unsafe: Recorded
    """After all fixes; the same record where all are safe."""


def fix_folder(folder: Path, *, unsafe: bool) -> int:
    """Fix every file below a folder in place; the result is the number of fixes."""
    files = [(path, default_settings(folder)) for path in sorted(folder.rglob("*.py"))]
    results = fix_files(Project(folder, folder), files, unsafe=unsafe, write=True)
    assert not [problem for result in results for problem in result.problems]
    return sum(count for result in results for _, count in result.applied)


def savings(runner: StoreRunner, fixture: Fixture, folder: Path) -> Savings:
    """Run a fixture before and after its fixes; works in `folder`, which must be new or empty."""
    for name in ("before", "safe", "unsafe"):
        shutil.copytree(FIXTURES, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    fix_folder(folder / "safe", unsafe=False)
    fix_folder(folder / "unsafe", unsafe=True)
    before, safe = (fixture.run(runner, folder / name, folder / f"{name}-cwd") for name in ("before", "safe"))
    files = [
        path for path in (folder / "safe").rglob("*.py") if fixture.name in path.parts or fixture.name == path.stem
    ]
    same = all(
        path.read_bytes() == (folder / "unsafe" / path.relative_to(folder / "safe")).read_bytes() for path in files
    )
    unsafe = safe if same else fixture.run(runner, folder / "unsafe", folder / "unsafe-cwd")
    return Savings(fixture.name, before, safe, unsafe)


@pytest.fixture(scope="module")
def fixture_runner(store_template: Path) -> Iterator[StoreRunner]:
    """Like `store_runner`, with the libraries of the fixtures loaded."""
    with StoreRunner(store_template, preload=PRELOAD) as runner:
        assert runner.threads == 1
        yield runner


@pytest.mark.parametrize("fixture", PROGRAMS, ids=lambda fixture: fixture.name)
def test_fixed_fixture_leaves_the_same(fixture: Fixture, fixture_runner: StoreRunner, tmp_path: Path) -> None:
    saved = savings(fixture_runner, fixture, tmp_path)
    assert saved.before.exception is None, saved.before.stderr
    for after in (saved.safe, saved.unsafe):
        assert_same_data(saved.before, after)
    assert saved.unsafe.writes <= saved.safe.writes < saved.before.writes


def test_fixtures_have_something_to_fix(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES, tmp_path / "fixtures")
    assert fix_folder(tmp_path / "fixtures", unsafe=False) >= 10
    assert fix_folder(tmp_path / "fixtures", unsafe=False) == 0
