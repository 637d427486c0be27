"""What standard error says when something goes wrong.

Invariant: one line each, harmless to print, unless a traceback was asked for.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from typing import TypeVar

from mlflow_lint.report.visible import visible

Result = TypeVar("Result")


def error_line(message: str) -> str:
    """Return the line for an error that the user can do something about."""
    return f"mlflow-lint: error: {visible(message)}\n"


def defect_message(error: BaseException, file: str | None = None) -> str:
    """Say in one line what went wrong by our fault."""
    place = f" in {file}" if file else ""
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return f"internal error{place}: {what}: a defect of mlflow-lint, please report it"


def defect(error: BaseException, file: str | None = None) -> str:
    """Return the line for an error that is our fault; MLFLOW_LINT_TRACEBACK=1 adds the traceback."""
    asked = os.environ.get("MLFLOW_LINT_TRACEBACK", "") not in ("", "0")
    hint = "" if asked else " (MLFLOW_LINT_TRACEBACK=1 shows the traceback)"
    line = error_line(defect_message(error, file) + hint)
    return line + "".join(traceback.format_exception(error)) if asked else line


def is_defect(error: BaseException) -> bool:
    """Whether an error is one at all. LibCST's native parser may raise what is not an `Exception`."""
    return not isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)


def guarded(work: Callable[[], Result], file: str, lines: list[str]) -> Result | None:
    """Do `work` for a file; a defect on the way becomes one of `lines`, and None the result."""
    try:
        return work()
    except BaseException as error:
        if not is_defect(error):
            raise
        lines.append(defect(error, file))
        return None
