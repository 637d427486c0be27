"""What the rules about runs warn of happens in a real MLflow store: in what they find, not in what they pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from example_cases import parse
from tracking_store import Recorded, StoreRunner, assert_same_data

from mlflow_lint.rules.registry import by_code


def example(code: str, title: str) -> str:
    """The code of an example of a rule."""
    found = [one for one in by_code()[code].examples if one.title == title]
    return parse(found[0].code)[0]


def refused(recorded: Recorded) -> bool:
    """Whether MLflow ended the program because a run was open."""
    return recorded.exception is not None and "is already active" in recorded.exception


def misplaced(recorded: Recorded) -> bool:
    """Whether a metric landed in a second run, and not in the one that was meant."""
    assert recorded.exception is None, recorded.stderr
    return len(recorded.runs) == 2 and "score" not in recorded.runs[0].metrics and "score" in recorded.runs[1].metrics


def in_the_first(recorded: Recorded) -> bool:
    """Whether all points went to the experiment that was set first."""
    assert recorded.exception is None, recorded.stderr
    return [run.experiment for run in recorded.runs if run.metrics] == ["first"]


def test_naming_the_active_run_fetches_it(store_runner: StoreRunner, tmp_path: Path) -> None:
    program = example("MLF209", "the run of the block")
    named = store_runner.run(program, cwd=tmp_path)
    plain = store_runner.run(program.replace(", run_id=run.info.run_id", ""), cwd=tmp_path)
    assert_same_data(named, plain)
    assert named.statements > plain.statements


@pytest.mark.parametrize(
    ("code", "found", "passed", "happens"),
    [
        ("MLF405", "a run for each trial, none of which ends", "the program itself", refused),
        ("MLF406", "a function that opens a run of its own", "one run after the other", refused),
        ("MLF407", "the next experiment, the run still open", "before the run, and between runs", in_the_first),
        ("MLF409", "parameters before the run", "nothing starts a run here", refused),
        ("MLF411", "metrics after the end of the run", "the last thing of the block", misplaced),
        ("MLF411", "the active run as a block", "on the way out", misplaced),
        ("MLF416", "a thread that logs", "written where the run is, with what the workers gave back", misplaced),
        ("MLF413", "metrics beside the run that was made", "the run is activated", misplaced),
    ],
)  # fmt: skip
def test_what_is_found_happens(
    code: str, found: str, passed: str, happens: Callable[[Recorded], bool], store_runner: StoreRunner, tmp_path: Path
) -> None:
    call = "\nmain()\n" if "def main" in example(code, found) else ""
    assert happens(store_runner.run(example(code, found) + call, cwd=tmp_path))
    assert not happens(store_runner.run(example(code, passed), cwd=tmp_path))
