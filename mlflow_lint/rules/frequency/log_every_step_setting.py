"""
## What it does
Finds settings that make a framework write to MLflow at each step: `log_every_n_steps=1` of Lightning's `Trainer` beside
its `MLFlowLogger`, `logging_steps=1` of Transformers' arguments with reporting to MLflow, `log_every_n_steps=1` of
`MlflowCallback` and of the Keras and TensorFlow autologging, `log_every_n_step=1` of `mlflow.pytorch.autolog`.

## Why it costs
Each of them sends one request per step. Measured against `mlflow server`: Lightning's logger 102 requests for 100
steps, Transformers' callback 103, `MlflowCallback` 154 for 150. The defaults are 50 steps, 500 steps and one epoch.
`mlflow.pytorch.autolog` is different: it holds itself to about a tenth of the training time, so that short steps are
collected (6 requests for 400 steps of a millisecond) and only steps of a third of a second or more are sent one by one.

## Fix safety
No fix is offered: how many points you need is yours to choose.

## Options
None.

## References
- MLflow: `mlflow/keras/callback.py`, `mlflow/pytorch/__init__.py`, `mlflow/utils/autologging_utils/metrics_queue.py`
- Lightning: `lightning/pytorch/trainer/trainer.py` (`log_every_n_steps`)
- Transformers: `transformers/training_args.py` (`logging_steps`, `report_to`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.frequency.step_settings import each_step_settings
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Settings that ask for a write at each step."""
    for found in each_step_settings(context.effects, context.bodies):
        setting = found.setting
        message = (
            f"{found.called} is told by {setting.argument}=1 to write to MLflow at each step: "
            f"{setting.measured}; {setting.instead}"
        )
        severity = Severity.INFO if setting.throttled else Severity.WARNING
        chain = (context.step(found.site.call.span[0], f"{found.called} with {setting.argument}=1"),)
        yield rule.finding(context, found.site.call, found.site.statement, message, severity, chain)


EXAMPLES = (
    Example(
        "Lightning beside its MLflow logger",
        """\
import lightning.pytorch as pl
from lightning.pytorch.loggers import MLFlowLogger

logger = MLFlowLogger(experiment_name="digits")
trainer = pl.Trainer(max_epochs=10, logger=logger, log_every_n_steps=1)  # MLF109
""",
    ),
    Example(
        "Transformers with reporting to MLflow",
        """\
from transformers import Trainer, TrainingArguments

args = TrainingArguments("out", logging_steps=1, report_to=["mlflow", "tensorboard"])  # MLF109
Trainer(model, args).train()
""",
    ),
    Example(
        "MLflow's callback for Keras",
        """\
import mlflow

callback = mlflow.keras.MlflowCallback(log_every_epoch=False, log_every_n_steps=1)  # MLF109
model.fit(x, y, callbacks=[callback])
""",
    ),
    Example(
        "autologging of PyTorch, which throttles itself",
        """\
import mlflow

mlflow.pytorch.autolog(log_every_n_step=1)  # MLF109
""",
    ),
    Example(
        "another logger, and a number of steps",
        """\
import lightning.pytorch as pl
from lightning.pytorch.loggers import CSVLogger, MLFlowLogger

pl.Trainer(logger=CSVLogger("logs"), log_every_n_steps=1)
pl.Trainer(logger=MLFlowLogger(), log_every_n_steps=50)
pl.Trainer(logger=False, log_every_n_steps=1)
""",
    ),
    Example(
        "reported elsewhere, or each epoch",
        """\
from transformers import TrainingArguments

TrainingArguments("out", logging_steps=1, report_to="wandb")
TrainingArguments("out", logging_steps=1, report_to="mlflow", logging_strategy="epoch")
TrainingArguments("out", logging_steps=100, report_to="mlflow")
""",
    ),
    Example(
        "each epoch, and every hundredth step",
        """\
import mlflow

mlflow.keras.MlflowCallback()
mlflow.tensorflow.autolog(log_every_epoch=False, log_every_n_steps=100)
mlflow.pytorch.autolog(log_every_n_epoch=1)
""",
    ),
)

RULE = Rule(
    "MLF109",
    "log-every-step-setting",
    "a framework is told to write to MLflow at each step",
    check,
    EXAMPLES,
    __doc__ or "",
)
