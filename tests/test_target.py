"""Which version of MLflow a project is for: the setting, what its files require, and what becomes of bad files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import doors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_lint.config import ConfigError, SettingsResolver, default_settings
from mlflow_lint.facts.releases import NEWEST, RELEASES
from mlflow_lint.project.requirements import requested_in
from mlflow_lint.project.target import NEWEST_TARGET, Target, Targets

PEP_621 = '[project]\ndependencies = ["numpy", "{}"]\n'
MODEL = 'import mlflow\n\nmlflow.sklearn.log_model(model, artifact_path="model")\n'


def target(folder: Path, **files: str) -> str:
    """The target of a file in a folder, as its version and what it is read from."""
    for name, text in files.items():
        write(folder, name.replace("__", "."), text)
    found = Targets(str(folder)).of(str(folder / "train.py"), default_settings(folder))
    return f"{found} from {found.origin}" if found.is_stated else "unknown"


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


# ----------------------------------------------------------------------------------------------- requirements
@pytest.mark.parametrize(
    ("requirement", "oldest"),
    [
        ("mlflow>=2.9,<4", "2.9"),
        ("mlflow==2.10.*", "2.10"),
        ("mlflow==2.16.2", "2.16.2"),
        ("mlflow ~= 3.1", "3.1"),
        ("mlflow>2.8", "2.8"),
        ("mlflow<3", "2.22"),
        ("mlflow<=2.16", "2.16"),
        ("mlflow!=3.2,>=3", "3.0"),
        ("mlflow[extras,genai]>=2.14; python_version > '3.9'", "2.14"),
        ("mlflow-skinny>=3.1", "3.1"),
        ("MLflow_Skinny==3.1.0", "3.1"),
        ("mlflow>=4", "4.0"),
    ],
)
def test_the_lowest_version_that_is_admitted(requirement: str, oldest: str, tmp_path: Path) -> None:
    assert target(tmp_path, pyproject__toml=PEP_621.format(requirement)).split()[0] == oldest


@pytest.mark.parametrize(
    "requirement",
    [
        "mlflow",
        "mlflow<4",
        "mlflow!=3.2",
        "mlflow-export-import==1.2",
        "mlflow @ git+https://x.org/mlflow",
        "mlflow=>2",
    ],
)
def test_what_says_nothing(requirement: str, tmp_path: Path) -> None:
    files = {"pyproject__toml": PEP_621.format(requirement), "requirements__txt": f"{requirement}\n"}
    assert target(tmp_path, **files) == "unknown"


POETRY = "[tool.poetry.dependencies]\nmlflow = {}\n"


@pytest.mark.parametrize(
    ("name", "text", "oldest"),
    [
        ("pyproject.toml", '[project.optional-dependencies]\nlog = ["mlflow>=2.11"]\n', "2.11"),
        ("pyproject.toml", '[dependency-groups]\ndev = ["mlflow>=2.12", {include-group = "x"}]\n', "2.12"),
        ("pyproject.toml", POETRY.format('"^2.9"'), "2.9"),
        ("pyproject.toml", POETRY.format('"~2.9.1"'), "2.9.1"),
        ("pyproject.toml", POETRY.format('">=2.9 <3.0"'), "2.9"),
        ("pyproject.toml", POETRY.format('"2.9.2"'), "2.9.2"),
        ("pyproject.toml", POETRY.format('"2.*"'), "2.0"),
        ("pyproject.toml", POETRY.format('"^3.0 || ^2.8"'), "2.8"),
        ("pyproject.toml", POETRY.format('{ version = "^2.9", extras = ["genai"] }'), "2.9"),
        ("pyproject.toml", POETRY.format('[{ version = "^3.1" }, { version = "^2.9", python = "<3.10" }]'), "2.9"),
        ("pyproject.toml", '[tool.poetry.group.dev.dependencies]\nmlflow-skinny = "3.1"\n', "3.1"),
        ("requirements.txt", "numpy\nmlflow==2.16.2 --hash=sha256:00 # why\n", "2.16.2"),
        ("requirements.txt", "mlflow==2.16.2 \\\n    --hash=sha256:00\n", "2.16.2"),
        ("requirements-dev.txt", "  MLFLOW >= 2.5\n", "2.5"),
        ("uv.lock", 'version = 1\n\n[[package]]\nname = "mlflow"\nversion = "3.1.4"\n', "3.1.4"),
        ("poetry.lock", '[[package]]\r\nname = "mlflow-skinny"\r\nversion = "2.9.2"\r\n', "2.9.2"),
        (
            "Pipfile.lock",
            json.dumps({"default": {"mlflow": {"hashes": ["a"], "version": "==2.1.1"}}}, indent=4),
            "2.1.1",
        ),
        ("environment.yml", "dependencies:\n  - python=3.10\n  - mlflow=2.9.2\n", "2.9.2"),
        ("environment.yml", "dependencies:\n  - conda-forge::mlflow >=2.9\n", "2.9"),
        ("conda.yaml", "dependencies:\n- pip:\n  - 'mlflow[extras]==2.3'\n", "2.3"),
        ("conda.yaml", "dependencies:\n- mlflow=2.9.*=py39_0\n", "2.9"),
    ],
)
def test_files(name: str, text: str, oldest: str, tmp_path: Path) -> None:
    write(tmp_path, name, text)
    assert target(tmp_path).split()[0] == oldest


def test_a_lock_wins_over_a_range_and_the_lowest_among_equals(tmp_path: Path) -> None:
    ranges = {"pyproject__toml": PEP_621.format("mlflow>=2.9"), "requirements__txt": "mlflow>=2.11\n"}
    assert target(tmp_path, **ranges) == "2.9 from pyproject.toml: mlflow>=2.9"
    lock = '[[package]]\nname = "mlflow"\nversion = "3.1.4"\n'
    assert target(tmp_path, uv__lock=lock) == "3.1.4 from uv.lock: mlflow==3.1.4"


def test_a_file_of_windows(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("mlflow==2.9.2\r\n", encoding="utf-16")
    assert target(tmp_path).split()[0] == "2.9.2"


# ------------------------------------------------------------------------------------------------- bad files
@pytest.mark.parametrize(
    "text",
    [
        "mlflow = [",
        "[project]\ndependencies = 'mlflow>=2'",
        "project = 'mlflow'",
        "[project]\ndependencies = [1, {mlflow = 2}, ['mlflow>=2']]",
        "[project]\noptional-dependencies = ['mlflow>=2']",
        "tool.poetry.dependencies.mlflow = 3",
        "tool.poetry.group = 'mlflow'",
        "mlflow = " + "[" * 100_000,
        PEP_621.format("mlflow>=" + "9" * 100_000),
        PEP_621.format("mlflow>=" + "9" * 400),
        PEP_621.format("mlflow; " + "(" * 400),
    ],
    ids=range(11),
)
def test_a_broken_project_file_says_nothing(text: str, tmp_path: Path) -> None:
    for name in ("pyproject.toml", "requirements.txt", "uv.lock", "Pipfile.lock", "environment.yml"):
        write(tmp_path, name, text)
    assert requested_in(str(tmp_path)) is None or "9" * 400 in text


def test_what_is_no_regular_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").mkdir()
    os.mkfifo(tmp_path / "pyproject.toml")
    (tmp_path / "uv.lock").symlink_to("uv.lock")
    (tmp_path / "environment.yml").write_bytes(b"\xff\xfe- mlflow\xd8")
    (tmp_path / "requirements-x.txt").write_bytes(b"\x00mlflow==2.1\xff\n")
    assert requested_in(str(tmp_path)) is None
    assert requested_in(str(tmp_path / "gone")) is None


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "requirements.txt").open("wb") as stream:
        stream.write(b"mlflow==2.1\n")
        stream.truncate(20 * 1024 * 1024)
    assert requested_in(str(tmp_path)) is None


@given(st.text(), st.sampled_from(["pyproject.toml", "requirements.txt", "uv.lock", "Pipfile.lock", "conda.yaml"]))
def test_no_text_raises(tmp_path_factory: pytest.TempPathFactory, text: str, name: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / name).write_bytes(f"- mlflow{text}\nmlflow{text}".encode("utf-8", "replace"))
    requested_in(str(folder))


# ------------------------------------------------------------------------------------------------ which folder
def test_the_nearest_folder_up_to_the_root_decides(tmp_path: Path) -> None:
    write(tmp_path, "requirements.txt", "mlflow==1.30\n")
    write(tmp_path, "repo/requirements.txt", "mlflow>=2.9\n")
    write(tmp_path, "repo/examples/new/requirements.txt", "mlflow==3.1\n")
    write(tmp_path, "repo/src/requirements.txt", "mlflow\n")
    root = tmp_path / "repo"
    targets, settings = Targets(str(root)), default_settings(root)

    def of(file: str) -> str:
        return str(targets.of(str(root / file), settings))

    assert of("train.py") == of("src/pkg/train.py") == of("examples/old/train.py") == "2.9"
    assert of("examples/new/pkg/train.py") == "3.1"
    assert targets.of(str(tmp_path / "elsewhere" / "train.py"), settings) == NEWEST_TARGET
    assert str(targets.of(str(tmp_path / "train.py"), settings)) == "1.30"
    assert Target(NEWEST, "") == NEWEST_TARGET
    assert list(RELEASES) == sorted(RELEASES)


def test_files_are_read_once_and_only_if_a_rule_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow_lint.engine import Project, check_files
    from mlflow_lint.project import requirements

    asked: list[str] = []
    honest: Callable[[str], object] = requirements.requested_in

    def requested_in(folder: str) -> object:
        asked.append(folder)
        return honest(folder)

    monkeypatch.setattr(requirements, "requested_in", requested_in)
    write(tmp_path, "requirements.txt", "mlflow>=3.1\n")
    names = ("a.py", "b.py", "c/d.py")
    settings = default_settings(tmp_path)
    for text, folders in (("import mlflow\nmlflow.log_param('a', 1)\n", 0), (MODEL, 2)):
        for name in names:
            write(tmp_path, name, text)
        check_files(Project(tmp_path, tmp_path), [(tmp_path / name, settings) for name in names])
        assert len(asked) == folders


# ---------------------------------------------------------------------------------------------------- setting
def test_the_setting_wins(tmp_path: Path) -> None:
    write(tmp_path, "requirements.txt", "mlflow==2.9\n")
    settings = replace(default_settings(tmp_path), target_mlflow_version="3.1")
    found = Targets(str(tmp_path)).of(str(tmp_path / "a.py"), settings)
    assert (found.release, found.origin) == ((3, 1, 0), "target-mlflow-version")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (2.16, 'must be a string such as "3.1", not a float'),
        ("3.x", "must be a version such as `3.1`, not `3.x`"),
        (">=3", "must be a version such as `3.1`, not `>=3`"),
        ("3.1.2.4", "must be a version such as `3.1`, not `3.1.2.4`"),
        ("9" * 9, "must be a version such as `3.1`, not"),
        ("", "must be a version such as `3.1`, not ``"),
    ],
)
def test_a_wrong_setting(value: object, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SettingsResolver((), overrides={"target-mlflow-version": value})
    assert f"`target-mlflow-version` {said}" in str(caught.value)


def test_every_door_takes_the_same_target(tmp_path: Path) -> None:
    write(tmp_path, "pkg/train.py", MODEL)
    arguments = ("--output-format", "concise", "--select", "MLF7")

    def found() -> set[int]:
        named = doors.mlflow_lint(*arguments, "pkg/train.py", cwd=tmp_path).out.count("MLF701")
        walked = doors.mlflow_lint(*arguments, cwd=tmp_path).out.count("MLF701 ")
        typed = doors.mlflow_lint(
            *arguments, "--stdin-filename", "pkg/train.py", cwd=tmp_path, stdin=MODEL.encode()
        ).out.count("MLF701")
        return {named, walked, typed, doors.flake8("--select=MLF", "pkg", cwd=tmp_path).out.count("MLF701")}

    assert found() == {1}
    write(tmp_path, "requirements.txt", "mlflow>=2.9\n")
    assert found() == {0}
    write(tmp_path, "pyproject.toml", '[tool.mlflow-lint]\ntarget-mlflow-version = "3.0"\n')
    assert found() == {1}
    option = ("--target-mlflow-version", "2.16")
    assert doors.mlflow_lint(*arguments, *option, cwd=tmp_path).out == "No findings in 1 file.\n"


def test_show_settings_says_where_it_comes_from(tmp_path: Path) -> None:
    shown = doors.mlflow_lint("--show-settings", cwd=tmp_path).out
    assert '# target-mlflow-version = "3.17" (from the newest that mlflow-lint knows)\n' in shown
    write(tmp_path, "requirements.txt", "mlflow>=2.9,<4\n")
    shown = doors.mlflow_lint("--show-settings", cwd=tmp_path).out
    assert '# target-mlflow-version = "2.9" (from requirements.txt: mlflow>=2.9,<4)\n' in shown
    shown = doors.mlflow_lint("--show-settings", "--target-mlflow-version", "3.1", cwd=tmp_path).out
    assert 'target-mlflow-version = "3.1"\n' in shown
    assert "(from" not in shown
