"""Findings of the rules for writes that run each step: MLF101, MLF103, MLF104.

Invariant: one finding for each hot write that the analysis reports.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Rule


def hot_findings(rule: Rule, context: Context, kinds: Collection[Kind], advice: str) -> Iterator[Finding]:
    """Findings of `rule` for the hot writes of some kinds; `advice` says what to write instead."""
    for write in context.hot_writes:
        if write.api.kind not in kinds:
            continue
        called = write.api.label
        if write.through is not None:
            called = f"{write.chain[1].text} reaches {called} ({write.through.place}) and"
        message = f"{called} runs {write.unit} ({write.where}): {write.api.cost} each; {advice}"
        yield rule.finding(context, write.site.call, write.site.statement, message, Severity.WARNING, write.chain)
