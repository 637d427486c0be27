"""Calls of MLflow by the name that its documentation has for them.

Invariant: a call counts only if it plainly is one (a partial, or one of several loggers, is none) and if every version
of MLflow comes to it: what stands under a test of the version, or where a `TypeError` is caught, is for one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlflow_lint.analysis.flow.sites import Attempt, Frame, Guard, Rescue, Site
from mlflow_lint.analysis.migration.versions import tells_versions
from mlflow_lint.analysis.names.meaning import External
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import CLIENTS
from mlflow_lint.facts.traverse import descend, last_name


def named_calls(effects: Effects, bodies: Iterable[Body]) -> Iterator[tuple[str, Site]]:
    """The calls of a file, in order, as `mlflow.sklearn.log_model` or `MlflowClient.get_trace`."""
    for body in bodies:
        for site in effects.touching(body):
            target = site.target
            if not isinstance(target, External) or target.applied:
                continue
            owner, _, method = target.dotted.partition("().")
            if method and owner in CLIENTS:
                name = f"MlflowClient.{method}"
            elif not method and target.dotted.startswith("mlflow."):
                name = target.dotted
            else:
                continue
            if not any(_is_for_one_version(effects, frame) for frame in site.frames):
                yield name, site


def _is_for_one_version(effects: Effects, frame: Frame) -> bool:
    match frame:
        case Guard(test):
            return tells_versions(effects.resolver, test, frame.place)
        case Attempt(facts.Try(_, handlers)) | Rescue(facts.Try(_, handlers)):
            return any(h.type is not None and _names_type_error(h.type) for h in handlers)
    return False


def _names_type_error(caught: facts.Expression) -> bool:
    return any("TypeError" in last_name(node) for node in descend(caught))
