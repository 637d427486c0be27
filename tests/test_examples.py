"""Each rule does what its examples say, in every spelling, through every door, and so do its fixes."""

from __future__ import annotations

import ast
import codecs
import io
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import doors
import pytest
from example_cases import (
    Case,
    Expected,
    NotSpelled,
    Spelling,
    cases,
    check,
    everything,
    fix,
    fixed_text,
    only,
    parse,
    places,
    spell,
    write,
)

from mlflow_lint.findings import Finding
from mlflow_lint.flake8_plugin import Plugin
from mlflow_lint.rules.base import Example, Rule
from mlflow_lint.rules.registry import all_rules

NOT_IN_THE_CLIENT = {
    "MLF105": "the client has no log_model",
    "MLF106": "queries go to no run: the examples have a client of their own",
    "MLF107": "the client has no set_experiment",
    "MLF108": "the client has no start_run",
    "MLF109": "the settings are those of frameworks",
    "MLF208": "the client has no log_metrics, log_params, set_tags",
    "MLF209": "the client always takes the run's id",
    "MLF405": "the client has no start_run",
    "MLF406": "the client has no start_run",
    "MLF407": "the client has no set_experiment",
    "MLF409": "the client has no start_run",
    "MLF410": "the examples have a client of their own",
    "MLF411": "the client has no start_run",
    "MLF413": "the examples have a client of their own",
    "MLF416": "the examples start a run",
    "MLF501": "the client has no set_tracking_uri",
    "MLF503": "the client has no set_tracking_uri",
    "MLF504": "the client has no set_system_metrics_sampling_interval",
    "MLF505": "the client's search has another default",
    "MLF508": "the client has no set_tracking_uri",
    "MLF507": "the client has no set_tracking_uri",
    "MLF506": "the client has no set_tracking_uri",
    "MLF701": "the client has no log_model",
    "MLF702": "the client has no evaluate",
    "MLF703": "the examples have a client of their own",
}


OF_FRAMEWORKS = frozenset({"MLF109"})
"""Rules about settings: no loop is in sight, and what takes them is no function of `mlflow.tracking.fluent`."""


def only_fluent(case: Case) -> bool:
    """Whether the fix has no form for a client: entries that a loop collects are those of a dict."""
    return case.spelling is Spelling.CLIENT and "for " in (case.example.fixed or "").partition(" = {}\n")[2]


PLAIN = tuple(case for case in cases() if case.spelling is Spelling.PLAIN)
FIRING = tuple(case for case in cases() if case.expected)
FIXABLE = tuple(case for case in FIRING if case.example.fixed is not None and not only_fluent(case))
LOOP_OR_COUNT = re.compile(r"\(.+, line \d+\)|loop over .+, line \d+|\b\d+ calls\b")

# A spelling is a matter of resolving names: it is tried with the rule alone, and what lies behind that, plain.
each_case = pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
each_plain = pytest.mark.parametrize("case", PLAIN, ids=lambda case: case.name)
each_plain_firing = pytest.mark.parametrize(
    "case", [case for case in FIRING if case.spelling is Spelling.PLAIN], ids=lambda case: case.name
)
each_fixable = pytest.mark.parametrize("case", FIXABLE, ids=lambda case: case.name)
each_plain_fixable = pytest.mark.parametrize(
    "case", [case for case in FIXABLE if case.spelling is Spelling.PLAIN], ids=lambda case: case.name
)
each_rule = pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)


def of_rule(findings: Iterable[Finding], rule: Rule) -> list[Finding]:
    return [finding for finding in findings if finding.code == rule.code]


# --------------------------------------------------------------------------------------- the helpers themselves
def test_markers_are_read_and_removed() -> None:
    code, expected = parse('a("#")  # MLF201\nb  # why  # MLF101 MLF204\nc  # MLF101: not one\n')
    assert code == 'a("#")\nb  # why\nc  # MLF101: not one\n'
    assert expected == ((1, "MLF201"), (2, "MLF101"), (2, "MLF204"))


