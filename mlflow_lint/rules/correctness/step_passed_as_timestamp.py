"""
## What it does
Finds `MlflowClient.log_metric(run_id, key, value, step)`: the fourth positional argument of the client's method is the
timestamp, and the step is the fifth. It is found where the fourth is plainly a step: the counter of a loop, or a name
such as `step`, `epoch` or `global_step`.

## Why it costs
Every point lands on step 0, with a time in the first seconds of 1970. A chart over steps shows one vertical line, a
chart over time reaches back half a century, and none of it can be mended afterwards. `mlflow.log_metric` takes the
step third, which is where the habit comes from.

## Fix safety
The fix names the argument: `step=`. It is unsafe because it changes what is recorded: the points get the steps that
were meant, and the time at which they were logged.

## Options
None.

## References
- MLflow: `mlflow/tracking/client.py` (`MlflowClient.log_metric`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.flow.counters import misplaced_step
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.traverse import shown
from mlflow_lint.findings import Applicability, Edit, Finding, Fix, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Steps in the place of a timestamp."""
    for body in context.touching_bodies:
        for site in context.effects.touching(body):
            api = site.api
            if api is None or not api.client or api.kind is not Kind.METRIC:
                continue
            given = misplaced_step(site.call, site.place)
            if given is None:
                continue
            written = shown(given.value)
            message = (
                f"{api.label} takes {written} for the timestamp, its fourth argument, so every point lands on step 0 "
                f"in 1970; write step={written}"
            )
            chain = (context.step(given.span[0], f"{written} is passed as timestamp"),)
            fix = Fix("Pass it as step=", (Edit(given.span[0], given.span[0], "step="),), Applicability.UNSAFE)
            yield rule.finding(context, site.call, site.statement, message, Severity.WARNING, chain, fix)


EXAMPLES = (
    Example(
        "the counter of a loop",
        """\
import mlflow

mlflow.set_experiment("forecast")
client = mlflow.MlflowClient()
run_id = client.create_run("0").info.run_id
for epoch in range(epochs):
    loss = train_one_epoch(epoch)
    client.log_metric(run_id, "loss", loss, epoch)  # MLF410
for i, quarter in enumerate(quarters):
    client.log_metric(run_id, "quarter_error", compute(quarter), i + 1)  # MLF410
""",
        fixed="""\
import mlflow

mlflow.set_experiment("forecast")
client = mlflow.MlflowClient()
run_id = client.create_run("0").info.run_id
for epoch in range(epochs):
    loss = train_one_epoch(epoch)
    client.log_metric(run_id, "loss", loss, step=epoch)
for i, quarter in enumerate(quarters):
    client.log_metric(run_id, "quarter_error", compute(quarter), step=i + 1)
""",
        applicability=Applicability.UNSAFE,
        setup="""\
epochs, quarters = 3, [1.0, 2.0]


def train_one_epoch(epoch):
    return 1.0 / (epoch + 1)


def compute(quarter):
    return quarter / 2
""",
    ),
    Example(
        "names that say step",
        """\
import mlflow


class Tracker:
    def __init__(self, run_id):
        self.client = mlflow.MlflowClient()
        self.run_id = run_id
        self.global_step = 0

    def write(self, name, value, step):
        self.client.log_metric(self.run_id, name, value, step)  # MLF410

    def write_now(self, name, value):
        self.client.log_metric(self.run_id, name, value, int(self.global_step))  # MLF410


tracker = Tracker(mlflow.MlflowClient().create_run("0").info.run_id)
tracker.write("loss", 0.5, 7)
tracker.write_now(name, 0.1)
""",
        fixed="""\
import mlflow


class Tracker:
    def __init__(self, run_id):
        self.client = mlflow.MlflowClient()
        self.run_id = run_id
        self.global_step = 0

    def write(self, name, value, step):
        self.client.log_metric(self.run_id, name, value, step=step)

    def write_now(self, name, value):
        self.client.log_metric(self.run_id, name, value, step=int(self.global_step))


tracker = Tracker(mlflow.MlflowClient().create_run("0").info.run_id)
tracker.write("loss", 0.5, 7)
tracker.write_now(name, 0.1)
""",
        applicability=Applicability.UNSAFE,
        setup='name = "lr"\n',
    ),
    Example(
        "a timestamp, and a step beside it",
        """\
import time

import mlflow

client = mlflow.MlflowClient()
for epoch in range(epochs):
    client.log_metric(run_id, "loss", losses[epoch], int(time.time() * 1000), epoch)
    client.log_metric(run_id, "loss", losses[epoch], timestamps[epoch], step=epoch)
    client.log_metric(run_id, "loss", losses[epoch], started_at + epoch, epoch)
    client.log_metric(run_id, "loss", losses[epoch], None, epoch)
""",
    ),
    Example(
        "the fluent function takes the step third",
        """\
import mlflow

for epoch in range(epochs):
    mlflow.log_metric("loss", losses[epoch], epoch)
""",
    ),
    Example(
        "names that say nothing of a step, and other methods",
        """\
import mlflow

client = mlflow.MlflowClient()
for point in client.get_metric_history(old, "loss"):
    client.log_metric(new, point.key, point.value, point.timestamp)
    client.log_metric(new, point.key, point.value, now)
    client.log_metric(new, point.key, point.value, total_steps)
    logger.log_metric(new, point.key, point.value, step)
""",
    ),
)

RULE = Rule(
    "MLF410",
    "step-passed-as-timestamp",
    "a step in the place of the timestamp of MlflowClient.log_metric",
    check,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.UNSAFE}),
    about=frozenset({Kind.METRIC}),
)
