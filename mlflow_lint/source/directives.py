"""The comments that silence findings, read one by one: flake8's `noqa`, and `mlflow-lint: ignore` of our own.

Invariant: only a comment is a directive, never text in a string, and only one in the exact form (except where flake8
itself reads a malformed one as a bare `noqa`). Offsets are those of the text that was read.
"""

from __future__ import annotations

import enum
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from mlflow_lint.findings import Finding
from mlflow_lint.record import record
from mlflow_lint.regex import regex
from mlflow_lint.source.file import LineIndex, split_lines

# As in flake8 (NOQA_INLINE_REGEXP, NOQA_FILE), so that one comment means one thing through both doors. The
# one difference: codes after `flake8: noqa` limit it to them, where flake8 skips the whole file all the same.
_NOQA_CODES = r"(?::[\s]?(?P<codes>(?:[A-Z]+[0-9]+(?:[,\s]+)?)+))?"
_NOQA = regex(rf"# noqa{_NOQA_CODES}", re.IGNORECASE)
_NOQA_FILE = regex(rf"# flake8[:=]\s*noqa{_NOQA_CODES}", re.IGNORECASE)

_OWN = regex(
    r"""\#[ \t]* mlflow-lint: [ \t]* (?P<word>file-ignore|ignore)
    (?: \[ [ \t]* (?P<codes> MLF\d{0,3} (?: [ \t]*,[ \t]* MLF\d{0,3} )* ) [ \t]* \]
        (?=\s|$)            # a reason may follow
      | (?=\s*(?:\#|$))     # only a further comment may: `ignore MLF101` is a slip
    )""",
    re.VERBOSE | re.ASCII,
)
_ADDRESSED = regex(
    r"#[ \t]*mlflow[-_]lint[ \t]*:[ \t]*(?:[\w-]*(?:ignor|disabl|suppress|skip|noqa|off\b)|[^#]*\bMLF\d)", re.IGNORECASE
)
"""What is meant to silence something, whatever comes of it."""

_CODE = regex(r"[^,\s]+")
_OUR_NAME = regex(r"mlflow[-_]lint[ \t]*:")


class Form(enum.Enum):
    """Where a directive stands and what it reaches."""

    NOQA = "noqa"
    NOQA_FILE = "flake8: noqa"
    LINE = "ignore at the end of a line"
    ABOVE = "ignore on a line of its own"
    FILE = "file-ignore"


@record
class Selector:
    """A code or a prefix of codes, and where it is written."""

    code: str
    start: int
    end: int


@record
class Directive:
    """One order to silence findings."""

    form: Form
    selectors: tuple[Selector, ...]
    """Codes, those of other linters included; where there are none, everything is silenced."""
    lines: range
    """Lines that it reaches; of form ABOVE the one on which its statement begins; none where it is for the file."""
    line: int
    """Line that it stands on."""
    start: int
    end: int
    """Offset behind its last code or word: a reason may follow."""

    @property
    def is_for_file(self) -> bool:
        """Whether it silences wherever a finding stands."""
        return self.form in (Form.NOQA_FILE, Form.FILE)

    def reaches(self, finding: Finding) -> bool:
        """Whether a finding, whatever its code, stands where the directive silences."""
        first, last = finding.statement
        if self.is_for_file:
            return True
        if self.form is Form.ABOVE:
            return first in self.lines
        return first in self.lines or last in self.lines or finding.region.line in self.lines


@record
class Malformed:
    """A comment that is meant for us and silences nothing."""

    line: int
    start: int
    end: int


class Comment(NamedTuple):
    """One comment of a text."""

    first: int
    """First line of the stretch that it ends."""
    line: int
    column: int
    """From 0."""
    text: str
    alone: bool
    """Whether nothing but white space stands before it on its line."""


@dataclass(frozen=True)
class Directives:
    """All directives of one text, in order."""

    each: tuple[Directive, ...] = ()
    malformed: tuple[Malformed, ...] = ()

    @cached_property
    def by_line(self) -> dict[int, list[Directive]]:
        """Those that are not for the whole file, by the lines that they reach."""
        found: dict[int, list[Directive]] = {}
        for directive in self.each:
            for line in directive.lines:
                found.setdefault(line, []).append(directive)
        return found

    @cached_property
    def for_file(self) -> tuple[Directive, ...]:
        """Those for the whole file."""
        return tuple(directive for directive in self.each if directive.is_for_file)


