"""`--add-noqa`: write a comment behind each line that has findings, so that a project can begin from none.

Invariant: a file is replaced only if what was silenced is gone afterwards and nothing has come; everything but the
comments stays byte for byte.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

from mlflow_lint.config import Settings
from mlflow_lint.engine import Project, check_bytes, check_source
from mlflow_lint.findings import SYNTAX_ERROR
from mlflow_lint.fixing import Fixed, Screen, compared, unreadable, with_edits, written
from mlflow_lint.source.annotate import noqa_edits
from mlflow_lint.source.file import SourceError, SourceFile, decode, read_bytes
from mlflow_lint.source.suppress import suppressions_of


def silence_file(project: Project, path: Path, settings: Settings, screen: Screen) -> Fixed:
    """Silence the findings of a file and write it; `applied` then counts the codes that were written."""
    from mlflow_lint.syntax.stack import with_deep_stack

    file = os.path.abspath(path)
    try:
        data = read_bytes(path)
        source = decode(project.shown(file), data)
    except OSError as error:
        return unreadable(project.shown(file), error)
    except SourceError:
        checked = screen(with_deep_stack(lambda: check_bytes(project, file, data, settings)), path, settings)
        return Fixed(checked.path, "", "", (), checked)
    silenced = with_deep_stack(lambda: _silenced(project, path, source, settings, screen))
    if silenced.after == silenced.before:
        return silenced
    return written(
        silenced,
        path,
        data,
        lambda: screen(with_deep_stack(lambda: check_source(project, file, source, settings)), path, settings),
    )


def _silenced(project: Project, path: Path, source: SourceFile, settings: Settings, screen: Screen) -> Fixed:
    file = os.path.abspath(path)
    before = check_source(project, file, source, settings)
    checked = screen(before, path, settings)
    wanted: defaultdict[tuple[int | None, int], set[str]] = defaultdict(set)
    for finding in checked.findings:
        if finding.code != SYNTAX_ERROR:
            wanted[finding.region.cell, finding.region.line].add(finding.code)
    attempt = with_edits(source, noqa_edits(source, wanted))
    silences = suppressions_of(attempt).silences
    gone = [finding for finding in checked.findings if finding.code != SYNTAX_ERROR and silences(finding)]
    after = check_source(project, file, attempt, settings)
    # No line has moved, so that the findings that remain are those of before.
    remaining = replace(checked, findings=tuple(each for each in checked.findings if each not in gone))
    if len(after.findings) > len(before.findings) - len(gone):
        problem = f"{source.path}: not silenced: the comments would bring findings (please report this)"
        return compared(source, source, {}, checked, (problem,))
    applied = Counter(finding.code for finding in gone)
    return compared(source, attempt, applied, replace(remaining, text=attempt.text, cells=attempt.cells), ())
