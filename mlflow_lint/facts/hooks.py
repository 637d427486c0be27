"""Methods that a framework calls once per step or per epoch: loops that are not in sight.

One row per framework: the packages whose classes make a subclass a hook holder, the methods called per step, those
called per epoch, and where the framework says so. A class counts when a base of it comes from one of the packages.
"""

from __future__ import annotations

from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.record import record


@record
class Framework:
    """When one framework calls which method of a callback or module."""

    name: str
    packages: tuple[str, ...]
    per_step: frozenset[str]
    per_epoch: frozenset[str]
    source: str
    """The file of the framework that defines the hooks."""


def _row(name: str, packages: str, per_step: str, per_epoch: str, source: str) -> Framework:
    return Framework(
        name,
        tuple(packages.split()),
        frozenset(per_step.split()),
        frozenset(per_epoch.split()),
        source,
    )


FRAMEWORKS = (
    _row(
        "Lightning",
        "pytorch_lightning lightning lightning_fabric",
        "training_step validation_step test_step predict_step training_step_end validation_step_end "
        "on_train_batch_start on_train_batch_end on_validation_batch_start on_validation_batch_end "
        "on_test_batch_start on_test_batch_end on_predict_batch_start on_predict_batch_end on_batch_start "
        "on_batch_end on_before_backward on_after_backward on_before_optimizer_step on_before_zero_grad "
        "optimizer_step optimizer_zero_grad transfer_batch_to_device",
        "on_train_epoch_start on_train_epoch_end on_validation_epoch_start on_validation_epoch_end "
        "on_test_epoch_end on_validation_end training_epoch_end validation_epoch_end test_epoch_end on_epoch_end",
        "lightning/pytorch/core/hooks.py",
    ),
    _row(
        "Keras",
        "keras tensorflow tf_keras",
        "on_batch_begin on_batch_end on_train_batch_begin on_train_batch_end on_test_batch_begin "
        "on_test_batch_end on_predict_batch_begin on_predict_batch_end train_step test_step",
        "on_epoch_begin on_epoch_end",
        "keras/src/callbacks/callback.py",
    ),
    _row(
        "Transformers",
        "transformers trl setfit",
        "on_step_begin on_step_end on_substep_end on_prediction_step on_pre_optimizer_step on_optimizer_step "
        "compute_loss training_step prediction_step",
        "on_epoch_begin on_epoch_end on_evaluate on_log on_save",
        "transformers/trainer_callback.py",
    ),
    _row(
        "Catalyst",
        "catalyst",
        "on_batch_start on_batch_end handle_batch",
        "on_loader_start on_loader_end on_epoch_start on_epoch_end",
        "catalyst/core/callback.py",
    ),
    _row(
        "Stable-Baselines3",
        "stable_baselines3 sb3_contrib",
        "_on_step on_step",
        "_on_rollout_start _on_rollout_end on_rollout_end",
        "stable_baselines3/common/callbacks.py",
    ),
    _row("skorch", "skorch", "on_batch_begin on_batch_end on_grad_computed", "on_epoch_begin on_epoch_end", "skorch/callbacks/base.py"),
    _row(
        "Composer",
        "composer",
        "batch_start batch_end before_forward after_forward before_loss after_loss before_backward "
        "after_backward eval_batch_start eval_batch_end",
        "epoch_start epoch_end eval_start eval_end",
        "composer/core/callback.py",
    ),
    _row(
        "fastai",
        "fastai",
        "before_batch after_batch after_pred after_loss before_backward before_step after_step after_backward",
        "before_epoch after_epoch before_train after_train before_validate after_validate",
        "fastai/callback/core.py",
    ),
    _row("Poutyne", "poutyne", "on_train_batch_begin on_train_batch_end on_valid_batch_end on_test_batch_end on_backward_end", "on_epoch_begin on_epoch_end", "poutyne/framework/callbacks/callbacks.py"),
    _row("XGBoost", "xgboost", "", "after_iteration before_iteration", "xgboost/callback.py"),
    _row("CatBoost", "catboost", "", "after_iteration", "catboost documentation: User-defined callbacks"),
    _row("Ray Tune", "ray", "", "on_trial_result on_trial_save on_step_begin on_step_end", "ray/tune/callback.py"),
    _row("spaCy", "spacy", "", "log_step", "spacy/training/loop.py"),
    _row(
        "Ignite",
        "ignite",
        "ITERATION_STARTED ITERATION_COMPLETED GET_BATCH_STARTED GET_BATCH_COMPLETED FORWARD_STARTED "
        "FORWARD_COMPLETED MODEL_COMPLETED LOSS_COMPLETED BACKWARD_STARTED BACKWARD_COMPLETED "
        "OPTIM_STEP_STARTED OPTIM_STEP_COMPLETED",
        "EPOCH_STARTED EPOCH_COMPLETED",
        "ignite/engine/events.py",
    ),
    _row(
        "Ultralytics",
        "ultralytics",
        "on_train_batch_start on_train_batch_end on_val_batch_start on_val_batch_end on_predict_batch_start "
        "on_predict_batch_end on_before_zero_grad optimizer_step",
        "on_train_epoch_start on_train_epoch_end on_fit_epoch_end on_val_start on_val_end on_model_save",
        "ultralytics/utils/callbacks/base.py",
    ),
)  # fmt: skip

