"""Which findings a run is about: those that no baseline knows, and with `--diff-against` those on changed lines.

Invariant: a baseline is read once, before anything is reported, and one that cannot be read ends the run; it is
written only by `update`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlflow_lint.config import ConfigError, Settings, enabled_codes
from mlflow_lint.engine import Checked
from mlflow_lint.findings import SYNTAX_ERROR, Finding
from mlflow_lint.record import record

if TYPE_CHECKING:
    from mlflow_lint.baseline import Baseline, Compared, Counts
    from mlflow_lint.changes import Changes


@record
class Updated:
    """What writing a baseline came to."""

    file: str
    added: tuple[Finding, ...]
    """New findings that are in it from now on."""
    gone: int
    """Findings that were in it and are not any more."""
    kept: int
    is_first: bool
    """Whether there was no baseline before."""


class Screen:
    """The findings that a run is about; made for one run.

    `changes` is what `--diff-against` limits the run to.
    """

    def __init__(self, changes: Changes | None = None, *, may_be_absent: bool = False) -> None:
        self._changes = changes
        self._may_be_absent = may_be_absent
        self._baselines: dict[str, Baseline] = {}
        self._bytes: dict[str, bytes | None] = {}
        self._compared: dict[str, tuple[Compared, Settings]] = {}

    def __call__(self, checked: Checked, path: Path, settings: Settings) -> Checked:
        """What is left of a file's findings. Raises `ConfigError` for a baseline that cannot be read."""
        if settings.baseline_file is not None:
            compared = self._compare(checked, path, settings)
            checked = replace(checked, findings=compared.new)
        if self._changes is not None and checked.findings:
            from mlflow_lint.changes import ChangesError

            try:
                checked = replace(checked, findings=self._changes.on_changed_lines(checked, os.getcwd()))
            except ChangesError as error:
                raise ConfigError(f"--diff-against: {error}") from error
        return checked

    def _compare(self, checked: Checked, path: Path, settings: Settings) -> Compared:
        from mlflow_lint.baseline import compare

        file = os.path.abspath(path)
        known = self.read(settings).get(_path_in(settings, file), {})
        compared = compare(checked, known)
        self._compared[file] = (compared, settings)
        return compared

    def read(self, settings: Settings) -> Baseline:
        """The baseline of settings that have one. Raises `ConfigError`."""
        from mlflow_lint.baseline import BaselineError, parse
        from mlflow_lint.source.file import SourceError, read_bytes

        file = settings.baseline_file
        assert file is not None
        if file in self._baselines:
            return self._baselines[file]
        try:
            data = read_bytes(Path(file))
            self._baselines[file] = parse(data)
            self._bytes[file] = data
        except FileNotFoundError as error:
            if not self._may_be_absent:
                message = f"{file}: there is no such baseline (--update-baseline makes one)"
                raise ConfigError(message) from error
            self._baselines[file], self._bytes[file] = {}, None
        except OSError as error:
            raise ConfigError(f"{file}: the baseline cannot be read: {error.strerror}") from error
        except (BaselineError, SourceError) as error:
            raise ConfigError(f"{file}: the baseline cannot be read: {error}") from error
        return self._baselines[file]

    def stale(self) -> Iterator[tuple[str, int]]:
        """The baselines that were asked, each with the number of its findings that are there no more."""
        for file, old in self._baselines.items():
            absent = [counts for path, counts in old.items() if not _exists(file, path)]
            gone = [_gone(compared, settings) for compared, settings in self._of(file).values()]
            yield file, _total((*absent, *gone))

    def update(self) -> Iterator[Updated]:
        """Write the baselines anew, as the files that were checked have it; the entries of others stay.

        Raises `ConfigError` for what cannot be written.
        """
        for file, old in self._baselines.items():
            new = {path: counts for path, counts in old.items() if _exists(file, path)}
            added: list[Finding] = []
            for path, (compared, settings) in self._of(file).items():
                others = compared.gone.keys() - _gone(compared, settings).keys()
                new[path] = {**{kind: old[path][kind] for kind in others}, **compared.counts}
                added += compared.new
            new = {path: counts for path, counts in new.items() if counts}
            self._write(file, new)
            before, after = _total(old.values()), _total(new.values())
            kept = after - len(added)
            yield Updated(file, tuple(added), before - kept, kept, self._bytes[file] is None)

    def _write(self, file: str, baseline: Baseline) -> None:
        from mlflow_lint.baseline import rendered
        from mlflow_lint.source.file import ChangedOnDisk, create, write_atomically

        data, before = rendered(baseline), self._bytes[file]
        try:
            if before is None:
                create(Path(file), data)
            elif data != before:
                write_atomically(Path(file), data, before)
        except ChangedOnDisk as error:
            raise ConfigError(f"{file}: the baseline changed during the run") from error
        except OSError as error:
            raise ConfigError(f"{file}: the baseline cannot be written: {error.strerror}") from error

    def _of(self, baseline: str) -> Mapping[str, tuple[Compared, Settings]]:
        """What came of the files that a baseline is for, by their path in it."""
        return {
            _path_in(settings, file): (compared, settings)
            for file, (compared, settings) in self._compared.items()
            if settings.baseline_file == baseline
        }


def _gone(compared: Compared, settings: Settings) -> Counts:
    """What was known and would have been found if it were there: its rule was on, or there is none any more."""
    if not compared.gone:
        return {}
    from mlflow_lint.rules.registry import statuses

    known = {SYNTAX_ERROR: "stable"} | statuses()
    if any(kind.code == SYNTAX_ERROR for kind in compared.counts):
        unjudged = known.keys() - {SYNTAX_ERROR}  # nothing else can be said of what cannot be read
    else:
        unjudged = known.keys() - enabled_codes(settings, known)
    return {kind: count for kind, count in compared.gone.items() if kind.code not in unjudged}


def _path_in(settings: Settings, file: str) -> str:
    """A file's path as its baseline has it."""
    assert settings.baseline_file is not None
    with contextlib.suppress(ValueError):  # on another drive
        file = os.path.relpath(file, os.path.dirname(settings.baseline_file))
    return file.replace(os.sep, "/")


def _exists(baseline: str, path: str) -> bool:
    return os.path.lexists(os.path.join(os.path.dirname(baseline), path))


def _total(counts: Iterable[Counts]) -> int:
    return sum(sum(each.values()) for each in counts)
