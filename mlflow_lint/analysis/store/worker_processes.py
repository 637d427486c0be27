"""Whether a module starts worker processes.

Invariant: known by the full name of what is called; threads, loaders of data and other programs are no workers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mlflow_lint.analysis.names.meaning import External
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts.traverse import last_name

_STARTS = re.compile(
    r"(torch\.)?multiprocessing\.(Process|Pool|pool\.Pool|spawn|start_processes)"
    r"|(torch\.)?multiprocessing\.get_context\(\)\.(Process|Pool)"
    r"|concurrent\.futures\.(process\.)?ProcessPoolExecutor"
    r"|joblib\.Parallel|pathos\.\S*Pool"
)


def worker_start(effects: Effects, bodies: Iterable[Body]) -> tuple[str, str] | None:
    """What starts worker processes and where, as messages say it; None if nothing does."""
    for body in bodies:
        for site in effects.sites(body):
            meaning = effects.target(site.call, site.place)
            if isinstance(meaning, External) and _STARTS.fullmatch(meaning.dotted):
                return last_name(site.call.function), body.unit.where(site.call.span[0])
    return None
