"""What a real terminal gets: its width, colours or none, and lines that break between words."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import doors
import pytest
from test_cli import HOT

pty = pytest.importorskip("pty")
fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")


def on_a_terminal(folder: Path, columns: int, **env: str) -> str:
    """What `mlflow-lint` writes to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, b"".join(n.to_bytes(2, sys.byteorder) for n in (24, columns, 0, 0)))
    process = subprocess.Popen(
        doors.command(), cwd=folder, stdout=theirs, env=doors.environment({"TERM": "xterm", **env})
    )
    os.close(theirs)
    written = b""
    try:
        while chunk := os.read(ours, 65536):
            written += chunk
    except OSError:  # how Linux tells that the other side is closed
        pass
    os.close(ours)
    assert process.wait() == 1
    return written.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_nothing_is_wider_than_the_terminal(columns: int, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(HOT)
    written = on_a_terminal(tmp_path, columns)
    assert "\x1b[1;33mMLF101\x1b[0m" in written.replace("\x1b[1;33m \x1b[0m", "")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", written)
    assert max(map(len, plain.splitlines())) <= columns
    message = doors.mlflow_lint("--output-format", "concise", cwd=tmp_path).out.splitlines()[0]
    assert " ".join(message.split()) in " ".join(plain.split())


def test_no_color_is_honoured(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(HOT)
    assert "\x1b" not in on_a_terminal(tmp_path, 80, NO_COLOR="1")


def test_a_pipe_gets_each_headline_on_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(HOT)
    message = doors.mlflow_lint("--output-format", "concise", cwd=tmp_path).out.splitlines()[0]
    assert doors.mlflow_lint(cwd=tmp_path, env={"COLUMNS": "60"}).out.splitlines()[0] == message
