"""
## What it does
Finds a fluent write (`mlflow.log_metric`, `mlflow.set_tag`, …) without `run_id=` after `MlflowClient.create_run`, with
no `start_run` in between. Files that set `MLFLOW_RUN_ID`, or that start runs elsewhere, are left alone.

## Why it costs
`create_run` makes a run and does not activate it. The fluent call knows nothing of it and opens a second, hidden run;
the run that was made stays empty.

## Fix safety
No fix is offered here: either write through the client, which takes the run's id, or activate the run with
`mlflow.start_run(run_id=run.info.run_id)`.

## Options
None.

## References
- MLflow: `mlflow/tracking/client.py` (`create_run`), `mlflow/tracking/fluent.py` (`_get_or_start_run`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """The first fluent write beside each run that a client made."""
    if "MLFLOW_RUN_ID" in context.unit.text:
        return
    # Where runs are started, the caller of a function may have one open.
    flows = context.flows[:1] if "start_run" in context.unit.text else context.flows
    for moments in flows:
        seen: set[int] = set()
        for moment in moments:
            state = moment.state
            if not moment.writes or not state.made or state.runs or not state.certain:
                continue
            made, site = state.made[-1], moment.site
            if id(made.call) in seen:
                continue
            seen.add(id(made.call))
            called = moment.chain[0].text if moment.chain else "this call"
            message = (
                f"{called} writes to a hidden run that MLflow opens for it, not to the one that create_run made on "
                f"{context.unit.where(made.call.span[0])}; write through the client, or start_run(run_id=…) first"
            )
            chain = (context.step(made.call.span[0], "MlflowClient.create_run"), *moment.chain)
            yield rule.finding(context, site.call, site.statement, message, Severity.ERROR, chain)


EXAMPLES = (
    Example(
        "metrics beside the run that was made",
        """\
import mlflow
from mlflow.tracking import MlflowClient

client = MlflowClient()
run = client.create_run("0")
client.log_param(run.info.run_id, "seed", 1)
mlflow.log_metric("score", 1.0)  # MLF413
mlflow.log_metric("loss", 0.5)
client.set_terminated(run.info.run_id)
""",
    ),
    Example(
        "an upload in a function",
        """\
import mlflow


def publish(experiment, path):
    client = mlflow.MlflowClient()
    run = client.create_run(experiment, run_name="report")
    mlflow.log_artifact(path)  # MLF413
    return run.info.run_id
""",
    ),
    Example(
        "a helper that writes",
        """\
import mlflow


def describe(name):
    mlflow.set_tag("dataset", name)


run = mlflow.MlflowClient().create_run("0")
describe("digits")  # MLF413
""",
    ),
    Example(
        "the run is activated",
        """\
import mlflow

client = mlflow.MlflowClient()
run = client.create_run("0")
with mlflow.start_run(run_id=run.info.run_id):
    mlflow.log_metric("score", 1.0)
""",
    ),
    Example(
        "everything by id",
        """\
import mlflow

client = mlflow.MlflowClient()
run_id = client.create_run("0").info.run_id
client.log_metric(run_id, "score", 1.0)
mlflow.log_metric("loss", 0.5, run_id=run_id)
client.set_terminated(run_id)
mlflow.log_param("stage", "next")
""",
    ),
    Example(
        "a run is open around it",
        """\
import mlflow

client = mlflow.MlflowClient()
with mlflow.start_run():
    child = client.create_run("0")
    client.set_tag(child.info.run_id, "stage", "child")
    mlflow.log_metric("score", 1.0)


def copy(experiment):
    run = client.create_run(experiment)
    if mlflow.active_run() is not None:
        mlflow.set_tag("copy", run.info.run_id)
""",
    ),
)

RULE = Rule(
    "MLF413",
    "fluent-write-beside-client-run",
    "a fluent call writes to a hidden run beside the one a client made",
    check,
    EXAMPLES,
    __doc__ or "",
    about=frozenset({Kind.RUN}),
)
