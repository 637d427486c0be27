"""What the command tells about rules and settings: `--explain`, `--list-rules` and `--show-settings`.

Invariant: texts only, made from the rules and settings themselves, so that they cannot be out of date.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
from pathlib import Path

from mlflow_lint.config import Settings
from mlflow_lint.findings import SYNTAX_ERROR
from mlflow_lint.project.target import Target
from mlflow_lint.report.visible import visible
from mlflow_lint.rules.base import Example, Rule
from mlflow_lint.rules.registry import all_rules

_UNREADABLE = f"""{SYNTAX_ERROR} syntax-error

The file cannot be read as Python: a syntax error, bytes that are no text in the file's encoding, or nesting
that is too deep. This is not a rule: it is always reported, unless exactly {SYNTAX_ERROR} is ignored, and
nothing else can be said about such a file.
"""


def explanation(asked: str) -> str:
    """Tell everything about one rule, by its code or name. Raises `LookupError` if there is none."""
    if asked.upper() == SYNTAX_ERROR:
        return _UNREADABLE
    names = {name: rule for rule in all_rules() for name in (rule.code, rule.name)}
    rule = names.get(asked.upper()) or names.get(asked.lower())
    if rule is None:
        close = difflib.get_close_matches(asked.upper(), names, n=1) or difflib.get_close_matches(
            asked.lower(), names, n=1
        )
        hint = f", did you mean `{close[0]}`?" if close else " (--list-rules shows them all)"
        raise LookupError(f"there is no rule `{asked}`{hint}")
    parts = [
        f"{rule.code} {rule.name}",
        f"{rule.summary}\nStatus: {rule.status.value} · Fix: {_fix(rule)}",
        rule.documentation.strip(),
        "## Examples",
        *map(_example, rule.examples),
    ]
    return "\n\n".join(parts) + "\n"


def rule_list() -> str:
    """One line for each rule."""
    rows = [("CODE", "NAME", "STATUS", "FIX", "SUMMARY")]
    rows += [(rule.code, rule.name, rule.status.value, _fix(rule), rule.summary) for rule in all_rules()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def settings_table(path: Path, settings: Settings, target: Target) -> str:
    """The settings for a path, as the table of a pyproject.toml that would give the same."""
    origin = settings.config_file or "none, these are the defaults and the command line's"
    lines = [
        f"# Settings for {visible(str(path))}",
        f"# Configuration file: {visible(str(origin))}",
        f"# Patterns are relative to: {visible(str(settings.root))}",
        "[tool.mlflow-lint]",
    ]
    per_file = "per_file_ignores"
    names = [field.name for field in dataclasses.fields(settings)]
    lines += [
        f"{_key(name)} = {_toml(getattr(settings, name))}"
        for name in names
        if name not in ("root", "config_file", per_file) and getattr(settings, name) is not None
    ]
    if settings.target_mlflow_version is None:
        origin = target.origin or "the newest that mlflow-lint knows"
        lines.append(f"# target-mlflow-version = {_toml(str(target))} (from {visible(origin)})")
    if settings.per_file_ignores:
        lines += ["", f"[tool.mlflow-lint.{_key(per_file)}]"]
        lines += [f"{_toml(pattern)} = {_toml(codes)}" for pattern, codes in settings.per_file_ignores]
    return "".join(f"{line}\n" for line in lines)


def _fix(rule: Rule) -> str:
    return "/".join(sorted(applicability.value for applicability in rule.fixes)) or "none"


def _example(example: Example) -> str:
    parts = [f"### {example.title}", *(_code(text, name) for name, text in example.files)]
    parts.append(_code(example.code))
    if example.fixed is not None:
        how = f" ({example.applicability.value})" if example.applicability is not None else ""
        parts += [f"Fixed{how}:", _code(example.fixed)]
    return "\n\n".join(parts)


def _code(text: str, file: str = "") -> str:
    return f"```python\n{f'# {file}' + chr(10) if file else ''}{text.strip(chr(10))}\n```"


def _key(field: str) -> str:
    return field.replace("_", "-")


def _toml(value: object) -> str:
    # JSON's strings, lists, numbers and booleans are TOML's too, but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", r"\u007f")
