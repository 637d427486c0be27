"""
## What it does
Finds the calls for the stages of registered models: `transition_model_version_stage`, and `get_latest_versions` that is
given stages. Code for a target version below 2.9 is left alone.

## Why it costs
Stages are deprecated since MLflow 2.9 and are to be removed; each call warns. The registry of Unity Catalog has none,
and raises. A version can have any number of aliases, which say what stages said and more.

## Fix safety
No fix is offered: what reads the model by its stage has to change at the same time.

## Options
`target-mlflow-version`: the oldest version of MLflow that the code is for (read from the dependencies by default).

## References
- MLflow: `mlflow/tracking/client.py` (`_STAGES_DEPRECATION_WARNING`)
- MLflow: https://mlflow.org/docs/latest/ml/model-registry/#migrating-from-stages
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.migration.calls import named_calls
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.releases import ALIASES
from mlflow_lint.facts.traverse import argument
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule

_INSTEAD = {
    "MlflowClient.transition_model_version_stage": "set_registered_model_alias(name, alias, version)",
    "MlflowClient.get_latest_versions": "get_model_version_by_alias(name, alias)",
}


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Calls that set a stage or ask by it."""
    for called, site in named_calls(context.effects, context.touching_bodies):
        if called in _INSTEAD and _is_about_stages(called, site.call) and context.target.has(ALIASES):
            message = (
                f"{called} works with stages of models, which MLflow has deprecated since 2.9 and will remove; use "
                f"aliases: {_INSTEAD[called]}"
            )
            chain = (context.step(site.call.span[0], called),)
            yield rule.finding(context, site.call, site.statement, message, Severity.INFO, chain)


def _is_about_stages(called: str, call: facts.Call) -> bool:
    if called.endswith("_stage"):
        return True
    given = argument(call, "stages", 1)
    return given is not None and given.value != facts.Constant(None)


EXAMPLES = (
    Example(
        "a new version goes to production",
        """\
import mlflow

with mlflow.start_run() as run:
    mlflow.sklearn.log_model(model, name="model")
version = mlflow.register_model(f"runs:/{run.info.run_id}/model", "churn").version
client = mlflow.MlflowClient()
client.transition_model_version_stage(name="churn", version=version, stage="Production")  # MLF703
""",
    ),
    Example(
        "the latest of a stage",
        """\
import mlflow


def latest(name):
    client = mlflow.tracking.MlflowClient()
    staged = client.get_latest_versions(name, stages=["Staging"])  # MLF703
    return staged or client.get_latest_versions(name, ["Production"])  # MLF703
""",
    ),
    Example(
        "the client of an object",
        """\
import mlflow


class Registry:
    def __init__(self, uri):
        self.client = mlflow.MlflowClient(registry_uri=uri)

    def promote(self, name, version):
        for old in self.client.get_latest_versions(name, stages=["Production"]):  # MLF703
            self.client.transition_model_version_stage(name, old.version, "Archived")  # MLF703
        self.client.transition_model_version_stage(name, version, "Production")  # MLF703
""",
        files=(("requirements.txt", "mlflow>=2.9\n"),),
    ),
    Example(
        "the version of the model is looked at first, which is none of MLflow's",
        """\
import mlflow


def promote(name, signature=None):
    client = mlflow.MlflowClient()
    versions = client.search_model_versions(f"name='{name}'")
    if versions and signature is not None:
        newest = max(versions, key=lambda version: int(version.version))
        client.transition_model_version_stage(name, newest.version, "Production")  # MLF703
""",
    ),
    Example(
        "aliases, and the latest version as such",
        """\
from mlflow import MlflowClient

client = MlflowClient()
client.set_registered_model_alias("churn", "champion", 3)
champion = client.get_model_version_by_alias("churn", "champion")
newest = client.get_latest_versions("churn", stages=None)
newest = client.get_latest_versions("churn")
""",
    ),
    Example(
        "a project for an MLflow in which stages were the way",
        """\
from mlflow import MlflowClient

client = MlflowClient()
client.transition_model_version_stage("churn", 3, "Production")
""",
        files=(("requirements.txt", "mlflow==2.3.*\n"),),
    ),
    Example(
        "a registry of the project's own",
        """\
import mlflow


class Registry:
    def transition_model_version_stage(self, name, version, stage):
        mlflow.set_tag(name, f"{version}: {stage}")


Registry().transition_model_version_stage("churn", 3, "Production")
""",
    ),
)

RULE = Rule(
    "MLF703",
    "model-stages",
    "stages of models, which aliases have replaced",
    check,
    EXAMPLES,
    __doc__ or "",
)
