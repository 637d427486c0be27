"""What rules warn of happens in a real MLflow store: on their own examples of what they find, not of what they pass.

Every rule that says that MLflow raises, or that data is lost or lands elsewhere, has its row here. Its examples are
taken from its module; a row adds what they leave open (`losses`, `train_one_epoch`).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from example_cases import fix, only, parse, write
from tracking_store import Recorded, StoreRunner, assert_same_data, run_program

from mlflow_lint.rules.base import Example
from mlflow_lint.rules.registry import all_rules, by_code

Happens = Callable[[Recorded], bool]


def example(code: str, title: str) -> Example:
    """An example of a rule."""
    return next(one for one in by_code()[code].examples if one.title == title)


def program(code: str, title: str, given: str = "") -> str:
    """An example of a rule as a program, after what it leaves open."""
    one = example(code, title)
    text = parse(one.code)[0]
    uncalled = "def main():" in text and text.count("main()") == 1
    return f"{given}\n{one.setup}\n{text}" + ("\nmain()\n" if uncalled else "")


# -------------------------------------------------------------------------------------------- what may happen
def refused(recorded: Recorded) -> bool:
    """Whether MLflow ended the program."""
    return recorded.exception is not None and recorded.exception.startswith(("MlflowException:", "Exception: Run with"))


def undisturbed(recorded: Recorded) -> Recorded:
    """The same, of a program that came to its end."""
    assert recorded.exception is None, recorded.stderr
    return recorded


def misplaced(recorded: Recorded) -> bool:
    """Whether a metric landed in a second run, and not in the one that was meant."""
    runs = undisturbed(recorded).runs
    return len(runs) == 2 and "score" not in runs[0].metrics and "score" in runs[1].metrics


def in_the_first(recorded: Recorded) -> bool:
    """Whether all points went to the experiment that was set first."""
    return [run.experiment for run in undisturbed(recorded).runs if run.metrics] == ["first"]


def on_step_0(recorded: Recorded) -> bool:
    """Whether all points of a metric that has several lie on step 0."""
    curves = [points for run in undisturbed(recorded).runs for points in run.metrics.values() if len(points) > 1]
    return any({step for step, _, _ in points} == {0} for points in curves)


def scattered(recorded: Recorded) -> bool:
    """Whether a run has metrics whose keys differ in a number only."""
    runs = [Counter(re.sub(r"\d+", "#", key) for key in run.metrics) for run in undisturbed(recorded).runs]
    return any(count > 1 for counted in runs for count in counted.values())


def stamped_with_steps(recorded: Recorded) -> bool:
    """Whether points are dated within the first second of 1970."""
    points = [point for run in undisturbed(recorded).runs for points in run.metrics.values() for point in points]
    assert points
    return any(time < 1000 for _, _, time in points)


def repeated(recorded: Recorded) -> bool:
    """Whether several runs hold the same points."""
    runs = [run.metrics for run in undisturbed(recorded).runs]
    assert all(runs)
    return len(runs) > 1 and all({key: len(points) for key, points in run.items()} == {"loss": 3} for run in runs)


def lost(recorded: Recorded) -> bool:
    """Whether a run says that it is finished and holds no point."""
    (run,) = undisturbed(recorded).runs
    return run.status == "FINISHED" and not run.metrics


def one_by_one(recorded: Recorded) -> bool:
    """Whether each point took a request of its own."""
    points = sum(len(points) for run in undisturbed(recorded).runs for points in run.metrics.values())
    assert points > 1
    return recorded.write_calls.count("log_batch") == points


# ---------------------------------------------------------------------------------------------------- the table
@dataclass(frozen=True, slots=True)
class Proof:
    """A rule, an example that it finds, one that it passes, and what happens in the first and not in the second."""

    code: str
    found: str
    passed: str
    happens: Happens
    given: str = ""
    """What the examples leave open."""
    own_interpreter: bool = False
    """Whether how Python ends must not be imitated."""

    def runs(self, title: str, runner: StoreRunner, template: Path, folder: Path) -> bool:
        """Whether it happens in an example."""
        text = program(self.code, title, self.given)
        if self.own_interpreter:
            return self.happens(run_program(text, cwd=folder, template=template))
        return self.happens(runner.run(text, cwd=folder))


TWO_RANKS = """
import os
os.environ["LOCAL_RANK"] = "0" if (child := os.fork()) else "1"
if child:
    os.waitpid(child, 0)
