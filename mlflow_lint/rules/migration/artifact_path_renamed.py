"""
## What it does
Finds `artifact_path=` in the `log_model` of a flavor: `mlflow.sklearn.log_model(model, artifact_path="model")`. In
MLflow 3 a model is no longer a folder of its run but has a name, and the argument is `name=`. Code for a target version
below 3.0 is left alone, and so are `mlflow.spark`, whose `log_model` takes no name, and calls that the code makes for
older versions only (under a test of the version or of what the function takes, or where a `TypeError` is caught).

## Why it costs
MLflow 3 takes `artifact_path` as a deprecated word for `name` and logs a warning at each call; a later version will
raise for it.

## Fix safety
The fix renames the keyword. MLflow does the same with either, so it is safe where the settings or the project's
dependencies say that MLflow is 3.0 or later. Where nothing says so it is unsafe: MLflow 2 raises for `name=`.

## Options
`target-mlflow-version`: the oldest version of MLflow that the code is for (read from the dependencies by default).

## References
- MLflow: `mlflow/models/model.py` (`Model.log`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.migration.calls import named_calls
from mlflow_lint.facts.releases import MODEL_NAME, NAMED_FLAVORS
from mlflow_lint.findings import Applicability, Finding, Severity
from mlflow_lint.fixes.keywords import renamed_keyword
from mlflow_lint.rules.base import Example, Rule

_CALLS = frozenset(f"mlflow.{flavor}.log_model" for flavor in NAMED_FLAVORS)
_OLD, _NEW = "artifact_path", "name"


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Models that are logged under a path."""
    if _OLD not in context.unit.text or not context.target.has(MODEL_NAME):
        return
    applicability = Applicability.SAFE if context.target.is_stated else Applicability.UNSAFE
    for called, site in named_calls(context.effects, context.touching_bodies):
        given = site.call.keyword(_OLD)
        if called in _CALLS and given is not None:
            label = called.removeprefix("mlflow.")
            message = (
                f"{label} has taken {_OLD}= only as a deprecated word for {_NEW}= since MLflow 3.0, and warns at each "
                f"call; pass {_NEW}="
            )
            chain = (context.step(site.call.span[0], f"{label} with {_OLD}="),)
            fix = renamed_keyword(context.unit.text, site.call, given, _NEW, applicability)
            yield rule.finding(context, site.call, site.statement, message, Severity.INFO, chain, fix)


_PROJECT = (("requirements.txt", "mlflow>=3.1\nscikit-learn\n"),)
_SETUP = """\
import mlflow.pyfunc


class Mean(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[float]):
        return [sum(model_input) / len(model_input)]


model = Mean()
"""

EXAMPLES = (
    Example(
        "a model with a path, MLflow 3 required",
        """\
import mlflow

with mlflow.start_run():
    mlflow.pyfunc.log_model(artifact_path="model", python_model=model, pip_requirements=[])  # MLF701
    mlflow.pyfunc.log_model(  # MLF701
        python_model=model,
        artifact_path = "best",  # the best of them
        pip_requirements=[],
    )
""",
        fixed="""\
import mlflow

with mlflow.start_run():
    mlflow.pyfunc.log_model(name="model", python_model=model, pip_requirements=[])
    mlflow.pyfunc.log_model(
        python_model=model,
        name = "best",  # the best of them
        pip_requirements=[],
    )
""",
        applicability=Applicability.SAFE,
        setup=_SETUP,
        files=_PROJECT,
    ),
    Example(
        "nothing says which MLflow",
        """\
import mlflow

with mlflow.start_run():
    mlflow.pyfunc.log_model(artifact_path="model", python_model=model, pip_requirements=[])  # MLF701
""",
        fixed="""\
import mlflow

with mlflow.start_run():
    mlflow.pyfunc.log_model(name="model", python_model=model, pip_requirements=[])
""",
        applicability=Applicability.UNSAFE,
        setup=_SETUP,
    ),
    Example(
        "a flavor under another name, and a name beside the path",
        """\
import mlflow.sklearn as flavor


def save(estimator, path, **options):
    flavor.log_model(estimator, artifact_path=path, name=None, registered_model_name="churn", **options)  # MLF701
""",
        files=_PROJECT,
    ),
    Example(
        "a project that MLflow 2 is enough for",
        """\
import mlflow

with mlflow.start_run():
    mlflow.sklearn.log_model(model, artifact_path="model")
""",
        files=(("requirements.txt", "mlflow>=2.9,<4\n"),),
    ),
    Example(
        "Spark, which has no name, and what is named or in order",
        """\
import mlflow
from mlflow import MlflowClient

mlflow.spark.log_model(model, artifact_path="model")
mlflow.sklearn.log_model(model, name="model")
mlflow.sklearn.log_model(model, "model")
""",
    ),
    Example(
        "one form for each version",
        """\
import mlflow
from packaging.version import Version

try:
    mlflow.sklearn.log_model(model, name="model")
except TypeError:
    mlflow.sklearn.log_model(model, artifact_path="model")

if Version(mlflow.__version__) >= Version("3"):
    mlflow.sklearn.log_model(model, name="model")
else:
    mlflow.sklearn.log_model(model, artifact_path="model")
""",
    ),
    Example(
        "one form for each version, by what the function takes",
        """\
import inspect

import mlflow


def takes_name():
    taken = inspect.signature(mlflow.sklearn.log_model).parameters
    return "name" in taken


class Registry:
    def __init__(self):
        self.named = mlflow.__version__ >= "3"

    def add(self, model):
        if not self.named:
            mlflow.sklearn.log_model(model, artifact_path="model")


if takes_name():
    mlflow.sklearn.log_model(model, name="model")
else:
    mlflow.sklearn.log_model(model, artifact_path="model")
""",
    ),
    Example(
        "paths of artifacts, and a log_model of the project",
        """\
import mlflow


class Tracker:
    def log_model(self, model, artifact_path):
        mlflow.sklearn.log_model(model, name=artifact_path)


Tracker().log_model(model, artifact_path="model")
mlflow.log_artifact("model.onnx", artifact_path="models")
mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="model")
""",
    ),
)

RULE = Rule(
    "MLF701",
    "artifact-path-renamed",
    "log_model is given artifact_path=, which MLflow 3 calls name=",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.SAFE, Applicability.UNSAFE}),
)
