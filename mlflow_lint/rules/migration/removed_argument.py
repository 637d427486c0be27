"""
## What it does
Finds arguments that a call of MLflow took once and no longer takes in the version that the project is for:
`every_n_iter=` of the TensorFlow autologging, `custom_metrics=` of `mlflow.evaluate`, `code_path=` of
`mlflow.pyfunc.log_model`, `use_conda=` of `mlflow.run`, `request_ids=` of `MlflowClient.delete_traces`, and others.
`request_id=` of the calls for traces is found for targets from 3.0 to 3.3; from 3.4 on MLflow takes it again.

## Why it costs
The call raises a `TypeError`: a training that logs at its end loses what it has computed.

## Fix safety
No fix is offered: the new argument rarely means quite the same.

## Options
`target-mlflow-version`: the oldest version of MLflow that the code is for (read from the dependencies by default).

## References
- MLflow: `CHANGELOG.md`, 2.0.0 and 3.0.0 (breaking changes)
- MLflow: `mlflow/tracking/client.py`, `mlflow/models/evaluation/base.py`, `mlflow/pyfunc/__init__.py`
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.migration.calls import named_calls
from mlflow_lint.facts.releases import written
from mlflow_lint.facts.removed_arguments import REMOVED_ARGUMENTS
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule

_CALLED = frozenset(removed.called for removed in REMOVED_ARGUMENTS)


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Arguments that the target version refuses."""
    for called, site in named_calls(context.effects, context.touching_bodies):
        if called not in _CALLED:
            continue
        for removed in REMOVED_ARGUMENTS:
            if (
                removed.called == called
                and site.call.keyword(removed.name)
                and removed.is_refused(context.target.release)
            ):
                label = called.removeprefix("mlflow.")
                message = (
                    f"{label} has taken no {removed.name}= since MLflow {written(removed.removed)} and raises a "
                    f"TypeError for it; {removed.instead}"
                )
                chain = (context.step(site.call.span[0], f"{label} with {removed.name}="),)
                yield rule.finding(context, site.call, site.statement, message, Severity.WARNING, chain)
                break


EXAMPLES = (
    Example(
        "metrics of one's own for an evaluation",
        """\
import mlflow


def main():
    with mlflow.start_run():
        result = mlflow.evaluate(model, data, targets="y", model_type="regressor", custom_metrics=[spread])  # MLF702
        mlflow.log_metrics(result.metrics)
""",
    ),
    Example(
        "the interval of TensorFlow's autologging",
        """\
import mlflow
import mlflow.tensorflow

mlflow.tensorflow.autolog(every_n_iter=1)  # MLF702
mlflow.langchain.autolog(log_models=True, log_traces=True)  # MLF702
""",
    ),
    Example(
        "modules to pack with a model",
        """\
import mlflow
from mlflow import pyfunc

with mlflow.start_run():
    pyfunc.log_model(name="model", python_model=model, code_path=["src"])  # MLF702
    pyfunc.log_model(name="model", python_model=model, example_no_conversion=True)  # MLF702
""",
    ),
    Example(
        "traces by the name they had in MLflow 2, in a project for 3.1",
        """\
from mlflow import MlflowClient

client = MlflowClient()
trace = client.get_trace(request_id=request_id)  # MLF702
client.set_trace_tag(request_id=request_id, key="reviewed", value="yes")  # MLF702
client.delete_traces("0", request_ids=[request_id])  # MLF702
""",
        files=(("requirements.txt", "mlflow~=3.1\n"),),
    ),
    Example(
        "a name that MLflow 3.4 takes again",
        """\
from mlflow import MlflowClient

client = MlflowClient()
trace = client.get_trace(request_id=request_id)
client.set_trace_tag(request_id=request_id, key="reviewed", value="yes")
""",
        files=(("requirements.txt", "mlflow>=3.4\n"),),
    ),
    Example(
        "a project for MLflow 2",
        """\
import mlflow

mlflow.tensorflow.autolog(every_n_iter=1)
result = mlflow.evaluate(model, data, targets="y", model_type="regressor", custom_metrics=[spread])
""",
        files=(("requirements.txt", "mlflow==2.16.2\n"),),
    ),
    Example(
        "what these calls take, and arguments of that name elsewhere",
        """\
import mlflow


def main():
    with mlflow.start_run():
        result = mlflow.evaluate(model, data, targets="y", model_type="regressor", extra_metrics=[spread])
        mlflow.log_metrics(result.metrics)


mlflow.tensorflow.autolog(log_every_epoch=False, log_every_n_steps=100)
mlflow.pyfunc.log_model(name="model", python_model=model, code_paths=["src"])
respond(request_id=7)
""",
    ),
)

RULE = Rule(
    "MLF702",
    "removed-argument",
    "an argument that MLflow no longer takes",
    check,
    EXAMPLES,
    __doc__ or "",
)
