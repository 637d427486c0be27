"""Fix thousands of generated programs and compare what each leaves in a real MLflow store before and after.

    python tests/prove_fixes.py --programs 6000
    python tests/prove_fixes.py --files FOLDER

The first form draws programs (`programs.py`), applies the safe fixes, and runs both versions against an empty store
with MLflow's clock standing still. Every fourth program is also run with the clock going on, and asked for all the
properties of a fix, which cost as much as running it. The end is a table of what was done; whatever differs is printed
with its program, and the status is 1. The second form asks for the properties alone, of safe and of all fixes, on the
Python files of a folder.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import TypeAlias

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fix_properties import assert_equivalent, assert_sound, fixed, is_python
from hypothesis import HealthCheck, Phase, given, seed, settings
from programs import FAMILIES, Program, programs
from tracking_store import StoreRunner, create_template

from mlflow_lint.source.file import decode, encode

BATCH = 150
"""How many programs are drawn with one seed; the first few are the smallest there are, whatever the seed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one program."""

    family: str
    fixes: tuple[tuple[str, int], ...] = ()
    raised: bool = False
    """Whether it ends with an exception, the same one before and after."""
    writes: tuple[int, int] = (0, 0)
    """Requests that write, before and after."""
    difference: str = ""
    """What should not be, with the program."""


Outcomes: TypeAlias = dict[bytes, Outcome]
"""By digest of the program."""


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=6000, help="how many different programs to try, at least")
    parser.add_argument("--seed", type=int, default=1, help="what the first programs are drawn with")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many processes to use")
    parser.add_argument("--files", type=Path, help="fix the files below this folder instead, and run none of them")
    options = parser.parse_args()
    if options.files is not None:
        return fix_files_below(options.files)
    started = time.monotonic()
    outcomes = try_programs(options.programs, options.seed, options.jobs)
    report(outcomes, (time.monotonic() - started) / 60)
    return int(any(outcome.difference for outcome in outcomes.values()))


# -------------------------------------------------------------------------------------------------- programs
def try_programs(count: int, first: int, jobs: int) -> Outcomes:
    """Try at least `count` different programs."""
    outcomes: Outcomes = {}
    with tempfile.TemporaryDirectory(prefix="prove-fixes-") as name:
        template = Path(name).resolve() / "template.db"
        create_template(template)
        tasks = ((family, number, template) for number in itertools.count(first) for family in FAMILIES)
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            running: set[Future[Outcomes]] = set()
            try:
                while running or len(outcomes) < count:
                    while len(outcomes) < count and len(running) < jobs:
                        running.add(pool.submit(try_batch, *next(tasks)))
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        outcomes |= told(future.result())
                    print(f"\r{len(outcomes)} programs", end="", file=sys.stderr, flush=True)
            except KeyboardInterrupt:
                print("\ninterrupted: what was done so far", file=sys.stderr)
    print(file=sys.stderr)
    return outcomes


def told(outcomes: Outcomes) -> Outcomes:
    """The same, after whatever differs was printed."""
    for outcome in outcomes.values():
        if outcome.difference:
            print(f"\n--- {outcome.family}\n{outcome.difference}", flush=True)
    return outcomes


def try_batch(family: str, number: int, template: Path) -> Outcomes:
    """Try the programs of one family and one seed."""
    outcomes: Outcomes = {}
    with tempfile.TemporaryDirectory(prefix="prove-fixes-") as name, StoreRunner(template) as runner:

        @seed(number)
        @settings(
            phases=[Phase.generate],
            max_examples=BATCH,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(programs(family))
        def each(program: Program) -> None:
            digest = sha256(program.data).digest()
            if digest not in outcomes:
                thorough = len(outcomes) % 4 == 0
                outcomes[digest] = try_program(family, program, runner, Path(name), thorough)

        each()
    return outcomes


def try_program(family: str, program: Program, runner: StoreRunner, folder: Path, thorough: bool) -> Outcome:
    """Fix one program, and run it before and after."""
    try:
        result = fixed(program.data, unsafe=False)
        if thorough:
            assert_sound(result, program.data, unsafe=False)
        if not result.applied:
            return Outcome(family)
        after = encode(decode(result.path, program.data), result.after)
        old, new = assert_equivalent(runner, program.data, after, folder, clocks=2 if thorough else 1)
        return Outcome(family, result.applied, old.exception is not None, (old.writes, new.writes))
    except Exception:
        return Outcome(family, difference=f"{traceback.format_exc(limit=-2)}\n{program.text}")


def report(outcomes: Outcomes, minutes: float) -> None:
    """Print what was done as Markdown."""
    print("| programs | tried | fixed | safe fixes | end with an exception | writes | differences |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for family in (*FAMILIES, "all"):
        found = [outcome for outcome in outcomes.values() if family in (outcome.family, "all")]
        fixes = sum(count for outcome in found for _, count in outcome.fixes)
        writes = (sum(outcome.writes[place] for outcome in found) for place in (0, 1))
        print(
            f"| {family} | {len(found):,} | {sum(bool(outcome.fixes) for outcome in found):,} | {fixes:,}"
            f" | {sum(outcome.raised for outcome in found):,} | {' → '.join(f'{count:,}' for count in writes)}"
            f" | {sum(bool(outcome.difference) for outcome in found)} |"
        )
    codes: Counter[str] = Counter()
    for outcome in outcomes.values():
        codes.update(dict(outcome.fixes))
    by_code = ", ".join(f"{code} ×{count:,}" for code, count in sorted(codes.items()))
    print(f"\nFixes: {by_code}. {minutes:.0f} minutes.")


# ----------------------------------------------------------------------------------------------------- files
def fix_files_below(folder: Path) -> int:
    """Ask for the properties of fixes on every Python file below a folder; nothing there is changed."""
    counts: Counter[str] = Counter()
    for path in sorted(folder.rglob("*.py")):
        if not path.is_file() or not is_python(data := path.read_bytes()) or b"mlflow" not in data:
            continue
        counts["files"] += 1
        for unsafe in (False, True):
            result = fixed(data, unsafe=unsafe)
            counts["fixes, all" if unsafe else "fixes, safe"] += sum(count for _, count in result.applied)
            try:
                assert_sound(result, data, unsafe=unsafe)
            except Exception:
                counts["differences"] += 1
                print(f"\n--- {path}, {'all' if unsafe else 'safe'} fixes\n{traceback.format_exc(limit=-2)}")
    print(", ".join(f"{count:,} {name}" for name, count in counts.items()))
    return int(counts["differences"] > 0)


if __name__ == "__main__":
    sys.exit(main())
