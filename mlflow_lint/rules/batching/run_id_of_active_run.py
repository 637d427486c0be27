"""
## What it does
Finds `log_metric` and `log_metrics` with the `run_id=` of the run that is active right there: that of the `with` around
it, or `mlflow.active_run().info.run_id`. Params and artifacts take an id without fetching the run, and are not found.

## Why it costs
With `run_id=`, MLflow fetches the whole run before it writes: 2 requests and 12 SQL statements for a `log_metric`
that takes 1 request and 5 statements without it.

## Fix safety
No fix is offered here: leave `run_id=` out where the run is sure to be the active one.

## Options
`target-mlflow-version`: before 3.5 it makes no difference, and nothing is reported (read from the dependencies by
default).

## References
- MLflow: `mlflow/tracking/fluent.py` (`log_metric`, `log_metrics`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.names.meaning import External
from mlflow_lint.analysis.names.scopes import Entered, Value
from mlflow_lint.analysis.runs.run_state import How, Moment
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.releases import RUN_ID_FETCHES
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule, Status


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Writes that name the run that they would go to anyway."""
    if "run_id" not in context.unit.text or not context.target.has(RUN_ID_FETCHES):
        return
    for moments in context.flows:
        for moment in moments:
            api, site = moment.api, moment.site
            given = site.call.keyword("run_id")
            if api is None or api.client or api.kind is not Kind.METRIC or given is None:
                continue
            opened = _active(context, moment, given.value)
            if opened is None:
                continue
            message = (
                f"{api.label} names the run that is active here ({opened}): MLflow fetches the run first, 2 requests "
                "instead of 1; leave out run_id="
            )
            yield rule.finding(context, site.call, site.statement, message, Severity.INFO, moment.chain)


def _active(context: Context, moment: Moment, run_id: facts.Expression) -> str | None:
    """How it is known that an expression is the id of the active run, if it is."""
    place = moment.site.place
    if isinstance(run_id, facts.Name):
        holder = place.scope.holder(run_id.id)
        bindings = holder.bindings[run_id.id] if holder is not None else []
        if len(bindings) != 1 or not isinstance(bindings[0], Value) or bindings[0].unpacked:
            return None
        run_id = bindings[0].expression
        if _asks_for_active(context, moment, run_id):
            return None  # it was active where it was asked
    where = context.unit.where(moment.site.call.span[0])
    if _asks_for_active(context, moment, run_id):
        return f"active_run(), {where}"
    match run_id:
        case facts.Attribute(facts.Attribute(facts.Name(name), "info"), "run_id" | "run_uuid"):
            run = moment.state.runs[-1] if moment.state.runs and moment.state.certain else None
            holder = place.scope.holder(name)
            bindings = holder.bindings[name] if holder is not None else []
            if run is None or run.how is How.HIDDEN or run.name != name or len(bindings) != 1:
                return None
            if isinstance(bindings[0], (Entered, Value)):
                return f"opened by start_run, {context.unit.where(run.site.call.span[0])}"
    return None


def _asks_for_active(context: Context, moment: Moment, run_id: facts.Expression) -> bool:
    """Whether an expression is `mlflow.active_run().info.run_id`."""
    match run_id:
        case facts.Attribute(facts.Attribute(facts.Call() as call, "info"), "run_id" | "run_uuid"):
            target = context.effects.target(call, moment.site.place)
            return isinstance(target, External) and target.dotted in (
                "mlflow.active_run",
                "mlflow.tracking.fluent.active_run",
            )
    return False


EXAMPLES = (
    Example(
        "the run of the block",
        """\
import mlflow

with mlflow.start_run() as run:
    mlflow.log_metric("score", 1.0, run_id=run.info.run_id)  # MLF209
""",
    ),
    Example(
        "by a name of its own",
        """\
import mlflow


def train(epochs):
    with mlflow.start_run() as run:
        run_id = run.info.run_id
        for epoch in range(epochs):
            loss = train_epoch()
            mlflow.log_metrics({"loss": loss}, step=epoch, run_id=run_id)  # MLF209
""",
    ),
    Example(
        "what is active, asked",
        """\
import mlflow


def log(metrics, step):
    mlflow.log_metrics(metrics, step=step, run_id=mlflow.active_run().info.run_id)  # MLF209
""",
    ),
    Example(
        "the run around, while a child is active",
        """\
import mlflow

with mlflow.start_run() as parent:
    with mlflow.start_run(nested=True) as child:
        mlflow.log_metric("score", 1.0, run_id=parent.info.run_id)
        mlflow.log_metric("score", 2.0)
""",
    ),
    Example(
        "another run, or one that may be another",
        """\
import mlflow


def log(run_id, score):
    mlflow.log_metric("score", score, run_id=run_id)
    with mlflow.start_run():
        mlflow.log_metric("score", score, run_id=run_id)


def later(score):
    with mlflow.start_run() as run:
        mlflow.log_metric("score", score)
    mlflow.log_metric("final", score, run_id=run.info.run_id)
""",
    ),
    Example(
        "no id, or a call that does not fetch the run",
        """\
import mlflow

with mlflow.start_run() as run:
    mlflow.log_metric("score", 1.0)
    mlflow.log_params({"seed": 1}, run_id=run.info.run_id)
    print(run.info.run_id)
""",
    ),
)

RULE = Rule(
    "MLF209",
    "run-id-of-active-run",
    "a metric names the run that is active anyway, and MLflow fetches it first",
    check,
    EXAMPLES,
    __doc__ or "",
    Status.PREVIEW,
    about=frozenset({Kind.METRIC}),
)
