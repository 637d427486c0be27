"""What turns a text into another one, as few changed lines as can be.

Invariant: applied to the text it was made from, the edits give the other text, character by character.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from itertools import islice

from lsprotocol import types

from mlflow_lint.lsp.positions import Positions

_AFTER_NEWLINE = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")


def line_edits(before: str, after: str, positions: Positions) -> list[types.TextEdit]:
    """Edits that replace whole lines; `positions` are those of the text before."""
    old, new = _AFTER_NEWLINE.split(before), _AFTER_NEWLINE.split(after)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    # Most changes are small, and looking for the longest match takes long in a long text.
    head, tail = unchanged(old, new)
    left, right = old[head : len(old) - tail], new[head : len(new) - tail]
    return [
        types.TextEdit(positions.range(starts[head + first], starts[head + last]), "".join(right[start:end]))
        for tag, first, last, start, end in difflib.SequenceMatcher(None, left, right, False).get_opcodes()
        if tag != "equal"
    ]


def unchanged(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How many lines at the beginning are the same, and how many at the end."""
    head = _same(zip(old, new, strict=False), min(len(old), len(new)))
    rest = min(len(old), len(new)) - head
    return head, _same(zip(reversed(old), reversed(new), strict=False), rest)


def _same(pairs: Iterable[tuple[str, str]], most: int) -> int:
    """The number of pairs, up to `most`, before the first of two that differ."""
    return next((number for number, (one, other) in enumerate(islice(pairs, most)) if one != other), most)
