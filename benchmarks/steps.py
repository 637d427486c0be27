"""What each step of reading a file costs, and what LibCST's own ways to the same knowledge would.

    python benchmarks/steps.py [PATHS]

Processor time in milliseconds per 1,000 lines, the best of five passes over the files (the fixtures, unless told
otherwise), and for imports the best of five new processes.
"""

from __future__ import annotations

import ast
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import libcst  # noqa: E402
from libcst.metadata import MetadataWrapper, PositionProvider, QualifiedNameProvider, ScopeProvider  # noqa: E402

from mlflow_lint.config import default_settings  # noqa: E402
from mlflow_lint.engine import Project, check_files  # noqa: E402
from mlflow_lint.source.gate import names_mlflow  # noqa: E402
from mlflow_lint.syntax.lower import lower  # noqa: E402
from mlflow_lint.syntax.parse import parse  # noqa: E402

PASSES = 5
Step = tuple[str, Callable[[Any], object], Sequence[Any]]


class Nothing(libcst.CSTVisitor):
    """As little as a visitor can do."""


def best(steps: Sequence[Step]) -> list[float]:
    """Seconds of processor time of each step for all its items; they take turns, so that noise hits all alike."""
    times = [float("inf")] * len(steps)
    for _ in range(PASSES):
        for index, (_, work, items) in enumerate(steps):
            start = time.process_time()
            for item in items:
                work(item)
            times[index] = min(times[index], time.process_time() - start)
    return times


def resolved(provider: Any) -> Callable[[MetadataWrapper], object]:
    # A wrapper remembers what was resolved, and copies the tree unless told not to: neither is to be measured.
    return lambda module: MetadataWrapper(module, unsafe_skip_copy=True).resolve(provider)


def everything(files: Sequence[Path]) -> None:
    """What the command does between finding its files and printing."""
    settings = default_settings(Path())
    check_files(Project(Path(), Path()), [(file, settings) for file in files])


def import_seconds(module: str) -> float:
    """Seconds of processor time that an import takes in a new process."""
    code = f"import time; start = time.process_time(); import {module}; print(time.process_time() - start)"
    command = [sys.executable, "-c", code]
    return min(float(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(PASSES))


def main() -> None:
    given = [Path(argument) for argument in sys.argv[1:]] or [ROOT / "fixtures"]
    files = [file for path in given for file in ([path] if path.is_file() else sorted(path.rglob("*.py")))]
    data = [file.read_bytes() for file in files]
    texts = [each.decode() for each in data]
    trees = [libcst.parse_module(text) for text in texts]
    light = [(parse(text), text) for text in texts]
    lines = sum(each.count(b"\n") for each in data)
    steps: list[Step] = [
        ("the gate: is MLflow named?", names_mlflow, data),
        ("for comparison: `ast.parse`", ast.parse, texts),
        ("`libcst.parse_module`", libcst.parse_module, texts),
        ("the same with light nodes, `syntax/parse.py`", parse, texts),
        ("the walk to facts, `syntax/lower.py`", lambda parsed: lower(*parsed), light),
        ("all of it, names, analysis and rules included", everything, [files]),
        ("instead: a `CSTVisitor` that does nothing", lambda tree: tree.visit(Nothing()), trees),
        ("instead: `PositionProvider`", resolved(PositionProvider), trees),
        ("instead: `ScopeProvider`", resolved(ScopeProvider), trees),
        ("instead: `QualifiedNameProvider`, scopes included", resolved(QualifiedNameProvider), trees),
    ]
    print(f"$ python benchmarks/steps.py {' '.join(sys.argv[1:])}".rstrip())
    print(f"\n{len(files)} files, {lines:,} lines; Python {platform.python_version()}\n")
    print("| step | ms per 1,000 lines |\n|---|--:|")
    for (label, _, _), seconds in zip(steps, best(steps), strict=True):
        print(f"| {label} | {seconds * 1e6 / lines:.3g} |")
    print("\n| import, once per process | ms |\n|---|--:|")
    for module, label in (
        ("mlflow_lint.syntax.lean", "LibCST's parser alone, `syntax/lean.py`"),
        ("libcst", "instead: `libcst`"),
        ("libcst.matchers", "instead: `libcst.matchers`, `libcst` included"),
    ):
        print(f"| {label} | {import_seconds(module) * 1e3:.0f} |")


if __name__ == "__main__":
    main()
