"""What MLflow's tracking calls are, which argument means what, and what one call costs.

Parameter order is MLflow 3's (`mlflow/tracking/fluent.py`, `mlflow/tracking/client.py`); a test compares it with the
installed MLflow. Costs are those of one call in a running run against `mlflow server` with a database: HTTP requests
and SQL statements in the store; a test measures the SQL statements of the writes again.
"""

from __future__ import annotations

import enum
from functools import lru_cache

from mlflow_lint.record import record
from mlflow_lint.regex import regex


class Kind(enum.Enum):
    """What a call does to the store."""

    METRIC = "metric"
    PARAM = "param"
    TAG = "tag"
    BATCH = "batch"
    ARTIFACT = "artifact"
    MODEL = "model"
    RUN = "run"
    END = "end"
    READ = "read"
    SETUP = "setup"


WRITES = (Kind.METRIC, Kind.PARAM, Kind.TAG, Kind.BATCH, Kind.ARTIFACT)
"""What a run is filled with; models, which take a dozen requests each, are apart."""


@record
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

_REGISTRY_SEARCH = ("filter_string", "max_results", "order_by", "page_token")

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
    Api("register_model", Kind.MODEL, ("model_uri", "name", "await_registration_for", "tags", "env_pack"), requests=9, statements=50),
    Api("log_model_artifacts", Kind.MODEL, ("model_id", "local_dir", "artifact_path"), client=True),
    Api("get_run", Kind.READ, ("run_id",), statements=7),
    Api("get_parent_run", Kind.READ, ("run_id",), requests=2, statements=14),
    Api("get_experiment", Kind.READ, ("experiment_id",), statements=2),
    Api("search_runs", Kind.READ, ("experiment_ids", "filter_string", "run_view_type", "max_results", "order_by", "output_format", "search_all_experiments", "experiment_names"), statements=6),
    Api("search_experiments", Kind.READ, ("view_type", "max_results", "filter_string", "order_by"), statements=2),
    Api("search_model_versions", Kind.READ, ("max_results", "filter_string", "order_by"), statements=2),
    Api("search_registered_models", Kind.READ, ("max_results", "filter_string", "order_by"), statements=5),
    Api("get_run", Kind.READ, ("run_id",), client=True, statements=7),
    Api("get_parent_run", Kind.READ, ("run_id",), client=True, requests=2, statements=14),
    Api("get_experiment", Kind.READ, ("experiment_id",), client=True, statements=2),
    Api("search_runs", Kind.READ, ("experiment_ids", "filter_string", "run_view_type", "max_results", "order_by", "page_token"), client=True, statements=6),
    Api("search_experiments", Kind.READ, ("view_type", "max_results", "filter_string", "order_by", "page_token"), client=True, statements=2),
    Api("get_metric_history", Kind.READ, ("run_id", "key"), client=True, statements=1),
    Api("list_artifacts", Kind.READ, ("run_id", "path"), client=True, requests=2, statements=7),
    Api("get_registered_model", Kind.READ, ("name",), client=True, statements=4),
    Api("get_model_version", Kind.READ, ("name", "version"), client=True, statements=4),
    Api("get_model_version_by_alias", Kind.READ, ("name", "alias"), client=True, statements=6),
    Api("get_latest_versions", Kind.READ, ("name", "stages"), client=True, requests=2, statements=8),
    Api("search_model_versions", Kind.READ, _REGISTRY_SEARCH, client=True, statements=1),
    Api("search_registered_models", Kind.READ, _REGISTRY_SEARCH, client=True, statements=5),
    Api("set_experiment", Kind.SETUP, ("experiment_name", "experiment_id", "trace_location"), statements=2),
    Api("create_experiment", Kind.SETUP, ("name", "artifact_location", "tags", "trace_location"), statements=2),
    Api("get_experiment_by_name", Kind.SETUP, ("name",), statements=2),
    Api("set_tracking_uri", Kind.SETUP, ("uri",), requests=0),
    Api("create_experiment", Kind.SETUP, ("name", "artifact_location", "tags"), client=True, statements=2),
    Api("get_experiment_by_name", Kind.SETUP, ("name",), client=True, statements=2),
)  # fmt: skip

CALLS: dict[tuple[bool, str], Api] = {(api.client, api.name): api for api in _CALLS}

FLAVOR_CALLS = {
    "log_model": Api("log_model", Kind.MODEL, (), requests=11, statements=34),
    "autolog": Api("autolog", Kind.SETUP, (), requests=0),
}
"""What each flavor of MLflow has (`mlflow.sklearn.log_model`), with parameters of its own; the cost is scikit-learn's."""

_FLUENT_HOMES = ("mlflow.", "mlflow.tracking.fluent.", "mlflow.tracking.")
_CLIENT_HOMES = ("mlflow.", "mlflow.tracking.", "mlflow.client.", "mlflow.tracking.client.")

_FLAVOR = regex(r"mlflow\.(?!tracking|client)[a-z_]+(\.[a-z_]+)*")

CLIENTS = frozenset(home + "MlflowClient" for home in _CLIENT_HOMES)
"""Dotted names under which the client class can be imported."""


@lru_cache(maxsize=4096)
def api_of(dotted: str) -> Api | None:
    """The tracking call that a resolved name stands for.

    `dotted` is a module path (`mlflow.log_metric`) or, for a method of an instance, `path.of.Class().method`.
    """
    owner, _, method = dotted.partition("().")
    if method:
        return CALLS.get((True, method)) if owner in CLIENTS else None
    home, _, name = dotted.rpartition(".")
    if home + "." in _FLUENT_HOMES and (False, name) in CALLS:
        return CALLS[(False, name)]
    if name in FLAVOR_CALLS and (_FLAVOR.fullmatch(home) or (name, home) == ("autolog", "mlflow")):
        return FLAVOR_CALLS[name]
    return None
