"""
## What it does
Finds asynchronous logging (`synchronous=False`, `mlflow.config.enable_async_logging()`, `MLFLOW_ENABLE_ASYNC_LOGGING`)
without the variable `MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS`. One finding for each file, at the first place.

The variable may be set anywhere in the project. The rule is silent as soon as it is spoken of in the file, in a module
that the file imports (step by step), or in a Python, shell, `.env`, YAML, TOML or INI file, a Dockerfile or a Makefile
in one of the folders from the file's own up to the root of the project, or in a folder directly below one of these that
programs are started or set up from, such as `scripts`, `docker`, `deploy`, `configs`, `src`.

## Why it costs
Without it, each call is still one request, with as many SQL statements: another thread waits for the answers, up to 10
at a time, and the server sees the same load in a shorter time. With it, 200 calls were sent in 2 requests.

## Fix safety
No fix is offered: how long points may wait is for the user to say. What is collected is lost if the program ends
before it is sent: see MLF414.

## Options
None.

## References
- MLflow: `mlflow/utils/async_logging/async_logging_queue.py` (`AsyncLoggingQueue`)
- MLflow: `mlflow/environment_variables.py`
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.flow.sites import Loop, Site
from mlflow_lint.analysis.store.asynchronous import BUFFERING, Switch, is_queued, speaks_of_buffering, switched_on
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts.api import Api
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.regex import regex
from mlflow_lint.rules.base import Example, Rule

_TRACES = regex(r"trace|span|autolog", re.I)


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """The first place that makes writes asynchronous."""
    switches = list(switched_on(context.effects, context.unit, context.touching_bodies))
    queued = list(_queued(context, by_default=bool(switches)))
    if switches and not queued and _TRACES.search(context.unit.text):
        switches = []  # what is switched on there are the requests of traces, which have a queue of their own
    told = [Switch(f"{api.label} with synchronous=False", site.call.span, site.statement) for _, site, api in queued]
    places = sorted(switches or told, key=lambda switch: switch.span)
    if not places or speaks_of_buffering(context.effects, context.unit):
        return
    first = places[0]
    repeated = any(_repeats(context, body, site) for body, site, _ in queued)
    message = (
        f"{first.what} alone still sends one request for each call, only from another thread: the server sees the same "
        f"load; set {BUFFERING} (to 2, say), and what was collected goes in one"
    )
    severity = Severity.WARNING if repeated else Severity.INFO
    chain = (context.step(first.span[0], f"{first.what} without {BUFFERING}"),)
    yield rule.finding_at(context, first.span, first.statement, message, severity, chain)


def _queued(context: Context, *, by_default: bool) -> Iterator[tuple[Body, Site, Api]]:
    for body in context.touching_bodies:
        for site in context.effects.touching(body):
            api = site.api
            if api is not None and is_queued(site.call, api, by_default=by_default):
                yield body, site, api


def _repeats(context: Context, body: Body, site: Site) -> bool:
    """Whether a write stands in a loop or a hook, so that its requests grow with the training."""
    return context.effects.hook(body) is not None or any(isinstance(frame, Loop) for frame in site.frames)


EXAMPLES = (
    Example(
        "points of a training loop",
        """\
import mlflow

with mlflow.start_run():
    for step, batch in enumerate(loader):
        mlflow.log_metric("loss", train_step(batch), step=step, synchronous=False)  # MLF502
    mlflow.log_metric("accuracy", evaluate(model), synchronous=False)
""",
    ),
    Example(
        "switched on for all writes",
        """\
import mlflow

mlflow.config.enable_async_logging()  # MLF502
with mlflow.start_run():
    for epoch in range(epochs):
        mlflow.log_metrics(train_one_epoch(model), step=epoch)
""",
    ),
    Example(
        "by a variable, and in a method of a logger",
        """\
import os

import mlflow

os.environ["MLFLOW_ENABLE_ASYNC_LOGGING"] = "true"  # MLF502


class Tracker:
    def log(self, metrics, step):
        mlflow.log_metrics(metrics, step=step)
""",
    ),
    Example(
        "without a run of its own",
        """\
import mlflow

for epoch in range(epochs):
    mlflow.log_metric("loss", train_one_epoch(model), step=epoch, synchronous=False)  # MLF502
""",
    ),
    Example(
        "collected for two seconds",
        """\
import os

import mlflow

os.environ["MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS"] = "2"
mlflow.config.enable_async_logging()
with mlflow.start_run():
    for step, loss in enumerate(losses):
        mlflow.log_metric("loss", loss, step=step)
""",
    ),
    Example(
        "the variable is set by the script that starts the program",
        """\
import mlflow

with mlflow.start_run():
    for step, batch in enumerate(loader):
        mlflow.log_metric("loss", train_step(batch), step=step, synchronous=False)
""",
        files=(("train.sh", "export MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS=5\npython example.py\n"),),
    ),
    Example(
        "synchronous, or for the user to say, or an image",
        """\
import mlflow

mlflow.config.enable_async_logging(False)
with mlflow.start_run():
    for step, batch in enumerate(loader):
        mlflow.log_metric("loss", train_step(batch), step=step, synchronous=True)
    mlflow.log_params(vars(args), synchronous=args.synchronous)
    mlflow.log_image(image, key="sample", step=0, synchronous=False)
""",
    ),
    Example(
        "traces only",
        """\
import mlflow

mlflow.config.enable_async_logging()


@mlflow.trace
def answer(question):
    return model.predict(question)
""",
    ),
)

RULE = Rule(
    "MLF502",
    "async-without-buffer",
    "asynchronous logging still sends one request for each call",
    check,
    EXAMPLES,
    __doc__ or "",
)
