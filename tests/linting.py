"""Lint text in a test, as a door would."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path

from mlflow_lint.config import default_settings
from mlflow_lint.engine import Checked, Project, check_source
from mlflow_lint.source.file import SourceFile
from mlflow_lint.syntax.stack import with_deep_stack


def check(code: str, folder: Path, *codes: str, **files: str) -> Checked:
    """Findings of some rules (all, if none is named) in `code`, which lies in `folder` beside other modules.

    `files` gives their texts by module name, dots written as double underscores.
    """
    for module, text in files.items():
        path = folder.joinpath(*module.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        for parent in path.relative_to(folder).parents:
            if parent.parts:
                (folder / parent / "__init__.py").touch()
    settings = replace(default_settings(folder), select=codes or ("MLF",))
    text = textwrap.dedent(code)
    file = str(folder / "code.py")
    (folder / "code.py").write_text(text, encoding="utf-8")
    project = Project(folder, folder)

    def checked() -> Checked:
        if not project.matters(file, text.encode()):
            return Checked("code.py", ())
        return check_source(project, file, SourceFile("code.py", text.encode(), text, "utf-8", False), settings)

    return with_deep_stack(checked)


def lines(checked: Checked, code: str) -> list[int]:
    """Lines on which findings of one rule stand."""
    return [finding.region.line for finding in checked.findings if finding.code == code]
