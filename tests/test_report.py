"""The reports: exact texts of small examples, and what hostile code must not do to them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from rich.cells import cell_len

from mlflow_lint.findings import Applicability, Edit, Finding, Fix, Region, Severity, Step
from mlflow_lint.report import render
from mlflow_lint.report.excerpt import excerpt
from mlflow_lint.report.model import FileReport, Options
from mlflow_lint.report.statistics import render as render_statistics
from mlflow_lint.report.summary import summary
from mlflow_lint.report.visible import visible, visible_at_start, visible_each

OPTIONS = Options(color=False, width=100, unsafe_fixes=False, docs_url="https://docs.example/rules/")

TRAIN = """\
import mlflow

for batch in train_loader:
    mlflow.log_metric("loss", loss)
mlflow.log_param("a", 1)
mlflow.log_param(
    "b", 2
)
"""

HOT = Finding(
    code="MLF101",
    name="metric-in-hot-loop",
    message="log_metric runs once per batch (loop over train_loader, line 3)",
    path="train.py",
    region=Region(4, 5, 4, 36),
    statement=(4, 4),
    severity=Severity.ERROR,
    chain=(
        Step("train.py", 3, "loop over train_loader"),
        Step("train.py", 4, "log_metric: 1 request each time"),
    ),
    fix=Fix(
        "Log every 100 steps",
        (Edit(TRAIN.index("mlflow.log_metric"), TRAIN.index("mlflow.log_metric"), "if step % 100 == 0: "),),
        Applicability.UNSAFE,
    ),
)
PARAMS = Finding(
    code="MLF202",
    name="consecutive-log-param",
    message="2 calls of log_param in a row: 2 requests where 1 will do",
    path="train.py",
    region=Region(5, 1, 8, 2),
    statement=(5, 8),
    severity=Severity.WARNING,
    fix=Fix(
        "Merge into log_params",
        (Edit(TRAIN.index("mlflow.log_param("), len(TRAIN) - 1, 'mlflow.log_params({"a": 1, "b": 2})'),),
        Applicability.SAFE,
    ),
)
NOTE = Finding(
    code="MLF208",
    name="run-not-closed",
    message="100% of the runs, never closed",
    path="src/eval.py",
    region=Region(7, 3, 7, 9),
    statement=(7, 7),
    severity=Severity.INFO,
)
TRAIN_REPORT = FileReport("train.py", (HOT, PARAMS), tuple(TRAIN.splitlines()), TRAIN)
NOTE_REPORT = FileReport("src/eval.py", (NOTE,), (), "")
CLEAN_REPORT = FileReport("clean.py", (), (), "")
RESULTS = (CLEAN_REPORT, NOTE_REPORT, TRAIN_REPORT)

HOSTILE = "\x1b]0;x\x07\x9b1m\u202eevil\r\n::stop-commands::x\n##[add-mask]y ##vso[task.x]z\ud800\u2028\U000e0041"


def report_of(finding: Finding, *lines: str) -> FileReport:
    return FileReport(finding.path, (finding,), lines, "\n".join(lines))


def marked(line: str, start: int, end: int, width: int = 80) -> tuple[str, str]:
    shown = excerpt(line, start, end, width)
    return shown.text, " " * shown.indent + "^" * shown.length


def hostile_results() -> tuple[FileReport, ...]:
    finding = replace(
        HOT,
        message=HOSTILE,
        path=HOSTILE,
        region=Region(1, 1, 1, 3),
        chain=(Step(HOSTILE, 1, HOSTILE),),
        fix=Fix(HOSTILE, (Edit(0, 1, HOSTILE),), Applicability.SAFE),
    )
    return (
        FileReport(HOSTILE, (finding,), (HOSTILE,), HOSTILE),
        FileReport("::add-mask::x.py", (finding,), (HOSTILE,), HOSTILE),
    )


# full


def test_full() -> None:
    assert render("full", RESULTS, OPTIONS) == (
        """\
src/eval.py:7:3: MLF208 100% of the runs, never closed

train.py:4:5: MLF101 log_metric runs once per batch (loop over train_loader, line 3)
  |
3 | for batch in train_loader:
  | --------------------------
