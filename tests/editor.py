"""An editor for tests: a real LSP client that talks to `mlflow-lint --lsp` over its standard streams.

It keeps its own copy of each text, in UTF-16 and by line, and applies the edits that it is sent to that: none of the
server's code counts units here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import doors
from lsprotocol import types
from pygls.lsp.client import LanguageClient

from mlflow_lint import __version__

_PATIENCE = 60
"""Seconds to wait for an answer on a machine that has much else to do."""


def everything(**changes: Any) -> types.ClientCapabilities:
    """What a modern editor can do."""
    workspace = types.WorkspaceClientCapabilities(
        workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True),
        did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True),
        configuration=True,
        workspace_folders=True,
    )
    text_document = types.TextDocumentClientCapabilities(
        publish_diagnostics=types.PublishDiagnosticsClientCapabilities(related_information=True),
        hover=types.HoverClientCapabilities(content_format=[types.MarkupKind.Markdown]),
    )
    return types.ClientCapabilities(workspace=workspace, text_document=text_document, **changes)


class Editor:
    """One editor with a server."""

    def __init__(self, folder: Path, settings: Mapping[str, object] | None) -> None:
        self.folder = folder
        self.settings: object = settings
        """What the server is told when it asks for its section."""
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.published: dict[str, types.PublishDiagnosticsParams] = {}
        self.count = 0
        """How often anything was published."""
        self.messages: list[str] = []
        self.log: list[str] = []
        self.watched: list[str] = []
        self.client = LanguageClient("test", __version__)
        self._news = asyncio.Event()
        self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda params: self._publish(params))
        self.client.feature(types.WINDOW_SHOW_MESSAGE)(lambda params: self.messages.append(params.message))
        self.client.feature(types.WINDOW_LOG_MESSAGE)(lambda params: self.log.append(params.message))
        self.client.feature(types.CLIENT_REGISTER_CAPABILITY)(lambda params: self._register(params))
        self.client.feature(types.WORKSPACE_CONFIGURATION)(lambda params: [self.settings for _ in params.items])

    def _publish(self, params: types.PublishDiagnosticsParams) -> None:
        self.published[params.uri] = params
        self.count += 1
        self._news.set()

    def _register(self, params: types.RegistrationParams) -> None:
        self.watched += [registration.method for registration in params.registrations]

    def uri(self, name: str) -> str:
        return (self.folder / name).as_uri()

    # --- what a user does

    def open(self, name: str, text: str | None = None) -> str:
        """Open a file, with its text on disk or another."""
        uri = name if ":" in name else self.uri(name)
        self.texts[uri] = (self.folder / name).read_bytes().decode() if text is None else text
        self.versions[uri] = 1
        item = types.TextDocumentItem(uri, "python", 1, self.texts[uri])
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return uri

    def type(self, name: str, text: str) -> None:
        """Replace the whole text."""
        uri = name if ":" in name else self.uri(name)
        self.texts[uri] = text
        self.versions[uri] += 1
        identifier = types.VersionedTextDocumentIdentifier(self.versions[uri], uri)
        change = types.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, [change]))

    def close(self, name: str) -> None:
        identifier = types.TextDocumentIdentifier(self.uri(name))
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(identifier))

    def changed_on_disk(self, *names: str, how: types.FileChangeType = types.FileChangeType.Changed) -> None:
        events = [types.FileEvent(self.uri(name), how) for name in names]
        self.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(events))

    def apply(self, edit: types.WorkspaceEdit | None) -> None:
        """Do to the texts what an edit says."""
        assert edit is not None
        for change in edit.document_changes or ():
            assert isinstance(change, types.TextDocumentEdit)
            uri = change.text_document.uri
            assert change.text_document.version == self.versions[uri]
            self.texts[uri] = applied(self.texts[uri], change.edits)
        for uri, edits in (edit.changes or {}).items():
            self.texts[uri] = applied(self.texts[uri], edits)

    # --- what a user sees

    async def settled(self, name: str, version: int | None = None) -> list[types.Diagnostic]:
        """The diagnostics of the text as it is now, once they are there."""
        uri = name if ":" in name else self.uri(name)
        wanted = self.versions.get(uri) if version is None else version
        await self.until(lambda: uri in self.published and self.published[uri].version == wanted)
        return list(self.published[uri].diagnostics)

    async def until(self, true: Callable[[], bool]) -> None:
        async def wait() -> None:
            while not true():
                self._news.clear()
                await self._news.wait()

        await asyncio.wait_for(wait(), _PATIENCE)

    def shown(self, name: str) -> list[tuple[str, int]]:
        """Code and line, from 1, of each diagnostic."""
        uri = name if ":" in name else self.uri(name)
        return [(str(each.code), each.range.start.line + 1) for each in self.published[uri].diagnostics]

    async def until_shown(self, name: str, *expected: tuple[str, int]) -> None:
        uri = name if ":" in name else self.uri(name)
        await self.until(lambda: uri in self.published and self.shown(name) == list(expected))

    async def actions(self, name: str, line: int, *only: str) -> list[types.CodeAction]:
        """The actions offered on a line, from 1."""
        uri = name if ":" in name else self.uri(name)
        at = types.Position(line - 1, 6)
        context = types.CodeActionContext([], only or None)
        params = types.CodeActionParams(types.TextDocumentIdentifier(uri), types.Range(at, at), context)
        found = await asyncio.wait_for(self.client.text_document_code_action_async(params), _PATIENCE)
        return [action for action in found or () if isinstance(action, types.CodeAction)]

    async def hover(self, name: str, line: int, character: int) -> types.Hover | None:
        uri = name if ":" in name else self.uri(name)
        params = types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(line - 1, character))
        return await asyncio.wait_for(self.client.text_document_hover_async(params), _PATIENCE)


def applied(text: str, edits: Any) -> str:
    """A text after edits, counted in UTF-16 as the protocol says, from the last to the first."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    starts, at = [], 0
    for line in lines:
        starts.append(at)
        at += len(line)
        at += 2 if text.startswith("\r\n", at) else 1
    for edit in sorted(edits, key=lambda edit: edit.range.start, reverse=True):
        start, end = (
            starts[place.line] + len(lines[place.line].encode("utf-16-le")[: 2 * place.character].decode("utf-16-le"))
            for place in (edit.range.start, edit.range.end)
        )
        text = text[:start] + edit.new_text + text[end:]
    return text


