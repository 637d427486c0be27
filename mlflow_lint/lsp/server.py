"""The messages of the protocol: what the server understands, and which part of it answers.

Invariant: nothing is worked out here; handlers hand on what they are told to the session and return what it answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.lsp.server import LanguageServer

from mlflow_lint import __version__
from mlflow_lint.config import SettingsResolver
from mlflow_lint.lsp.actions import KINDS
from mlflow_lint.lsp.documents import Part, changed
from mlflow_lint.lsp.hover import hover
from mlflow_lint.lsp.positions import Positions
from mlflow_lint.lsp.session import WHILE_TYPING, Options, Session
from mlflow_lint.rules.known import KnownCodes

_SECTION = "mlflow-lint"
"""Of the editor's settings."""

_WATCHING: Final = "workspace.did_change_watched_files.dynamic_registration"
"""Whether the editor can be asked to watch files."""
_WATCHED = (
    "**/*.{py,ipynb,toml,lock}",
    "**/{requirements*.txt,Pipfile*,*environment*.y*ml,conda*.y*ml,python_env.y*ml,.env*}",
    "**/*baseline*.json",
)
"""Files that findings depend on beside those that are open."""

_NOTEBOOKS = types.NotebookDocumentSyncOptions(
    [types.NotebookDocumentFilterWithCells([types.NotebookCellLanguage("python")])]
)


class Server(LanguageServer):
    """A language server for one editor."""

    def __init__(self, options: Options) -> None:
        # Texts come whole: where pygls applies changes, it takes form feeds for ends of lines.
        super().__init__(
            "mlflow-lint",
            __version__,
            text_document_sync_kind=types.TextDocumentSyncKind.Full,
            notebook_document_sync=_NOTEBOOKS,
        )
        self.session = Session(self, options)
        self.initial: object = None
        """Settings that came with the first message; complaints about them may be sent only later."""
        for method, handler in _HANDLERS.items():
            self.feature(method, _OPTIONS.get(method))(handler)


def serve(options: Options) -> int:
    """Talk to an editor over standard input and output until it says good-bye; the result is an exit code.

    Raises `ConfigError` for options that cannot be used.
    """
    SettingsResolver(KnownCodes(), config=options.config, isolated=options.isolated, overrides=options.overrides)
    Server(options).start_io()
    return 0


def _initialize(ls: Server, params: types.InitializeParams) -> None:
    ls.initial = params.initialization_options


async def _initialized(ls: Server, _: types.InitializedParams) -> None:
    _configure(ls, None)
    if get_capability(ls.client_capabilities, _WATCHING, False):
        watchers = [types.FileSystemWatcher(pattern) for pattern in _WATCHED]
        options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
        method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
        registration = types.Registration(f"mlflow-lint {method}", method, options)
        await ls.client_register_capability_async(types.RegistrationParams([registration]))
    await _ask_for_settings(ls)


async def _ask_for_settings(ls: Server) -> None:
    if get_capability(ls.client_capabilities, "workspace.configuration", False):
        asked = types.ConfigurationParams([types.ConfigurationItem(section=_SECTION)])
        answers = await ls.workspace_configuration_async(asked)
        _configure(ls, answers[0] if answers else None)


def _configure(ls: Server, section: object) -> None:
    """Take settings over: the section of the editor's settings, and below it what came with the first message."""
    tables = (ls.initial, section)
    ls.session.configure({key: value for table in tables if isinstance(table, dict) for key, value in table.items()})


async def _did_change_configuration(ls: Server, params: types.DidChangeConfigurationParams) -> None:
    settings = params.settings
    if isinstance(settings, dict) and settings.get(_SECTION) is not None:
        _configure(ls, settings[_SECTION])
    else:
        await _ask_for_settings(ls)


