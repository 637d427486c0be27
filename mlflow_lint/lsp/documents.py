"""What the editor holds: open files and notebooks, with the text that is on the screen.

Invariant: a document is immutable; a change makes a new one with a higher revision.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lsprotocol import types
from pygls.uris import to_fs_path
from pygls.workspace import PositionCodec

from mlflow_lint.lsp.positions import Positions
from mlflow_lint.source.file import SourceFile, decode, from_lines, is_notebook

_CELL_SCHEME = "vscode-notebook-cell"
"""Of a cell that an editor opens as a text of its own, because it was not told how to send notebooks."""


@dataclass(frozen=True, slots=True)
class Part:
    """One text in the editor: all of a file, or one code cell of a notebook."""

    uri: str
    text: str
    version: int | None


@dataclass(frozen=True, slots=True)
class Document:
    """An open file or notebook."""

    uri: str
    file: str
    """Absolute path, made up for what was never saved."""
    parts: tuple[Part, ...]
    """One for a file; the code cells of a notebook, in order."""
    revision: int

    @property
    def data(self) -> bytes:
        """The bytes that saving it would write, as far as they matter: of a notebook, its code."""
        if not is_notebook(self.file):
            return self.parts[0].text.encode("utf-8", "surrogatepass")
        cells = [{"cell_type": "code", "source": part.text} for part in self.parts]
        return json.dumps({"nbformat": 4, "cells": cells}).encode()

    def source(self, shown: str) -> SourceFile:
        """What the engine reads, under the path that reports show. Raises `SourceError`."""
        # A cookie says how bytes are decoded, and these were.
        return decode(shown, self.data) if is_notebook(self.file) else from_lines(shown, [self.parts[0].text])

    def texts(self, source: SourceFile) -> tuple[str, ...]:
        """The texts of the parts, once the document is what this source is."""
        if source.cells is not None:
            return tuple(cell.text for cell in source.cells)
        return ("\ufeff" + source.text if source.bom else source.text,)

    def part(self, cell: int | None) -> Part:
        """The part that a finding with this number of a cell is in."""
        return self.parts[0 if cell is None else cell - 1]


class Documents:
    """The open documents, by URI; `unsaved` is the folder in which files lie that were never saved."""

    def __init__(self, unsaved: Path) -> None:
        self._unsaved = unsaved
        self._documents: dict[str, Document] = {}
        self._of_part: dict[str, str] = {}
        self._revisions = count()

    def __iter__(self) -> Iterator[Document]:
        return iter(tuple(self._documents.values()))

    def get(self, uri: str) -> Document | None:
        """The document with this URI, or that has a cell with it."""
        return self._documents.get(self._of_part.get(uri, uri))

    def texts(self) -> dict[str, bytes]:
        """What is in the editor instead of on disk, by path."""
        return {document.file: document.data for document in self._documents.values() if document.parts}

    def put(self, uri: str, parts: Sequence[Part], *, notebook: bool = False) -> Document:
        """Open a document, or replace it by what it has become."""
        self.remove(uri)
        file = self._file(uri)
        if notebook and not is_notebook(file):  # one that was never saved, or that lives in a file of Python
            file += ".ipynb"
        document = Document(uri, file, tuple(parts), next(self._revisions))
        self._documents[uri] = document
        self._of_part.update((part.uri, uri) for part in parts)
        return document

    def remove(self, uri: str) -> Document | None:
        """Close a document; the result is what it was."""
        document = self._documents.pop(uri, None)
        for part in document.parts if document is not None else ():
            self._of_part.pop(part.uri, None)
        return document

    def _file(self, uri: str) -> str:
        path = to_fs_path(uri)
        if path is None:
            split = urlsplit(uri)
            name = unquote(split.path)
            path = name if split.scheme == _CELL_SCHEME else str(self._unsaved / os.path.basename(name))
        return os.path.abspath(path)


def changed(text: str, changes: Iterable[types.TextDocumentContentChangeEvent], codec: PositionCodec) -> str:
    """A text after the changes that an editor reports, one after the other."""
    for change in changes:
        if isinstance(change, types.TextDocumentContentChangePartial):
            positions = Positions(text, codec)
            start, end = positions.offset(change.range.start), positions.offset(change.range.end)
            text = text[:start] + change.text + text[max(start, end) :]
        else:
            text = change.text
    return text
