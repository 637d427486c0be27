"""
## What it does
Finds `log_metric`, `log_metrics` and `log_batch` that run once per batch, optimizer step, environment step or
framework step hook, directly or through functions of the project, with nothing in between that lets only some
steps through.

## Why it costs
Each call is one HTTP request and, in the store, 5 to 6 SQL statements in a transaction of their own; training waits
for the answer. An epoch of 10,000 batches sends 10,000 requests where a point every 100 steps sends 100, and where
points that are collected and sent with `MlflowClient.log_batch` need 10 (1,000 points a request). Asynchronous logging
alone moves the waiting to another thread and leaves the server's load as it was; only together with
`MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS` does it merge requests.

## Fix safety
Unsafe: the points come later than before, or fewer of them come. `hot-loop-fix` chooses how.

- `buffer` keeps every point (key, value, step and its own time) as a `Metric` in a list and sends 500 in a request,
  the rest in a `finally`, whether the loop ends, breaks, returns or raises. A `try` around the loop indents it, but
  says in plain code when points are sent; an `ExitStack` or a helper class would indent it too and hide that. What is
  not sent yet is lost if the process is killed, a key that MLflow refuses fails its whole request, and a model that was
  logged in the run does not get the points. Lower the 500 to see points
  sooner; a request takes 1,000 at most.
- `throttle` logs every 100th step, by the counter of the loop (or one that `enumerate` adds): a curve of
  100 points for 10,000 steps. The points between are not recorded.
- `async` passes `synchronous=False` and sets `MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS`, without which no request is
  saved. It is offered only within a `with mlflow.start_run()` of the same function, whose end waits for the queue: what
  is queued when the interpreter ends is lost. Errors of the tracking server are logged and no longer raised.

Only a loop that stands in the same function as the call is rewritten. In a hook, or where a function is called that
logs, keep the list in the object or pass it to the function, and send it at the end of the epoch. There is no
fix either where it would change more: in a generator or an `async for`, where the tracking call has a `try` of its own,
where the loop opens or ends runs, or where a value that would be skipped is more than a look at something.

## Options
`tracking-backend`: with `databricks` or `azureml`, the message names how many points a run takes there.
`hot-loop-fix`: how it is fixed, `async`, `buffer` or `throttle` (default `buffer`).

## References
- MLflow: `mlflow/tracking/fluent.py` (`log_metric`), `mlflow/tracking/client.py` (`log_batch`)
- MLflow: `mlflow/utils/validation.py` (`MAX_METRICS_PER_BATCH`), `mlflow/utils/async_logging/async_logging_queue.py`
- MLflow documentation: Tracking APIs, "Asynchronous logging"
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.facts.api import Kind
from mlflow_lint.findings import Applicability, Finding
from mlflow_lint.fixes.hot_loop import HotLoopFixes
from mlflow_lint.rules.base import Example, Rule
from mlflow_lint.rules.heat import hot_findings


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Metric writes that run each step."""
    advice = "log every n steps, or collect the points and send them with one log_batch"
    fixes = HotLoopFixes(context.hot_loop_fix, context.lifecycle, context.walks)
    return hot_findings(rule, context, (Kind.METRIC, Kind.BATCH), advice, fixes.of)


