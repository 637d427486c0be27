"""
## What it does
Finds a fluent write without `run_id=` and without a `start_run` of its own in a function that runs in another thread or
process: handed to `Thread`, `Process`, an executor, a pool, joblib's `delayed`, `asyncio.to_thread` or an event loop's
`run_in_executor`. If the function lies in another file, or is MLflow's own, the finding is where it is handed over.
Files that set `MLFLOW_RUN_ID` are left alone.

## Why it costs
The active run belongs to one thread. A write elsewhere raises nothing: MLflow opens a new, hidden run for it, one for
each worker, and the run that was meant gets nothing. A hidden run of a thread stays `RUNNING` for ever.

## Fix safety
No fix is offered here: hand the run's id over and write with `run_id=`, or better through `MlflowClient`, which does
not fetch the run first; or open a run in the worker.

## Options
None.

## References
- MLflow: `mlflow/tracking/fluent.py` (`_active_run_stack`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.flow.workers import Handed, handed_over
from mlflow_lint.analysis.names.meaning import External, FunctionRef
from mlflow_lint.analysis.runs.run_state import How, Moment
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import WRITES, api_of
from mlflow_lint.facts.traverse import descend, last_name
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """The first write of each function that runs elsewhere."""
    if "MLFLOW_RUN_ID" in context.unit.text:
        return
    seen: set[int] = set()
    for handed in handed_over(context.effects, context.bodies):
        function = handed.function
        if isinstance(function, External):
            if _writes_astray(handed, function):
                yield _handed(rule, context, handed, function)
            continue
        write = _stray(context, function)
        if write is None:
            continue
        here = function.unit is context.unit
        site = write.site if here else handed.site
        if id(site.call) in seen:
            continue
        seen.add(id(site.call))
        name = function.definition.name
        place = context.unit.where(handed.site.call.span[0]) if here else write.chain[-1].place
        reads = f"{write.chain[-1].text} runs in {handed.where} ({name}, {'handed over on ' if here else ''}{place})"
        chain = (context.step(handed.site.call.span[0], f"{name} runs in {handed.where}"), *write.chain)
        yield rule.finding(context, site.call, site.statement, f"{reads}, {_COST}", Severity.ERROR, chain)


_COST = (
    "where no other thread's run is active: MLflow opens a hidden run for it; write with the run's id, or start a run "
    "there"
)


def _stray(context: Context, function: FunctionRef) -> Moment | None:
    """The first write of a function that goes to no run of its own."""
    body = Body.of(function)
    for moment in context.lifecycle.moments(body):
        if not moment.state.certain or any(run.how is not How.HIDDEN for run in moment.state.runs):
            return None
        if moment.writes and moment.chain:
            return moment
    return None


def _handed(rule: Rule, context: Context, handed: Handed, function: External) -> Finding:
    """The finding for a function of MLflow that is itself handed over."""
    name = function.dotted.rpartition(".")[2]
    step = context.step(handed.site.call.span[0], f"{name} runs in {handed.where}")
    message = f"{name} runs in {handed.where}, {_COST}"
    return rule.finding(context, handed.site.call, handed.site.statement, message, Severity.ERROR, (step,))


def _writes_astray(handed: Handed, function: External) -> bool:
    """Whether a function of MLflow writes to the active run, with no word of a run in what is handed over with it."""
    api = api_of(function.dotted)
    if api is None or api.client or api.kind not in WRITES:
        return False
    given = (*function.applied, *handed.site.call.arguments)
    hidden = any(one.star or (one.keyword == "kwargs" and not isinstance(one.value, facts.Mapping)) for one in given)
    return not hidden and not any("run" in word.lower() for one in given for word in _words(one))


def _words(given: facts.Argument) -> Iterator[str]:
    """Names and texts in what is given."""
    yield given.keyword or ""
    for node in descend(given.value):
        yield node.value if isinstance(node, facts.Constant) and isinstance(node.value, str) else last_name(node)


EXAMPLES = (
    Example(
        "a thread that logs",
        """\
import threading

import mlflow


def evaluate(score):
    mlflow.log_metric("score", score)  # MLF416


with mlflow.start_run():
    worker = threading.Thread(target=evaluate, args=(1.0,))
    worker.start()
    worker.join()
""",
    ),
    Example(
        "executors and pools",
        """\
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pool

import mlflow


def upload(path):
    mlflow.log_artifact(path)  # MLF416


def fold(index):
    score = fit(index)
    if score > 0:
        mlflow.log_metric("score", score, step=index)  # MLF416


with mlflow.start_run():
    with ThreadPoolExecutor(4) as executor:
        executor.map(upload, paths)
    with Pool(4) as pool:
        pool.map(fold, range(5))
""",
    ),
    Example(
        "joblib, through a helper",
        """\
import mlflow
from joblib import Parallel, delayed


def record(name, score):
    mlflow.log_metric(name, score)


def fit(name):
    record(name, 1.0)  # MLF416


with mlflow.start_run():
    Parallel(n_jobs=4)(delayed(fit)(name) for name in ("a", "b"))
""",
    ),
    Example(
        "an event loop, a context of processes, MLflow's own function",
        """\
import asyncio
import multiprocessing as mp
from concurrent.futures import ThreadPoolExecutor

import mlflow


def record(score):
    mlflow.log_metric("score", score)  # MLF416


def fold(index):
    mlflow.log_metric("fold", index)  # MLF416


async def serve(score):
    await asyncio.get_running_loop().run_in_executor(None, record, score)


with mlflow.start_run():
    asyncio.run(serve(0.5))
    with mp.get_context("spawn").Pool(2) as pool:
        pool.map(fold, range(2))
    with ThreadPoolExecutor() as executor:
        executor.submit(mlflow.log_artifact, "model.pt")  # MLF416
""",
    ),
    Example(
        "a run of the worker's own",
        """\
import threading

import mlflow


def train(seed):
    with mlflow.start_run(run_name=f"seed-{seed}"):
        mlflow.log_param("seed", seed)


for seed in range(2):
    worker = threading.Thread(target=train, args=(seed,))
    worker.start()
    worker.join()
""",
    ),
    Example(
        "by the run's id",
        """\
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import mlflow
from mlflow import MlflowClient


def score(run_id, value):
    mlflow.log_metric("score", value, run_id=run_id)


def tag(run_id, value):
    MlflowClient().set_tag(run_id, "value", value)


with mlflow.start_run() as run:
    with ThreadPoolExecutor() as threads:
        threads.submit(score, run.info.run_id, 1.0)
    with ProcessPoolExecutor() as processes:
        processes.submit(tag, run.info.run_id, "a")
        processes.submit(mlflow.log_text, "a", "a.txt", run_id=run.info.run_id)
""",
    ),
    Example(
        "written where the run is, with what the workers gave back",
        """\
from concurrent.futures import ThreadPoolExecutor

import mlflow
from joblib import Parallel, delayed


def fit(seed):
    return seed / 10


def log(score):
    mlflow.log_metric("score", score)


with mlflow.start_run():
    with ThreadPoolExecutor() as executor:
        for score in executor.map(fit, range(3)):
            log(score)
    Parallel(n_jobs=1)(delayed(log)(score) for score in range(2))
""",
    ),
)

RULE = Rule(
    "MLF416",
    "write-in-worker",
    "a write in another thread or process goes to a hidden run",
    check,
    EXAMPLES,
    __doc__ or "",
)
