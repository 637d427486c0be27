"""The report for people: each finding with its source line, the reasons behind it and what can be done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlflow_lint.findings import Applicability, Finding, Fix, Severity, Step
from mlflow_lint.report.headline import headline
from mlflow_lint.report.model import FileReport, Options
from mlflow_lint.report.paint import Line, painted
from mlflow_lint.report.summary import summary
from mlflow_lint.report.visible import visible

_COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_GUTTER = "blue"


def render(results: Sequence[FileReport], options: Options) -> str:
    """Return a block per finding and the summary; without colour it is the same text."""
    lines: list[Line] = []
    for report in results:
        for finding in report.findings:
            lines += _block(report, finding, options.width)
            lines.append([])
    lines.append([(summary(results, len(results), options), "bold")])
    return painted(lines, options.color)


def _block(report: FileReport, finding: Finding, width: int) -> Iterator[Line]:
    color = _COLORS[finding.severity]
    place, code, mark, message = headline(report.path, finding)
    yield [(place, "bold"), (code, f"bold {color}"), (mark, "bold green"), (message, "")]
    margin = " " * len(str(finding.region.line))
    notes = [*_why(finding.chain, margin), *_help(finding.fix, margin)]
    line = report.line(finding.region)
    if line is not None:
        yield from _source(line, finding, margin, width)
        if notes:
            yield [(f"{margin} |", _GUTTER)]
    yield from notes


def _source(line: str, finding: Finding, margin: str, width: int) -> Iterator[Line]:
    # Here and not above: a run without findings does without Rich.
    from mlflow_lint.report.excerpt import excerpt

    region = finding.region
    end = region.end_column - 1 if region.end_line == region.line else len(line.rstrip())
    shown = excerpt(line, region.column - 1, end, width - len(margin) - len(" | "))
    yield [(f"{margin} |", _GUTTER)]
    yield [(f"{region.line} |", _GUTTER), (f" {shown.text}" if shown.text else "", "")]
    yield [
        (f"{margin} |", _GUTTER),
        (" " * (1 + shown.indent), ""),
        ("^" * shown.length, f"bold {_COLORS[finding.severity]}"),
    ]


def _why(chain: tuple[Step, ...], margin: str) -> Iterator[Line]:
    for number, step in enumerate(chain):
        lead = "      → " if number else " = why: "
        yield [
            (f"{margin}{lead}", _GUTTER),
            (visible(step.place), "bold"),
            (f" {visible(step.text)}", ""),
        ]


def _help(fix: Fix | None, margin: str) -> Iterator[Line]:
    if fix is not None:
        unsafe = " (unsafe)" if fix.applicability is Applicability.UNSAFE else ""
        yield [(f"{margin} = help: ", _GUTTER), (visible(fix.title), "green"), (unsafe, "yellow")]
