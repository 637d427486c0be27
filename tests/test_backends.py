"""Limits of hosted servers are named where code is about to break them, for that server alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import doors
import pytest
from example_cases import check, only, write

from mlflow_lint.facts.backends import BACKENDS, LIMITS, Limited


def messages(code: str, backend: str, folder: Path, rule: str) -> list[str]:
    settings = replace(only(folder, rule), tracking_backend=backend)
    return [finding.message for finding in check(write(folder, code), settings).findings]


def writes(count: int) -> str:
    return "import mlflow\n\n" + "".join(f'mlflow.log_metric("m{number}", {number}.0)\n' for number in range(count))


def displays(count: int) -> str:
    entries = ", ".join(f'"m{number}": {number}.0' for number in range(count - 1))
    return f'import mlflow\n\nmlflow.log_metrics({{{entries}}})\nmlflow.log_metrics({{"last": 1.0}})\n'


def loop(count: int) -> str:
    return f'import mlflow\n\nfor i in range({count}):\n    mlflow.log_metric(f"class_{{i}}", f1[i])\n'


PER_EPOCH_KEY = 'import mlflow\n\nfor epoch in range(epochs):\n    mlflow.log_metric(f"loss_{epoch}", train(epoch))\n'
HOT = "import mlflow\n\nfor batch in train_loader:\n    loss = train_step(batch)\n    mlflow.log_metric('loss', loss)\n"
REPLAY = "import mlflow\n\nfor i, v in enumerate(history['loss']):\n    mlflow.log_metric('loss', v, step=i)\n"
SEARCH = """\
import mlflow

for experiment in mlflow.search_experiments():
    print(len(mlflow.search_runs(experiment_ids=[experiment.experiment_id])))
"""


@pytest.mark.parametrize(
    ("rule", "code", "limited", "named_by"),
    [
        ("MLF404", PER_EPOCH_KEY, Limited.METRIC_NAMES, {"azureml"}),
        ("MLF201", writes(51), Limited.METRIC_NAMES, {"azureml"}),
        ("MLF201", writes(50), Limited.METRIC_NAMES, set()),
        ("MLF208", displays(51), Limited.METRIC_NAMES, {"azureml"}),
        ("MLF208", displays(50), Limited.METRIC_NAMES, set()),
        ("MLF204", loop(51), Limited.METRIC_NAMES, {"azureml"}),
        ("MLF204", loop(50), Limited.METRIC_NAMES, set()),
        ("MLF101", HOT, Limited.METRIC_POINTS, {"azureml", "databricks"}),
        ("MLF207", REPLAY, Limited.BATCH_POINTS, {"azureml"}),
        ("MLF106", SEARCH, Limited.SEARCHES, {"databricks"}),
    ],
)
def test_a_limit_is_named_for_its_backend(
    rule: str, code: str, limited: Limited, named_by: set[str], tmp_path: Path
) -> None:
    for backend in BACKENDS:
        (message,) = messages(code, backend, tmp_path, rule)
        words = [limit.words for limit in LIMITS.values() if limit.words in message]
        assert words == ([LIMITS[backend, limited].words] if backend in named_by else [])
        assert len(message) <= 350


def test_limits_are_of_backends_that_can_be_set() -> None:
    assert {backend for backend, _ in LIMITS} == set(BACKENDS) - {"oss"}
    assert all(limit.source.startswith("https://") for limit in LIMITS.values())


def test_it_is_a_setting_and_an_option(tmp_path: Path) -> None:
    write(tmp_path, PER_EPOCH_KEY)
    write(tmp_path, '[tool.mlflow-lint]\ntracking-backend = "azureml"\n', name="pyproject.toml")
    words = LIMITS["azureml", Limited.METRIC_NAMES].words
    assert words in doors.mlflow_lint("--output-format", "concise", cwd=tmp_path).out
    assert words in doors.flake8("--select=MLF", "example.py", cwd=tmp_path).out
    assert words not in doors.mlflow_lint("--tracking-backend", "oss", cwd=tmp_path).out
    ran = doors.mlflow_lint("--tracking-backend", "sagemaker", cwd=tmp_path)
    assert ran.code == 2
    assert "`tracking-backend` must be one of `oss`, `databricks`, `azureml`, not `sagemaker`" in ran.err
