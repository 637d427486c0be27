"""Notebooks kept as files of Python: those of Databricks, and those with `# %%`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from doors import ROOT, flake8, mlflow_lint
from example_cases import Case, Spelling, cases, check, everything, fix, only, places, write
from notebooks import notebook, written

from mlflow_lint.findings import Finding
from mlflow_lint.source.included import included
from mlflow_lint.source.magics import python_of

HEAD = "# Databricks notebook source\n"
SETUP = "import mlflow\nfrom torch.utils.data import DataLoader\n"
LOADER = "train_loader = DataLoader(data, batch_size=32, shuffle=True)"
HELPERS = f"{HEAD}{SETUP}{LOADER}\n\n\ndef report(loss):\n    mlflow.log_metric('loss', loss, 1)\n"
LOOP = "for batch in train_loader:\n    report(step(batch))\n"


def databricks(*commands: str) -> str:
    """A notebook as Databricks exports it; magics are given as they are typed."""
    separator = "\n\n# COMMAND ----------\n\n"
    return HEAD + separator.join(_exported(command) for command in commands) + "\n"


def _exported(command: str) -> str:
    return re.sub("^", "# MAGIC ", command, flags=re.M) if command.startswith("%") else command


def found(folder: Path, text: str, **files: str) -> tuple[Finding, ...]:
    for name, content in files.items():
        (folder / f"{name}.py").write_text(content)
    path = folder / "nb.py"
    path.write_text(text)
    return check(path, everything(folder)).findings


def lines(findings: tuple[Finding, ...]) -> list[tuple[int | None, int, str]]:
    return [(finding.region.cell, finding.region.line, finding.code) for finding in findings]


# ------------------------------------------------------------------------------------------------------ commands
def test_commands_share_their_names_and_lines_are_those_of_the_file(tmp_path: Path) -> None:
    text = databricks(
        "%md\n# Title", SETUP, f"# DBTITLE 1,Data\n{LOADER}", "%pip install x", "def f(x):\n    return x", LOOP
    )
    text = text.replace("report(step(batch))", "mlflow.log_metric('a', f(batch), 1)")
    (finding,) = found(tmp_path, text)
    assert finding.region.line == text[: text.index("mlflow.log_metric")].count("\n") + 1
    assert lines((finding,)) == [(None, finding.region.line, "MLF101")]


def test_a_broken_command_takes_nothing_from_the_others(tmp_path: Path) -> None:
    text = databricks(
        SETUP + LOADER, "def f(:", "* Scores the model", LOOP.replace("report(", "mlflow.log_metric('a', 1, ")
    )
    findings = found(tmp_path, text)
    assert [(finding.code, text.splitlines()[finding.region.line - 1]) for finding in findings] == [
        ("MLF000", "def f(:"),
        ("MLF000", "* Scores the model"),
        ("MLF101", "    mlflow.log_metric('a', 1, step(batch))"),
    ]
    assert findings[0].region.column == 7
    assert findings[0].message.startswith("the cell cannot be read as Python: ")


def test_commands_do_not_complete_each_other(tmp_path: Path) -> None:
    assert [f.code for f in found(tmp_path, databricks("import mlflow", "x = (", ")"))] == ["MLF000", "MLF000"]


@pytest.mark.parametrize("odd", [" x = 1\n y = 2", "# DBTITLE 1,Data\n  x = 1", "!pip install x", "x = !ls"])
def test_commands_are_what_a_notebook_takes(odd: str, tmp_path: Path) -> None:
    text = f"{HEAD}{SETUP}{LOADER}\n\n# COMMAND ----------\n\n{odd}\n\n# COMMAND ----------\n\n"
    assert [f.code for f in found(tmp_path, text + "for b in train_loader:\n  mlflow.log_metric('a', b, 1)\n")] == [
        "MLF101"
    ]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks_do_not_matter(newline: str, mark: str, tmp_path: Path) -> None:
    text = databricks("import mlflow", "def f(:", 'mlflow.log_param("a", 1)\nmlflow.log_param("b", 2)', "x = 1")
    path = tmp_path / "nb.py"
    path.write_bytes((mark + text).replace("\n", newline).encode())
    fixed = fix(path, everything(tmp_path), unsafe=False, write=True)
    assert [(f.region.line, f.code) for f in fixed.remaining.findings] == [(6, "MLF000")]
    expected = text.replace('param("a", 1)\nmlflow.log_param("b", 2)', 'params({"a": 1, "b": 2})')
    assert path.read_bytes() == (mark + expected).replace("\n", newline).encode()


def test_a_file_without_the_first_line_is_a_program(tmp_path: Path) -> None:
    text = databricks(SETUP, "def f(:").removeprefix(HEAD)
    assert lines(found(tmp_path, f"\n{text}")) == [(None, 8, "MLF000")]
    assert "the file cannot be read as Python" in found(tmp_path, text)[0].message


def test_the_end_of_a_notebook_ends_no_process(tmp_path: Path) -> None:
    (example,) = (
        c
        for c in cases()
        if c.rule.code == "MLF414" and c.spelling is Spelling.PLAIN and c.example.title == "a run that MLflow opens"
    )
    settings = only(tmp_path, "MLF414")
    assert check(write(tmp_path, example.code), settings).findings
    assert not check(write(tmp_path, HEAD + example.code), settings).findings


@pytest.mark.parametrize(
    "case", [c for c in cases() if c.spelling is Spelling.PLAIN and c.rule.code != "MLF414"], ids=lambda c: c.name
)
def test_examples_are_found_in_a_command(case: Case, tmp_path: Path) -> None:
    settings = only(tmp_path, case.rule.code)
    in_file = check(write(tmp_path, case.code, case.files), settings).findings
    path = write(tmp_path, f"{HEAD}\n# COMMAND ----------\n{case.code}", case.files)
    assert places(in_file) == case.expected
    assert [(f.region.line - 3, f.region.column) for f in check(path, settings).findings] == [
        (f.region.line, f.region.column) for f in in_file
    ]


# ------------------------------------------------------------------------------------------------------ fixes
@pytest.mark.parametrize(
    ("head", "border"), [(HEAD, "# COMMAND ----------"), ("", "# %%"), ("", "# %% [markdown] Title"), ("", "#%%")]
)
def test_fixes_stay_in_their_cell(head: str, border: str, tmp_path: Path) -> None:
    row = "mlflow.log_param('a', 1)\nmlflow.log_param('b', 2)\n"
    text = f"{head}import mlflow\n{border}\n{row}\n{border}\n{row}"
    path = tmp_path / "nb.py"
    path.write_text(text)
    fixed = fix(path, everything(tmp_path), unsafe=False, write=True)
    assert fixed.applied == (("MLF202", 2),)
    assert path.read_text() == text.replace(row, "mlflow.log_params({'a': 1, 'b': 2})\n")


@pytest.mark.parametrize(("head", "border"), [(HEAD, "# COMMAND ----------"), ("", "# %%")])
def test_what_a_fix_would_need_in_another_cell(head: str, border: str, tmp_path: Path) -> None:
    row = "log_metric('a', 1)\nlog_metric('b', 2)\n"
    text = f"{head}from mlflow import log_metric\n{border}\n{row}"
    path = tmp_path / "nb.py"
    path.write_text(text)
    fixed = fix(path, everything(tmp_path), unsafe=True, write=True)
    assert [finding.code for finding in fixed.remaining.findings] == ["MLF201"]
    assert path.read_text() == text
    path.write_text(text.replace(border, "# no border"))
    assert fix(path, everything(tmp_path), unsafe=True, write=True).applied


def test_a_magic_without_its_comment_is_not_written_over(tmp_path: Path) -> None:
    text = databricks("import mlflow", "mlflow.log_param('a', 1)\n!ls\nmlflow.log_param('b', 2)")
    assert found(tmp_path, text) == ()


# ---------------------------------------------------------------------------------------------------------- %run
@pytest.mark.parametrize(
    ("line", "paths"),
    [
        ("%run ./helpers", ("././helpers",)),
        ("# MAGIC %run ./helpers", ("././helpers",)),
        ("# MAGIC   %run  ../a/b c", ("./../a/b",)),
        ('%run "./My helpers" $env="x"', ("././My helpers",)),
        ("%run './My helpers'", ("././My helpers",)),
        ("%run helpers.py --epochs 3", ("./helpers.py",)),
        ("%run -i -t helpers.ipynb", ("./helpers.ipynb",)),
        ("x\n%run ./a\n%run ./b\n%run ./a", ("././a", "././b")),
        ("%run -m helpers", ()),
        ("%run /Shared/helpers", ()),
        ("%run ~/helpers.py", ()),
        ("%run {folder}/helpers", ()),
        ("%run $folder/helpers", ()),
        ("%run", ()),
        ("    %run ./helpers", ()),
        ("%runner ./helpers", ()),
    ],
)
def test_paths_that_are_run(line: str, paths: tuple[str, ...]) -> None:
    assert included(line) == paths


@pytest.mark.parametrize("run", ["%run ./helpers", "%run ./helpers.py", "%run helpers", "%run ../here/helpers"])
def test_names_of_a_notebook_that_is_run(run: str, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    text = databricks(run, LOOP)
    assert "mlflow" not in text
    (finding,) = found(folder, text, helpers=HELPERS)
    assert lines((finding,)) == [(None, 7, "MLF101")]
    assert "helpers.py:8" in finding.message


def test_notebooks_that_are_run_run_others(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "My helpers.py").write_text(HELPERS)
    (tmp_path / "setup.ipynb").write_bytes(written('%run "./lib/My helpers"', "x = 1"))
    assert lines(found(tmp_path, databricks("%run ./setup", LOOP))) == [(None, 7, "MLF101")]
    whole = json.dumps(notebook("%run ./nb\n", LOOP)).encode()
    (tmp_path / "user.ipynb").write_bytes(whole)
    assert lines(check(tmp_path / "user.ipynb", everything(tmp_path)).findings) == [(2, 2, "MLF101")]


@pytest.mark.parametrize("run", ["%run ./other", "%run /helpers", "# %run ./helpers", "%sh\n%run ./helpers x"])
def test_what_is_not_run(run: str, tmp_path: Path) -> None:
    assert found(tmp_path, databricks(run, LOOP), helpers=HELPERS) == ()


def test_a_notebook_that_does_nothing_but_run_another(tmp_path: Path) -> None:
    text = databricks("%run ./between", LOOP)
    assert lines(found(tmp_path, text, between=databricks("%run ./helpers"), helpers=HELPERS)) == [(None, 7, "MLF101")]


def test_a_program_runs_nothing(tmp_path: Path) -> None:
    assert found(tmp_path, databricks("%run ./helpers", LOOP).removeprefix(HEAD), helpers=HELPERS) == ()


def test_notebooks_that_run_themselves_or_each_other(tmp_path: Path) -> None:
    text = databricks("%run ./nb", "%run ./helpers", LOOP)
    assert [code for _, _, code in lines(found(tmp_path, text, helpers=HELPERS + "\n# MAGIC %run ./nb\n"))] == [
        "MLF101"
    ]


# -------------------------------------------------------------------------------------------------------- doors
def test_flake8_finds_the_same(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text(HELPERS)
    (tmp_path / "nb.py").write_text(databricks("%md\n# Title", "%run ./helpers", LOOP, "report(1)"))
    ours = mlflow_lint("--output-format", "concise", "nb.py", cwd=tmp_path).out.splitlines()[0]
    theirs = flake8("--select=MLF", "nb.py", cwd=tmp_path).out.splitlines()
    assert theirs == [ours.replace(": MLF", ": MLF", 1)]


def test_the_cache_knows_what_is_run(tmp_path: Path) -> None:
    def codes() -> list[str]:
        return re.findall("MLF[0-9]+", mlflow_lint("--output-format", "concise", "nb.py", cwd=tmp_path).out)

    (tmp_path / "nb.py").write_text(databricks("%run ./helpers", LOOP))
    assert codes() == []
    (tmp_path / "helpers.py").write_text(HELPERS)
    assert codes() == codes() == ["MLF101"]
    (tmp_path / "helpers.py").write_text(HELPERS.replace("mlflow.log_metric", "print"))
    assert codes() == []
    (tmp_path / "helpers.py").unlink()
    (tmp_path / "helpers.ipynb").write_bytes(written(HELPERS))
    assert codes() == ["MLF101"]


def test_masked_lines_keep_their_length() -> None:
    command = "# COMMAND ----------\n\n!pip install mlflow\nx = 1\n"
    assert len(python_of(command)) == len(command)


# --------------------------------------------------------------------------------------------------------- docs
def test_the_page_shows_what_the_command_prints(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "train.py").write_text(program)
    (tmp_path / "helpers.py").write_text(
        f"{HEAD}import mlflow\n\n# COMMAND ----------\n\ndef report(loss, step):\n"
        '    mlflow.log_metric("loss", loss, step=step)\n'
    )
    timed = '%%time\nmodel = fit(rate=0.1)\nmlflow.log_param("rate", 0.1)\nmlflow.log_param("epochs", 3)'
    broken = 'mlflow.log_metric("auc", evaluate(model)'
    (tmp_path / "churn.ipynb").write_bytes(written("!pip install -q mlflow\nimport mlflow", timed, broken))
    shown = re.findall(r"```console\n\$ mlflow-lint (.*?)\n(.*?)```", page, re.DOTALL)
    assert len(shown) == 2
    for arguments, output in shown:
        assert mlflow_lint(*arguments.split(), cwd=tmp_path).out == output
