"""Methods that a framework calls once per step or per epoch: loops that are not in sight.

One row per framework: the packages whose classes make a subclass a hook holder, the methods called per step, those
called per epoch, and where the framework says so. A class counts when a base of it comes from one of the packages.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlflow_lint.facts.frequency import Frequency


@dataclass(frozen=True, slots=True)
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
)  # fmt: skip


def hook(method: str, bases: list[str]) -> tuple[Framework, Frequency] | None:
    """The framework and frequency with which it calls `method` of a class with these (dotted) library bases."""
    for base in bases:
        package = base.partition(".")[0]
        for framework in FRAMEWORKS:
            if package in framework.packages:
                if method in framework.per_step:
                    return framework, Frequency.PER_STEP
                if method in framework.per_epoch:
                    return framework, Frequency.PER_EPOCH
    return None
