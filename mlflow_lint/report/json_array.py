"""One JSON array with Ruff's field names, which editors and bots already read, and the chain of reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflow_lint.findings import Finding, Fix
from mlflow_lint.report.json_text import json_list
from mlflow_lint.report.model import FileReport, Options
from mlflow_lint.source.places import Places


def render(results: Sequence[FileReport], options: Options) -> str:
    """Return the array; it is valid JSON whatever the code contains, also without findings."""
    return json_list(item for report in results for item in items(report, options)) + "\n"


def items(report: FileReport, options: Options) -> list[dict[str, Any]]:
    """Return the object for each finding of a file."""
    places = Places(report.text, report.cells)
    return [_item(report, finding, places, options) for finding in report.findings]


def _item(report: FileReport, finding: Finding, places: Places, options: Options) -> dict[str, Any]:
    region = finding.region
    fix = finding.fix
    return {
        "cell": region.cell,
        "code": finding.code,
        "name": finding.name,
        "message": finding.message,
        "severity": finding.severity.value,
        "filename": report.path,
        "location": _location(region.line, region.column),
        "end_location": _location(region.end_line, region.end_column),
        # The last line: a comment on an earlier one may land in a string or after a backslash.
        "noqa_row": finding.statement[1],
        "url": options.page(finding.code),
        "chain": [
            {"cell": step.cell, "path": step.path, "row": step.line, "text": step.text} for step in finding.chain
        ],
        "fix": None if fix is None else _fix(fix, report.text, places),
    }


def _fix(fix: Fix, text: str, places: Places) -> dict[str, Any] | None:
    # Without the text there are no positions, and edits at made-up ones would wreck a file.
    if any(edit.end > len(text) for edit in fix.edits):
        return None
    return {
        "applicability": fix.applicability.value,
        "message": fix.title,
        "edits": [
            {
                "content": edit.text,
                "location": _location(*places.position(edit.start)),
                "end_location": _location(*places.position(edit.end)),
            }
            for edit in fix.edits
        ],
    }


def _location(row: int, column: int) -> dict[str, int]:
    return {"row": row, "column": column}