def _did_open(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
    document = params.text_document
    if document.language_id == "python":
        ls.session.open(document.uri, [Part(document.uri, document.text, document.version)])


def _did_change(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
    known = ls.session.documents.get(params.text_document.uri)
    if known is not None:
        text = changed(known.parts[0].text, params.content_changes, ls.workspace.position_codec)
        part = Part(known.uri, text, params.text_document.version)
        ls.session.open(known.uri, [part], WHILE_TYPING)


def _did_close(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
    ls.session.close(params.text_document.uri)


def _did_save(ls: Server, _: types.DidSaveTextDocumentParams) -> None:
    # An editor that watches no files says nothing of them: this is a good moment to look.
    if not get_capability(ls.client_capabilities, _WATCHING, False):
        ls.session.refresh_all()


def _did_change_watched_files(ls: Server, params: types.DidChangeWatchedFilesParams) -> None:
    ls.session.changed_on_disk(params.changes)


def _did_change_workspace_folders(ls: Server, _: types.DidChangeWorkspaceFoldersParams) -> None:
    ls.session.refresh_all()


def _notebook_did_open(ls: Server, params: types.DidOpenNotebookDocumentParams) -> None:
    texts = {cell.uri: Part(cell.uri, cell.text, cell.version) for cell in params.cell_text_documents}
    notebook = params.notebook_document
    ls.session.open(notebook.uri, _in_order(notebook, texts), notebook=True)


def _notebook_did_change(ls: Server, params: types.DidChangeNotebookDocumentParams) -> None:
    uri = params.notebook_document.uri
    known, notebook = ls.session.documents.get(uri), ls.workspace.get_notebook_document(notebook_uri=uri)
    if known is None or notebook is None:
        return
    texts = {part.uri: part for part in known.parts}
    cells = params.change.cells
    if cells is not None and cells.structure is not None:
        for cell in cells.structure.did_open or ():
            texts[cell.uri] = Part(cell.uri, cell.text, cell.version)
        for closed in cells.structure.did_close or ():
            texts.pop(closed.uri, None)
            ls.session.drop(closed.uri)
    for change in (cells.text_content if cells is not None else None) or ():
        part = texts.get(change.document.uri)
        if part is not None:
            text = changed(part.text, change.changes, ls.workspace.position_codec)
            texts[part.uri] = Part(part.uri, text, change.document.version)
    ls.session.open(uri, _in_order(notebook, texts), WHILE_TYPING, notebook=True)


def _in_order(notebook: types.NotebookDocument, texts: dict[str, Part]) -> list[Part]:
    """The code cells of a notebook; others have no Python, and the editor does not send them."""
    code = [cell.document for cell in notebook.cells if cell.kind is types.NotebookCellKind.Code]
    return [texts[uri] for uri in code if uri in texts]


def _notebook_did_close(ls: Server, params: types.DidCloseNotebookDocumentParams) -> None:
    ls.session.close(params.notebook_document.uri)


async def _code_action(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
    uri = params.text_document.uri
    shown = await ls.session.current(uri)
    if shown is None:
        return []
    find = partial(shown.actions.at, uri, params.range, params.context.only, shown.diagnostics)
    return await ls.session.in_worker(find) or []


async def _hover(ls: Server, params: types.HoverParams) -> types.Hover | None:
    uri = params.text_document.uri
    shown = await ls.session.current(uri)
    part = next((part for part in shown.result.document.parts if part.uri == uri), None) if shown else None
    if shown is None or part is None:
        return None
    formats = get_capability(ls.client_capabilities, "text_document.hover.content_format", ())
    kind = formats[0] if formats else types.MarkupKind.Markdown
    positions = Positions(part.text, ls.workspace.position_codec)
    return hover(iter(shown.findings), shown.diagnostics, part, positions, params.position, kind)


_HANDLERS: Mapping[str, Callable[..., object]] = {
    types.INITIALIZE: _initialize,
    types.INITIALIZED: _initialized,
    types.TEXT_DOCUMENT_DID_OPEN: _did_open,
    types.TEXT_DOCUMENT_DID_CHANGE: _did_change,
    types.TEXT_DOCUMENT_DID_CLOSE: _did_close,
    types.NOTEBOOK_DOCUMENT_DID_OPEN: _notebook_did_open,
    types.NOTEBOOK_DOCUMENT_DID_CHANGE: _notebook_did_change,
    types.NOTEBOOK_DOCUMENT_DID_CLOSE: _notebook_did_close,
    types.WORKSPACE_DID_CHANGE_CONFIGURATION: _did_change_configuration,
    types.WORKSPACE_DID_CHANGE_WATCHED_FILES: _did_change_watched_files,
    types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: _did_change_workspace_folders,
    types.TEXT_DOCUMENT_DID_SAVE: _did_save,
    types.TEXT_DOCUMENT_CODE_ACTION: _code_action,
    types.TEXT_DOCUMENT_HOVER: _hover,
}
_OPTIONS = {types.TEXT_DOCUMENT_CODE_ACTION: types.CodeActionOptions(KINDS)}
