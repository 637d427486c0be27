"""What rules without an analysis get right: two regular expressions and two semgrep rules, beside MLF101.

All three are asked which lines log a metric once per batch or step. Two tables in Markdown come of it:

- the examples of MLF101, whose markers say which lines those are;
- the examples of all other rules and the fixtures, where nothing is marked: there it is counted what mlflow-lint says
  of the lines that the others report.

    python benchmarks/naive.py [--env DIR]

semgrep is installed with pip into an environment of its own, made on first use in the system's folder for temporary
files, or in DIR.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from speed.peers import Peers, installed

from mlflow_lint import lint_paths
from mlflow_lint.rules.base import Rule
from mlflow_lint.rules.registry import all_rules

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
SEMGREP_RULES = Path(__file__).resolve().parent / "speed" / "naive.yaml"
LOOP = re.compile(r"[ \t]*(?:async )?(?:for|while)\b.*:")
METRIC = re.compile(r"\blog_metrics?\(")

HOT = "MLF101"
_MARKERS = re.compile(r"[ \t]+#((?: MLF\d{3})+)[ \t]*$", re.MULTILINE)

Lines = frozenset[tuple[str, int]]
"""Path and number of lines."""


def write_examples(folder: Path, rules: Iterable[Rule]) -> Lines:
    """Write the examples of rules, without their markers; the result is the lines that MLF101 marks."""
    hot = set()
    for rule in rules:
        for number, example in enumerate(rule.examples):
            project = folder / f"{rule.code.lower()}_{number}"
            for name, text in (*example.files, ("example.py", example.code)):
                path = project / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(_MARKERS.sub("", text), encoding="utf-8")
            for number_of_line, line in enumerate(example.code.split("\n"), start=1):
                if (marker := _MARKERS.search(line)) and HOT in marker[1]:
                    hot.add((str(project / "example.py"), number_of_line))
    return frozenset(hot)


def by_regex(folder: Path) -> Lines:
    """Lines with `log_metric(` or `log_metrics(` that are further in than the line of a loop above them."""
    found = set()
    for path in folder.rglob("*.py"):
        loops: list[int] = []
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if not line.strip():
                continue
            indent = len(line) - len(line.lstrip())
            loops = [loop for loop in loops if loop < indent]
            if loops and METRIC.search(line):
                found.add((str(path), number))
            if LOOP.match(line):
                loops.append(indent)
    return frozenset(found)


def by_semgrep(folder: Path, peers: Peers) -> Lines:
    """First lines of what the semgrep rules find."""
    options = ("--json", "--quiet", "--metrics", "off", "--disable-version-check", "--no-git-ignore")
    command = [peers.command("semgrep"), "scan", "--config", str(SEMGREP_RULES), *options, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return frozenset((item["path"], item["start"]["line"]) for item in json.loads(done.stdout)["results"])


def by_mlflow_lint(folder: Path) -> tuple[Lines, Lines]:
    """Lines of MLF101, and lines of which any rule has something to say: calls and the steps of their chains."""
    hot, any_rule = set(), set()
    for project in sorted(path for path in folder.iterdir() if path.is_dir()):
        for finding in lint_paths([project], root=project, isolated=True).findings:
            path = str(project / finding.path)
            if finding.code == HOT:
                hot.add((path, finding.region.line))
            any_rule.update((path, line) for line in range(finding.region.line, finding.region.end_line + 1))
            any_rule.update((str(project / step.path), step.line) for step in finding.chain)
    return frozenset(hot), frozenset(any_rule)


def marked_table(folder: Path, peers: Peers) -> str:
    """The first table."""
    hot = write_examples(folder, [rule for rule in all_rules() if rule.code == HOT])
    rows = ["| | reports | right | false alarms | missed |", "|---|--:|--:|--:|--:|"]
    for name, found in (
        ("regular expressions", by_regex(folder)),
        ("semgrep, two rules", by_semgrep(folder, peers)),
        ("MLF101", by_mlflow_lint(folder)[0]),
    ):
        rows.append(f"| {name} | {len(found)} | {len(found & hot)} | {len(found - hot)} | {len(hot - found)} |")
    return "\n".join([f"{len(hot)} hot lines in {len(list(folder.iterdir()))} examples\n", *rows])


def unmarked_table(folder: Path, peers: Peers) -> str:
    """The second table."""
    write_examples(folder, [rule for rule in all_rules() if rule.code != HOT])
    shutil.copytree(FIXTURES, folder / "fixtures", ignore=shutil.ignore_patterns("mlruns", "*.db", "*.ipynb"))
    hot, any_rule = by_mlflow_lint(folder)
    rows = ["| | reports | MLF101 too | another rule | no rule | MLF101 alone |", "|---|--:|--:|--:|--:|--:|"]
    for name, found in (("regular expressions", by_regex(folder)), ("semgrep, two rules", by_semgrep(folder, peers))):
        others = found & any_rule - hot
        counts = (len(found), len(found & hot), len(others), len(found - hot - any_rule), len(hot - found))
        rows.append(f"| {name} | {' | '.join(map(str, counts))} |")
    return "\n".join([f"{len(hot)} lines of MLF101 in {len(list(folder.rglob('*.py')))} files\n", *rows])


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare MLF101 with rules that have no analysis behind them.")
    parser.add_argument("--env", type=Path, default=Path(tempfile.gettempdir()) / "mlflow-lint-peers")
    peers = installed(parser.parse_args().env, ("semgrep",))
    if peers.missing:
        print(f"semgrep cannot be had: {peers.missing['semgrep']}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as temporary:
        for name, table in (("marked", marked_table), ("unmarked", unmarked_table)):
            folder = Path(temporary) / name
            folder.mkdir()
            print(table(folder, peers), end="\n\n")
    print(f"semgrep {peers.versions['semgrep']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
