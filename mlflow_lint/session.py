"""One run over files or standard input: which files, checked or fixed, and what to print.

Invariant: nothing is printed or exits here, and a file that cannot be handled, be it by a defect of ours,
never keeps the others from being handled.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mlflow_lint.config import CACHE_NAME, ConfigError, Settings, SettingsResolver
from mlflow_lint.engine import Checked, Project, check_bytes, check_files
from mlflow_lint.failures import error_line, guarded, is_defect
from mlflow_lint.findings import SYNTAX_ERROR, Applicability, Severity
from mlflow_lint.record import record
from mlflow_lint.report import FOR_PEOPLE, render
from mlflow_lint.report.headline import headline
from mlflow_lint.report.model import FileReport, Options
from mlflow_lint.report.summary import summary
from mlflow_lint.request import CLEAN, FAILED, FINDINGS, Outcome, Request, Terminal
from mlflow_lint.rules.known import KnownCodes
from mlflow_lint.screening import Screen
from mlflow_lint.source.file import SourceError, decode, is_notebook, read_bytes, split_lines
from mlflow_lint.timings import phase

if TYPE_CHECKING:
    from mlflow_lint.changes import Changes
    from mlflow_lint.fixing import Fixed

DOCS = "docs/rules"
"""Where the rules' pages are; relative to the repository as long as they are published nowhere else."""

_PASSES = 5
"""How often all files are fixed: fixing a helper can lay bare what its callers could do better."""


@record
class _Result:
    """What came of one file, and what it was handled with."""

    path: Path
    settings: Settings
    checked: Checked
    """The findings that are there, or remain."""

    @property
    def fails(self) -> bool:
        """Whether a finding is grave enough for exit code 1."""
        passing = (Severity.INFO,) if self.settings.fail_on == "warning" else ()
        return any(finding.severity not in passing for finding in self.checked.findings)


