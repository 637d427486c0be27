"""The machine formats, read by their consumers: what the command says of files of every kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import consumers
import pytest
from diff_cover.violationsreporters.violations_reporter import flake8_driver
from doors import FIXTURES, ROOT
from hypothesis import given
from hypothesis import strategies as st
from notebooks import written
from test_report import HOT, NOTE, NOTE_REPORT, OPTIONS, PARAMS, RESULTS, TRAIN, TRAIN_REPORT, report_of

from mlflow_lint.config import default_settings
from mlflow_lint.engine import Project, check_files
from mlflow_lint.findings import Applicability, Edit, Fix, Region, Severity
from mlflow_lint.report import FOR_PEOPLE, FORMATS, render
from mlflow_lint.report.line_hash import line_hashes
from mlflow_lint.report.model import FileReport, Options
from mlflow_lint.report.on_disk import OnDisk
from mlflow_lint.report.visible import visible
from mlflow_lint.request import Outcome, Request, Terminal
from mlflow_lint.rules.registry import all_rules
from mlflow_lint.run import run
from mlflow_lint.source.file import split_lines

MACHINES = [name for name in FORMATS if name not in FOR_PEOPLE]

CALLS = 'mlflow.log_metric("ä", 1)\nmlflow.log_metric("b", 2)\n'
ROW = f"import mlflow\n\n{CALLS}"
NOTEBOOK = written("import mlflow", f"x = 1\n{CALLS}", "mlflow.log_metric(\n")
NAMES = ["a.py", "mit blank.py", "größe.py", "50% ab.py", "a;b],c.py", "neue\nzeile.py", "a'\"<&>.py", "##vso[x]y.py"]


def test_each_format_has_a_reader() -> None:
    assert sorted(consumers.READERS) == sorted(MACHINES)


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("results", [(), (FileReport("clean.py", (), (), ""),)], ids=["no files", "a clean file"])
def test_no_findings(name: str, results: tuple[FileReport, ...]) -> None:
    assert consumers.READERS[name](render(name, results, OPTIONS)) == []


@pytest.mark.parametrize("name", MACHINES)
def test_findings(name: str) -> None:
    assert consumers.READERS[name](render(name, RESULTS, OPTIONS)) == [
        ("src/eval.py", 7, "MLF208"),
        ("train.py", 4, "MLF101"),
        ("train.py", 5, "MLF202"),
    ]


# --- what the command prints, for files of every kind ----------------------------------------------------------


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    for name in NAMES:
        (folder / name).write_text(ROW, encoding="utf-8")
    (folder / "broken.py").write_text("import mlflow\nmlflow.log_metric(\n")
    (folder / "control.py").write_text(ROW.replace("ä", "\x1b[31m\u202e\u2028"), encoding="utf-8")
    (folder / "latin.py").write_bytes(f"# coding: latin-1\n{ROW}".encode("latin-1"))
    (folder / "bytes.py").write_bytes(b"import mlflow\nx = '\xff'\n")
    (folder / "nb.ipynb").write_bytes(NOTEBOOK)
    (folder / "one line.ipynb").write_text(json.dumps(json.loads(written(ROW))))
    (folder / "torn.ipynb").write_bytes(b'{"cells": [\n1, mlflow')
    return folder


PLACES = [
    *((name, 3, "MLF201") for name in NAMES),
    ("broken.py", 2, "MLF000"),
    ("control.py", 3, "MLF201"),
    ("latin.py", 4, "MLF201"),
    ("bytes.py", 2, "MLF000"),
    ("nb.ipynb", 21, "MLF201"),
    ("nb.ipynb", 32, "MLF000"),
    ("one line.ipynb", 1, "MLF201"),
    ("torn.ipynb", 2, "MLF000"),
]
"""Path, line of the file and code of what is found there."""

IN_CELLS = {("nb.ipynb", 21): 2, ("nb.ipynb", 32): 1, ("one line.ipynb", 1): 3}
"""Lines of the JSON, and the lines of cells that they are."""


Report = Callable[..., Outcome]


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> Report:
    """Run the command in a folder, in this process: starting one for every case would take minutes."""

    def run_in(
        folder: Path,
        name: str,
        env: Mapping[str, str] | None = None,
        select: Sequence[str] = ("MLF201",),
        **request: Any,
    ) -> Outcome:
        monkeypatch.chdir(folder)
        overrides = {"output-format": name, "select": select}
        return run(Request(overrides=overrides, **request), Terminal.of(None, env or {}), lambda: NOTEBOOK)

    return run_in


def path_in(name: str, path: str, tree: Path) -> str:
    """How a format writes a path."""
    if name == "sarif":
        return quote(path)
    if name == "azure":
        return visible(f"{tree}/{path}")
    if name in ("json", "json-lines", "gitlab", "rdjson"):
        return path
    return visible(path).replace("\\", "/") if name == "pylint" else visible(path)  # as diff-cover understands it


@pytest.mark.parametrize("name", MACHINES)
def test_files_of_every_kind(name: str, tree: Path, report: Report) -> None:
    outcome = report(tree, name)
    assert (outcome.exit_code, outcome.aside) == (1, "")
    expected = []
    for path, line, code in PLACES:
        told = line if name not in ("json", "json-lines", "junit") else IN_CELLS.get((path, line), line)
        expected.append((path_in(name, path, tree), told, code))
    assert sorted(consumers.READERS[name](str(outcome.output))) == sorted(expected)


def test_the_lines_of_a_notebook_are_those_of_its_json(tree: Path) -> None:
    lines = (tree / "nb.ipynb").read_text(encoding="utf-8").splitlines()
    assert lines[20].strip() == json.dumps('mlflow.log_metric("ä", 1)\n', ensure_ascii=False) + ","
    assert lines[31].strip() == json.dumps("mlflow.log_metric(\n")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are text")
@pytest.mark.parametrize("name", MACHINES)
def test_a_file_whose_name_is_no_text(name: str, tmp_path: Path, report: Report) -> None:
    path = os.fsdecode(b"un\xff.py")
    (tmp_path / path).write_text(ROW, encoding="utf-8")
    ((told, line, code),) = consumers.READERS[name](str(report(tmp_path, name).output))
    assert (line, code) == (3, "MLF201")
    if name == "sarif":
        assert unquote_to_bytes(told) == b"un\xff.py"
    else:
        assert told.endswith(path if name in ("json", "json-lines") else "udcff.py")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('["a\\n",\n"b\\n",\n"c"]', [1, 2, 3]),
        ('["a\\n",\n"b\\nc\\n",\n"d"]', [1, 2, 2, 3]),
        ('["a",\n"b\\n",\n"c\\n"]', [1, 3, 3]),
        ('"a\\nb\\nc"', [1, 1, 1]),
        ('[\n\n"a"]', [3]),
        ("[]", [1]),
        ('""', [1]),
    ],
)
def test_lines_of_cells_in_json_of_any_layout(source: str, expected: list[int]) -> None:
    text = f'{{"cells": [{{"cell_type": "code", "source": {source}}}], "nbformat": 4}}'
    disk = OnDisk(replace(report_of(NOTE), path="a.ipynb", cells=(), written=text))
    assert [disk.line_of(1, number) for number in range(1, len(expected) + 1)] == expected
    assert disk.line_of(1, 99) == expected[-1]
    assert disk.line_of(2, 1) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": [1]}', '{"cells": {}}', '{"cells": 1}', "[" * 100_000])
def test_a_notebook_that_changes_meanwhile_has_one_line(text: str) -> None:
    disk = OnDisk(replace(report_of(NOTE), path="a.ipynb", cells=(), written=text))
    assert disk.region(Region(3, 1, 4, 9, 2)) == Region(1, 1, 1, len(text) + 1)


def test_standard_input_may_be_a_notebook(tmp_path: Path, report: Report) -> None:
    outcome = report(tmp_path, "github", stdin=Path("nb.ipynb"))
    assert consumers.github(str(outcome.output)) == [("nb.ipynb", 21, "MLF201"), ("nb.ipynb", 32, "MLF000")]
    fixed = report(tmp_path, "pylint", stdin=Path("nb.ipynb"), fix=True)
    # One line fewer stands above the broken cell once the row is one call.
    assert consumers.pylint(fixed.aside) == [("nb.ipynb", 31, "MLF000")]


@pytest.fixture(scope="module")
def fixtures() -> list[FileReport]:
    """What is found in the fixtures, checked once for all formats."""
    paths = sorted([*FIXTURES.rglob("*.py"), *FIXTURES.rglob("*.ipynb")])
    settings = default_settings(FIXTURES)
    checked = check_files(Project(FIXTURES, ROOT), [(path, settings) for path in paths])
    return [
        FileReport(
            each.path,
            each.findings,
            tuple(split_lines(each.text)),
            each.text,
            each.cells,
            path.read_text(encoding="utf-8") if each.cells is not None else "",
        )
        for path, each in zip(paths, checked, strict=True)
    ]


@pytest.mark.parametrize("name", MACHINES)
def test_the_fixtures_open_in_every_consumer(name: str, fixtures: list[FileReport]) -> None:
    found = [finding for report in fixtures for finding in report.findings]
    told = consumers.READERS[name](render(name, fixtures, OPTIONS))
    assert len(found) > 30
    assert [code for _, _, code in told] == [finding.code for finding in found]
    assert all(line > 1 for _, line, _ in told)


# --- as Ruff has them --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ruff(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What Ruff, whose names of fields people know, prints of a file with a finding and a fix."""
    folder = tmp_path_factory.mktemp("ruff")
    (folder / "a.py").write_text("import os\n")

    def run(format_name: str) -> str:
        command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--output-format", format_name]
        return subprocess.run([*command, "a.py"], cwd=folder, capture_output=True, text=True, check=False).stdout

    return run


