"""
## What it does
Finds writes of a distributed training that no rank guard surrounds: after `init_process_group`,
`DistributedDataParallel`, FSDP, an `Accelerator`, DeepSpeed, Horovod or a look at `LOCAL_RANK`, in the same function,
in the methods of the same class, or in a function called from there. One finding for each function.

A test of a rank, of a main process or of anything that was assigned from one is a guard; so are a decorator such as
`rank_zero_only` and an early return.

## Why it costs
Each process runs the same lines. Without a run of its own, each opens one: eight ranks leave eight runs with the same
parameters, and eight times the requests. With a run in common, each point is stored eight times under one step.

## Fix safety
No fix is offered: write on one rank (`if rank == 0:`), after the values of all ranks were brought together.

## Options
None.

## References
- MLflow: `mlflow/tracking/fluent.py` (`_get_or_start_run`)
- PyTorch: "Getting Started with Distributed Data Parallel"
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.correctness.ranks import every_rank_writes
from mlflow_lint.facts.traverse import last_name
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule, Status


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Writes of every process."""
    for found in every_rank_writes(context.effects, context.bodies):
        write, joined = found.chain[-1], found.joined
        called = found.api.label
        if write.path != context.unit.path:
            called = f"{last_name(found.site.call.function)}() reaches {called} ({write.place}), which"
        message = (
            f"{called} runs in every process of the training ({joined.text}, line {joined.line}) with no rank guard "
            "around: each rank writes the same again; write on one rank only, such as under if rank == 0:"
        )
        yield rule.finding(context, found.site.call, found.site.statement, message, Severity.WARNING, found.chain)


EXAMPLES = (
    Example(
        "by the variable that the launcher sets",
        """\
import os

import mlflow

local_rank = int(os.environ["LOCAL_RANK"])
device = f"cuda:{local_rank}"
for epoch in range(3):
    mlflow.log_metric("loss", 1 / (epoch + 1), step=epoch)  # MLF412
""",
    ),
    Example(
        "a process group, and a function called from there",
        """\
import mlflow
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel as DDP


def evaluate(model, epoch):
    mlflow.log_metric("accuracy", accuracy(model), step=epoch)  # MLF412


def main(rank, world_size):
    dist.init_process_group("nccl", rank=rank, world_size=world_size)
    model = DDP(build_model())
    mlflow.log_param("world_size", world_size)  # MLF412
    for epoch in range(epochs):
        train_one_epoch(model)
        evaluate(model, epoch)
""",
    ),
    Example(
        "an accelerator, in a class",
        """\
import mlflow
from accelerate import Accelerator


class Trainer:
    def __init__(self, model):
        self.accelerator = Accelerator()
        self.model = self.accelerator.prepare(model)

    def train(self, epochs):
        for epoch in range(epochs):
            loss = self.train_one_epoch()
            mlflow.log_metric("loss", loss, step=epoch)  # MLF412
""",
    ),
    Example(
        "on the first rank",
        """\
import os

import mlflow

local_rank = int(os.environ["LOCAL_RANK"])
for epoch in range(3):
    if local_rank == 0:
        mlflow.log_metric("loss", 1 / (epoch + 1), step=epoch)
""",
    ),
    Example(
        "the main process, an early return, a flag, a decorator",
        """\
import mlflow
import torch.distributed as dist
from accelerate import Accelerator
from lightning.pytorch.utilities import rank_zero_only


@rank_zero_only
def report(metrics, step):
    mlflow.log_metrics(metrics, step=step)


def save(path):
    if dist.get_rank() != 0:
        return
    mlflow.log_artifact(path)


def main(args):
    accelerator = Accelerator()
    use_mlflow = args.mlflow and accelerator.is_main_process
    if accelerator.is_main_process:
        mlflow.log_params(vars(args))
    for epoch in range(args.epochs):
        loss = train_one_epoch(accelerator)
        if use_mlflow:
            mlflow.log_metric("loss", loss, step=epoch)
        report({"accuracy": 1 - loss}, epoch)
    save("model.pt")
""",
    ),
    Example(
        "an object that knows its rank, and the parent of the processes",
        """\
import mlflow
import torch.distributed as dist
import torch.multiprocessing as mp


class Tracker:
    def __init__(self, active):
        self.active = active

    def log(self, name, value):
        if self.active:
            mlflow.log_metric(name, value)


def worker(rank, world_size):
    dist.init_process_group("gloo", rank=rank, world_size=world_size)
    tracker = Tracker(active=rank == 0)
    tracker.log("loss", train())


with mlflow.start_run():
    mlflow.log_param("world_size", 4)
    mp.spawn(worker, args=(4,), nprocs=4)
""",
    ),
    Example(
        "one process",
        """\
import mlflow
from torch.nn import DataParallel

model = DataParallel(build_model())
for epoch in range(epochs):
    mlflow.log_metric("loss", train_one_epoch(model), step=epoch)
""",
    ),
)

RULE = Rule(
    "MLF412",
    "every-rank-logs",
    "every process of a distributed training writes the same",
    check,
    EXAMPLES,
    __doc__ or "",
    Status.PREVIEW,
)
