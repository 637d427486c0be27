"""How each program is started for a comparison.

Invariant: each checks the same paths, prints to nowhere, counts findings as success, and reads no configuration but
what stands here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from speed.measure import Program
from speed.peers import Peers

ROOT = Path(__file__).resolve().parents[2]
_NAIVE = Path(__file__).resolve().with_name("naive.yaml")

_PARSE = """\
import os, sys, libcst
for top in sys.argv[1:]:
    files = [os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names]
    for file in [top] if os.path.isfile(top) else files:
        if file.endswith(".py"):
            with open(file, "rb") as stream:
                data = stream.read()
            try:
                libcst.parse_module(data)
            except libcst.ParserSyntaxError:
                pass  # a folder of somebody's own may hold what is no Python
"""
_PLUGIN = "[flake8:local-plugins]\nextension =\n    MLF = mlflow_lint.flake8_plugin:Plugin\n"


@dataclass(frozen=True)
class Contenders:
    """Makes programs; what they keep lies in a folder."""

    peers: Peers
    folder: Path

    def own(self, label: str, paths: Sequence[Path], *options: str, cached: bool = False) -> Program:
        """`mlflow-lint`, without a cache or with a filled one."""
        cache = ("--cache-dir", str(self.folder / "cache")) if cached else ("--no-cache",)
        command = (sys.executable, "-m", "mlflow_lint", "--isolated", "--exit-zero", "--output-format", "concise")
        return Program(label, (*command, *cache, *options, *map(str, paths)), self.folder, self._environment())

    def parse(self, paths: Sequence[Path]) -> Program:
        """LibCST's parser in one process, and nothing else."""
        command = (sys.executable, "-c", _PARSE, *map(str, paths))
        return Program("libcst.parse_module", command, self.folder, self._environment())

    def ruff(self, label: str, paths: Sequence[Path], *, cached: bool = False) -> Program:
        """`ruff check` with its default rules."""
        cache = ("--cache-dir", str(self.folder / "ruff-cache")) if cached else ("--no-cache",)
        options = ("check", "--isolated", "--quiet", "--exit-zero", "--output-format", "concise")
        return Program(label, (self.peers.command("ruff"), *options, *cache, *map(str, paths)), self.folder)

    def semgrep(self, paths: Sequence[Path]) -> Program:
        """Two rules that match a call in any `for` loop."""
        quiet = ("--quiet", "--metrics", "off", "--disable-version-check", "--no-git-ignore")
        command = (self.peers.command("semgrep"), "scan", "--config", str(_NAIVE), *quiet, *map(str, paths))
        return Program("semgrep", command, self.folder)

    def torchfix(self, paths: Sequence[Path]) -> Program:
        """All rules; it checks files that name torch, so it needs a copy that does."""
        command = (self.peers.command("torchfix"), "--select", "ALL", "--jobs", "2", *map(str, paths))
        return Program("torchfix", command, self.folder, accepted=(0, 1))

    def flake8(self, paths: Sequence[Path], *, plugin: bool) -> Program:
        """flake8 in one process."""
        options = ["--jobs", "1", "--exit-zero", "--quiet"]
        environment = {}
        if plugin:
            file = self.folder / "flake8.cfg"
            file.write_text(_PLUGIN, encoding="utf-8")
            options += ["--config", str(file)]
            environment = self._environment()
        else:
            options.append("--isolated")
        label = "flake8 with the plugin" if plugin else "flake8"
        command = (self.peers.command("flake8"), *options, *map(str, paths))
        return Program(label, command, self.folder, {**self._compiled(), **environment})

    def _environment(self) -> dict[str, str]:
        inherited = os.environ.get("PYTHONPATH")
        return {**self._compiled(), "PYTHONPATH": os.pathsep.join([str(ROOT), *([inherited] if inherited else [])])}

    def _compiled(self) -> dict[str, str]:
        # An installed program is compiled once, and a checkout may be forbidden to be.
        return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(self.folder / "compiled"), "PYTHONUTF8": "1"}
