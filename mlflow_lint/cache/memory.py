"""The cache as a run uses it: asked before files are read, asked again once they are, told what was found.

Invariant: with it and without it a run finds the same.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from mlflow_lint.cache import snapshot
from mlflow_lint.cache.folder import Folder
from mlflow_lint.cache.results import Entry, Results, entry_name, linter
from mlflow_lint.cache.snapshot import Snapshot
from mlflow_lint.config import Settings
from mlflow_lint.engine import Checked, File, Project
from mlflow_lint.source.file import SourceError, decode


class Memory:
    """Of one run over some files of a project; `complete` as for `check_files`."""

    def __init__(self, folder: str, project: Project, files: Sequence[File], *, complete: bool) -> None:
        self._began = time.time_ns()
        self._folder = Folder(folder)
        self._project = project
        self._files = files
        self._results = Results(self._folder, project.root)
        self._states = project.surroundings.states
        named = sorted(file for file, _ in files)
        self._name = entry_name(linter(), "snapshot", project.root, project.shown_from, str(complete), *named)

    def recall(self) -> dict[str, Checked] | None:
        """What came of all files, if nothing at all has changed since it was found."""
        data = self._folder.get(self._name)
        known = snapshot.load(data, (file for file, _ in self._files)) if data is not None else None
        if known is None:
            return None
        results: dict[str, Checked] = {}
        for file, settings in self._files:
            state = known.states.get(file)
            if state is None:
                results[file] = Checked(self._project.shown(file), ())
                continue
            found = self._found(state, file, settings, None)
            if found is None:
                return None
            results[file] = found
        return results

    def look_up(self, files: Sequence[File], read: Mapping[str, bytes]) -> dict[str, Checked]:
        """What is known of files that matter, now that their bytes have been `read`."""
        found = {file: self._found(self._states.of(file, read), file, settings, read[file]) for file, settings in files}
        return {file: each for file, each in found.items() if each is not None}

    def keep(self, files: Sequence[File], read: Mapping[str, bytes], results: Mapping[str, Checked]) -> None:
        """Keep what was found in some files."""
        for file, settings in files:
            checked = results[file]
            if checked.error is None:
                entry = Entry(checked.findings, checked.questions)
                self._results.put(self._states.of(file, read), file, settings, entry)

    def close(self, mattering: Sequence[File], read: Mapping[str, bytes]) -> None:
        """Keep what the disk looks like, for a run in which all of this is the same."""
        seen = self._project.reach.seen()
        if seen.issuperset(file for file, _ in self._files):
            states = {file: self._states.of(file, read) for file, _ in mattering}
            dumped = Snapshot(states).dump(seen, self._project.finder.listed(), self._began)
            if dumped is not None:
                self._folder.put(self._name, dumped)
        self._folder.prune()

    def _found(self, state: str, file: str, settings: Settings, data: bytes | None) -> Checked | None:
        entry = self._results.get(state, file, settings)
        if entry is None or not all(
            self._project.surroundings.still_answers(each, settings) for each in entry.questions
        ):
            return None
        shown = self._project.shown(file)
        text, cells = "", None
        if entry.findings:
            try:
                source = decode(shown, data if data is not None else self._project.read(file))
                text, cells = source.text, source.cells
            except SourceError:  # which is what was found
                pass
            except OSError:
                return None
        return Checked(shown, entry.findings, text, cells, questions=entry.questions)