def directives(text: str, respect_noqa: bool = True) -> Directives:
    """Read the directives of a text, if need be a broken one; without `respect_noqa` only our own form."""
    if not _may_hold_any(text.lower()):
        return Directives()
    comments = read_comments(split_lines(text))
    below = _lines_below(comments)
    lines = LineIndex(text)
    found: list[Directive] = []
    malformed: list[Malformed] = []
    for comment in comments:
        start = lines.offset(comment.line, 1) + comment.column
        if respect_noqa and (noqa := _noqa(comment, start)) is not None:
            found.append(noqa)
        understood: set[int] = set()
        for own in _OWN.finditer(comment.text):
            if (directive := _own(comment, own, start, below)) is not None:
                found.append(directive)
                understood.add(own.start())
        slips = (match.start() for match in _ADDRESSED.finditer(comment.text) if match.start() not in understood)
        end = start + len(comment.text.rstrip())
        malformed += [Malformed(comment.line, start + slip, end) for slip in slips]
    return Directives(tuple(found), tuple(malformed))


def _may_hold_any(lowered: str) -> bool:
    """Whether a text could hold a directive, told without reading its comments, as most hold none."""
    return "noqa" in lowered or ("lint" in lowered and _OUR_NAME.search(lowered) is not None)


def _noqa(comment: Comment, start: int) -> Directive | None:
    whole = _NOQA_FILE.match(comment.text) if comment.alone else None
    found = whole or _NOQA.search(comment.text)
    if found is None:
        return None
    form, lines = (Form.NOQA_FILE, range(0)) if whole else (Form.NOQA, range(comment.first, comment.line + 1))
    return _directive(form, lines, comment, found, _selectors(found, start), start)


def _own(comment: Comment, found: re.Match[str], start: int, below: dict[int, int]) -> Directive | None:
    """The directive of a comment of our own form; None for one to the whole file that has code before it."""
    selectors = _selectors(found, start)
    if found["word"] == "ignore" and comment.alone:
        line = below[comment.line]
        return _directive(Form.ABOVE, range(line, line + 1), comment, found, selectors, start)
    if found["word"] == "ignore":
        return _directive(Form.LINE, range(comment.line, comment.line + 1), comment, found, selectors, start)
    return _directive(Form.FILE, range(0), comment, found, selectors, start) if comment.alone else None


def _directive(
    form: Form, lines: range, comment: Comment, found: re.Match[str], selectors: tuple[Selector, ...], start: int
) -> Directive:
    # What flake8 takes for codes ends with blanks, which belong to what follows.
    end = selectors[-1].end if selectors and found[0][-1] != "]" else start + found.end()
    return Directive(form, selectors, lines, comment.line, start + found.start(), end)


def _selectors(found: re.Match[str], start: int) -> tuple[Selector, ...]:
    begin = start + found.start("codes")
    codes = _CODE.finditer(found["codes"] or "")
    return tuple(Selector(code[0], begin + code.start(), begin + code.end()) for code in codes)


def _lines_below(comments: Sequence[Comment]) -> dict[int, int]:
    """For each comment that stands alone, the first line below it that is not such a comment."""
    below: dict[int, int] = {}
    for comment in reversed(comments):
        if comment.alone:
            below[comment.line] = below.get(comment.line + 1, comment.line + 1)
    return below


def read_comments(lines: Sequence[str]) -> list[Comment]:
    """The comments of the lines of a text; of one that Python cannot read, whatever looks like comments."""
    try:
        return [stretch.comment for stretch in stretches(lines) if stretch.comment is not None]
    except NOT_TOKENS:
        # A file that Python cannot read has one finding, the syntax error: strings do not matter here.
        return [
            Comment(number, number, at, line[at:], not line[:at].strip())
            for number, line in enumerate(lines, start=1)
            if (at := line.find("#")) >= 0
        ]


NOT_TOKENS = (tokenize.TokenError, SyntaxError, ValueError)
"""What the tokenizer raises for a text that is not Python."""


class Stretch(NamedTuple):
    """Lines that one comment could speak for: continued lines and multi-line strings are joined, as by flake8."""

    first: int
    line: int
    """The last, which a comment may end."""
    column: int
    """Where its text ends, comment included; from 0."""
    comment: Comment | None


def stretches(lines: Sequence[str]) -> Iterator[Stretch]:
    """The lines of a text, joined where no comment may end them. Raises one of `NOT_TOKENS`."""
    feed = (f"{line}\n" for line in lines)
    first: int | None = None
    comment: Comment | None = None
    in_string = 0  # since Python 3.12, tokens of an f-string are told one by one
    for token in tokenize.generate_tokens(lambda: next(feed, "")):
        if token.type == tokenize.DEDENT:
            continue
        line, column = token.start
        first = line if first is None else first
        name = tokenize.tok_name[token.type]
        in_string += name.endswith("STRING_START")
        in_string -= name.endswith("STRING_END")
        if in_string:
            continue
        if token.type == tokenize.COMMENT:
            comment = Comment(first, line, column, token.string, not lines[line - 1][:column].strip())
        elif token.type in (tokenize.NL, tokenize.NEWLINE):
            yield Stretch(first, line, len(lines[line - 1][:column].rstrip()), comment)
            first = comment = None