REGISTRARS = frozenset("add_callback register_callback add_event_handler on add_hook add_listener on_event".split())
"""Methods that take an event, by name or as a member of an enumeration, and the function to call for it."""


@record
class Registration:
    """A library function that is given a function of ours and calls it again and again."""

    framework: str
    packages: tuple[str, ...]
    """One of these must be imported by the file."""
    calls: frozenset[str]
    """Last names of what is called to register."""
    keyword: str
    """The argument that holds the function, or a list of such: by keyword …"""
    position: int | None
    """… or by position."""
    frequency: Frequency
    source: str


_MODULE_HOOKS = (
    "register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook "
    "register_backward_hook register_step_post_hook register_step_pre_hook"
)

REGISTRATIONS = (
    Registration("PyTorch", ("torch",), frozenset(_MODULE_HOOKS.split()), "hook", 0, Frequency.PER_STEP, "torch/nn/modules/module.py"),
    Registration("Ignite", ("ignite",), frozenset({"Engine"}), "process_function", 0, Frequency.PER_STEP, "ignite/engine/engine.py"),
    Registration("Transformers", ("transformers", "trl"), frozenset({"Trainer", "SFTTrainer", "Seq2SeqTrainer"}), "compute_loss_func", None, Frequency.PER_STEP, "transformers/trainer.py"),
    Registration("LightGBM", ("lightgbm",), frozenset({"train", "cv", "fit"}), "callbacks", None, Frequency.PER_EPOCH, "lightgbm/engine.py"),
    Registration("XGBoost", ("xgboost",), frozenset({"train", "cv", "fit"}), "callbacks", None, Frequency.PER_EPOCH, "xgboost/training.py"),
    Registration("CatBoost", ("catboost",), frozenset({"train", "fit"}), "callbacks", None, Frequency.PER_EPOCH, "catboost documentation: User-defined callbacks"),
    Registration("Optuna", ("optuna",), frozenset({"optimize"}), "callbacks", None, Frequency.PER_TRIAL, "optuna/study/study.py"),
    Registration("Optuna", ("optuna",), frozenset({"optimize"}), "func", 0, Frequency.PER_TRIAL, "optuna/study/study.py"),
    Registration("Hyperopt", ("hyperopt",), frozenset({"fmin"}), "fn", 0, Frequency.PER_TRIAL, "hyperopt/fmin.py"),
    Registration("Ray Tune", ("ray",), frozenset({"run", "Tuner"}), "trainable", 0, Frequency.PER_TRIAL, "ray/tune/tuner.py"),
)  # fmt: skip


def event(name: str, package: str) -> tuple[Framework, Frequency] | None:
    """The framework that has an event of this name, and how often it occurs; any framework, if no package is named."""
    for framework in FRAMEWORKS:
        if not package or package in framework.packages:
            if name in framework.per_step:
                return framework, Frequency.PER_STEP
            if name in framework.per_epoch:
                return framework, Frequency.PER_EPOCH
    return None


def hook(method: str, bases: list[str]) -> tuple[Framework, Frequency] | None:
    """The framework and frequency with which it calls `method` of a class with these (dotted) library bases."""
    for base in bases:
        found = event(method, base.partition(".")[0])
        if found is not None:
            return found
    return None
