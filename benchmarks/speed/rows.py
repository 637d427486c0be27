"""The rows of the table: what is compared on which files, and the bar that it has to reach.

Invariant: a row is measured on files that nothing else has touched, and what a row needs and does not have is said in
its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from speed import trees
from speed.contenders import Contenders
from speed.measure import Runs, measured

COPIES = 20
"""Of the fixtures, which makes 200 files."""
_TREE = 10_000
_NAMING = 800
_FLAKE8_FILES = 200
_LINES = 300


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    work: str
    bar: str
    measured: str
    own: str
    other: str = ""
    met: bool | None = None
    """`None` where nothing was measured."""


@dataclass(frozen=True)
class Plan:
    """What the rows are measured with."""

    contenders: Contenders
    folder: Path
    """Where files are generated."""
    runs: int
    paths: tuple[Path, ...]
    """Folders to measure beside the fixtures."""


def _ratio(work: str, most: float, own: Runs, other: Runs, name: str) -> Row:
    ratio, processor = own.times(other), own.processor_times(other)
    shown = f"{ratio:.2f} ({processor:.2f} of processor time)"
    return Row(work, f"at most {most:g} × {name}", shown, str(own), str(other), ratio <= most)


def _left_out(work: str, bar: str, reason: str) -> Row:
    return Row(work, bar, f"left out: {reason}", "")


def parse(plan: Plan) -> Iterator[Row]:
    """About 200 files that name MLflow, beside those who parse or search them."""
    fixtures = plan.folder / "fixtures"
    trees.fixtures(fixtures, COPIES)
    for folder in (fixtures, *plan.paths):
        yield from _parse(plan, folder, "the fixtures" if folder == fixtures else f"`{folder.name}`")


def _parse(plan: Plan, folder: Path, name: str) -> Iterator[Row]:
    contenders, peers = plan.contenders, plan.contenders.peers
    programs = [
        contenders.own("one", [folder], "--jobs", "1"),
        contenders.own("two", [folder], "--jobs", "2"),
        contenders.own("warm", [folder], cached=True),
        contenders.parse([folder]),
    ]
    if "semgrep" in peers.versions:
        programs.append(contenders.semgrep([folder]))
    if "torchfix" in peers.versions:
        naming = plan.folder / f"{folder.name}-naming-torch"
        trees.naming_torch(folder, naming)
        programs.append(contenders.torchfix([naming]))
    runs = measured(programs, plan.runs)
    trees.remove(plan.folder / f"{folder.name}-naming-torch")
    work = f"{name}, {trees.size(folder)}, cold"
    parsed, cold = runs["libcst.parse_module"], runs["two"]
    yield _ratio(f"{work}, `--jobs 2`", 0.75, cold, parsed, "`libcst.parse_module`")
    yield _ratio(f"{work}, `--jobs 1`", 1.35, runs["one"], parsed, "`libcst.parse_module`")
    for peer, most in (("semgrep", 1.0), ("torchfix", 0.1)):
        if peer in runs:
            yield _ratio(f"{work}, `--jobs 2`", most, cold, runs[peer], peer)
        else:
            reason = peers.missing.get(peer, "not installed")
            yield _left_out(f"{work}, `--jobs 2`", f"at most {most:g} × {peer}", reason)
    yield _ratio(f"{name}, warm cache", 0.1, runs["warm"], cold, "the cold run")


def tree(plan: Plan) -> Iterator[Row]:
    """A repository of which little is about MLflow, beside Ruff."""
    folder = plan.folder / "tree"
    trees.ordinary(folder, _TREE, _NAMING)
    work = f"{trees.size(folder)}, of which {_NAMING:,} files name MLflow"
    contenders = plan.contenders
    parse = contenders.parse(sorted(folder.glob(trees.NAMING)))
    runs = measured([contenders.own("own", [folder]), contenders.ruff("ruff", [folder]), parse], plan.runs)
    yield _ratio(f"{work}, cold", 2, runs["own"], runs["ruff"], "`ruff check --no-cache`")
    parsed = runs[parse.label]
    times = f"{parsed.times(runs['ruff']):.2f} × `ruff check --no-cache`"
    yield Row(f"`libcst.parse_module` alone for those {_NAMING}, one process", "", times, "", str(parsed))
    programs = [contenders.own("own", [folder], cached=True), contenders.ruff("ruff", [folder], cached=True)]
    runs = measured(programs, plan.runs)
    yield _ratio(f"{work}, warm", 1, runs["own"], runs["ruff"], "`ruff check` with its cache")
    trees.remove(folder)


def none(plan: Plan) -> Iterator[Row]:
    """A repository that is not about MLflow at all, beside Ruff."""
    folder = plan.folder / "none"
    trees.ordinary(folder, _TREE)
    contenders = plan.contenders
    runs = measured([contenders.own("own", [folder]), contenders.ruff("ruff", [folder])], plan.runs)
    work = f"{trees.size(folder)}, none of which names MLflow"
    yield _ratio(work, 1, runs["own"], runs["ruff"], "`ruff check --no-cache`")
    trees.remove(folder)


def file(plan: Plan) -> Iterator[Row]:
    """What somebody waits for who commits one file."""
    path = plan.folder / "commit" / "train.py"
    trees.one_file(path, _LINES)
    work = f"one file of {trees.size(path).partition(', ')[2]}, start-up included"
    own = plan.contenders.own
    cold = own("cold", [path], "--force-exclude")
    runs = measured([cold, own("warm", [path], "--force-exclude", cached=True)], plan.runs)
    yield _seconds(f"{work}, cold", 0.7, runs["cold"])
    yield _seconds(f"{work}, warm", 0.25, runs["warm"])


def _seconds(work: str, most: float, own: Runs) -> Row:
    shown = f"{own.best:.2f} s ({own.processor:.2f} s of processor time)"
    return Row(work, f"at most {most:g} s", shown, str(own), met=own.best <= most)


def flake8(plan: Plan) -> Iterator[Row]:
    """What flake8's users pay where MLflow is not used."""
    bar, contenders = "at most 1.03 × flake8 without it", plan.contenders
    if "flake8" not in contenders.peers.versions:
        yield _left_out("flake8 with the plugin", bar, contenders.peers.missing.get("flake8", "not installed"))
        return
    folder = plan.folder / "flake8"
    trees.ordinary(folder, _FLAKE8_FILES)
    programs = [contenders.flake8([folder], plugin=True), contenders.flake8([folder], plugin=False)]
    runs = measured(programs, plan.runs)
    work = f"flake8 with the plugin, {trees.size(folder)}, none of which names MLflow"
    yield _ratio(work, 1.03, runs["flake8 with the plugin"], runs["flake8"], "flake8 without it")


