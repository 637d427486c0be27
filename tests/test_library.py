"""The library finds and fixes what the command does, keeps its promises on bad input, and its pages run as written."""

from __future__ import annotations

import dataclasses
import doctest
import json
import multiprocessing
import pickle
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import doors
import pytest
from test_cli import BROKEN, HOT, ROW, ROW_FIXED, UNSAFE
from test_pool import project

import mlflow_lint
from mlflow_lint import ConfigError, FileResult, Finding, FixResult, LintResult, fix_source, lint_paths, lint_source

DOCS = doors.ROOT / "docs"
WRAPPER = "import mlflow\n\n\ndef log_it(value):\n    mlflow.log_metric('loss', value)\n"
USER = "from tracking import log_it\n\nfor batch in train_loader:\n    log_it(train_step(batch))\n"


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page."""
    pieces = (DOCS / page).read_text(encoding="utf-8").split(f"```{language}\n")[1:]
    return [piece.partition("```\n")[0] for piece in pieces]


# --- linting ---------------------------------------------------------------------------------------------


def test_paths_give_what_the_command_gives(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "code",
        {"a.py": HOT, "tracking.py": WRAPPER, "b/c.py": USER, "plain.py": "x = 1\n", "broken.py": BROKEN},
    )
    shutil.copytree(doors.FIXTURES, folder / "fixtures", ignore=shutil.ignore_patterns("mlruns", "*.db"))
    result = lint_paths([folder], root=folder)
    printed = json.loads(doors.mlflow_lint("--output-format", "json", cwd=folder).out)
    assert len(printed) > 40
    assert [
        (finding.path, finding.region.line, finding.region.column, finding.code, finding.message)
        for finding in result.findings
    ] == [
        (item["filename"], item["location"]["row"], item["location"]["column"], item["code"], item["message"])
        for item in printed
    ]
    assert result.errors == ()
    assert FileResult("plain.py", ()) in result.files


def test_the_root_need_not_be_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "repo", {"lib/tracking.py": WRAPPER, "lib/jobs/train.py": USER})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    result = lint_paths(["../repo/lib/jobs"], root="../repo")
    assert [(file.path, codes(file.findings)) for file in result.files] == [("lib/jobs/train.py", ["MLF101", "MLF402"])]
    assert result.findings[0].chain[-1].path == "lib/tracking.py"


def test_patterns_without_a_configuration_are_relative_to_the_root(tmp_path: Path) -> None:
    folder = write(tmp_path / "repo", {"gen/a.py": HOT, "b.py": HOT, "tests/c.py": HOT})
    settings = {"exclude": ["/gen"], "per-file-ignores": {"/tests": ["MLF"]}}
    result = lint_paths([folder], root=folder, settings=settings)
    assert [(file.path, codes(file.findings)) for file in result.files] == [("b.py", ["MLF101"]), ("tests/c.py", [])]


def test_settings_go_before_the_file_and_isolated_before_both(tmp_path: Path) -> None:
    folder = write(tmp_path, {"a.py": HOT + ROW, "pyproject.toml": '[tool.mlflow-lint]\nignore = ["MLF1"]\n'})
    ci = write(tmp_path, {"ci.toml": '[tool.mlflow-lint]\nselect = ["MLF1"]\n'}) / "ci.toml"
    text = HOT + ROW
    for linted in (
        lambda **given: lint_paths([folder / "a.py"], root=folder, **given).findings,
        lambda **given: lint_source(text, path=folder / "a.py", root=folder, **given),
    ):
        lint: Callable[..., Any] = linted
        assert codes(lint()) == ["MLF201"]
        assert codes(lint(isolated=True)) == ["MLF101", "MLF201"]
        assert codes(lint(config=ci)) == ["MLF101"]
        assert codes(lint(settings={"ignore": ["MLF2"]})) == ["MLF101"]


def test_what_cannot_be_linted_is_an_error_and_the_rest_is_linted(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            "good.py": HOT,
            "binary.py": b"import mlflow\0\xff",
            "sub/pyproject.toml": "[tool.mlflow-lint]\nselct = []\n",
            "sub/a.py": HOT,
        },
    )
    (folder / "loop.py").symlink_to("loop.py")
    result = lint_paths([folder, folder / "gone.py", folder / "loop.py"], root=folder)
    assert [(file.path, codes(file.findings)) for file in result.files] == [
        ("binary.py", ["MLF000"]),
        ("good.py", ["MLF101"]),
    ]
    assert len(result.errors) == 3
    assert any("unknown key `selct`" in error for error in result.errors)
    assert not any("\n" in error for error in result.errors)


def test_a_configuration_that_cannot_be_used(tmp_path: Path) -> None:
    folder = write(tmp_path, {"pyproject.toml": "[tool.mlflow-lint]\nselct = []\n", "a.py": HOT})
    result = lint_paths([folder], root=folder)
    assert result.files == ()
    assert [error.partition(": ")[2] for error in result.errors] == ["unknown key `selct`, did you mean `select`?"]
    with pytest.raises(ConfigError, match="selct"):
        lint_source(HOT, path=folder / "a.py", root=folder)
    with pytest.raises(ConfigError, match=r"^settings: `select` names the unknown code `E1`"):
        lint_paths([folder], settings={"select": ["E1"]})
    with pytest.raises(ConfigError, match=r"missing\.toml"):
        fix_source(ROW, config=folder / "missing.toml")


def test_one_path_alone_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="brackets"):
        lint_paths("src")


def test_a_text_is_linted_as_its_path_says(tmp_path: Path) -> None:
    write(tmp_path, {"tracking.py": WRAPPER})
    assert codes(lint_source(USER, path=tmp_path / "train.py", root=tmp_path)) == ["MLF101", "MLF402"]
    assert lint_source(USER, path=tmp_path.parent / "other" / "train.py", root=tmp_path.parent / "other") == ()
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell("%pip install mlflow"), cell(ROW)]}
    text = json.dumps(notebook)
    for source in (text, text.encode()):
        (finding,) = lint_source(source, path=tmp_path / "a.ipynb", root=tmp_path)
        assert (finding.code, finding.region.cell, finding.region.line) == ("MLF201", 2, 3)


def cell(source: str) -> dict[str, object]:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None, "id": "a"}


@pytest.mark.parametrize(
    "source",
    [
        BROKEN,
        "import mlflow\0",
        "import mlflow\n\ud83d",
        b"import mlflow\n\xff",
        b"# coding: nonsense\nimport mlflow\n",
        "import mlflow\n" + "(" * 5000,
    ],
    ids=["syntax", "nul", "surrogate", "bytes", "cookie", "deep"],
)
def test_what_is_no_python_is_a_finding(source: str | bytes) -> None:
    assert codes(lint_source(source)) == ["MLF000"]
    if isinstance(source, str):
        fixed = fix_source(source)
        assert (fixed.text, fixed.applied, codes(fixed.findings)) == (source, (), ["MLF000"])


def test_a_cookie_means_nothing_in_a_text_and_much_in_bytes() -> None:
    text = "# coding: latin-1\n" + ROW.replace('"a"', '"é"')
    assert "é" in fix_source(text).text
    assert fix_source(text).text.startswith("# coding: latin-1\nimport mlflow")
    assert codes(lint_source(text.encode("latin-1"))) == ["MLF201"]


# --- fixing ----------------------------------------------------------------------------------------------


def test_fixes() -> None:
    assert fix_source(ROW) == FixResult(ROW_FIXED, (("MLF201", 1),), (), ())
    kept = fix_source(UNSAFE)
    assert (kept.text, kept.applied, codes(kept.findings)) == (UNSAFE, (), ["MLF204"])
    made = fix_source(UNSAFE, unsafe=True)
    assert (made.applied, made.findings) == ((("MLF204", 1),), ())
    assert made.text != UNSAFE


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=repr)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "mark"])
def test_line_ends_and_the_byte_order_mark_stay(newline: str, mark: str) -> None:
    text = mark + ROW.replace("\n", newline)
    assert fix_source(text).text == mark + ROW_FIXED.replace("\n", newline)


def test_a_notebook_is_fixed_in_its_json(tmp_path: Path) -> None:
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"x": "é"}, "cells": [cell(ROW)]}
    text = json.dumps(notebook, indent=3, ensure_ascii=False) + "\n"
    fixed = fix_source(text, path="a.ipynb", root=tmp_path)
    assert json.loads(fixed.text)["cells"][0]["source"] == ROW_FIXED
    assert fixed.text == text.replace(json.dumps(ROW), json.dumps(ROW_FIXED))


# --- known findings --------------------------------------------------------------------------------------

BASELINE = "[tool.mlflow-lint]\nbaseline = 'base.json'\n"
MORE = "x = input()\n" + ROW


def known(folder: Path, files: Mapping[str, str]) -> Path:
    """A folder whose findings are known."""
    write(folder, {"pyproject.toml": BASELINE, **files})
    ran = doors.mlflow_lint("--update-baseline", cwd=folder)
    assert ran.code == 0, ran
    return folder


def test_what_a_baseline_knows_is_not_told(tmp_path: Path) -> None:
    folder = known(tmp_path, {"a.py": ROW, "sub/b.py": HOT, "sub/c.py": BROKEN})
    assert lint_paths([folder], root=folder).findings == ()
    assert lint_source(HOT, path=folder / "sub/b.py", root=folder) == ()
    write(folder, {"a.py": ROW + MORE})
    (new,) = lint_paths([folder], root=folder).findings
    assert (new.path, new.code, new.region.line) == ("a.py", "MLF201", 8)
    assert lint_source(ROW + MORE, path=folder / "a.py", root=folder) == (new,)
    assert lint_source((ROW + MORE).encode(), path=folder / "a.py", root=folder) == (new,)
    assert codes(lint_source(HOT, path=folder / "a.py", root=folder)) == ["MLF101"]
    # No baseline is asked for, there is no path that could be in it, or it is not read.
    shown = ["MLF201", "MLF201", "MLF101", "MLF000"]
    assert codes(lint_paths([folder], root=folder, settings={"baseline": ""}).findings) == shown
    assert codes(lint_paths([folder], root=folder, isolated=True).findings) == shown
    assert codes(lint_source(ROW, root=folder)) == ["MLF201"]


def test_what_a_baseline_knows_is_not_fixed(tmp_path: Path) -> None:
    folder = known(tmp_path, {"a.py": ROW})
    assert fix_source(ROW, path=folder / "a.py", root=folder) == FixResult(ROW, (), (), ())
    fixed = fix_source(ROW + MORE, path=folder / "a.py", root=folder)
    assert fixed == FixResult(ROW + "x = input()\n" + ROW_FIXED, (("MLF201", 1),), (), ())
    assert fix_source(ROW, root=folder).text == ROW_FIXED


def test_a_notebook_is_known_however_it_was_run(tmp_path: Path) -> None:
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell(ROW)]}
    folder = known(tmp_path, {"a.ipynb": json.dumps(notebook)})
    notebook["cells"] = [cell("x = 1"), cell(ROW), cell(ROW)]
    (new,) = lint_source(json.dumps(notebook), path=folder / "a.ipynb", root=folder)
    assert (new.code, new.region.cell) == ("MLF201", 3)


@pytest.mark.parametrize("content", [None, "<<<<<<< HEAD\n", "[]"], ids=["missing", "conflict", "other"])
def test_a_baseline_that_cannot_be_read(content: str | None, tmp_path: Path) -> None:
    files = {"bad/pyproject.toml": BASELINE, "bad/a.py": HOT, "bad/b.py": "x = 1\n", "good.py": HOT}
    folder = write(tmp_path, files | ({} if content is None else {"bad/base.json": content}))
    result = lint_paths([folder], root=folder)
    (error,) = result.errors
    assert error.startswith(f"{folder / 'bad' / 'base.json'}: ")
    assert [(file.path, codes(file.findings), file.error) for file in result.files] == [
        ("bad/a.py", [], error),
        ("bad/b.py", [], error),
        ("good.py", ["MLF101"], None),
    ]
    with pytest.raises(ConfigError) as raised:
        lint_source(HOT, path=folder / "bad/a.py", root=folder)
    assert str(raised.value) == error
    with pytest.raises(ConfigError, match=r"base\.json"):
        fix_source(ROW, path=folder / "bad/a.py", root=folder)
    assert codes(lint_source(HOT, root=folder / "bad")) == ["MLF101"]


# --- several processes -----------------------------------------------------------------------------------


def children_worked() -> float:
    """Seconds of this program's processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_several_processes_find_the_same(tmp_path: Path) -> None:
    folder = project(tmp_path)
    before = children_worked()
    alone = lint_paths([folder], root=folder)
    assert children_worked() == before
    assert len(alone.findings) >= 9
    assert lint_paths([folder], root=folder, jobs=2) == alone
    assert children_worked() > before
    assert lint_paths([folder], root=folder, jobs=None) == alone
    with pytest.raises(ValueError, match="`jobs` is at least 1"):
        lint_paths([folder], jobs=0)


