"""Rename the keyword of an argument.

Invariant: the value and everything around the keyword stay letter for letter.
"""

from __future__ import annotations

import re

from mlflow_lint.facts import model as facts
from mlflow_lint.findings import Applicability, Edit, Fix


def renamed_keyword(
    text: str, call: facts.Call, given: facts.Argument, name: str, applicability: Applicability
) -> Fix | None:
    """The fix that passes an argument under another name; None if the call may have one of that name."""
    written = re.search(rf"\b{given.keyword}(?=\s*=\s*\Z)", text[call.span[0] : given.span[0]])
    if written is None or call.keyword(name) is not None:
        return None
    start = call.span[0] + written.start()
    return Fix(f"Pass {name}=", (Edit(start, start + len(written.group()), name),), applicability)
