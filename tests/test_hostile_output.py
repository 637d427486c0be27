"""What code, paths and messages of any content must not do to a terminal, a CI system or a reader of a report."""

from __future__ import annotations

import re
import time
import unicodedata
from dataclasses import replace

import consumers
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_report import HOT, OPTIONS, TRAIN, TRAIN_REPORT

from mlflow_lint.findings import Applicability, Edit, Finding, Fix, Region, Severity, Step
from mlflow_lint.report import FORMATS, render
from mlflow_lint.report.model import FileReport
from mlflow_lint.source.file import Cell, split_lines

FRAGMENTS = (
    "\x1b[31m",
    "\x1b]8;;http://evil.example\x07",
    "\x9b1m",
    "\u202e",
    "\u2066",
    "\u2028",
    "\x85",
    "\r\n",
    "\n::error::x",
    "\r::add-mask::y",
    "\n  ::stop-commands::z",
    "::set-output name=a::b",
    "##[add-mask]y",
    "##vso[task.setvariable variable=a]b",
    "##teamcity[x]",
    "###[group]",
    "%0A::error::",
    "%25",
    "%AZP25",
    "]",
    ";",
    ",line=1",
    "&<>\"'",
    "]]>",
    "\ud800",
    "\udcff",
    "\ufffe",
    "\U000e0041",
    "\x00",
    "\ufeff",
    "[a](1)",
    "{0}",
    "漢😀",
    "\t",
    " ",
)
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=6).map("".join)
CODES = st.sampled_from(["MLF000", "MLF101", "MLF202", "MLF503"])
FORBIDDEN_DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@st.composite
def reports(draw: st.DrawFn) -> FileReport:
    """A file, or now and then a notebook of one cell, with findings of any content at any place."""
    path = draw(TEXTS) or "a.py"
    text = draw(TEXTS) + "\n" + draw(TEXTS)
    in_cell = draw(st.booleans())
    if in_cell:
        path += ".ipynb"
    lines = split_lines(text)
    findings = []
    for _ in range(draw(st.integers(0, 3))):
        line = draw(st.integers(1, len(lines) + 1))
        column = draw(st.integers(1, 9))
        region = Region(line, column, line, column + draw(st.integers(0, 9)), 1 if in_cell else None)
        edit = Edit(0, draw(st.integers(0, len(text) + 1)), draw(TEXTS))
        fix = Fix(draw(TEXTS) or "x", (edit,), draw(st.sampled_from(Applicability)))
        findings.append(
            Finding(
                draw(CODES),
                "some-rule",
                draw(TEXTS) or "x",
                path,
                region,
                (line, line),
                draw(st.sampled_from(Severity)),
                (Step(draw(st.just(path) | TEXTS), draw(st.integers(1, 4)), draw(TEXTS), region.cell),),
                draw(st.none() | st.just(fix)),
            )
        )
    cells = (Cell(0, text, text),) if in_cell else None
    return FileReport(path, tuple(findings), tuple(lines), text, cells)


def assert_harmless(text: str) -> None:
    text.encode()
    for character in set(text) - {"\n"}:
        assert unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp"), ascii(character)
        assert unicodedata.bidirectional(character) not in FORBIDDEN_DIRECTIONS, ascii(character)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(results=st.lists(reports(), max_size=2))
def test_any_content_is_harmless_and_complete(name: str, results: list[FileReport]) -> None:
    findings = [finding for report in results for finding in report.findings]
    text = render(name, results, OPTIONS)
    assert_harmless(text)
    assert consumers.azure_commands(text) == [] or name == "azure"
    assert consumers.github_commands(text if name != "azure" else "") == [] or name == "github"
    assert not re.search(r"##(?!vso\[task\.logissue )\w*\[", text)
    if name == "full":
        colored = render(name, results, replace(OPTIONS, color=True, wrap=True, width=60))
        assert_harmless(re.sub(r"\x1b\[[0-9;]*m", "", colored))
    # Paths that end up alike, or with colons, are beyond what Pylint's lines and names of cases can tell apart.
    if name in consumers.READERS and name not in ("pylint", "junit"):
        told = consumers.READERS[name](text)
        assert [code for _, _, code in told] == [finding.code for finding in findings]
    if name == "junit":
        assert text.count("<failure ") == len(findings)
        consumers.parsed_junit(text)
    if name == "pylint":
        assert text.count("\n") == len(findings)


@pytest.mark.parametrize("name", ["github", "azure"])
@given(path=TEXTS, message=TEXTS)
def test_commands_have_no_properties_but_ours(name: str, path: str, message: str) -> None:
    report = replace(TRAIN_REPORT, path=path or "a.py", findings=(replace(HOT, message=message),))
    read = consumers.github_commands if name == "github" else consumers.azure_commands
    (command,) = read(render(name, [report], OPTIONS))
    names = {"github": "title file line col endLine endColumn", "azure": "type sourcepath linenumber columnnumber code"}
    assert list(command.properties) == names[name].split()
    assert command.name == {"github": "error", "azure": "task.logissue"}[name]


# --- many findings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_ten_thousand_findings(name: str) -> None:
    count = 10_000
    text = TRAIN * count
    height, length = TRAIN.count("\n"), len(TRAIN)
    assert HOT.fix is not None
    (edit,) = HOT.fix.edits
    findings = []
    for number in range(count):
        line = HOT.region.line + number * height
        fix = replace(
            HOT.fix, edits=(replace(edit, start=edit.start + number * length, end=edit.end + number * length),)
        )
        chain = tuple(replace(step, line=step.line + number * height) for step in HOT.chain)
        region = replace(HOT.region, line=line, end_line=line)
        findings.append(replace(HOT, region=region, statement=(line, line), chain=chain, fix=fix))
    report = FileReport("train.py", tuple(findings), tuple(split_lines(text)), text)
    started = time.process_time()
    rendered = render(name, [report], OPTIONS)
    took = time.process_time() - started
    assert rendered.count("MLF101") >= count
    # A second on an idle machine; more is left for one that is not. What grows with the square takes minutes.
    assert took < 8
