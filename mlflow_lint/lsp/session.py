"""What happens when: which documents are checked after which change, and what the editor is told.

Invariant: one check runs at a time, in a thread of its own, and what it finds is shown only if its document has not
changed meanwhile; a defect of ours ends that check and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from mlflow_lint.config import ConfigError, SettingsResolver
from mlflow_lint.engine import Checked
from mlflow_lint.failures import guarded
from mlflow_lint.findings import Finding
from mlflow_lint.lsp.actions import Actions
from mlflow_lint.lsp.checking import Checker, Result, Workspace
from mlflow_lint.lsp.diagnostics import Diagnostics
from mlflow_lint.lsp.documents import Documents, Part
from mlflow_lint.lsp.keeping import kept
from mlflow_lint.rules.known import KnownCodes

WHILE_TYPING = 0.1
"""Seconds to wait for the next key before a text is checked."""
_ELSEWHERE = 0.3
"""The same for what uses a text, or for what changed on disk, where changes come in crowds."""

_Outcome = TypeVar("_Outcome")


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says of the server."""

    overrides: Mapping[str, object] = field(default_factory=dict)
    config: Path | None = None
    isolated: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """What the editor was told of a document."""

    result: Result
    findings: tuple[Finding, ...]
    """With those kept from before the text was broken."""
    diagnostics: Diagnostics
    actions: Actions


@dataclass(slots=True)
class _Job:
    """A check that is to be made, or is being made, of a document as it is now."""

    task: asyncio.Task[None]
    has_begun: bool = False


