"""A long text in stretches that can be read one after the other.

LibCST holds all of a text as nodes at once, and is slower the more there are: memory and time grow with the longest
stretch instead of the whole. Invariant: stretches make up the text, and begin where a function or class of the module
begins, with its decorators. A place that only looks like that, inside a string or a bracket, leaves a stretch before it
that is no Python.
"""

from __future__ import annotations

from mlflow_lint.regex import regex

_LEAST = 8_000
"""Characters of a stretch: below this, it makes no difference."""

_BEGINNING = regex(r"(?:(?<=[\r\n])(?<!\\[\r\n])(?<!\\\r\n))(?:(@)|(?:def|class|async[ \t]+def)[ \t])")


def stretches(text: str) -> list[tuple[int, int]]:
    """Where the stretches of a text begin and end."""
    if len(text) < 2 * _LEAST:
        return [(0, len(text))]
    begins = [0]
    decorated = False
    for match in _BEGINNING.finditer(text, _LEAST):
        if not decorated and match.start() - begins[-1] >= _LEAST:
            begins.append(match.start())
        decorated = match[1] is not None
    return list(zip(begins, [*begins[1:], len(text)], strict=True))
