"""
## What it does
Finds queries in loops whose answer was at hand or could be had once: the same query in each turn or twice in one,
`get_run` for each row of a search that already holds the run, `search_runs` per experiment where one search takes the
list.

Queries that ask for something else each time and have no form for many (`get_metric_history` per key,
`download_artifacts`, `get_run` over given ids) are not found, nor are loops that wait, and queries that are answered
anew because the loop writes or trains.

## Why it costs
Each query is a request, and the loop waits for the answer. `get_run` reads the whole run with 7 SQL statements and gets
slower with the number of its keys; `search_runs` takes 6 statements for as many as 1,000 runs. A search of 200 runs
followed by `get_run` for each row is 201 requests and over 1,400 statements where the search alone is 1 request and 6
statements.

## Fix safety
No fix is offered here: read from the row, or ask once before the loop and keep the answer.

## Options
`tracking-backend`: with `databricks`, messages about `search_runs` name the limit on searches.

## References
- MLflow: `mlflow/tracking/fluent.py` (`search_runs`, `get_run`), `mlflow/tracking/client.py`
- MLflow documentation: "Search Runs"
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.frequency.reads import repeated_reads
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.backends import Limited
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Queries that a loop repeats for nothing."""
    for read in repeated_reads(context.effects, context.touching_bodies):
        message = (
            f"{read.api.label} asks again in each turn ({read.where}) although {read.reason}: {read.api.cost} each; "
            f"{read.advice}{context.limit(Limited.SEARCHES) if read.api.name == 'search_runs' else ''}"
        )
        yield rule.finding(context, read.site.call, read.site.statement, message, Severity.WARNING, read.chain)


EXAMPLES = (
    Example(
        "get_run for each row of a search",
        """\
import mlflow

runs = mlflow.search_runs(experiment_ids=[experiment_id])
for run_id in runs["run_id"]:
    run = mlflow.get_run(run_id)  # MLF106
    print(run_id, run.data.metrics["loss"])
""",
    ),
    Example(
        "the same through a client",
        """\
from mlflow import MlflowClient

client = MlflowClient()
found = client.search_runs([experiment_id], order_by=["metrics.loss ASC"])
losses = [client.get_run(run.info.run_id).data.metrics["loss"] for run in found]  # MLF106
for row in found:
    parent = row.data.tags["mlflow.parentRunId"]
    print(client.get_run(parent).info.run_name)
""",
    ),
    Example(
        "a search for each experiment",
        """\
import mlflow

for experiment in mlflow.search_experiments():
    runs = mlflow.search_runs(experiment_ids=[experiment.experiment_id])  # MLF106
    print(experiment.name, len(runs))
for experiment in mlflow.search_experiments():
    runs = mlflow.search_runs([experiment.experiment_id], filter_string=filters[experiment.name])
""",
    ),
    Example(
        "the same question each turn",
        """\
import mlflow

for name in names:
    run = mlflow.get_run(run_id)  # MLF106
    print(name, run.data.params.get(name))
for epoch in range(num_epochs):
    experiment = mlflow.get_experiment(experiment_id)  # MLF106
    train_one_epoch(epoch, experiment.name)
""",
    ),
    Example(
        "the same run twice in a turn",
        """\
import mlflow

for run_id in run_ids:
    params = mlflow.get_run(run_id).data.params
    metrics = mlflow.get_run(run_id).data.metrics  # MLF106
    print(params, metrics)
""",
    ),
    Example(
        "something else each time, with no form for many",
        """\
import mlflow
from mlflow import MlflowClient

client = MlflowClient()
for run_id in run_ids:
    print(mlflow.get_run(run_id).data.metrics)
for key in client.get_run(run_id).data.metrics:
    history = client.get_metric_history(run_id, key)
for run in client.search_runs([experiment_id]):
    client.list_artifacts(run.info.run_id)
""",
    ),
    Example(
        "waiting for an answer, and pages",
        """\
import time

from mlflow import MlflowClient

client = MlflowClient()
for _ in range(100):
    if client.get_run(run_id).info.status == "FINISHED":
        break
    time.sleep(10)
token = None
while token != "":
    page = client.search_runs([experiment_id], page_token=token)
    token = page.token or ""
""",
    ),
    Example(
        "the loop changes the answer",
        """\
import mlflow
from mlflow import MlflowClient

client = MlflowClient()
for epoch in range(num_epochs):
    model.fit(x, y)
    mlflow.log_artifact(f"model-{epoch}.pt")
    for file in client.list_artifacts(run_id):
        print(file.path)
for uri in servers:
    mlflow.set_tracking_uri(uri)
    print(mlflow.search_experiments())
""",
    ),
)

RULE = Rule(
    "MLF106",
    "read-in-loop",
    "a query repeats in a loop although its answer is at hand",
    check,
    EXAMPLES,
    __doc__ or "",
    about=frozenset({Kind.READ}),
)
