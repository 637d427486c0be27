"""What the linter says about a file: findings, the chain of reasons behind them, and fixes.

Invariant: everything here is plain, immutable data without syntax nodes, so that it can cross processes, be
cached and be printed by any report.
"""

from __future__ import annotations

import enum

from mlflow_lint.record import record

SYNTAX_ERROR = "MLF000"
"""Code of the finding that stands for a file that cannot be read as Python."""


class Severity(enum.Enum):
    """How many requests a run would save: `WARNING` grows with the data or the training, `INFO` is a handful."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Applicability(enum.Enum):
    """Who may apply a fix."""

    SAFE = "safe"
    """The store holds the same afterwards; applied by `--fix`."""
    UNSAFE = "unsafe"
    """May change what is recorded or when; applied by `--fix --unsafe-fixes`."""
    DISPLAY = "display"
    """Only shown."""


@record
class Region:
    """A stretch of a file. Lines and columns count from 1, columns in code points, the end is exclusive.

    In a notebook, lines count from the start of the cell.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    cell: int | None = None
    """Number of a notebook's code cell, from 1."""


@record
class Edit:
    """Replace the decoded text between two code-point offsets (end exclusive) by `text`."""

    start: int
    end: int
    text: str


@record
class Fix:
    """Edits that belong together: all are made or none."""

    title: str
    edits: tuple[Edit, ...]
    applicability: Applicability


@record
class Step:
    """One link in the chain of reasons: a place, and what happens there."""

    path: str
    line: int
    text: str
    cell: int | None = None
    """Number of a notebook's code cell, from 1; `line` then counts from its start."""

    @property
    def place(self) -> str:
        """Path and line, as messages name them."""
        return _place(self.path, self.cell, self.line)


@record
class Finding:
    """One thing to say about one place of a file."""

    code: str
    name: str
    """Name of the rule, e.g. `metric-in-hot-loop`."""
    message: str
    """One sentence: what happens, where, how often, what it costs, what to write instead."""
    path: str
    region: Region
    statement: tuple[int, int]
    """First and last line of the simple statement (or header) that `region` lies in; suppressions count on both."""
    severity: Severity
    chain: tuple[Step, ...] = ()
    fix: Fix | None = None

    @property
    def place(self) -> str:
        """Path and line, as messages name them."""
        return _place(self.path, self.region.cell, self.region.line)

    @property
    def order(self) -> tuple[str, int, int, int, str, str]:
        """Sort key of every report: path, cell, line, column, code, message."""
        region = self.region
        return (self.path, region.cell or 0, region.line, region.column, self.code, self.message)


def _place(path: str, cell: int | None, line: int) -> str:
    return f"{path}:{line}" if cell is None else f"{path}:cell {cell}:{line}"
