"""The version of MLflow that code is written for: set, else the oldest that the project admits, else the newest.

What has moved or gone in MLflow is found only where it has for every version that the project admits, so the oldest
of them counts. Invariant: the answer depends on the settings and on the files in the folders from the linted file's up
to the root of its settings, and those are read once, when a rule first asks.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mlflow_lint.config import Settings
from mlflow_lint.facts.releases import NEWEST, Release, release, written
from mlflow_lint.record import record

if TYPE_CHECKING:
    from mlflow_lint.project.requirements import Requested


@record
class Target:
    """A version of MLflow, and where it comes from."""

    release: Release
    origin: str
    """`requirements.txt: mlflow>=2.9`; empty if neither the settings nor the project say anything."""

    def __str__(self) -> str:
        return written(self.release)

    @property
    def is_stated(self) -> bool:
        """Whether the settings or the project say so, and it is no mere guess."""
        return bool(self.origin)

    def has(self, since: Release) -> bool:
        """Whether every version in use has what MLflow has since this one."""
        return self.release >= since


NEWEST_TARGET = Target(NEWEST, "")


class Targets:
    """The targets of the files of a project."""

    def __init__(self, top: str) -> None:
        self._top = top
        """The folder up to which files are asked that lie outside the root of their settings."""
        self._requested: dict[str, Requested | None] = {}

    def of(self, file: str, settings: Settings) -> Target:
        """The target of a file, which need not exist; the nearest folder that says something decides."""
        if settings.target_mlflow_version is not None:
            numbers = tuple(map(int, settings.target_mlflow_version.split(".")))
            return Target(release(numbers), "target-mlflow-version")
        folder, root = os.path.dirname(file), str(settings.root)
        top = root if _holds(root, folder) else self._top
        while True:
            requested = self._requested_in(folder)
            if requested is not None:
                return Target(requested.release, f"{os.path.basename(requested.file)}: {requested.text}")
            if folder == top or not _holds(top, folder):
                return NEWEST_TARGET
            folder = os.path.dirname(folder)

    def _requested_in(self, folder: str) -> Requested | None:
        if folder not in self._requested:
            from mlflow_lint.project.requirements import requested_in  # with `packaging`, only where it is asked

            self._requested[folder] = requested_in(folder)
        return self._requested[folder]


def _holds(folder: str, other: str) -> bool:
    """Whether a folder is another one or lies above it."""
    return other == folder or other.startswith(folder.rstrip(os.sep) + os.sep)
