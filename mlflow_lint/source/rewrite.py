"""Changed cells back into the JSON of their notebook.

Invariant: only the `source` of changed cells is written anew, in the layout it had; every other byte stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from mlflow_lint.source.file import SourceError, SourceFile
from mlflow_lint.source.notebook import SourcePath, code_cells, decode_notebook

_TOKEN = re.compile(r'"(?:[^"\\]+|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')
STRING = re.compile(r'"(?:[^"\\]+|\\.)*"')
"""A string of JSON."""


def encode_notebook(source: SourceFile, texts: Sequence[str]) -> bytes:
    """Return the bytes of a notebook with other texts in its code cells, one for each.

    Raises `SourceError` if the result would not read back as these texts.
    """
    written = source.data.decode("utf-8")
    pieces: list[str] = []
    done = 0
    for (start, end), cell, text in zip(source_spans(written), source.cells or (), texts, strict=True):
        if text != cell.text:
            pieces += [written[done:start], _spelled(written[start:end], text, written.isascii())]
            done = end
    data = "".join([*pieces, written[done:]]).encode("utf-8")
    if [cell.text for cell in decode_notebook(source.path, data).cells or ()] != list(texts):
        raise SourceError("a notebook that cannot be written back cell by cell")
    return data


def _spelled(before: str, text: str, ascii_only: bool) -> str:
    """The JSON of a cell's text: a string or a list of lines, as it was; lines that were there keep their spelling."""
    if before.startswith('"'):
        return json.dumps(text, ensure_ascii=ascii_only)
    items = list(STRING.finditer(before))
    lead, tail = before[1 : items[0].start()], before[items[-1].end() :]
    between = before[items[0].end() : items[1].start()] if len(items) > 1 else f",{lead or ' '}"
    known = {json.loads(item[0]): item[0] for item in items}
    lines = text.splitlines(keepends=True)
    return (
        f"[{lead}{between.join(known.get(line) or json.dumps(line, ensure_ascii=ascii_only) for line in lines)}{tail}"
    )


def source_spans(text: str) -> list[tuple[int, int]]:
    """Where in the JSON of a notebook that can be read the sources of its code cells stand, in order.

    A cell without one has an empty stretch at the beginning.
    """
    spans = _spans(text)
    notebook = json.loads(text.removeprefix("\ufeff"))
    return [spans.get(place, (0, 0)) for place, _ in code_cells(notebook)]


def _spans(text: str) -> dict[SourcePath, tuple[int, int]]:
    """Where the source of each cell stands; of keys given twice the last counts."""
    spans: dict[SourcePath, tuple[int, int]] = {}
    path: list[str | int | None] = []  # the key or index in each open container; None where a key is to come
    starts: list[int] = []
    key = ""
    for token in _TOKEN.finditer(text):
        word, start = token[0], token.start()
        if word in "{[":
            if path[-1:] in (["cells"], ["worksheets"]):
                within = tuple(path)
                spans = {place: span for place, span in spans.items() if place[: len(within)] != within}
            path.append(None if word == "{" else 0)
            starts.append(start)
            continue
        if word == ",":
            path[-1] = path[-1] + 1 if isinstance(path[-1], int) else None
            continue
        if word == ":":
            path[-1] = json.loads(key)
            continue
        if word in "}]":
            path.pop()
            start = starts.pop()
        elif path and path[-1] is None:
            key = word
        match path:
            case ["cells", int(index), "source"]:
                spans["cells", index, "source"] = (start, token.end())
            case ["worksheets", int(sheet), "cells", int(index), "input"]:
                spans["worksheets", sheet, "cells", index, "input"] = (start, token.end())
    return spans
