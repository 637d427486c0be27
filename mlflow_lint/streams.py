"""The standard streams, which may be closed, lack characters, or lose their reader.

Invariant: writing to them never raises for any of that.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TextIO


def prepare() -> None:
    """Make the streams take any text: source and paths may hold what the terminal's encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write(stream: TextIO | None, text: str | bytes) -> None:
    """Write all of a text, or of the bytes of a file as they are."""
    if stream is None:
        return
    try:
        if isinstance(text, bytes):
            stream.buffer.write(text)
        else:
            stream.write(text)
        stream.flush()
    except BrokenPipeError:
        abandon(stream)


def flush() -> None:
    """Hand on what others have left in the streams; what is written by `write` is on its way already."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            if stream is not None:
                stream.flush()


def abandon(stream: TextIO | None) -> None:
    """Give up a stream whose reader has gone: Python flushes once more at exit, and would complain."""
    with contextlib.suppress(OSError, ValueError):
        if stream is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def read() -> bytes:
    """Read all of standard input."""
    return b"" if sys.stdin is None else sys.stdin.buffer.read()
