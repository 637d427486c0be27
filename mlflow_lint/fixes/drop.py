"""Take away a statement that must not be there.

Invariant: only a statement on lines of its own goes, and its block keeps another; a comment stops the fix.
"""

from __future__ import annotations

from mlflow_lint.analysis.flow.sites import Site
from mlflow_lint.facts import model as facts
from mlflow_lint.findings import Applicability, Edit, Fix
from mlflow_lint.fixes.text import after_newline, comments, indentation, line_end, line_start


def drop_end(site: Site) -> Fix | None:
    """The fix that leaves ending a run to its block; None if the call says more than that, or cannot go alone."""
    text, statement = site.place.unit.text, site.statement
    alone = isinstance(statement, facts.Evaluate) and statement.alone and site.stands_alone
    if not alone or site.call.arguments or len(site.block) == 1:
        return None
    start, end = statement.span
    begin, stop = line_start(text, start), line_end(text, end)
    if indentation(text, start) is None or comments(text, begin, stop):
        return None
    return Fix("Leave ending the run to its block", (Edit(begin, after_newline(text, stop), ""),), Applicability.UNSAFE)
