"""Whether a file can matter, told from its bytes.

Invariant: a file that is let go by can have no finding; reading, decoding and parsing start only behind the gate.
"""

from __future__ import annotations

import re

from mlflow_lint.regex import regex

_SETTING_OR_CODE = regex(r"tracking[-_]ur[il]|MLF\d", re.IGNORECASE)


def names_mlflow(data: bytes) -> bool:
    """Whether the bytes of a file name MLflow, in whatever case, or go through a logger that may be one of it."""
    return b"mlflow" in data.lower() or (b".experiment.log_" in data and b".run_id" in data)


def speaks_of_mlflow(text: str) -> bool:
    """Whether a text that does not name MLflow has words that rules look for: a setting's name, a code of ours."""
    return _SETTING_OR_CODE.search(text) is not None
