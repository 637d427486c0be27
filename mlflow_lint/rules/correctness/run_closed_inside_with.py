"""
## What it does
Finds `end_run()` inside the `with start_run():` block of the run that it ends, and `with mlflow.active_run():`, whose
end does the same, when something is still written afterwards in the block.

An `end_run()` that is the last thing of its block is only redundant, and not found.

## Why it costs
What is written after the run was ended goes to another run: to the one around it, or to one that MLflow opens for it
and that nobody asked for.

## Fix safety
The `end_run()` goes, and what is written after it stays in the run, which ends with the block. Unsafe: it changes where
the data lands, which is what it is for. Not offered for an `end_run` that sets a status or is the only statement under
its test, and for `with mlflow.active_run():`, where the code has to say whether that run is to end there.

## Options
None.

## References
- MLflow: `mlflow/tracking/fluent.py` (`end_run`, `ActiveRun.__exit__`, `_get_or_start_run`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.runs.run_state import How, Moment
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Applicability, Finding, Severity
from mlflow_lint.fixes.drop import drop_end
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Runs of a `with` that end before their block, with writes after it."""
    for moments in context.flows:
        seen: set[int] = set()
        for moment in moments:
            if not moment.state.ended or not moment.writes:
                continue
            ended = moment.state.ended[-1]
            site = ended.by
            if id(site.call) in seen or (moment.state.runs and _is_newer(moment, site.call.span[0])):
                continue
            seen.add(id(site.call))
            opened = context.unit.where(ended.run.site.call.span[0])
            elsewhere = moment.state.runs and moment.state.runs[-1].how is not How.HIDDEN
            target = "the run around it" if elsewhere else "a hidden run"
            written = context.unit.where(moment.site.call.span[0])
            message = (
                f"the run of {opened} ends here, inside its with block: what {written} writes goes to {target}; leave "
                "ending it to the block"
            )
            chain = (*ended.run.chain, context.step(site.call.span[0], "the run ends"), *moment.chain)
            own = site.api is not None
            fix = drop_end(site) if own else None
            yield rule.finding(context, site.call, site.statement, message, Severity.ERROR, chain, fix)


def _is_newer(moment: Moment, ended: int) -> bool:
    """Whether the active run was started after the other had ended."""
    last = moment.state.runs[-1]
    return last.how is not How.HIDDEN and last.site.call.span[0] > ended


EXAMPLES = (
    Example(
        "metrics after the end of the run",
        """\
import mlflow

with mlflow.start_run():
    mlflow.log_param("seed", 1)
    mlflow.end_run()  # MLF411
    mlflow.log_metric("score", 1.0)
""",
        """\
import mlflow

with mlflow.start_run():
    mlflow.log_param("seed", 1)
    mlflow.log_metric("score", 1.0)
""",
        Applicability.UNSAFE,
        setup="""\
seed = 1
""",
    ),
    Example(
        "a child that ends before its block",
        """\
import mlflow

with mlflow.start_run(run_name="parent"):
    with mlflow.start_run(run_name="child", nested=True):
        print("evaluated")
        mlflow.end_run()  # MLF411
        mlflow.log_metric("score", 1.0)
""",
        """\
import mlflow

with mlflow.start_run(run_name="parent"):
    with mlflow.start_run(run_name="child", nested=True):
        print("evaluated")
        mlflow.log_metric("score", 1.0)
""",
        Applicability.UNSAFE,
        setup="""\
seed = 1
""",
    ),
    Example(
        "the active run as a block",
        """\
import mlflow

with mlflow.start_run():
    with mlflow.active_run():  # MLF411
        mlflow.log_param("seed", 1)
    mlflow.log_metric("score", 1.0)
""",
    ),
    Example(
        "the last thing of the block",
        """\
import mlflow

with mlflow.start_run():
    mlflow.log_metric("score", 1.0)
    print("done")
    mlflow.end_run()

with mlflow.start_run():
    with mlflow.active_run() as run:
        mlflow.log_metric("score", 1.0)
    print(run.info.run_id)
""",
    ),
    Example(
        "on the way out",
        """\
import mlflow

with mlflow.start_run():
    try:
        score = 1.0
    except ValueError:
        mlflow.end_run(status="KILLED")
        raise
    mlflow.log_metric("score", score)


def train(batches):
    with mlflow.start_run():
        if not batches:
            mlflow.end_run(status="FAILED")
            return
        mlflow.log_metric("batches", len(batches))
""",
    ),
    Example(
        "before the block, or followed by a run of its own",
        """\
import mlflow
from mlflow import MlflowClient

mlflow.end_run()
with mlflow.start_run() as run:
    mlflow.log_metric("score", 1.0)
    mlflow.end_run()
    MlflowClient().set_tag(run.info.run_id, "stage", "done")
    with mlflow.start_run(run_name="second"):
        mlflow.log_metric("score", 2.0)
""",
    ),
)

RULE = Rule(
    "MLF411",
    "run-closed-inside-with",
    "a run is ended inside its with block, and something is written after it",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.UNSAFE}),
    about=frozenset({Kind.RUN}),
)
