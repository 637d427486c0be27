"""Which addresses of tracking and registry stores code spells out, and where each literal stands.

A literal counts once, however many settings it reaches, and in the file that it stands in if that file alone tells
what it is for. Invariant: an address whose kind is not in sight has none; test code is left out.
"""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Iterator

from mlflow_lint.analysis.names.spelling import Spelling, Spellings
from mlflow_lint.analysis.store.store_settings import StoreSetting, store_settings
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import all_blocks
from mlflow_lint.findings import Step
from mlflow_lint.project.modules import Unit
from mlflow_lint.project.test_code import is_test_code
from mlflow_lint.record import entity
from mlflow_lint.regex import regex

_SCHEME = regex(r"([A-Za-z][A-Za-z0-9.-]+)(?:\+\w+)?:")
_PLACEHOLDER = regex(r"[<{$].*|[A-Z][A-Z0-9_]*|(?i:your[-_ ].*|/?path/to/.*)", re.DOTALL)
_WORDS = ("databricks", "databricks-uc", "uc", "local", "none", "default")
_CREDENTIALS = regex(r"(^|//)[^/@\s]*:[^/@\s]*@")


class Store(enum.Enum):
    """What an address leads to."""

    FILE = "file"
    SQLITE = "sqlite"
    DATABASE = "database"
    SERVER = "server"


_STORES = {
    "file": Store.FILE,
    "sqlite": Store.SQLITE,
    "postgres": Store.DATABASE,
    "postgresql": Store.DATABASE,
    "mysql": Store.DATABASE,
    "mssql": Store.DATABASE,
    "http": Store.SERVER,
    "https": Store.SERVER,
}


@entity
class TrackingUri:
    """An address that a file spells out."""

    spelling: Spelling
    store: Store | None
    span: facts.Span
    """Where it stands in the file."""
    statement: facts.Statement
    setting: StoreSetting
    """Where it is given; the first in the file."""

    @property
    def shown(self) -> str:
        """The address for a message: short, and without its password."""
        text = without_credentials(self.spelling.text)
        return text if len(text) <= 40 else text[:39] + "…"

    @property
    def taken(self) -> str:
        """What takes it, with its line."""
        return self.setting.taken

    @property
    def chain(self) -> tuple[Step, ...]:
        """From the literal to what takes it."""
        return self.setting.chain(self.span, f"{self.shown!r}")


def without_credentials(text: str) -> str:
    """An address with what stands before the host left out."""
    return _CREDENTIALS.sub(r"\1…@", text)


def tracking_uris(effects: Effects, unit: Unit) -> Iterator[TrackingUri]:
    """The addresses of a file, in the order of what takes them; none in test code."""
    if in_test_code(effects, unit):
        return
    spellings = Spellings(effects.resolver)
    seen: set[facts.Span] = set()
    elsewhere: set[tuple[str, facts.Span]] = set()
    for setting in store_settings(effects, unit):
        if not setting.is_uri:
            continue
        for spelling in spellings.of(setting.value, setting.place, setting.span[1]):
            store = store_of(spelling, setting.by_name)
            span = spelling.span
            if spelling.unit is not unit:
                literal = (spelling.unit.file, span)
                if literal in elsewhere or _speaks_for_itself(effects, spellings, spelling):
                    continue
                elsewhere.add(literal)
                span = setting.span
            if span not in seen:
                seen.add(span)
                yield TrackingUri(spelling, store, span, statement_at(unit.facts.body, span[0]), setting)


def _speaks_for_itself(effects: Effects, spellings: Spellings, spelling: Spelling) -> bool:
    """Whether the file that a literal stands in tells what it is for, and so is where it is found."""
    return "mlflow" in spelling.unit.text.lower() and any(
        found.unit is spelling.unit and found.span == spelling.span
        for setting in store_settings(effects, spelling.unit)
        if setting.is_uri
        for found in spellings.of(setting.value, setting.place, setting.span[1])
    )


def in_test_code(effects: Effects, unit: Unit) -> bool:
    """Whether a file holds test code, told from its path below the project's root."""
    root = effects.resolver.modules.finder.root
    return is_test_code(unit.file[len(root) + 1 :] if unit.file.startswith(root + os.sep) else unit.path)


def store_of(spelling: Spelling, by_name: bool) -> Store | None:
    """What an address leads to; with `by_name` a text must look like a path to be one."""
    start = spelling.start.strip()
    scheme = _SCHEME.match(start)
    if scheme:
        return _STORES.get(scheme.group(1).lower())
    if spelling.is_path:
        return Store.FILE
    if ":" in start[2:] or not start or _PLACEHOLDER.fullmatch(start) or start.lower() in _WORDS:
        return None
    looks_so = start.startswith((".", "/", "~", "mlruns")) or ("/" in start and " " not in start) or "\\" in start
    return Store.FILE if looks_so or (spelling.whole is not None and not by_name) else None


def statement_at(block: facts.Block, offset: int) -> facts.Statement:
    """The innermost statement of a block, functions and classes in it included, that an offset lies in."""
    around = block[0]
    for statement in block:
        if statement.span[0] <= offset:
            around = statement
    for inner in all_blocks(around):
        if inner and inner[0].span[0] <= offset < inner[-1].span[1]:
            return statement_at(inner, offset)
    return around
