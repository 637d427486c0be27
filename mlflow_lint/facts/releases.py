"""Which versions of MLflow there are, and since which one a call takes an argument.

Read from the signatures in the published packages of MLflow 1.20 to 3.17. Invariant: a release is three numbers, so
that releases compare as tuples do.
"""

from __future__ import annotations

Release = tuple[int, int, int]

_LAST_MINOR = {1: 30, 2: 22, 3: 17}

RELEASES: tuple[Release, ...] = tuple(
    (major, minor, 0) for major, last in _LAST_MINOR.items() for minor in range(last + 1)
)
"""The first of each minor version, in order."""

NEWEST = RELEASES[-1]
"""The version that the tables of this package were made for."""

FILE_STORE_RAISES: Release = (3, 13, 0)
"""`mlflow/store/tracking/file_store.py`: a warning until 3.12, an exception from then on."""

ALIASES: Release = (2, 9, 0)
"""`mlflow/tracking/client.py`: the calls for model stages are deprecated since then."""

COLON_IN_KEYS: Release = (2, 16, 0)
"""`mlflow/utils/validation.py`: keys may hold colons, but for Windows."""

RUN_ID_FETCHES: Release = (3, 5, 0)
"""`mlflow/tracking/fluent.py`: a metric with `run_id=` fetches the run, and one without it no longer does."""

MODEL_NAME: Release = (3, 0, 0)
"""`mlflow/models/model.py`: `log_model` takes `name`, and `artifact_path` is deprecated."""

ARGUMENT_SINCE: dict[tuple[str, str], Release] = {("log_metrics", "timestamp"): (2, 15, 0)}
"""Arguments that the plural call of the fluent API took later than the single one."""


def written(version: Release) -> str:
    """A version as people write it: `3.1`, `3.1.4`."""
    return ".".join(map(str, version if version[2] else version[:2]))


def release(numbers: tuple[int, ...]) -> Release:
    """The first three numbers of a version, zeros where there are fewer."""
    major, minor, micro = (*numbers, 0, 0, 0)[:3]
    return major, minor, micro


NAMED_FLAVORS = (
    "catboost",
    "diffusers",
    "diviner",
    "dspy",
    "h2o",
    "johnsnowlabs",
    "keras",
    "langchain",
    "lightgbm",
    "llama_index",
    "onnx",
    "openai",
    "paddle",
    "pmdarima",
    "promptflow",
    "prophet",
    "pyfunc",
    "pytorch",
    "sentence_transformers",
    "sklearn",
    "spacy",
    "statsmodels",
    "tensorflow",
    "transformers",
    "xgboost",
)
"""Flavors whose `log_model` takes `name` in every version of MLflow 3 that has them; `spark` has none."""
