"""Lightning's MLflow logger, whose `experiment` is an `MlflowClient`.

A module asks its trainer for the logger, so that nothing in its file says which one that is. Invariant: a call counts
as one of the client only if it is given the `run_id` of the very logger that it goes through; no other logger has one.
"""

from __future__ import annotations

from mlflow_lint.analysis.names.meaning import External
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import CALLS
from mlflow_lint.regex import regex

CLIENT = "mlflow.MlflowClient"
_LOGGER = regex(r"(pytorch_lightning|lightning(\.pytorch)?)\.loggers(\.mlflow)?\.MLFlowLogger")


def is_logger(dotted: str) -> bool:
    """Whether a dotted name is that of Lightning's MLflow logger."""
    return _LOGGER.fullmatch(dotted) is not None


def through_logger(call: facts.Call) -> External | None:
    """`self.logger.experiment.log_metric(self.logger.run_id, …)` as the call of the client that it is."""
    match call.function:
        case facts.Attribute(facts.Attribute(logger, "experiment"), method) if (True, method) in CALLS:
            runs = (facts.Attribute(logger, "run_id"), facts.Attribute(logger, "_run_id"))
            if any(given.value in runs for given in call.arguments):
                return External(f"{CLIENT}().{method}")
    return None
