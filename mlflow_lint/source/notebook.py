"""Jupyter notebooks: the code cells of the JSON as one module.

Invariant: each cell stands in the module's text as it stands in the notebook, on lines of its own behind a line `# %%`;
whatever the JSON holds, reading it gives a source or a `SourceError`.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from mlflow_lint.regex import regex
from mlflow_lint.source.file import Cell, SourceError, SourceFile
from mlflow_lint.source.included import runs
from mlflow_lint.source.magics import python_of

_SEPARATOR = "# %%\n"
_FORMATS = (3, 4)
_PYTHON_CELL = regex(r"\s*%python\b")

SourcePath: TypeAlias = tuple[str | int, ...]
"""Keys and indices that lead to the source of a cell."""


def decode_notebook(path: str, data: bytes) -> SourceFile:
    """Read a notebook; of one for another language than Python only what Databricks marks as Python.

    Raises `SourceError` for what is no notebook of format 3 or 4.
    """
    notebook = _object(_json(data), "the notebook")
    version = notebook.get("nbformat")
    if version not in _FORMATS:
        raise SourceError(f"notebook format {version!r} is not read, only formats 3 and 4")
    is_python = _is_python(notebook.get("metadata"))
    texts: list[tuple[str, str]] = []
    for place, cell in code_cells(notebook):
        text = _text(cell.get(str(place[-1]), ""))
        is_read = _is_in_python(cell) if is_python else _PYTHON_CELL.match(text)
        texts.append((text, python_of(text) if is_read else ""))
    source = SourceFile(path, data, "", "utf-8", data.startswith(codecs.BOM_UTF8), ())
    return _joined(source, texts)


def code_cells(notebook: dict[str, Any]) -> Iterator[tuple[SourcePath, dict[str, Any]]]:
    """The code cells of a notebook in order, each with the place of its source. Raises `SourceError`."""
    for above, holder, key in _sheets(notebook):
        cells = holder.get("cells")
        if not isinstance(cells, list):
            raise SourceError("it has no list of cells")
        for index, cell in enumerate(cells):
            if _object(cell, "a cell").get("cell_type") == "code":
                yield (*above, "cells", index, key), cell


def _sheets(notebook: dict[str, Any]) -> Iterator[tuple[SourcePath, dict[str, Any], str]]:
    """What holds cells, where it stands, and the key of a cell's source: format 3 had sheets."""
    if notebook["nbformat"] != 3:
        yield (), notebook, "source"
        return
    sheets = notebook.get("worksheets")
    if not isinstance(sheets, list):
        raise SourceError("it has no list of worksheets")
    for index, sheet in enumerate(sheets):
        yield ("worksheets", index), _object(sheet, "a worksheet"), "input"


def with_texts(source: SourceFile, texts: Sequence[str]) -> SourceFile:
    """A notebook with other texts in its code cells; those in other languages are to stay as they are."""
    cells = source.cells or ()
    return _joined(
        source, [(text, python_of(text) if cell.python else "") for cell, text in zip(cells, texts, strict=True)]
    )


def _joined(source: SourceFile, texts: Iterable[tuple[str, str]]) -> SourceFile:
    """The source with these cells, each given as text and Python."""
    cells: list[Cell] = []
    pieces: list[str] = []
    start = 0
    for text, python in texts:
        start += len(_SEPARATOR)
        cells.append(Cell(start, text, python))
        pieces += [_SEPARATOR, text, "\n"]
        start += len(text) + 1
    return replace(source, text="".join(pieces), cells=tuple(cells))


def code_of(data: bytes) -> bytes:
    """The Python of a notebook's cells, and the lines that run other notebooks; nothing for what is no notebook."""
    try:
        cells = decode_notebook("", data).cells or ()
    except SourceError:
        return b""
    lines = [line for cell in cells if cell.python for line in runs(cell.text)]
    return "\n".join([*(cell.python for cell in cells), *lines]).encode("utf-8", "surrogatepass")


def _json(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = 1 + data.count(b"\n", 0, error.start)
        raise SourceError(f"byte 0x{data[error.start]:02x} is not utf-8 text", line) from error
    except json.JSONDecodeError as error:
        raise SourceError(f"it is not JSON: {error.msg}", error.lineno) from error
    except RecursionError as error:
        raise SourceError("its JSON is nested too deeply") from error
    except ValueError as error:  # a number too long to be read
        raise SourceError(f"its JSON cannot be read: {error}") from error


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SourceError(f"{what} is not a JSON object")
    return value


def _text(source: Any) -> str:
    lines = source if isinstance(source, list) else [source]
    if not all(isinstance(line, str) for line in lines):
        raise SourceError("the source of a cell is neither a string nor a list of strings")
    return "".join(lines)


def _is_in_python(cell: dict[str, Any]) -> bool:
    """Whether a cell of a notebook for Python is in it: editors built on VS Code, and format 3, mix languages."""
    declared = (_nested(cell, "metadata", "vscode", "languageId"), cell.get("language"))
    return all(language in (None, "python") for language in declared)


def _is_python(metadata: Any) -> bool:
    """Whether a notebook is for Python; one that does not say is."""
    databricks = _nested(metadata, "application/vnd.databricks.v1+notebook", "language")
    declared = (_nested(metadata, "kernelspec", "language"), _nested(metadata, "language_info", "name"), databricks)
    named = [name.lower() for name in declared if isinstance(name, str)]
    return not named or any("python" in name or name == "pyspark" for name in named)


def _nested(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
