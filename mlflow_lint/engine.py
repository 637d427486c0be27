"""The one entry point of the analysis: files in, findings out. Every door calls this and nothing below it.

Invariant: the findings for a file depend on its text, on the settings and on the modules it imports, never on which
door asked or which other files were checked before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field, replace
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from mlflow_lint.config import Settings, enabled_codes, specificity
from mlflow_lint.findings import SYNTAX_ERROR, Finding, Region, Severity
from mlflow_lint.project.finder import ModuleFinder
from mlflow_lint.project.reach import Reach
from mlflow_lint.project.surroundings import Question, Surroundings
from mlflow_lint.record import record
from mlflow_lint.request import Progress, nobody
from mlflow_lint.source.cells import cells_of, only_cell
from mlflow_lint.source.file import Cell, SourceError, SourceFile, decode, is_notebook, read_bytes
from mlflow_lint.source.gate import names_mlflow, speaks_of_mlflow
from mlflow_lint.timings import phase
from mlflow_lint.timings import rule as timed_rule

if TYPE_CHECKING:
    from mlflow_lint.analysis.context import Context
    from mlflow_lint.analysis.writes.effects import Effects
    from mlflow_lint.analysis.writes.leading import Leading
    from mlflow_lint.facts.model import Module
    from mlflow_lint.project.modules import Unit
    from mlflow_lint.syntax.read import BrokenCell

    Read = Callable[[str], bytes]
    Parse = Callable[[SourceFile], tuple[Module, tuple[BrokenCell, ...]]]


File: TypeAlias = tuple[str, Settings]
"""Absolute path and settings of a file to check."""


@record
class Checked:
    """What came of one file."""

    path: str
    """As reports show it."""
    findings: tuple[Finding, ...]
    text: str = ""
    """The decoded text; empty if the file was not of interest."""
    cells: tuple[Cell, ...] | None = None
    """Code cells of a notebook."""
    error: str | None = None
    """Why the file could not be checked at all, in one line."""
    questions: tuple[Question, ...] = field(default=(), compare=False)
    """What beside modules the findings rest on."""


class Project:
    """A root folder and what is known of the modules below it.

    `shown_from` is the folder that reported paths are relative to. `read` gives the bytes of a file and raises what
    `read_bytes` does; `parse` gives the facts of a text and raises what `syntax.read.read`, the default, does. An
    editor has files whose text is not on disk, and texts that it has asked about before.
    """

    def __init__(self, root: Path, shown_from: Path, *, read: Read = read_bytes, parse: Parse | None = None) -> None:
        self.root = os.path.abspath(root)
        self.shown_from = os.path.abspath(shown_from)
        self.read = read
        self._parse = parse
        self.finder = ModuleFinder(self.root)
        self.reach = Reach(self.finder.find_from, self.finder.packages_around, self._bytes_or_nothing)
        self.surroundings = Surroundings(self.finder, self.reach, self._bytes_or_nothing, self.shown_from)
        self._effects: Effects | None = None
        self._leading: Leading | None = None

    def __getstate__(self) -> dict[str, object]:
        # Another process parses for itself.
        return self.__dict__ | {"_effects": None, "_leading": None}

    def shown(self, file: str) -> str:
        """A path as reports show it."""
        return self.surroundings.shown(file)

    @property
    def effects(self) -> Effects:
        """The analysis of the project, made on first use: importing it is a cost of its own."""
        if self._effects is None:
            from mlflow_lint.analysis.names.resolve import Resolver
            from mlflow_lint.analysis.writes.effects import Effects
            from mlflow_lint.project.modules import Modules

            self._effects = Effects(Resolver(Modules(self.finder, self._load, self.surroundings.environment)))
        return self._effects

    def matters(self, file: str, data: bytes) -> bool:
        """Whether a file can have findings; `file` is empty for text without one."""
        if file and not self.reach.is_settled(file):
            self.reach.settle({file: data})
        return names_mlflow(data) or (bool(file) and self.reach.matters(file))

    def leads(self, file: str) -> bool:
        """Whether a file that matters names MLflow, or uses something that is found to lead there.

        To be called within `with_deep_stack`: modules are parsed for it, those that the file rests on.
        """
        if not self.reach.used(file):
            return True
        if self._leading is None:
            from mlflow_lint.analysis.writes.leading import Leading

            self._leading = Leading(self.effects, self.reach.used)
        return self._leading.file(file)

    def unit(self, file: str, source: SourceFile) -> Unit:
        """Parse a file and make it known to those that import it. Raises `SyntaxFailure`."""
        from mlflow_lint.project.modules import make_unit

        modules = self.effects.resolver.modules
        known = modules.known(file)
        if known is not None and known.text == source.text:
            return known
        found, broken = self._facts(source)
        with phase("link"):
            unit = make_unit(file, source, found, broken)
        if not file or known is not None:
            # What is known of a text is known by the identity of its facts, and goes with them.
            self.effects.forget()
            self._leading = None
        if file:
            modules.add(unit)
        return unit

    def _facts(self, source: SourceFile) -> tuple[Module, tuple[BrokenCell, ...]]:
        if self._parse is None:
            from mlflow_lint.syntax.read import read

            self._parse = read
        return self._parse(source)

    def context(self, file: str, source: SourceFile, settings: Settings) -> Context:
        """What rules see of a file. Raises `SyntaxFailure`."""
        from mlflow_lint.analysis.context import Context

        find_target = partial(self.surroundings.target, file or os.path.join(self.root, "-"), settings)
        unit = self.unit(file, source)
        return Context(
            unit,
            self.effects,
            settings.min_group_size,
            settings.tracking_backend,
            settings.hot_loop_fix,
            find_target,
        )

    def _load(self, file: str, anyway: bool) -> Unit | None:
        from mlflow_lint.syntax.parse import SyntaxFailure

        try:
            data = self.read(file)
            if not anyway and not names_mlflow(data) and not self.reach.matters(file):
                return None
            return self.unit(file, decode(self.shown(file), data))
        except (OSError, SourceError, SyntaxFailure):
            return None

    def _bytes_or_nothing(self, file: str) -> bytes:
        try:
            return self.read(file)
        except (OSError, SourceError):
            return b""


def check_files(
    project: Project,
    files: Sequence[tuple[Path, Settings]],
    *,
    complete: bool = False,
    jobs: int | None = 1,
    cache: str | None = None,
    progress: Progress = nobody,
) -> list[Checked]:
    """Check files, in the order given. Never raises for what is in a file: that becomes a finding or an error.

    `complete` says that these are all the files of the project, which spares looking for others; `jobs` is how many
    processes may be used, None for as many as there are processors; `cache` is the folder to keep results in.
    """
    named = [(os.path.abspath(path), settings) for path, settings in files]
    memory = None
    if cache is not None:
        from mlflow_lint.cache.memory import Memory

        memory = Memory(cache, project, named, complete=complete)
        with phase("cache"):
            recalled = memory.recall()
        if recalled is not None:
            return [recalled[file] for file, _ in named]
    results: dict[str, Checked] = {}
    read: dict[str, bytes] = {}
    with phase("gate"):
        for file, _ in named:
            results[file] = Checked(project.shown(file), ())
            try:
                read[file] = project.read(file)
            except (OSError, SourceError) as error:
                results[file] = _unread(project, file, error)
        project.reach.settle(read, complete=complete)
    settings_of = dict(named)
    in_order = project.reach.leaves_first(file for file in read if project.reach.matters(file))
    mattering = [(file, settings_of[file]) for file in in_order]
    read = {file: read[file] for file, _ in mattering}  # what the others hold is not needed any more, and is much
    known: dict[str, Checked] = {}
    if memory is not None:
        with phase("cache"):
            known = memory.look_up(mattering, read)
    left = [(file, settings) for file, settings in mattering if file not in known]
    found = _checked(project, left, read, jobs, progress)
    if memory is not None:
        with phase("cache"):
            memory.keep(left, read, found)
            memory.close(mattering, read)
    results.update(known)
    results.update(found)
    return [results[file] for file, _ in named]


def _checked(
    project: Project, files: Sequence[File], read: Mapping[str, bytes], jobs: int | None, progress: Progress
) -> Mapping[str, Checked]:
    """Check files that matter, by several processes if that is quicker."""
    if not files:
        return {}
    if jobs != 1 and len(files) > 1:
        from mlflow_lint.pool import check_in_pool, is_worthwhile, processors

        jobs = jobs or processors()
        sizes = [len(read[file]) for file, _ in files]
        if jobs > 1 and is_worthwhile(sizes):
            return check_in_pool(project, files, sizes, jobs, progress)
    from mlflow_lint.syntax.stack import with_deep_stack

    checked = with_deep_stack(partial(check_in_turn, project, files, read, progress))
    return {file: each for (file, _), each in zip(files, checked, strict=True)}


def check_in_turn(
    project: Project,
    files: Sequence[File],
    read: Mapping[str, bytes] = MappingProxyType({}),
    progress: Progress = nobody,
) -> list[Checked]:
    """Check files that matter, one after the other; to be called within `with_deep_stack`."""
    results = []
    for file, settings in files:
        try:
            data = read[file] if file in read else project.read(file)
        except (OSError, SourceError) as error:
            results.append(_unread(project, file, error))
        else:
            checked = check_bytes(project, file, data, settings)
            results.append(replace(checked, questions=project.surroundings.asked(file)))
        progress(1, len(files))
    return results


def _unread(project: Project, file: str, error: Exception) -> Checked:
    shown = project.shown(file)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Checked(shown, (), error=f"{shown}: {reason}")


def check_bytes(project: Project, file: str, data: bytes, settings: Settings) -> Checked:
    """Check one file that is known to matter; to be called within `with_deep_stack`."""
    shown = project.shown(file)
    try:
        source = decode(shown, data)
    except SourceError as error:
        kind = "a notebook" if is_notebook(file) else "Python"
        message = f"the file cannot be read as {kind}: {error.message}"
        return Checked(shown, _kept((_unreadable(shown, message, error.line, 1),), settings, file))
    return check_source(project, file, source, settings)


def check_source(
    project: Project, file: str, source: SourceFile, settings: Settings, *, respect_noqa: bool = True
) -> Checked:
    """Check decoded text; to be called within `with_deep_stack`."""
    from mlflow_lint.rules.comments import Comments
    from mlflow_lint.rules.registry import all_rules
    from mlflow_lint.source.suppress import suppressions_of
    from mlflow_lint.syntax.parse import SyntaxFailure

    with phase("link"):
        of_interest = project.leads(file) or speaks_of_mlflow(source.text)
    if not of_interest:
        return Checked(source.path, ())
    try:
        context = project.context(file, source, settings)
        with phase("link"):
            context.link()
    except SyntaxFailure as error:
        message = f"the file cannot be read as Python: {error.message}"
        finding = _unreadable(source.path, message, error.line, error.column)
        return Checked(source.path, _kept((finding,), settings, file), source.text)
    codes, previewed = _codes(settings)
    found: list[Finding] = []
    with phase("rules"):
        for rule in all_rules():
            check = rule.check if rule.code in codes else rule.beyond_doubt if rule.code in previewed else None
            if check is not None and rule.may_find(context):
                with timed_rule(rule.code):
                    found.extend(check(rule, context))
        silenced = suppressions_of(source, respect_noqa)
        # Where a cell was not read, a comment may be for what it would have led to.
        judged = frozenset[str]() if context.unit.broken else codes - _ignored(settings, codes, file)
        comments = Comments(source, silenced, tuple(found), judged)
        for rule in all_rules():
            if rule.check_comments is not None and rule.code in codes:
                found.extend(rule.check_comments(rule, comments))
        findings = [finding for finding in found if not silenced.silences(finding)]
    if any(finding.fix is not None for finding in findings):
        cells = cells_of(source)
        findings = [
            finding if _stays_in_one(source, cells, finding) else replace(finding, fix=None) for finding in findings
        ]
    for cell in context.unit.broken:
        message = f"the cell cannot be read as Python: {cell.message}"
        findings.append(_unreadable(source.path, message, cell.line, cell.column, cell.number))
    findings.sort(key=lambda finding: finding.order)
    return Checked(source.path, _kept(findings, settings, file), source.text, source.cells)


@lru_cache(maxsize=64)
def _codes(settings: Settings) -> tuple[frozenset[str], frozenset[str]]:
    """The codes that settings switch on, and those that they would with preview on."""
    from mlflow_lint.rules.registry import statuses

    return enabled_codes(settings, statuses()), enabled_codes(replace(settings, preview=True), statuses())


def _stays_in_one(source: SourceFile, cells: tuple[Cell, ...], finding: Finding) -> bool:
    """Whether a finding's fix changes only Python, and that in only one of the cells, which can be run alone."""
    if finding.fix is None:
        return True
    cell = only_cell(cells, finding.fix.edits)
    # Fixes write the newlines of the module, which in a notebook are line feeds between cells.
    return cell is not None and (source.cells is None or "\r" not in cell.text)


def _kept(findings: Sequence[Finding], settings: Settings, file: str) -> tuple[Finding, ...]:
    """Findings that the settings do not ignore for this file."""
    ignored = _ignored(settings, {finding.code for finding in findings}, file)
    return tuple(
        finding
        for finding in findings
        if finding.code not in ignored
        and (finding.code != SYNTAX_ERROR or not specificity(settings.ignore, finding.code))
    )


def _ignored(settings: Settings, codes: Collection[str], file: str) -> frozenset[str]:
    """Those of the codes that the settings ignore just for this file."""
    if not settings.per_file_ignores or not file:
        return frozenset()
    from mlflow_lint.discover import per_file_ignores

    ignored = per_file_ignores(settings, Path(file))
    return frozenset(code for code in codes if specificity(ignored, code))


def _unreadable(path: str, message: str, line: int, column: int, cell: int | None = None) -> Finding:
    return Finding(
        SYNTAX_ERROR,
        "syntax-error",
        message,
        path,
        Region(line, column, line, column + 1, cell),
        (line, line),
        Severity.ERROR,
    )
