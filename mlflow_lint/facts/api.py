"""What MLflow's tracking calls are, which argument means what, and what one call costs.

Parameter order is MLflow 3's (`mlflow/tracking/fluent.py`, `mlflow/tracking/client.py`); a test compares it with the
installed MLflow. Costs are those of one call in a running run against `mlflow server` with a database: HTTP requests
and SQL statements in the store; a test measures the SQL statements of the writes again.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.Enum):
    """What a call does to the store."""

    METRIC = "metric"
    PARAM = "param"
    TAG = "tag"
    BATCH = "batch"
    ARTIFACT = "artifact"
    RUN = "run"
    END = "end"


@dataclass(frozen=True, slots=True)
class Api:
    """One tracking call."""

    name: str
    """As written after `mlflow.` or on a client."""
    kind: Kind
    parameters: tuple[str, ...]
    """In positional order."""
    client: bool = False
    """Whether it is a method of `MlflowClient`, which takes the run as its first argument."""
    plural: bool = False
    """Whether one call takes many entries."""
    requests: int = 1
    statements: int = 0

    @property
    def label(self) -> str:
        """How messages call it: `log_metric`, `MlflowClient.log_metric`."""
        return f"MlflowClient.{self.name}" if self.client else self.name

    @property
    def cost(self) -> str:
        """What one call costs, for a message."""
        requests = "1 request" if self.requests == 1 else f"{self.requests} requests"
        return f"{requests} and {self.statements} SQL statements" if self.statements else requests


_WRITE_OPTIONS = ("synchronous", "timestamp", "run_id", "model_id", "dataset")

_CALLS = (
    Api("log_metric", Kind.METRIC, ("key", "value", "step", *_WRITE_OPTIONS), statements=5),
    Api("log_metrics", Kind.METRIC, ("metrics", "step", "synchronous", "run_id", "timestamp", "model_id", "dataset"), plural=True, statements=6),
    Api("log_param", Kind.PARAM, ("key", "value", "synchronous"), statements=3),
    Api("log_params", Kind.PARAM, ("params", "synchronous", "run_id"), plural=True, statements=5),
    Api("set_tag", Kind.TAG, ("key", "value", "synchronous"), statements=3),
    Api("set_tags", Kind.TAG, ("tags", "synchronous"), plural=True, statements=5),
    Api("log_artifact", Kind.ARTIFACT, ("local_path", "artifact_path", "run_id")),
    Api("log_artifacts", Kind.ARTIFACT, ("local_dir", "artifact_path", "run_id")),
    Api("log_text", Kind.ARTIFACT, ("text", "artifact_file", "run_id")),
    Api("log_dict", Kind.ARTIFACT, ("dictionary", "artifact_file", "run_id")),
    Api("log_figure", Kind.ARTIFACT, ("figure", "artifact_file")),
    Api("log_image", Kind.ARTIFACT, ("image", "artifact_file", "key", "step", "timestamp", "synchronous")),
    Api("log_table", Kind.ARTIFACT, ("data", "artifact_file", "run_id"), requests=9, statements=29),
    Api("log_stream", Kind.ARTIFACT, ("stream", "artifact_file", "run_id")),
    Api("start_run", Kind.RUN, ("run_id", "experiment_id", "run_name", "nested", "parent_run_id", "tags", "description", "log_system_metrics"), requests=3, statements=17),
    Api("end_run", Kind.END, ("status",), requests=2, statements=12),
    Api("log_metric", Kind.METRIC, ("run_id", "key", "value", "timestamp", "step", "synchronous", "dataset_name", "dataset_digest", "model_id"), client=True, statements=5),
    Api("log_param", Kind.PARAM, ("run_id", "key", "value", "synchronous"), client=True, statements=3),
    Api("set_tag", Kind.TAG, ("run_id", "key", "value", "synchronous"), client=True, statements=3),
    Api("log_batch", Kind.BATCH, ("run_id", "metrics", "params", "tags", "synchronous"), client=True, plural=True, statements=6),
    Api("log_artifact", Kind.ARTIFACT, ("run_id", "local_path", "artifact_path"), client=True),
    Api("log_artifacts", Kind.ARTIFACT, ("run_id", "local_dir", "artifact_path"), client=True),
    Api("log_text", Kind.ARTIFACT, ("run_id", "text", "artifact_file"), client=True),
    Api("log_dict", Kind.ARTIFACT, ("run_id", "dictionary", "artifact_file"), client=True),
    Api("log_figure", Kind.ARTIFACT, ("run_id", "figure", "artifact_file"), client=True),
    Api("log_image", Kind.ARTIFACT, ("run_id", "image", "artifact_file", "key", "step", "timestamp", "synchronous"), client=True),
    Api("log_table", Kind.ARTIFACT, ("run_id", "data", "artifact_file"), client=True, requests=9, statements=29),
    Api("log_stream", Kind.ARTIFACT, ("run_id", "stream", "artifact_file"), client=True),
    Api("create_run", Kind.RUN, ("experiment_id", "start_time", "tags", "run_name"), client=True, statements=5),
    Api("set_terminated", Kind.END, ("run_id", "status", "end_time"), client=True, statements=5),
)  # fmt: skip

CALLS: dict[tuple[bool, str], Api] = {(api.client, api.name): api for api in _CALLS}

_FLUENT_HOMES = ("mlflow.", "mlflow.tracking.fluent.", "mlflow.tracking.")
_CLIENT_HOMES = ("mlflow.", "mlflow.tracking.", "mlflow.client.", "mlflow.tracking.client.")

CLIENTS = frozenset(home + "MlflowClient" for home in _CLIENT_HOMES)
"""Dotted names under which the client class can be imported."""


def api_of(dotted: str) -> Api | None:
    """The tracking call that a resolved name stands for.

    `dotted` is a module path (`mlflow.log_metric`) or, for a method of an instance, `path.of.Class().method`.
    """
    owner, _, method = dotted.partition("().")
    if method:
        return CALLS.get((True, method)) if owner in CLIENTS else None
    home, _, name = dotted.rpartition(".")
    return CALLS.get((False, name)) if home + "." in _FLUENT_HOMES else None