def test_a_defect_in_one_of_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow_lint import engine

    real = engine.check_bytes

    def failing(at: Any, file: str, data: bytes, settings: Any) -> Any:
        if file.endswith("train_3.py"):
            raise ZeroDivisionError("oh no")
        return real(at, file, data, settings)

    folder = project(tmp_path)
    expected = lint_paths([folder], root=folder)
    monkeypatch.setattr(engine, "check_bytes", failing)
    other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    other.start()
    try:
        result = lint_paths([folder], root=folder, jobs=2)
        assert other.is_alive(), "a process of the program is none of ours"
    finally:
        other.terminate()
        other.join()
    assert [error.partition(":")[0] for error in result.errors] == ["internal error in train_3.py"]
    others = [file for file in result.files if file.path != "train_3.py"]
    assert others == [file for file in expected.files if file.path != "train_3.py"]


# --- as a library ----------------------------------------------------------------------------------------


def test_results_survive_pickling_and_are_frozen(tmp_path: Path) -> None:
    folder = write(tmp_path, {"a.py": HOT + ROW})
    result = lint_paths([folder, "missing"], root=folder)
    assert pickle.loads(pickle.dumps(result)) == result
    assert len({result, pickle.loads(pickle.dumps(result))}) == 1
    fixed = fix_source(ROW)
    assert pickle.loads(pickle.dumps(fixed)) == fixed
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.files = ()  # type: ignore[misc]


