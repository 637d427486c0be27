"""Which findings the comments of a file silence.

Invariant: a finding is silenced by a directive that reaches its place and names its code or a prefix of it, or no code
at all; in a notebook a directive for a place counts in its own cell only.
"""

from __future__ import annotations

from collections.abc import Iterable

from mlflow_lint.findings import Finding
from mlflow_lint.record import record
from mlflow_lint.source.directives import Directive, Directives, directives
from mlflow_lint.source.file import SourceFile


@record
class Suppressions:
    """What the comments of one text silence."""

    directives: Directives

    def silences(self, finding: Finding) -> bool:
        """Whether a comment of the text speaks for this finding."""
        by_line = self.directives.by_line
        places = {*finding.statement, finding.region.line}
        here = [directive for line in places for directive in by_line.get(line, ()) if directive.reaches(finding)]
        return self.silences_everywhere(finding) or _name(here, finding.code)

    def silences_everywhere(self, finding: Finding) -> bool:
        """Whether a comment for the whole file speaks for this finding."""
        return _name(self.directives.for_file, finding.code)


@record
class CellSuppressions:
    """What the comments of one notebook silence."""

    cells: tuple[Suppressions, ...]
    """By code cell, in order."""

    def silences(self, finding: Finding) -> bool:
        """Whether a comment of the finding's cell, or one for the whole file in any cell, speaks for it."""
        here = finding.region.cell
        return any(
            cell.silences(finding) if number == here else cell.silences_everywhere(finding)
            for number, cell in enumerate(self.cells, start=1)
        )


def suppressions_of(source: SourceFile, respect_noqa: bool = True) -> Suppressions | CellSuppressions:
    """Read the comments of a source: of a notebook, cell by cell, and only where they are Python's."""
    if source.cells is None:
        return suppressions(source.text, respect_noqa)
    return CellSuppressions(tuple(suppressions(cell.python, respect_noqa) for cell in source.cells))


def suppressions(text: str, respect_noqa: bool = True) -> Suppressions:
    """Read the comments of a file, if need be a broken one; without `respect_noqa` only our own form."""
    return Suppressions(directives(text, respect_noqa))


def names(directive: Directive, code: str) -> bool:
    """Whether a directive, wherever it stands, is for findings of this code."""
    return not directive.selectors or code.startswith(tuple(selector.code for selector in directive.selectors))


def _name(several: Iterable[Directive], code: str) -> bool:
    return any(names(directive, code) for directive in several)
