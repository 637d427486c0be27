"""What holds for every rule."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from doors import ROOT
from example_cases import check, only, parse, write

import mlflow_lint.rules as package
from mlflow_lint.config import default_settings
from mlflow_lint.engine import Project
from mlflow_lint.findings import SYNTAX_ERROR
from mlflow_lint.rules.base import Rule
from mlflow_lint.rules.pages import index, page
from mlflow_lint.rules.registry import all_rules, by_code, statuses
from mlflow_lint.source.file import decode
from mlflow_lint.syntax.stack import with_deep_stack

HEADINGS = ("What it does", "Why it costs", "Fix safety", "Options", "References")
CURES = ("avoid", "prefer", "use", "no", "do-not", "dont", "should", "must", "missing")
"""First words of names that would say what to do rather than what is wrong."""

PAGES = ROOT / "docs" / "rules"
CHANGELOG = ROOT / "CHANGELOG.md"

each_rule = pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)


def module_of(rule: Rule) -> str:
    """Name of the module that holds a rule."""
    names = (m.name for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}.") if not m.ispkg)
    found = [name for name in names if getattr(importlib.import_module(name), "RULE", None) is rule]
    assert len(found) == 1
    return found[0]


def sections(rule: Rule) -> dict[str, str]:
    """The documentation by heading."""
    _, *parts = re.split(r"^## (.+)$", rule.documentation, flags=re.MULTILINE)
    return {heading: text.strip() for heading, text in zip(parts[::2], parts[1::2], strict=True)}


def test_codes_and_names_are_unique() -> None:
    rules = all_rules()
    assert rules
    for values in ([rule.code for rule in rules], [rule.name for rule in rules], [rule.summary for rule in rules]):
        assert [value for value, count in Counter(values).items() if count > 1] == []
    assert list(by_code()) == list(statuses()) == sorted(by_code())
    assert SYNTAX_ERROR not in by_code()


@each_rule
def test_name(rule: Rule) -> None:
    assert re.fullmatch(r"MLF[1-9]\d{2}", rule.code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", rule.name)
    assert not rule.name.startswith(tuple(f"{word}-" for word in CURES))
    assert module_of(rule).rpartition(".")[2] == rule.name.replace("-", "_")


@each_rule
def test_modules_of_a_group_share_a_folder(rule: Rule) -> None:
    folder = module_of(rule).rpartition(".")[0]
    others = [other for other in all_rules() if other.code[:4] == rule.code[:4]]
    assert {module_of(other).rpartition(".")[0] for other in others} == {folder}


@each_rule
def test_documentation(rule: Rule) -> None:
    found = sections(rule)
    assert tuple(found) == HEADINGS
    assert all(found.values())
    assert rule.documentation.startswith("\n## ")
    options = set(re.findall(r"^`([a-z-]+)`", found["Options"], re.MULTILINE))
    assert options or found["Options"] == "None."
    assert options <= {"min-group-size", "target-mlflow-version", "tracking-backend", "hot-loop-fix"}
    assert all(line.startswith(("- ", "  ")) for line in found["References"].splitlines())
    assert ("No fix" in found["Fix safety"].splitlines()[0]) is not bool(rule.fixes)


@each_rule
def test_summary(rule: Rule) -> None:
    assert rule.summary.isprintable()
    assert rule.summary[0].islower()
    assert not rule.summary.endswith(".")
    assert len(rule.summary) <= 80


@each_rule
def test_examples(rule: Rule) -> None:
    marked = [parse(example.code)[1] for example in rule.examples]
    assert sum(map(bool, marked)) >= 2, "at least two examples that are found"
    assert sum(not expected for expected in marked) >= 2, "at least two that are not"
    assert {code for expected in marked for _, code in expected} == {rule.code}
    titles = [example.title for example in rule.examples]
    assert len(set(titles)) == len(titles)
    for example, expected in zip(rule.examples, marked, strict=True):
        assert example.code.endswith("\n")
        assert (example.fixed is None) == (example.applicability is None)
        assert expected or example.fixed is None
        assert not expected or example.fixed is None or example.runs, "a fix is proved by running it"
        compile(example.code, example.title, "exec")
        compile(example.setup, example.title, "exec")


def test_a_rule_finds_nothing_in_files_without_what_it_is_about(tmp_path: Path) -> None:
    asked = dict.fromkeys((rule.code for rule in all_rules() if rule.about), 0)

    def look(file: Path) -> None:
        project = Project(file.parent, file.parent)
        context = project.context(str(file), decode("code.py", file.read_bytes()), default_settings(file.parent))
        for rule in all_rules():
            if rule.check is not None and not rule.may_find(context):
                asked[rule.code] += 1
                assert list(rule.check(rule, context)) == [], (rule.code, file.read_text())

    for number, example in enumerate(example for rule in all_rules() for example in rule.examples):
        folder = tmp_path / str(number)
        folder.mkdir()
        file = write(folder, parse(example.code)[0], example.files)
        with_deep_stack(partial(look, file))
    assert all(asked.values())


@each_rule
def test_applicabilities_are_those_of_the_examples(rule: Rule) -> None:
    assert rule.fixes == {example.applicability for example in rule.examples} - {None}


@each_rule
def test_messages(rule: Rule, tmp_path_factory: pytest.TempPathFactory) -> None:
    for example in rule.examples:
        code, _ = parse(example.code)
        path = write(tmp_path_factory.mktemp("messages"), code, example.files)
        for finding in check(path, only(path.parent, rule.code)).findings:
            words = set(re.findall(r"[a-z]+", finding.message.lower()))
            assert not words & {"error", "warning", "please", "should", "violation", "none", "object", "unknown"}
            assert len(finding.message) <= 300
            if rule.code < "MLF4":
                assert re.search(r"\d+ requests?\b", finding.message), "what it costs"
            if finding.fix is not None:
                assert re.fullmatch(r"[A-Z][^\n]*[^.\n]", finding.fix.title)


@each_rule
def test_page_is_fresh(rule: Rule) -> None:
    written = (PAGES / f"{rule.code}.md").read_text(encoding="utf-8")
    assert written == page(rule), "run `python -m mlflow_lint.rules.pages docs/rules`"
    assert rule.name in written
    assert written.count("```") % 2 == 0
    assert all(f"\n## {heading}\n" in written for heading in HEADINGS)


def test_pages_are_those_of_the_rules() -> None:
    assert {path.stem for path in PAGES.glob("MLF*.md")} == set(by_code())
    assert (PAGES / "README.md").read_text(encoding="utf-8") == index()


@each_rule
def test_changelog_names_the_rule(rule: Rule) -> None:
    assert re.search(rf"\b{rule.code}\b", CHANGELOG.read_text(encoding="utf-8"))
