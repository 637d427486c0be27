"""The files that the contenders are timed on: copies of the fixtures, and trees of ordinary Python.

Invariant: a tree is the same wherever the same Python generates it, and no two of its files that name MLflow hold the
same bytes, so that nothing is gained from having seen one before.
"""

from __future__ import annotations

import itertools
import shutil
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

_UNLIKE = ("test", "tests", "idlelib", "lib2to3", "turtledemo", "encodings", "site-packages")
"""Folders of the standard library that are unlike other code."""
_SHORTEST, _LONGEST = 20, 600
"""Lines of an ordinary file."""
_FOLDERS = 20
"""Parts that a tree has, each a copy of the standard library or of some of it."""
NAMING = "part_*/training"
"""Where the files of a tree lie that name MLflow."""


def fixtures(folder: Path, copies: int) -> None:
    """Write the fixtures several times, each time under names of their own."""
    for number in range(copies):
        _copy_of_fixtures(folder, number)


def ordinary(folder: Path, count: int, naming_mlflow: int = 0) -> None:
    """Write a tree of `count` Python files, of which some name MLflow and the others are of the standard library.

    The latter keep their places relative to each other, so that their imports lead to files of the tree.
    """
    programs = _programs()
    for number in range(naming_mlflow):
        program = programs[number % len(programs)]
        part = folder / f"part_{number % _FOLDERS:02}" / "training"
        _write(part / f"{program.stem}_{number:04}.py", _varied(program, number))
    library = list(_library())
    wanted = count - naming_mlflow
    for number, (name, data) in enumerate(itertools.islice(itertools.cycle(library), wanted)):
        _write(folder / f"part_{number // len(library):02}" / name, data)


def one_file(file: Path, lines: int) -> None:
    """Write one program of about so many lines: the functions of the fixtures, one after the other."""
    text: list[str] = []
    for number, program in enumerate(itertools.cycle(_programs())):
        if len(text) >= lines:
            break
        text += _varied(program, number).decode().replace("from __future__ import annotations\n", "").splitlines(True)
    ends = [
        number for number in range(1, lines) if text[number - 1] == "\n" and text[number].startswith(("def ", "class "))
    ]
    _write(file, "".join(text[: ends[-1]]).encode())


def call_graph(file: Path, functions: int) -> None:
    """Write functions of which each calls two others, and few write to MLflow themselves."""
    text = ["import mlflow\n"]
    for number in range(functions):
        called = sorted({(number + 1) // 2, number * 2 % functions, number - 1} - {number, -1})[:2]
        calls = "".join(f"    step_{other}(value, key)\n" for other in called)
        write = "    mlflow.log_metric(key, value)\n" if number % 50 == 0 else ""
        text.append(f"\n\ndef step_{number}(value, key):\n{write}{calls}    return value\n")
    text.append(f"\n\nfor batch in loader:\n    step_{functions - 1}(batch, 'loss')\n")
    _write(file, "".join(text).encode())


def long_loop(file: Path, writes: int) -> None:
    """Write a loop that logs in many places, each under a test of its own."""
    turns = "".join(
        f"    if mode == {number}:\n        mlflow.log_metric('metric_{number}', batch.metric_{number})\n"
        for number in range(writes)
    )
    _write(file, f"import mlflow\n\nfor batch in loader:\n{turns}".encode())


def naming_torch(folder: Path, copy: Path) -> None:
    """Copy a folder's Python files, each with one more line, which imports torch."""
    for file in sorted(folder.rglob("*.py")):
        _write(copy / file.relative_to(folder), file.read_bytes() + b"\nimport torch\n")


def size(path: Path) -> str:
    """How much there is to read."""
    files = [path] if path.is_file() else list(path.rglob("*.py"))
    lines = sum(file.read_bytes().count(b"\n") for file in files)
    return f"{len(files):,} files, {lines:,} lines"


def _copy_of_fixtures(folder: Path, number: int) -> None:
    package = f"tracking_package_{number:03}"
    for file in sorted(FIXTURES.rglob("*.py")):
        inner = file.parent != FIXTURES
        name = f"{package}/{file.name}" if inner else f"{file.stem}_{number:03}.py"
        _write(folder / name, _varied(file, number))


def _programs() -> Sequence[Path]:
    return [file for file in sorted(FIXTURES.glob("*.py")) if not file.name.startswith("databricks")]


def _varied(file: Path, number: int) -> bytes:
    """A fixture with names of its own for what it defines at the top, so that it has to be read like any other."""
    data = file.read_bytes()
    return data.replace(b"\ndef ", f"\n# Variant {number}.\n\ndef ".encode(), 1) + f"\nVARIANT = {number}\n".encode()


def _library() -> Iterator[tuple[str, bytes]]:
    """Ordinary files of the standard library: where they stand in it, and what they hold."""
    top = Path(sysconfig.get_path("stdlib"))
    for file in sorted(top.rglob("*.py")):
        place = file.relative_to(top)
        if not set(_UNLIKE).isdisjoint(place.parts):
            continue
        data = file.read_bytes()
        if b"mlflow" not in data.lower() and _SHORTEST <= data.count(b"\n") <= _LONGEST:
            yield str(place), data


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def remove(folder: Path) -> None:
    """Remove a tree, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)
