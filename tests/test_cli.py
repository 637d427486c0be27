"""The command: its options, its exit codes, and what it makes of bad input."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import doors
import pytest
from doors import Ran

from mlflow_lint import __main__, __version__, cli, engine, streams
from mlflow_lint.request import Terminal
from mlflow_lint.rules.registry import all_rules

HOT = """\
import mlflow

for epoch in range(epochs):
    for batch in train_loader:
        loss = train_step(batch)
        mlflow.log_metric("loss", loss, step=batch)
"""
"""One MLF101, a warning."""

ROW = """\
import mlflow

mlflow.log_metric("a", 1.0)
mlflow.log_metric("b", 2.0)
"""
"""One MLF201, an info, with a safe fix."""

ROW_FIXED = """\
import mlflow

mlflow.log_metrics({"a": 1.0, "b": 2.0})
"""

UNSAFE = """\
import mlflow

for item in scores.items():
    mlflow.log_metric(item[0], item[1])
"""
"""One MLF204 with an unsafe fix."""

BROKEN = "import mlflow\nmlflow.log_metric(\n"

Lint = Callable[..., Ran]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def lint(tree: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Lint:
    """Run the command in this process: starting one for every case would take minutes."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "MLFLOW_LINT_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str | Path, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "argv", ["mlflow-lint", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = __main__.main()
        captured = capfdbinary.readouterr()
        out, err = captured.out.decode(), captured.err.decode()
        assert "Traceback" not in out + err
        return Ran(code, out, err)

    return run


def write(tree: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def configure(directory: Path, body: str) -> None:
    write(directory, {"pyproject.toml": f"[tool.mlflow-lint]\n{body}\n"})


def codes(ran: Ran) -> list[str]:
    """`path:code` of each finding in a concise report."""
    lines = [line.split(" ") for line in ran.out.splitlines() if ".py:" in line or line.startswith("-:")]
    return [f"{words[0].split(':')[0]}:{words[1]}" for words in lines]


def is_one_error(text: str) -> bool:
    return text.startswith("mlflow-lint: error: ") and text.count("\n") == 1


# --- exit codes ------------------------------------------------------------------------------------------


def test_nothing_found_is_0(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": "x = 1\n", "b.py": "import mlflow\n"})
    assert lint() == Ran(0, "No findings in 2 files.\n", "")


def test_findings_are_1(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    ran = lint()
    assert ran.code == 1
    assert ran.out.startswith("a.py:6:9: MLF101 ")
    assert "= why: a.py:4 " in ran.out
    assert ran.err == ""


def test_exit_zero_is_for_findings_only(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    assert lint("--exit-zero").code == 0
    ran = lint("--exit-zero", ".", "missing.py")
    assert ran.code == 2
    assert "MLF101" in ran.out
    assert ran.err == "mlflow-lint: error: missing.py: No such file or directory\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fxi"], "No such option: --fxi"),
        (["--select"], "'--select'"),
        (["--select", "MLF199"], "`select` names the unknown code `MLF199`, did you mean `MLF"),
        (["--ignore", "E501"], "`ignore` names the unknown code `E501`"),
        (["--output-format", "jsno"], "`rdjson`, `pylint`, not `jsno`, did you mean `json`?"),
        (["--output-format", "sarfi"], "did you mean `sarif`?"),
        (["--output-file"], "'--output-file'"),
        (["--output-file", "x", "--diff"], "--output-file takes the report of findings"),
        (["--output-file", "x", "--list-rules"], "--output-file takes the report of findings"),
        (["--fail-on", "error"], "`fail-on` must be one of `info`, `warning`"),
        (["--config", "missing.toml"], "missing.toml"),
        (["--explain", "MLF199"], "there is no rule `MLF199`, did you mean `MLF"),
        (["--explain", "nonsense"], "there is no rule `nonsense` (--list-rules shows them all)"),
        (["-", "a.py"], "standard input is checked alone"),
        (["--stdin-filename", "a.py", "b.py"], "standard input is checked alone"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_usage_errors_are_2(arguments: list[str], said: str, lint: Lint) -> None:
    ran = lint(*arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert is_one_error(ran.err)
    assert said in ran.err


def test_fail_on_warning_lets_info_pass(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": ROW})
    assert lint().code == 1
    ran = lint("--fail-on", "warning")
    assert ran.code == 0
    assert "MLF201" in ran.out
    write(tree, {"b.py": HOT})
    assert lint("--fail-on", "warning").code == 1
    write(tree, {"b.py": BROKEN})
    assert lint("--fail-on", "warning").code == 1


def test_fail_on_holds_where_it_is_configured(tree: Path, lint: Lint) -> None:
    write(tree, {"lenient/a.py": ROW, "strict/a.py": ROW})
    configure(tree / "lenient", 'fail-on = "warning"')
    assert lint("lenient").code == 0
    assert lint("strict").code == 1


# --- which rules -----------------------------------------------------------------------------------------


def test_select_and_ignore(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT, "b.py": ROW, "c.py": UNSAFE})

    def found(*arguments: str) -> list[str]:
        return codes(lint("--output-format", "concise", *arguments))

    assert found() == ["a.py:MLF101", "b.py:MLF201", "c.py:MLF204"]
    assert found("--select", "MLF1") == ["a.py:MLF101"]
    assert found("--select", "MLF101, MLF204") == ["a.py:MLF101", "c.py:MLF204"]
    assert found("--select", "MLF101", "--select", "MLF204") == ["a.py:MLF101", "c.py:MLF204"]
    assert found("--select", "ALL", "--ignore", "MLF2") == ["a.py:MLF101"]
    assert found("--select", "MLF1", "--extend-select", "MLF201") == ["a.py:MLF101", "b.py:MLF201"]
    assert found("--select", "MLF000") == []


def test_the_command_line_overrides_the_configuration(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT, "b.py": ROW})
    configure(tree, 'select = ["MLF2"]\noutput-format = "concise"')
    assert codes(lint()) == ["b.py:MLF201"]
    assert codes(lint("--select", "MLF1")) == ["a.py:MLF101"]
    assert codes(lint("--extend-select", "MLF1")) == ["a.py:MLF101", "b.py:MLF201"]
    assert codes(lint("--isolated", "--output-format", "concise")) == ["a.py:MLF101", "b.py:MLF201"]


def test_config_names_the_file(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT, "b.py": ROW})
    configure(tree, 'select = ["MLF2"]')
    write(tree, {"other.toml": '[tool.mlflow-lint]\nselect = ["MLF1"]\noutput-format = "concise"\n'})
    assert codes(lint("--config", "other.toml")) == ["a.py:MLF101"]


def test_preview_is_an_option_both_ways(tree: Path, lint: Lint) -> None:
    configure(tree, "preview = true")
    assert "preview = true\n" in lint("--show-settings").out
    assert "preview = false\n" in lint("--show-settings", "--no-preview").out
    assert "preview = true\n" in lint("--show-settings", "--isolated", "--preview").out


# --- which files -----------------------------------------------------------------------------------------


def test_exclude_replaces_and_extend_exclude_adds(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT, "old/b.py": HOT, "build/c.py": HOT, "new/d.py": HOT})
    configure(tree, 'extend-exclude = ["new/"]\noutput-format = "concise"')
    assert codes(lint()) == ["a.py:MLF101", "old/b.py:MLF101"]
    assert codes(lint("--extend-exclude", "old/")) == ["a.py:MLF101"]
    assert codes(lint("--exclude", "old/,a.py")) == ["build/c.py:MLF101"]


def test_force_exclude_is_for_files_that_are_named(tree: Path, lint: Lint) -> None:
    write(tree, {"build/c.py": HOT})
    assert lint("build/c.py").code == 1
    assert lint("build/c.py", "--force-exclude") == Ran(0, "No files were checked.\n", "")


def test_several_paths_and_each_file_once(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT, "pkg/b.py": HOT, "other/c.py": HOT})
    ran = lint("pkg", "a.py", "./pkg/b.py", "--output-format", "concise")
    assert codes(ran) == ["a.py:MLF101", "pkg/b.py:MLF101"]


# --- reports ---------------------------------------------------------------------------------------------


def test_json_is_all_of_standard_output(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": ROW})
    (found,) = json.loads(lint("--output-format", "json").out)
    assert (found["filename"], found["code"]) == ("a.py", "MLF201")
    assert found["fix"]["applicability"] == "safe"
    ran = lint("--output-format", "json", "--fix")
    assert json.loads(ran.out) == []
    assert ran.err == "Fixed 1 finding in 1 file: MLF201 ×1.\n"


def test_github(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    assert lint("--output-format", "github").out.startswith("::warning title=mlflow-lint (MLF101),file=a.py,")


def test_statistics_replace_the_findings(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT, "b.py": HOT, "c.py": ROW})
    ran = lint("--statistics")
    assert ran.code == 1
    assert ran.out == (
        "2\tMLF101\t[ ] metric-in-hot-loop\n"
        "1\tMLF201\t[*] consecutive-log-metric\n"
        "Found 3 findings in 3 files (1 fixable with --fix, 2 more with --unsafe-fixes).\n"
    )


def test_colors_only_where_they_are_seen() -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen, pipe = Screen(), io.StringIO()
    assert Terminal.of(screen, {}).color
    assert not Terminal.of(screen, {"NO_COLOR": "1"}).color
    assert Terminal.of(screen, {"NO_COLOR": ""}).color
    assert not Terminal.of(screen, {"TERM": "dumb"}).color
    assert not Terminal.of(pipe, {}).color
    assert Terminal.of(pipe, {"FORCE_COLOR": "1"}).color
    assert not Terminal.of(pipe, {"FORCE_COLOR": "0"}).color
    assert Terminal.of(screen, {"NO_COLOR": "1", "FORCE_COLOR": "1"}).color
    assert not Terminal.of(None, {}).color


# --- fixing ----------------------------------------------------------------------------------------------


def test_fix(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": ROW, "b.py": HOT, "c.py": UNSAFE})
    ran = lint("--fix", "--output-format", "concise")
    assert ran.code == 1
    assert codes(ran) == ["b.py:MLF101", "c.py:MLF204"]
    assert ran.out.endswith("Fixed 1 finding in 1 file: MLF201 ×1.\n2 findings remain: 2 with --unsafe-fixes.\n")
    assert (tree / "a.py").read_text() == ROW_FIXED
    assert (tree / "b.py").read_text() == HOT
    assert (tree / "c.py").read_text() == UNSAFE

    again = lint("--fix", "--output-format", "concise")
    assert "Fixed" not in again.out
    assert codes(again) == ["b.py:MLF101", "c.py:MLF204"]


def test_fixes_of_several_files_are_told_apart(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": ROW, "b.py": UNSAFE})
    ran = lint("--fix", "--unsafe-fixes")
    assert ran.out.endswith(
        "Fixed 2 findings in 2 files: MLF201 ×1, MLF204 ×1.\n  a.py: MLF201 ×1\n  b.py: MLF204 ×1\n"
    )


def test_fixing_a_helper_is_seen_where_it_is_called(tree: Path, lint: Lint) -> None:
    helper = "import mlflow\n\n\n# moved down\n\ndef record(a, b):\n    pass\n"
    helper += "    mlflow.log_metric('a', a, 1)\n    mlflow.log_metric('b', b, 1)\n    return None\n"
    caller = "from helper import record\n\nfor batch in train_loader:\n    record(train_step(batch), 1)\n"
    write(tree, {"a.py": caller, "helper.py": helper})
    ran = lint("--fix")
    assert "MLF201 ×1" in ran.out
    again = lint("--fix")
    assert ran.out == again.out.replace("1 finding remains", "Fixed 1 finding in 1 file: MLF201 ×1.\n1 finding remains")
    assert again.out.startswith(lint().out)
    assert "log_metrics" in ran.out


def test_everything_fixed_is_0(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": ROW})
    ran = lint("--fix")
    assert ran == Ran(0, "No findings in 1 file.\nFixed 1 finding in 1 file: MLF201 ×1.\n", "")


def test_unsafe_fixes_are_asked_for(tree: Path, lint: Lint) -> None:
    write(tree, {"c.py": UNSAFE})
    ran = lint("--fix", "--unsafe-fixes")
    assert ran.code == 0
    assert ran.out.endswith("Fixed 1 finding in 1 file: MLF204 ×1.\n")
    assert "log_metrics(" in (tree / "c.py").read_text()


def test_unsafe_fixes_alone_change_nothing(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": ROW, "c.py": UNSAFE})
    assert "(2 fixable with --fix --unsafe-fixes)" in lint("--unsafe-fixes").out
    assert (tree / "a.py").read_text() == ROW


def test_diff_writes_nothing_and_applies(tree: Path, lint: Lint) -> None:
    write(tree, {"pkg/a.py": ROW, "b.py": HOT})
    ran = lint("--diff")
    assert ran.code == 1
    assert ran.out.startswith("--- pkg/a.py\n+++ pkg/a.py\n")
    assert ran.err == "Would fix 1 finding in 1 file: MLF201 ×1.\n"
    assert (tree / "pkg/a.py").read_text() == ROW
    assert lint("--diff", "--exit-zero").code == 0
    assert lint("--diff", "--fix") == ran
    assert lint("--diff", "b.py") == Ran(0, "", "")

    subprocess.run(["git", "apply", "-p0"], cwd=tree, input=ran.out.encode(), check=True)
    assert (tree / "pkg/a.py").read_text() == ROW_FIXED


def test_diff_speaks_of_files_that_cannot_be_read(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": BROKEN})
    ran = lint("--diff")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("mlflow-lint: warning: a.py:2:")


def test_a_file_that_cannot_be_written_is_an_error(tree: Path, lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow_lint import fixing

    def refuse(path: Path, data: bytes, expected: bytes) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(fixing, "write_atomically", refuse)
    write(tree, {"a.py": ROW, "b.py": HOT})
    ran = lint("--fix")
    assert ran.code == 2
    assert is_one_error(ran.err)
    assert "a.py" in ran.err
    assert "MLF101" in ran.out
    assert (tree / "a.py").read_text() == ROW


# --- standard input --------------------------------------------------------------------------------------


def test_stdin(lint: Lint) -> None:
    ran = lint("-", stdin=HOT.encode())
    assert ran.code == 1
    assert ran.out.startswith("-:6:9: MLF101 ")
    assert lint("-", stdin=b"") == Ran(0, "No findings in 1 file.\n", "")


def test_stdin_under_a_name(tree: Path, lint: Lint) -> None:
    configure(tree / "sub", 'output-format = "json"\nper-file-ignores = { "skipped.py" = ["MLF1"] }')
    ran = lint("-", "--stdin-filename", "sub/a.py", stdin=HOT.encode())
    assert ran.out.startswith("sub/a.py:6:9: MLF101 ")
    assert lint("--stdin-filename", "sub/a.py", stdin=HOT.encode()) == ran
    assert lint("--stdin-filename", "sub/skipped.py", stdin=HOT.encode()).code == 0


def test_stdin_is_seen_in_its_project(tree: Path, lint: Lint) -> None:
    helper = "import mlflow\n\ndef record(loss):\n    mlflow.log_metric('loss', loss, 1)\n"
    caller = "from helper import record\n\nfor batch in train_loader:\n    record(train_step(batch))\n"
    write(tree, {"helper.py": helper})
    ran = lint("--stdin-filename", "train.py", stdin=caller.encode())
    assert ran.out.startswith("train.py:4:5: MLF101 ")


def test_stdin_fix_prints_the_code(lint: Lint) -> None:
    source = ROW + HOT.partition("\n")[2]
    ran = lint("-", "--fix", "--output-format", "concise", stdin=source.encode())
    assert ran.code == 1
    assert ran.out == ROW_FIXED + HOT.partition("\n")[2]
    assert ran.err.startswith("-:8:9: MLF101 ")
    assert "\nFixed 1 finding in 1 file: MLF201 ×1.\n1 finding remains: 1 with --unsafe-fixes.\n" in ran.err


@pytest.mark.parametrize("data", [b"x = 1\r\n", BROKEN.encode(), b"import mlflow\n\xff", b"", HOT.encode("utf-8-sig")])
def test_stdin_fix_without_fixes_prints_the_code_unchanged(
    data: bytes, tree: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["mlflow-lint", "--fix", "-"])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    __main__.main()
    assert capfdbinary.readouterr().out == data


def test_stdin_diff(lint: Lint) -> None:
    ran = lint("--stdin-filename", "a.py", "--diff", stdin=ROW.encode())
    assert ran.code == 1
    assert ran.out.startswith("--- a.py\n+++ a.py\n")


def test_stdin_that_is_excluded(lint: Lint) -> None:
    arguments = ("--force-exclude", "--stdin-filename", "build/a.py")
    assert lint(*arguments, stdin=HOT.encode()) == Ran(0, "No files were checked.\n", "")
    assert lint(*arguments, "--fix", stdin=ROW.encode()).out == ROW


# --- about -----------------------------------------------------------------------------------------------


def test_version(lint: Lint) -> None:
    assert lint("--version") == Ran(0, f"mlflow-lint {__version__}\n", "")


def test_help_names_every_option(lint: Lint) -> None:
    ran = lint("--help")
    assert ran.code == 0
    for option in cli._app.registered_commands[0].callback.__annotations__:  # type: ignore[union-attr]
        assert option in ("paths", "return") or f"--{option.replace('_', '-')}" in ran.out, option
    for panel in ("Fixing", "Rule selection", "File selection", "Configuration"):
        assert panel in ran.out


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_explain(rule: Any, lint: Lint) -> None:
    ran = lint("--explain", rule.code)
    assert ran.code == 0
    assert ran.out.startswith(f"{rule.code} {rule.name}\n")
    assert rule.documentation.strip() in ran.out
    for example in rule.examples:
        assert example.code.strip() in ran.out
    assert lint("--explain", rule.code.lower()) == ran
    assert lint("--explain", rule.name) == ran


def test_explain_a_file_that_cannot_be_read(lint: Lint) -> None:
    assert lint("--explain", "MLF000").out.startswith("MLF000 syntax-error\n")


def test_list_rules(lint: Lint) -> None:
    head, *lines = lint("--list-rules").out.splitlines()
    assert head.split() == ["CODE", "NAME", "STATUS", "FIX", "SUMMARY"]
    assert [line.split()[:3] for line in lines] == [[rule.code, rule.name, rule.status.value] for rule in all_rules()]


def test_show_settings_is_a_configuration_that_gives_them(tree: Path, lint: Lint) -> None:
    body = 'select = ["MLF1"]\nextend-exclude = ["a\\\\b"]\n[tool.mlflow-lint.per-file-ignores]\n"*.py" = ["MLF1"]'
    configure(tree, body)
    shown = lint("--show-settings", "--fail-on", "warning").out
    assert 'select = ["MLF1"]\n' in shown
    assert 'fail-on = "warning"\n' in shown
    configure(tree, shown.partition("[tool.mlflow-lint]\n")[2])
    assert lint("--show-settings").out == shown


# --- bad input -------------------------------------------------------------------------------------------

_UNREADABLE: dict[str, tuple[bytes, int]] = {
    "syntax error": (BROKEN.encode(), 2),
    "indentation": (b"import mlflow\n\tif x:\n  y\n", 2),
    "not UTF-8": (b"import mlflow\nx = '\xe9'\n", 2),
    "unknown encoding": (b"# coding: klingon\nimport mlflow\n", 1),
    "BOM and another encoding": (b"\xef\xbb\xbf# coding: latin-1\nimport mlflow\n", 1),
    "NUL bytes": (b"import mlflow\nx = 1\n\0\n", 3),
    "Python 2": (b"import mlflow\nprint 'x'\n", 2),
}
"""Files, and the line of the error."""


@pytest.mark.parametrize("case", _UNREADABLE)
def test_what_is_not_python_is_a_finding(case: str, tree: Path, lint: Lint) -> None:
    data, line = _UNREADABLE[case]
    write(tree, {"a.py": data, "b.py": HOT})
    ran = lint("--output-format", "concise")
    assert ran.code == 1
    assert ran.err == ""
    assert codes(ran) == ["a.py:MLF000", "b.py:MLF101"]
    assert ran.out.startswith(f"a.py:{line}:")
    assert lint("--fix", "a.py").code == 1
    assert (tree / "a.py").read_bytes() == data


_DEEP = {
    "brackets": "(" * 5000 + ")" * 5000,
    "open brackets": "(" * 5000,
    "calls": "f(" * 100 + ")" * 100,
    "attributes": "a" + ".b" * 1000,
    "operators": "-" * 1000 + "1",
    "sums": "1" + " + 1" * 1000,
    "lambdas": "lambda: " * 500 + "1",
    "blocks": "1\n" + "".join(f"{' ' * depth}if x:\n" for depth in range(300)) + " " * 300 + "y",
    "else branches": "1\nif x: y\n" + "elif x: y\n" * 1000,
}
"""Expressions. LibCST's parser takes time that grows with the square of their depth, and with the cube for calls."""


@pytest.mark.parametrize("case", _DEEP)
def test_depth_is_no_danger(case: str, tree: Path) -> None:
    write(tree, {"a.py": f"import mlflow\nx = {_DEEP[case]}\n", "b.py": HOT})
    ran = doors.mlflow_lint("--output-format", "concise", cwd=tree)
    assert ran.code == 1
    assert ran.err == ""
    assert codes(ran) in (["b.py:MLF101"], ["a.py:MLF000", "b.py:MLF101"])


_READABLE: dict[str, bytes] = {
    "BOM": HOT.encode("utf-8-sig"),
    "coding cookie": f"# -*- coding: latin-1 -*-\n# caf\xe9\n{HOT}".encode("latin-1"),
    "CRLF": HOT.replace("\n", "\r\n").encode(),
    "CR": HOT.replace("\n", "\r").encode(),
    "mixed newlines": HOT.replace("\n", "\r\n", 2).encode(),
    "tabs": HOT.replace("    ", "\t").encode(),
    "form feeds": HOT.replace("\nfor", "\n\f\nfor").encode(),
    "no final newline": HOT.rstrip("\n").encode(),
    "non-BMP": HOT.replace("(batch)", '(batch, "\N{PILE OF POO}")').encode(),
    "50,000 lines": (HOT + "x = 1\n" * 50_000).encode(),
    "a long line": (HOT + "x = [" + "1, " * 20_000 + "]\n").encode(),
}


@pytest.mark.parametrize("case", _READABLE)
def test_what_is_odd_is_read_all_the_same(case: str, tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": _READABLE[case]})
    ran = lint("--output-format", "concise")
    assert codes(ran) == ["a.py:MLF101"]
    assert ran.err == ""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_fixes_keep_encoding_and_newlines(newline: str, encoding: str, tree: Path, lint: Lint) -> None:
    head = "# -*- coding: latin-1 -*-\n# caf\xe9\n" if encoding == "latin-1" else "# caf\xe9\n"
    write(tree, {"a.py": (head + ROW).replace("\n", newline).encode(encoding)})
    assert lint("--fix").code == 0
    assert (tree / "a.py").read_bytes() == (head + ROW_FIXED).replace("\n", newline).encode(encoding)


def test_empty_files(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": "", "b.py": "\n", "c.py": "\ufeff", "d.py": "# mlflow"})
    assert lint() == Ran(0, "No findings in 4 files.\n", "")


def test_a_directory_with_the_name_of_a_file(tree: Path, lint: Lint) -> None:
    write(tree, {"x.py/a.py": HOT, "b.py": HOT})
    assert codes(lint("--output-format", "concise")) == ["b.py:MLF101", "x.py/a.py:MLF101"]
    assert codes(lint("--output-format", "concise", "x.py")) == ["x.py/a.py:MLF101"]


def test_a_pipe_is_not_waited_for(tree: Path, lint: Lint) -> None:
    os.mkfifo(tree / "pipe.py")
    write(tree, {"a.py": HOT})
    assert codes(lint("--output-format", "concise")) == ["a.py:MLF101"]
    ran = lint("pipe.py", "a.py")
    assert ran.code == 2
    assert ran.err == "mlflow-lint: error: pipe.py: is not a regular file\n"
    assert "MLF101" in ran.out


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root can read everything")
def test_a_file_that_may_not_be_read(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT, "secret.py": HOT, "closed/c.py": HOT})
    (tree / "secret.py").chmod(0)
    (tree / "closed").chmod(0)
    try:
        ran = lint("--output-format", "concise")
    finally:
        (tree / "closed").chmod(0o700)
    assert ran.code == 2
    assert codes(ran) == ["a.py:MLF101"]
    assert sorted(ran.err.splitlines()) == [
        "mlflow-lint: error: closed: Permission denied",
        "mlflow-lint: error: secret.py: Permission denied",
    ]


def test_symlinks_in_circles(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT, "sub/b.py": HOT})
    (tree / "sub" / "up").symlink_to(tree)
    (tree / "self.py").symlink_to("self.py")
    (tree / "gone.py").symlink_to("nowhere.py")
    ran = lint("--output-format", "concise")
    assert ran.code == 1
    assert codes(ran) == ["a.py:MLF101", "sub/b.py:MLF101"]
    ran = lint("--output-format", "concise", "self.py", "gone.py", "a.py")
    assert ran.code == 2
    assert codes(ran) == ["a.py:MLF101"]
    assert [line.split(": ")[2] for line in ran.err.splitlines()] == ["self.py", "gone.py"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("select = [", "pyproject.toml"),
        ('selct = ["MLF1"]', "unknown key `selct`, did you mean `select`?"),
        ('select = ["MLF999"]', "`select` names the unknown code `MLF999`"),
        ('preview = "yes"', "`preview` must be true or false, not a string"),
        ('exclude = "a"', "`exclude` must be a list of strings"),
        ("min-group-size = 1", "`min-group-size`"),
        ('output-format = "xml"', "`output-format` must be one of"),
    ],
)
def test_invalid_configuration(body: str, said: str, tree: Path, lint: Lint) -> None:
    write(tree, {"good/a.py": HOT, "bad/b.py": HOT})
    configure(tree / "bad", body)
    ran = lint("--output-format", "concise")
    assert ran.code == 2
    assert is_one_error(ran.err)
    assert said in ran.err
    assert "pyproject.toml" in ran.err
    assert codes(ran) == ["good/a.py:MLF101"]
    assert lint("bad/b.py").code == 2


def test_invalid_configuration_of_the_working_directory(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT, "good/b.py": HOT})
    configure(tree, "nonsense = 1")
    configure(tree / "good", "")
    ran = lint("--output-format", "concise", ".", "good")
    assert ran.code == 2
    assert is_one_error(ran.err)
    assert codes(ran) == ["good/b.py:MLF101"]


def test_names_cannot_disturb_the_terminal(tree: Path, lint: Lint) -> None:
    name = "a\x1b[31m\n.py"
    write(tree, {name: HOT})
    ran = lint()
    assert "\x1b" not in ran.out
    assert ran.code == 1
    ran = lint("missing\x1b[31m\n.py")
    assert ran.err == "mlflow-lint: error: missing\\x1b[31m\\n.py: No such file or directory\n"


# --- defects of ours -------------------------------------------------------------------------------------


@pytest.fixture
def defective(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the analysis fail on `b.py`, as a panic in a native module would."""

    class Panic(BaseException):
        pass

    honest = engine.check_bytes

    def check_bytes(project: Any, file: str, data: bytes, settings: Any) -> Any:
        if file.endswith("b.py"):
            raise Panic("of\nsorts")
        return honest(project, file, data, settings)

    monkeypatch.setattr(engine, "check_bytes", check_bytes)


@pytest.mark.usefixtures("defective")
def test_a_defect_names_its_file_and_spares_the_others(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT, "b.py": HOT, "c.py": HOT})
    ran = lint("--output-format", "concise", "--exit-zero")
    assert ran.code == 2
    assert codes(ran) == ["a.py:MLF101", "c.py:MLF101"]
    assert is_one_error(ran.err)
    assert "internal error in b.py: Panic: of sorts: a defect of mlflow-lint, please report it" in ran.err


@pytest.mark.usefixtures("defective")
def test_a_traceback_is_there_for_those_who_ask(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tree, {"b.py": HOT})
    monkeypatch.setattr(sys, "argv", ["mlflow-lint"])
    monkeypatch.setenv("MLFLOW_LINT_TRACEBACK", "1")
    assert __main__.main() == 2
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_defect_anywhere_is_one_line(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr("mlflow_lint.run.run", fail)
    ran = lint()
    assert (ran.code, ran.out) == (2, "")
    assert is_one_error(ran.err)
    assert "RecursionError: too deep" in ran.err


# --- processes -------------------------------------------------------------------------------------------


def test_as_a_process(tree: Path) -> None:
    write(tree, {"a.py": HOT})
    ran = doors.mlflow_lint(cwd=tree)
    assert ran.code == 1
    assert ran.out.startswith("a.py:6:9: MLF101 ")
    assert ran.err == ""
    assert doors.run([sys.executable, "-m", "mlflow_lint"], tree) == ran


def test_the_terminal_may_lack_characters(tree: Path) -> None:
    write(tree, {"a.py": HOT.replace('"loss"', '"\N{PILE OF POO}"')})
    ran = doors.mlflow_lint(cwd=tree, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert ran.code == 1
    assert r"\U0001f4a9" in ran.out


def test_a_reader_that_goes_away(tree: Path) -> None:
    write(tree, {"a.py": HOT})
    for arguments, code in (([], (1,)), (["--help"], (0, 1))):
        with subprocess.Popen(
            [*doors.command(), *arguments],
            cwd=tree,
            env=doors.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode in code


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
@pytest.mark.parametrize("option", ["--isolated", "--help", "--version"])
def test_a_disk_that_is_full(option: str, tree: Path) -> None:
    write(tree, {"a.py": HOT})
    ran = doors.run(["sh", "-c", '"$@" > /dev/full', "sh", *doors.command(), option], tree)
    assert ran == Ran(2, "", "mlflow-lint: error: standard output cannot be written: No space left on device\n")


@pytest.mark.skipif(os.name != "posix", reason="only there can a folder that is in use be removed")
def test_a_working_directory_that_is_gone(tmp_path: Path) -> None:
    script = 'mkdir gone && cd gone && rmdir ../gone && "$@"'
    message = "the working directory cannot be found: No such file or directory (--help lists the options)"
    for arguments in ([], ["--cache-dir", "x"], ["--baseline", "x"], ["--show-settings"]):
        ran = doors.run(["sh", "-c", script, "sh", *doors.command(), *arguments], tmp_path)
        assert ran == Ran(2, "", f"mlflow-lint: error: {message}\n")
    ran = doors.run(["sh", "-c", script, "sh", *doors.command(), "--version"], tmp_path)
    assert (ran.code, ran.err) == (0, "")


def test_closed_streams(tree: Path) -> None:
    write(tree, {"a.py": HOT})
    script = '"$@" >&- 2>&- <&-; echo $?'
    ran = doors.run(["sh", "-c", script, "sh", *doors.command()], tree)
    assert ran.out == "1\n"
    ran = doors.run(["sh", "-c", script, "sh", *doors.command(), "-"], tree)
    assert ran.out == "0\n"


@pytest.mark.parametrize("place", ["streams.read = interrupt", "engine.check_bytes = interrupt"])
def test_interruption_is_quiet_and_at_once(place: str, tree: Path) -> None:
    program = f"""
import os, signal, sys, time
from mlflow_lint import __main__, engine, run, streams

def interrupt(*_):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(100)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore the signal
{place}
sys.argv = ["mlflow-lint", {"'-'" if "read" in place else "'.'"}]
sys.exit(__main__.main())
"""
    write(tree, {"a.py": HOT})
    start = time.monotonic()
    ran = doors.run([sys.executable, "-c", program], tree)
    assert ran == Ran(130, "", "")
    assert time.monotonic() - start < 60


def test_streams_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert streams.read() == b""
    streams.write(None, "x")
    streams.abandon(None)
