"""Calls of MLflow by the name that its documentation has for them.

Invariant: a call counts only if it plainly is one (a partial, or one of several loggers, is none) and if every version
of MLflow comes to it: what stands under a test of the version, or where a `TypeError` is caught, is for one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlflow_lint.analysis.flow.sites import Attempt, Frame, Guard, Rescue, Site
from mlflow_lint.analysis.names.meaning import External
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import CLIENTS
from mlflow_lint.facts.traverse import descend, last_name

_TELLS_VERSION = re.compile(r"version|signature|hasattr|mlflow_?v?[23]|getfullargspec", re.I)


def named_calls(effects: Effects, bodies: Iterable[Body]) -> Iterator[tuple[str, Site]]:
    """The calls of a file, in order, as `mlflow.sklearn.log_model` or `MlflowClient.get_trace`."""
    for body in bodies:
        for site in effects.touching(body):
            target = site.target
            if not isinstance(target, External) or target.applied or any(map(_is_for_one_version, site.frames)):
                continue
            owner, _, method = target.dotted.partition("().")
            if method and owner in CLIENTS:
                yield f"MlflowClient.{method}", site
            elif not method and target.dotted.startswith("mlflow."):
                yield target.dotted, site


def _is_for_one_version(frame: Frame) -> bool:
    match frame:
        case Guard(test):
            return _names(test, _TELLS_VERSION)
        case Attempt(facts.Try(_, handlers)) | Rescue(facts.Try(_, handlers)):
            return any(h.type is not None and _names(h.type, re.compile("TypeError")) for h in handlers)
    return False


def _names(expression: facts.Expression, words: re.Pattern[str]) -> bool:
    return any(words.search(last_name(node)) for node in descend(expression))
