"""The comment that silences one finding.

Invariant: with the comment in place the finding is silenced, and no code has changed.
"""

from __future__ import annotations

import re
from dataclasses import replace

from mlflow_lint.findings import Finding
from mlflow_lint.source.file import LineIndex, newline_of
from mlflow_lint.source.magics import python_of
from mlflow_lint.source.suppress import suppressions

_NOQA = re.compile(r"# noqa:\s?(?P<codes>[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*)", re.IGNORECASE)


def silenced(text: str, finding: Finding, *, in_cell: bool) -> str | None:
    """The text, of a file or of a cell, with a finding silenced by a comment; None if no comment can do it."""
    for attempt, at in ((_behind(text, finding), finding), (_above(text, finding), _moved_down(finding))):
        if attempt is not None and suppressions(python_of(attempt) if in_cell else attempt).silences(at):
            return attempt
    return None


def _behind(text: str, finding: Finding) -> str | None:
    """Behind the last line of the statement: an earlier one may end in a string."""
    lines = LineIndex(text)
    number = finding.statement[1]
    line = lines.line(number)
    if line.endswith("\\"):
        return None
    known = _NOQA.search(line)
    at = known.end("codes") if known else len(line.rstrip())
    offset = lines.offset(number, at + 1)
    return text[:offset] + (f", {finding.code}" if known else f"  # noqa: {finding.code}") + text[offset:]


def _above(text: str, finding: Finding) -> str | None:
    lines = LineIndex(text)
    number = finding.statement[0]
    line = lines.line(number)
    indentation = line[: len(line) - len(line.lstrip())]
    start = lines.offset(number, 1)
    return f"{text[:start]}{indentation}# mlflow-lint: ignore[{finding.code}]{newline_of(text)}{text[start:]}"


def _moved_down(finding: Finding) -> Finding:
    """The finding one line further down."""
    region, (first, last) = finding.region, finding.statement
    moved = replace(region, line=region.line + 1, end_line=region.end_line + 1)
    return replace(finding, region=moved, statement=(first + 1, last + 1))
