"""What the fixes save on the fixtures, measured on a real `mlflow server`.

Each runnable fixture is executed as it is, after `mlflow-lint --fix`, and after `mlflow-lint --fix --unsafe-fixes`,
against a server over HTTP, first with SQLite behind it and then with PostgreSQL, if that is installed. A Markdown table
of each shows requests, SQL statements, commits and the seconds that the program waited for answers, with ratios.

There is no table unless all three left the same data (`stored_data.py` tells what that is), no fix costs requests, and
a second run of each fix changes nothing. What the three may not agree on is timestamps.

    python benchmarks/savings.py [--database sqlite|postgresql] [--rounds N]

Of several rounds, which must agree on everything but time, the shortest waiting counts. Needs
`pip install -e '.[test,bench]'`, and POSIX.
"""

from __future__ import annotations

import argparse
import difflib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mlflow
from databases import DATABASES, Database, why_not_postgresql
from stored_data import take_data
from tracking_server import TrackingServer, Work, environment, python_path, tracking_server

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "fixtures"
TIMED = Path(__file__).resolve().with_name("timed.py")
VARIANTS = {"as written": None, "`--fix`": ["--fix"], "`--fix --unsafe-fixes`": ["--fix", "--unsafe-fixes"]}
MEASURES = ("requests", "SQL statements", "commits", "seconds waiting")
CLEAN, FINDINGS = 0, 1
DIFF_LINES = 40


@dataclass(frozen=True)
class Program:
    """A fixture and how it is started."""

    name: str
    command: tuple[str, ...]
    """File or module, and arguments, from the folder of the fixtures."""


PROGRAMS = (
    # One epoch of 768 batches, which is still a short one; its 24 by default are a toy.
    Program("batch_trainer.py --epochs 1 --batch-size 1", ("batch_trainer.py", "--epochs", "1", "--batch-size", "1")),
    Program("boosting_callbacks.py", ("boosting_callbacks.py",)),
    Program("client_logger.py", ("client_logger.py",)),
    Program("databricks_notebook.py", ("databricks_notebook.py",)),
    Program("rl_loop.py", ("rl_loop.py",)),
    Program("sklearn_sweep.py", ("sklearn_sweep.py",)),
    Program("tracking_package", ("-m", "tracking_package.train")),
)


@dataclass(frozen=True)
class Execution:
    """What one execution of a program cost, and what it left."""

    work: Work
    seconds: float
    data: tuple[str, ...]

    @property
    def costs(self) -> tuple[float, ...]:
        """In the order of `MEASURES`."""
        return (self.work.requests, self.work.statements, self.work.commits, self.seconds)


@dataclass(frozen=True)
class Row:
    """What a program cost in each variant, in the order of `VARIANTS`; each has its costs in that of `MEASURES`."""

    name: str
    variants: tuple[tuple[float, ...], ...]


# ----------------------------------------------------------------------------------------------- the variants


def copy_of_fixtures(folder: Path, options: list[str] | None) -> Path:
    """Copy the fixtures and fix the copy; a second run of the fix must find nothing to do."""
    shutil.copytree(FIXTURES, folder, ignore=shutil.ignore_patterns("__pycache__"))
    if options is not None:
        lint(folder, options)
        once = contents(folder)
        lint(folder, options)
        if contents(folder) != once:
            raise SystemExit(f"a second run of {' '.join(options)} changes files")
    return folder


