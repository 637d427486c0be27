"""Check files in several processes.

Invariant: what is found, and in which order it is told, is as in one process; and a process that dies takes the file
with it that it was checking, not the run.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TypeAlias

from mlflow_lint.engine import Checked, File, Project, check_in_turn
from mlflow_lint.request import Progress
from mlflow_lint.syntax.stack import with_deep_stack
from mlflow_lint.timings import phase, watch, watching

Task: TypeAlias = tuple[File, ...]
"""Files that one process checks in a row, with their settings."""

_TASKS_EACH = 6
"""Tasks for each process if all were as large as the first: so few that neighbours stay together."""

_SMALLEST = 8
"""How much smaller the last tasks are, so that no process waits long for another."""

_FORKS = sys.platform == "linux"
"""Whether processes begin as copies of this one, with all that it has imported; elsewhere that is slow or unsafe."""

_WORTHWHILE_BYTES = 60_000 if _FORKS else 600_000
"""Below this, one process is done before others have started."""

_project: Project
"""Of a process of the pool."""


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def is_worthwhile(sizes: Sequence[int]) -> bool:
    """Whether files of these sizes, in bytes, are checked sooner by several processes."""
    return len(sizes) > 1 and sum(sizes) >= _WORTHWHILE_BYTES


def check_in_pool(
    project: Project, files: Sequence[File], sizes: Sequence[int], jobs: int, progress: Progress
) -> dict[str, Checked]:
    """Check files that matter, `sizes` bytes each, by `jobs` processes. What the workers raise is raised here."""
    tasks = _tasks(files, sizes, jobs)
    results: dict[str, Checked] = {}
    left = _run(project, tasks, min(jobs, len(tasks)), results, progress)
    # What a process that died was checking is among these: each gets a process of its own.
    for file, settings in (each for task in left for each in task):
        if _run(project, [((file, settings),)], 1, results, progress):
            shown = project.shown(file)
            results[file] = Checked(shown, (), error=f"{shown}: the process that checked it died")
    return results


def _run(
    project: Project, tasks: Sequence[Task], jobs: int, results: dict[str, Checked], progress: Progress
) -> list[Task]:
    """Do tasks; returns those that were lost with a process."""
    lost: list[Task] = []
    count = len(results) + sum(map(len, tasks))
    stopwatch = watching()
    if _FORKS:
        _load()
        gc.freeze()  # what is there by now is not looked at, and so not copied, by the processes
    try:
        with phase("processes"), _pool(project, jobs) as pool:
            with _uninterrupted():
                running = {pool.submit(_check, task): task for task in tasks}
            for done in as_completed(running):
                task = running[done]
                try:
                    checked, seconds = done.result()
                except BrokenProcessPool:
                    lost.append(task)
                    continue
                results.update(zip((file for file, _ in task), checked, strict=True))
                progress(len(task), count)
                if stopwatch is not None:
                    stopwatch.add(seconds)
    finally:
        if _FORKS:
            gc.unfreeze()
    return lost


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """An interrupt waits until all processes have begun: one that has just done so would be left behind."""
    if not _FORKS:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _pool(project: Project, jobs: int) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("fork" if _FORKS else "spawn")
    stopwatch = watching()
    by_rule = stopwatch.by_rule if stopwatch is not None else None
    others = multiprocessing.active_children()  # of the program that uses the library
    pool = ProcessPoolExecutor(jobs, context, _begin, (project, by_rule))
    try:
        yield pool
    except BaseException:
        # Interrupted, or one of them met a defect of ours: nobody waits for the others.
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            if process not in others:
                process.terminate()
        raise
    pool.shutdown()


def _begin(project: Project, timed_by_rule: bool | None) -> None:
    global _project
    _project = project
    if timed_by_rule is not None:
        watch(by_rule=timed_by_rule, otherwise="processes")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process is told as well, and ends them
    gc.disable()  # all that is made is kept to the end
    _load()


def _load() -> None:
    """Import what checking takes."""
    from mlflow_lint.rules.registry import all_rules
    from mlflow_lint.syntax import read  # noqa: F401

    all_rules()


def _check(task: Task) -> tuple[list[Checked], Mapping[str, float]]:
    """The results, and the seconds that they took by phase."""
    checked = with_deep_stack(partial(check_in_turn, _project, task))
    stopwatch = watching()
    return checked, stopwatch.taken() if stopwatch is not None else {}


def _tasks(files: Sequence[File], sizes: Sequence[int], jobs: int) -> list[Task]:
    """Files in a row, cut into tasks that get smaller towards the end."""
    left = sum(sizes)
    largest = left / (jobs * _TASKS_EACH)
    tasks: list[Task] = []
    current: list[File] = []
    weight = 0
    for file, size in zip(files, sizes, strict=True):
        current.append(file)
        weight += size
        if weight >= max(largest / _SMALLEST, min(largest, 2 * left / (jobs * _TASKS_EACH))):
            tasks.append(tuple(current))
            left -= weight
            current, weight = [], 0
    return [*tasks, tuple(current)] if current else tasks
