"""How long `mlflow-lint` takes, beside other tools on the same files in the same run.

    python benchmarks/compare.py                        the fixtures, copied many times
    python benchmarks/compare.py src tests              files of your own
    python benchmarks/compare.py --without-mlflow 3000  a tree in which no file names MLflow

Every figure is wall time of a whole process, from its start to its end, with caches of the tools off and one thread or
process each. The tools take turns, and the best turn of each counts. Tools are those of the environment that runs this;
one that is missing is left out with a note.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "fixtures"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "RAYON_NUM_THREADS": "1", "PYTHONUTF8": "1"}
FILES_PER_FOLDER = 50

_FILES = """\
import os, sys
def files():
    for top in sys.argv[1:]:
        if os.path.isfile(top):
            yield top
        for folder, _, names in os.walk(top):
            for name in names:
                if name.endswith(".py"):
                    yield os.path.join(folder, name)
"""
READ = _FILES + "for file in files(): open(file, 'rb').read()"
PARSE = _FILES + "import libcst\nfor file in files(): libcst.parse_module(open(file, 'rb').read())"
# Installed beside it, our plugin would run in every flake8, selected or not.
FLAKE8_ALONE = """\
import importlib.metadata as metadata, sys
every = metadata.distributions
metadata.distributions = lambda **options: (d for d in every(**options) if d.metadata["Name"] != "mlflow-lint")
from flake8.main.cli import main
sys.exit(main())
"""


@dataclass(frozen=True)
class Tool:
    """One contender."""

    label: str
    command: tuple[str, ...]
    """The paths are put behind it, unless it only starts."""
    missing: str = ""
    """Why it cannot take part."""
    starts_only: bool = False


def tools(without_mlflow: bool) -> list[Tool]:
    """Who takes part; the first is what the others are compared with."""
    python = sys.executable
    own = ("-m", "mlflow_lint", "--isolated", "--exit-zero", "--output-format", "concise")
    ruff = shutil.which("ruff", path=os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", "")]))
    peers = [
        Tool("start Python", (python, "-c", "pass"), starts_only=True),
        Tool("start Python, read the files", (python, "-c", READ)),
        Tool("start mlflow-lint, on one empty text", (python, *own, "-"), starts_only=True),
        Tool(
            "ruff (pyflakes rules)",
            (ruff or "", "check", "--isolated", "--no-cache", "--quiet", "--exit-zero", "--select", "F"),
            "" if ruff else "ruff is not installed",
        ),
    ]
    if not without_mlflow:
        flake8 = ("--isolated", "--jobs", "1", "--exit-zero", "--quiet", "--select")
        absent = "" if importlib.util.find_spec("flake8") else "flake8 is not installed"
        unplugged = "" if is_installed("mlflow-lint") else "mlflow-lint is not installed, so flake8 has no plugin"
        peers[3:3] = [
            Tool("`libcst.parse_module` alone", (python, "-c", PARSE)),
            Tool("flake8 `--select F`, without our plugin", (python, "-c", FLAKE8_ALONE, *flake8, "F"), absent),
            Tool("flake8 `--select MLF`", (python, "-m", "flake8", *flake8, "MLF"), absent or unplugged),
        ]
    return [Tool("mlflow-lint", (python, *own)), *peers]


def is_installed(distribution: str) -> bool:
    try:
        importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def copies_of_fixtures(folder: Path, count: int) -> None:
    """Write the fixtures `count` times, each time under names of their own."""
    for number in range(count):
        for file in FIXTURES.glob("*.py"):
            shutil.copyfile(file, folder / f"{file.stem}_{number:03}.py")
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(FIXTURES / "tracking_package", folder / f"tracking_package_{number:03}", ignore=ignored)


def tree_without_mlflow(folder: Path, count: int) -> None:
    """Write `count` files: the fixtures, with another word wherever they name MLflow."""
    originals = sorted(FIXTURES.rglob("*.py"))
    for number in range(count):
        original = originals[number % len(originals)]
        file = folder / f"part_{number // FILES_PER_FOLDER:03}" / f"{original.stem.strip('_')}_{number:05}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(re.sub("mlflow", "journal", original.read_text("utf-8"), flags=re.IGNORECASE), "utf-8")


def size(paths: Sequence[Path]) -> str:
    """How much there is to read."""
    files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("*.py")))]
    lines = sum(file.read_bytes().count(b"\n") for file in files)
    return f"{len(files):,} files, {lines:,} lines"


def wall_time(tool: Tool, paths: Sequence[str], cwd: Path) -> float:
    """Seconds that one process takes."""
    start = time.perf_counter()
    command = [*tool.command, *([] if tool.starts_only else paths)]
    done = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(f"{tool.label} ended with {done.returncode}:\n{done.stderr.decode(errors='replace')}")
    return seconds


def best_times(contenders: Sequence[Tool], paths: Sequence[str], cwd: Path, turns: int) -> dict[str, float]:
    """The best of several turns of each, taken in turn, so that a busy machine is busy for all."""
    best: dict[str, float] = {}
    for _ in range(turns):
        for tool in contenders:
            best[tool.label] = min(wall_time(tool, paths, cwd), best.get(tool.label, float("inf")))
    return best


def table(best: dict[str, float]) -> str:
    """Times as Markdown, with how many times as long `mlflow-lint` takes."""
    own = next(iter(best.values()))
    rows = [f"| {label} | {seconds:.2f} | {own / seconds:.2f} |" for label, seconds in best.items()]
    return "\n".join(["| tool | seconds | mlflow-lint takes, times that |", "|---|--:|--:|", *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description="Time mlflow-lint beside other tools.")
    parser.add_argument("paths", nargs="*", type=Path, help="what to lint, instead of copies of the fixtures")
    parser.add_argument("--copies", type=int, default=20, help="how often the fixtures are copied (20)")
    parser.add_argument("--without-mlflow", type=int, metavar="FILES", help="generate files that do not name MLflow")
    parser.add_argument("--best-of", type=int, default=3, metavar="TURNS", help="turns of each tool (3)")
    arguments = parser.parse_args()
    for path in arguments.paths:
        if not path.exists():
            parser.error(f"{path}: no such file or directory")
    contenders = tools(arguments.without_mlflow is not None)
    with tempfile.TemporaryDirectory(prefix="mlflow-lint-compare-") as directory:
        folder = Path(directory).resolve()
        if arguments.without_mlflow is not None:
            tree_without_mlflow(folder, arguments.without_mlflow)
        elif not arguments.paths:
            copies_of_fixtures(folder, arguments.copies)
        paths = [path.resolve() for path in arguments.paths] or [folder]
        present = [tool for tool in contenders if not tool.missing]
        best = best_times(present, [str(path) for path in paths], folder, arguments.best_of)
        read = size(paths)
    print(f"$ python benchmarks/compare.py {' '.join(sys.argv[1:])}".rstrip())
    print(f"\n{read}; best of {arguments.best_of}, one thread each; {versions()}\n")
    print(table(best))
    for tool in contenders:
        if tool.missing:
            print(f"\nLeft out: {tool.label}: {tool.missing}.")


def versions() -> str:
    names = [name for name in ("libcst", "flake8", "ruff") if is_installed(name)]
    listed = [f"{name} {importlib.metadata.version(name)}" for name in names]
    return ", ".join([f"Python {platform.python_version()}", *listed])


if __name__ == "__main__":
    main()
