"""The documentation of a rule as one Markdown page: for `--explain`, and for `docs/rules/`.

`python -m mlflow_lint.rules.pages docs/rules` writes the pages; a test compares them with what this would write.
Invariant: a page is made of what the rule's module holds and of nothing else.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from mlflow_lint.findings import Applicability
from mlflow_lint.rules.base import Example, Rule
from mlflow_lint.rules.registry import all_rules

_MARKER = re.compile(r"[ \t]+#(?: MLF\d{3})+$", re.MULTILINE)


def page(rule: Rule) -> str:
    """The page of one rule, headings in fixed order."""
    sections = _sections(rule.documentation)
    firing = [example for example in rule.examples if _MARKER.search(example.code)]
    silent = [example for example in rule.examples if not _MARKER.search(example.code)]
    parts = [f"# {rule.name} ({rule.code})", _facts(rule)]
    parts += [f"## {heading}\n\n{sections[heading]}" for heading in ("What it does", "Why it costs")]
    parts.append("## Example\n\n" + "\n\n".join(_shown(example) for example in firing))
    parts.append("## Not reported\n\n" + "\n\n".join(_shown(example) for example in silent))
    parts += [f"## {heading}\n\n{sections[heading]}" for heading in ("Fix safety", "Options", "References")]
    return "\n\n".join(parts) + "\n"


def fix_words(rule: Rule) -> str:
    """What fixes a rule has, in a word or two."""
    if not rule.fixes:
        return "no fix"
    names = [a.value for a in Applicability if a in rule.fixes]
    return f"fix: {' or '.join(names)}"


def _facts(rule: Rule) -> str:
    return f"*{rule.summary[0].upper()}{rule.summary[1:]}.* Status: {rule.status.value}; {fix_words(rule)}."


def _sections(documentation: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for block in re.split(r"^## ", documentation.strip(), flags=re.MULTILINE)[1:]:
        heading, _, text = block.partition("\n")
        found[heading.strip()] = text.strip()
    return found


def _shown(example: Example) -> str:
    files = "".join(f"`{name}`:\n\n```{_language(name)}\n{text.rstrip()}\n```\n\n" for name, text in example.files)
    title = f"{example.title[0].upper()}{example.title[1:]}:"
    shown = f"{title}\n\n{files}```python\n{example.code.rstrip()}\n```"
    if example.fixed is None or example.applicability is None:
        return shown
    return f"{shown}\n\nUse instead ({example.applicability.value} fix):\n\n```python\n{example.fixed.rstrip()}\n```"


def _language(name: str) -> str:
    return {".py": "python", ".toml": "toml"}.get(Path(name).suffix, "text")


def write_pages(folder: Path) -> None:
    """Write every page and the index of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for rule in all_rules():
        (folder / f"{rule.code}.md").write_text(page(rule), encoding="utf-8", newline="\n")
    (folder / "README.md").write_text(index(), encoding="utf-8", newline="\n")


def index() -> str:
    """The list of all rules."""
    rows = [
        f"| [{r.code}]({r.code}.md) | `{r.name}` | {r.summary} | {fix_words(r).removeprefix('fix: ')} |"
        for r in all_rules()
    ]
    return "\n".join(["# Rules", "", "| code | name | finds | fix |", "|---|---|---|---|", *rows, ""])


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
