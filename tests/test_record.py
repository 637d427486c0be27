"""Records are plain data, and a type checker keeps them as they were made."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import doors

from mlflow_lint.facts.model import Attribute, Constant, Name


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
