"""Whether a file can matter, told from its bytes.

Invariant: a file that is let go by can have no finding; reading, decoding and parsing start only behind the gate.
"""

from __future__ import annotations

_MARKERS = (b"mlflow", b"MLflow", b"MLFlow", b"Mlflow", b"MLFLOW")


def names_mlflow(data: bytes) -> bool:
    """Whether the bytes of a file name MLflow in any usual spelling."""
    return any(marker in data for marker in _MARKERS)
