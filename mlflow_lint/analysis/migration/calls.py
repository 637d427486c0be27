"""Calls of MLflow by the name that its documentation has for them.

Invariant: a call counts only if it plainly is one: a partial, or one of several loggers, is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlflow_lint.analysis.flow.sites import Site
from mlflow_lint.analysis.names.meaning import External
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts.api import CLIENTS


def named_calls(effects: Effects, bodies: Iterable[Body]) -> Iterator[tuple[str, Site]]:
    """The calls of a file, in order, as `mlflow.sklearn.log_model` or `MlflowClient.get_trace`."""
    for body in bodies:
        for site in effects.sites(body):
            target = effects.target(site.call, site.place)
            if isinstance(target, External) and not target.applied:
                owner, _, method = target.dotted.partition("().")
                if method and owner in CLIENTS:
                    yield f"MlflowClient.{method}", site
                elif not method and target.dotted.startswith("mlflow."):
                    yield target.dotted, site
