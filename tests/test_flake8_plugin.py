"""The flake8 plugin, as users run it: with flake8, in a process of its own."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import doors
import pytest
from doors import FIXTURES, Ran
from test_cli import BROKEN, HOT, ROW, UNSAFE

_LINE = re.compile(r"^(?P<path>.+?):(?P<line>\d+):(?P<column>\d+): (?P<code>[A-Z]+\d+) ")

Place = tuple[str, int, int, str]


def places(ran: Ran) -> list[Place]:
    """Path, line, column and code of each line of a report."""
    matches = filter(None, map(_LINE.match, ran.out.splitlines()))
    return [(Path(m["path"]).as_posix(), int(m["line"]), int(m["column"]), m["code"]) for m in matches]


def flake8(tree: Path, *arguments: str, config: str = "", stdin: bytes = b"") -> list[Place]:
    ran = doors.flake8("--select=MLF", *arguments, cwd=tree, config=config, stdin=stdin)
    assert ran.err == ""
    return places(ran)


def mlflow_lint(tree: Path, *arguments: str) -> list[Place]:
    return places(doors.mlflow_lint("--output-format", "concise", *arguments, cwd=tree))


def write(tree: Path, **files: str) -> None:
    for name, content in files.items():
        (tree / f"{name}.py").write_bytes(content.encode())


def test_flake8_knows_it(tmp_path: Path) -> None:
    ran = doors.flake8("--version", cwd=tmp_path)
    assert ("mlflow-lint: " in ran.out) == doors.is_installed()
    assert "--mlflow-lint-preview" in doors.flake8("--help", cwd=tmp_path).out


def test_it_is_on_without_being_selected(tmp_path: Path) -> None:
    write(tmp_path, a=HOT)
    ran = doors.flake8("a.py", cwd=tmp_path)
    assert ("a.py", 6, 9, "MLF101") in places(ran)
    assert ran.code == 1


@pytest.mark.parametrize("where", ["", "fixtures", "fixtures/tracking_package"])
@pytest.mark.parametrize("jobs", ["1", "4"])
def test_it_finds_what_the_command_finds(where: str, jobs: str, tmp_path: Path) -> None:
    # From the folder above, from the folder itself, and from within a package.
    (tmp_path / "fixtures").symlink_to(FIXTURES)
    cwd = tmp_path / where
    config = tmp_path / "config"
    config.mkdir()
    target = "." if where else "fixtures"
    plugin = doors.run([*doors.flake8_command(config), "--select=MLF", f"--jobs={jobs}", target], cwd)
    assert plugin.err == ""
    found = sorted(places(plugin))
    assert found
    # flake8 itself passes notebooks over.
    assert found == sorted(mlflow_lint(cwd, target, "--extend-exclude", "*.ipynb"))


def test_odd_files_give_the_same(tmp_path: Path) -> None:
    write(
        tmp_path,
        bom="\ufeff" + HOT,
        crlf=HOT.replace("\n", "\r\n"),
        tabs=HOT.replace("    ", "\t"),
        page="\f" + HOT,
        unicode=HOT.replace('mlflow.log_metric("loss', '"é\N{PILE OF POO}", mlflow.log_metric("loss'),
        unended=HOT.rstrip("\n"),
        empty="",
        only_comment="# mlflow",
    )
    (tmp_path / "latin.py").write_bytes(f"# coding: latin-1\n# \xe9\n{HOT}".encode("latin-1"))
    found = flake8(tmp_path, ".")
    assert len(found) == 7
    assert found == mlflow_lint(tmp_path)


def test_a_syntax_error_is_flake8s_to_report(tmp_path: Path) -> None:
    write(tmp_path, a=BROKEN, b=HOT)
    ran = doors.flake8("--select=MLF,E9", ".", cwd=tmp_path)
    assert [(path, code) for path, _, _, code in places(ran)] == [("a.py", "E999"), ("b.py", "MLF101")]


def test_a_wrapper_in_another_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        helper="import mlflow\n\ndef record(loss):\n    mlflow.log_metric('loss', loss, 1)\n",
        train="from helper import record\n\nfor batch in train_loader:\n    record(train_step(batch))\n",
    )
    assert flake8(tmp_path, "train.py") == [("train.py", 4, 5, "MLF101")] == mlflow_lint(tmp_path)


# --- flake8's own filters --------------------------------------------------------------------------------


def test_flake8_filters_on_top(tmp_path: Path) -> None:
    write(tmp_path, a=HOT, b=ROW)
    assert flake8(tmp_path, ".", "--extend-ignore=MLF2") == [("a.py", 6, 9, "MLF101")]
    assert flake8(tmp_path, ".", "--ignore=MLF101") == [("b.py", 3, 1, "MLF201")]
    assert flake8(tmp_path, ".", config="[flake8]\nper-file-ignores = a.py:MLF\n") == [("b.py", 3, 1, "MLF201")]


def test_noqa_counts_where_flake8_reads_it_and_at_the_closing_line(tmp_path: Path) -> None:
    call = 'mlflow.log_metric(\n            "loss",\n            loss, step=batch,\n        )'
    spread = HOT.replace('mlflow.log_metric("loss", loss, step=batch)', call)
    write(
        tmp_path,
        a=HOT.rstrip("\n") + "  # noqa: MLF101\n",
        b=HOT.rstrip("\n") + "  # mlflow-lint: ignore[MLF101]\n",
        c=spread.rstrip("\n") + "  # noqa: MLF101\n",
        d=HOT.rstrip("\n") + "  # noqa: MLF2\n",
        e=f"# mlflow-lint: file-ignore\n{HOT}",
        f=f"# flake8: noqa\n{HOT}",
    )
    assert flake8(tmp_path, ".") == [("d.py", 6, 9, "MLF101")] == mlflow_lint(tmp_path)
    everything = flake8(tmp_path, ".", "--disable-noqa")
    assert [path for path, *_ in everything] == ["a.py", "c.py", "d.py", "f.py"]


# --- our own settings ------------------------------------------------------------------------------------


def configure(directory: Path, body: str) -> None:
    directory.mkdir(exist_ok=True)
    (directory / "pyproject.toml").write_text(f"[tool.mlflow-lint]\n{body}\n")


def test_our_table_counts_nearest_above_the_file(tmp_path: Path) -> None:
    configure(tmp_path, 'ignore = ["MLF2"]')
    configure(tmp_path / "sub", 'select = ["MLF2"]\nper-file-ignores = { "c.py" = ["MLF"] }')
    for directory in (tmp_path, tmp_path / "sub"):
        write(directory, a=HOT, b=ROW, c=UNSAFE)
    expected = [("a.py", 6, 9, "MLF101"), ("sub/b.py", 3, 1, "MLF201")]
    assert flake8(tmp_path, ".") == expected == mlflow_lint(tmp_path)


def test_our_excludes_count(tmp_path: Path) -> None:
    configure(tmp_path, 'extend-exclude = ["old/"]')
    (tmp_path / "old").mkdir()
    write(tmp_path, a=HOT)
    write(tmp_path / "old", b=HOT)
    assert flake8(tmp_path, ".") == [("a.py", 6, 9, "MLF101")] == mlflow_lint(tmp_path)


def test_invalid_configuration_is_said_in_one_line(tmp_path: Path) -> None:
    configure(tmp_path, 'selct = ["MLF1"]')
    write(tmp_path, a="x = 1\n")
    ran = doors.flake8("a.py", cwd=tmp_path)
    assert ran.code == 1
    assert "unknown key `selct`, did you mean `select`?" in ran.out

    sub = tmp_path / "above" / "sub"
    sub.mkdir(parents=True)
    configure(tmp_path, "")
    configure(sub, 'selct = ["MLF1"]')
    write(sub, b=HOT, c=HOT)
    for jobs in ("1", "2"):
        ran = doors.flake8(f"--jobs={jobs}", ".", cwd=tmp_path)
        assert ran.code == 1
        assert "unknown key `selct`, did you mean `select`?" in ran.out


# --- rules that are off by default -----------------------------------------------------------------------

_WITH_PREVIEW_RULES = """
import dataclasses, sys
from flake8.main import cli
from mlflow_lint.rules import registry
from mlflow_lint.rules.base import Status