def lint(folder: Path, options: list[str]) -> None:
    """Run the command over a folder, configured by nothing but `options`."""
    done = subprocess.run(
        [sys.executable, "-m", "mlflow_lint", "--isolated", *options, "."],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": python_path(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (CLEAN, FINDINGS):
        raise SystemExit(f"mlflow-lint {' '.join(options)}:\n{done.stderr}")


def contents(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in sorted(folder.rglob("*.py"))}


# ------------------------------------------------------------------------------------------------- measuring


def execute(program: Program, folder: Path, server: TrackingServer) -> Execution:
    """Run a program of a folder in a process of its own, and take what it left from the server."""
    with tempfile.TemporaryDirectory(prefix="mlflow-lint-program-") as place:
        report = Path(place) / "seconds"
        settings = {"MLFLOW_TRACKING_URI": server.uri, "PYTHONPATH": python_path(folder)}
        before = server.work()
        done = subprocess.run(
            [sys.executable, str(TIMED), str(report), *program.command],
            cwd=folder,
            env=environment() | settings,
            capture_output=True,
            text=True,
            check=False,
        )
        work = server.work() - before
        if done.returncode != 0:
            raise SystemExit(f"{program.name} in {folder}:\n{done.stderr}")
        seconds = float(report.read_text(encoding="utf-8"))
    return Execution(work, seconds, take_data(mlflow.MlflowClient(server.uri), server.artifacts))


def measure(program: Program, folders: Sequence[Path], server: TrackingServer, rounds: int) -> Row:
    """Execute all variants, in turns, and compare them."""
    executions = [[execute(program, folder, server) for folder in folders] for _ in range(rounds)]
    first = executions[0]
    for variant, execution in zip(VARIANTS, first, strict=True):
        must_equal(first[0].data, execution.data, f"{program.name}: data as written and after {variant}")
    for again in executions[1:]:
        for one, other in zip(first, again, strict=True):
            must_equal(one.data, other.data, f"{program.name}: data of two rounds")
            must_equal([str(one.work)], [str(other.work)], f"{program.name}: work of two rounds")
    if any(later.work.requests > earlier.work.requests for earlier, later in itertools.pairwise(first)):
        raise SystemExit(f"{program.name}: a fix costs requests: {[each.work.requests for each in first]}")
    return Row(
        program.name,
        tuple(min(takes, key=lambda take: take.seconds).costs for takes in zip(*executions, strict=True)),
    )


def must_equal(one: Sequence[str], other: Sequence[str], what: str) -> None:
    """End the script, with the differences, if there are any."""
    if one != other:
        lines = [
            line for line in difflib.unified_diff(one, other, lineterm="", n=0) if line[:2] not in ("@@", "--", "++")
        ]
        more = [f"... and {len(lines) - DIFF_LINES} more"] if len(lines) > DIFF_LINES else []
        raise SystemExit("\n".join([f"{what} differ:", *lines[:DIFF_LINES], *more]))


def measured(database: Database, folders: Sequence[Path], rounds: int) -> list[Row]:
    """All programs on one database."""
    with tracking_server(database) as server:
        execute(PROGRAMS[-1], folders[0], server)  # whatever a server does but once is not the cost of a program
        rows = []
        for program in PROGRAMS:
            print(f"{database.name}: {program.name}", file=sys.stderr)
            rows.append(measure(program, folders, server, rounds))
        return rows


# ------------------------------------------------------------------------------------------------- the table


def table(rows: Sequence[Row]) -> str:
    """Rows and their sum as Markdown."""
    total = tuple(
        tuple(map(sum, zip(*costs, strict=True))) for costs in zip(*(row.variants for row in rows), strict=True)
    )
    lines = [
        "| fixture | " + " | ".join(f"{measure} | ÷" for measure in MEASURES) + " |",
        "|---|" + "---|--:|" * len(MEASURES),
        *(line(f"`{row.name}`", row.variants) for row in rows),
        line("**all**", total),
    ]
    return "\n".join(lines)


def line(name: str, variants: tuple[tuple[float, ...], ...]) -> str:
    """For each measure what the variants cost, and how many times less the last one costs than the first."""
    cells = [name]
    for costs in zip(*variants, strict=True):
        ratio = costs[0] / costs[-1]
        cells += [" → ".join(map(amount, costs)), f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"]
    return f"| {' | '.join(cells)} |"


def amount(cost: float) -> str:
    return f"{cost:,}" if isinstance(cost, int) else f"{cost:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", choices=DATABASES, help="only this one")
    parser.add_argument("--rounds", type=int, default=1, help="how often to execute everything")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # not before servers and databases are stopped
    missing = why_not_postgresql()
    chosen = [options.database] if options.database else [name for name in DATABASES if name == "sqlite" or not missing]
    if missing and "postgresql" in chosen:
        raise SystemExit(f"PostgreSQL: {missing}")

    with tempfile.TemporaryDirectory(prefix="mlflow-lint-savings-") as directory:
        place = Path(directory).resolve()
        folders = [
            copy_of_fixtures(place / f"variant-{number}", variant) for number, variant in enumerate(VARIANTS.values())
        ]
        for name in chosen:
            with DATABASES[name]() as database:
                print(f"{database.name}:\n\n{table(measured(database, folders, options.rounds))}\n", flush=True)
    if missing and not options.database:
        print(f"No table for PostgreSQL: {missing}.\n")
    print(f"Each cell: {' → '.join(VARIANTS)}, and how many times less that is. All three left the same data.")
    print(f"MLflow {mlflow.__version__}, Python {sys.version.split()[0]}; one server process on the same machine.")


if __name__ == "__main__":
    main()
