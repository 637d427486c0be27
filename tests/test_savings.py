"""What `benchmarks/savings.py` is made of: a counted `mlflow server`, a timed program, its data, and the table."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"

POINT_BY_POINT = """
import mlflow

mlflow.set_experiment("counted")
with mlflow.start_run(run_name="run"):
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_text("done", "note.txt")
"""
AT_ONCE = """
import time
import mlflow
from mlflow.entities import Metric

mlflow.set_experiment("counted")
with mlflow.start_run(run_name="run") as run:
    points = [Metric("loss", 1 / (step + 1), int(time.time() * 1000), step) for step in range(5)]
    mlflow.MlflowClient().log_batch(run.info.run_id, metrics=points)
    mlflow.log_text("done", "note.txt")
"""


@pytest.fixture(scope="module")
def savings() -> Iterator[Any]:
    """The script as a module; scripts find each other in their own folder."""
    sys.path.insert(0, str(BENCHMARKS))
    yield importlib.import_module("savings")
    sys.path.remove(str(BENCHMARKS))


def test_table(savings: Any) -> None:
    rows = [
        savings.Row("a.py", ((4000, 30, 3, 2.0), (400, 20, 3, 1.5), (40, 10, 3, 0.25))),
        savings.Row("b.py", ((10, 3, 2, 1.0), (10, 3, 2, 1.0), (10, 3, 2, 1.0))),
    ]
    assert savings.table(rows).splitlines() == [
        "| fixture | requests | ÷ | SQL statements | ÷ | commits | ÷ | seconds waiting | ÷ |",
        "|---|---|--:|---|--:|---|--:|---|--:|",
        "| `a.py` | 4,000 → 400 → 40 | 100 | 30 → 20 → 10 | 3.0 | 3 → 3 → 3 | 1.0 | 2.0 → 1.5 → 0.2 | 8.0 |",
        "| `b.py` | 10 → 10 → 10 | 1.0 | 3 → 3 → 3 | 1.0 | 2 → 2 → 2 | 1.0 | 1.0 → 1.0 → 1.0 | 1.0 |",
        "| **all** | 4,010 → 410 → 50 | 80 | 33 → 23 → 13 | 2.5 | 5 → 5 → 5 | 1.0 | 3.0 → 2.5 → 1.2 | 2.4 |",
    ]


def test_every_fixture_is_measured(savings: Any) -> None:
    measured = {argument for program in savings.PROGRAMS for argument in program.command}
    packages = {f"{file.parent.name}.train" for file in savings.FIXTURES.glob("*/train.py")}
    assert {file.name for file in savings.FIXTURES.glob("*.py")} | packages <= measured


def test_server_counts_and_data_is_compared(savings: Any, tmp_path: Path) -> None:
    for name, text in (("points.py", POINT_BY_POINT), ("batch.py", AT_ONCE)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    with savings.DATABASES["sqlite"]() as database, savings.tracking_server(database) as server:
        points, batch = (
            savings.execute(savings.Program(name, (name,)), tmp_path, server) for name in ("points.py", "batch.py")
        )
    assert points.work.requests - batch.work.requests == 4
    assert points.work.statements > batch.work.statements > 0
    assert points.work.commits > batch.work.commits > 0
    assert points.seconds > 0
    assert "counted, run 0: metric 'loss' = 0.5 at step 1" in points.data
    assert any("artifact note.txt = " in line for line in points.data)
    savings.must_equal(points.data, batch.data, "the data")
    less = [line for line in batch.data if "'loss' = 0.2 at step 4" not in line]
    with pytest.raises(SystemExit, match=r"-counted, run 0: metric 'loss' = 0\.2 at step 4"):
        savings.must_equal(points.data, less, "the data")
