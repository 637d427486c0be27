"""What the disk looked like in a run, so that the next one of the same files need not read them.

Invariant: a snapshot holds only if every file that was read has the size and the times of then, and every folder in
which modules were looked up the names; times that are younger than the run that saw them say nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from mlflow_lint.config import CACHE_NAME
from mlflow_lint.record import record

_GRAIN_NANOSECONDS = 50_000_000
"""File systems keep times no finer than a tick of the kernel's clock."""


@record
class Snapshot:
    """Of one run."""

    states: Mapping[str, str]
    """Of the files that matter."""

    def dump(self, files: Iterable[str], folders: Iterable[str], began: int) -> bytes | None:
        """As JSON; `began` is when the run began, in nanoseconds. None if it would hold for nobody."""
        seen = [_seen(file) for file in sorted(files)]
        if any(one is None or max(one[2:]) > began - _GRAIN_NANOSECONDS for one in seen):
            return None
        listed = [[folder, _names(folder)] for folder in sorted(folders)]
        return json.dumps({"files": seen, "folders": listed, "states": self.states}).encode("utf-8", "surrogatepass")


def load(data: bytes, files: Iterable[str]) -> Snapshot | None:
    """The snapshot that was dumped, if it still holds and knows of all of these files."""
    try:
        read = json.loads(data.decode("utf-8", "surrogatepass"))
        seen, listed, states = read["files"], read["folders"], read["states"]
        if any(_seen(one[0]) != one for one in seen) or any(_names(folder) != names for folder, names in listed):
            return None
        if not {one[0] for one in seen}.issuperset(files):
            return None
        if not all(isinstance(state, str) for state in states.values()):
            return None
        return Snapshot(states)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return None


def _seen(file: str) -> list[Any] | None:
    """A file with its size and times; None if it is not there."""
    try:
        status = os.stat(file)
    except OSError:
        return None
    return [file, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _names(folder: str) -> list[str] | None:
    """The names in a folder; None if there is none."""
    try:
        return sorted(name for name in os.listdir(folder) if name not in (CACHE_NAME, "__pycache__"))
    except OSError:
        return None
