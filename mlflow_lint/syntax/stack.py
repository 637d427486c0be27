"""Room for deeply nested code.

LibCST's parser recurses on the C stack and ends the process when that overflows; code generation and our own walk
recurse in Python. Both get a thread with a far larger stack than the main one, so that what CPython can compile, we
can read. Invariant: the recursion limit is as it was when the work is done.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

_STACK_BYTES = 256 * 1024 * 1024
_FRAMES = 40_000


def with_deep_stack(work: Callable[[], Result]) -> Result:
    """Call `work` on a large stack and hand on what it returns or raises.

    Memory is reserved, not used: only the pages that are touched count. Where no such thread can be had (a limit on
    the address space), the work is done in place.
    """
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            failure.append(error)

    limit = sys.getrecursionlimit()
    previous = threading.stack_size()
    try:
        threading.stack_size(_STACK_BYTES)
        thread = threading.Thread(target=run, name="mlflow-lint")
        sys.setrecursionlimit(max(limit, _FRAMES))
        thread.start()
    except (RuntimeError, ValueError, MemoryError):
        sys.setrecursionlimit(limit)
        threading.stack_size(previous)
        return work()
    threading.stack_size(previous)
    try:
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
    if failure:
        raise failure[0]
    return outcome[0]
