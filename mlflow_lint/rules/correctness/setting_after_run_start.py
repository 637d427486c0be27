"""
## What it does
Finds `set_tracking_uri` and `set_experiment` in the flow of a body in which a run is still open. The same call made
before the run was started changes nothing when it is repeated, and is not found.

## Why it costs
`set_tracking_uri` sends all later calls to another store, which does not know the run: they raise
`Run with id=… not found`, and the run stays `RUNNING` where it was. `set_experiment` leaves the open run where it is;
only nested runs go to the new experiment.

## Fix safety
No fix is offered here: move the call before the run is started.

## Options
None.

## References
- MLflow: `mlflow/tracking/fluent.py` (`set_experiment`), `mlflow/tracking/_tracking_service/utils.py`
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.flow.sites import Rescue
from mlflow_lint.analysis.runs.run_state import Moment
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule

_EFFECTS = {
    "set_tracking_uri": "the run stays behind in the old store, and later calls do not find it",
    "set_experiment": "the run stays in the experiment that it has",
}


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Settings that come too late; one per kind and run."""
    for moments in context.flows:
        seen: set[tuple[str, int]] = set()
        for index, moment in enumerate(moments):
            api, site = moment.api, moment.site
            if api is None or api.client or api.name not in _EFFECTS or not moment.state.runs:
                continue
            run = moment.state.runs[-1]
            rescued = any(isinstance(frame, Rescue) for frame in site.frames)
            if (api.name, id(run)) in seen or rescued or not moment.sure or _is_set_already(moment, moments[:index]):
                continue
            seen.add((api.name, id(run)))
            opened = context.unit.where(run.site.call.span[0])
            message = f"{api.name} runs while the run of {opened} is open: {_EFFECTS[api.name]}; call it earlier"
            chain = (*run.chain, *moment.chain)
            yield rule.finding(context, site.call, site.statement, message, Severity.ERROR, chain)


def _is_set_already(moment: Moment, earlier: tuple[Moment, ...]) -> bool:
    """Whether the last such call before says the same."""
    same = [one for one in earlier if one.api is moment.api]
    return bool(same) and same[-1].site.call == moment.site.call


EXAMPLES = (
    Example(
        "the store, in the run",
        """\
import mlflow

with mlflow.start_run():
    mlflow.set_tracking_uri("http://localhost:5000")  # MLF407
    mlflow.log_metric("score", 1.0)
""",
    ),
    Example(
        "the experiment, after the run was started",
        """\
import mlflow


def train(config):
    mlflow.start_run(run_name=config.name)
    mlflow.set_experiment(config.experiment)  # MLF407
    mlflow.log_params(config.values)
    mlflow.end_run()
""",
    ),
    Example(
        "the next experiment, the run still open",
        """\
import mlflow

mlflow.set_experiment("first")
mlflow.start_run()
mlflow.log_metric("score", 1.0)
mlflow.set_experiment("second")  # MLF407
mlflow.log_metric("score", 2.0)
""",
    ),
    Example(
        "before the run, and between runs",
        """\
import mlflow

mlflow.set_tracking_uri("http://localhost:5000")
mlflow.set_experiment("first")
with mlflow.start_run():
    mlflow.log_metric("score", 1.0)
mlflow.set_experiment("second")
mlflow.start_run()
mlflow.log_metric("score", 2.0)
mlflow.end_run()
mlflow.set_experiment("third")
""",
    ),
    Example(
        "set back once the run has ended",
        """\
import mlflow


def copy(uri, metrics):
    before = mlflow.get_tracking_uri()
    try:
        mlflow.set_tracking_uri(uri)
        with mlflow.start_run():
            mlflow.log_metrics(metrics)
    finally:
        mlflow.set_tracking_uri(before)
""",
    ),
    Example(
        "said again",
        """\
import mlflow

mlflow.set_experiment("digits")
with mlflow.start_run():
    mlflow.set_experiment("digits")
    mlflow.log_metric("score", 1.0)


def finish(failed):
    mlflow.start_run()
    if failed:
        mlflow.end_run("FAILED")
    mlflow.set_experiment("next")
""",
    ),
)

RULE = Rule(
    "MLF407",
    "setting-after-run-start",
    "the tracking store or experiment is set while a run is open",
    check,
    EXAMPLES,
    __doc__ or "",
    about=frozenset({Kind.SETUP}),
)
