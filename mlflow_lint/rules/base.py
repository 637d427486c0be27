"""What a rule is made of.

Invariant: rules hold no state; `check` reads a `Context` and yields findings.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Applicability, Finding, Fix, Severity, Step
from mlflow_lint.record import record
from mlflow_lint.rules.comments import Comments


class Status(enum.Enum):
    """Whether a rule is on by default."""

    STABLE = "stable"
    PREVIEW = "preview"
    OPT_IN = "opt-in"


@record
class Example:
    """Code that a rule is judged by: its tests, its documentation, and the proof of its fix.

    A line that ends in `# MLF101` (or several codes, separated by blanks) must be found with exactly those codes of
    this rule; a line without one must not. The marker is removed before the code is linted.
    """

    title: str
    code: str
    fixed: str | None = None
    """What the fixes of this rule make of it; None asserts that no fix is offered."""
    applicability: Applicability | None = None
    """Of that fix."""
    setup: str = ""
    """Code that must run before it so that it can run; empty for an example that is only read."""
    files: tuple[tuple[str, str], ...] = ()
    """Other modules of the project, by file name."""

    @property
    def runs(self) -> bool:
        """Whether the example, after its setup, is a program that can be run against a store."""
        return bool(self.setup)


Check = Callable[["Rule", Context], Iterator[Finding]]
CheckComments = Callable[["Rule", Comments], Iterator[Finding]]


@record
class Rule:
    """One thing the linter looks for."""

    code: str
    name: str
    """Says what is wrong, not the cure."""
    summary: str
    """One line for lists."""
    check: Check | None
    """None for a rule about comments."""
    examples: tuple[Example, ...]
    documentation: str
    """Markdown under the fixed headings: the docstring of the rule's module."""
    status: Status = Status.STABLE
    fixes: frozenset[Applicability] = frozenset()
    """Applicabilities that its fixes can have."""
    beyond_doubt: Check | None = None
    """Of a rule that is in preview: finds what is reported without it, as if it were stable."""
    check_comments: CheckComments | None = None
    """Judges the comments that silence findings, once all other rules have spoken."""
    about: frozenset[Kind] = frozenset()
    """Kinds of calls of MLflow of which a file makes one, itself or through the project, or has nothing to find."""

    def may_find(self, context: Context) -> bool:
        """Whether a file has what the rule is about."""
        return not self.about or not self.about.isdisjoint(context.kinds)

    def finding(
        self,
        context: Context,
        call: facts.Call,
        statement: facts.Statement,
        message: str,
        severity: Severity,
        chain: tuple[Step, ...] = (),
        fix: Fix | None = None,
    ) -> Finding:
        """A finding of this rule at a call."""
        return self.finding_at(context, call.span, statement, message, severity, chain, fix)

    def finding_at(
        self,
        context: Context,
        span: facts.Span,
        statement: facts.Statement,
        message: str,
        severity: Severity,
        chain: tuple[Step, ...] = (),
        fix: Fix | None = None,
    ) -> Finding:
        """A finding of this rule at a stretch of a statement."""
        places = context.unit.places
        region = places.region(*span)
        first = places.position(statement.span[0])[0]
        last = places.position(statement.span[1])[0] if is_simple(statement) else region.end_line
        return Finding(
            self.code,
            self.name,
            message,
            context.unit.path,
            region,
            (first, max(first, last)),
            severity,
            chain,
            fix,
        )


def is_simple(statement: facts.Statement) -> bool:
    """Whether a statement holds no block, so that its end is the end of its line."""
    return isinstance(statement, (facts.Evaluate, facts.Assign, facts.Update, facts.Leave))
