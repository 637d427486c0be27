"""Edits made on a text.

Invariant: what lies outside the edits stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from mlflow_lint.findings import Edit


def edited(text: str, edits: Iterable[Edit], start: int = 0) -> str:
    """Return a text with edits made that do not overlap; their offsets count from `start` before it."""
    pieces: list[str] = []
    position = 0
    # Of what is inserted at one place, that which goes on with the line comes first.
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end, edit.text[:1] in "\r\n", edit.text)):
        pieces += [text[position : edit.start - start], edit.text]
        position = edit.end - start
    return "".join([*pieces, text[position:]])
