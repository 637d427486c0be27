"""
## What it does
Finds loops of one run that upload files one by one, and nobody knows how many: over a glob, a directory listing, a list
that has grown; over a list of which each item is drawn and uploaded; over evaluation episodes that are filmed. Uploads
in a function that the loop calls count too.

A list that is written out in the code, `log_image(key=…, step=…)`, a turn that trains or works long, and a run of its
own each turn are not found.

## Why it costs
Each file is a request of its own, and the next one waits for it; 20 small files took 0.26 s on one machine, and over a
network each adds a round trip. One archive of the folder is one request whatever is in it.

`log_artifacts` on the folder is shorter, but not always cheaper: through a tracking server that proxies artifacts it
still sends one request per file (the same 20 files took 0.16 s); to object storage it uploads them in parallel.

    archive = shutil.make_archive("plots", "zip", "plots")
    mlflow.log_artifact(archive)

## Fix safety
No fix is offered: whether the files may go up as one archive is yours to say.

## Options
None.

## References
- MLflow: `mlflow/store/artifact/http_artifact_repo.py` (`log_artifacts`)
- MLflow: `mlflow/store/artifact/cloud_artifact_repo.py` (`log_artifacts`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.artifacts.per_file import files_one_by_one
from mlflow_lint.analysis.context import Context
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Files that go up one by one."""
    for upload in files_one_by_one(context.effects, context.touching_bodies):
        called = upload.api.label
        if upload.through is not None:
            called = f"{upload.chain[1].text} reaches {called} ({upload.through.place}) and"
        message = (
            f"{called} uploads one file each turn ({upload.repetition.where}): {upload.api.cost} each, one after the "
            "other; write the files into one folder and upload an archive of it, or the folder with one log_artifacts"
        )
        yield rule.finding(context, upload.site.call, upload.site.statement, message, Severity.WARNING, upload.chain)


EXAMPLES = (
    Example(
        "every file of a folder",
        """\
import os
from pathlib import Path

import mlflow

with mlflow.start_run():
    for image in Path("plots").glob("*.png"):
        mlflow.log_artifact(str(image))  # MLF301
    for name in os.listdir("reports"):
        if name.endswith(".html"):
            path = os.path.join("reports", name)
            mlflow.log_artifact(path, artifact_path="reports")  # MLF301
""",
    ),
    Example(
        "a list of paths, in a helper that may get one or many",
        """\
import os

import mlflow


def log_files(paths, folder=None):
    if isinstance(paths, str):
        paths = [paths]
    for path in paths:
        if os.path.exists(path):
            mlflow.log_artifact(path, folder)  # MLF301
""",
    ),
    Example(
        "a list that a loop has filled",
        """\
import mlflow


def animate(agents, run_id):
    client = mlflow.MlflowClient()
    written = []
    for agent in agents:
        written.append(draw(agent))
    for path in written:
        client.log_artifact(run_id, path, artifact_path="animations")  # MLF301
""",
    ),
    Example(
        "files of another run",
        """\
import tempfile

import mlflow

client = mlflow.MlflowClient()
with tempfile.TemporaryDirectory() as folder:
    for file in client.list_artifacts(old_run, "models"):
        path = client.download_artifacts(old_run, file.path, folder)
        mlflow.log_artifact(path, artifact_path="models")  # MLF301
""",
    ),
    Example(
        "a figure for each dimension, and a film of each episode",
        """\
import os

import imageio
import matplotlib.pyplot as plt
import mlflow


def film(frames, number, folder):
    path = os.path.join(folder, f"episode_{number}.gif")
    imageio.mimsave(path, frames)
    mlflow.log_artifact(path, artifact_path="films")


def report(dimensions, env, policy, num_episodes, folder):
    for rank, dimension in enumerate(dimensions):
        figure, axes = plt.subplots()
        axes.plot(walk(dimension))
        path = os.path.join(folder, f"dimension_{rank}.png")
        figure.savefig(path)
        mlflow.log_artifact(path)  # MLF301
    for number in range(num_episodes):
        frames, done = [], False
        observation = env.reset()
        while not done:
            observation, reward, done, info = env.step(policy.predict(observation))
            frames.append(env.render())
        film(frames, number, folder)  # MLF301
""",
    ),
    Example(
        "a list that is written out, and one call for the folder",
        """\
import mlflow

for path in ("config.yaml", "train.csv", "test.csv"):
    mlflow.log_artifact(path)
paths = []
paths.append(draw_roc(model))
paths.append(draw_confusion(model))
for path in paths:
    mlflow.log_artifact(path)
mlflow.log_artifacts("plots")
""",
    ),
    Example(
        "one per epoch or fold, images of a series",
        """\
import mlflow

for epoch in range(num_epochs):
    train_one_epoch(model)
    mlflow.log_artifact(f"checkpoints/{epoch}.pt")
for fold, (train, test) in enumerate(folds.split(X)):
    mlflow.log_figure(evaluate(train, test), f"fold_{fold}.png")
for index, image in enumerate(images):
    mlflow.log_image(image, key=f"sample_{index}", step=epoch)
""",
    ),
    Example(
        "a run of its own, and turns that work long",
        """\
import mlflow

for path in Path("configs").glob("*.yaml"):
    with mlflow.start_run(run_name=path.stem):
        mlflow.log_artifact(str(path))
for path in Path("recordings").glob("*.wav"):
    result = transcribe_recording(path)
    result.save(path.with_suffix(".txt"))
    mlflow.log_artifact(result.path)
for path in Path("models").glob("*.pt"):
    evaluate(path)
    mlflow.log_artifact(str(path))
""",
    ),
)

RULE = Rule(
    "MLF301",
    "artifact-per-file",
    "files are uploaded one by one in an open-ended loop",
    check,
    EXAMPLES,
    __doc__ or "",
    about=frozenset({Kind.ARTIFACT}),
)
