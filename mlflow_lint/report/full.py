"""The report for people: each finding with its source lines, the reasons behind it and what its fix would do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from mlflow_lint.findings import Applicability, Finding, Fix, Severity, Step
from mlflow_lint.record import record
from mlflow_lint.report.headline import headline
from mlflow_lint.report.model import FileReport, Options
from mlflow_lint.report.paint import Line, painted
from mlflow_lint.report.summary import summary
from mlflow_lint.report.visible import visible

if TYPE_CHECKING:
    from mlflow_lint.report.small_diff import Hunk

_COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_GUTTER = "blue"
_REASON = "bold blue"
_GONE, _COME = "red", "green"
_REASONS = 4
"""How many lines that are reasons are shown beside that of the finding."""
_DIFF_LINES = 14
"""How many lines of a fix are shown."""


def render(results: Sequence[FileReport], options: Options) -> str:
    """Return a block per finding and the summary; without colour it is the same text."""
    return painted(_lines(results, options), options.color)


def _lines(results: Sequence[FileReport], options: Options) -> Iterator[Line]:
    for report in results:
        if report.findings:
            yield from _blocks(report, options)
    yield from _broken([(summary(results, len(results), options), "bold")], "", options)


def _blocks(report: FileReport, options: Options) -> Iterator[Line]:
    # Here and not above: a run without findings does without it.
    from mlflow_lint.report.small_diff import SmallDiffs

    diffs = SmallDiffs(report)
    for finding in report.findings:
        yield from _block(report, finding, diffs.of(finding.fix) if finding.fix is not None else [], options)
        yield []


def _block(report: FileReport, finding: Finding, hunks: Sequence[Hunk], options: Options) -> Iterator[Line]:
    color = f"bold {_COLORS[finding.severity]}"
    marked = _marked(report, finding)
    last = max([finding.region.line, *(each.line for each in marked), *(hunk.last for hunk in hunks)])
    margin = " " * len(str(last))
    place, code, mark, message = headline(report.path, finding)
    yield from _broken([(place, "bold"), (code, color), (mark, "bold green"), (message, "")], "  ", options)
    yield from _source(marked, margin, options.width)
    notes = [*_why(finding.chain, margin, options), *_help(finding.fix, margin, options)]
    if notes and marked:
        yield [(f"{margin} |", _GUTTER)]
    yield from notes
    if hunks:
        yield [(f"{margin} |", _GUTTER)]
        unsafe = finding.fix is not None and finding.fix.applicability is Applicability.UNSAFE
        yield from _diff(hunks, margin, options.width, "--diff --unsafe-fixes" if unsafe else "--diff")


@record
class _Marked:
    """A line to show, and the code points of it to underline."""

    line: int
    text: str
    start: int
    end: int
    mark: str
    style: str


def _marked(report: FileReport, finding: Finding) -> list[_Marked]:
    """The line of a finding and those of the same file that are reasons for it, from the top."""
    region = finding.region
    text = report.line(region.line, region.cell)
    if text is None:
        return []
    end = region.end_column - 1 if region.end_line == region.line else len(text.rstrip())
    marked = [_Marked(region.line, text, region.column - 1, end, "^", f"bold {_COLORS[finding.severity]}")]
    here = [step.line for step in finding.chain if (step.path, step.cell) == (finding.path, region.cell)]
    for line in [line for line in dict.fromkeys(here) if line != region.line][:_REASONS]:
        text = report.line(line, region.cell)
        if text is not None and text.strip():
            start, end = len(text) - len(text.lstrip()), len(text.rstrip())
            marked.append(_Marked(line, text, start, end, "-", _REASON))
    return sorted(marked, key=lambda each: each.line)


def _source(marked: Iterable[_Marked], margin: str, width: int) -> Iterator[Line]:
    from mlflow_lint.report.excerpt import excerpt

    above: int | None = None
    for each in marked:
        if above is None:
            yield [(f"{margin} |", _GUTTER)]
        elif each.line > above + 1:
            yield [(f"{margin} :", _GUTTER)]
        above = each.line
        shown = excerpt(each.text, each.start, each.end, width - len(margin) - len(" | "))
        yield [(f"{each.line:>{len(margin)}} |", _GUTTER), (f" {shown.text}" if shown.text else "", "")]
        yield [
            (f"{margin} |", _GUTTER),
            (" " * (1 + shown.indent), ""),
            (each.mark * shown.length, each.style),
        ]


def _why(chain: Sequence[Step], margin: str, options: Options) -> Iterator[Line]:
    for number, step in enumerate(chain):
        lead = f"{margin}{'      → ' if number else ' = why: '}"
        line = [(lead, _GUTTER), (visible(step.place), "bold"), (f" {visible(step.text)}", "")]
        yield from _broken(line, " " * len(lead), options)


def _help(fix: Fix | None, margin: str, options: Options) -> Iterator[Line]:
    if fix is not None:
        lead = f"{margin} = help: "
        unsafe = " (unsafe)" if fix.applicability is Applicability.UNSAFE else ""
        line = [(lead, _GUTTER), (visible(fix.title), "green"), (unsafe, "yellow")]
        yield from _broken(line, " " * len(lead), options)


def _diff(hunks: Sequence[Hunk], margin: str, width: int, whole: str) -> Iterator[Line]:
    from mlflow_lint.report.excerpt import beginning

    rows = list(_rows(hunks, margin))
    room = width - len(margin) - len(" - ")
    for lead, text, style in rows[:_DIFF_LINES]:
        yield [(lead, _GUTTER), (beginning(text, room), style)]
    more = len(rows) - _DIFF_LINES
    if more > 0:
        yield [(f"{margin} : {more} more lines, see {whole}", _GUTTER)]


def _rows(hunks: Sequence[Hunk], margin: str) -> Iterator[tuple[str, str, str]]:
    """What stands before each line of a diff, the line, and its style."""
    for number, hunk in enumerate(hunks):
        if number:
            yield f"{margin} :", "", ""
        for line, text in enumerate(hunk.gone, start=hunk.line):
            yield f"{line:>{len(margin)}} ", f"- {text}", _GONE
        for text in hunk.come:
            yield f"{margin} ", f"+ {text}", _COME


def _broken(line: Line, indent: str, options: Options) -> Iterable[Line]:
    """A line as it is or, for a terminal, between words."""
    if not options.wrap:
        return [line]
    from mlflow_lint.report.wrapping import wrapped

    return wrapped(line, options.width, [(indent, "")])
