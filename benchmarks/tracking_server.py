"""A real `mlflow server` on this machine, and what it was asked to do: requests, SQL statements and commits.

Requests are counted in the access log, the rest by `counted/sitecustomize.py` in the process of the server. The server
runs no jobs of its own, so that what is counted between two readings is the work of the clients in between.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from databases import LOOPBACK, Database, free_port

COUNTED = Path(__file__).resolve().with_name("counted")
START_TIME_LIMIT = 300.0
STOP_TIME_LIMIT = 30.0


@dataclass(frozen=True)
class Work:
    """What a server was asked to do."""

    requests: int
    statements: int
    commits: int

    def __sub__(self, earlier: Work) -> Work:
        return Work(
            self.requests - earlier.requests, self.statements - earlier.statements, self.commits - earlier.commits
        )


@dataclass(frozen=True)
class TrackingServer:
    """A server that answers."""

    uri: str
    artifacts: Path
    """The folder of the uploaded files: experiment, run, "artifacts"."""
    access_log: Path
    sql: Path

    def work(self) -> Work:
        """All the work since the start."""
        sql = self.sql.read_bytes()
        return Work(self.access_log.read_bytes().count(b' HTTP/1.1" '), sql.count(b"S"), sql.count(b"C"))


def environment() -> dict[str, str]:
    """The environment of servers and clients: no settings of MLflow's but these."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    return inherited | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def python_path(first: Path) -> str:
    """The caller's PYTHONPATH, with a folder in front."""
    return os.pathsep.join(filter(None, [str(first), os.environ.get("PYTHONPATH")]))


@contextlib.contextmanager
def tracking_server(database: Database) -> Iterator[TrackingServer]:
    """Start a server with one worker process on an empty database, and wait until it answers."""
    with tempfile.TemporaryDirectory(prefix="mlflow-lint-server-") as folder:
        place, port = Path(folder), free_port()
        server = TrackingServer(f"http://{LOOPBACK}:{port}", place / "artifacts", place / "access.log", place / "sql")
        errors = place / "errors.log"
        command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", database.uri]
        command += ["--artifacts-destination", str(server.artifacts), "--serve-artifacts"]
        command += ["--host", LOOPBACK, "--port", str(port), "--workers", "1", "--uvicorn-opts", "--log-level info"]
        settings = {"PYTHONPATH": python_path(COUNTED), "COUNTED_SQL": str(server.sql)}
        with server.access_log.open("wb") as stdout, errors.open("wb") as stderr:
            process = subprocess.Popen(
                command,
                env=environment() | settings,
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        try:
            if not _answers(process, f"{server.uri}/health"):
                raise RuntimeError(f"mlflow server does not start:\n{errors.read_text(errors='replace')[-4000:]}")
            yield server
        finally:
            _stop(process)


def _answers(process: subprocess.Popen[bytes], address: str) -> bool:
    deadline = time.monotonic() + START_TIME_LIMIT
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=START_TIME_LIMIT):
            return True
        time.sleep(0.1)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the command and the server that it started, which are a group of their own."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.terminate()
        process.wait(STOP_TIME_LIMIT)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
