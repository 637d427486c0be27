"""What rules about the comments that silence findings see, and how they mend such a comment.

Invariant: a fix takes out what silences nothing, with what parts it from its neighbours. Codes of other linters, the
rest of the comment and the reason stay letter for letter.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mlflow_lint.findings import Applicability, Edit, Finding, Fix, Severity, Step
from mlflow_lint.record import record
from mlflow_lint.regex import regex
from mlflow_lint.source.directives import Directive, Directives, Form, Selector
from mlflow_lint.source.file import SourceFile
from mlflow_lint.source.places import Places
from mlflow_lint.source.suppress import CellSuppressions, Suppressions

if TYPE_CHECKING:
    from mlflow_lint.rules.base import Rule

_NEWLINE = regex(r"\r\n|\r|\n")
_PRAGMA = regex(r"[\w.-]+\s*[:=]|no(?!t?\b)\w", re.IGNORECASE)
"""What, at the beginning of a comment, might be an order to some other tool."""


@record
class Commented:
    """One text with comments: a file, or a cell of a notebook."""

    start: int
    """Its offset in the text of the source."""
    text: str
    cell: int | None
    directives: Directives


@dataclass(frozen=True)
class Comments:
    """The directives of one source, and what there was to silence."""

    source: SourceFile
    suppressions: Suppressions | CellSuppressions
    found: tuple[Finding, ...]
    """Findings of all other rules, silenced or not."""
    judged: frozenset[str]
    """Codes of which all that there is has been found."""

    @cached_property
    def places(self) -> Places:
        """The places of the source."""
        return Places(self.source.text, self.source.cells)

    def texts(self) -> Iterator[Commented]:
        """The file, or each cell."""
        if isinstance(self.suppressions, Suppressions):
            yield Commented(0, self.source.text, None, self.suppressions.directives)
            return
        cells = zip(self.source.cells or (), self.suppressions.cells, strict=True)
        for number, (cell, silenced) in enumerate(cells, start=1):
            yield Commented(cell.start, cell.text, number, silenced.directives)

    def reached(self, text: Commented, directive: Directive) -> Iterator[Finding]:
        """What stands where a directive silences, whatever its code."""
        for finding in self.found:
            if directive.is_for_file or (finding.region.cell == text.cell and directive.reaches(finding)):
                yield finding

    def finding(
        self, rule: Rule, text: Commented, span: tuple[int, int], message: str, fix: Fix | None = None
    ) -> Finding:
        """A finding of a rule at a stretch of one line of a text."""
        region = self.places.region(text.start + span[0], text.start + span[1])
        step = Step(self.source.path, region.line, text.text[slice(*span)], region.cell)
        line = (region.line, region.line)
        return Finding(rule.code, rule.name, message, self.source.path, region, line, Severity.INFO, (step,), fix)


def without(text: Commented, directive: Directive, dropped: Collection[Selector], title: str) -> Fix | None:
    """A fix that takes codes out of a directive; None where what is left would say something new."""
    if directive.form is Form.NOQA_FILE:
        return None  # flake8 skips the file at this comment, whatever codes it has
    if len(dropped) < len(directive.selectors):
        edits = [_taken_out(directive.selectors, index, dropped) for index in range(len(directive.selectors))]
        return _fix(text, title, *filter(None, edits))
    end = _line_end(text.text, directive.end)
    rest = text.text[directive.end : end]
    reason = rest.lstrip()
    if reason.startswith("#"):
        return _fix(text, title, (directive.start, end - len(reason), ""))
    if not reason:
        return _fix(text, title, (*_with_blanks(text.text, directive.start, end), ""))
    return None if _PRAGMA.match(reason) else _fix(text, title, (directive.start, end - len(reason), "# "))


def _taken_out(selectors: Sequence[Selector], index: int, dropped: Collection[Selector]) -> tuple[int, int, str] | None:
    """How one of several codes goes, and with it what parts it from those that stay."""
    selector = selectors[index]
    if selector not in dropped:
        return None
    if any(later not in dropped for later in selectors[index:]):
        return selector.start, selectors[index + 1].start, ""
    return selectors[index - 1].end, selector.end, ""


def _with_blanks(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch up to the end of a line with the blanks before it; the whole line where nothing else is on it."""
    line = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    before = text[line:start].rstrip()
    if before:
        return line + len(before), end
    newline = _NEWLINE.match(text, end)
    if newline:
        return line, newline.end()
    return len(text[:line].removesuffix("\n").removesuffix("\r")), end


def _line_end(text: str, offset: int) -> int:
    newline = _NEWLINE.search(text, offset)
    return newline.start() if newline else len(text)


def _fix(text: Commented, title: str, *edits: tuple[int, int, str]) -> Fix:
    moved = (Edit(text.start + start, text.start + end, new) for start, end, new in edits)
    return Fix(title, tuple(moved), Applicability.SAFE)