def test_spellings_change_names_only() -> None:
    rule = all_rules()[0]
    code = 'import mlflow\n\nmlflow.log_metric("a", 1.0, 2)  # MLF101\nmlflow.set_tag("k", "v")\n'
    spelled = {spelling: spell(rule, Example("t", code), spelling) for spelling in Spelling}
    lines = {spelling: case.code.splitlines()[case.expected[0][0] - 1] for spelling, case in spelled.items()}
    assert lines == {
        Spelling.PLAIN: 'mlflow.log_metric("a", 1.0, 2)',
        Spelling.ALIAS: 'm.log_metric("a", 1.0, 2)',
        Spelling.FROM: 'log_metric("a", 1.0, 2)',
        Spelling.FROM_ALIAS: '_log_metric("a", 1.0, 2)',
        Spelling.FLUENT: 'mlflow.tracking.fluent.log_metric("a", 1.0, 2)',
        Spelling.GUARDED: 'mlflow.log_metric("a", 1.0, 2)',
        Spelling.LOCAL: '    mlflow.log_metric("a", 1.0, 2)',
        Spelling.CLIENT: 'client.log_metric(run_id, "a", 1.0, step=2)',
    }
    assert "from mlflow import log_metric as _log_metric, set_tag as _set_tag" in spelled[Spelling.FROM_ALIAS].code
    with pytest.raises(NotSpelled, match="no start_run"):
        spell(rule, Example("t", "import mlflow\nmlflow.start_run()\n"), Spelling.CLIENT)
    with pytest.raises(NotSpelled, match="shadows"):
        spell(rule, Example("t", "import mlflow\ndef f(mlflow): mlflow.set_tag('a', 'b')\n"), Spelling.ALIAS)


@each_rule
def test_every_spelling_is_tried(rule: Rule) -> None:
    spelled = {case.spelling for case in FIRING if case.rule is rule}
    left_out = {Spelling.CLIENT} if rule.code in NOT_IN_THE_CLIENT else set()
    left_out |= {Spelling.FLUENT} if rule.code in OF_FRAMEWORKS else set()
    assert set(Spelling) - spelled == left_out


# ---------------------------------------------------------------------------------------------------- findings
@each_case
def test_alone(case: Case, tmp_path: Path) -> None:
    path = write(tmp_path, case.code, case.files)
    findings = check(path, only(tmp_path, case.rule.code)).findings
    assert places(findings) == case.expected
    offered = {finding.fix.applicability for finding in findings if finding.fix is not None}
    assert offered == ({case.example.applicability} if case in FIXABLE else set())


@each_plain
def test_with_all_rules_on(case: Case, tmp_path: Path) -> None:
    path = write(tmp_path, case.code, case.files)
    alone = check(path, only(tmp_path, case.rule.code)).findings
    assert of_rule(check(path, everything(tmp_path)).findings, case.rule) == list(alone)


@each_plain_firing
def test_findings_explain_themselves(case: Case, tmp_path: Path) -> None:
    path = write(tmp_path, case.code, case.files)
    for finding in check(path, only(tmp_path, case.rule.code)).findings:
        assert finding.name == case.rule.name
        assert finding.path == path.name
        if case.rule.code < "MLF4" and case.rule.code not in OF_FRAMEWORKS:
            assert LOOP_OR_COUNT.search(finding.message), finding.message
        assert finding.message.isprintable()
        assert ". " not in finding.message
        assert not finding.message.endswith(".")
        assert finding.chain
        for step in finding.chain:
            texts = {path.name: case.code, **dict(case.files)}
            assert 1 <= step.line <= texts[step.path].count("\n") + 1
            assert step.text
            assert step.text.isprintable()
        lines = case.code.splitlines()
        assert finding.statement[0] <= finding.region.line <= finding.region.end_line <= len(lines)


@each_plain
def test_through_the_plugin(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, case.code, case.files)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Plugin, "_resolver", None)
    monkeypatch.setattr(Plugin, "_projects", {})
    monkeypatch.setattr(Plugin, "_named", (case.rule.code,))
    lines = io.StringIO(case.code).readlines()
    found = list(Plugin(ast.parse(case.code), f"./{path.name}", lines).run())
    shown = {(line, column, text) for line, column, text, _ in found if text.startswith(f"{case.rule.code} ")}
    expected = check(path, only(tmp_path, case.rule.code)).findings
    assert shown == {(f.region.line, f.region.column - 1, f"{f.code} {f.message}") for f in expected}
    assert all(kind is Plugin for *_, kind in found)


