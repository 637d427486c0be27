"""Passwords and tokens of tracking stores that code spells out.

Invariant: only what is a literal in full counts, placeholders do not, and no record here holds what was found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlflow_lint.analysis.names.spelling import Spellings
from mlflow_lint.analysis.store.store_settings import store_settings
from mlflow_lint.analysis.store.tracking_uris import in_test_code, statement_at
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.findings import Step
from mlflow_lint.project.modules import Unit
from mlflow_lint.record import entity
from mlflow_lint.regex import regex

_IN_URI = regex(r"(?:^|//)(?P<user>[^/@:\s…]+):(?P<password>[^/@\s…]+)@")
_SECRETS = {"MLFLOW_TRACKING_PASSWORD": "a password", "MLFLOW_TRACKING_TOKEN": "a token"}
_PLACEHOLDER = regex(r"[<{$\[%].*|[*x.]*|(?i:your|my|change|insert|enter|todo).*|[A-Z]+(_[A-Z]+)*", re.DOTALL)


@entity
class Credential:
    """A literal that lets in whoever reads it."""

    what: str
    """For a message, without what it says."""
    span: facts.Span
    statement: facts.Statement
    taken: str
    """What takes it, with its line."""
    chain: tuple[Step, ...]


def credentials(effects: Effects, unit: Unit) -> Iterator[Credential]:
    """The credentials of a file; none in test code."""
    if in_test_code(effects, unit):
        return
    spellings = Spellings(effects.resolver)
    seen: set[facts.Span] = set()
    for setting in store_settings(effects, unit):
        if not setting.is_uri and setting.name not in _SECRETS:
            continue
        for spelling in spellings.of(setting.value, setting.place, setting.span[1]):
            if setting.is_uri:
                found = _IN_URI.search(spelling.text)
                secret, what = found["password"] if found else None, "a tracking URI with a password"
            else:
                secret, what = spelling.whole, f"{_SECRETS[setting.name]} ({setting.name})"
            span = spelling.span if spelling.unit is unit else setting.span
            if secret and not _PLACEHOLDER.fullmatch(secret) and span not in seen:
                seen.add(span)
                statement = statement_at(unit.facts.body, span[0])
                yield Credential(what, span, statement, setting.taken, setting.chain(span, what))
