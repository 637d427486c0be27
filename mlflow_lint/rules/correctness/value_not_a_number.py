"""
## What it does
Finds metric values that are plainly no number: strings, lists, tuples, sets, dicts, comprehensions and `None`, in the
call or under a name that is bound to nothing else, and text that is put together from numbers: f-strings, `"…" % x`,
`"…".format(x)`.

## Why it costs
MLflow converts a value by `float`. For a list, a dict or `None` that raises, and the training ends or the point is
lost. Text passes if it happens to read as a number, but what the format has cut off is gone: `f"{loss:.4f}"` records
0.0 for a loss of 0.00004, and `f"{accuracy:.1%}"` raises.

## Fix safety
No fix is offered here: write the number itself, one key for each item of a list, or a param or tag for text.

## Options
None.

## References
- MLflow: `mlflow/tracking/metric_value_conversion_utils.py`
- MLflow: `mlflow/utils/validation.py` (`_validate_metric`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.names.constants import bound_once, is_formatted
from mlflow_lint.analysis.names.meaning import Place
from mlflow_lint.analysis.writes.written import entries, expects_failure
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.traverse import shown
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule

_TEXT = "text"
_DISPLAYS = {"tuple": "a tuple", "list": "a list", "set": "a set", "dict": "a dict", "generator": "a generator"}


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Values that are no numbers: the first of each call."""
    effects = context.effects
    for body in context.touching_bodies:
        for site in effects.touching(body):
            api = site.api
            if api is None or api.kind not in (Kind.METRIC, Kind.BATCH) or expects_failure(site):
                continue
            for entry in entries(effects, site):
                if entry.kind is not Kind.METRIC or entry.value is None:
                    continue
                what = _no_number(entry.value, entry.place)
                if what is None:
                    continue
                key = shown(entry.key)
                chain = (context.step(site.call.span[0], f"the value of {key} is {what}"),)
                message = f"{api.label} gets {what} as the value of {key}: {_consequence(what)}"
                yield rule.finding(context, site.call, site.statement, message, Severity.WARNING, chain)
                break


def _consequence(what: str) -> str:
    if what == _TEXT:
        return (
            "it raises unless that reads as a number, and the digits that were cut off are lost; log the number itself"
        )
    if what == "a string":
        return "it raises unless that reads as a number; log a number, or write text as a param or tag"
    if what == "no value":
        return "it raises; leave the call out where there is no value"
    return "it raises, since a metric is one number; log one number under each key"


def _no_number(value: facts.Expression, place: Place) -> str | None:
    """What a value is instead of a number, in words."""
    if is_formatted(value):
        return _TEXT
    match value:
        case facts.Constant(str()):
            return "a string"
        case facts.Constant(None):
            return "no value"
        case facts.Collection(kind) | facts.Comprehension(kind):
            return _DISPLAYS[kind]
        case facts.Mapping():
            return "a dict"
        case facts.Name(name):
            bound = bound_once(name, place)
            if bound is not None and not isinstance(bound[0], facts.Name):
                return _no_number(*bound)
    return None


EXAMPLES = (
    Example(
        "a formatted string",
        """\
import mlflow

mlflow.log_metric("loss", f"{loss:.4f}", step=epoch)  # MLF408
mlflow.log_metric("accuracy", "%.2f" % accuracy, step=epoch)  # MLF408
mlflow.log_metric("f1", "{:.3f}".format(f1), step=epoch)  # MLF408
""",
    ),
    Example(
        "a string, a list, a tuple, a dict, None",
        """\
import mlflow

mlflow.log_metric("status", "done")  # MLF408
mlflow.log_metric("losses", [0.3, 0.2])  # MLF408
mlflow.log_metric("shape", (3, 4))  # MLF408
mlflow.log_metric("report", {"f1": 0.9})  # MLF408
mlflow.log_metric("best", None)  # MLF408
""",
    ),
    Example(
        "one entry of many, and a name that is bound to nothing else",
        """\
import mlflow

losses = []
for batch in batches:
    losses.append(compute(batch))
mlflow.log_metrics({"count": len(losses), "losses": losses})  # MLF408
mlflow.log_metric("scores", [score(batch) for batch in batches])  # MLF408
""",
    ),
    Example(
        "numbers, and what nobody can see",
        """\
import mlflow

mlflow.log_metric("loss", 0.25)
mlflow.log_metric("count", len(losses))
mlflow.log_metric("loss", loss.item())
mlflow.log_metric("passed", True)
mlflow.log_metric("mean", sum(losses) / len(losses))
mlflow.log_metrics({"loss": losses[-1], "rate": float(f"{rate:.4f}")})
""",
    ),
    Example(
        "names that may be something else by then",
        """\
import mlflow

best = None
for batch in batches:
    best = max(best or 0, score(batch))
mlflow.log_metric("best", best)
metrics = {"loss": None, "accuracy": None}
metrics["loss"] = evaluate()
mlflow.log_metrics(metrics)
""",
    ),
    Example(
        "params and tags are text",
        """\
import mlflow

mlflow.log_param("layers", [64, 32])
mlflow.log_params({"name": f"run-{index}", "seed": None})
mlflow.set_tag("status", "done")
""",
    ),
)

RULE = Rule(
    "MLF408",
    "value-not-a-number",
    "a metric value that is a string, a list, a dict or None",
    check,
    EXAMPLES,
    __doc__ or "",
    about=frozenset({Kind.METRIC, Kind.BATCH}),
)