def test_nothing_is_printed_or_written(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path, {"a.py": HOT + ROW, "b.py": BROKEN})
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    lint_paths([folder, "missing"], root=folder)
    fix_source(ROW, path=folder / "a.py", root=folder, unsafe=True)
    assert capfd.readouterr() == ("", "")
    assert {path: path.read_bytes() for path in folder.rglob("*.py")} == before


def test_threads_get_the_same(tmp_path: Path) -> None:
    deep = "import mlflow\nx = " + "(" * 150 + "1" + ")" * 150 + "\n" + ROW
    results: list[tuple[Finding, ...]] = []
    threads = [threading.Thread(target=lambda: results.append(lint_source(deep))) for _ in range(6)]
    limit = sys.getrecursionlimit()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [codes(result) for result in results] == [["MLF201"]] * 6
    assert sys.getrecursionlimit() == limit


def test_a_defect_in_one_file_is_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow_lint import engine

    real = engine.check_bytes

    def failing(project: Any, file: str, data: bytes, settings: Any) -> Any:
        if file.endswith("bad.py"):
            raise ZeroDivisionError("oh\nno")
        return real(project, file, data, settings)

    monkeypatch.setattr(engine, "check_bytes", failing)
    folder = write(tmp_path, {"bad.py": HOT, "good.py": HOT})
    result = lint_paths([folder], root=folder)
    assert [(file.path, codes(file.findings)) for file in result.files] == [("bad.py", []), ("good.py", ["MLF101"])]
    assert result.errors == (result.files[0].error,)
    assert "internal error in bad.py: ZeroDivisionError: oh no" in result.errors[0]