@each_rule
def test_through_the_command_and_flake8(rule: Rule, tmp_path: Path) -> None:
    expected: dict[str, Expected] = {}
    for number, case in enumerate(case for case in PLAIN if case.rule is rule):
        folder = f"example_{number}"
        write(tmp_path / folder, case.code, case.files)
        expected[f"{folder}/example.py"] = case.expected
    selected = ",".join(only(tmp_path, rule.code).select)
    command = doors.mlflow_lint("--select", selected, "--output-format", "concise", ".", cwd=tmp_path)
    plugin = doors.flake8("--select", rule.code, ".", cwd=tmp_path)
    assert (command.code, plugin.code) == (1, 1), command.err + plugin.err
    assert by_file(command.out) == by_file(plugin.out) == {name: found for name, found in expected.items() if found}
    lines = {line.replace(f" {rule.code} [*] ", f" {rule.code} ") for line in command.out.splitlines()}
    assert {line.removeprefix("./") for line in plugin.out.splitlines()} <= lines


def by_file(output: str) -> dict[str, Expected]:
    """Line and code of each finding in a report of one finding a line."""
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for match in re.finditer(r"^(?:\./)?([^\s:]+):(\d+):\d+: (MLF\d{3}) ", output, re.MULTILINE):
        found[match[1]].append((int(match[2]), match[3]))
    return {name: tuple(sorted(items)) for name, items in found.items()}


# ------------------------------------------------------------------------------------------------------- fixes
@each_plain_fixable
def test_fix_gives_the_fixed_form(case: Case, tmp_path: Path) -> None:
    assert fixed_text(case, tmp_path) == case.example.fixed


@each_fixable
def test_fix_is_clean_and_stable(case: Case, tmp_path: Path) -> None:
    text = fixed_text(case, tmp_path / "before")
    assert text != case.code
    ast.parse(text)
    path = write(tmp_path / "after", text, case.files)
    assert check(path, only(path.parent, case.rule.code)).findings == ()
    for settings in (only(path.parent, case.rule.code), everything(path.parent)):
        again = fix(path, settings, unsafe=case.wants_unsafe)
        assert (again.after, again.problems) == (text, ())


@each_plain_fixable
def test_unsafe_fixes_wait_to_be_asked_for(case: Case, tmp_path: Path) -> None:
    path = write(tmp_path, case.code, case.files)
    result = fix(path, only(tmp_path, case.rule.code), unsafe=False, write=True)
    assert (result.after == case.code) is case.wants_unsafe
    assert path.read_bytes().decode() == result.after


def tabbed(text: str) -> str:
    return re.sub(r"^(?: {4})+", lambda found: "\t" * (len(found.group()) // 4), text, flags=re.MULTILINE)


FORMS = {
    "crlf": lambda text: text.replace("\n", "\r\n").encode(),
    "cr": lambda text: text.replace("\n", "\r").encode(),
    "bom": lambda text: codecs.BOM_UTF8 + text.encode(),
    "latin-1": lambda text: f"# coding: latin-1 \xe9\n{text}".encode("latin-1"),
    "no final newline": lambda text: text.rstrip("\n").encode(),
    "bom and crlf": lambda text: codecs.BOM_UTF8 + text.replace("\n", "\r\n").encode(),
}


@pytest.mark.parametrize("form", FORMS)
@each_plain_fixable
def test_fix_keeps_the_form_of_the_file(case: Case, form: str, tmp_path: Path) -> None:
    assert case.example.fixed is not None
    path = write(tmp_path, "", case.files)
    path.write_bytes(FORMS[form](case.code))
    result = fix(path, only(tmp_path, case.rule.code), unsafe=case.wants_unsafe, write=True)
    assert result.problems == ()
    assert path.read_bytes() == FORMS[form](case.example.fixed)


@pytest.mark.parametrize("local", [False, True], ids=["module", "function"])
@each_plain_fixable
def test_fix_indents_with_tabs_where_the_file_does(case: Case, local: bool, tmp_path: Path) -> None:
    if local and case.files:
        pytest.skip("it is more than one module")
    spelled = spell(case.rule, case.example, Spelling.LOCAL) if local else case
    plain = fixed_text(spelled, tmp_path / "plain")
    if tabbed(spelled.code) == spelled.code:
        pytest.skip("nothing is indented")
    path = write(tmp_path / "tabs", tabbed(spelled.code), case.files)
    result = fix(path, only(path.parent, case.rule.code), unsafe=case.wants_unsafe)
    assert result.after == tabbed(plain)
