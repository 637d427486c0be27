"""The programs that the linter is compared with, in an environment of their own.

Invariant: nothing is installed into the environment that runs this; a peer that cannot be had is named and left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

_TIME_LIMIT = 900
"""Seconds in which a peer has to be installed: a resolver may look through all versions of everything."""

_VERSIONS = """\
import importlib.metadata, json, sys
found = {d.metadata["Name"].lower(): d.version for d in importlib.metadata.distributions()}
print(json.dumps({name: found[name] for name in sys.argv[1:] if name in found}))
"""


@dataclass(frozen=True)
class Peers:
    """An environment with peers in it."""

    folder: Path
    versions: dict[str, str]
    """Of the peers that are there."""
    missing: dict[str, str]
    """Why others are not, by name."""

    def command(self, name: str) -> str:
        """Path of a command of the environment."""
        return str(self.folder / _SCRIPTS / name)


_SCRIPTS = "Scripts" if os.name == "nt" else "bin"


def installed(folder: Path, wanted: tuple[str, ...]) -> Peers:
    """Return the environment in a folder, made and filled as far as it is not yet."""
    python = folder / _SCRIPTS / "python"
    if not python.exists():
        print(f"Making an environment in {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True)
    missing = {}
    for name in wanted:
        if name not in _versions(python, wanted):
            print(f"Installing {name}", file=sys.stderr)
            # One by one, so that one that does not fit this Python takes none of the others with it.
            command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", name]
            try:
                subprocess.run(command, capture_output=True, text=True, check=True, timeout=_TIME_LIMIT)
            except subprocess.CalledProcessError as error:
                missing[name] = "".join(error.stderr.strip().splitlines()[-1:]) or f"pip ended with {error.returncode}"
            except subprocess.TimeoutExpired:
                missing[name] = f"not within {_TIME_LIMIT} seconds"
    return Peers(folder, _versions(python, wanted), missing)


def _versions(python: Path, names: tuple[str, ...]) -> dict[str, str]:
    done = subprocess.run([str(python), "-c", _VERSIONS, *names], capture_output=True, text=True, check=True)
    versions: dict[str, str] = json.loads(done.stdout)
    return versions
