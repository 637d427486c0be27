"""Where the time of a run goes, and how far it is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import doors
import pytest

from mlflow_lint.timings import PHASES, Stopwatch

ROW = re.compile(r"(\w+) +(\d+\.\d{3})(?: +(\d+)%.*)?")


def timed(folder: Path, *arguments: str) -> dict[str, float]:
    """The seconds of each phase, by the report."""
    command = [sys.executable, "-m", "mlflow_lint", "--exit-zero", *arguments]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=doors.environment(), capture_output=True, text=True, check=True)
    took = time.perf_counter() - started
    head, *rows = done.stderr.splitlines()
    assert head == "phase       seconds  share"
    found = {row[1]: float(row[2]) for line in rows if (row := ROW.match(line)) is not None}
    assert len(found) == len(rows)
    whole = found.pop("all")
    assert abs(sum(found.values()) - whole) < 0.001 * len(rows)
    if "processes" not in found:
        assert whole <= took + 0.01
    return found


@pytest.fixture
def fixtures(tmp_path: Path) -> Path:
    shutil.copytree(doors.FIXTURES, tmp_path / "code", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "code"


def test_every_phase_is_told(fixtures: Path) -> None:
    once = timed(fixtures, "--timings", "--jobs", "1", "--fix")
    assert once.keys() == PHASES.keys() - {"cache", "processes"}
    assert list(once) == [phase for phase in PHASES if phase in once]
    assert once["parse"] > 0.005


def test_processes_are_counted_together(fixtures: Path) -> None:
    for number in range(8):
        shutil.copyfile(doors.FIXTURES / "batch_trainer.py", fixtures / f"copy_{number}.py")
    together = timed(fixtures, "--timings", "--jobs", "2")
    assert together.keys() >= {"processes", "parse", "lower", "link", "rules"}


def test_each_rule_if_asked(fixtures: Path) -> None:
    seconds = timed(fixtures, "--timings-by-rule", "--jobs", "1", "--select", "MLF1")
    rules = [name for name in seconds if name not in PHASES]
    assert {"MLF101", "MLF102"} <= set(rules)
    assert [seconds[code] for code in rules] == sorted((seconds[code] for code in rules), reverse=True)


def test_a_moment_belongs_to_the_innermost_phase() -> None:
    stopwatch = Stopwatch(by_rule=False, otherwise="start")
    with stopwatch.phase("rules"):
        with stopwatch.phase("parse"):
            time.sleep(0.05)
        time.sleep(0.01)
    taken = stopwatch.taken()
    assert taken["parse"] >= 0.05
    assert 0.01 <= taken["rules"] < 0.05
    assert "parse" not in stopwatch.taken()


# --- progress --------------------------------------------------------------------------------------------


def on_a_terminal(folder: Path, *arguments: str) -> str:
    """What a run shows on a terminal as its standard error."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "mlflow_lint", "--exit-zero", "--output-format", "concise", *arguments]
    env = doors.environment({"TERM": "xterm", "COLUMNS": "100"})
    running = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how Linux says that nobody writes any more
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert running.wait() == 0
    return shown.decode()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_bar_for_a_run_that_lasts(jobs: str, fixtures: Path) -> None:
    for number in range(30):
        for file in ("batch_trainer.py", "rl_loop.py"):
            shutil.copyfile(doors.FIXTURES / file, fixtures / f"copy_{number}_{file}")
    shown = on_a_terminal(fixtures, "--jobs", jobs)
    assert "checking files" in shown
    assert re.search(r"\d+/\d+", shown)
    assert shown.rstrip().endswith(("\x1b[2K", "\x1b[?25h")), "taken away at the end"


def test_no_bar_for_a_run_that_does_not(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import os\n")
    assert on_a_terminal(tmp_path) == ""
