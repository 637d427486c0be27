"""A linter and codemod for code that logs to MLflow.

The doors are :mod:`mlflow_lint.__main__`, :mod:`mlflow_lint.flake8_plugin`, :mod:`mlflow_lint.lsp` and
:mod:`mlflow_lint.library`; importing this package alone loads none of them, so that every door starts quickly. What
the library offers can be imported from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow_lint.library import (
        Applicability,
        ConfigError,
        Edit,
        FileResult,
        Finding,
        Fix,
        FixResult,
        LintResult,
        Region,
        Severity,
        Step,
        fix_source,
        lint_paths,
        lint_source,
    )

__version__ = "0.1.0"

__all__ = [
    "Applicability",
    "ConfigError",
    "Edit",
    "FileResult",
    "Finding",
    "Fix",
    "FixResult",
    "LintResult",
    "Region",
    "Severity",
    "Step",
    "__version__",
    "fix_source",
    "lint_paths",
    "lint_source",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mlflow_lint import library

    return getattr(library, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
