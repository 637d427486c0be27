"""What findings rest on beside the modules that a file imports: files that no import leads to.

Invariant: a question has one answer for one state of the disk, whoever asks; answers are texts, to be compared.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from mlflow_lint.config import Settings
from mlflow_lint.project.finder import ModuleFinder
from mlflow_lint.project.reach import Reach
from mlflow_lint.project.states import States
from mlflow_lint.project.target import Target, Targets
from mlflow_lint.record import record

if TYPE_CHECKING:
    from mlflow_lint.project.environment import Environment

_TARGET, _ENVIRONMENT, _NEIGHBOURS, _SUBMODULE = "target", "environment", "neighbours", "submodule"


@record
class Question:
    """Something that was asked while a file was checked."""

    kind: str
    """About the version of MLflow, a word in the files around, the modules beside it, one that nothing imports."""
    file: str
    """Whose surroundings are meant, as reports show it."""
    answer: str
    subject: str = ""
    """The variable of the environment."""


class Surroundings:
    """Answers for the files of a project, and keeps what was asked."""

    def __init__(self, finder: ModuleFinder, reach: Reach, read: Callable[[str], bytes], shown_from: str) -> None:
        self.targets = Targets(shown_from)
        self.states = States(reach.rests_on, read, self.shown)
        self._finder = finder
        self._reach = reach
        self._read = read
        self._shown_from = shown_from
        self._target_of: dict[str, str] = {}

    @cached_property
    def environment(self) -> Environment:
        """What is spoken of around the modules."""
        from mlflow_lint.project.environment import Environment

        return Environment(self._finder.root, self._reach.imported)

    def shown(self, file: str) -> str:
        """A path as reports show it: relative where the file lies below, with forward slashes."""
        if file.startswith(self._shown_from + os.sep):
            file = file[len(self._shown_from) + 1 :]
        return file.replace(os.sep, "/")

    def target(self, file: str, settings: Settings) -> Target:
        """The version of MLflow that a file is written for."""
        target = self.targets.of(file, settings)
        self._target_of[file] = f"{target} {target.origin}"
        return target

    def asked(self, file: str) -> tuple[Question, ...]:
        """What the findings of a file that was checked may rest on; too much rather than too little."""
        return tuple(self._asked(file))

    def still_answers(self, question: Question, settings: Settings) -> bool:
        """Whether a question of an earlier run has the answer that it had."""
        file = os.path.join(self._shown_from, question.file)
        if question.kind == _TARGET:
            self.target(file, settings)
            return self._target_of[file] == question.answer
        if question.kind == _ENVIRONMENT:
            return str(self.environment.speaks_of(question.subject, file)) == question.answer
        if question.kind == _NEIGHBOURS:
            return self._beside(file) == question.answer
        return question.kind == _SUBMODULE and self._state(file) == question.answer

    def _asked(self, file: str) -> Iterator[Question]:
        if file in self._target_of:
            yield Question(_TARGET, self.shown(file), self._target_of[file])
        spoken_of = self.environment.asked if "environment" in self.__dict__ else {}
        if not spoken_of and not self._finder.looked_around and not self._finder.entered:
            return
        modules = self._modules(file)
        for (variable, other), answer in spoken_of.items():
            if other in modules:
                yield Question(_ENVIRONMENT, self.shown(other), str(answer), variable)
        for other in self._finder.looked_around:
            if other in modules:
                yield Question(_NEIGHBOURS, self.shown(other), self._beside(other))
        for package, inner in self._finder.entered:
            if package in modules and inner not in modules:
                yield Question(_SUBMODULE, self.shown(inner), self._state(inner))

    def _modules(self, file: str) -> set[str]:
        """A file and all that it rests on, step by step."""
        found, pending = {file}, [file]
        while pending:
            new = set(self._reach.rests_on(pending.pop())) - found
            found |= new
            pending += new
        return found

    def _beside(self, file: str) -> str:
        return " ".join(self._state(other) for other in self._finder.neighbours(file))

    def _state(self, file: str) -> str:
        if not self._reach.is_settled(file):
            self._reach.settle({file: self._read(file)})
        return self.states.of(file, {})