"""

PROOFS = (
    Proof(
        "MLF401", "two literals under one key", "a key of its own each turn, and the same value again", refused,
        "params, layers, batches = {'lr': 1}, [2, 3], ['ab', 'cd']",
    ),
    Proof(
        "MLF402", "once per epoch, under the counter of the loop",
        "a step is there, by name, by position, or in a helper", on_step_0,
        "epochs, model, options, rate, train_one_epoch = 2, None, {'step': 7}, abs, lambda model: 0.5",
    ),
    Proof("MLF403", "characters that a key may not have", "keys that MLflow takes", refused),
    Proof(
        "MLF404", "the epoch at the end of the key", "a run of its own in each turn, and keys of one result", scattered,
        "epochs, model, evaluate, train_one_epoch = 2, None, lambda _: {'f1': 0.5, 'recall': 0.5}, lambda _: 0.5",
    ),
    Proof("MLF405", "a run for each trial, none of which ends", "the program itself", refused),
    Proof("MLF406", "a function that opens a run of its own", "one run after the other", refused),
    Proof("MLF407", "the next experiment, the run still open", "before the run, and between runs", in_the_first),
    Proof(
        "MLF408", "a string, a list, a tuple, a dict, None", "params and tags are text", refused, "index = 1",
    ),
    Proof("MLF409", "parameters before the run", "nothing starts a run here", refused),
    Proof(
        "MLF410", "the counter of a loop", "a timestamp, and a step beside it", stamped_with_steps,
        "import mlflow\nrun_id = mlflow.MlflowClient().create_run('0').info.run_id\n"
        "epochs, losses, timestamps, started_at = 2, [0.5, 0.4], [10**12, 10**12 + 1], 10**12",
    ),
    Proof("MLF411", "metrics after the end of the run", "the last thing of the block", misplaced),
    Proof("MLF411", "the active run as a block", "on the way out", misplaced),
    Proof("MLF412", "by the variable that the launcher sets", "on the first rank", repeated, TWO_RANKS),
    Proof("MLF413", "metrics beside the run that was made", "the run is activated", misplaced),
    Proof("MLF414", "a run that nothing ends", "the block of a run", lost, own_interpreter=True),
    Proof("MLF414", "switched on for all writes, through a function", "flushed at the end", lost),
    Proof("MLF414", "a run that MLflow opens", "the run is ended", lost),
    Proof("MLF415", "the items of an array", "Python's own numbers", refused),
    Proof("MLF416", "a thread that logs", "written where the run is, with what the workers gave back", misplaced),
    Proof(
        "MLF502", "points of a training loop", "collected for two seconds", one_by_one,
        "loader, losses, model, train_step, evaluate = [0.5, 0.25], [0.5, 0.25], 0.5, abs, abs",
    ),
)  # fmt: skip


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: f"{proof.code}-{proof.found}".replace(" ", "-"))
def test_what_is_found_happens(proof: Proof, store_runner: StoreRunner, store_template: Path, tmp_path: Path) -> None:
    assert parse(example(proof.code, proof.found).code)[1]
    assert not parse(example(proof.code, proof.passed).code)[1]
    assert proof.runs(proof.found, store_runner, store_template, tmp_path)
    assert not proof.runs(proof.passed, store_runner, store_template, tmp_path)


def test_every_rule_about_data_has_its_proof() -> None:
    assert {proof.code for proof in PROOFS} >= {rule.code for rule in all_rules() if rule.code.startswith("MLF4")}


# ------------------------------------------------------------------------------------- what needs another frame
def test_naming_the_active_run_fetches_it(store_runner: StoreRunner, tmp_path: Path) -> None:
    found = program("MLF209", "the run of the block")
    named = store_runner.run(found, cwd=tmp_path)
    plain = store_runner.run(found.replace(", run_id=run.info.run_id", ""), cwd=tmp_path)
    assert_same_data(named, plain)
    assert named.statements > plain.statements


@pytest.mark.parametrize("title", ["metrics after the end of the run", "a child that ends before its block"])
def test_a_run_that_its_block_ends_keeps_its_data(title: str, store_runner: StoreRunner, tmp_path: Path) -> None:
    path = write(tmp_path / "lint", program("MLF411", title))
    before = store_runner.run(path=path, cwd=tmp_path)
    after = store_runner.run(fix(path, only(path.parent, "MLF411"), unsafe=True).after, cwd=tmp_path)
    assert after.exception is None, after.stderr
    assert len(after.runs) == path.read_text().count("start_run")
    assert "score" not in before.runs[len(after.runs) - 1].metrics
    assert "score" in after.runs[-1].metrics


@pytest.mark.parametrize(
    ("title", "raises"), [("a file: URI, and a plain path", True), ("the store of files is allowed here", False)]
)
def test_a_store_of_files_is_refused(title: str, raises: bool, tmp_path: Path) -> None:
    """Programs of a `StoreRunner` get its store, whatever they set."""
    (tmp_path / "program.py").write_text(program("MLF501", title) + "\nmlflow.set_experiment('forecast')\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    ran = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert bool(ran.returncode) is raises, ran.stderr
    assert ("MLFLOW_ALLOW_FILE_STORE" in ran.stderr) is raises
