"""How long `mlflow-lint` takes, beside other tools on the same files in the same run.

    python benchmarks/compare.py                     every row of the table in docs/performance.md
    python benchmarks/compare.py src tests           the same, and folders of your own
    python benchmarks/compare.py --rows parse,file   some rows
    python benchmarks/compare.py --without torchfix  all rows, without one that takes a minute each turn
    python benchmarks/compare.py --markdown          the table only, for docs/performance.md

The peers are installed into an environment of their own, which is made on first use. Times are wall times of whole
processes; a ratio is the median of those of each turn.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from speed import peers
from speed.contenders import Contenders
from speed.rows import ROWS, Plan, Row

_ENVIRONMENT = f"mlflow-lint-peers-{sys.version_info.major}.{sys.version_info.minor}"
_HEADER = (
    "| work | bar | measured | reached | mlflow-lint: min / median / max s | other: min / median / max s |\n"
    "|---|---|---|---|---|---|"
)


def main() -> None:
    arguments = _arguments()
    folder = arguments.env or Path(tempfile.gettempdir()) / _ENVIRONMENT
    peers_of_rows = dict.fromkeys(peer for name in arguments.rows for peer in ROWS[name].peers)
    wanted = tuple(peer for peer in peers_of_rows if peer not in arguments.without)
    installed = peers.installed(folder.resolve(), wanted)
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="mlflow-lint-compare-") as directory:
        generated = Path(directory).resolve()
        kept = generated / "kept"
        kept.mkdir()
        paths = tuple(path.resolve() for path in arguments.paths)
        plan = Plan(Contenders(installed, kept), generated, arguments.runs, paths)
        for name in arguments.rows:
            print(f"Measuring {name}", file=sys.stderr, flush=True)
            for row in ROWS[name].rows(plan):
                found.append(row)
                print(f"  {row.work}: {row.measured}", file=sys.stderr, flush=True)
    if not arguments.markdown:
        print(f"$ python benchmarks/compare.py {' '.join(sys.argv[1:])}".rstrip() + "\n")
    print(_table(found))
    print(f"\nMinimum, median and maximum of {arguments.runs} turns. {_versions(installed)}")
    for name, reason in installed.missing.items():
        print(f"\n{name} could not be installed: {reason}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time mlflow-lint beside other tools.")
    parser.add_argument("paths", nargs="*", type=Path, help="folders to lint beside copies of the fixtures")
    parser.add_argument("--rows", type=_rows, default=tuple(ROWS), help=f"some of {', '.join(ROWS)} (all)")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="turns of each program (5)")
    parser.add_argument(
        "--without", action="append", choices=ROWS["parse"].peers, default=[], help="one that takes long"
    )
    parser.add_argument("--env", type=Path, metavar="DIR", help="where the peers are, or are installed")
    parser.add_argument("--markdown", action="store_true", help="print the table only")
    arguments = parser.parse_args()
    for path in arguments.paths:
        if not path.is_dir():
            parser.error(f"{path}: no such folder")
    if arguments.runs < 1:
        parser.error("--runs: at least 1")
    return arguments


def _rows(text: str) -> Sequence[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no row is called {', '.join(unknown)}")
    return names


def _table(rows: Sequence[Row]) -> str:
    marks = {True: "yes", False: "**no**", None: ""}
    lines = [
        f"| {row.work} | {row.bar} | {row.measured} | {marks[row.met]} | {row.own} | {row.other} |" for row in rows
    ]
    return "\n".join([_HEADER, *lines])


def _versions(installed: peers.Peers) -> str:
    own = [f"{name} {importlib.metadata.version(name)}" for name in ("libcst", "typer")]
    others = [f"{name} {version}" for name, version in installed.versions.items()]
    return ", ".join([f"Python {platform.python_version()}", *own, *others, f"{os.cpu_count()} processors"]) + "."


if __name__ == "__main__":
    main()
