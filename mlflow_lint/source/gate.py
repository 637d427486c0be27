"""Whether a file can matter, told from its bytes.

Invariant: a file that is let go by can have no finding; reading, decoding and parsing start only behind the gate.
"""

from __future__ import annotations


def names_mlflow(data: bytes) -> bool:
    """Whether the bytes of a file name MLflow, in whatever case."""
    return b"mlflow" in data.lower()
