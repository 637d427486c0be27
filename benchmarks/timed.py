"""Run a program and note how long it waited for the tracking server.

    python timed.py REPORT FILE [ARGUMENTS]
    python timed.py REPORT -m MODULE [ARGUMENTS]

REPORT gets the seconds in which at least one HTTP request was under way, from handing it to `requests` until the
answer is read. Requests in threads that overlap count once.
"""

from __future__ import annotations

import atexit
import functools
import runpy
import sys
import threading
import time
from pathlib import Path
from typing import Any

import requests


class Waiting:
    """The time in which at least one of several threads waits."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._threads = 0
        self._since = 0.0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            if self._threads == 0:
                self._since = time.perf_counter()
            self._threads += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._threads -= 1
            if self._threads == 0:
                self.seconds += time.perf_counter() - self._since


def measure(waiting: Waiting) -> None:
    """From now on, `waiting` covers whatever goes through a session of `requests`; MLflow has no other way."""
    send = requests.Session.send

    @functools.wraps(send)
    def timed(*args: Any, **kwargs: Any) -> requests.Response:
        with waiting:
            return send(*args, **kwargs)

    requests.Session.send = timed  # type: ignore[method-assign]


def main(report: str, program: str, *arguments: str) -> None:
    waiting = Waiting()
    # Handlers run last in, first out: this one is there before MLflow, whose own handlers still send.
    atexit.register(lambda: Path(report).write_text(f"{waiting.seconds}\n", encoding="utf-8"))
    measure(waiting)
    if program == "-m":
        sys.argv = [*arguments]
        del sys.path[0]  # this folder
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [program, *arguments]
        sys.path[0] = str(Path(program).parent)
        runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
