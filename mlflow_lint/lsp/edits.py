"""What turns a text into another one, as few changed lines as can be.

Invariant: applied to the text it was made from, the edits give the other text, character by character.
"""

from __future__ import annotations

import difflib
import re

from lsprotocol import types

from mlflow_lint.lsp.positions import Positions

_AFTER_NEWLINE = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")


def line_edits(before: str, after: str, positions: Positions) -> list[types.TextEdit]:
    """Edits that replace whole lines; `positions` are those of the text before."""
    old, new = _AFTER_NEWLINE.split(before), _AFTER_NEWLINE.split(after)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    return [
        types.TextEdit(positions.range(starts[first], starts[last]), "".join(new[new_first:new_last]))
        for tag, first, last, new_first, new_last in difflib.SequenceMatcher(None, old, new, False).get_opcodes()
        if tag != "equal"
    ]
