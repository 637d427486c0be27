"""Databases for a tracking server to write to: a new SQLite file, or a PostgreSQL cluster started for the purpose.

Both are empty, live in a folder of their own, are reached from this machine only, and are gone afterwards. They keep
their default settings, so that a commit costs what it costs.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
POSTGRESQL_USERS = ("postgres", "nobody")  # it refuses to run as root


@dataclass(frozen=True)
class Database:
    """Where a tracking server keeps its data."""

    name: str
    """With its version."""
    uri: str


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def sqlite() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="mlflow-lint-sqlite-") as folder:
        yield Database(f"SQLite {sqlite3.sqlite_version}", f"sqlite:///{folder}/mlflow.db")


@contextlib.contextmanager
def postgresql() -> Iterator[Database]:
    """Create and start a cluster; only if `why_not_postgresql` has nothing to say."""
    programs = _postgresql_programs()
    assert programs is not None
    user = next((name for name in POSTGRESQL_USERS if _is_user(name)), None) if os.geteuid() == 0 else None

    def run(program: str, *arguments: str) -> str:
        command = [str(programs / program), *arguments]
        done = subprocess.run(command, user=user, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
        return done.stdout

    with tempfile.TemporaryDirectory(prefix="mlflow-lint-postgresql-") as folder:
        if user is not None:
            shutil.chown(folder, user)
        data, log, port = f"{folder}/data", f"{folder}/log", free_port()
        run("initdb", "--pgdata", data, "--username", "mlflow", "--auth", "trust", "--encoding", "UTF8")
        options = f"-c listen_addresses={LOOPBACK} -c port={port} -c unix_socket_directories="
        run("pg_ctl", "start", "--wait", "--pgdata", data, "--log", log, "--options", options)
        try:
            version = run("postgres", "--version").split()[2]
            yield Database(f"PostgreSQL {version}", f"postgresql+psycopg2://mlflow@{LOOPBACK}:{port}/postgres")
        finally:
            run("pg_ctl", "stop", "--wait", "--pgdata", data, "--mode", "fast")


def why_not_postgresql() -> str | None:
    """What is missing for PostgreSQL, if anything."""
    if _postgresql_programs() is None:
        return "no PostgreSQL server is installed"
    if importlib.util.find_spec("psycopg2") is None:
        return "psycopg2 is not installed (pip install -e '.[bench]')"
    if os.geteuid() == 0 and not any(map(_is_user, POSTGRESQL_USERS)):
        return f"it refuses to run as root, and there is no user {' or '.join(POSTGRESQL_USERS)}"
    return None


def _postgresql_programs() -> Path | None:
    """The folder of `initdb`, `pg_ctl` and `postgres`; Debian's are not on the path."""
    found = shutil.which("pg_ctl")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))[::-1]
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def _is_user(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())


DATABASES: dict[str, Callable[[], AbstractContextManager[Database]]] = {"sqlite": sqlite, "postgresql": postgresql}
