"""One run of the command: which files, checked or fixed, and what to print.

Invariant: nothing is printed or exits here, and a file that cannot be handled, be it by a defect of ours,
never keeps the others from being handled.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mlflow_lint.config import ConfigError, Settings, SettingsResolver
from mlflow_lint.engine import Checked, Project, check_bytes, check_files
from mlflow_lint.failures import error_line, guarded, is_defect
from mlflow_lint.findings import SYNTAX_ERROR, Applicability, Severity
from mlflow_lint.report import render
from mlflow_lint.report.headline import headline
from mlflow_lint.report.model import FileReport, Options
from mlflow_lint.report.summary import summary
from mlflow_lint.request import CLEAN, FAILED, FINDINGS, Outcome, Request, Terminal
from mlflow_lint.rules.known import KnownCodes
from mlflow_lint.source.file import SourceError, decode, encode, split_lines

if TYPE_CHECKING:
    from mlflow_lint.fixing import Fixed

_DOCS = "docs/rules"
"""Where the rules' pages are; relative to the repository as long as they are published nowhere else."""

_FOR_PEOPLE = ("full", "concise")
"""Formats among whose lines another one does no harm."""


@dataclass(frozen=True, slots=True)
class _Result:
    """What came of one file, and what it was handled with."""

    path: Path
    settings: Settings
    checked: Checked
    """The findings that are there, or remain."""
    fixed: Fixed | None = None

    @property
    def fails(self) -> bool:
        """Whether a finding is grave enough for exit code 1."""
        passing = (Severity.INFO,) if self.settings.fail_on == "warning" else ()
        return any(finding.severity not in passing for finding in self.checked.findings)


def run(request: Request, terminal: Terminal, read_stdin: Callable[[], bytes]) -> Outcome:
    """Do what was asked."""
    try:
        resolver = SettingsResolver(
            KnownCodes(), config=request.config, isolated=request.isolated, overrides=request.overrides
        )
        if request.explain is not None or request.list_rules or request.show_settings:
            return _about(request, resolver)
        session = _Session(request, terminal, resolver)
        if request.stdin is None:
            return session.of_files()
        file = os.path.abspath(request.stdin)
        return session.of_stdin(file, read_stdin())
    except ConfigError as error:
        return Outcome("", error_line(str(error)), FAILED)


def _about(request: Request, resolver: SettingsResolver) -> Outcome:
    from mlflow_lint import about

    if request.explain is not None:
        try:
            return Outcome(about.explanation(request.explain), "", CLEAN)
        except LookupError as error:
            return Outcome("", error_line(str(error.args[0])), FAILED)
    if request.list_rules:
        return Outcome(about.rule_list(), "", CLEAN)
    path = request.stdin or request.paths[0]
    settings = resolver.for_directory(path) if path.is_dir() else resolver.for_file(path)
    return Outcome(about.settings_table(path, settings), "", CLEAN)


