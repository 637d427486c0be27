"""The reference of settings and options as one Markdown page, for `docs/settings.md`.

`python -m mlflow_lint.reference docs/settings.md` writes it; a test compares it with what this would write.
Invariant: the page is made of `Settings`, of what keys take, and of the options of the command; nothing about a key or
an option is written down here.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlflow_lint.cli import command
from mlflow_lint.config import KINDS, Settings

_HEAD = """\
# Settings and options

Every key of `[tool.mlflow-lint]` in a `pyproject.toml`, and every option of the command. Which file counts, and what
codes, patterns and severities are, is in [Configuration](configuration.md). This page is written by
`python -m mlflow_lint.reference docs/settings.md`, from the linter itself.
"""

_OPTION = re.compile(r"(?<![\w`-])--[a-z][a-z-]*")

_OTHER = "Other"
"""Heading for options that the help puts in no panel."""


def page() -> str:
    """The page."""
    options = _options()
    parts = [_HEAD, "## Settings\n", *(_setting(field, options) for field in _fields())]
    parts.append("## Options of the command\n")
    parts += [_panel(name, members) for name, members in _by_panel(options).items()]
    return "\n".join(parts)


def _fields() -> Iterator[dataclasses.Field[Any]]:
    """Fields of `Settings` that are keys of the table, in their order."""
    return (field for field in dataclasses.fields(Settings) if _key(field) in KINDS)


def _key(field: dataclasses.Field[Any]) -> str:
    return field.name.replace("_", "-")


def _setting(field: dataclasses.Field[Any], options: list[Any]) -> str:
    key = _key(field)
    lines = [
        f"### `{key}`\n",
        f"{_texts()[field.name]}\n",
        f"- Takes: {KINDS[key].words}",
        f"- Default: {_default(field)}",
    ]
    spelled = [_spelled(option) for option in options if option.name in (field.name, f"no_{field.name}")]
    if spelled:
        lines.append(f"- Command line: {', '.join(spelled)}")
    return "\n".join(lines) + "\n"


def _texts() -> Mapping[str, str]:
    """What stands below each field of `Settings` in the source: texts that Python itself does not keep."""
    (definition,) = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(definition, ast.ClassDef)
    texts = {}
    for field, text in zip(definition.body, definition.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(value))):
                texts[name] = inspect.cleandoc(value)
    return texts


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is None:
        return "not set"
    if field.name == "per_file_ignores":
        return "`{}`"
    return f"`{json.dumps(field.default)}`"


def _options() -> list[Any]:
    """Options as click has them, in the order of the help."""
    return [parameter for parameter in command().params if parameter.param_type_name == "option"]


def _by_panel(options: list[Any]) -> Mapping[str, list[Any]]:
    panels: dict[str, list[Any]] = {}
    for option in options:
        panels.setdefault(getattr(option, "rich_help_panel", None) or _OTHER, []).append(option)
    return panels


def _panel(name: str, options: list[Any]) -> str:
    rows = [f"| {_cell(_spelled(option))} | {_cell(_told(option))} |" for option in options]
    return "\n".join([f"### {name}\n", "| option | what it does |", "|---|---|", *rows, ""])


def _spelled(option: Any) -> str:
    metavar = "" if option.is_flag else f" {option.metavar}"
    return ", ".join(f"`{name}{metavar}`" for name in (*option.opts, *option.secondary_opts))


def _told(option: Any) -> str:
    variable = f" Also: the variable `{option.envvar}` of the environment." if option.envvar else ""
    return _OPTION.sub(r"`\g<0>`", option.help) + variable


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8", newline="\n")
