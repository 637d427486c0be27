"""What is imported when: LibCST and the analysis take longer to import than most runs take in all."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import doors
import pytest
from test_cli import HOT

from mlflow_lint.report import FORMATS

_HEAVY = (
    *("libcst", "flake8", "rich", "pydantic", "pathspec", "packaging", "importlib.metadata", "email", "asyncio"),
    *("concurrent", "multiprocessing", "mlflow_lint.analysis", "mlflow_lint.rules.base"),
    "mlflow_lint.syntax.parse",
)
"""What takes long to import, and what imports it."""

_IRRELEVANT = "import os\n\n\ndef f(x):\n    for batch in x:\n        print(batch)\n"


def imported(*arguments: str | Path, cwd: Path, stdin: bytes = b"") -> set[str]:
    """Modules that Python imports on the way, by its own account."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        cwd=cwd,
        env=doors.environment(),
        input=stdin,
        capture_output=True,
        check=False,
    )
    lines = done.stderr.decode().splitlines()
    assert "Traceback" not in done.stderr.decode()
    assert done.returncode in (0, 1), done.stderr.decode()[-1000:]
    modules = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    assert below(modules, "mlflow_lint")
    return modules


def below(modules: set[str], *packages: str) -> set[str]:
    return {name for name in modules if name.startswith(packages)}


def test_the_command_itself_is_light(tmp_path: Path) -> None:
    modules = imported("-c", "import mlflow_lint.cli", cwd=tmp_path)
    assert not below(modules, *_HEAVY, "mlflow_lint.run", "mlflow_lint.engine")


def test_the_version_costs_nothing(tmp_path: Path) -> None:
    modules = imported("-m", "mlflow_lint", "--version", cwd=tmp_path)
    assert not below(modules, *_HEAVY, "mlflow_lint.run", "mlflow_lint.engine")


@pytest.mark.parametrize(
    "arguments", [["--fix"], ["--diff"], *(["--output-format", name] for name in FORMATS)], ids=str
)
def test_irrelevant_files_are_not_parsed(arguments: list[str], tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(_IRRELEVANT)
    (tmp_path / "pyproject.toml").write_text("[tool.mlflow-lint]\npreview = true\n")
    modules = imported("-m", "mlflow_lint", *arguments, cwd=tmp_path)
    assert not below(modules, *_HEAVY)


def test_a_file_that_is_named_by_pre_commit(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(_IRRELEVANT)
    assert not below(imported("-m", "mlflow_lint", "--force-exclude", "a.py", cwd=tmp_path), *_HEAVY)


def test_what_a_gitignore_file_needs(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("# built\nbuild/\n.env\n")
    assert not below(imported("-m", "mlflow_lint", cwd=tmp_path), *_HEAVY)
    (tmp_path / ".gitignore").write_text("*.py[cod]\n")
    modules = imported("-m", "mlflow_lint", cwd=tmp_path)
    assert below(modules, "pathspec")
    assert not below(modules, *(set(_HEAVY) - {"pathspec"}))


def test_a_file_that_names_mlflow(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(HOT)
    modules = imported("-m", "mlflow_lint", "--output-format", "concise", cwd=tmp_path)
    assert below(modules, "mlflow_lint.syntax.lower", "mlflow_lint.analysis")
    needless = ("libcst", "flake8", "rich", "pydantic", "pathspec", "mlflow_lint.fixing")
    assert not below(modules, *needless)


_COUNTED = """
import sys
import libcst, typer

compiled = []
def hook(event, arguments):
    if event == "exec" and arguments[0].co_filename == "<string>":
        compiled.append(arguments[0])

sys.addaudithook(hook)
from mlflow_lint.__main__ import main
from mlflow_lint.pool import _load

_load()
print(len(compiled))
"""
"""How many times source text is compiled and run while all of the linter is imported."""


def test_records_are_not_compiled_one_by_one(tmp_path: Path) -> None:
    ran = doors.run([sys.executable, "-c", _COUNTED], tmp_path)
    assert ran.err == ""
    assert int(ran.out) < 60  # a dataclass takes 3 to 6, and there are more than 150


def test_nothing_is_taken_apart_at_the_end(tmp_path: Path) -> None:
    program = (
        "import atexit, runpy; atexit.register(print, 'apart'); {}runpy.run_module('mlflow_lint', run_name='__main__')"
    )
    at_once = [sys.executable, "-c", program.format(""), "--version"]
    profiled = [sys.executable, "-c", program.format("import sys; sys.setprofile(lambda *_: None); "), "--version"]
    for command, apart in ((at_once, False), (profiled, True)):
        ran = doors.run(command, tmp_path)
        assert (ran.code, ran.err, ran.out.endswith("apart\n")) == (0, "", apart)
        assert ran.out.startswith("mlflow-lint ")


def test_rich_is_for_colours(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(HOT)
    for name in FORMATS:
        assert not below(imported("-m", "mlflow_lint", "--output-format", name, cwd=tmp_path), "rich")


def test_irrelevant_standard_input_is_not_parsed(tmp_path: Path) -> None:
    modules = imported("-m", "mlflow_lint", "-", cwd=tmp_path, stdin=_IRRELEVANT.encode())
    assert not below(modules, *_HEAVY)


def test_a_thousand_irrelevant_files_that_import_each_other(tmp_path: Path) -> None:
    for number in range(1000):
        package = tmp_path / f"pkg{number // 100}"
        package.mkdir(exist_ok=True)
        (package / f"m{number}.py").write_text(f"from . import m{number + 1}\nfrom pkg0.m1 import f\n{_IRRELEVANT}")
    modules = imported("-m", "mlflow_lint", cwd=tmp_path)
    assert not below(modules, *_HEAVY)


def test_flake8_on_an_irrelevant_file(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(_IRRELEVANT)
    command = doors.flake8_command(tmp_path)[1:]
    modules = imported(*command, "-j1", "a.py", cwd=tmp_path)
    assert "mlflow_lint.engine" in modules  # by the plugin, which flake8 loads in a way that is not listed
    assert not below(modules, "libcst", "rich", "typer", "pathspec", "mlflow_lint.rules.base")


def test_nodes_of_libcst_are_never_imported(tmp_path: Path) -> None:
    # Everything that can be made to happen: all rules, through functions and files, and their fixes.
    shutil.copytree(doors.FIXTURES, tmp_path / "code", ignore=shutil.ignore_patterns("mlruns", "*.db"))
    (tmp_path / "code" / "hot.py").write_text(HOT)
    arguments = ("--preview", "--select", "ALL", "--fix", "--unsafe-fixes")
    modules = imported("-m", "mlflow_lint", *arguments, cwd=tmp_path)
    assert below(modules, "mlflow_lint.syntax.lower")
    assert not below(modules, "libcst")

    command = doors.flake8_command(tmp_path)[1:]
    modules = imported(*command, "-j1", "--select=MLF", "code", cwd=tmp_path)
    assert below(modules, "mlflow_lint.syntax.lower")
    assert not below(modules, "libcst")