@asynccontextmanager
async def editing(
    folder: Path,
    *arguments: str,
    folders: tuple[str, ...] = (),
    options: object = None,
    settings: Mapping[str, object] | None = None,
    capabilities: types.ClientCapabilities | None = None,
    environment: Mapping[str, str] | None = None,
    command: tuple[str, ...] | None = None,
) -> AsyncIterator[Editor]:
    """An editor in a folder, or in several below it; at the end, the server must say good-bye in peace."""
    editor = Editor(folder, settings)
    client = editor.client
    env = doors.environment(environment)
    started = command or (*doors.command(), "--lsp", *arguments)
    await client.start_io(*started, cwd=folder, env=env)
    roots = [types.WorkspaceFolder((folder / name).as_uri(), name) for name in folders or (".",)]
    parameters = types.InitializeParams(
        capabilities or everything(),
        root_uri=folder.as_uri(),
        workspace_folders=roots,
        initialization_options=options,
    )
    result = await asyncio.wait_for(client.initialize_async(parameters), _PATIENCE)
    assert result.server_info is not None
    assert result.server_info.name == "mlflow-lint"
    client.initialized(types.InitializedParams())
    yield editor
    await asyncio.wait_for(client.shutdown_async(None), _PATIENCE)
    client.exit(None)
    server = client._server
    assert server is not None
    assert await asyncio.wait_for(server.wait(), _PATIENCE) == 0
    await client.stop()
