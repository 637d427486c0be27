"""Names for what has to be told apart: the bytes of files, settings, versions.

Invariant: different bytes have different names, for all practical purposes and also where somebody tries.
"""

from __future__ import annotations

try:
    # `hashlib` loads OpenSSL, which takes longer than to read fifty entries; `random` goes round it as well.
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b


def digest(data: bytes) -> str:
    """The name of some bytes, 64 hexadecimal digits."""
    return blake2b(data, digest_size=32).hexdigest()