4 |     mlflow.log_metric("loss", loss)
  |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = why: train.py:3 loop over train_loader
       → train.py:4 log_metric: 1 request each time
  = help: Log every 100 steps (unsafe)
  |
4 -     mlflow.log_metric("loss", loss)
  +     if step % 100 == 0: mlflow.log_metric("loss", loss)

train.py:5:1: MLF202 [*] 2 calls of log_param in a row: 2 requests where 1 will do
  |
5 | mlflow.log_param("a", 1)
  | ^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: Merge into log_params
  |
5 - mlflow.log_param("a", 1)
6 - mlflow.log_param(
7 -     "b", 2
8 - )
  + mlflow.log_params({"a": 1, "b": 2})

Found 3 findings in 2 files (1 fixable with --fix, 1 more with --unsafe-fixes).
"""
    )


def test_full_in_colour_is_the_same_text() -> None:
    plain = render("full", RESULTS, OPTIONS)
    colored = render("full", RESULTS, replace(OPTIONS, color=True))
    assert "\x1b[1;31m MLF101\x1b[0m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain


@pytest.mark.parametrize("region", [Region(9, 1, 9, 1), Region(1, 40, 1, 50), Region(1, 1, 1, 1)])
def test_full_survives_a_place_outside_the_file(region: Region) -> None:
    text = render("full", (report_of(replace(NOTE, region=region), "x"),), OPTIONS)
    assert text.startswith(f"src/eval.py:{region.line}:{region.column}: MLF208 100%")


def test_full_aligns_the_gutter_with_long_line_numbers() -> None:
    lines = ("",) * 99 + ("x = 1",)
    text = render("full", (report_of(replace(NOTE, region=Region(100, 5, 100, 6)), *lines),), OPTIONS)
    assert text.splitlines()[1:4] == ["    |", "100 | x = 1", "    |     ^"]


@pytest.mark.parametrize("width", [0, 1, 40, 80, 200])
def test_full_keeps_excerpts_within_the_width(width: int) -> None:
    line = 'mlflow.log_metric("漢字", ' + "x + " * 100 + "1)"
    text = render("full", (report_of(replace(HOT, region=Region(1, 8, 1, 300)), line),), replace(OPTIONS, width=width))
    assert max(cell_len(shown) for shown in text.splitlines()[1:4]) <= max(width, 24)


# excerpt


@pytest.mark.parametrize(
    ("line", "start", "end", "expected"),
    [
        ("ab cd", 3, 5, ("ab cd", "   ^^")),
        ("ab", 2, 2, ("ab", "  ^")),
        ("", 0, 0, ("", "^")),
        ("\tx\ty", 3, 4, ("    x   y", "        ^")),
        ("漢字 = f(漢)", 5, 9, ("漢字 = f(漢)", "       ^^^^^")),
        ("'😀' + x", 6, 7, ("'😀' + x", "       ^")),
        ("e\u0301 = x", 5, 6, ("e\u0301 = x", "    ^")),
        ("a\x1bb x", 4, 5, (r"a\x1bb x", "       ^")),
        ("漢\tx", 2, 3, ("漢  x", "    ^")),
    ],
)
def test_excerpt_aligns_marks(line: str, start: int, end: int, expected: tuple[str, str]) -> None:
    assert marked(line, start, end) == expected


def test_excerpt_cuts_around_the_finding() -> None:
    line = "a" * 50 + "XYZ" + "b" * 50
    assert marked(line, 50, 53, 21) == ("…aaaaaaaaXYZbbbbbbbb…", "         ^^^")


def test_excerpt_keeps_the_beginning_when_the_finding_fits() -> None:
    assert marked("    f(x)" + "b" * 50, 4, 8, 20) == ("    f(x)bbbbbbbbbb…", "    ^^^^")


def test_excerpt_keeps_the_end_when_the_finding_is_there() -> None:
    assert marked("a" * 50 + "f(x)", 50, 54, 20) == ("…" + "a" * 14 + "f(x)", " " * 15 + "^^^^")


def test_excerpt_cuts_a_finding_wider_than_the_terminal() -> None:
    assert marked("  " + "x" * 50, 2, 52, 20) == ("…" + "x" * 18 + "…", " " + "^" * 18)


def test_excerpt_never_splits_wide_characters() -> None:
    text, _ = marked("漢" * 50, 25, 26, 21)
    assert cell_len(text) <= 21
    assert set(text) == {"…", "漢"}


def test_excerpt_of_an_enormous_line() -> None:
    assert marked("a" * 5_000_000 + "X" + "b" * 5_000_000, 5_000_000, 5_000_001, 21)[0] == (
        "…" + "a" * 9 + "X" + "b" * 9 + "…"
    )


# summary, concise, statistics


@pytest.mark.parametrize(
    ("results", "checked", "unsafe_fixes", "expected"),
    [
        ((), 0, False, "No files were checked."),
        ((CLEAN_REPORT,), 1, False, "No findings in 1 file."),
        ((), 2, False, "No findings in 2 files."),
        ((NOTE_REPORT,), 5, False, "Found 1 finding in 1 file."),
        (
            (replace(TRAIN_REPORT, findings=(PARAMS,)),),
            1,
            False,
            "Found 1 finding in 1 file (1 fixable with --fix).",
        ),
        (
            (replace(TRAIN_REPORT, findings=(HOT,)),),
            1,
            False,
            "Found 1 finding in 1 file (1 fixable with --fix --unsafe-fixes).",
        ),
        (
            RESULTS,
            3,
            False,
            "Found 3 findings in 2 files (1 fixable with --fix, 1 more with --unsafe-fixes).",
        ),
        (RESULTS, 3, True, "Found 3 findings in 2 files (2 fixable with --fix --unsafe-fixes)."),
    ],
)
def test_summary(results: tuple[FileReport, ...], checked: int, unsafe_fixes: bool, expected: str) -> None:
    assert summary(results, checked, replace(OPTIONS, unsafe_fixes=unsafe_fixes)) == expected


def test_concise() -> None:
    assert render("concise", RESULTS, replace(OPTIONS, color=True)) == (
        """\
