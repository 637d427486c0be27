"""What goes into a run of the command and what comes out of it.

Invariant: plain data; whoever makes a `Request` need not be a command line.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

CLEAN, FINDINGS, FAILED = 0, 1, 2
"""Exit codes."""

_PIPE_WIDTH = 120
"""Columns to print for where no terminal says how many it has."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the command was asked to do."""

    paths: tuple[Path, ...] = (Path(),)
    overrides: Mapping[str, object] = field(default_factory=dict)
    """Settings from the command line, under the keys of the configuration table."""
    config: Path | None = None
    isolated: bool = False
    stdin: Path | None = None
    """Check standard input instead of `paths`, under this name."""
    fix: bool = False
    diff: bool = False
    """Only show what `fix` would change."""
    statistics: bool = False
    exit_zero: bool = False
    explain: str | None = None
    explain_at: str | None = None
    """`FILE:LINE`."""
    list_rules: bool = False
    show_settings: bool = False
    lsp: bool = False
    """Serve an editor over standard input and output, until it says good-bye."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What there is to print, and the exit code."""

    output: str | bytes
    """For standard output."""
    aside: str
    """For standard error."""
    exit_code: int


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the output goes to."""

    color: bool = False
    width: int = _PIPE_WIDTH

    @classmethod
    def of(cls, stream: TextIO | None, environment: Mapping[str, str]) -> Terminal:
        """Describe a stream; NO_COLOR and FORCE_COLOR have their say, the latter the last, as in Ruff."""
        is_terminal = stream is not None and stream.isatty() and environment.get("TERM") != "dumb"
        forced = environment.get("FORCE_COLOR", "") not in ("", "0")
        color = forced or (is_terminal and not environment.get("NO_COLOR"))
        return cls(color, shutil.get_terminal_size((_PIPE_WIDTH, 24)).columns)
