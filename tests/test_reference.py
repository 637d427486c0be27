"""The reference of settings and options is what the linter has, and the pages beside it leave no key out."""

from __future__ import annotations

from pathlib import Path

from doors import ROOT

from mlflow_lint.cli import command
from mlflow_lint.config import KINDS, load_settings
from mlflow_lint.reference import page
from mlflow_lint.rules.registry import by_code

DOCS = ROOT / "docs"


def test_the_page_is_fresh() -> None:
    written = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert written == page(), "run `python -m mlflow_lint.reference docs/settings.md`"


def test_every_key_is_a_section_with_a_text() -> None:
    sections = page().partition("## Settings\n")[2].partition("\n## ")[0].split("\n### ")[1:]
    assert {section.partition("`\n")[0].strip("`") for section in sections} == set(KINDS)
    for section in sections:
        heading, text, facts = (part for part in section.strip().split("\n\n"))
        assert text.endswith("."), heading
        assert [line.split()[1] for line in facts.splitlines()[:2]] == ["Takes:", "Default:"], heading


def test_every_option_is_a_row() -> None:
    options = page().partition("## Options of the command\n")[2]
    names = [name for parameter in command().params for name in parameter.opts if name.startswith("-")]
    assert len(names) > 30
    for name in names:
        assert options.count(f"`{name}`, ") + options.count(f"`{name}` |") + options.count(f"`{name} ") >= 1, name


def test_the_example_has_every_key(tmp_path: Path) -> None:
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    table = text.partition("All of them at once:\n\n```toml\n")[2].partition("```")[0]
    file = tmp_path / "pyproject.toml"
    file.write_text(table, encoding="utf-8")
    load_settings(file, by_code())
    assert [key for key in KINDS if f"\n{key} =" not in table and f".{key}]" not in table] == []
