"""The page of a rule, where the editor's pointer rests on a finding or on a rule's code in a comment.

Invariant: the pages are those of `docs/rules`, word for word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsprotocol import types

from mlflow_lint.findings import Finding
from mlflow_lint.lsp.diagnostics import Diagnostics
from mlflow_lint.lsp.documents import Part
from mlflow_lint.lsp.positions import Positions
from mlflow_lint.rules.pages import page
from mlflow_lint.rules.registry import by_code

_CODE = re.compile(r"\bMLF\d{3}\b", re.ASCII)


def hover(
    findings: Iterator[Finding],
    shown: Diagnostics,
    part: Part,
    positions: Positions,
    position: types.Position,
    kind: types.MarkupKind,
) -> types.Hover | None:
    """What to show at a position of a text; None where there is nothing to say."""
    offset = positions.offset(position)
    start = max(part.text.rfind("\n", 0, offset), part.text.rfind("\r", 0, offset)) + 1
    line = re.match(r"[^\r\n]*", part.text[start:])
    for code in _CODE.finditer(line[0] if line else ""):
        here = code.start() <= offset - start <= code.end()
        if here and "#" in part.text[start : start + code.start()] and code[0] in by_code():
            return _hover(code[0], positions.range(start + code.start(), start + code.end()), kind)
    for finding in findings:
        where = shown.range(finding)
        if shown.uri(finding) == part.uri and where.start <= position <= where.end and finding.code in by_code():
            return _hover(finding.code, where, kind)
    return None


def _hover(code: str, where: types.Range, kind: types.MarkupKind) -> types.Hover:
    return types.Hover(types.MarkupContent(kind, page(by_code()[code])), where)
