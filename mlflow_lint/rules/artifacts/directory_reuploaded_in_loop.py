"""
## What it does
Finds `log_artifacts` of one directory in a loop of one run or in a framework's hook, unthrottled, also in a function
that the loop calls. A directory of its own for each turn is not found, nor is one that the turn empties.

## Why it costs
`log_artifacts` knows nothing of what is in the run already: it sends every file below the directory, one request each.
With one new file an epoch, 100 epochs send 5,050 files where 100 were new.

## Fix safety
No fix is offered: upload the directory once, after the loop, or send each new file with `log_artifact`.

## Options
None.

## References
- MLflow: `mlflow/store/artifact/http_artifact_repo.py` (`log_artifacts`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.artifacts.directories import repeated_directories
from mlflow_lint.analysis.context import Context
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.traverse import shown
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Directories that go up again each turn."""
    for upload in repeated_directories(context.effects, context.touching_bodies):
        message = (
            f"{upload.called} uploads all of {shown(upload.target.name)} each turn ({upload.repetition.where}): 1 "
            "request for each file in it, those of the turns before included; upload it once, at the end, or each new "
            "file by log_artifact"
        )
        yield rule.finding(context, upload.site.call, upload.site.statement, message, Severity.WARNING, upload.chain)


EXAMPLES = (
    Example(
        "the output folder after each epoch",
        """\
import mlflow

for epoch in range(num_epochs):
    train_one_epoch(model)
    save_samples(model, f"samples/{epoch}.png")
    mlflow.log_artifacts("samples")  # MLF304
""",
    ),
    Example(
        "a folder that a Keras callback keeps",
        """\
import keras
import mlflow


class Upload(keras.callbacks.Callback):
    def __init__(self, run_dir, artifact_dir=None):
        super().__init__()
        self.run_dir = run_dir
        self.artifact_dir = artifact_dir

    def on_epoch_end(self, epoch, logs=None):
        if mlflow.active_run() and self.run_dir:
            mlflow.log_artifacts(self.run_dir, self.artifact_dir)  # MLF304
""",
    ),
    Example(
        "through a function",
        """\
import os

import mlflow


def keep(model, epoch, folder):
    model.save(os.path.join(folder, f"{epoch}.keras"))
    mlflow.log_artifacts(folder, artifact_path="models")


for epoch in range(num_epochs):
    train_one_epoch(model)
    keep(model, epoch, "models")  # MLF304
""",
    ),
    Example(
        "a folder of its own",
        """\
import mlflow

for epoch in range(num_epochs):
    folder = f"samples/{epoch}"
    save_samples(model, folder)
    mlflow.log_artifacts(folder)
for epoch in range(num_epochs):
    mlflow.log_artifacts("samples", artifact_path=f"epoch-{epoch}")
""",
    ),
    Example(
        "every tenth epoch, and a run of its own",
        """\
import mlflow

for epoch in range(num_epochs):
    train_one_epoch(model)
    if epoch % 10 == 0:
        mlflow.log_artifacts("samples")
for season in seasons:
    with mlflow.start_run():
        mlflow.log_artifacts("reports")
""",
    ),
    Example(
        "a folder that is emptied each turn",
        """\
import shutil

import mlflow

for epoch in range(num_epochs):
    save_samples(model, "samples")
    mlflow.log_artifacts("samples")
    shutil.rmtree("samples")
""",
    ),
)

RULE = Rule(
    "MLF304",
    "directory-reuploaded-in-loop",
    "a directory is uploaded whole each turn, earlier files included",
    check,
    EXAMPLES,
    __doc__ or "",
    about=frozenset({Kind.ARTIFACT}),
)