def shape(value: Any) -> Any:
    """The names of all fields, however deep."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else None


def covers(ours: Any, theirs: Any) -> bool:
    """Whether one shape has all fields of another."""
    if isinstance(theirs, dict):
        return isinstance(ours, dict) and all(key in ours and covers(ours[key], theirs[key]) for key in theirs)
    return covers(ours[0], theirs[0]) if isinstance(theirs, list) else True


@pytest.mark.parametrize("name", ["json", "json-lines", "rdjson"])
def test_every_field_of_ruff_is_there(name: str, ruff: Any) -> None:
    ours = json.loads(render(name, [replace(TRAIN_REPORT, findings=(PARAMS,))], OPTIONS))
    theirs = json.loads(ruff(name))
    if name == "rdjson":
        ours, theirs = ours["diagnostics"], theirs["diagnostics"]
    assert covers(shape(ours), shape(theirs))


@pytest.mark.parametrize("name", ["github", "azure", "pylint"])
def test_commands_and_lines_are_spelled_as_ruff_spells_them(name: str, ruff: Any) -> None:
    ((_, line, code),) = consumers.READERS[name](
        ruff(name).replace("ruff (F401)", "ruff (MLF401)").replace("/a.py", "a.py")
    )
    assert (line, code[-4:]) in {(1, "F401")}
    if name != "pylint":
        read = consumers.github_commands if name == "github" else consumers.azure_commands
        (theirs,) = read(ruff(name))
        ours = read(render(name, [replace(TRAIN_REPORT, findings=(HOT,))], OPTIONS))[0]
        assert (ours.name, sorted(ours.properties)) == (theirs.name, sorted(theirs.properties))


# --- SARIF -------------------------------------------------------------------------------------------------------


def sarif_run(results: Sequence[FileReport], options: Options = OPTIONS) -> Any:
    text = render("sarif", results, options)
    consumers.sarif(text)
    return json.loads(text)["runs"][0]


def test_sarif_tells_the_rules_that_were_broken() -> None:
    hot = replace(HOT, severity=Severity.INFO)
    run = sarif_run([replace(TRAIN_REPORT, findings=(hot, HOT)), report_of(replace(NOTE, code="MLF000"))])
    syntax, metric = run["tool"]["driver"]["rules"]
    assert (syntax["id"], syntax["name"], metric["id"], metric["name"]) == (
        "MLF000",
        "syntax-error",
        "MLF101",
        "metric-in-hot-loop",
    )
    assert metric["help"]["markdown"].startswith("## What it does")
    assert metric["fullDescription"]["text"].startswith("Finds `log_metric`, `log_metrics` and `log_batch` that run")
    assert metric["helpUri"] == "https://docs.example/rules/MLF101"
    assert metric["defaultConfiguration"]["level"] == "error"
    assert [result["level"] for result in run["results"]] == ["note", "error", "note"]


def test_sarif_marks_secrets_as_a_matter_of_security() -> None:
    run = sarif_run([report_of(replace(NOTE, code="MLF503")), report_of(replace(NOTE, code="MLF101"))])
    metric, secret = (rule["properties"] for rule in run["tool"]["driver"]["rules"])
    assert (metric["tags"], "security-severity" in metric) == (["performance"], False)
    assert (secret["tags"], float(secret["security-severity"])) == (["security"], 7.5)


def test_sarif_has_a_description_for_every_rule() -> None:
    findings = tuple(replace(NOTE, code=rule.code, name=rule.name) for rule in all_rules())
    assert len(sarif_run([replace(report_of(NOTE), findings=findings)])["tool"]["driver"]["rules"]) == len(all_rules())


@pytest.mark.parametrize(
    ("path", "root", "checkout", "address", "base"),
    [
        ("a b/ü%.py", "/repo", None, "a%20b/%C3%BC%25.py", "file:///repo/"),
        ("a.py", "/repo/sub", "/repo", "sub/a.py", "file:///repo/"),
        ("a.py", "/repo", "/repo/", "a.py", "file:///repo/"),
        ("a.py", "/repository", "/repo", "a.py", "file:///repository/"),
        ("/repo/other/a.py", "/repo/sub", "/repo", "other/a.py", "file:///repo/"),
        ("/elsewhere/a b.py", "/repo", None, "file:///elsewhere/a%20b.py", "file:///repo/"),
        ("c:d.py", "/repo", None, "c%3Ad.py", "file:///repo/"),
        ("C:/x/a.py", "C:/x y", None, "file:///C:/x/a.py", "file:///C:/x%20y/"),
    ],
)
def test_sarif_addresses(path: str, root: str, checkout: str | None, address: str, base: str) -> None:
    run = sarif_run([replace(report_of(NOTE), path=path)], replace(OPTIONS, root=root, checkout=checkout))
    artifact = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": address} | ({} if address.startswith("file:") else {"uriBaseId": "%SRCROOT%"})
    assert run["originalUriBaseIds"] == {"%SRCROOT%": {"uri": base}}


def test_sarif_fixes_give_the_fixed_text() -> None:
    text = "x = '😀'; f(1)\n"
    start = text.index("f(")
    fix = Fix("Call g", (Edit(start, start + 1, "g"), Edit(0, 0, "import g\n")), Applicability.UNSAFE)
    finding = replace(NOTE, region=Region(1, 10, 1, 14), fix=fix)
    run = sarif_run([FileReport("a.py", (finding,), tuple(text.splitlines()), text)])
    assert run["columnKind"] == "unicodeCodePoints"
    (fixed,) = run["results"][0]["fixes"]
    assert fixed["description"]["text"] == "Call g (unsafe)"
    (change,) = fixed["artifactChanges"]
    for replacement in sorted(change["replacements"], key=lambda each: -each["deletedRegion"]["startColumn"]):
        region = replacement["deletedRegion"]
        assert region["startLine"] == region["endLine"] == 1
        text = (
            text[: region["startColumn"] - 1] + replacement["insertedContent"]["text"] + text[region["endColumn"] - 1 :]
        )
    assert text == "import g\nx = '😀'; g(1)\n"


def test_sarif_messages_hold_no_links() -> None:
    finding = replace(NOTE, message="a[0] and [click](https://evil.example) and [x](1)")
    message = sarif_run([report_of(finding)])["results"][0]["message"]["text"]
    assert message == r"a[0] and \[click](https://evil.example) and \[x](1)"


# The examples in the tests of GitHub's action (src/fingerprints.test.ts of github/codeql-action).
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "c129715d7a2bc9a3:1"),
        (" a\nb\n  \t\tc\n d", "271789c17abda88f:1 54703d4cd895b18:1 180aee12dab6264:1 a23a3dc5e078b07b:1"),
        (
            " hello; \t\nworld!!!\r\n\n\r  \t\tGreetings\r End\r\n",
            "e9496ae3ebfced30:1 fb7c023a8b9ccb3f:1 ce8ba1a563dcdaca:1 e20e36e16fcb0cc8:1 b3edc88f2938467e:1 "
            "c8e28b0b4002a3a0:1 c129715d7a2bc9a3:1",
        ),
        (
            "Lorem ipsum dolor sit amet.\n" * 10,
            "a7f2ff13bc495cf2:1 a7f2ff13bc495cf2:2 a7f2ff13bc495cf2:3 a7f2ff13bc495cf2:4 a7f2ff13bc495cf2:5 "
            "a7f2ff13bc495cf2:6 a7f2ff1481e87703:1 a9cf91f7bbf1862b:1 55ec222b86bcae53:1 cc97dc7b1d7d8f7b:1 "
            "c129715d7a2bc9a3:1",
        ),
    ],
    ids=["empty", "short", "line ends", "repeated"],
)
def test_lines_are_hashed_as_github_does_it(text: str, expected: str) -> None:
    assert line_hashes(text) == expected.split()


@given(st.text("ab \t\r\n漢😀\ud800", max_size=300))
def test_lines_are_hashed_as_by_rolling(text: str) -> None:
    units = array("H", text.encode("utf-16-le", "surrogatepass"))
    stream = "".join(map(chr, units)).replace("\r\n", "\n").replace("\r", "\n").replace(" ", "").replace("\t", "")
    starts = [0, *(index + 1 for index, unit in enumerate(stream) if unit == "\n")]
    padded = [*map(ord, stream), 0xFFFF, *[0] * 100]
    seen: list[int] = []
    for start, told in zip(starts, line_hashes(text), strict=True):
        rolled = 0
        for unit in padded[start : start + 100]:
            rolled = (rolled * 37 + unit) % 2**64
        seen.append(rolled)
        assert told == f"{rolled:x}:{seen.count(rolled)}"


def test_sarif_results_have_the_hash_of_their_line() -> None:
    hashes = line_hashes(TRAIN)
    results = sarif_run([TRAIN_REPORT, NOTE_REPORT])["results"]
    assert [result.get("partialFingerprints") for result in results] == [
        {"primaryLocationLineHash": hashes[3]},
        {"primaryLocationLineHash": hashes[4]},
        None,  # without the text there is none
    ]


def test_sarif_of_a_notebook(tree: Path, report: Report) -> None:
    outcome = report(tree, "sarif", paths=(Path("nb.ipynb"),))
    row, _ = json.loads(outcome.output)["runs"][0]["results"]
    text = (tree / "nb.ipynb").read_text(encoding="utf-8")
    line = text.splitlines()[20]
    assert row["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 21,
        "startColumn": 1,
        "endLine": 21,
        "endColumn": len(line) + 1,
    }
    assert row["message"]["text"].startswith("cell 2:2:1: 2 calls of log_metric")
    assert row["partialFingerprints"] == {"primaryLocationLineHash": line_hashes(text)[20]}
    assert [each["physicalLocation"]["region"]["startLine"] for each in row["relatedLocations"]] == [21, 22]
    assert "fixes" not in row


# --- GitLab ------------------------------------------------------------------------------------------------------


def fingerprints(results: Sequence[FileReport]) -> list[str]:
    return [issue["fingerprint"] for issue in json.loads(render("gitlab", results, OPTIONS))]


def test_gitlab_knows_findings_again_whose_lines_have_moved() -> None:
    text = "import os\n\n" + TRAIN.replace("    mlflow", "\tmlflow")
    moved = tuple(
        replace(finding, region=replace(finding.region, line=finding.region.line + 2), message=f"{finding.message}!")
        for finding in (HOT, PARAMS)
    )
    later = FileReport("train.py", moved, tuple(text.splitlines()), text)
    assert fingerprints([later]) == fingerprints([TRAIN_REPORT])


def test_gitlab_tells_findings_of_equal_lines_apart() -> None:
    twice = replace(TRAIN_REPORT, findings=(HOT, HOT, HOT, PARAMS))
    found = fingerprints([twice, replace(twice, path="other.py"), NOTE_REPORT])
    assert len(set(found)) == 9
    assert found[0] == fingerprints([TRAIN_REPORT])[0]


@pytest.mark.parametrize(("path", "shown"), [("\n::error::x.py", r"\n::error::x.py"), ("\u2028x.py", r"\u2028x.py")])
def test_gitlab_takes_a_path_that_begins_with_the_end_of_a_line(path: str, shown: str) -> None:
    told = consumers.gitlab(render("gitlab", [replace(TRAIN_REPORT, path=path)], OPTIONS))
    assert {place for place, _, _ in told} == {shown}


@pytest.mark.parametrize("variable", ["CI_PROJECT_DIR", "GITHUB_WORKSPACE"])
def test_ci_systems_get_paths_from_their_checkout(variable: str, tmp_path: Path, report: Report) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.py").write_text(ROW, encoding="utf-8")
    for name, path in {"gitlab": "sub/a.py", "github": "sub/a.py", "sarif": "sub/a.py", "rdjson": "a.py"}.items():
        outcome = report(tmp_path / "sub", name, env={variable: str(tmp_path)})
        assert [place[0] for place in consumers.READERS[name](str(outcome.output))] == [path]


# --- reviewdog ---------------------------------------------------------------------------------------------------


def test_rdjson_suggestions_give_the_fixed_text() -> None:
    text = "import mlflow\n\n\nx = '漢😀'; f(1)\ny = 1\n"
    start = text.index("f(")
    edits = (Edit(start, start + 1, "gäg"), Edit(text.index("y"), text.index("y"), "z = 2\n"))
    finding = replace(NOTE, region=Region(4, 11, 4, 15), fix=Fix("Call g", edits, Applicability.SAFE))
    told = render("rdjson", [FileReport("a.py", (finding,), tuple(text.splitlines()), text)], OPTIONS)
    consumers.rdjson(told)
    (diagnostic,) = json.loads(told)["diagnostics"]
    assert diagnostic["location"]["range"]["start"] == {"line": 4, "column": 16}
    (suggestion,) = diagnostic["suggestions"]
    lines = [0]
    for line in text.encode().splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    first, last = (
        lines[place["line"] - 1] + place["column"] - 1
        for place in (suggestion["range"]["start"], suggestion["range"]["end"])
    )
    data = text.encode()
    fixed = (data[:first] + suggestion["text"].encode() + data[last:]).decode()
    assert fixed == "import mlflow\n\n\nx = '漢😀'; gäg(1)\nz = 2\ny = 1\n"


@pytest.mark.parametrize(("unsafe", "offered"), [(False, [False, True]), (True, [True, True])])
def test_rdjson_offers_unsafe_fixes_only_where_they_are_asked_for(unsafe: bool, offered: list[bool]) -> None:
    told = json.loads(render("rdjson", [TRAIN_REPORT], replace(OPTIONS, unsafe_fixes=unsafe)))
    assert ["suggestions" in each for each in told["diagnostics"]] == offered


# --- the text formats --------------------------------------------------------------------------------------------


def test_grouped() -> None:
    assert render("grouped", RESULTS, OPTIONS) == (
        """\
