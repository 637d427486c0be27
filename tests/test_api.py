"""The table of MLflow's calls agrees with the MLflow that is installed, in signatures and in costs."""

from __future__ import annotations

import inspect
from textwrap import dedent, indent

import mlflow
import pytest
from tracking_store import Recorded, StoreRunner

from mlflow_lint.facts.api import CALLS, CLIENTS, FLAVOR_CALLS, Api, Kind, api_of

BY_LABEL = {api.label: api for api in CALLS.values()}

each_call = pytest.mark.parametrize("api", CALLS.values(), ids=lambda api: api.label)


NOT_FLUENT = ("register_model", "search_model_versions", "search_registered_models", "set_tracking_uri")
"""What MLflow has and its fluent module has not."""


def home(name: str) -> str:
    """The module below `mlflow.tracking` that holds a fluent call."""
    return "" if name in NOT_FLUENT else "fluent."


def signature(api: Api) -> inspect.Signature:
    """The signature of a call as users write it, `self` left out."""
    owner = mlflow.MlflowClient if api.client else mlflow
    found = inspect.signature(getattr(owner, api.name))
    parameters = list(found.parameters.values())
    return found.replace(parameters=parameters[1:] if api.client else parameters)


@each_call
def test_parameters_stand_in_mlflows_order(api: Api) -> None:
    parameters = signature(api).parameters.values()
    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    keywords = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    assert list(api.parameters[: len(positional)]) == positional
    assert set(api.parameters[len(positional) :]) <= set(keywords)
    assert not [p.name for p in parameters if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


@each_call
def test_calls_are_found_by_their_names(api: Api) -> None:
    names = [f"{home}().{api.name}" for home in CLIENTS] if api.client else []
    names += [] if api.client else [f"mlflow.{api.name}", f"mlflow.tracking.{home(api.name)}{api.name}"]
    assert names
    assert all(api_of(name) is api for name in names)


def test_names_resolve_in_mlflow() -> None:
    for dotted in CLIENTS:
        module, _, name = dotted.rpartition(".")
        assert getattr(__import__(module, fromlist=[name]), name) is mlflow.MlflowClient
    for client, name in CALLS:
        if not client:
            assert callable(getattr(mlflow, name))
            assert getattr(mlflow.tracking.fluent, name, None) is (getattr(mlflow, name) if home(name) else None)


@pytest.mark.parametrize("flavor", ["sklearn", "pyfunc", "pytorch", "pyspark.ml", "langchain"])
def test_each_flavor_logs_models_or_automatically(flavor: str) -> None:
    for name, api in FLAVOR_CALLS.items():
        assert api_of(f"mlflow.{flavor}.{name}") is api
    assert callable(mlflow.sklearn.log_model)
    assert callable(mlflow.sklearn.autolog)
    assert api_of("mlflow.autolog") is FLAVOR_CALLS["autolog"]


def test_what_is_no_call() -> None:
    for dotted in (
        "mlflow.log_model",
        "mlflow.MlflowClient.log_model",
        "mlflow.tracking.fluent.log_model",
        "x.log_model",
    ):
        assert api_of(dotted) is None
    for dotted in ("mlflow", "mlflow.nothing", "mlflow.pytorch.log_metric", "other.log_metric", "log_metric"):
        assert api_of(dotted) is None
    assert api_of("mlflow.Other().log_metric") is None
    assert api_of("mlflow.MlflowClient.log_metric") is None


# ------------------------------------------------------------------------------------------------------- costs
HEAD = """\
import mlflow
from mlflow.entities import Metric
client = mlflow.MlflowClient()
with mlflow.start_run() as run:
    run_id = run.info.run_id
"""

WRITES = {
    "log_metric": 'mlflow.log_metric("a", 1.0, step={n})',
    "log_metrics": 'mlflow.log_metrics({{f"k{{i}}": 1.0 for i in range(10)}}, step={n})',
    "log_param": 'mlflow.log_param("a{n}", 1)',
    "log_params": 'mlflow.log_params({{f"k{{i}}-{n}": 1 for i in range(10)}})',
    "set_tag": 'mlflow.set_tag("a", "{n}")',
    "set_tags": 'mlflow.set_tags({{f"k{{i}}": "{n}" for i in range(10)}})',
    "MlflowClient.log_metric": 'client.log_metric(run_id, "a", 1.0, step={n})',
    "MlflowClient.log_param": 'client.log_param(run_id, "a{n}", 1)',
    "MlflowClient.set_tag": 'client.set_tag(run_id, "a", "{n}")',
    "MlflowClient.log_batch": "client.log_batch(run_id, [Metric(str(i), 1.0, 1_700_000_000, {n}) for i in range(10)])",
}
"""A typical call for each write: metrics and tags under keys that are there already, params under new ones."""

REPEATED_PARAMS = {
    "log_param": 'mlflow.log_param("a", 1)',
    "log_params": 'mlflow.log_params({{"a": 1, "b": 2}})',
    "MlflowClient.log_param": 'client.log_param(run_id, "a", 1)',
}


def cost_of_one(runner: StoreRunner, call: str) -> tuple[int, int]:
    """Writes and statements of one more call, after three that opened everything there is to open."""

    def run(times: int) -> Recorded:
        lines = "\n".join(call.format(n=n) for n in range(times))
        recorded = runner.run(HEAD + indent(dedent(lines), "    "))
        assert recorded.exception is None, recorded.stderr
        return recorded

    few, more = run(3), run(4)
    return more.writes - few.writes, more.statements - few.statements


@pytest.mark.parametrize("label", WRITES)
def test_costs_are_those_of_the_store(label: str, store_runner: StoreRunner) -> None:
    api = BY_LABEL[label]
    assert cost_of_one(store_runner, WRITES[label]) == (api.requests, api.statements)


def test_a_batch_of_a_thousand_points_costs_what_a_small_one_does(store_runner: StoreRunner) -> None:
    api = BY_LABEL["MlflowClient.log_batch"]
    points = '[Metric("a", 1.0, 1_700_000_000, {n}000 + i) for i in range(1000)]'
    assert cost_of_one(store_runner, f"client.log_batch(run_id, {points})") == (api.requests, api.statements)


@pytest.mark.parametrize("label", REPEATED_PARAMS)
def test_a_repeated_param_costs_little_less(label: str, store_runner: StoreRunner) -> None:
    api = BY_LABEL[label]
    assert cost_of_one(store_runner, REPEATED_PARAMS[label]) == (api.requests, api.statements - 1)


def test_every_write_with_statements_is_measured() -> None:
    kinds = (Kind.METRIC, Kind.PARAM, Kind.TAG, Kind.BATCH)
    assert {api.label for api in CALLS.values() if api.kind in kinds} == set(WRITES)