class Session:
    """The documents of one editor, and what is known of them."""

    def __init__(self, server: LanguageServer, options: Options) -> None:
        self._server = server
        self._options = options
        self._overrides = options.overrides
        self.documents = Documents(Path.cwd())
        self._checker = Checker()
        self._worker = ThreadPoolExecutor(1, "mlflow-lint")
        self._jobs: dict[str, _Job] = {}
        self._in_passing = asyncio.Lock()
        """Held by a check that nobody waits for, so that there is at most one before one that somebody does."""
        self._shown: dict[str, Shown] = {}
        self._sound: dict[str, Result] = {}
        """The last result of each document whose text was Python."""
        self._said: set[str] = set()

    def configure(self, table: Mapping[str, object]) -> None:
        """Take the settings of the editor over; a value of None stands for what is not set."""
        overrides = {**self._options.overrides, **{key: value for key, value in table.items() if value is not None}}
        try:
            SettingsResolver(KnownCodes(), isolated=True, overrides=overrides, origin="settings of the editor")
        except ConfigError as error:
            self._complain(str(error))
            overrides = dict(self._options.overrides)
        if overrides != self._overrides:
            self._overrides = overrides
            self.refresh_all()

    def open(self, uri: str, parts: list[Part], delay: float = 0, *, notebook: bool = False) -> None:
        """Check a document that was opened or has changed, and those that use it."""
        document = self.documents.put(uri, parts, notebook=notebook)
        self._refresh(uri, delay)
        self._refresh_users(document.file)

    def close(self, uri: str) -> None:
        """Forget a document: what is on disk counts again."""
        document = self.documents.remove(uri)
        if document is None:
            return
        self._put_off(uri)
        self._shown.pop(uri, None)
        self._sound.pop(uri, None)
        for part in document.parts:
            self._publish(part, [])
        self._refresh_users(document.file)

    def drop(self, uri: str) -> None:
        """Show nothing for a text that is no longer part of its document."""
        self._publish(Part(uri, "", None), [])

    def changed_on_disk(self, changes: Sequence[types.FileEvent]) -> None:
        """Check what may be seen in another light: what uses a module, or everything."""
        if not all(change.type is types.FileChangeType.Changed and change.uri.endswith(".py") for change in changes):
            self.refresh_all()
            return
        for path in {to_fs_path(change.uri) or "" for change in changes} - self.documents.texts().keys():
            self._refresh_users(path)

    def refresh_all(self) -> None:
        """Check all documents again."""
        for document in self.documents:
            self._refresh_in_passing(document.uri)

    async def current(self, uri: str) -> Shown | None:
        """What is to be shown of a document as it is now; None if it is not open or cannot be checked."""
        document = self.documents.get(uri)
        if document is None:
            return None
        job = self._jobs.get(document.uri)
        if job is not None and not job.has_begun:
            self._refresh(document.uri, 0)
            job = self._jobs[document.uri]
        if job is not None:
            await asyncio.wait([job.task])
        shown = self._shown.get(document.uri)
        return shown if shown is not None and shown.result.document is document else None

    async def in_worker(self, work: Callable[[], _Outcome]) -> _Outcome | None:
        """Do `work` after what is being done; None if a defect of ours ended it, which the editor's log then shows."""
        lines: list[str] = []
        loop = asyncio.get_running_loop()
        outcome = await loop.run_in_executor(self._worker, lambda: guarded(work, "the language server", lines))
        for line in lines:
            self._server.window_log_message(types.LogMessageParams(types.MessageType.Error, line.rstrip()))
        return outcome

    def _refresh(self, uri: str, delay: float) -> None:
        """Check a document once `delay` seconds have passed without another reason to."""
        self._put_off(uri)
        self._jobs[uri] = _Job(asyncio.get_running_loop().create_task(self._later(uri, delay)))

    def _refresh_in_passing(self, uri: str) -> None:
        """Check a document again when nothing else is to be done, unless it is about to be checked anyway."""
        job = self._jobs.get(uri)
        if job is None or job.has_begun:
            self._jobs[uri] = _Job(asyncio.get_running_loop().create_task(self._in_turn(uri)))

    def _refresh_users(self, file: str) -> None:
        for uri, shown in self._shown.items():
            if file in shown.result.files:
                self._refresh_in_passing(uri)

    def _put_off(self, uri: str) -> None:
        """Give up a check that has not begun; one that has ends by itself."""
        job = self._jobs.pop(uri, None)
        if job is not None and not job.has_begun:
            job.task.cancel()

    async def _in_turn(self, uri: str) -> None:
        await asyncio.sleep(_ELSEWHERE)
        async with self._in_passing:
            await self._later(uri, 0)

    async def _later(self, uri: str, delay: float) -> None:
        await asyncio.sleep(delay)
        job = self._jobs[uri]
        job.has_begun = True
        try:
            await self._check(uri)
        finally:
            if self._jobs.get(uri) is job:
                del self._jobs[uri]

    async def _check(self, uri: str) -> None:
        document = self.documents.get(uri)
        if document is None:
            return
        workspace = self._workspace()
        result = await self.in_worker(lambda: self._checker.check(document, workspace))
        if self.documents.get(uri) is not document:
            return
        if result is None:
            result = Result(document, Checked(document.file, ()), workspace.folder(document.file))
        if result.error is not None:
            self._complain(result.error)
        self._show(result, workspace)

    def _show(self, result: Result, workspace: Workspace) -> None:
        uri = result.document.uri
        codec = self._server.workspace.position_codec
        client = self._server.client_capabilities
        related = get_capability(client, "text_document.publish_diagnostics.related_information", False)
        diagnostics = Diagnostics(result, codec, related=related)
        versioned = get_capability(client, "workspace.workspace_edit.document_changes", False)
        actions = Actions(result, self._checker, workspace, codec, versioned=versioned)
        findings = result.new
        if not result.is_broken:
            self._sound[uri] = result
        elif uri in self._sound:
            before = self._sound[uri]
            texts = (before.document.parts[0].text, result.document.parts[0].text)
            findings += kept(before.new, *texts)
        self._shown[uri] = Shown(result, findings, diagnostics, actions)
        for part in result.document.parts:
            here = [diagnostics.of(finding) for finding in findings if diagnostics.uri(finding) == part.uri]
            self._publish(part, here)

    def _publish(self, part: Part, diagnostics: list[types.Diagnostic]) -> None:
        self._server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(part.uri, diagnostics, part.version)
        )

    def _workspace(self) -> Workspace:
        known = self._server.workspace
        uris = [*known.folders] or [known.root_uri or ""]
        folders = [path for uri in uris if (path := to_fs_path(uri))]
        options = self._options
        return Workspace(
            tuple(map(Path, folders)), self.documents.texts(), self._overrides, options.config, options.isolated
        )

    def _complain(self, message: str) -> None:
        """Tell the user of a mistake, once."""
        if message not in self._said:
            self._said.add(message)
            shown = types.ShowMessageParams(types.MessageType.Error, f"mlflow-lint: {message}")
            self._server.window_show_message(shown)
