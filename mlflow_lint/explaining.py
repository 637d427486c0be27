"""`--explain-at`: how the analysis sees one line of a file, and which findings stand there.

Invariant: nothing is written, and the findings are those of an ordinary run; those that a run would not report are
told apart by why it would not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.explain import Explanation, explain
from mlflow_lint.config import Settings, enabled_codes
from mlflow_lint.engine import Project, check_source
from mlflow_lint.findings import Finding
from mlflow_lint.rules.registry import all_rules, statuses
from mlflow_lint.source.file import SourceError, SourceFile, decode, read_bytes, split_lines
from mlflow_lint.source.suppress import suppressions
from mlflow_lint.syntax.parse import SyntaxFailure
from mlflow_lint.syntax.stack import with_deep_stack

# A column may follow, so that what a report prints can be pasted.
_PLACE = re.compile(r"(?P<file>.+?):(?P<line>[0-9]{1,18})(?::[0-9]*)*", re.DOTALL)


class NotExplained(Exception):
    """Why there is nothing to explain, in one line."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A finding of a line, and why a run would not report it; empty if it would."""

    finding: Finding
    withheld: str


@dataclass(frozen=True, slots=True)
class Explained:
    """What there is to say about a line."""

    path: str
    line: int
    text: str
    """Of the line."""
    explanation: Explanation | None
    """None for a file that cannot reach MLflow, which the analysis does not look into."""
    findings: tuple[Noted, ...]
    """Those of the statement that the line is part of."""
    named_by: tuple[Noted, ...]
    """Those elsewhere in the file that give the line as a reason."""


def place(asked: str) -> tuple[Path, int]:
    """The file and the line of `FILE:LINE`. Raises `NotExplained`."""
    match = _PLACE.fullmatch(asked)
    if match is None:
        raise NotExplained(f"--explain-at takes FILE:LINE, such as train.py:41, not `{asked}`")
    return Path(match["file"]), int(match["line"])


def explained(project: Project, path: Path, line: int, settings: Settings) -> Explained:
    """Look at one line of a file of a project. Raises `NotExplained` where there is no such line to read."""
    file = os.path.abspath(path)
    shown = project.shown(file)
    try:
        data = read_bytes(path)
    except (OSError, SourceError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise NotExplained(f"{shown}: {reason}") from None
    try:
        source = decode(shown, data)
    except SourceError as error:
        raise NotExplained(f"{shown}:{error.line}: {error.message}") from None
    lines = split_lines(source.text)
    if not lines[-1]:
        lines.pop()
    if not 1 <= line <= len(lines):
        raise NotExplained(f"{shown} has no line {line}, its last is {len(lines)}")
    text = lines[line - 1].strip()
    if not project.matters(file, data):
        return Explained(shown, line, text, None, (), ())
    return with_deep_stack(lambda: _explained(project, file, source, line, text, settings))


def _explained(project: Project, file: str, source: SourceFile, line: int, text: str, settings: Settings) -> Explained:
    try:
        context = Context(project.unit(file, source), project.effects, settings.min_group_size)
    except SyntaxFailure as error:
        where = f"{source.path}:{error.line}:{error.column}"
        raise NotExplained(f"{where}: the file cannot be read as Python: {error.message}") from None
    explanation = explain(context, line)
    first, last = explanation.lines
    noted = list(_noted(context, project, file, source, settings))
    here = [each for each in noted if first <= each.finding.region.line <= last]
    named = [each for each in noted if each not in here and _names(each.finding, source.path, line)]
    return Explained(source.path, line, text, explanation, tuple(here), tuple(named))


def _names(finding: Finding, path: str, line: int) -> bool:
    return any((step.path, step.line) == (path, line) for step in finding.chain)


def _noted(context: Context, project: Project, file: str, source: SourceFile, settings: Settings) -> Iterator[Noted]:
    """Every finding of the file, of rules that are off as well."""
    reported = check_source(project, file, source, settings).findings
    enabled = enabled_codes(settings, statuses())
    silenced = suppressions(source.text)
    found = [finding for rule in all_rules() for finding in rule.check(rule, context)]
    for finding in sorted(found, key=lambda finding: finding.order):
        if finding in reported:
            withheld = ""
        elif finding.code not in enabled:
            withheld = "the rule is not selected"
        elif silenced.silences(finding):
            withheld = "a comment silences it"
        else:
            withheld = "the settings ignore it for this file"
        yield Noted(finding, withheld)
