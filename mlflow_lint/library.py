"""mlflow-lint for programs: lint paths, lint text, fix text. All of it can be imported from `mlflow_lint`.

Invariant: nothing is printed, no file is written, no process ends, and what is in the code that is read is never an
exception: it becomes a finding or an error in a result. Results are frozen and can be sent to another process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from mlflow_lint.config import ConfigError, Settings, SettingsResolver
from mlflow_lint.engine import Checked, Project, check_bytes, check_files, check_source
from mlflow_lint.failures import defect_message, is_defect
from mlflow_lint.findings import Applicability, Edit, Finding, Fix, Region, Severity, Step
from mlflow_lint.rules.known import KnownCodes
from mlflow_lint.screening import Screen
from mlflow_lint.source.file import SourceError, SourceFile, decode, from_lines, is_notebook

__all__ = [
    "Applicability",
    "ConfigError",
    "Edit",
    "FileResult",
    "Finding",
    "Fix",
    "FixResult",
    "LintResult",
    "Region",
    "Severity",
    "Step",
    "fix_source",
    "lint_paths",
    "lint_source",
]

AnyPath = str | os.PathLike[str]

_Result = TypeVar("_Result")

_NO_FILE = "-"
"""What findings call text without a path, as the command does."""

_ONE_AT_A_TIME = threading.Lock()
"""The analysis raises the recursion limit of the process while it works, and puts it back: two would not agree."""


@dataclass(frozen=True, slots=True)
class FileResult:
    """What came of one file."""

    path: str
    """Relative to the root where the file lies below it, with forward slashes."""
    findings: tuple[Finding, ...]
    """By place."""
    error: str | None = None
    """Why the file could not be checked, in one line; a file that is no Python has the finding MLF000 instead."""


@dataclass(frozen=True, slots=True)
class LintResult:
    """What came of linting paths."""

    files: tuple[FileResult, ...]
    """Every file that the paths stand for, by path."""
    errors: tuple[str, ...]
    """Everything that went wrong, one line each: paths that do not exist, configuration that cannot be used, and the
    errors of files, among which are baselines that cannot be read."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all files."""
        return tuple(finding for file in self.files for finding in file.findings)


@dataclass(frozen=True, slots=True)
class FixResult:
    """What came of fixing a text."""

    text: str
    """The text after the fixes; the one that was given if there was nothing to fix."""
    applied: tuple[tuple[str, int], ...]
    """How many fixes of each code were applied, by code."""
    findings: tuple[Finding, ...]
    """What there still is to say of the new text."""
    problems: tuple[str, ...]
    """Fixes that were not made although they were offered, and why, one line each."""


def lint_paths(
    paths: Iterable[AnyPath],
    *,
    root: AnyPath | None = None,
    settings: Mapping[str, object] | None = None,
    config: AnyPath | None = None,
    isolated: bool = False,
    jobs: int | None = 1,
) -> LintResult:
    """Lint files and directories, as `mlflow-lint PATHS` in the folder `root` does.

    `root` is the folder of the project: modules are looked for below it, and paths are shown relative to it. It is the
    working directory by default; relative `paths` are relative to that in any case. `settings` has keys and values of
    the table `[tool.mlflow-lint]` and goes before it, `config` is one file with such a table for everything, and with
    `isolated` no configuration is read. `jobs` is how many processes may be used where that is quicker, None for as
    many as there are processors; the result is the same.

    Raises `ConfigError` if `settings` or `config` cannot be used.
    """
    if isinstance(paths, str | os.PathLike):
        raise TypeError("`paths` is one path: write it in brackets")
    if jobs is not None and jobs < 1:
        raise ValueError(f"`jobs` is at least 1, or None for one for each processor, and not {jobs}")
    from mlflow_lint.discover import discover

    top = _top(root)
    resolver = _resolver(top, settings, config, isolated)
    errors: list[str] = []
    try:
        project_root = resolver.for_directory(top).root
    except ConfigError as error:
        # What lies elsewhere, with a configuration of its own, can still be checked.
        errors.append(str(error))
        project_root = top
    named = [Path(path) for path in paths]
    found = discover(named, resolver)
    errors += found.errors
    files = [(path, resolver.for_file(path)) for path in found.files]
    complete = any(os.path.abspath(path) == str(project_root) for path in named)
    with _ONE_AT_A_TIME:
        results = _screened(_checked(project_root, top, files, complete, jobs), files)
    errors += [result.error for result in results if result.error is not None]
    return LintResult(tuple(results), tuple(dict.fromkeys(errors)))


def lint_source(
    source: str | bytes,
    *,
    path: AnyPath | None = None,
    root: AnyPath | None = None,
    settings: Mapping[str, object] | None = None,
    config: AnyPath | None = None,
    isolated: bool = False,
) -> tuple[Finding, ...]:
    """Lint a text, or the bytes of a file, as if it were the content of `path`; the file need not exist.

    The path decides about settings, about what imports mean and, with the ending `.ipynb`, that this is a notebook.
    Without one, the text is Python that lies in the folder `root`, and no baseline is heeded. The other arguments are
    those of `lint_paths`.

    Raises `ConfigError` for configuration that cannot be used.
    """
    place = _Place.of(path, _top(root), _resolver(_top(root), settings, config, isolated))
    return _alone(partial(place.checked, source)).findings


