"""Which keys of metrics, params and tags MLflow refuses, and why.

One rule for all three (`mlflow/utils/validation.py`): word characters, dashes, periods, spaces, colons and slashes;
the form of a path that is its own shortest; at most 250 characters. Invariant: a key with holes is refused only if it
is, whatever fills them. A colon is accepted, since only a store on Windows refuses it; so is a newline at the end,
since MLflow accepted one before 3.18.
"""

from __future__ import annotations

import posixpath
import re

from mlflow_lint.analysis.names.constants import Parts, constant_text
from mlflow_lint.regex import regex

LONGEST_KEY = 250
_REFUSED = regex(r"[^/\w.\- :]")
_DETOUR = regex(r"//|/\.{1,2}/")
_SPELLED = {"@": "_at_", "%": "_pct", "#": "_num_", "&": "_and_", "+": "_plus_", "=": "_", "<": "_lt_", ">": "_gt_"}


def refusal(parts: Parts) -> str | None:
    """Why MLflow refuses a key, in words that follow "the key …"; None if it may accept it."""
    key = constant_text(parts)
    texts = [part for part in parts if isinstance(part, str)]
    for index, text in enumerate(texts):
        at_end = index == len(texts) - 1 and bool(parts) and parts[-1] is text
        found = _REFUSED.search(text.removesuffix("\n") if at_end else text)
        if found is not None:
            return f"holds {found.group()!r}"
    if key is not None and is_detour(key):
        return _detour_words(key)
    if key is None and _takes_a_detour(parts, texts):
        return "is not the shortest form of a path"
    if sum(map(len, texts)) > LONGEST_KEY:
        return f"is longer than {LONGEST_KEY} characters"
    return None


def is_detour(key: str) -> bool:
    """Whether a key, taken as a path, leads somewhere else or outside."""
    shortest = posixpath.normpath(key)
    return shortest != key or shortest == "." or shortest.startswith(("..", "/"))


def _detour_words(key: str) -> str:
    if not key:
        return "is empty"
    if key.startswith("/"):
        return "begins with '/'"
    shortest = posixpath.normpath(key)
    return f"is a path to {shortest!r}" if shortest != key else "is a path to another folder"


def _takes_a_detour(parts: Parts, texts: list[str]) -> bool:
    """The same for a key with holes, of which the beginning, the end and what lies in a piece are in sight."""
    if any(_DETOUR.search(text) for text in texts):
        return True
    first, last = parts[0], parts[-1]
    return (isinstance(first, str) and first.startswith(("/", "./", ".."))) or (
        isinstance(last, str) and last.endswith(("/", "/.", "/.."))
    )


def accepted(key: str) -> str:
    """A key like this one that MLflow takes; empty if nothing is left of it."""
    spelled = "".join(_SPELLED.get(c, "_") if _REFUSED.match(c) else c for c in key)
    spelled = re.sub(r"_{2,}", "_", spelled) if spelled != key else key
    shortest = posixpath.normpath(spelled).strip("/")
    while shortest.startswith(("../", "./")):
        shortest = shortest.partition("/")[2]
    shortest = shortest.lstrip(".").strip("_ ")[:LONGEST_KEY]
    return shortest if shortest and refusal((shortest,)) is None else ""