src/eval.py:7:3: MLF208 100% of the runs, never closed
train.py:4:5: MLF101 log_metric runs once per batch (loop over train_loader, line 3)
train.py:5:1: MLF202 [*] 2 calls of log_param in a row: 2 requests where 1 will do
Found 3 findings in 2 files (1 fixable with --fix, 1 more with --unsafe-fixes).
"""
    )


def test_statistics() -> None:
    many = replace(TRAIN_REPORT, findings=(HOT, *[PARAMS] * 11))
    assert render_statistics((many, NOTE_REPORT), OPTIONS) == (
        "11\tMLF202\t[*] consecutive-log-param\n 1\tMLF101\t[ ] metric-in-hot-loop\n 1\tMLF208\t[ ] run-not-closed\n"
    )
    assert render_statistics((CLEAN_REPORT,), OPTIONS) == ""


# json


def test_json() -> None:
    note, hot, params = json.loads(render("json", RESULTS, OPTIONS))
    assert note == {
        "cell": None,
        "code": "MLF208",
        "name": "run-not-closed",
        "message": "100% of the runs, never closed",
        "severity": "info",
        "filename": "src/eval.py",
        "location": {"row": 7, "column": 3},
        "end_location": {"row": 7, "column": 9},
        "noqa_row": 7,
        "url": "https://docs.example/rules/MLF208",
        "chain": [],
        "fix": None,
    }
    assert hot["chain"] == [
        {"cell": None, "path": "train.py", "row": 3, "text": "loop over train_loader"},
        {"cell": None, "path": "train.py", "row": 4, "text": "log_metric: 1 request each time"},
    ]
    assert params["noqa_row"] == 8
    assert params["fix"] == {
        "applicability": "safe",
        "message": "Merge into log_params",
        "edits": [
            {
                "content": 'mlflow.log_params({"a": 1, "b": 2})',
                "location": {"row": 5, "column": 1},
                "end_location": {"row": 8, "column": 2},
            }
        ],
    }


def test_json_edits_applied_by_position_give_the_fixed_text() -> None:
    [_, params] = json.loads(render("json", (TRAIN_REPORT,), OPTIONS))
    [edit] = params["fix"]["edits"]
    lines = TRAIN.splitlines(keepends=True)

    def offset(location: dict[str, int]) -> int:
        return sum(map(len, lines[: location["row"] - 1])) + location["column"] - 1

    start, end = offset(edit["location"]), offset(edit["end_location"])
    fixed = TRAIN[:start] + edit["content"] + TRAIN[end:]
    assert fixed.endswith('loss)\nmlflow.log_params({"a": 1, "b": 2})\n')


def test_json_without_the_text_has_no_edits() -> None:
    [_, params] = json.loads(render("json", (replace(TRAIN_REPORT, text=""),), OPTIONS))
    assert params["fix"] is None


def test_json_without_findings_is_an_empty_array() -> None:
    assert render("json", (CLEAN_REPORT,), OPTIONS) == "[]\n"
    assert render("json", (), OPTIONS) == "[]\n"


def test_json_keeps_letters_and_round_trips_the_rest() -> None:
    finding = replace(NOTE, message=f"Verlust größer 漢 😀 \x7f {HOSTILE}")
    text = render("json", (report_of(finding),), OPTIONS)
    assert "Verlust größer 漢 😀" in text
    assert json.loads(text)[0]["message"] == finding.message


# github


def test_github() -> None:
    assert render("github", RESULTS, OPTIONS).splitlines() == [
        "::notice title=mlflow-lint (MLF208),file=src/eval.py,line=7,col=3,endLine=7,endColumn=9"
        "::src/eval.py:7:3: MLF208 100%25 of the runs, never closed",
        "::error title=mlflow-lint (MLF101),file=train.py,line=4,col=5,endLine=4,endColumn=36"
        "::train.py:4:5: MLF101 log_metric runs once per batch (loop over train_loader, line 3)"
        "%0A  why: train.py:3 loop over train_loader → train.py:4 log_metric: 1 request each time"
        "%0A  help: Log every 100 steps",
        "::warning title=mlflow-lint (MLF202),file=train.py,line=5,endLine=8"
        "::train.py:5:1: MLF202 2 calls of log_param in a row: 2 requests where 1 will do"
        "%0A  help: Merge into log_params",
    ]


def test_github_escapes_properties() -> None:
    report = replace(NOTE_REPORT, path="a%0A,line=1::b.py")
    assert ",file=a%250A%2Cline=1%3A%3Ab.py,line=7," in render("github", (report,), OPTIONS)


def test_github_without_findings_is_empty() -> None:
    assert render("github", (CLEAN_REPORT,), OPTIONS) == ""


# hostile code


def test_full_in_colour_has_only_colours() -> None:
    text = render("full", hostile_results(), replace(OPTIONS, color=True))
    assert "\x1b" not in re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert r"\x1b]0;x\x07\x9b1m\u202eevil\r\n::stop-commands::x\n\x23#[add-mask]y" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain, größer, 漢 👩\u200d🚀", "plain, größer, 漢 👩\u200d🚀"),
        ("\x1b[31m\x85\u2066\udc80", r"\x1b[31m\x85\u2066\udc80"),
        ("###[x] ##vso[y] ## [z]", r"#\x23#[x] \x23#vso[y] ## [z]"),
        ("a\tb", r"a\tb"),
    ],
)
def test_visible(text: str, expected: str) -> None:
    assert visible(text) == expected
    assert "".join(visible_each(text)) == expected
    assert len(visible_each(text)) == len(text)


def test_visible_at_start() -> None:
    assert visible_at_start("::error::x.py") == r"\x3a:error::x.py"
    assert visible_at_start("  ::x") == r"  \x3a:x"
    assert visible_at_start("a::b.py") == "a::b.py"


# imports


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        (
            "import mlflow_lint.report",
            ("rich", "json", "mlflow_lint.report.full", "mlflow_lint.report.model"),
        ),
        ("import mlflow_lint.report.concise", ("rich",)),
        ("import mlflow_lint.report.json_array", ("rich",)),
        ("import mlflow_lint.report.github", ("rich", "json")),
        ("import mlflow_lint.report.statistics", ("rich", "json")),
        (
            "from mlflow_lint.report import render, model;"
            "render('full', [model.FileReport('a.py', (), (), '')], model.Options(False, 80, False, ''))",
            ("rich", "json"),
        ),
    ],
)
def test_what_is_not_imported(statement: str, absent: tuple[str, ...]) -> None:
    script = f"{statement}\nimport sys\nprint([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
