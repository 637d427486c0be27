"""What the files around a module say of MLflow's variables: what is looked at, through every door."""

from __future__ import annotations

from pathlib import Path

import doors
import pytest
from example_cases import check, only, write
from linting import lines

from mlflow_lint.project.environment import Environment

VARIABLE = "MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS"
SETS = f"export {VARIABLE}=2\n"
IN_CODE = f"import os\nos.environ['{VARIABLE}'] = '2'\n"
TRAIN = """\
import mlflow
import lib.deep.setup

for step in range(100):
    mlflow.log_metric("loss", 1 / (step + 1), step=step, synchronous=False)
"""
AROUND = {
    ".env": SETS,
    ".env.production": SETS,
    "Dockerfile": SETS,
    "docker/train.Dockerfile": SETS,
    "deploy/compose.yaml": SETS,
    "scripts/train.sh": SETS,
    "main.py": IN_CODE,
    "pkg/other.py": IN_CODE,
    "pkg/conf/default.toml": SETS,
    "lib/deep/setup.py": IN_CODE,
}
ELSEWHERE = {
    "notes.md": SETS,
    "lib/deep/other.py": IN_CODE,
    "archive/train.sh": SETS,
    "scripts/old/train.sh": SETS,
    "data.yaml": "#" * 300_000 + SETS,
}


def project(folder: Path, name: str = "", text: str = "") -> Path:
    """A project with a program in a package, and one more file."""
    for package in ("pkg", "lib", "lib/deep"):
        (folder / package).mkdir()
        (folder / package / "__init__.py").touch()
    (folder / "lib/deep/setup.py").touch()
    if name:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return write(folder / "pkg", TRAIN, name="train.py")


@pytest.mark.parametrize(("name", "text"), [*AROUND.items(), *ELSEWHERE.items(), ("", "")])
def test_where_a_variable_is_looked_for(name: str, text: str, tmp_path: Path) -> None:
    project(tmp_path, name, text)
    expected = 0 if name in AROUND else 1
    for door in (doors.mlflow_lint, doors.flake8):
        assert door("--select", "MLF502", "pkg/train.py", cwd=tmp_path).code == expected


def test_what_is_buffered_elsewhere_is_not_hot(tmp_path: Path) -> None:
    code = "import mlflow\nfor batch in train_loader:\n    mlflow.log_metric('loss', f(batch), synchronous=False)\n"
    program = write(tmp_path, code)
    assert lines(check(program, only(tmp_path, "MLF101")), "MLF101") == [3]
    (tmp_path / ".env").write_text(SETS)
    assert lines(check(program, only(tmp_path, "MLF101")), "MLF101") == []


def test_odd_places(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "scripts").symlink_to(tmp_path)
    (tmp_path / "run.sh").mkdir()
    environment = Environment(str(tmp_path), lambda _: ())
    for file in ("", str(tmp_path / "a.py"), str(tmp_path / "gone" / "a.py"), "/a.py"):
        assert not environment.speaks_of(VARIABLE, file)