def growth(plan: Plan) -> Iterator[Row]:
    """Four or ten times as much of something; what the least file that names MLflow takes is taken off."""
    few, many = plan.folder / "few", plan.folder / "many"
    trees.fixtures(few, 5)
    trees.fixtures(many, 50)
    yield _growth(plan, "10 × the files that name MLflow", 11, few, many)
    short, long = plan.folder / "short.py", plan.folder / "long.py"
    # A smaller one would take as long as the machine's moods.
    trees.one_file(short, 5_000)
    trees.one_file(long, 20_000)
    yield _growth(plan, "one file of 20,000 lines after one of 5,000", 4.4, short, long)
    calling, more = plan.folder / "calls.py", plan.folder / "more_calls.py"
    trees.call_graph(calling, 1_000)
    trees.call_graph(more, 10_000)
    guarded, more_guarded = plan.folder / "writes.py", plan.folder / "more_writes.py"
    trees.long_loop(guarded, 1_250)
    trees.long_loop(more_guarded, 5_000)
    yield _growth(plan, "a loop with 5,000 writes after one with 1,250", 4.4, guarded, more_guarded)
    steps = 10 * math.log(10_000) / math.log(1_000)
    yield _growth(plan, "a call graph of 10,000 functions after one of 1,000 (n log n)", steps, calling, more)


def _growth(plan: Plan, work: str, most: float, small: Path, large: Path) -> Row:
    least = plan.folder / "least.py"
    trees.call_graph(least, 1)
    own = plan.contenders.own
    sizes = (("start", least), ("small", small), ("large", large))
    runs = measured([own(label, [path], "--jobs", "1") for label, path in sizes], plan.runs)
    factor = runs["large"].growth(runs["small"], runs["start"])
    return Row(
        work,
        f"at most {most:.3g} × the processor time",
        f"{factor:.1f}",
        str(runs["large"]),
        str(runs["small"]),
        factor <= most,
    )


def memory(plan: Plan) -> Iterator[Row]:
    """Most memory of a process."""
    folder = plan.folder / "tree"
    trees.ordinary(folder, _TREE, _NAMING)
    runs = measured([plan.contenders.own("own", [folder], "--jobs", "1")], 1)["own"]
    work = f"memory, {trees.size(folder)}, of which {_NAMING:,} files name MLflow, one process"
    yield Row(work, "under 400 MB", f"{runs.megabytes:.0f} MB", str(runs), met=runs.megabytes < 400)
    trees.remove(folder)


@dataclass(frozen=True)
class Measurement:
    """Rows that are measured together."""

    rows: Callable[[Plan], Iterator[Row]]
    peers: tuple[str, ...] = ()
    """What they are compared with."""


ROWS = {
    "parse": Measurement(parse, ("semgrep", "torchfix")),
    "tree": Measurement(tree, ("ruff",)),
    "none": Measurement(none, ("ruff",)),
    "file": Measurement(file),
    "flake8": Measurement(flake8, ("flake8",)),
    "growth": Measurement(growth),
    "memory": Measurement(memory),
}
"""What `--rows` can name."""
