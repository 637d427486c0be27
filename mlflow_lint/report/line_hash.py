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
from operator import mul

_LINE_END = re.compile(r"\r\n?")
_BLANKS = str.maketrans("", "", " \t")
_UTF_16 = "utf-16-le" if sys.byteorder == "little" else "utf-16-be"
_END_OF_FILE = 0xFFFF
_WINDOW = 100
_MASK = (1 << 64) - 1
_WEIGHTS = [pow(37, _WINDOW - 1 - index, 1 << 64) for index in range(_WINDOW)]


def line_hashes(text: str) -> list[str]:
    """Return the fingerprint of each line of a file, what follows the last line end included."""
    lines = _LINE_END.sub("\n", text).translate(_BLANKS).split("\n")
    units = array("H", "\n".join(lines).encode(_UTF_16, "surrogatepass"))
    units.append(_END_OF_FILE)
    units.extend([0] * _WINDOW)
    seen: Counter[int] = Counter()
    found: list[str] = []
    start = 0
    for line in lines:
        hashed = sum(map(mul, units[start : start + _WINDOW], _WEIGHTS)) & _MASK
        seen[hashed] += 1
        found.append(f"{hashed:x}:{seen[hashed]}")
        start += 1 + (len(line) if line.isascii() else len(line.encode(_UTF_16, "surrogatepass")) // 2)
    return found
