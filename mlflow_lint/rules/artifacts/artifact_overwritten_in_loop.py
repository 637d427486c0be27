"""
## What it does
Finds artifacts of one name that are written anew and uploaded each epoch or iteration of one run, in a loop or in a
framework's hook, also in a function that the loop calls: each upload overwrites the last.

Not found are uploads that something chooses (every n-th turn, the best so far, the last), files that only the
surroundings write, and names that say why: logs, checkpoints, `best` and `last` files and models have to survive a
crash, a status file is read meanwhile.

## Why it costs
Each upload is a request that carries the whole file, and all but the last are thrown away. 100 epochs with one figure
are 100 requests and 100 drawn figures; after the loop it is 1.

## Fix safety
The call moves behind the loop. That is safe where the loop is sure to turn, nothing ends it early, and nothing that
runs in it can read the artifact from the store; otherwise it is unsafe: a program that is killed leaves no artifact,
and a loop that never turns would upload all the same. Where an end of the turn could pass by the call, where the names
it uses change after it, or where errors around the loop are caught, no fix is offered.

## Options
None.

## References
- MLflow: `mlflow/tracking/client.py` (`log_artifact`, `log_figure`, `log_dict`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.artifacts.overwritten import overwritten_artifacts
from mlflow_lint.analysis.context import Context
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.traverse import shown
from mlflow_lint.findings import Applicability, Finding, Severity
from mlflow_lint.fixes.last_write import sink_uploads
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Artifacts of which only the last upload survives."""
    uploads = list(overwritten_artifacts(context.effects, context.touching_bodies))
    for upload in uploads:
        message = (
            f"{upload.called} uploads {shown(upload.target.name)} anew each turn ({upload.repetition.where}) and "
            f"overwrites it: {upload.target.api.cost} each, and only the last survives; upload it once, at the end"
        )
        # Those of one loop move together, so that they stay in order.
        together = [other for other in uploads if other.loop is upload.loop and other.body is upload.body]
        fix = sink_uploads(together, context.effects) or sink_uploads([upload], context.effects)
        yield rule.finding(
            context, upload.site.call, upload.site.statement, message, Severity.WARNING, upload.chain, fix
        )


EXAMPLES = (
    Example(
        "the history so far, after each epoch",
        """\
import mlflow

history = []
for epoch in range(3):
    history.append(decay**epoch)
    mlflow.log_metric("loss", history[-1], step=epoch)
    # all epochs so far
    mlflow.log_dict({"loss": history}, "history.json")  # MLF302
""",
        setup="decay = 0.5\n",
        fixed="""\
import mlflow

history = []
for epoch in range(3):
    history.append(decay**epoch)
    mlflow.log_metric("loss", history[-1], step=epoch)
# all epochs so far
mlflow.log_dict({"loss": history}, "history.json")
""",
        applicability=Applicability.SAFE,
    ),
    Example(
        "a file of one name, and a text",
        """\
import mlflow


def fit(num_epochs):
    for epoch in range(num_epochs):
        loss = train_one_epoch(epoch)
        with open("losses.csv", "a") as file:
            file.write(f"{epoch},{loss}\\n")
        mlflow.log_artifact("losses.csv", artifact_path="curves")  # MLF302
        mlflow.log_text(f"{epoch} epochs", "summary.txt")  # MLF302
        print(epoch, loss)
    return loss


fit(3)
""",
        setup="""\
def train_one_epoch(epoch):
    return 1.0 / (epoch + 1)
""",
        fixed="""\
import mlflow


def fit(num_epochs):
    for epoch in range(num_epochs):
        loss = train_one_epoch(epoch)
        with open("losses.csv", "a") as file:
            file.write(f"{epoch},{loss}\\n")
        print(epoch, loss)
    mlflow.log_artifact("losses.csv", artifact_path="curves")
    mlflow.log_text(f"{epoch} epochs", "summary.txt")
    return loss


fit(3)
""",
        applicability=Applicability.UNSAFE,
    ),
    Example(
        "a plot of one name; the turn clears it in the end",
        """\
import matplotlib.pyplot as plt
import mlflow

for epoch in range(num_epochs):
    losses.append(train_one_epoch(model))
    plt.plot(losses)
    plt.savefig("loss_curve.png")
    mlflow.log_artifact("loss_curve.png")  # MLF302
    os.remove("loss_curve.png")
""",
    ),
    Example(
        "a file in a temporary folder",
        """\
import os
import tempfile

import mlflow

for epoch in range(num_epochs):
    scores = evaluate(model)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "scores.csv")
        scores.to_csv(path)
        mlflow.log_artifact(path, artifact_path="evaluation")  # MLF302
""",
    ),
    Example(
        "in a hook, and through a method",
        """\
import keras
import mlflow


class Confusion(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        mlflow.log_figure(draw(self.model), "confusion.png")  # MLF302


class Trainer:
    def report(self, name):
        mlflow.log_dict(self.scores, f"{name}.json")

    def fit(self, num_epochs):
        for epoch in range(num_epochs):
            self.train_epoch(epoch)
            self.report("scores")  # MLF302
""",
    ),
    Example(
        "a name of its own, the best so far, every tenth",
        """\
import mlflow

best = 0.0
for epoch in range(num_epochs):
    accuracy = train_one_epoch(model)
    mlflow.log_figure(draw(model), f"confusion_{epoch}.png")
    if accuracy > best:
        best = accuracy
        mlflow.log_figure(draw(model), "confusion.png")
    if epoch % 10 == 0:
        mlflow.log_dict(scores(model), "scores.json")
""",
    ),
    Example(
        "what has to survive a crash",
        """\
import mlflow
import torch

for epoch in range(num_epochs):
    train_one_epoch(model)
    torch.save(model.state_dict(), "last.pt")
    mlflow.log_artifact("last.pt")
    mlflow.log_artifact("train.log")
    mlflow.log_text(f"epoch {epoch}", "status.txt")
""",
    ),
    Example(
        "a run of its own, and a file that the loop does not write",
        """\
import mlflow

for season in seasons:
    with mlflow.start_run(run_name=season):
        mlflow.log_dict(evaluate(season), "scores.json")
for epoch in range(num_epochs):
    train_one_epoch(model)
    mlflow.log_artifact("curves.png")
""",
    ),
)

RULE = Rule(
    "MLF302",
    "artifact-overwritten-in-loop",
    "an artifact is uploaded again and again, and only the last survives",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.SAFE, Applicability.UNSAFE}),
    about=frozenset({Kind.ARTIFACT}),
)
