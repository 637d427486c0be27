"""The fingerprint by which GitHub code scanning knows a line again after others have moved it.

Invariant: it is the one that GitHub's own upload action computes (`primaryLocationLineHash`), as the action warns of
any other: a polynomial hash of the 100 UTF-16 units from the start of the line on, blanks and tabs left out and line
ends made line feeds, and how often that hash has occurred so far.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections import Counter
from itertools import accumulate

_LINE_END = re.compile(r"\r\n?")
_BLANKS = str.maketrans("", "", " \t")
_UTF_16 = "utf-16-le" if sys.byteorder == "little" else "utf-16-be"
_LINE_FEED = 10
_END_OF_FILE = 0xFFFF
_WINDOW = 100
_BASE = 37
_MASK = (1 << 64) - 1
_LEAVING = pow(_BASE, _WINDOW, 1 << 64)


def line_hashes(text: str) -> list[str]:
    """Return the fingerprint of each line of a file, what follows the last line end included."""
    units = array("H", _LINE_END.sub("\n", text).translate(_BLANKS).encode(_UTF_16, "surrogatepass"))
    starts = [0, *(index + 1 for index, unit in enumerate(units) if unit == _LINE_FEED)]
    units.append(_END_OF_FILE)
    units.extend([0] * _WINDOW)
    so_far = list(accumulate(units, lambda hashed, unit: (hashed * _BASE + unit) & _MASK, initial=0))
    seen: Counter[int] = Counter()
    found: list[str] = []
    for start in starts:
        hashed = (so_far[start + _WINDOW] - so_far[start] * _LEAVING) & _MASK
        seen[hashed] += 1
        found.append(f"{hashed:x}:{seen[hashed]}")
    return found