class _Session:
    """One run over files or standard input; collects what to say on standard error."""

    def __init__(self, request: Request, terminal: Terminal, resolver: SettingsResolver) -> None:
        self.request = request
        self.resolver = resolver
        self.errors: list[str] = []
        here = Path.cwd()
        try:
            settings = resolver.for_directory(here)
        except ConfigError as error:
            # What lies elsewhere, with a configuration of its own, can still be checked.
            self.errors.append(error_line(str(error)))
            settings = SettingsResolver(KnownCodes(), isolated=True, overrides=request.overrides).for_directory(here)
        self.format = settings.output_format
        self.options = Options(terminal.color, terminal.width, settings.unsafe_fixes, _DOCS)
        self.project = Project(settings.root, here)

    @property
    def fixes(self) -> bool:
        """Whether fixes are made, if only to show them."""
        return self.request.fix or self.request.diff

    def of_files(self) -> Outcome:
        """Check or fix the files that the paths stand for."""
        from mlflow_lint.discover import discover

        found = discover(self.request.paths, self.resolver)
        # The working directory's configuration may have been found wanting before.
        self.errors += [line for line in map(error_line, found.errors) if line not in self.errors]
        results = self._checked([(path, self.resolver.for_file(path)) for path in found.files])
        if self.fixes:
            results = [self._fixed(result) if self._is_fixable(result) else result for result in results]
        if self.request.diff:
            return self._diff(results)
        done, report = self._done(results), self._report(results)
        if self.format in _FOR_PEOPLE:
            return self._outcome(results, done + report)
        return self._outcome(results, report, done)

    def of_stdin(self, file: str, data: bytes) -> Outcome:
        """Check or fix text that is to be seen as that of `file`."""
        path = Path(file)
        settings = self.resolver.for_file(path)
        results: list[_Result] = []
        if not (settings.force_exclude and _is_excluded(settings, path)):
            checked = guarded(partial(_check_text, self.project, file, data, settings), file, self.errors)
            results = [_Result(path, settings, checked)] if checked is not None else []
        if self.fixes:
            results = [self._fixed_text(result, data) if self._is_fixable(result) else result for result in results]
        if self.request.diff:
            return self._diff(results)
        if not self.request.fix:
            return self._outcome(results, self._report(results))
        # Standard output is for the code, whatever happened: it may replace the user's.
        aside = self._done(results) + self._report(results)
        return self._outcome(results, self._encoded(results, data), aside)

    def _checked(self, files: Sequence[tuple[Path, Settings]]) -> list[_Result]:
        checked: Sequence[Checked | None]
        try:
            checked = check_files(self.project, files)
        except BaseException as error:
            if not is_defect(error):
                raise
            # Again one by one, to see which file it was, and without what the first time left half done.
            root, shown_from = Path(self.project.root), Path(self.project.shown_from)
            self.project = Project(root, shown_from)
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
        return [each for each in results if each.checked.error is None]

    def _is_fixable(self, result: _Result) -> bool:
        wanted = {Applicability.SAFE, *([Applicability.UNSAFE] if self.options.unsafe_fixes else [])}
        return any(
            finding.fix is not None and finding.fix.applicability in wanted for finding in result.checked.findings
        )

    def _fixed(self, result: _Result) -> _Result:
        from mlflow_lint.fixing import fix_files

        def work() -> Fixed:
            file = (result.path, result.settings)
            write = not self.request.diff
            return fix_files(self.project, [file], unsafe=self.options.unsafe_fixes, write=write)[0]

        return self._with(result, guarded(work, result.checked.path, self.errors))

    def _fixed_text(self, result: _Result, data: bytes) -> _Result:
        from mlflow_lint.fixing import fix_source
        from mlflow_lint.syntax.stack import with_deep_stack

        def work() -> Fixed:
            source = decode(result.checked.path, data)
            unsafe = self.options.unsafe_fixes
            return fix_source(self.project, str(result.path), source, result.settings, unsafe=unsafe)

        return self._with(result, guarded(partial(with_deep_stack, work), result.checked.path, self.errors))

    def _with(self, result: _Result, fixed: Fixed | None) -> _Result:
        if fixed is None:
            return result
        self.errors += map(error_line, fixed.problems)
        return replace(result, checked=fixed.remaining, fixed=fixed)

    def _done(self, results: Sequence[_Result]) -> str:
        """Say what was fixed, and what could be."""
        if not self.fixes:
            return ""
        files = [result.fixed for result in results if result.fixed is not None and result.fixed.applied]
        counts: Counter[str] = Counter()
        for fixed in files:
            counts.update(dict(fixed.applied))
        more = sum(
            finding.fix is not None and finding.fix.applicability is Applicability.UNSAFE
            for result in results
            for finding in result.checked.findings
        )
        parts = []
        if counts:
            verb = "Would fix" if self.request.diff else "Fixed"
            by_code = ", ".join(f"{code} ×{count}" for code, count in sorted(counts.items()))
            total = _counted(counts.total(), "finding")
            parts.append(f"{verb} {total} in {_counted(len(files), 'file')}: {by_code}.\n")
        if more and not self.options.unsafe_fixes:
            parts.append(f"{_counted(more, 'more fix', 'more fixes')} with --unsafe-fixes.\n")
        return "".join(parts)

    def _diff(self, results: Sequence[_Result]) -> Outcome:
        from mlflow_lint.fixing import unified_diff

        diff = "".join(unified_diff(result.fixed) for result in results if result.fixed is not None)
        # What cannot be read has no findings that a fix could mend: its silence would look like success.
        unread = [
            f"mlflow-lint: warning: {''.join(headline(result.checked.path, finding))}\n"
            for result in results
            for finding in result.checked.findings
            if finding.code == SYNTAX_ERROR
        ]
        aside = "".join([*unread, self._done(results)])
        return Outcome(diff, aside + "".join(self.errors), self._exit_code(bool(diff)))

    def _report(self, results: Sequence[_Result]) -> str:
        files = [_file_report(result.checked) for result in results]
        if not self.request.statistics:
            return render(self.format, files, self.options)
        from mlflow_lint.report import statistics

        return f"{statistics.render(files, self.options)}{summary(files, len(files), self.options)}\n"

    def _encoded(self, results: Sequence[_Result], data: bytes) -> bytes:
        for fixed in (result.fixed for result in results):
            if fixed is not None:
                try:
                    return encode(decode(fixed.path, data), fixed.after)
                except SourceError as error:
                    self.errors.append(error_line(f"{fixed.path}: not fixed: {error.message}"))
        return data

    def _outcome(self, results: Sequence[_Result], output: str | bytes, aside: str = "") -> Outcome:
        fails = any(result.fails for result in results)
        return Outcome(output, aside + "".join(self.errors), self._exit_code(fails))

    def _exit_code(self, found: bool) -> int:
        if self.errors:
            return FAILED
        return FINDINGS if found and not self.request.exit_zero else CLEAN


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


def _file_report(checked: Checked) -> FileReport:
    lines = tuple(split_lines(checked.text)) if checked.findings else ()
    return FileReport(checked.path, checked.findings, lines, checked.text)


def _counted(count: int, noun: str, plural: str = "") -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {plural or noun + 's'}"
