"""Which of MLflow's variables of the environment the files around a module speak of.

A program is set up by files that no import leads to: `.env`, a shell script, a Dockerfile, the script that imports the
module. Invariant: looked at are the modules that a file imports, step by step, and files of known kinds in the folders
from its own up to the project's root and in folders directly below these whose names say that programs are started or
set up there; they are searched for names and never interpreted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from mlflow_lint.regex import regex
from mlflow_lint.source.file import SourceError, read_bytes

_NAME = regex(rb"MLFLOW_[A-Z0-9_]+")
_KINDS = regex(
    r".*\.(py|ipynb|sh|bash|zsh|slurm|sbatch|ps1|bat|env|yml|yaml|toml|cfg|ini|service|mk)"
    r"|\.env.*|(.*\.)?(Dockerfile|Containerfile)(\..*)?|Makefile|Procfile|[Jj]ustfile|MLproject"
)
_FOLDERS = regex(
    r"scripts?|bin|tools?|jobs?|slurm|launch(ers?)?|runs?|apps?|train(ing)?|src|docker|containers?|\.devcontainer|deploy(ment)?s?"
    r"|k8s|kubernetes|helm|infra(structure)?|ops|ci|conf(ig|igs)?|configurations?|settings|envs?|environments?",
    re.I,
)
_LARGEST = 256 * 1024
_MOST_FILES = 500
"""Of one folder: there may be folders of data among them."""


class Environment:
    """Answers for the files of one project; `imported` gives the modules that a file imports, step by step."""

    def __init__(self, root: str, imported: Callable[[str], Iterable[str]]) -> None:
        self._root = root
        self._imported = imported
        self.asked: dict[tuple[str, str], bool] = {}
        """What was answered, by variable and file."""
        self._of_files: dict[str, frozenset[str]] = {}
        self._of_folders: dict[str, frozenset[str]] = {}

    def speaks_of(self, variable: str, file: str) -> bool:
        """Whether anything around a file speaks of a variable; `file` is empty for text without one."""
        if (variable, file) not in self.asked:
            self.asked[variable, file] = any(variable in self._in_file(other) for other in self._imported(file)) or any(
                variable in self._in_folder(folder) for folder in self._around(file)
            )
        return self.asked[variable, file]

    def _around(self, file: str) -> Iterable[str]:
        """The folders from a file's own up to the root, and those directly in them that programs are started from."""
        folder = os.path.dirname(file) if file else self._root
        while True:
            yield folder
            yield from (inner for inner in _listed(folder) if _FOLDERS.fullmatch(os.path.basename(inner)))
            if not folder.startswith(self._root + os.sep):
                return
            folder = os.path.dirname(folder)

    def _in_folder(self, folder: str) -> frozenset[str]:
        if folder not in self._of_folders:
            files = [file for file in _listed(folder) if _KINDS.fullmatch(os.path.basename(file))]
            names = frozenset[str]().union(*map(self._in_file, files[:_MOST_FILES]))
            self._of_folders[folder] = names
        return self._of_folders[folder]

    def _in_file(self, file: str) -> frozenset[str]:
        if file not in self._of_files:
            self._of_files[file] = frozenset(_names(file))
        return self._of_files[file]


def _listed(folder: str) -> list[str]:
    try:
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    except OSError:
        return []


def _names(file: str) -> Iterable[str]:
    try:
        if os.path.getsize(file) <= _LARGEST:
            return (name.decode() for name in _NAME.findall(read_bytes(Path(file))))
    except (OSError, SourceError):
        pass
    return ()
