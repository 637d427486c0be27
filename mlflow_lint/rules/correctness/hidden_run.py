"""
## What it does
Finds a fluent write (`log_param`, `set_tag`, `log_artifact`, …) that stands before the `start_run` of the same flow.
The write may be made by a function of the project: then the finding is at the call of that function.

## Why it costs
Without an active run MLflow opens one for the write. What is written lands in that run, which has no name of yours,
and the `start_run` that follows raises `Run with UUID … is already active`.

## Fix safety
No fix is offered here: move the write into the run that it belongs to.

## Options
None.

## References
- MLflow: `mlflow/tracking/fluent.py` (`_get_or_start_run`, `start_run`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.flow.sites import Attempt
from mlflow_lint.analysis.runs.lifecycle import undeclared
from mlflow_lint.analysis.runs.run_state import How
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Writes before the run they were meant for."""
    for moments in context.flows:
        seen: set[int] = set()
        for moment in moments:
            starts = undeclared(moment) or (moment.passage is not None and moment.passage.starts is not None)
            if not starts or not moment.sure or not moment.state.runs:
                continue
            run, site = moment.state.runs[-1], moment.state.runs[-1].site
            tried = any(isinstance(frame, Attempt) for frame in moment.site.frames)
            if run.how is not How.HIDDEN or site.call is moment.site.call or id(site.call) in seen or tried:
                continue
            seen.add(id(site.call))
            writes = run.chain[-1].text
            if len(run.chain) > 1:
                writes = f"{run.chain[0].text} reaches {writes} ({run.chain[-1].place}), which"
            start = context.unit.where(moment.site.call.span[0])
            message = (
                f"{writes} runs before the start_run of {start}: MLflow opens a hidden run for it, and that start_run "
                "raises; write after the run was started"
            )
            yield rule.finding(context, site.call, site.statement, message, Severity.ERROR, (*run.chain, *moment.chain))


EXAMPLES = (
    Example(
        "parameters before the run",
        """\
import mlflow

mlflow.set_experiment("digits")
mlflow.log_param("seed", 1)  # MLF409
with mlflow.start_run():
    mlflow.log_metric("score", 1.0)
""",
    ),
    Example(
        "tags before the run, in a function",
        """\
import mlflow


def train(config):
    mlflow.set_tags({"stage": "train"})  # MLF409
    mlflow.log_params(config)
    mlflow.start_run()
    mlflow.log_metric("score", 1.0)
    mlflow.end_run()
""",
    ),
    Example(
        "a helper writes",
        """\
import mlflow


def describe(name):
    mlflow.set_tag("dataset", name)


def main():
    describe("digits")  # MLF409
    with mlflow.start_run():
        mlflow.log_metric("score", 1.0)
""",
    ),
    Example(
        "nothing starts a run here",
        """\
import mlflow

mlflow.set_tag("experiment", "digits")
mlflow.log_param("seed", 1)


def log(metrics):
    mlflow.log_metrics(metrics)
""",
    ),
    Example(
        "set-up before the run, and writes by id",
        """\
import mlflow
from mlflow import MlflowClient


def train(parent):
    mlflow.set_experiment("digits")
    mlflow.autolog()
    mlflow.log_metric("started", 1.0, run_id=parent)
    MlflowClient().set_tag(parent, "stage", "train")
    with mlflow.start_run():
        mlflow.log_metric("score", 1.0)
""",
    ),
    Example(
        "the run of the write is ended, or the new one is its child",
        """\
import mlflow


def first(score):
    mlflow.log_metric("score", score)
    mlflow.end_run()
    with mlflow.start_run():
        mlflow.log_metric("score", score)


def second(score):
    mlflow.log_metric("score", score)
    with mlflow.start_run(nested=True):
        mlflow.log_metric("score", score)


def third(score, tracked):
    if tracked:
        mlflow.log_metric("score", score)
        return
    with mlflow.start_run():
        mlflow.log_metric("score", score)
""",
    ),
)

RULE = Rule(
    "MLF409",
    "hidden-run",
    "a write before start_run makes MLflow open a run of its own",
    check,
    EXAMPLES,
    __doc__ or "",
    about=frozenset({Kind.RUN}),
)
