"""
## What it does
Finds artifact writes (`log_artifact`, `log_artifacts`, `log_text`, `log_dict`, `log_figure`, `log_image`, `log_table`,
`log_stream`) that run once per batch or step, with nothing in between that lets only some steps through.

## Why it costs
Each is an upload of its own, through the tracking server where artifacts are proxied; `log_image(key=…)` is three
requests, and `log_table` downloads, appends to and uploads the whole table, about nine requests each time.

## Fix safety
No fix is offered: which steps deserve an upload is yours to say.

## Options
None.

## References
- MLflow: `mlflow/tracking/fluent.py` (`log_dict`, `log_table`, `log_image`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Finding
from mlflow_lint.rules.base import Example, Rule
from mlflow_lint.rules.heat import hot_findings


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Uploads that run each step."""
    advice = "upload every n steps, or collect and upload once after the loop"
    return hot_findings(rule, context, (Kind.ARTIFACT,), advice)


EXAMPLES = (
    Example(
        "a file for every validation batch",
        """\
import mlflow

for index, batch in enumerate(val_loader):
    mlflow.log_dict(confusion(batch), f"confusion/{index}.json")  # MLF104
""",
        setup="""\
val_loader = [1, 2, 3]

def confusion(batch):
    return {"batch": batch}
""",
    ),
    Example(
        "a figure in a step callback",
        """\
import mlflow
from transformers import TrainerCallback


class Plot(TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs):
        mlflow.log_figure(draw(state), f"step_{state.global_step}.png")  # MLF104
""",
    ),
    Example(
        "once per epoch",
        """\
import mlflow

for epoch in range(epochs):
    for batch in train_loader:
        train_step(batch)
    mlflow.log_dict(confusion(model), f"confusion/{epoch}.json")
""",
    ),
    Example(
        "only the last batch, and at an interval of time",
        """\
import time

import mlflow

for index, batch in enumerate(train_loader):
    train_step(batch)
    if index == len(train_loader) - 1:
        mlflow.log_text(summary(batch), "last.txt")
    if time.time() - last_upload > 300:
        mlflow.log_artifact("train.log")
        last_upload = time.time()
""",
    ),
)

RULE = Rule(
    "MLF104",
    "artifact-in-hot-loop",
    "an artifact is uploaded once per batch or step",
    check,
    EXAMPLES,
    __doc__ or "",
    about=frozenset({Kind.ARTIFACT}),
)