EXAMPLES = (
    Example(
        "a metric for every batch",
        """\
import mlflow

for epoch in range(epochs):
    for batch, target in train_loader:
        loss = train_step(batch, target)
        mlflow.log_metric("loss", loss)  # MLF101
""",
        fixed="""\
import time

import mlflow
from mlflow.entities import Metric

for epoch in range(epochs):
    points = []
    try:
        for batch, target in train_loader:
            loss = train_step(batch, target)
            points.append(Metric("loss", float(loss), int(time.time() * 1000), 0))
            if len(points) >= 500:
                mlflow.MlflowClient().log_batch(
                    (mlflow.active_run() or mlflow.start_run()).info.run_id, metrics=points
                )
                points.clear()
    finally:
        if points:
            mlflow.MlflowClient().log_batch(
                (mlflow.active_run() or mlflow.start_run()).info.run_id, metrics=points
            )
""",
        applicability=Applicability.UNSAFE,
        setup="""\
epochs = 2
train_loader = [(i, i + 1) for i in range(5)]

def train_step(batch, target):
    return batch / target
""",
    ),
    Example(
        "a metric for every environment step",
        """\
import mlflow

observation, done = env.reset(), False
while not done:
    observation, reward, done = env.step(policy(observation))
    mlflow.log_metric("reward", reward)  # MLF101
""",
        fixed="""\
import time

import mlflow
from mlflow.entities import Metric

observation, done = env.reset(), False
points = []
try:
    while not done:
        observation, reward, done = env.step(policy(observation))
        points.append(Metric("reward", float(reward), int(time.time() * 1000), 0))
        if len(points) >= 500:
            mlflow.MlflowClient().log_batch(
                (mlflow.active_run() or mlflow.start_run()).info.run_id, metrics=points
            )
            points.clear()
finally:
    if points:
        mlflow.MlflowClient().log_batch(
            (mlflow.active_run() or mlflow.start_run()).info.run_id, metrics=points
        )
""",
        applicability=Applicability.UNSAFE,
        setup="""\
class Env:
    left = 5

    def reset(self):
        return 3

    def step(self, action):
        self.left -= 1
        return action, action / 4, self.left == 0

env = Env()

def policy(observation):
    return observation + 1
""",
    ),
    Example(
        "in a run that is known, by a function that may return",
        """\
import math

import mlflow


def fit(train_loader, epochs):
    with mlflow.start_run() as run:
        for epoch in range(epochs):
            for i, batch in enumerate(train_loader):
                step = epoch * len(train_loader) + i
                loss = train_step(batch)
                mlflow.log_metrics({"loss": loss, "lr": scheduler.get_last_lr()[0]}, step=step)  # MLF101
                if math.isinf(loss):
                    return "diverged"
            mlflow.log_metric("epoch", epoch, step=epoch)
    return "done"


fit(train_loader, epochs=2)
""",
        fixed="""\
import math
import time

import mlflow
from mlflow.entities import Metric


def fit(train_loader, epochs):
    with mlflow.start_run() as run:
        for epoch in range(epochs):
            points = []
            try:
                for i, batch in enumerate(train_loader):
                    step = epoch * len(train_loader) + i
                    loss = train_step(batch)
                    points += [
                        Metric(key, float(value), int(time.time() * 1000), step)
                        for key, value in {"loss": loss, "lr": scheduler.get_last_lr()[0]}.items()
                    ]
                    if len(points) >= 500:
                        mlflow.MlflowClient().log_batch(run.info.run_id, metrics=points)
                        points.clear()
                    if math.isinf(loss):
                        return "diverged"
            finally:
                if points:
                    mlflow.MlflowClient().log_batch(run.info.run_id, metrics=points)
            mlflow.log_metric("epoch", epoch, step=epoch)
    return "done"


fit(train_loader, epochs=2)
""",
        applicability=Applicability.UNSAFE,
        setup="""\
class Scheduler:
    def get_last_lr(self):
        return [0.5]

scheduler = Scheduler()
train_loader = [3, 1, 4, 0, 5]

def train_step(batch):
    return 1 / batch if batch else float("inf")
""",
    ),
    Example(
        "a step hook of Lightning",
        """\
import lightning.pytorch as pl
import mlflow


class Model(pl.LightningModule):
    def training_step(self, batch, batch_idx):
        loss = self(batch)
        mlflow.log_metric("loss", loss.item())  # MLF101
        return loss

    def on_train_epoch_end(self):
        mlflow.log_metric("epoch_loss", self.total)
""",
    ),
    Example(
        "through functions of the same file",
        """\
import mlflow


def report(name, value, step):
    mlflow.log_metric(name, value, step=step)


def fit(loader, optimizer):
    for step, batch in enumerate(loader):
        loss = forward(batch)
        loss.backward()
        optimizer.step()
        report("loss", loss.item(), step)  # MLF101
""",
    ),
    Example(
        "in another module of the project",
        """\
from tracking import report

for step, batch in enumerate(train_loader):
    report("loss", forward(batch), step)  # MLF101
""",
        files=(
            (
                "tracking.py",
                "import mlflow\n\n\ndef report(name, value, step):\n    mlflow.log_metric(name, value, step=step)\n",
            ),
        ),
    ),
    Example(
        "one logger of several, behind an abstract class",
        """\
from abc import ABC, abstractmethod

import mlflow


class Logger(ABC):
    @abstractmethod
    def log(self, name, value): ...


class MlflowLogger(Logger):
    def log(self, name, value):
        mlflow.log_metric(name, value)


class ConsoleLogger(Logger):
    def log(self, name, value):
        print(name, value)


def fit(train_loader, loggers: list[Logger]):
    for batch in train_loader:
        loss = train_step(batch)
        for logger in loggers:
            logger.log("loss", loss)  # MLF101
""",
    ),
    Example(
        "a function that a framework calls each iteration, and one that it calls each hundredth",
        """\
import mlflow
from ignite.engine import Engine, Events

trainer = Engine(train_step)


@trainer.on(Events.ITERATION_COMPLETED)
def report(engine):
    mlflow.log_metric("loss", engine.state.output)  # MLF101


@trainer.on(Events.ITERATION_COMPLETED(every=100))
def report_at_times(engine):
    mlflow.log_metric("loss", engine.state.output)
""",
    ),
    Example(
        "a callback that only the caller knows",
        """\
import mlflow


def each(action, values):
    action(values)


for batch in train_loader:
    each(lambda values: mlflow.log_metric("mean", sum(values)), batch)  # MLF101
    each(print, batch)
""",
    ),
    Example(
        "throttled: every hundredth step",
        """\
import mlflow

for step, batch in enumerate(train_loader):
    loss = train_step(batch)
    if step % 100 == 0:
        mlflow.log_metric("loss", loss, step=step)
""",
    ),
    Example(
        "throttled: an early continue, a stored flag, a helper predicate",
        """\
import mlflow


def should_log(step):
    return step % 50 == 0


for step, batch in enumerate(train_loader):
    loss = train_step(batch)
    log_now = step % 10 == 0
    if log_now:
        mlflow.log_metric("a", loss, step=step)
    if should_log(step):
        mlflow.log_metric("b", loss, step=step)
    if step % 20:
        continue
    mlflow.log_metric("c", loss, step=step)
""",
    ),
    Example(
        "a divisor of one and a rank check throttle nothing",
        """\
import mlflow

for step, batch in enumerate(train_loader):
    loss = train_step(batch)
    if step % 1 == 0 and rank == 0:
        mlflow.log_metric("loss", loss, step=step)  # MLF101
""",
        fixed="""\
import time

import mlflow
from mlflow.entities import Metric

points = []
try:
    for step, batch in enumerate(train_loader):
        loss = train_step(batch)
        if step % 1 == 0 and rank == 0:
            points.append(Metric("loss", float(loss), int(time.time() * 1000), step))
            if len(points) >= 500:
                mlflow.MlflowClient().log_batch(
                    (mlflow.active_run() or mlflow.start_run()).info.run_id, metrics=points
                )
                points.clear()
finally:
    if points:
        mlflow.MlflowClient().log_batch(
            (mlflow.active_run() or mlflow.start_run()).info.run_id, metrics=points
        )
""",
        applicability=Applicability.UNSAFE,
        setup="""\
train_loader = [3, 1, 4]
rank = 0

def train_step(batch):
    return 1 / batch
""",
    ),
    Example(
        "points at hand that are sent a request at a time",
        """\
from mlflow import MlflowClient

client = MlflowClient()
for start in range(0, len(points), batch_size):
    client.log_batch(run_id, metrics=points[start : start + batch_size])
for batch in batches:
    client.log_batch(run_id, metrics=batch)
""",
    ),
    Example(
        "once per epoch, and a function that is only defined in the loop",
        """\
import mlflow

for epoch in range(num_epochs):
    total = 0.0
    for batch in train_loader:
        def report(loss):
            mlflow.log_metric("loss", loss)

        total += train_step(batch)
    else:
        mlflow.log_metric("last", total, step=epoch)
    mlflow.log_metric("epoch_loss", total, step=epoch)
""",
    ),
    Example(
        "a name that is not MLflow",
        """\
import mlflow


def fit(mlflow, train_loader):
    for batch in train_loader:
        mlflow.log_metric("loss", train_step(batch))
""",
    ),
)

RULE = Rule(
    "MLF101",
    "metric-in-hot-loop",
    "a metric is logged once per batch or step",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.UNSAFE}),
    about=frozenset({Kind.METRIC, Kind.BATCH}),
)
