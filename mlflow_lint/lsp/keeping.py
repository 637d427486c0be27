"""Findings that outlast a moment of broken code.

While a line is being typed, a file is often no Python, and nothing but that can be said of it. What was said of the
lines that have not changed since is still worth seeing. Invariant: what is kept stands on the very lines it was found
on, and has neither fix nor chain, which may rest on other lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlflow_lint.findings import Finding
from mlflow_lint.lsp.edits import unchanged
from mlflow_lint.source.file import split_lines


def kept(findings: Sequence[Finding], before: str, now: str) -> tuple[Finding, ...]:
    """Findings of a text as they stand in what it has become; those on lines that changed are left out."""
    old, new = split_lines(before), split_lines(now)
    head, tail = unchanged(old, new)
    moved = len(new) - len(old)
    found = []
    for finding in findings:
        region = finding.region
        if region.end_line <= head:
            found.append(replace(finding, fix=None, chain=()))
        elif region.line > len(old) - tail:
            at = replace(region, line=region.line + moved, end_line=region.end_line + moved)
            found.append(replace(finding, region=at, fix=None, chain=()))
    return tuple(found)
