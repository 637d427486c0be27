"""Which findings the comments of a file silence: flake8's `noqa`, and `mlflow-lint: ignore` of our own.

Invariant: only a comment silences, never text in a string, and only a comment in the exact form; a malformed
one silences nothing (except where flake8 itself reads it as a bare `noqa`).
"""

from __future__ import annotations

import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mlflow_lint.findings import Finding
from mlflow_lint.source.file import SourceFile, split_lines

Codes = tuple[str, ...]
"""Codes and prefixes of codes; the empty prefix stands for every code."""

_EVERYTHING: Codes = ("",)

# As in flake8 (NOQA_INLINE_REGEXP, NOQA_FILE), so that one comment means one thing through both doors. The
# one difference: codes after `flake8: noqa` limit it to them, where flake8 skips the whole file all the same.
_NOQA_CODES = r"(?::[\s]?(?P<codes>(?:[A-Z]+[0-9]+(?:[,\s]+)?)+))?"
_NOQA = re.compile(rf"# noqa{_NOQA_CODES}", re.IGNORECASE)
_NOQA_FILE = re.compile(rf"# flake8[:=]\s*noqa{_NOQA_CODES}", re.IGNORECASE)

_OWN = re.compile(
    r"""\#[ \t]* mlflow-lint: [ \t]* (?P<word>file-ignore|ignore)
    (?: \[ [ \t]* (?P<codes> MLF\d{0,3} (?: [ \t]*,[ \t]* MLF\d{0,3} )* ) [ \t]* \]
        (?=\s|$)            # a reason may follow
      | (?=\s*(?:\#|$))     # only a further comment may: `ignore MLF101` is a slip
    )""",
    re.VERBOSE | re.ASCII,
)

_HINT = re.compile(r"noqa|mlflow-lint:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Suppressions:
    """What the comments of one file silence."""

    file: Codes
    """Silenced everywhere."""
    lines: Mapping[int, Codes]
    """Silenced for statements that begin, end or are reported on the line."""
    statements: Mapping[int, Codes]
    """Silenced for statements that begin on the line, by comments above it."""

    def silences(self, finding: Finding) -> bool:
        """Whether a comment of the file speaks for this finding."""
        first, last = finding.statement
        codes = (
            *self.file,
            *self.statements.get(first, ()),
            *self.lines.get(first, ()),
            *self.lines.get(last, ()),
            *self.lines.get(finding.region.line, ()),
        )
        return finding.code.startswith(codes)


@dataclass(frozen=True, slots=True)
class CellSuppressions:
    """What the comments of one notebook silence."""

    cells: tuple[Suppressions, ...]
    """By code cell, in order."""

    def silences(self, finding: Finding) -> bool:
        """Whether a comment of the finding's cell, or one for the whole file in any cell, speaks for it."""
        here = finding.region.cell
        return any(
            cell.silences(finding) if number == here else finding.code.startswith(cell.file)
            for number, cell in enumerate(self.cells, start=1)
        )


_NOTHING = Suppressions((), {}, {})


class _Comment(NamedTuple):
    first: int
    """First line of the stretch that it ends: flake8 joins continued lines and multi-line strings."""
    line: int
    text: str
    alone: bool
    """Whether nothing but white space stands before it on its line."""


def suppressions_of(source: SourceFile, respect_noqa: bool = True) -> Suppressions | CellSuppressions:
    """Read the comments of a source: of a notebook, cell by cell, and only where they are Python's."""
    if source.cells is None:
        return suppressions(source.text, respect_noqa)
    return CellSuppressions(tuple(suppressions(cell.python, respect_noqa) for cell in source.cells))


def suppressions(text: str, respect_noqa: bool = True) -> Suppressions:
    """Read the comments of a file, if need be a broken one; without `respect_noqa` only our own form."""
    if not _HINT.search(text):
        return _NOTHING
    comments = _comments(split_lines(text))
    below = _lines_below(comments)
    file: Codes = ()
    lines: defaultdict[int, Codes] = defaultdict(tuple)
    statements: defaultdict[int, Codes] = defaultdict(tuple)
    for comment in comments:
        if respect_noqa:
            whole = _NOQA_FILE.match(comment.text) if comment.alone else None
            if whole:
                file += _noqa_codes(whole)
            elif noqa := _NOQA.search(comment.text):
                for line in range(comment.first, comment.line + 1):
                    lines[line] += _noqa_codes(noqa)
        for own in _OWN.finditer(comment.text):
            codes = tuple(re.findall(r"\w+", own["codes"])) if own["codes"] else _EVERYTHING
            if own["word"] == "ignore" and comment.alone:
                statements[below[comment.line]] += codes
            elif own["word"] == "ignore":
                lines[comment.line] += codes
            elif comment.alone:
                file += codes
    return Suppressions(file, dict(lines), dict(statements))


def _noqa_codes(match: re.Match[str]) -> Codes:
    return tuple(re.findall(r"[^,\s]+", match["codes"])) if match["codes"] else _EVERYTHING


def _lines_below(comments: list[_Comment]) -> dict[int, int]:
    """For each comment that stands alone, the first line below it that is not such a comment."""
    below: dict[int, int] = {}
    for comment in reversed(comments):
        if comment.alone:
            below[comment.line] = below.get(comment.line + 1, comment.line + 1)
    return below


def _comments(lines: list[str]) -> list[_Comment]:
    try:
        return list(_tokenized(lines))
    except (tokenize.TokenError, SyntaxError, ValueError):
        # A file that Python cannot read has one finding, the syntax error: strings do not matter here.
        return [
            _Comment(number, number, line[at:], not line[:at].strip())
            for number, line in enumerate(lines, start=1)
            if (at := line.find("#")) >= 0
        ]


def _tokenized(lines: list[str]) -> Iterator[_Comment]:
    feed = (f"{line}\n" for line in lines)
    first: int | None = None
    for token in tokenize.generate_tokens(lambda: next(feed, "")):
        if token.type == tokenize.DEDENT:
            continue
        line, column = token.start
        first = line if first is None else first
        if token.type == tokenize.COMMENT:
            yield _Comment(first, line, token.string, not lines[line - 1][:column].strip())
        elif token.type in (tokenize.NL, tokenize.NEWLINE):
            first = None
