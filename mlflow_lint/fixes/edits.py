"""Edits of one fix, put together.

Invariant: what is inserted at one place is one edit: what goes on with the line, then new lines, in the order given.
"""

from __future__ import annotations

from collections.abc import Iterable

from mlflow_lint.facts.model import Span
from mlflow_lint.findings import Edit


def arranged(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """The edits of a fix: each once, those that insert at one place joined."""
    inserted: dict[int, str] = {}
    replaced: list[Edit] = []
    for edit in dict.fromkeys(edits):
        if edit.start == edit.end:
            before = inserted.get(edit.start, "")
            goes_on = not edit.text.startswith(("\n", "\r"))
            inserted[edit.start] = edit.text + before if goes_on and before[:1] in "\r\n" else before + edit.text
        else:
            replaced.append(edit)
    return (*(Edit(place, place, text) for place, text in inserted.items()), *replaced)


def applied(text: str, region: Span, edits: Iterable[Edit]) -> str:
    """A region of a text after edits that lie in it and do not overlap."""
    pieces: list[str] = []
    position = region[0]
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        pieces += [text[position : edit.start], edit.text]
        position = edit.end
    return "".join([*pieces, text[position : region[1]]])