changes = {"MLF101": Status.PREVIEW, "MLF201": Status.OPT_IN}
rules = tuple(
    dataclasses.replace(rule, status=changes.get(rule.code, rule.status)) for rule in registry.all_rules()
)
registry.all_rules = lambda: rules
import mlflow_lint.flake8_plugin
sys.exit(cli.main(sys.argv[1:]))
"""
"""flake8 where MLF101 is a preview rule and MLF201 is opt-in."""


@pytest.mark.parametrize(
    ("arguments", "table", "expected"),
    [
        ([], "", []),
        (["--select=MLF"], "", []),
        (["--select=MLF1"], "", []),
        (["--ignore=E501"], "", []),
        (["--extend-ignore=E501"], "", []),
        (["--select=MLF101"], "", ["MLF101"]),
        (["--extend-select=MLF101"], "", ["MLF101"]),
        (["--extend-select=MLF201"], "", ["MLF201"]),
        (["--ignore=E501", "--extend-select=MLF201"], "", ["MLF201"]),
        (["--mlflow-lint-preview"], "", ["MLF101"]),
        (["--ignore=E501", "--mlflow-lint-preview"], "", ["MLF101"]),
        ([], "preview = true", ["MLF101"]),
        ([], 'extend-select = ["MLF201"]', ["MLF201"]),
        (["--ignore=MLF201"], 'extend-select = ["MLF201"]', []),
        (["--extend-select=MLF201"], 'ignore = ["MLF201"]', []),
        (["--select=MLF999"], "", []),
    ],
)
def test_off_by_default(arguments: list[str], table: str, expected: list[str], tmp_path: Path) -> None:
    configure(tmp_path, table)
    write(tmp_path, a=HOT, b=ROW)
    command = doors.flake8_command(tmp_path)[3:]
    ran = doors.run([sys.executable, "-c", _WITH_PREVIEW_RULES, *command, "-j1", *arguments, "."], tmp_path)
    assert [code for _, _, _, code in places(ran) if code.startswith("MLF")] == expected


def test_preview_from_flake8s_configuration(tmp_path: Path) -> None:
    write(tmp_path, a=HOT)
    command = doors.flake8_command(tmp_path, "[flake8]\nmlflow-lint-preview = true\n")[3:]
    ran = doors.run([sys.executable, "-c", _WITH_PREVIEW_RULES, *command, "-j1", "."], tmp_path)
    assert ("a.py", 6, 9, "MLF101") in places(ran)


# --- standard input and defects --------------------------------------------------------------------------


def test_stdin(tmp_path: Path) -> None:
    assert flake8(tmp_path, "-", stdin=HOT.encode()) == [("stdin", 6, 9, "MLF101")]
    configure(tmp_path / "sub", 'ignore = ["MLF101"]')
    assert flake8(tmp_path, "--stdin-display-name=sub/a.py", "-", stdin=HOT.encode()) == []


def test_unsaved_text_counts_not_the_file(tmp_path: Path) -> None:
    write(tmp_path, a=HOT)
    assert flake8(tmp_path, "--stdin-display-name=a.py", "-", stdin=b"x = 1\n") == []
    assert flake8(tmp_path, "--stdin-display-name=a.py", "-", stdin=ROW.encode()) == [("a.py", 3, 1, "MLF201")]


_WITH_DEFECT = """
import sys
from flake8.main import cli
from mlflow_lint import flake8_plugin

class Panic(BaseException):
    pass

def fail(*_, **__):
    raise Panic("of sorts")

flake8_plugin.check_source = fail
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_defect_is_one_that_flake8_can_report(jobs: str, tmp_path: Path) -> None:
    write(tmp_path, a=HOT, b="x = 1\n")
    command = doors.flake8_command(tmp_path)[3:]
    ran = doors.run([sys.executable, "-c", _WITH_DEFECT, *command, f"-j{jobs}", "."], tmp_path)
    assert ran.code == 1
    assert "a.py: \"mlflow-lint\" failed during execution due to RuntimeError('Panic: of sorts')" in ran.out
