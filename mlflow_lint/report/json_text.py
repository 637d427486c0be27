"""JSON as text that is safe to print into any log.

Invariant: it reads back as the value it was made of, no stream fails on it, and no terminal or CI system obeys it.
"""

from __future__ import annotations

import json
import re

from mlflow_lint.report.visible import RISKY


def json_text(value: object, indent: int | None = None) -> str:
    """Return a value as JSON, on one line unless `indent` says by how many blanks its parts are set in."""
    written = json.dumps(value, ensure_ascii=False, indent=indent, separators=(",", ": ") if indent else None)
    if indent is None:
        return RISKY.sub(_escape, written)
    # The layout has newlines; those in strings are escaped already.
    return "\n".join(RISKY.sub(_escape, line) for line in written.split("\n"))


def _escape(match: re.Match[str]) -> str:
    return r"\u0023" if match[0] == "#" else json.dumps(match[0])[1:-1]
