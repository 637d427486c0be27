"""A Code Quality report, which GitLab shows in merge requests.

Invariant: no two fingerprints of a report are equal, as GitLab would show one finding only, and none depends on where
in its file a line stands, as GitLab compares reports by them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from mlflow_lint.findings import Severity
from mlflow_lint.report.headline import message
from mlflow_lint.report.json_text import json_list
from mlflow_lint.report.model import FileReport, Options
from mlflow_lint.report.on_disk import OnDisk
from mlflow_lint.report.visible import visible, without_surrogates

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "minor"}
_LINE_ENDS = ("\n", "\r", "\u2028", "\u2029")


def render(results: Sequence[FileReport], options: Options) -> str:
    """Return the array of issues, empty without findings."""
    seen: Counter[str] = Counter()
    return json_list(issue for report in results for issue in _issues(report, options, seen)) + "\n"


def _issues(report: FileReport, options: Options, seen: Counter[str]) -> Iterator[dict[str, Any]]:
    disk = OnDisk(report)
    path = without_surrogates(options.from_base(report.path))
    if path.startswith(_LINE_ENDS):
        path = visible(path)  # GitLab's schema has no such path, and would have none of the report
    for finding in report.findings:
        region = disk.region(finding.region)
        # Blanks do not count: code that is indented anew stays known.
        line = " ".join((report.line(finding.region.line, finding.region.cell) or "").split())
        known = _digest(finding.code, path, line)
        seen[known] += 1
        yield {
            # GitLab does not show the name of the check.
            "description": f"{finding.code}: {message(finding)}",
            "check_name": finding.name,
            "fingerprint": known if seen[known] == 1 else _digest(known, str(seen[known])),
            "severity": _SEVERITIES[finding.severity],
            "location": {"path": path, "lines": {"begin": region.line, "end": region.end_line}},
        }


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
