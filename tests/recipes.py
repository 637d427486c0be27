"""Runs what the steps of a CI system run: scripts of the repository's action, and of the files on `docs/ci.md`.

Knows of the systems no more than these files need: an expression that is not given raises `KeyError`.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from doors import ROOT

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
ADDRESS = "https://github.com/OWNER/mlflow-lint@v0.1.0"
"""Where the files of the page say that the linter is."""

_EXPRESSION = re.compile(r"\$\{\{ *(.+?) *\}\}")
_TITLED = re.compile(r'^```(\w+) title="([^"]+)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)
_TIMEOUT = 600


def titled_blocks(page: Path) -> list[tuple[str, str]]:
    """The files that a page shows: title and text."""
    return [(title, text) for _, title, text in _TITLED.findall(page.read_text(encoding="utf-8"))]


@dataclass(frozen=True)
class Job:
    """A machine of a CI system with a checkout on it."""

    checkout: Path
    temporary: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def bash(self, script: str, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a script as GitHub, GitLab and Azure do it: it ends with the first command that fails."""
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.checkout,
            env={**self.variables, **(variables or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=_TIMEOUT,
            check=False,
        )

    def action(
        self, source: Path, given: Mapping[str, str], *, again: bool = False
    ) -> Iterator[subprocess.CompletedProcess[str]]:
        """Run the action from the folder that it was checked out to, until a step fails.

        With `again`, the first step is left out, which installs what is there already.
        """
        environment_file = self.temporary / "environment"
        environment_file.touch()
        defaults = {name: each["default"] for name, each in ACTION["inputs"].items()}
        assert given.keys() <= defaults.keys()
        context = {f"inputs.{name}": value for name, value in {**defaults, **given}.items()}
        context |= {"github.action_path": str(source), "runner.temp": str(self.temporary)}
        for step in ACTION["runs"]["steps"][1 if again else 0 :]:
            if not _holds(step.get("if"), context):
                continue
            written = dict(line.split("=", 1) for line in environment_file.read_text(encoding="utf-8").splitlines())
            variables = {name: evaluated(value, context) for name, value in step["env"].items()}
            ran = self.bash(step["run"], {**written, **variables, "GITHUB_ENV": str(environment_file)})
            yield ran
            if ran.returncode:
                return


def evaluated(text: str, context: Mapping[str, str]) -> str:
    """A text with the values of its expressions."""
    return _EXPRESSION.sub(lambda match: context[match[1]], text)


def _holds(condition: str | None, context: Mapping[str, str]) -> bool:
    if condition is None:
        return True
    name, _, other = condition.partition(" != ")
    return context[name] != other.strip("'")


def scripts(node: Any) -> Iterator[str]:
    """Every script in a workflow, in an action or in a pipeline, in order."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in ("run", "script") and isinstance(value, str | list):
                yield value if isinstance(value, str) else "\n".join(value)
            else:
                yield from scripts(value)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for item in node:
            yield from scripts(item)


def plain_environment(home: Path, folder: Path) -> dict[str, str]:
    """What a fresh machine has: the commands of a folder, those of the system, and nothing of ours."""
    path = os.pathsep.join([str(folder), "/usr/local/bin", "/usr/bin", "/bin"])
    kept = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    return {**kept, "PATH": path, "HOME": str(home), "PYTHONUTF8": "1", "LANG": "C.UTF-8"}