def test_importing_the_package_costs_nothing() -> None:
    program = "import sys, mlflow_lint; print([name for name in sys.modules if name.startswith('mlflow_lint')])"
    assert doors.run([sys.executable, "-c", program], doors.ROOT).out == "['mlflow_lint']\n"
    assert set(mlflow_lint.__all__) <= set(dir(mlflow_lint))
    for name in mlflow_lint.__all__:
        getattr(mlflow_lint, name)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = mlflow_lint.nonsense  # type: ignore[attr-defined]


def test_users_code_is_type_checked(tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(
        "from mlflow_lint import Finding, fix_source, lint_paths, lint_source\n"
        "reveal_type(lint_paths(['src']).findings[0].region.line)\n"
        "reveal_type(lint_source(b'')[0].fix)\n"
        "reveal_type(fix_source('').text)\n"
        "lint_source(1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "user.py"],
        cwd=tmp_path,
        env=doors.environment({"MYPYPATH": str(doors.ROOT)} if not doors.is_installed() else {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert [line.partition('is "')[2] for line in done.stdout.splitlines() if "Revealed" in line] == [
        'int"',
        'mlflow_lint.findings.Fix | None"',
        'str"',
    ]
    assert done.stdout.count(" error: ") == 1, done.stdout
    assert "user.py:5: error: " in done.stdout


# --- the pages -------------------------------------------------------------------------------------------


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = 'import mlflow\n\nmlflow.log_param("a", 1)\nmlflow.log_param("b", 2)\n' + HOT
    write(tmp_path, {"src/metrics.py": parameters, "src/readme.py": "x = 1\n"})
    monkeypatch.chdir(tmp_path)
    done = doctest.testfile(
        str(DOCS / "library.md"), module_relative=False, optionflags=doctest.IGNORE_EXCEPTION_DETAIL
    )
    assert done.attempted > 10
    assert done.failed == 0


def test_the_page_names_every_field_and_argument() -> None:
    page = (DOCS / "library.md").read_text(encoding="utf-8")
    for result in (LintResult, FileResult, FixResult, Finding, mlflow_lint.Region, mlflow_lint.Step, mlflow_lint.Fix):
        row = next(line for line in page.splitlines() if line.startswith(f"| `{result.__name__}` |"))
        for field in dataclasses.fields(result):
            assert f"`{field.name}`" in row, field.name


@pytest.fixture
def organisation(tmp_path: Path) -> Path:
    """Three repositories, and the programs of the page beside them."""
    write(
        tmp_path / "repositories",
        {
            "churn/train.py": HOT,
            "churn/eval.py": ROW,
            "prices/pyproject.toml": "[tool.mlflow-lint]\nselct = []\n",
            "prices/a.py": ROW,
            "search/src/tracking.py": WRAPPER,
            "search/src/train.py": USER,
        },
    )
    scan, on_spark, on_processes = blocks("spark.md", "python")
    write(tmp_path, {"scan.py": scan, "on_spark.py": on_spark, "on_processes.py": on_processes})
    return tmp_path


SCANNED = "MLF101 churn 1\nMLF101 search 1\nMLF201 churn 1\nMLF402 search 1\n"


def test_the_scan_with_processes(organisation: Path) -> None:
    ran = doors.run([sys.executable, "on_processes.py", "repositories"], organisation)
    assert ran == doors.Ran(0, "error prices 1\n" + SCANNED, "")


def test_the_scan_on_spark(organisation: Path) -> None:
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    spark = {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable, "PYSPARK_SUBMIT_ARGS": ""}
    submit = "--master local[2] --conf spark.ui.enabled=false --conf spark.sql.shuffle.partitions=2 pyspark-shell"
    spark["PYSPARK_SUBMIT_ARGS"] = submit
    ran = doors.run([sys.executable, "on_spark.py", "repositories"], organisation, env=spark)
    assert (ran.code, ran.out) == (0, "error prices 1\n" + SCANNED), ran.err[-2000:]
