"""Check and fix open documents as the command would do it in their workspace folder.

Invariant: each check starts from the files as they are now, in the editor or else on disk. Only what a text parses to
is kept from check to check, since it depends on nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from mlflow_lint.config import ConfigError, Settings, SettingsResolver
from mlflow_lint.discover import is_excluded
from mlflow_lint.engine import Checked, Project, check_bytes, check_source
from mlflow_lint.facts.model import Module
from mlflow_lint.findings import SYNTAX_ERROR, Finding
from mlflow_lint.fixing import fix_alone, fix_source, with_edits
from mlflow_lint.lsp.documents import Document
from mlflow_lint.rules.known import KnownCodes
from mlflow_lint.screening import Screen
from mlflow_lint.source.annotate import noqa_edits
from mlflow_lint.source.file import SourceError, SourceFile, read_bytes
from mlflow_lint.source.suppress import suppressions_of
from mlflow_lint.syntax.read import BrokenCell, read
from mlflow_lint.syntax.stack import with_deep_stack

_Outcome = TypeVar("_Outcome")

_Facts = tuple[Module, tuple[BrokenCell, ...]]

_INSTALLED = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True, slots=True)
class Workspace:
    """What checking depends on beside the document, at one moment."""

    folders: tuple[Path, ...]
    texts: Mapping[str, bytes]
    """What is in the editor instead of on disk, by absolute path."""
    overrides: Mapping[str, object] = field(default_factory=dict)
    """Settings of the editor, under the keys of the configuration table."""
    config: Path | None = None
    isolated: bool = False

    def folder(self, file: str) -> Path:
        """The folder that the command would be run in: the innermost of the workspace, else the file's own."""
        return max(self._holding(file), key=lambda folder: len(str(folder)), default=Path(file).parent)

    def is_foreign(self, file: str) -> bool:
        """Whether a file is of an installed package that someone looks into, and not of the workspace."""
        return not self._holding(file) and not _INSTALLED.isdisjoint(Path(file).parts)

    def _holding(self, file: str) -> list[Path]:
        return [folder for folder in self.folders if file.startswith(str(folder).rstrip(os.sep) + os.sep)]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of checking a document."""

    document: Document
    checked: Checked
    """With all findings."""
    folder: Path
    """The folder that paths in findings are relative to."""
    files: frozenset[str] = frozenset()
    """Other files that were read on the way: if one changes, so may this."""
    new: tuple[Finding, ...] = ()
    """The findings that no baseline knows: what the editor is told."""
    error: str | None = None
    """What of the configuration cannot be used, in one line. If that is the baseline, all findings are new."""

    @property
    def is_broken(self) -> bool:
        """Whether the text as a whole is no Python at the moment, so that nothing else is known of it."""
        return any(finding.code == SYNTAX_ERROR and finding.region.cell is None for finding in self.checked.findings)


class Checker:
    """Checks documents, one at a time."""

    def __init__(self) -> None:
        self._facts: dict[str, tuple[SourceFile, _Facts]] = {}
        """Of the latest text of each path."""

    def check(self, document: Document, workspace: Workspace) -> Result:
        """Check a document; configuration that cannot be used is the error of the result."""
        folder = workspace.folder(document.file)
        try:
            at = _Place(document, workspace, self._parsed)
        except ConfigError as error:
            return Result(document, Checked(document.file, ()), folder, error=str(error))
        checked = at.checked()
        result = Result(document, checked, folder, frozenset(at.files - {document.file}), checked.findings)
        try:
            return replace(result, new=at.screened(checked).findings)
        except ConfigError as error:
            return replace(result, error=str(error))

    def fixed(self, result: Result, finding: Finding, workspace: Workspace) -> tuple[str, ...] | None:
        """The texts of the parts of a checked document with one finding fixed; None if that would do harm."""
        at = _Place(result.document, workspace, self._parsed)
        findings = result.checked.findings
        source = None
        if at.matters():
            source = at.with_source(
                lambda source: fix_alone(at.project, at.file, source, at.settings, findings, finding)
            )
        return None if source is None else result.document.texts(source)

    def silenced(self, result: Result, finding: Finding) -> tuple[str, ...] | None:
        """The texts of the parts with a comment that silences one finding; None where none can."""
        document = result.document
        source = document.source(document.file)
        place = (finding.region.cell, finding.region.line)
        attempt = with_edits(source, noqa_edits(source, {place: {finding.code}}))
        # No line has moved.
        return document.texts(attempt) if suppressions_of(attempt).silences(finding) else None

    def fixed_all(self, document: Document, workspace: Workspace) -> tuple[str, ...] | None:
        """The texts of the parts of a document after all safe fixes; None if there are none to make.

        Where the baseline cannot be read there are none: nobody asked for fixes of what may be known.
        """
        at = _Place(document, workspace, self._parsed)
        if not at.matters():
            return None
        return at.with_source(partial(self._fixed_all, at))

    def _fixed_all(self, at: _Place, source: SourceFile) -> tuple[str, ...] | None:
        try:
            fixed = fix_source(at.project, at.file, source, at.settings, unsafe=False, screen=at.screen)
        except ConfigError:  # told when the document was checked
            return None
        if fixed.after == fixed.before:
            return None
        return tuple(after for _, after in fixed.cells) or at.document.texts(replace(source, text=fixed.after))

    def _parsed(self, source: SourceFile) -> _Facts:
        known, facts = self._facts.get(source.path, (None, None))
        if facts is None or known != source:
            facts = read(source)
            self._facts[source.path] = (source, facts)
        return facts


class _Place:
    """A document with its settings and a project of its own. Making one raises `ConfigError`."""

    def __init__(self, document: Document, workspace: Workspace, parse: Callable[[SourceFile], _Facts]) -> None:
        folder = workspace.folder(document.file)
        resolver = SettingsResolver(
            KnownCodes(),
            config=workspace.config,
            isolated=workspace.isolated,
            overrides=workspace.overrides,
            origin="settings of the editor",
            root=folder,
        )
        self.document = document
        self.file = document.file
        self.settings: Settings = resolver.for_file(Path(self.file))
        self.screen = Screen()
        self.files: set[str] = set()
        self._workspace = workspace
        self.project = Project(resolver.for_directory(folder).root, folder, read=self._read, parse=parse)

    def checked(self) -> Checked:
        if not self.matters():
            return Checked(self.project.shown(self.file), ())
        checked = self.with_source(lambda source: check_source(self.project, self.file, source, self.settings))
        if checked is not None:
            return checked
        # Says what is wrong with the text in a finding.
        return check_bytes(self.project, self.file, self.document.data, self.settings)

    def screened(self, checked: Checked) -> Checked:
        """Without what the baseline knows, as that is now. Raises `ConfigError` for one that cannot be read."""
        # Most documents have nothing to be compared.
        return self.screen(checked, Path(self.file), self.settings) if checked.findings else checked

    def matters(self) -> bool:
        if self._workspace.is_foreign(self.file) or is_excluded(self.settings, Path(self.file)):
            return False
        return with_deep_stack(partial(self.project.matters, self.file, self.document.data))

    def with_source(self, work: Callable[[SourceFile], _Outcome]) -> _Outcome | None:
        """Do `work` on the document as the engine reads it; None for what is no text."""
        try:
            source = self.document.source(self.project.shown(self.file))
        except SourceError:
            return None
        return with_deep_stack(partial(work, source))

    def _read(self, file: str) -> bytes:
        self.files.add(file)
        text = self._workspace.texts.get(file)
        return read_bytes(Path(file)) if text is None else text
