"""Reviewdog's diagnostic format, whose fixes become suggestions in a review.

Invariant: columns count bytes of UTF-8 from 1, as that format has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflow_lint.findings import Applicability, Finding, Fix, Severity
from mlflow_lint.report.headline import message
from mlflow_lint.report.json_text import json_object
from mlflow_lint.report.model import FileReport, Options
from mlflow_lint.report.on_disk import OnDisk
from mlflow_lint.report.visible import without_surrogates
from mlflow_lint.source.editing import edited
from mlflow_lint.source.places import Places

_SEVERITIES = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.INFO: "INFO"}


def render(results: Sequence[FileReport], options: Options) -> str:
    """Return the object with all diagnostics; positions in notebooks are those of the JSON, without suggestions."""
    diagnostics = (each for report in results for each in _diagnostics(report, options))
    return json_object({"source": {"name": "mlflow-lint"}}, "diagnostics", diagnostics) + "\n"


def _diagnostics(report: FileReport, options: Options) -> list[dict[str, Any]]:
    disk = OnDisk(report)
    places = Places(report.text, None)
    return [_diagnostic(report, finding, disk, places, options) for finding in report.findings]


def _diagnostic(report: FileReport, finding: Finding, disk: OnDisk, places: Places, options: Options) -> dict[str, Any]:
    region = disk.region(finding.region)
    code = {"value": finding.code}
    address = options.address(finding.code)
    if address is not None:
        code["url"] = address
    diagnostic: dict[str, Any] = {
        "message": message(finding),
        "location": {
            "path": without_surrogates(report.path),
            "range": _range((region.line, region.column), (region.end_line, region.end_column), disk),
        },
        "severity": _SEVERITIES[finding.severity],
        "code": code,
    }
    if finding.fix is not None and _is_offered(finding.fix, report, options):
        diagnostic["suggestions"] = [_suggestion(finding.fix, report.text, places, disk)]
    return diagnostic


def _suggestion(fix: Fix, text: str, places: Places, disk: OnDisk) -> dict[str, Any]:
    """One for all edits and what lies between them: a reader accepts suggestions one by one."""
    start = min(edit.start for edit in fix.edits)
    end = max(edit.end for edit in fix.edits)
    return {
        "range": _range(places.position(start), places.position(end), disk),
        "text": edited(text[start:end], fix.edits, start),
    }


def _is_offered(fix: Fix, report: FileReport, options: Options) -> bool:
    """Whether a fix is one to accept with a click: reviewdog cannot say that one is unsafe."""
    wanted = (Applicability.SAFE, *([Applicability.UNSAFE] if options.unsafe_fixes else []))
    in_text = all(edit.end <= len(report.text) for edit in fix.edits)
    return report.cells is None and in_text and fix.applicability in wanted


def _range(start: tuple[int, int], end: tuple[int, int], disk: OnDisk) -> dict[str, Any]:
    return {"start": _position(*start, disk), "end": _position(*end, disk)}


def _position(line: int, column: int, disk: OnDisk) -> dict[str, int]:
    before = disk.line(line)[: column - 1]
    # What is not at hand, or behind the end of the line, counts as one byte each.
    return {"line": line, "column": column - len(before) + len(before.encode("utf-8", "replace"))}
