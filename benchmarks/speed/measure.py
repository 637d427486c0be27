"""How long programs take, in turns.

Invariant: a figure is that of a whole process, from its start to its end, and programs that are compared take turns, so
that a busy machine is busy for all.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_KILOBYTE_UNITS = 1024 if sys.platform == "darwin" else 1
"""What `ru_maxrss` is divided by to give kilobytes."""


@dataclass(frozen=True)
class Program:
    """What is timed."""

    label: str
    command: tuple[str, ...]
    folder: Path
    """Working directory."""
    environment: Mapping[str, str] = field(default_factory=dict)
    accepted: tuple[int, ...] = (0,)
    """Exit codes of a run that went well."""


@dataclass(frozen=True)
class Run:
    """One turn."""

    seconds: float
    processor: float
    """Seconds of processor time, of all its processes."""
    megabytes: float
    """Most memory that one of its processes held."""


@dataclass(frozen=True)
class Runs:
    """All turns of a program."""

    of: tuple[Run, ...]

    @property
    def best(self) -> float:
        """Seconds of the best turn."""
        return min(run.seconds for run in self.of)

    @property
    def processor(self) -> float:
        """Least seconds of processor time."""
        return min(run.processor for run in self.of)

    def times(self, other: Runs) -> float:
        """How many times as long as the other it takes: the median of the ratios of each turn.

        A machine's spells last longer than a turn, so that one side's best turn may lie in another spell.
        """
        turns = zip(self.of, other.of, strict=True)
        return statistics.median(own.seconds / its.seconds for own, its in turns)

    def processor_times(self, other: Runs) -> float:
        """The same of processor time."""
        turns = zip(self.of, other.of, strict=True)
        return statistics.median(own.processor / its.processor for own, its in turns)

    def growth(self, small: Runs, start: Runs) -> float:
        """The same of processor time beside a smaller task, with what a start takes taken off both."""
        turns = zip(self.of, small.of, start.of, strict=True)
        return statistics.median(
            (own.processor - begun.processor) / max(little.processor - begun.processor, 0.001)
            for own, little, begun in turns
        )

    @property
    def megabytes(self) -> float:
        """Most memory in any turn."""
        return max(run.megabytes for run in self.of)

    def __str__(self) -> str:
        times = [run.seconds for run in self.of]
        return " / ".join(f"{seconds:.2f}" for seconds in (min(times), statistics.median(times), max(times)))


def measured(programs: Sequence[Program], runs: int) -> dict[str, Runs]:
    """Time programs in turns, by label; a turn before the first is for caches, theirs and the system's."""
    turns: dict[str, list[Run]] = {program.label: [] for program in programs}
    for turn in range(-1, runs):
        for program in programs:
            run = _run(program)
            if turn >= 0:
                turns[program.label].append(run)
    return {label: Runs(tuple(each)) for label, each in turns.items()}


def _run(program: Program) -> Run:
    start = time.perf_counter()
    process = subprocess.Popen(
        program.command,
        cwd=program.folder,
        env={**os.environ, **program.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.stderr.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in program.accepted:
        tail = errors.decode(errors="replace")[-2000:]
        raise SystemExit(f"{program.label} ended with {process.returncode}: {' '.join(program.command)}\n{tail}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / _KILOBYTE_UNITS / 1024)
