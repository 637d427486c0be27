"""Settings that make a framework write to MLflow at each step, and what that was measured to send.

One row per constructor or function: the argument, the value that means "each step", what else must be set for it to
count, and where the framework or MLflow says so. Requests were counted against `mlflow server` 3.17.
"""

from __future__ import annotations

import enum
import re

from mlflow_lint.record import record
from mlflow_lint.regex import regex


class Beside(enum.Enum):
    """What must be in sight for a setting to write to MLflow at all."""

    NOTHING = "nothing"
    LOGGER = "an MLflow logger of Lightning"
    REPORTING = "reporting to MLflow"


@record
class StepSetting:
    """An argument that says how often a framework writes."""

    called: re.Pattern[str]
    """Dotted names of what takes it."""
    argument: str
    beside: Beside
    unless: tuple[tuple[str, object], ...]
    """Arguments that switch it off when they have one of these values, or are not given where the value is `...`."""
    measured: str
    instead: str
    throttled: bool
    """Whether MLflow itself holds the writes back to a share of the training time."""
    source: str


def _setting(
    called: str,
    argument: str,
    measured: str,
    instead: str,
    source: str,
    *,
    beside: Beside = Beside.NOTHING,
    unless: tuple[tuple[str, object], ...] = (),
    throttled: bool = False,
) -> StepSetting:
    return StepSetting(regex(called), argument, beside, unless, measured, instead, throttled, source)


_EPOCHS_ONLY: tuple[tuple[str, object], ...] = (("log_every_epoch", True), ("log_every_epoch", ...))
_STRATEGIES: tuple[tuple[str, object], ...] = (("logging_strategy", "epoch"), ("logging_strategy", "no"))

STEP_SETTINGS = (
    _setting(
        r"(pytorch_lightning|lightning|lightning\.pytorch)(\.trainer)?(\.trainer)?\.Trainer$",
        "log_every_n_steps",
        "102 requests for 100 steps",
        "leave it at its default of 50, or set it to the number of steps between two points that you will look at",
        "lightning/pytorch/trainer/trainer.py",
        beside=Beside.LOGGER,
    ),
    _setting(
        r"mlflow\.(keras|tensorflow)(\.callback)?\.M[lL][fF]lowCallback$",
        "log_every_n_steps",
        "154 requests for 150 steps",
        "log each epoch, which is the default, or every 100 steps",
        "mlflow/keras/callback.py, mlflow/tensorflow/callback.py",
        unless=_EPOCHS_ONLY,
    ),
    _setting(
        r"mlflow\.(keras|tensorflow)\.autolog$",
        "log_every_n_steps",
        "one request per step",
        "log each epoch, which is the default, or every 100 steps",
        "mlflow/tensorflow/__init__.py, mlflow/keras/autologging.py",
        unless=_EPOCHS_ONLY,
    ),
    _setting(
        r"(transformers|trl|setfit|sentence_transformers)\.(\w+\.)*(\w*TrainingArguments|[A-Z]\w*Config)$",
        "logging_steps",
        "103 requests for 100 steps",
        "leave it at its default of 500, or set it to the number of steps between two points that you will look at",
        "transformers/training_args.py",
        beside=Beside.REPORTING,
        unless=_STRATEGIES,
    ),
    _setting(
        r"mlflow\.pytorch\.autolog$",
        "log_every_n_step",
        "6 requests for 400 steps of a millisecond, one for each step that takes 0.3 s",
        "log every 100 steps if a step takes long",
        "mlflow/pytorch/__init__.py, mlflow/utils/autologging_utils/metrics_queue.py",
        throttled=True,
    ),
)
