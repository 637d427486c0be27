"""How the tests start the doors of the program: as users do, in processes of their own.

Works where the package is installed and, for quick runs, in a checkout where only its dependencies are.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "fixtures"

_TIMEOUT = 300

_LOCAL_PLUGIN = """\
[flake8:local-plugins]
extension =
    MLF = mlflow_lint.flake8_plugin:Plugin
"""


@dataclass(frozen=True)
class Ran:
    """What came of a command."""

    code: int
    out: str
    err: str


def is_installed() -> bool:
    try:
        metadata.distribution("mlflow-lint")
    except metadata.PackageNotFoundError:
        return False
    return True


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a command, without what would change how it prints."""
    dropped = ("COLUMNS", "FORCE_COLOR", "NO_COLOR", "MLFLOW_LINT_TRACEBACK")
    env = {key: value for key, value in os.environ.items() if key not in dropped}
    env["PYTHONUTF8"] = "1"
    if not is_installed():
        env["PYTHONPATH"] = str(ROOT)
    return env | dict(changes or {})


def command() -> list[str]:
    """How to start `mlflow-lint`: the console script beside the interpreter, if there is one."""
    script = shutil.which("mlflow-lint", path=str(Path(sys.executable).parent)) if is_installed() else None
    return [script] if script else [sys.executable, "-m", "mlflow_lint"]


def run(
    arguments: Sequence[str | Path],
    cwd: Path,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
) -> Ran:
    """Run any command to its end."""
    done = subprocess.run(
        arguments,
        cwd=cwd,
        input=stdin,
        env=environment(env),
        capture_output=True,
        timeout=_TIMEOUT,
        check=False,
    )
    assert b"Traceback" not in done.stdout + done.stderr, (done.stdout + done.stderr).decode()
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def mlflow_lint(*arguments: str | Path, cwd: Path, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Ran:
    return run([*command(), *arguments], cwd, stdin, env)


def flake8_command(directory: Path, config: str = "") -> list[str]:
    """How to start flake8 with our plugin and with nothing configured but `config`, kept in a directory."""
    file = directory / ".flake8-of-test"
    file.write_text(("" if is_installed() else _LOCAL_PLUGIN) + config)
    return [sys.executable, "-m", "flake8", "--config", str(file), "--jobs=1"]


def flake8(*arguments: str | Path, cwd: Path, config: str = "", stdin: bytes = b"") -> Ran:
    return run([*flake8_command(cwd, config), *arguments], cwd, stdin)
