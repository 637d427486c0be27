"""What goes into a run of the command and what comes out of it.

Invariant: plain data; whoever makes a `Request` need not be a command line.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import TextIO

from mlflow_lint.record import record

CLEAN, FINDINGS, FAILED = 0, 1, 2
"""Exit codes."""

_PIPE_WIDTH = 120
"""Columns to print for where no terminal says how many it has."""

_CHECKOUTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
"""Variables in which GitHub Actions and GitLab CI say where they have the repository."""


def nobody(done: int, of: int) -> None:
    """Watch the progress of a run, and show nothing."""


@record
class Request:
    """What the command was asked to do."""

    paths: tuple[Path, ...] = (Path(),)
    overrides: Mapping[str, object] = field(default_factory=dict)
    """Settings from the command line, under the keys of the configuration table."""
    config: Path | None = None
    isolated: bool = False
    jobs: int | None = None
    """Processes to check with; None for as many as there are processors."""
    stdin: Path | None = None
    """Check standard input instead of `paths`, under this name."""
    fix: bool = False
    diff: bool = False
    """Only show what `fix` would change."""
    add_noqa: bool = False
    """Write comments that silence what is found."""
    update_baseline: bool = False
    diff_against: str | None = None
    """A commit: only findings on lines that have changed since."""
    statistics: bool = False
    timings: bool = False
    timings_by_rule: bool = False
    exit_zero: bool = False
    output_file: Path | None = None
    """Where the report goes instead of standard output."""
    explain: str | None = None
    explain_at: str | None = None
    """`FILE:LINE`."""
    list_rules: bool = False
    show_settings: bool = False
    lsp: bool = False
    """Serve an editor over standard input and output, until it says good-bye."""


Progress = Callable[[int, int], None]
"""Is told that so many more files are done, and of how many in all."""


@record
class Outcome:
    """What there is to print, and the exit code."""

    output: str | bytes
    """For standard output."""
    aside: str
    """For standard error."""
    exit_code: int


@record
class Terminal:
    """What the output goes to."""

    color: bool = False
    width: int = _PIPE_WIDTH
    wraps: bool = False
    """Whether it breaks what is longer than `width`, so that it had better be broken between words."""
    checkout: str | None = None
    """Where the CI system that reads the output has the repository, as it says."""
    progress: Progress = nobody
    """Is told how far the run is."""

    @classmethod
    def of(cls, stream: TextIO | None, environment: Mapping[str, str]) -> Terminal:
        """Describe a stream; NO_COLOR and FORCE_COLOR have their say, the latter the last, as in Ruff."""
        is_terminal = stream is not None and stream.isatty() and environment.get("TERM") != "dumb"
        forced = environment.get("FORCE_COLOR", "") not in ("", "0")
        color = forced or (is_terminal and not environment.get("NO_COLOR"))
        width = shutil.get_terminal_size((_PIPE_WIDTH, 24)).columns
        checkout = next((environment[name] for name in _CHECKOUTS if environment.get(name)), None)
        # As the working directory is told: without symbolic links.
        resolved = None if checkout is None else Path(os.path.realpath(checkout)).as_posix()
        return cls(color, width, is_terminal, resolved)
