"""
## What it does
Finds `start_run()` in a function or a loop that is no `with` block, where nothing in the function, its class or the
file ends a run. A run that is started only if none is open is left alone, and so is one that is returned, or handed
to something that may end it.

A run that is started at the top of a program or notebook, or in the one function that a program consists of, is not
found: MLflow ends it when the program ends.

## Why it costs
The run stays open after the function has returned. The next `start_run` raises `Run with UUID … is already active`,
and whatever is logged in between lands in the old run. If the function fails, the run is recorded as finished.

## Fix safety
No fix is offered here: where the run should end is for you to say. `with mlflow.start_run():` ends it with the block,
also after an exception, and records that as a failure.

## Options
None.

## References
- MLflow: `mlflow/tracking/fluent.py` (`start_run`, `end_run`, `ActiveRun`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.correctness.left_open import left_open
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Runs that nothing ends."""
    for found in left_open(context):
        site = found.site
        message = (
            f"the run stays open after {found.where}, since nothing in this file ends it: the next start_run raises, "
            "and what is logged until then lands in this run; write with mlflow.start_run():"
        )
        chain = (context.step(site.call.span[0], "start_run"),)
        yield rule.finding(context, site.call, site.statement, message, Severity.ERROR, chain)


EXAMPLES = (
    Example(
        "a helper that starts a run and gives back its id",
        """\
import mlflow


class Competition:
    def start(self, name, tags):
        run = mlflow.start_run(run_name=name, tags=tags)  # MLF405
        mlflow.log_param("competition", self.name)
        return run.info.run_id


def train(config):
    mlflow.start_run(run_name=config.name)  # MLF405
    mlflow.log_params(config.values)
    fit(config)


def sweep(configs):
    for config in configs:
        train(config)
""",
    ),
    Example(
        "a run for each trial, none of which ends",
        """\
import mlflow

for seed in range(3):
    mlflow.start_run(run_name=f"seed-{seed}")  # MLF405
    mlflow.log_param("seed", seed)
""",
    ),
    Example(
        "a logger that opens and never closes",
        """\
import mlflow


class Logger:
    def __init__(self, experiment):
        mlflow.set_experiment(experiment)
        self.run = mlflow.start_run()  # MLF405

    def log(self, metrics, step):
        mlflow.log_metrics(metrics, step=step)
""",
    ),
    Example(
        "the program itself",
        """\
import mlflow


def main():
    mlflow.start_run()
    mlflow.log_metric("score", 1.0)


if __name__ == "__main__":
    main()
""",
    ),
    Example(
        "another method, or the caller, ends it",
        """\
import mlflow


class Tracker:
    def __enter__(self):
        self.run = mlflow.start_run()
        return self

    def __exit__(self, *exception):
        mlflow.end_run()


def fit(seed):
    mlflow.start_run(run_name=f"seed-{seed}")
    mlflow.log_param("seed", seed)


def sweep():
    for seed in range(3):
        fit(seed)
        mlflow.end_run()
""",
    ),
    Example(
        "the run is handed on, or taken up by whoever finds it",
        """\
import mlflow


def open_run(name):
    return mlflow.start_run(run_name=name)


def prepare(name):
    run = mlflow.start_run(run_name=name)
    mlflow.set_tag("stage", "prepared")
    return run


def train(stack, name):
    stack.enter(mlflow.start_run(run_name=name))


def ensure(name):
    if mlflow.active_run() is None:
        mlflow.start_run(run_name=name)


def evaluate(name):
    run = mlflow.start_run(run_name=name)
    with run:
        mlflow.log_metric("score", 1.0)
""",
    ),
)

RULE = Rule(
    "MLF405",
    "run-left-open",
    "a run that is started in a function or loop is never ended",
    check,
    EXAMPLES,
    __doc__ or "",
    about=frozenset({Kind.RUN}),
)
