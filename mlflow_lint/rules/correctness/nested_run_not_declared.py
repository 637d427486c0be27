"""
## What it does
Finds `start_run` without `nested=True` (or `parent_run_id`) while a run that the same code opened is still open. The
inner call may stand in a function of the project: then the finding is at the line that leads to it.

## Why it costs
MLflow raises `Run with UUID … is already active`, and the program ends there.

## Fix safety
Unsafe: `nested=True` makes the new run a child of the open one. If the earlier run should have ended by then, an
`end_run()` before the call is what is missing.

## Options
None.

## References
- MLflow: `mlflow/tracking/fluent.py` (`start_run`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.flow.sites import Attempt
from mlflow_lint.analysis.runs.lifecycle import undeclared
from mlflow_lint.analysis.runs.run_state import How, Moment
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Applicability, Edit, Finding, Fix, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Runs that are started while another is open."""
    for moments in context.flows:
        for moment in moments:
            starts = undeclared(moment) or (moment.passage is not None and moment.passage.starts is not None)
            if not starts or not moment.sure or not moment.state.runs or _is_tried(moment):
                continue
            open_run = moment.state.runs[-1]
            if open_run.how is How.HIDDEN or open_run.site.call is moment.site.call:
                continue
            called = "start_run" if moment.passage is None else f"{moment.chain[0].text} reaches start_run and"
            earlier = context.unit.where(open_run.site.call.span[0])
            message = (
                f"{called} opens a run while that of {earlier} is open: MLflow raises; pass nested=True, or end the "
                "earlier run first"
            )
            site, chain, fix = moment.site, (open_run.chain[0], *moment.chain), _fix(context, moment)
            yield rule.finding(context, site.call, site.statement, message, Severity.ERROR, chain, fix)


def _is_tried(moment: Moment) -> bool:
    """Whether the call stands where the code reckons with its failing."""
    opened = {id(frame) for frame in moment.state.runs[-1].site.frames}
    return any(isinstance(frame, Attempt) and id(frame) not in opened for frame in moment.site.frames)


def _fix(context: Context, moment: Moment) -> Fix | None:
    call = moment.site.call
    given = call.keyword("nested") or call.keyword("parent_run_id")
    if moment.passage is not None or given is not None or any(one.keyword is None for one in call.arguments[3:]):
        return None
    if call.arguments:
        at = call.arguments[-1].span[1]
        return Fix("Declare the run as nested", (Edit(at, at, ", nested=True"),), Applicability.UNSAFE)
    at = call.span[1] - 1
    if context.unit.text[at - 1 : at + 1] != "()":
        return None
    return Fix("Declare the run as nested", (Edit(at, at, "nested=True"),), Applicability.UNSAFE)


EXAMPLES = (
    Example(
        "a run for each fold, in the run of the model",
        """\
import mlflow

with mlflow.start_run(run_name="cross-validation"):
    for fold in range(3):
        with mlflow.start_run(run_name=f"fold-{fold}"):  # MLF406
            mlflow.log_metric("score", fold / 3)
""",
        """\
import mlflow

with mlflow.start_run(run_name="cross-validation"):
    for fold in range(3):
        with mlflow.start_run(run_name=f"fold-{fold}", nested=True):
            mlflow.log_metric("score", fold / 3)
""",
        Applicability.UNSAFE,
        """\
folds = 3
""",
    ),
    Example(
        "the earlier run was never ended",
        """\
import mlflow


def compare(models):
    mlflow.start_run(run_name="first")
    mlflow.log_param("models", len(models))
    mlflow.start_run(run_name="second")  # MLF406
    mlflow.log_param("models", len(models))
    mlflow.end_run()


compare(["linear", "tree"])
""",
        """\
import mlflow


def compare(models):
    mlflow.start_run(run_name="first")
    mlflow.log_param("models", len(models))
    mlflow.start_run(run_name="second", nested=True)
    mlflow.log_param("models", len(models))
    mlflow.end_run()


compare(["linear", "tree"])
""",
        Applicability.UNSAFE,
        """\
models = ("linear", "tree")
""",
    ),
    Example(
        "a function that opens a run of its own",
        """\
import mlflow


def train(model):
    with mlflow.start_run(run_name="training"):
        mlflow.log_param("model", model)


def main():
    with mlflow.start_run():
        train("linear")  # MLF406
""",
    ),
    Example(
        "declared as nested, or a child by its parent's id",
        """\
import mlflow

with mlflow.start_run() as parent:
    with mlflow.start_run(nested=True):
        mlflow.log_metric("score", 1.0)
    with mlflow.start_run(run_name="child", parent_run_id=parent.info.run_id):
        mlflow.log_metric("score", 2.0)


def child(name, nested=True):
    with mlflow.start_run():
        with mlflow.start_run(run_name=name, nested=nested):
            mlflow.log_metric("score", 1.0)
""",
    ),
    Example(
        "one run after the other",
        """\
import mlflow

with mlflow.start_run(run_name="first"):
    mlflow.log_metric("score", 1.0)
mlflow.start_run(run_name="second")
try:
    mlflow.log_metric("score", 2.0)
finally:
    mlflow.end_run()
for name in ("a", "b"):
    run = mlflow.start_run(run_name=name)
    mlflow.log_metric("score", 3.0)
    mlflow.end_run()
""",
    ),
    Example(
        "only if none is open, or after it was ended",
        """\
import mlflow


def resume(run_name, keep):
    if mlflow.active_run() is None:
        mlflow.start_run(run_name=run_name)
    elif not keep:
        mlflow.end_run()
        mlflow.start_run(run_name=run_name)


def start(run_name):
    mlflow.start_run(run_name=run_name)
    if mlflow.active_run() is not None:
        mlflow.end_run()
    mlflow.start_run(run_name=run_name)
    mlflow.end_run()
""",
    ),
)

RULE = Rule(
    "MLF406",
    "nested-run-not-declared",
    "a run is started while another is open, without nested=True",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.UNSAFE}),
    about=frozenset({Kind.RUN}),
)