class Session:
    """One run over files or standard input; collects the fixes made and what to say on standard error."""

    def __init__(self, request: Request, terminal: Terminal, resolver: SettingsResolver) -> None:
        self.request = request
        self.resolver = resolver
        self.errors: list[str] = []
        self.fixed: list[Fixed] = []
        here = Path.cwd()
        try:
            settings = resolver.for_directory(here)
        except ConfigError as error:
            # What lies elsewhere, with a configuration of its own, can still be checked.
            self.errors.append(error_line(str(error)))
            settings = SettingsResolver(KnownCodes(), isolated=True, overrides=request.overrides).for_directory(here)
        self.progress = terminal.progress
        self.format = settings.output_format
        self.unsafe = settings.unsafe_fixes
        to_file = request.output_file is not None
        self.options = Options(
            color=terminal.color and not to_file,
            width=terminal.width,
            unsafe_fixes=self.unsafe,
            docs_url=DOCS,
            wrap=terminal.wraps and not to_file,
            root=here.as_posix(),
            checkout=terminal.checkout,
        )
        self.project = Project(settings.root, here)
        self.stdin: bytes | None = None
        self.screen = Screen(_changes(request, here), may_be_absent=request.update_baseline)
        self.settings = settings

    def of_files(self) -> Outcome:
        """Check or fix the files that the paths stand for."""
        from mlflow_lint.discover import discover

        with phase("discover"):
            found = discover(self.request.paths, self.resolver)
            self.errors += map(error_line, found.errors)
            files = [(path, self.resolver.for_file(path)) for path in found.files]
        results = self._checked(files)
        if self.request.update_baseline:
            return self._update_baseline()
        if self.request.add_noqa:
            results = [self._silenced(result) for result in results]
            return self._outcome(results, self._report(results), self._done(results))
        if self.request.diff:
            results = [self._fixed(result) for result in results]
            return self._diff(results)
        if not self.request.fix:
            return self._outcome(results, self._report(results), self._stale())
        for _ in range(_PASSES):
            so_far = len(self.fixed)
            results = [self._fixed(result) for result in results]
            if all(fixed.before == fixed.after for fixed in self.fixed[so_far:]):
                break
            # What was found through functions of other files may not be so, or not be there, any more.
            self._start_afresh()
            results = self._checked(files)
        done, report = self._done(results), self._report(results)
        if self.format in FOR_PEOPLE:
            return self._outcome(results, report + done, self._stale())
        return self._outcome(results, report, done + self._stale())

    def of_stdin(self, file: str, data: bytes) -> Outcome:
        """Check or fix text that is to be seen as that of `file`."""
        path = Path(file)
        self.stdin = data
        settings = self.resolver.for_file(path)
        results: list[_Result] = []
        if not (settings.force_exclude and _is_excluded(settings, path)):
            checked = guarded(partial(_check_text, self.project, file, data, settings), file, self.errors)
            results = [_Result(path, settings, checked)] if checked is not None else []
        results = self._screened(results)
        if self.request.diff:
            return self._diff([self._fixed(result, data) for result in results])
        if not self.request.fix:
            return self._outcome(results, self._report(results))
        results = [self._fixed(result, data) for result in results]
        # Standard output is for the code, whatever happened: it may replace the user's.
        self.stdin = self._encoded(data)
        aside = self._report(results) + self._done(results)
        return self._outcome(results, self.stdin, aside)

    def _checked(self, files: Sequence[tuple[Path, Settings]]) -> list[_Result]:
        checked: Sequence[Checked | None]
        try:
            checked = check_files(
                self.project,
                files,
                complete=self._is_complete(),
                jobs=self.request.jobs,
                cache=_cache(self.settings),
                progress=self.progress,
            )
        except BaseException as error:
            if not is_defect(error):
                raise
            # Again one by one, to see which file it was, and without what the first time left half done.
            self._start_afresh()
            checked = [
                guarded(partial(_check_file, self.project, path, settings), str(path), self.errors)
                for path, settings in files
            ]
        results = [
            _Result(path, settings, each)
            for (path, settings), each in zip(files, checked, strict=True)
            if each is not None
        ]
        self.errors += [error_line(each.checked.error) for each in results if each.checked.error is not None]
        return self._screened([each for each in results if each.checked.error is None])

    def _screened(self, results: Sequence[_Result]) -> list[_Result]:
        screened = [(each, self.screen(each.checked, each.path, each.settings)) for each in results]
        return [each if left is each.checked else replace(each, checked=left) for each, left in screened]

    def _update_baseline(self) -> Outcome:
        from mlflow_lint.report import baselines

        if self.settings.baseline_file is not None:
            self.screen.read(self.settings)
        updated = list(self.screen.update())
        if not updated:
            raise ConfigError("--update-baseline needs --baseline FILE, or the setting `baseline`")
        return self._ended(False, "", baselines.updated(updated))

    def _stale(self) -> str:
        from mlflow_lint.report import baselines

        return baselines.stale(self.screen.stale())

    def _silenced(self, result: _Result) -> _Result:
        """Write comments behind the findings of a file."""
        if not result.checked.findings:
            return result
        from mlflow_lint.silencing import silence_file

        work = partial(silence_file, self.project, result.path, result.settings, self.screen)
        return self._after(guarded(work, result.checked.path, self.errors), result)

    def _after(self, fixed: Fixed | None, result: _Result) -> _Result:
        """What a result is once its file was fixed or silenced, if it was."""
        if fixed is None:
            return result
        self.errors += map(error_line, fixed.problems)
        self.fixed.append(fixed)
        return replace(result, checked=fixed.remaining)

    def _is_complete(self) -> bool:
        """Whether the whole project is checked, so that no file outside can matter."""
        return any(os.path.abspath(path) == self.project.root for path in self.request.paths)

    def _start_afresh(self) -> None:
        self.project = Project(Path(self.project.root), Path(self.project.shown_from))

    def _fixed(self, result: _Result, data: bytes | None = None) -> _Result:
        """Fix a file, or the given bytes in its stead, if there is a fix to make."""
        wanted = (Applicability.SAFE, *([Applicability.UNSAFE] if self.unsafe else []))
        fixes = [finding.fix for finding in result.checked.findings if finding.fix is not None]
        if not any(fix.applicability in wanted for fix in fixes):
            return result
        work = self._fix_file if data is None else partial(self._fix_text, data=data)
        with phase("fixes"):
            return self._after(guarded(partial(work, result), result.checked.path, self.errors), result)

    def _fix_file(self, result: _Result) -> Fixed:
        from mlflow_lint.fixing import fix_files

        file = (result.path, result.settings)
        return fix_files(self.project, [file], unsafe=self.unsafe, write=not self.request.diff, screen=self.screen)[0]

    def _fix_text(self, result: _Result, data: bytes) -> Fixed:
        from mlflow_lint.fixing import fix_source
        from mlflow_lint.syntax.stack import with_deep_stack

        source = decode(result.checked.path, data)
        file = str(result.path)
        return with_deep_stack(
            lambda: fix_source(self.project, file, source, result.settings, unsafe=self.unsafe, screen=self.screen)
        )

    def _done(self, results: Sequence[_Result]) -> str:
        from mlflow_lint.report import fixes

        if self.request.add_noqa:
            return fixes.silenced(self.fixed)
        remaining = [finding for result in results for finding in result.checked.findings]
        return fixes.render(self.fixed, remaining, unsafe=self.unsafe, written=not self.request.diff)

    def _diff(self, results: Sequence[_Result]) -> Outcome:
        from mlflow_lint.fixing import unified_diff

        diff = "".join(map(unified_diff, self.fixed))
        # What cannot be read has no findings that a fix could mend: its silence would look like success.
        unread = [
            f"mlflow-lint: warning: {''.join(headline(result.checked.path, finding))}\n"
            for result in results
            for finding in result.checked.findings
            if finding.code == SYNTAX_ERROR
        ]
        return self._ended(bool(diff), diff, "".join(unread) + self._done(results))

    def _report(self, results: Sequence[_Result]) -> str:
        with phase("report"):
            files = [self._file_report(result) for result in results]
            if not self.request.statistics:
                return self._delivered(render(self.format, files, self.options))
            from mlflow_lint.report import statistics

            counts = statistics.render(files, self.options)
            return self._delivered(f"{counts}{summary(files, len(files), self.options)}\n")

    def _file_report(self, result: _Result) -> FileReport:
        checked = result.checked
        if not checked.findings:
            return FileReport(checked.path, (), (), "")
        written = ""
        if self.format not in FOR_PEOPLE and is_notebook(checked.path):
            # Formats for machines tell lines of the file, where the findings tell lines of cells.
            with contextlib.suppress(OSError, SourceError):
                data = self.stdin if self.stdin is not None else read_bytes(result.path)
                written = data.decode("utf-8", "replace")
        lines = tuple(split_lines(checked.text))
        return FileReport(checked.path, checked.findings, lines, checked.text, checked.cells, written)

    def _delivered(self, report: str) -> str:
        """What of a report is left to print: nothing, if it goes to a file."""
        file = self.request.output_file
        if file is None:
            return report
        from mlflow_lint.source.file import create_atomically

        try:
            create_atomically(file, report.encode())
        except OSError as error:
            self.errors.append(error_line(f"{file}: the report cannot be written: {error.strerror or error}"))
        return ""

    def _encoded(self, data: bytes) -> bytes:
        if not self.fixed:
            return data
        from mlflow_lint.fixing import new_bytes

        fixed = self.fixed[-1]
        try:
            return new_bytes(decode(fixed.path, data), fixed)
        except SourceError as error:
            self.errors.append(error_line(f"{fixed.path}: not fixed: {error.message}"))
            return data

    def _outcome(self, results: Sequence[_Result], output: str | bytes, aside: str = "") -> Outcome:
        return self._ended(any(result.fails for result in results), output, aside)

    def _ended(self, found: bool, output: str | bytes, aside: str) -> Outcome:
        # The same may have gone wrong in more than one pass.
        errors = "".join(dict.fromkeys(self.errors))
        code = FAILED if errors else FINDINGS if found and not self.request.exit_zero else CLEAN
        return Outcome(output, aside + errors, code)


def _cache(settings: Settings) -> str | None:
    """The folder to keep results in, if they are to be kept."""
    return os.path.join(settings.root, settings.cache_dir or CACHE_NAME) if settings.cache else None


def _changes(request: Request, here: Path) -> Changes | None:
    if request.diff_against is None:
        return None
    from mlflow_lint.changes import ChangesError, changes_since

    try:
        return changes_since(request.diff_against, here)
    except ChangesError as error:
        raise ConfigError(f"--diff-against: {error}") from error


def _check_file(project: Project, path: Path, settings: Settings) -> Checked:
    return check_files(project, [(path, settings)])[0]


def _check_text(project: Project, file: str, data: bytes, settings: Settings) -> Checked:
    from mlflow_lint.syntax.stack import with_deep_stack

    if not project.matters(file, data):
        return Checked(project.shown(file), ())
    return with_deep_stack(partial(check_bytes, project, file, data, settings))


def _is_excluded(settings: Settings, path: Path) -> bool:
    from mlflow_lint.discover import is_excluded

    return is_excluded(settings, path)
