"""What was found in a file, kept under all that it rests on.

Invariant: findings are given back only if a check would find the same, for the same state of the file and of what it
imports, the same settings and the same linter, and if what was asked of its surroundings still has the same answers.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from mlflow_lint import __version__
from mlflow_lint.cache import codec
from mlflow_lint.cache.folder import Folder
from mlflow_lint.config import Settings
from mlflow_lint.digest import digest
from mlflow_lint.findings import Finding
from mlflow_lint.project.surroundings import Question
from mlflow_lint.record import record

_EMPTY = Path()


@record
class Entry:
    """What came of a file."""

    findings: tuple[Finding, ...]
    questions: tuple[Question, ...]


class Results:
    """The entries of a folder, of the files of a project with the given root."""

    def __init__(self, folder: Folder, root: str) -> None:
        self._folder = folder
        self._root = root
        self._settings: dict[int, tuple[Settings, str]] = {}

    def get(self, state: str, file: str, settings: Settings) -> Entry | None:
        """What was found in a file of this state."""
        data = self._folder.get(self._name(state, file, settings))
        if data is None:
            return None
        try:
            return codec.load(data, Entry)
        except codec.CodecError:
            return None

    def put(self, state: str, file: str, settings: Settings, entry: Entry) -> None:
        """Keep what was found."""
        self._folder.put(self._name(state, file, settings), codec.dump(entry).encode())

    def _name(self, state: str, file: str, settings: Settings) -> str:
        # Rules and patterns look at where a file lies below the two roots.
        places = (file.removeprefix(self._root), file.removeprefix(str(settings.root)))
        return entry_name(linter(), state, *places, self._told(settings))

    def _told(self, settings: Settings) -> str:
        """What of the settings bears on findings; one object serves many files."""
        known = self._settings.get(id(settings))
        if known is None:
            bearing = replace(
                settings,
                root=_EMPTY,
                config_file=None,
                exclude=(),
                extend_exclude=(),
                force_exclude=False,
                respect_gitignore=False,
                baseline=None,
                cache=True,
                cache_dir=None,
                output_format="",
                unsafe_fixes=False,
                fail_on="",
            )
            known = self._settings[id(settings)] = (settings, repr(bearing))
        return known[1]


def entry_name(*parts: str) -> str:
    """A name for what the parts tell apart."""
    return digest("\0".join(parts).encode("utf-8", "surrogatepass"))


@cache
def linter() -> str:
    """Tells this linter from others, be they of the same version and under development."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    newest = max(_times(package), default=0)
    return f"{__version__} {newest} {sys.version_info[:2]} {codec.version(Entry)}"


def _times(folder: str) -> Iterator[int]:
    """When the modules of a folder were changed; nothing of one that is none, as in a zip file."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if entry.name.endswith(".py"):
                yield entry.stat().st_mtime_ns
            elif entry.name != "__pycache__" and entry.is_dir():
                yield from _times(entry.path)