src/eval.py:
  7:3 MLF208 100% of the runs, never closed

train.py:
  4:5 MLF101 log_metric runs once per batch (loop over train_loader, line 3)
  5:1 MLF202 [*] 2 calls of log_param in a row: 2 requests where 1 will do

Found 3 findings in 2 files (1 fixable with --fix, 1 more with --unsafe-fixes).
"""
    )
    assert render("grouped", (), OPTIONS) == "No files were checked.\n"


def test_concise_is_read_by_what_reads_flake8() -> None:
    by_path = flake8_driver.parse_reports([render("concise", RESULTS, OPTIONS)])
    assert {path: [each.line for each in found] for path, found in by_path.items()} == {
        "src/eval.py": [7],
        "train.py": [4, 5],
    }


# --- the page ----------------------------------------------------------------------------------------------------

PAGE = (ROOT / "docs" / "output-formats.md").read_text(encoding="utf-8")


def sample(name: str) -> str:
    """The first block of code in the section of a format."""
    section = PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    return section.partition("```")[2].partition("\n")[2].partition("```")[0]


def is_part(sample: Any, whole: Any) -> bool:
    """Whether all that a sample says is so, whatever it leaves out."""
    if isinstance(sample, dict):
        return all(key in whole and is_part(value, whole[key]) for key, value in sample.items())
    if isinstance(sample, list):
        return all(is_part(one, other) for one, other in zip(sample, whole, strict=False))
    return bool(sample == whole)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json-lines"])
def test_the_page_shows_what_is_printed(name: str, tmp_path: Path, report: Report) -> None:
    code = PAGE.partition("```python\n")[2].partition("```")[0]
    (tmp_path / "train.py").write_text(code)
    printed = str(report(tmp_path, name, select=["MLF"]).output).replace(str(tmp_path), "/repo")
    if name == "json":
        assert [json.loads(sample(name))] == json.loads(printed)
    elif name == "sarif":
        assert is_part(json.loads(sample(name)), json.loads(printed))
    else:
        assert sample(name) == printed


def test_the_page_has_every_format() -> None:
    assert [line[3:] for line in PAGE.splitlines() if line.startswith("## ")] == list(FORMATS)
