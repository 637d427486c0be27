"""Findings of the rules for writes that run each step: MLF101, MLF103, MLF104.

Invariant: one finding for each hot write that the analysis reports.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.frequency.hot import HotWrite
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.backends import Limited
from mlflow_lint.findings import Finding, Fix, Severity
from mlflow_lint.rules.base import Rule


def hot_findings(
    rule: Rule,
    context: Context,
    kinds: Collection[Kind],
    advice: str,
    mend: Callable[[HotWrite], Fix | None] = lambda write: None,
) -> Iterator[Finding]:
    """Findings of `rule` for the hot writes of some kinds; `advice` says what to write instead, `mend` writes it."""
    for write in context.hot_writes:
        if write.api.kind not in kinds:
            continue
        called = write.api.label
        if write.through is not None:
            called = f"{write.chain[1].text} reaches {called} ({write.through.place}) and"
        limit = context.limit(Limited.METRIC_POINTS) if write.api.kind is Kind.METRIC else ""
        message = f"{called} runs {write.unit} ({write.where}): {write.api.cost} each; {advice}{limit}"
        fix = mend(write)
        yield rule.finding(context, write.site.call, write.site.statement, message, Severity.WARNING, write.chain, fix)
