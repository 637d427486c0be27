"""The documentation builds without a warning, fetches nothing from elsewhere, and shows what the linter prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import doors
import pytest
from doors import ROOT

from mlflow_lint.rules.registry import by_code

DOCS = ROOT / "docs"
_FETCHED = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
"""Elements that make a browser fetch something, and what says from where."""
_FETCHING_LINKS = {"stylesheet", "preload", "icon", "preconnect", "dns-prefetch", "modulepreload"}


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address = given.get(_FETCHED.get(tag, ""))
        if address and (tag != "link" or _FETCHING_LINKS & set((given.get("rel") or "").split())):
            self.fetched.append(address)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, encoding="utf-8", check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_every_page_is_there_and_every_rule_in_the_navigation(site: Path) -> None:
    pages = {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")}
    pages = {path.with_name("index.html") if path.name == "README.html" else path for path in pages}
    built = {path.relative_to(site) for path in site.rglob("*.html")}
    assert pages < built
    assert {Path("changelog.html"), Path("contributing.html"), Path("benchmarks.html")} < built
    index = (site / "rules" / "index.html").read_text(encoding="utf-8")
    for code, rule in by_code().items():
        assert re.search(rf'<a href="{code}\.html" class="md-nav__link">\s*<[^>]+>\s*{code} {rule.name}\b', index), code
    assert list(site.rglob("*.py")) == []


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    fetched = [
        (path.name, address)
        for path in site.rglob("*.html")
        for address in _Page(path.read_text(encoding="utf-8")).fetched
    ]
    assert len(fetched) > 100
    assert [pair for pair in fetched if re.match(r"[a-z]+:|//", pair[1])] == []
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", styles) == []


def test_what_a_page_includes_is_there(site: Path) -> None:
    shown = (site / "savings.html").read_text(encoding="utf-8")
    assert "<!-- include" not in shown
    assert "client_logger.py</code></td>" in shown
    architecture = (site / "architecture.html").read_text(encoding="utf-8")
    assert 'href="contributing.html"' in architecture
    assert "savings.py</code>" in architecture  # named, and no link: scripts are not on the site
    assert 'savings.py"' not in architecture


def test_the_first_page_shows_what_is_printed(tmp_path: Path) -> None:
    page = (DOCS / "index.md").read_text(encoding="utf-8")
    (tmp_path / "train.py").write_text(page.partition("```python\n")[2].partition("```")[0], encoding="utf-8")
    shown = re.findall(r"^\$ mlflow-lint ([^\n]*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert [command.split()[0] for command, _ in shown] == ["--output-format", "--diff", "--explain-at"]
    for command, expected in shown:
        assert doors.mlflow_lint(*command.split(), cwd=tmp_path).out == expected, command


def test_the_page_on_the_analysis_shows_what_is_printed() -> None:
    page = (DOCS / "analysis.md").read_text(encoding="utf-8")
    (place, expected), *others = re.findall(r"^\$ mlflow-lint --explain-at (\S+)\n(.*?)^```$", page, re.M | re.S)
    assert others == []
    assert doors.mlflow_lint("--explain-at", place, cwd=ROOT).out == expected
