"""Findings of the rules for writes that could be one: MLF201 to MLF206 and MLF208.

Invariant: one finding for each row, and one for each loop and kind, that the analysis reports.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.batching.rows import Row
from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.flow.loops import literal_count
from mlflow_lint.analysis.flow.sites import Loop
from mlflow_lint.analysis.writes.written import entries
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import CALLS, Api, Kind
from mlflow_lint.facts.backends import Limited
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.fixes.collapse import collapse
from mlflow_lint.fixes.merge import merge
from mlflow_lint.rules.base import Rule

_PLURAL = {Kind.METRIC: "log_metrics", Kind.PARAM: "log_params", Kind.TAG: "set_tags"}


def row_findings(rule: Rule, context: Context, kind: Kind | None) -> Iterator[Finding]:
    """Findings for rows of single writes of a kind, or, without a kind, for rows that hold a plural call."""
    for row in context.rows:
        if len(row.writes) < context.min_group_size or (kind is None) is not row.plural:
            continue
        if kind is not None and row.kind is not kind:
            continue
        first = row.writes[0]
        count = len(row.writes)
        statements = sum(write.api.statements for write in row.writes)
        message = (
            f"{_calls(row)} in a row, to one run{_step(row)}: {count} requests and {statements} SQL statements "
            f"where one {_together(first.api)} needs 1 and {_statements_together(first.api)}"
            f"{context.limit(Limited.METRIC_NAMES, _metric_names(row, context))}"
        )
        last = row.writes[-1].site.call.span[0]
        chain = (
            context.step(first.site.call.span[0], f"first of {count}: {first.api.label}"),
            context.step(last, f"last: {row.writes[-1].api.label}"),
        )
        severity = Severity.WARNING if row.repeated else Severity.INFO
        fix = merge(row, context.effects, context.target)
        yield rule.finding(context, first.site.call, first.site.statement, message, severity, chain, fix)


def _calls(row: Row) -> str:
    names = list(dict.fromkeys(write.api.label for write in row.writes))
    return f"{len(row.writes)} calls of {' and '.join(names)}"


def _metric_names(row: Row, context: Context) -> int:
    """How many metrics a row is sure to write: keys that it spells out."""
    found = [entry for write in row.writes for entry in entries(context.effects, write.site)]
    return len({entry.key for entry in found if entry.kind is Kind.METRIC and isinstance(entry.key, facts.Constant)})


def _step(row: Row) -> str:
    return " and step" if row.kind is Kind.METRIC else ""


def _together(api: Api) -> str:
    return "MlflowClient.log_batch" if api.client else _PLURAL[api.kind]


def _statements_together(api: Api) -> int:
    """A batch of one kind costs the store what the fluent plural call of that kind does."""
    return CALLS[(False, _PLURAL[api.kind])].statements


def keyed_findings(rule: Rule, context: Context, kind: Kind) -> Iterator[Finding]:
    """Findings for loops that write one key of a kind each turn."""
    for write in context.keyed_writes:
        if write.api.kind is not kind:
            continue
        called = write.api.label
        if write.through is not None:
            called = f"{write.chain[1].text} reaches {called} ({write.through.place}) and"
        turns = literal_count(write.loop.node) if kind is Kind.METRIC else None
        limit = context.limit(Limited.METRIC_NAMES, turns) if turns is not None else ""
        message = (
            f"{called} runs once per key ({write.where}): {write.api.cost} each; "
            f"one {_together(write.api)} sends all keys in 1 request{limit}"
        )
        # Writing keys in one loop is a handful of requests, unless the loop itself stands in another.
        outer = sum(isinstance(frame, Loop) for frame in write.site.frames) > 1
        severity = Severity.WARNING if outer or context.effects.hook(write.body) else Severity.INFO
        fix = collapse(write, context.effects, context.target)
        yield rule.finding(context, write.site.call, write.site.statement, message, severity, write.chain, fix)
