"""Several processes: the same report as from one, whatever becomes of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import doors
import pytest

LINES = 400
"""So many that files are worth more than one process."""


def project(folder: Path) -> Path:
    """Modules that use one another, large and small, one of them broken."""
    filler = "".join(
        f"def helper_{number}(a, b):\n    return [a + b * {number}, a - b]\n\n\n" for number in range(LINES)
    )
    (folder / "wrapper.py").write_text(
        f"import mlflow\n\n\ndef write(x):\n    mlflow.log_metric('a', x, step=1)\n\n\n{filler}"
    )
    caller = "from wrapper import write\n\n\ndef train(loader):\n    for batch in loader:\n        write(batch)\n\n\n"
    for number in range(8):
        (folder / f"train_{number}.py").write_text(caller + filler)
    (folder / "broken.py").write_text("import mlflow\ndef f(:\n")
    return folder


def run(folder: Path, *arguments: str, program: str | None = None) -> subprocess.CompletedProcess[str]:
    start = ("-m", "mlflow_lint") if program is None else ("-c", program)
    command = [sys.executable, *start, "--no-cache", *arguments]
    return subprocess.run(command, cwd=folder, env=doors.environment(), capture_output=True, text=True, check=False)


def test_the_report_is_that_of_one_process(tmp_path: Path) -> None:
    project(tmp_path)
    alone = run(tmp_path, "--output-format", "json", "--jobs", "1")
    assert alone.returncode == 1
    assert len(json.loads(alone.stdout)) >= 9
    for jobs in ("2", "5", "auto"):
        together = run(tmp_path, "--output-format", "json", "-j", jobs)
        assert (together.returncode, together.stdout, together.stderr) == (1, alone.stdout, "")


def test_the_fixes_are_those_of_one_process(tmp_path: Path) -> None:
    outcomes = []
    for jobs in ("1", "3"):
        folder = tmp_path / jobs
        shutil.copytree(doors.FIXTURES, folder, ignore=shutil.ignore_patterns("__pycache__"))
        done = run(folder, "--fix", "--unsafe-fixes", "--jobs", jobs)
        outcomes.append((done.stdout, {path.name: path.read_bytes() for path in sorted(folder.rglob("*.py"))}))
    assert outcomes[0] == outcomes[1]


_WITH_A_CHECK = """
import os, signal, sys
import mlflow_lint.pool as pool
own = pool.check_in_turn
def check(project, task):
    for file, _ in task:
        if file.endswith("train_3.py"):
            {what}
    return own(project, task)
pool.check_in_turn = check
from mlflow_lint.__main__ import main
sys.exit(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes that begin as copies")
def test_a_process_that_dies_takes_one_file_with_it(tmp_path: Path) -> None:
    project(tmp_path)
    whole = json.loads(run(tmp_path, "--output-format", "json", "--jobs", "1").stdout)
    program = _WITH_A_CHECK.format(what="os.kill(os.getpid(), signal.SIGKILL)")
    done = run(tmp_path, "--output-format", "json", "--jobs", "2", program=program)
    assert done.returncode == 2
    assert done.stderr == "mlflow-lint: error: train_3.py: the process that checked it died\n"
    assert json.loads(done.stdout) == [each for each in whole if Path(each["filename"]).name != "train_3.py"]


@pytest.mark.skipif(sys.platform != "linux", reason="processes that begin as copies")
def test_a_defect_in_a_process_is_told_as_in_one(tmp_path: Path) -> None:
    project(tmp_path)
    program = _WITH_A_CHECK.format(what="raise ZeroDivisionError('of a test')")
    done = run(tmp_path, "--output-format", "json", "--jobs", "2", program=program)
    # Checked again in the first process, where nothing goes wrong.
    assert done.returncode == 1
    assert not done.stderr
    assert done.stdout == run(tmp_path, "--output-format", "json", "--jobs", "1").stdout


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_interrupted_run_leaves_no_process_behind(tmp_path: Path) -> None:
    project(tmp_path)
    program = _WITH_A_CHECK.format(what="open('begun', 'w').close(); import time; time.sleep(120)")
    command = [sys.executable, "-c", program, "--no-cache", "--jobs", "2"]
    running = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=doors.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    assert errors == b""
    deadline = time.monotonic() + 10
    while _members(running.pid):
        assert time.monotonic() < deadline, "processes are left"
        time.sleep(0.05)


def _members(group: int) -> list[str]:
    """Living processes of a process group."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, member_of = status.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(member_of) == group and state != "Z":
            found.append(status.parent.name)
    return found


@pytest.mark.parametrize("jobs", ["0", "-1", "two", "1.5", "99999"])
def test_numbers_that_are_none(jobs: str, tmp_path: Path) -> None:
    done = run(tmp_path, f"--jobs={jobs}")
    assert done.returncode == 2
    assert done.stderr.startswith("mlflow-lint: error: ")
    assert done.stderr.count("\n") == 1