def fix_source(
    source: str,
    *,
    path: AnyPath | None = None,
    unsafe: bool = False,
    root: AnyPath | None = None,
    settings: Mapping[str, object] | None = None,
    config: AnyPath | None = None,
    isolated: bool = False,
) -> FixResult:
    """Apply the safe fixes to a text, and with `unsafe` those too that may change what is recorded, or when.

    No file is written. The arguments are those of `lint_source`; for a notebook, the text is its JSON.

    Raises `ConfigError` for configuration that cannot be used.
    """
    place = _Place.of(path, _top(root), _resolver(_top(root), settings, config, isolated))
    return _alone(partial(place.fixed, source, unsafe))


def _top(root: AnyPath | None) -> Path:
    return Path(os.path.abspath(Path.cwd() if root is None else root))


def _resolver(
    top: Path, settings: Mapping[str, object] | None, config: AnyPath | None, isolated: bool
) -> SettingsResolver:
    file = None if config is None else Path(config)
    return SettingsResolver(
        KnownCodes(), config=file, isolated=isolated, overrides=settings, origin="settings", root=top
    )


def _checked(
    root: Path, top: Path, files: Sequence[tuple[Path, Settings]], complete: bool = False, jobs: int | None = 1
) -> list[Checked]:
    try:
        return check_files(Project(root, top), files, complete=complete, jobs=jobs)
    except BaseException as error:
        if not is_defect(error):
            raise
        if len(files) > 1:
            # One by one, to see which file it is.
            return [result for file in files for result in _checked(root, top, [file])]
        shown = Project(root, top).shown(os.path.abspath(files[0][0]))
        return [Checked(shown, (), error=defect_message(error, shown))]


def _screened(results: Sequence[Checked], files: Sequence[tuple[Path, Settings]]) -> list[FileResult]:
    """Results without what baselines know; a file whose baseline cannot be read has that for its error."""
    screen = Screen()
    unread: dict[str, str] = {}
    """Why baselines cannot be read; each is tried once."""
    screened: list[FileResult] = []
    for checked, (path, settings) in zip(results, files, strict=True):
        baseline = settings.baseline_file or ""
        error = checked.error or unread.get(baseline)
        if error is None:
            try:
                checked = screen(checked, path, settings)
            except ConfigError as failure:
                error = unread[baseline] = str(failure)
        screened.append(FileResult(checked.path, checked.findings if error is None else (), error))
    return screened


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a text is to be seen as lying."""

    project: Project
    file: str
    """Absolute path."""
    settings: Settings
    screen: Screen = field(default_factory=Screen)

    @classmethod
    def of(cls, path: AnyPath | None, top: Path, resolver: SettingsResolver) -> _Place:
        file = os.path.abspath(top / _NO_FILE if path is None else path)
        project = Project(resolver.for_directory(top).root, top)
        settings = resolver.for_file(Path(file))
        # What has no path is in no baseline.
        return cls(project, file, settings if path is not None else replace(settings, baseline=None))

    @property
    def shown(self) -> str:
        return self.project.shown(self.file)

    def source(self, text: str | bytes) -> SourceFile:
        """Raises `SourceError` for what is no text, or should be a notebook and is none."""
        if isinstance(text, str) and not is_notebook(self.file):
            return from_lines(self.shown, [text])
        return decode(self.shown, _bytes(text))

    def checked(self, text: str | bytes) -> Checked:
        return self.screen(self._unscreened(text), Path(self.file), self.settings)

    def _unscreened(self, text: str | bytes) -> Checked:
        data = _bytes(text)
        if not self.project.matters(self.file, data):
            return Checked(self.shown, ())
        try:
            source = self.source(text)
        except SourceError:
            # Says so in a finding, at its place.
            return check_bytes(self.project, self.file, data, self.settings)
        return check_source(self.project, self.file, source, self.settings)

    def fixed(self, text: str, unsafe: bool) -> FixResult:
        checked = self.checked(text)
        if not any(finding.fix is not None for finding in checked.findings):
            return FixResult(text, (), checked.findings, ())
        from mlflow_lint import fixing

        source = self.source(text)
        fixed = fixing.fix_source(self.project, self.file, source, self.settings, unsafe=unsafe, screen=self.screen)
        try:
            data = fixing.new_bytes(source, fixed)
        except SourceError as error:
            return FixResult(text, (), checked.findings, (f"{self.shown}: not fixed: {error.message}",))
        return FixResult(data.decode("utf-8"), fixed.applied, fixed.remaining.findings, fixed.problems)


def _alone(work: Callable[[], _Result]) -> _Result:
    """Do `work` with room for deeply nested code, and in no other thread at the same time."""
    from mlflow_lint.syntax.stack import with_deep_stack

    with _ONE_AT_A_TIME:
        try:
            return with_deep_stack(work)
        except BaseException as error:
            if isinstance(error, Exception) or not is_defect(error):
                raise
            # LibCST's parser may panic with what nobody catches.
            raise RuntimeError(defect_message(error)) from error


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
