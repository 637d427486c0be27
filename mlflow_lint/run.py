"""One run of the command: what was asked, and who does it.

Invariant: nothing is printed or exits here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mlflow_lint.config import ConfigError, SettingsResolver
from mlflow_lint.engine import Project
from mlflow_lint.failures import error_line
from mlflow_lint.report.model import Options
from mlflow_lint.request import CLEAN, FAILED, Outcome, Request, Terminal
from mlflow_lint.rules.known import KnownCodes
from mlflow_lint.session import DOCS, Session
from mlflow_lint.timings import table, watch


def run(request: Request, terminal: Terminal, read_stdin: Callable[[], bytes]) -> Outcome:
    """Do what was asked."""
    if not request.timings:
        return _done(request, terminal, read_stdin)
    stopwatch = watch(by_rule=request.timings_by_rule)
    outcome = _done(request, terminal, read_stdin)
    return replace(outcome, aside=outcome.aside + table(stopwatch.taken()))


def _done(request: Request, terminal: Terminal, read_stdin: Callable[[], bytes]) -> Outcome:
    try:
        resolver = SettingsResolver(
            KnownCodes(), config=request.config, isolated=request.isolated, overrides=request.overrides
        )
        if request.explain is not None or request.list_rules or request.show_settings:
            return _about(request, resolver)
        if request.explain_at is not None:
            return _explained(request.explain_at, terminal, resolver)
        session = Session(request, terminal, resolver)
        if request.stdin is None:
            return session.of_files()
        file = os.path.abspath(request.stdin)
        return session.of_stdin(file, read_stdin())
    except ConfigError as error:
        return Outcome("", error_line(str(error)), FAILED)


def _about(request: Request, resolver: SettingsResolver) -> Outcome:
    from mlflow_lint import about

    if request.explain is not None:
        try:
            return Outcome(about.explanation(request.explain), "", CLEAN)
        except LookupError as error:
            return Outcome("", error_line(str(error.args[0])), FAILED)
    if request.list_rules:
        return Outcome(about.rule_list(), "", CLEAN)
    path = request.stdin or request.paths[0]
    file = path / "-" if path.is_dir() else path
    settings = resolver.for_file(file)
    target = Project(settings.root, Path.cwd()).surroundings.target(os.path.abspath(file), settings)
    return Outcome(about.settings_table(path, settings, target), "", CLEAN)


def _explained(asked: str, terminal: Terminal, resolver: SettingsResolver) -> Outcome:
    from mlflow_lint.explaining import NotExplained, explained, place
    from mlflow_lint.report.explanation import render as rendered

    here = Path.cwd()
    try:
        line = place(asked)
        settings = resolver.for_file(line.path)
        found = explained(Project(resolver.for_directory(here).root, here), line, settings)
    except NotExplained as error:
        return Outcome("", error_line(str(error)), FAILED)
    return Outcome(rendered(found, Options(terminal.color, terminal.width, settings.unsafe_fixes, DOCS)), "", CLEAN)
