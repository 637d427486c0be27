"""The fixtures are programs that really run: each one is run here against a real MLflow store."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"

PROGRAMS = {
    **{path.stem: [str(path)] for path in sorted(FIXTURES.glob("*.py"))},
    "tracking_package": ["-m", "tracking_package.train"],
}

EXPECTED = {
    "batch_trainer",
    "boosting_callbacks",
    "client_logger",
    "databricks_notebook",
    "rl_loop",
    "sklearn_sweep",
    "tracking_package",
}

TIMEOUT = 300


def run_python(arguments: list[str], cwd: Path, store: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with `store` as its tracking store and `cwd` as the place for artifacts."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    env |= {
        "MLFLOW_TRACKING_URI": f"sqlite:///{store.as_posix()}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "PYTHONPATH": str(FIXTURES),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=env,
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )


def create_store(path: Path) -> None:
    """Create an empty MLflow database; `path` appears only when it is complete."""
    work = path.with_name("template-work")
    work.mkdir()
    made = run_python(["-c", "import mlflow; mlflow.search_experiments()"], work, work / "store.db")
    assert made.returncode == 0, made.stderr
    (work / "store.db").replace(path)


@pytest.fixture(scope="session")
def template_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an empty MLflow database, made once for all workers of the test session."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    template = folder / "fixtures-template.db"
    claim, failure = template.with_suffix(".claim"), template.with_suffix(".failed")
    try:
        claim.touch(exist_ok=False)
    except FileExistsError:
        deadline = time.monotonic() + TIMEOUT
        while not template.exists():
            assert not failure.exists(), "another worker could not create the MLflow database"
            assert time.monotonic() < deadline, "the MLflow database was never created"
            time.sleep(0.1)
    else:
        try:
            create_store(template)
        except BaseException:
            failure.touch()
            raise
    return template


def masked(source: str) -> str:
    """Replace the magic and shell lines of a notebook cell by `pass`."""
    lines = []
    for line in source.splitlines():
        code = line.lstrip()
        if code.startswith(("%", "!")):
            line = line[: len(line) - len(code)] + "pass"
        lines.append(line)
    return "\n".join(lines) + "\n"


def test_every_program_is_known() -> None:
    assert set(PROGRAMS) == EXPECTED


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_fixture_runs(name: str, template_store: Path, tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    shutil.copyfile(template_store, store)

    done = run_python(PROGRAMS[name], tmp_path, store)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr

    with closing(sqlite3.connect(store)) as connection:
        states = [row[0] for row in connection.execute("SELECT status FROM runs")]
        runs_without_metrics = connection.execute(
            "SELECT name FROM runs WHERE run_uuid NOT IN (SELECT run_uuid FROM metrics)"
        ).fetchall()
    assert states
    assert set(states) == {"FINISHED"}
    assert runs_without_metrics == []


@pytest.mark.parametrize("path", sorted(FIXTURES.rglob("*.py")), ids=lambda path: path.name)
def test_tracking_uri_comes_from_the_environment(path: Path) -> None:
    assert "set_tracking_uri" not in path.read_text(encoding="utf-8")


def test_notebook_is_well_formed() -> None:
    notebook = json.loads((FIXTURES / "notebook.ipynb").read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    kinds = {cell["cell_type"] for cell in notebook["cells"]}
    assert kinds == {"code", "markdown"}

    sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert any(line.startswith("%") for source in sources for line in source.splitlines())
    assert any(line.startswith("!") for source in sources for line in source.splitlines())
    for source in sources:
        compile(masked(source), "notebook.ipynb", "exec")
