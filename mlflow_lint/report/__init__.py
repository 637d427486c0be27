"""Reports: what the findings of a run look like to a person, a script or a CI system.

Each format is one module with a function `render(results, options) -> str`; a new one is that module and a
line in `_MODULES`. Only the module of the chosen format is imported: printing JSON never pays for colours.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from mlflow_lint.report.model import FileReport, Options

_MODULES = {
    "full": "full",
    "concise": "concise",
    "grouped": "grouped",
    "json": "json_array",
    "json-lines": "json_lines",
    "sarif": "sarif",
    "github": "github",
    "gitlab": "gitlab",
    "junit": "junit",
    "azure": "azure",
    "rdjson": "rdjson",
    "pylint": "pylint",
}

FORMATS = tuple(_MODULES)
"""Names of the formats, the default first."""

FOR_PEOPLE = ("full", "concise", "grouped")
"""Those among whose lines another one does no harm."""


class _Format(Protocol):
    def render(self, results: Sequence[FileReport], options: Options) -> str: ...


def render(format_name: str, results: Sequence[FileReport], options: Options) -> str:
    """Return the report of `results`, one entry per checked file, in the format (one of `FORMATS`).

    The text ends with a newline unless it is empty. It holds no lone surrogates and no control characters but
    newlines and, in `full` when `options.color` is set, the colours chosen there.
    """
    module = cast(_Format, importlib.import_module(f"{__name__}.{_MODULES[format_name]}"))
    return module.render(results, options)
