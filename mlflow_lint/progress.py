"""A bar that shows how far a run is, on a terminal and if it lasts.

Invariant: nothing is shown, nor imported for it, in the first second; when it is closed, nothing of it is left.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Shown

_PATIENCE_SECONDS = 1.0


class Bar:
    """Is told how many files are done, and shows it on a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began = time.monotonic()
        self._done = 0
        self._shown: Shown | None = None

    def __call__(self, done: int, of: int) -> None:
        """So many more files are done, of so many."""
        self._done += done
        if self._shown is None and time.monotonic() - self._began > _PATIENCE_SECONDS and self._done < of:
            self._shown = _begun(self._stream, of)
        if self._shown is not None:
            self._shown.update(self._shown.task_ids[0], completed=min(self._done, of), total=of)

    def close(self) -> None:
        """Take the bar away."""
        if self._shown is not None:
            self._shown.stop()
            self._shown = None


def _begun(stream: TextIO, of: int) -> Shown:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("checking files"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = Progress(
        *columns, console=Console(file=stream), transient=True, redirect_stdout=False, redirect_stderr=False
    )
    shown.add_task("", total=of)
    shown.start()
    return shown
