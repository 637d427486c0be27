"""`--explain-at`: how the analysis sees one line of a file, and which findings stand there.

Invariant: nothing is written, and the findings are those of an ordinary run; those that a run would not report are
told apart by why it would not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.explain import Explanation, explain
from mlflow_lint.config import Settings, enabled_codes
from mlflow_lint.engine import Project, check_source
from mlflow_lint.findings import Finding, Step
from mlflow_lint.record import record
from mlflow_lint.rules.registry import all_rules, statuses
from mlflow_lint.source.file import SourceError, SourceFile, decode, is_notebook, read_bytes, split_lines
from mlflow_lint.source.suppress import suppressions_of
from mlflow_lint.syntax.parse import SyntaxFailure
from mlflow_lint.syntax.stack import with_deep_stack

# A column may follow, so that what a report prints can be pasted.
_PLACE = re.compile(r"(?P<file>.+?):(?P<line>[0-9]{1,18})(?::[0-9]*)*", re.DOTALL)
_CELL_PLACE = re.compile(
    r"(?P<file>.+?\.ipynb):(?:cell )?(?P<cell>[0-9]{1,9}):(?P<line>[0-9]{1,18})(?::[0-9]*)*", re.DOTALL
)


class NotExplained(Exception):
    """Why there is nothing to explain, in one line."""


@record
class Noted:
    """A finding of a line, and why a run would not report it; empty if it would."""

    finding: Finding
    withheld: str


@record
class Explained:
    """What there is to say about a line."""

    place: str
    """As reports show it: `train.py:41`, `train.ipynb:cell 3:2`."""
    text: str
    """Of the line."""
    statement: str
    """First and last line of the statement that the line is part of, `12 to 15`, if it has several."""
    explanation: Explanation | None
    """None for a file that cannot reach MLflow, which the analysis does not look into."""
    findings: tuple[Noted, ...]
    """Those of the statement that the line is part of."""
    named_by: tuple[Noted, ...]
    """Those elsewhere in the file that give the line as a reason."""


@record
class Asked:
    """The line that is asked about, counted from the start of its cell in a notebook."""

    path: Path
    cell: int | None
    line: int


def place(asked: str) -> Asked:
    """The line that `FILE:LINE`, or `FILE:CELL:LINE` of a notebook, means. Raises `NotExplained`."""
    in_cell = _CELL_PLACE.fullmatch(asked)
    if in_cell is not None:
        return Asked(Path(in_cell["file"]), int(in_cell["cell"]), int(in_cell["line"]))
    match = _PLACE.fullmatch(asked)
    if match is None:
        raise NotExplained(f"--explain-at takes FILE:LINE, such as train.py:41, not `{asked}`")
    if is_notebook(match["file"]):
        raise NotExplained(f"--explain-at takes FILE:CELL:LINE of a notebook, such as train.ipynb:3:5, not `{asked}`")
    return Asked(Path(match["file"]), None, int(match["line"]))


def explained(project: Project, asked: Asked, settings: Settings) -> Explained:
    """Look at one line of a file of a project. Raises `NotExplained` where there is no such line to read."""
    path = asked.path
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
    text = _line(source, asked)
    if not project.matters(file, data):
        return Explained(Step(shown, asked.line, "", asked.cell).place, text, "", None, (), ())
    return with_deep_stack(lambda: _explained(project, file, source, asked, text, settings))


def _line(source: SourceFile, asked: Asked) -> str:
    """The text of the line. Raises `NotExplained` if there is none."""
    holder, text = source.path, source.text
    if asked.cell is not None:
        cells = source.cells or ()
        if not 1 <= asked.cell <= len(cells):
            raise NotExplained(f"{holder} has no cell {asked.cell}, it has {len(cells)} code cells")
        holder, text = f"cell {asked.cell} of {holder}", cells[asked.cell - 1].text
    lines = split_lines(text)
    if not lines[-1]:
        lines.pop()
    if not 1 <= asked.line <= len(lines):
        raise NotExplained(f"{holder} has no line {asked.line}, its last is {len(lines)}")
    return lines[asked.line - 1].strip()


def _explained(
    project: Project, file: str, source: SourceFile, asked: Asked, text: str, settings: Settings
) -> Explained:
    try:
        context = project.context(file, source, settings)
    except SyntaxFailure as error:
        where = f"{source.path}:{error.line}:{error.column}"
        raise NotExplained(f"{where}: the file cannot be read as Python: {error.message}") from None
    places = context.unit.places
    explanation = explain(context, places.line_of(asked.line, asked.cell))
    first, last = explanation.lines
    noted = list(_noted(context, project, file, source, settings))
    here = [n for n in noted if first <= places.line_of(n.finding.region.line, n.finding.region.cell) <= last]
    step = Step(source.path, asked.line, "", asked.cell)
    named = [n for n in noted if n not in here and any(s.place == step.place for s in n.finding.chain)]
    before = places.line_of(1, asked.cell) - 1
    statement = f"{first - before} to {last - before}" if first != last else ""
    return Explained(step.place, text, statement, explanation, tuple(here), tuple(named))


def _noted(context: Context, project: Project, file: str, source: SourceFile, settings: Settings) -> Iterator[Noted]:
    """Every finding of the file, of rules that are off as well."""
    reported = check_source(project, file, source, settings).findings
    enabled = enabled_codes(settings, statuses())
    silenced = suppressions_of(source)
    found = [finding for rule in all_rules() if rule.check is not None for finding in rule.check(rule, context)]
    about_comments = {rule.code for rule in all_rules() if rule.check_comments is not None}
    found += [finding for finding in reported if finding.code in about_comments]
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
