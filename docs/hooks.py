"""Makes a site of the repository's pages: see `mkdocs.yml`.

Pages are written to be read in the repository. The site shows some that lie outside of this folder too, and what they
and the others link to outside of it, such as a script, is named there without a link.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from mlflow_lint.rules.registry import all_rules

ROOT = Path(__file__).resolve().parent.parent

OUTSIDE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
    "fixtures/README.md": "fixtures.md",
}
"""Pages that lie elsewhere in the repository, and their places in the site."""

MOVED = {"README.md": "index.md", "README.md#what-it-saves": "savings.md"}
"""What the README tells is told by other pages of the site."""

GROUPS = {
    "MLF1": "Too often",
    "MLF2": "What could be one call",
    "MLF3": "Artifacts",
    "MLF4": "Wrong or lost data",
    "MLF5": "The tracking store",
    "MLF7": "Newer MLflow",
    "MLF9": "Suppressions",
}
"""Headings of the rules by the beginning of their codes."""

_FENCED = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
_NESTED = re.compile(r"^  (?=[-*] )", re.MULTILINE)
_SHORT = re.compile(r"<code>([^<\n]{1,32})</code>")
_LINK = re.compile(r"\[([^\]\n]+)\]\(([^()\s]+)\)")
_INCLUDE = re.compile(r'<!-- include (\S+) "([^"]+)" -->')


def on_config(config: Any) -> Any:
    """Fill in the rules of the navigation."""
    groups: dict[str, list[dict[str, str]]] = {heading: [] for heading in GROUPS.values()}
    for rule in all_rules():
        groups[GROUPS[rule.code[:4]]].append({f"{rule.code} {rule.name}": f"rules/{rule.code}.md"})
    rules = ["rules/README.md", *({heading: pages} for heading, pages in groups.items())]
    config.nav = [{"Rules": rules} if "Rules" in item else item for item in config.nav]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie outside."""
    for path, place in OUTSIDE.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Insert what a page includes, and turn links towards the site."""
    # Python-Markdown wants lists in lists four blanks in, where others take two.
    markdown = "".join(part if part[:3] == "```" else _NESTED.sub("    ", part) for part in _FENCED.split(markdown))
    place: str = page.file.src_uri
    source = next((path for path, there in OUTSIDE.items() if there == place), f"docs/{place}")
    return _INCLUDE.sub(
        lambda found: _relinked(_section(found[1], found[2]), found[1], place), _relinked(markdown, source, place)
    )


def on_page_content(html: str, **_: Any) -> str:
    """Mark code in a line that is short enough not to be broken."""
    return _SHORT.sub(r'<code class="short">\1</code>', html)


def _section(path: str, heading: str) -> str:
    """A section of a page, without its heading."""
    text = (ROOT / path).read_text(encoding="utf-8")
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text, re.DOTALL | re.MULTILINE)
    if found is None:
        raise PluginError(f"{path} has no section {heading!r}")
    return found[1].strip()


def _relinked(markdown: str, source: str, place: str) -> str:
    """A page with the links of its place in the site; `source` is its path in the repository."""

    def link(match: re.Match[str]) -> str:
        text, target = match.groups()
        path, hash_sign, anchor = target.partition("#")
        if not path or ":" in path:
            return match[0]
        named = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        moved = MOVED.get(named + hash_sign + anchor) or MOVED.get(named)
        if moved is not None:
            return text if moved == place else f"[{text}]({_relative(moved, place)})"
        there = OUTSIDE.get(named) or OUTSIDE.get(f"{named}/README.md")
        if there is None and named.startswith("docs/"):
            there = named.removeprefix("docs/")
        if there is not None:
            return f"[{text}]({_relative(there, place)}{hash_sign}{anchor})"
        return text if (ROOT / named).exists() else match[0]

    return _LINK.sub(link, markdown)


def _relative(there: str, place: str) -> str:
    return os.path.relpath(there, posixpath.dirname(place) or ".").replace(os.sep, "/")
