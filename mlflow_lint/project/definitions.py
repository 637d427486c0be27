"""Which names of a module may lead to MLflow, told from its text without parsing it.

A module falls into the stretches that begin at the margin: a function, a class, any other statement. A stretch that
names MLflow, or something that leads there, leads there too, and so do the names that it binds. Invariant: too many
names may be told, and none too few: a margin inside of a string counts for the definition before it as well.
"""

from __future__ import annotations

import re

from mlflow_lint.record import record
from mlflow_lint.regex import regex
from mlflow_lint.source.gate import names_mlflow

_MARGIN = regex(rb"^(?:(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)|(@)|[^\s#)\]}])", re.MULTILINE)
_BOUND = regex(rb"(\w+)[ \t]*(?::[^=\r\n]+)?=(?!=)|\bas[ \t]+(\w+)|\b(?:def|class)[ \t]+(\w+)")
_IMPORTED = regex(rb"(?:\bfrom[ \t]+([\w.]+)[ \t]+)?\bimport[ \t]+(\([^)]*\)|[^#\r\n]*)")
_GLOBAL = regex(rb"^[ \t]+global[ \t]+([\w, \t]+)", re.MULTILINE)
_WORD = regex(rb"\w+")
# What such a class does, classes do that its own module need not speak of.
_ABSTRACT = (b"NotImplementedError", b"abstractmethod", b"Protocol")


@record
class Definition:
    """A stretch of a module."""

    names: frozenset[bytes]
    """What it binds."""
    words: frozenset[bytes]
    leads: bool
    """Whether it leads to MLflow by itself."""


def definitions(code: bytes) -> tuple[Definition, ...]:
    """The stretches of a module's code that bind names."""
    found: list[Definition] = []
    margins = list(_MARGIN.finditer(code))
    ends = [*(margin.start() for margin in margins[1:]), len(code)]
    name, start, decorated = b"", 0, -1
    for margin, end in zip(margins, ends, strict=False):
        if margin[1] is None:
            if margin[2] is None:
                text = code[margin.start() : end]
                found.append(_stretch(_bound(text), text))
            elif decorated < 0:
                decorated = margin.start()
            continue
        begin = decorated if decorated >= 0 else margin.start()
        if name:
            found.append(_definition(name, code[start:begin]))
        name, start, decorated = margin[1], begin, -1
    if name:
        found.append(_definition(name, code[start:]))
    return tuple(each for each in found if each.names)


def leading(found: tuple[Definition, ...], known: frozenset[bytes]) -> frozenset[bytes]:
    """The names that lead to MLflow, if the `known` ones do that the module brings in from others."""
    names = known.union(*(each.names for each in found if each.leads))
    while True:
        more = names.union(*(each.names for each in found if not names.isdisjoint(each.words)))
        if len(more) == len(names):
            return frozenset(name for each in found for name in each.names) & names
        names = more


def _definition(name: bytes, text: bytes) -> Definition:
    """A function or class, with what follows it up to the next one: its margin may have been one inside of a string."""
    return _stretch({name} | _globals(text), text)


def _stretch(names: set[bytes], text: bytes) -> Definition:
    leads = bool(names) and (names_mlflow(text) or any(word in text for word in _ABSTRACT))
    return Definition(frozenset(names), frozenset(_WORD.findall(text)) if names else frozenset(), leads)


def _bound(text: bytes) -> set[bytes]:
    bound = {word for words in _BOUND.findall(text) for word in words if word}
    for statement in _IMPORTED.finditer(text):
        if names_mlflow(statement[0]):
            bound.update(_WORD.findall(statement[2]))
    return bound


def _globals(text: bytes) -> set[bytes]:
    return {word for names in _GLOBAL.findall(text) for word in _WORD.findall(names)}
