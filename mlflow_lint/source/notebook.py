"""Jupyter notebooks: the code cells of the JSON as one module.

Invariant: each cell stands in the module's text as it stands in the notebook, on lines of its own behind a line `# %%`;
whatever the JSON holds, reading it gives a source or a `SourceError`.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from mlflow_lint.source.file import Cell, SourceError, SourceFile
from mlflow_lint.source.included import runs
from mlflow_lint.source.magics import python_of

_SEPARATOR = "# %%\n"
_FORMAT = 4


def decode_notebook(path: str, data: bytes) -> SourceFile:
    """Read a notebook; one for another language than Python has no cells.

    Raises `SourceError` for what is no notebook of format 4.
    """
    notebook = _object(_json(data), "the notebook")
    version = notebook.get("nbformat")
    if version != _FORMAT:
        raise SourceError(f"notebook format {version!r} is not read, only format {_FORMAT}")
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise SourceError("it has no list of cells")
    texts = [_text(cell) for cell in cells if _is_code(cell)] if _is_python(notebook.get("metadata")) else []
    source = SourceFile(path, data, "", "utf-8", data.startswith(codecs.BOM_UTF8), ())
    return _joined(source, [(text, python_of(text) if is_python else "") for text, is_python in texts])


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


def _is_code(cell: Any) -> bool:
    return _object(cell, "a cell").get("cell_type") == "code"


def _text(cell: dict[str, Any]) -> tuple[str, bool]:
    """The text of a code cell, and whether it is in the notebook's language."""
    source = cell.get("source", "")
    lines = source if isinstance(source, list) else [source]
    if not all(isinstance(line, str) for line in lines):
        raise SourceError("the source of a cell is neither a string nor a list of strings")
    # In editors built on VS Code, cells of one notebook can be in several languages.
    vscode = _nested(cell, "metadata", "vscode", "languageId")
    return "".join(lines), vscode in (None, "python")


def _is_python(metadata: Any) -> bool:
    """Whether a notebook is for Python; one that does not say is."""
    declared = (_nested(metadata, "kernelspec", "language"), _nested(metadata, "language_info", "name"))
    named = [name.lower() for name in declared if isinstance(name, str)]
    return not named or any("python" in name or name == "pyspark" for name in named)


def _nested(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
