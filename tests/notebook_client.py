"""Runs a notebook with nbclient in a kernel that is up already, which ends then: CONNECTION_FILE NOTEBOOK EXECUTED.

It is a script, never imported. The kernel is the program that `tracking_store` records, so that it has the store, the
clock and the seeds of any other program. What was executed is written, if no cell raised, before the kernel ends, since
a kernel may take the processes that it started with it.
"""

import asyncio
import sys
from typing import Any

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

# Without types of its own, or with some that are too narrow.
_NBFORMAT: Any = nbformat
_CLIENT: Any = NotebookClient


class Running(AsyncKernelManager):
    """The manager of a kernel that someone else started."""

    has_kernel = True

    async def is_alive(self) -> bool:  # type: ignore[override]
        return True


async def main(connection_file: str, path: str, executed: str) -> None:
    """Run all cells; an error in one raises."""
    manager = Running()
    manager.load_connection_file(connection_file)
    client = _CLIENT(_NBFORMAT.read(path, 4), km=manager, timeout=120)
    try:
        _NBFORMAT.write(await client.async_execute(), executed)
    finally:
        client.kc.shutdown()


asyncio.run(main(*sys.argv[1:]))
