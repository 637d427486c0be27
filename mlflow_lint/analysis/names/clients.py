"""Clients that are made elsewhere, told by how they are called.

A module of Lightning asks its trainer for the logger, whose `experiment` is an `MlflowClient`, and a helper is handed a
client without a word on what it is. Invariant: a call counts as one of the client only if it is given a run, as no
call of other trackers is: the `run_id` of the very logger, or a `run_id` as the first thing that a client takes whose
name or file speaks of MLflow's.
"""

from __future__ import annotations

from mlflow_lint.analysis.names.meaning import External
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import CALLS, WRITES
from mlflow_lint.facts.traverse import argument, last_name
from mlflow_lint.regex import regex

CLIENT = "mlflow.MlflowClient"
_LOGGER = regex(r"(pytorch_lightning|lightning(\.pytorch)?)\.loggers(\.mlflow)?\.MLFlowLogger")
_CLIENT = regex(r"(^|_)client$")
_RUN = regex(r"(^|_)run_id$")


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


def through_client(call: facts.Call, text: str) -> External | None:
    """`client.log_param(run_id, key, value)`, a write, as the call of the client that it is in a file of this text."""
    match call.function:
        case facts.Attribute(owner, method) if (True, method) in CALLS and _CLIENT.search(last_name(owner)):
            if "mlflow" not in last_name(owner).lower() and "MlflowClient" not in text:
                return None
            run = argument(call, "run_id", 0)
            if CALLS[(True, method)].kind in WRITES and run is not None and _RUN.search(last_name(run.value)):
                return External(f"{CLIENT}().{method}")
    return None
