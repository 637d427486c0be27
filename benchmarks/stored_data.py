"""What a program left on a tracking server, as lines that are the same for each execution of it.

Read through MLflow's client, so from any database: experiments, their runs in order, status, parent, params and tags of
a run, each point and the latest value of a metric, and the files below the run's artifacts by their hash. Left out is
what differs anyway: ids, times, and the tags that name the user, the source file and its commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Experiment, Run, ViewType

DEFAULT_EXPERIMENT = "0"
VOLATILE_TAGS = ("mlflow.source.", "mlflow.user", "mlflow.git.")
MOST_RUNS = 1000


def take_data(client: MlflowClient, artifacts: Path) -> tuple[str, ...]:
    """The data of all experiments; they are deleted afterwards, and their names are free again."""
    lines: list[str] = []
    for experiment in client.search_experiments(order_by=["creation_time ASC"]):
        lines += _experiment(client, artifacts, experiment)
        if experiment.experiment_id != DEFAULT_EXPERIMENT:
            client.rename_experiment(experiment.experiment_id, f"taken-{experiment.experiment_id}")
            client.delete_experiment(experiment.experiment_id)
    return tuple(lines)


def _experiment(client: MlflowClient, artifacts: Path, experiment: Experiment) -> Iterator[str]:
    found = client.search_runs(
        [experiment.experiment_id], run_view_type=ViewType.ALL, max_results=MOST_RUNS, order_by=["start_time ASC"]
    )
    assert found.token is None, f"more than {MOST_RUNS} runs"
    assert experiment.experiment_id != DEFAULT_EXPERIMENT or not found, "the Default experiment cannot be emptied"
    numbers = {run.info.run_id: number for number, run in enumerate(found)}
    yield f"experiment {experiment.name!r}"
    yield from _mapping("experiment tag", experiment.tags)
    for run in found:
        folder = artifacts / experiment.experiment_id / run.info.run_id / "artifacts"
        for line in (*_run(client, run), *_files(folder)):
            yield f"{experiment.name}, run {numbers[run.info.run_id]}: {_anonymous(line, numbers)}"


def _run(client: MlflowClient, run: Run) -> Iterator[str]:
    yield f"{run.info.status}, {run.info.lifecycle_stage}"
    yield from _mapping("param", run.data.params)
    yield from _mapping("tag", {k: v for k, v in run.data.tags.items() if not k.startswith(VOLATILE_TAGS)})
    yield from _mapping("latest", run.data.metrics)
    for key in sorted(run.data.metrics):
        # Points of one step may swap places when their times do.
        points = sorted((point.step, repr(point.value)) for point in client.get_metric_history(run.info.run_id, key))
        yield from (f"metric {key!r} = {value} at step {step}" for step, value in points)


def _files(folder: Path) -> Iterator[str]:
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield f"artifact {file.relative_to(folder)} = {hashlib.sha256(file.read_bytes()).hexdigest()}"


def _mapping(kind: str, items: Mapping[str, object]) -> Iterator[str]:
    yield from (f"{kind} {key!r} = {items[key]!r}" for key in sorted(items))


def _anonymous(line: str, numbers: Mapping[str, int]) -> str:
    """The line with runs named by their place."""
    for run_id, number in numbers.items():
        line = line.replace(run_id, f"run {number}")
    return line
