"""How often each rule fired, for `--statistics`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mlflow_lint.report.headline import is_fixable
from mlflow_lint.report.model import FileReport, Options


def render(results: Sequence[FileReport], options: Options) -> str:
    """Return a line per code, most frequent first, with tabs between count, code and the rest as in Ruff."""
    findings = [finding for report in results for finding in report.findings]
    counts = Counter((finding.code, finding.name) for finding in findings)
    fixable = {finding.code for finding in findings if is_fixable(finding)}
    width = len(str(max(counts.values(), default=0)))
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return "".join(
        f"{count:>{width}}\t{code}\t[{'*' if code in fixable else ' '}] {name}\n" for (code, name), count in ordered
    )
