"""What the fixes save on the fixtures, counted on a real MLflow store.

Each runnable fixture is executed as it is, after `mlflow-lint --fix`, and after `mlflow-lint --fix --unsafe-fixes`,
each time against an empty store, and a Markdown table with writes and SQL statements is printed. Nothing is printed
unless all three leave the same data (runs, params, tags, artifacts, metric points by key, step and value) and a second
run of each fix changes nothing. What the two columns of fixes may not agree on is timestamps.

    python benchmarks/savings.py

Needs `pip install -e '.[test]'`, and POSIX.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "fixtures"
sys.path.insert(0, str(ROOT / "tests"))

from tracking_store import Recorded, StoreRunner, assert_same_data, create_template  # noqa: E402

PACKAGE = "tracking_package.train"
VARIANTS = {"as written": None, "`--fix`": ["--fix"], "`--fix --unsafe-fixes`": ["--fix", "--unsafe-fixes"]}
_CLEAN, _FINDINGS = 0, 1


@dataclass(frozen=True)
class Row:
    """One fixture: what each variant of it left and cost, in the order of `VARIANTS`."""

    name: str
    recorded: tuple[Recorded, ...]

    @property
    def writes(self) -> tuple[int, ...]:
        """How many requests that write each variant made."""
        return tuple(each.writes for each in self.recorded)

    @property
    def statements(self) -> tuple[int, ...]:
        """How many SQL statements the store executed for each."""
        return tuple(each.statements for each in self.recorded)


def lint(folder: Path, options: list[str]) -> None:
    """Run the command over a folder, configured by nothing but `options`."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "mlflow_lint", "--isolated", *options, "."],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (_CLEAN, _FINDINGS), done.stderr


def copy_of_fixtures(folder: Path, options: list[str] | None) -> Path:
    """Copy the fixtures and fix the copy; a second run of the fix must find nothing to do."""
    shutil.copytree(FIXTURES, folder, ignore=shutil.ignore_patterns("__pycache__"))
    if options is not None:
        lint(folder, options)
        once = contents(folder)
        lint(folder, options)
        assert contents(folder) == once, f"a second run of {' '.join(options)} changes files"
    return folder


def contents(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in sorted(folder.rglob("*.py"))}


def run(runner: StoreRunner, folder: Path, name: str) -> Recorded:
    """Execute one fixture of a folder against an empty store."""
    where: dict[str, Any] = {"module": name, "sys_path": [folder]} if name == PACKAGE else {"path": folder / name}
    recorded = runner.run(**where)
    assert recorded.exception is None, f"{name}: {recorded.exception}\n{recorded.stderr}"
    return recorded


def measured(place: Path) -> list[Row]:
    """Run everything and compare what is left."""
    template = place / "template.db"
    create_template(template)
    folders = [
        copy_of_fixtures(place / f"variant-{number}", options) for number, options in enumerate(VARIANTS.values())
    ]
    names = [*sorted(path.name for path in FIXTURES.glob("*.py")), PACKAGE]
    rows: list[Row] = []
    with StoreRunner(template) as runner:
        for name in names:
            recorded = tuple(run(runner, folder, name) for folder in folders)
            for each in recorded[1:]:
                assert_same_data(recorded[0], each)
            row = Row(name, recorded)
            assert sorted(row.writes, reverse=True) == list(row.writes), f"{name}: a fix costs writes: {row.writes}"
            rows.append(row)
    return rows


def table(rows: list[Row]) -> str:
    """Rows and their sum as Markdown."""
    lines = [
        "| fixture | writes | saved | SQL statements | saved |",
        "|---|---|--:|---|--:|",
    ]
    sums = [[0] * len(VARIANTS), [0] * len(VARIANTS)]
    for row in rows:
        lines.append(f"| `{row.name.removesuffix('.train')}` | {cells(row.writes)} | {cells(row.statements)} |")
        for total, counts in zip(sums, (row.writes, row.statements), strict=True):
            for index, count in enumerate(counts):
                total[index] += count
    lines.append("| **all** | " + " | ".join(cells(tuple(total)) for total in sums) + " |")
    return "\n".join(lines)


def cells(counts: tuple[int, ...]) -> str:
    """What the variants cost, and which part of it the last one saves."""
    return f"{' → '.join(f'{count:,}' for count in counts)} | {1 - counts[-1] / counts[0]:.0%}"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="mlflow-lint-savings-") as directory:
        rows = measured(Path(directory).resolve())
    import mlflow

    print(table(rows))
    print(f"\nEach cell: {' → '.join(VARIANTS)}. All three left the same data in the store.")
    print(f"MLflow {mlflow.__version__}, Python {sys.version.split()[0]}, SQLite.")


if __name__ == "__main__":
    main()
