"""Arguments that MLflow's calls took once, and take no more.

One row for each: what is called, the argument, the version that took it away, what to write instead, and the version
that takes it again, if one does. Read from the signatures in the published packages of MLflow 1.20 to 3.17; a test
compares them with those of the installed MLflow. Calls that hand unknown arguments on, as `mlflow.pytorch.log_model`
does, are not here: what they do with one is not MLflow's to say.
"""

from __future__ import annotations

from mlflow_lint.facts.releases import Release
from mlflow_lint.record import record


@record
class RemovedArgument:
    """An argument that is gone."""

    called: str
    """As `mlflow.` or `MlflowClient.` and a name."""
    name: str
    removed: Release
    instead: str
    """What to do, in words that end a message."""
    restored: Release | None = None

    def is_refused(self, version: Release) -> bool:
        """Whether a version of MLflow raises for it."""
        return version >= self.removed and (self.restored is None or version < self.restored)


_THREE: Release = (3, 0, 0)
_EVALUATED_TWICE = "evaluate both models and compare the results with mlflow.validate_evaluation_results"
_TRACE_ID = "pass trace_id="
_LEAVE = "leave it out"
_NO_MLEAP = "leave it out: MLflow no longer writes MLeap's format"
_HANDED_ON: Release = (3, 6, 0)
"""Some version after 3.5 has begun to hand unknown arguments of these on to the library."""
_STILL_THERE = "leave it out: the autologging of this flavor records traces, and no models"

_EVALUATE = {
    "custom_metrics": "pass extra_metrics=",
    "validation_thresholds": "hand the result to mlflow.validate_evaluation_results",
    "baseline_model": _EVALUATED_TWICE,
    "baseline_config": _EVALUATED_TWICE,
}
_MODELS_OF_AUTOLOG = (
    "log_models",
    "log_input_examples",
    "log_model_signatures",
    "log_datasets",
    "registered_model_name",
    "extra_tags",
)
_TRACE_CALLS = ("get_trace", "end_trace", "start_span", "end_span", "set_trace_tag", "delete_trace_tag")

REMOVED_ARGUMENTS = (
    RemovedArgument("mlflow.tensorflow.autolog", "every_n_iter", _THREE, "pass log_every_n_steps="),
    *(
        RemovedArgument(called, name, _THREE, instead)
        for called in ("mlflow.evaluate", "mlflow.models.evaluate")
        for name, instead in _EVALUATE.items()
    ),
    RemovedArgument("mlflow.pyfunc.log_model", "code_path", _THREE, "pass code_paths="),
    RemovedArgument("mlflow.pyfunc.log_model", "example_no_conversion", _THREE, _LEAVE),
    *(
        RemovedArgument(f"mlflow.{flavor}.{call}", name, _THREE, instead, restored)
        for flavor, name, instead, restored in (
            ("langchain", "example_no_conversion", _LEAVE, None),
            ("sentence_transformers", "example_no_conversion", _LEAVE, _HANDED_ON),
            ("johnsnowlabs", "sample_input", _NO_MLEAP, None),
            ("spark", "sample_input", _NO_MLEAP, _HANDED_ON),
        )
        for call in ("log_model", "save_model")
    ),
    *(
        RemovedArgument(f"mlflow.{flavor}.autolog", name, _THREE, _STILL_THERE)
        for flavor in ("langchain", "openai")
        for name in _MODELS_OF_AUTOLOG
    ),
    RemovedArgument("mlflow.langchain.autolog", "extra_model_classes", _THREE, _STILL_THERE),
    RemovedArgument("mlflow.langchain.autolog", "log_inputs_outputs", (2, 18, 0), "leave it out: traces hold both"),
    *(
        RemovedArgument(called, name, (2, 0, 0), instead)
        for called in ("mlflow.run", "mlflow.projects.run")
        for name, instead in (("use_conda", 'pass env_manager="local"'), ("skip_image_build", "pass build_image="))
    ),
    *(
        RemovedArgument(f"MlflowClient.{call}", "request_id", _THREE, _TRACE_ID, restored=(3, 4, 0))
        for call in _TRACE_CALLS
    ),
    RemovedArgument("mlflow.get_trace", "request_id", _THREE, _TRACE_ID, restored=(3, 4, 0)),
    RemovedArgument("MlflowClient.delete_traces", "request_ids", _THREE, "pass trace_ids="),
    *(
        RemovedArgument(f"{owner}.register_prompt", "version_metadata", (3, 1, 0), "pass tags=")
        for owner in ("mlflow", "MlflowClient")
    ),
)
