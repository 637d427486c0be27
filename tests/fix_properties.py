"""What must hold of every fix, whatever it is made on: asked of generated programs, of fixtures, and of any file."""

from __future__ import annotations

import ast
import difflib
import io
import shutil
import subprocess
import tempfile
import tokenize
from collections import Counter
from pathlib import Path

from tracking_store import Recorded, StoreRunner, assert_same_data

from mlflow_lint.config import default_settings
from mlflow_lint.engine import Checked, Project, check_source
from mlflow_lint.findings import SYNTAX_ERROR
from mlflow_lint.fixing import Fixed, fix_source, unified_diff
from mlflow_lint.source.file import SourceError, decode, encode
from mlflow_lint.syntax.stack import with_deep_stack

FOLDER = Path(tempfile.gettempdir())
PATCH = shutil.which("patch")


def fixed(data: bytes, *, unsafe: bool) -> Fixed:
    """Fix a file that lies nowhere, with all rules."""
    source = decode("example.py", data)
    return with_deep_stack(
        lambda: fix_source(Project(FOLDER, FOLDER), "", source, default_settings(FOLDER), unsafe=unsafe)
    )


def checked(data: bytes) -> Checked:
    """Check a file that lies nowhere, with all rules."""
    source = decode("example.py", data)
    return with_deep_stack(lambda: check_source(Project(FOLDER, FOLDER), "", source, default_settings(FOLDER)))


def assert_sound(result: Fixed, data: bytes, *, unsafe: bool) -> bytes:
    """What fixing a file came to parses, is stable, lost no comment, has no more findings; return the new bytes."""
    assert result.problems == ()
    ast.parse(result.after)
    after = encode(decode(result.path, data), result.after)
    again = fixed(after, unsafe=unsafe)
    assert (again.after, again.applied) == (result.after, ())
    assert not comments(result.before) - comments(result.after)
    assert len(codes(result.remaining)) <= len(codes(checked(data)))
    assert_newlines(result)
    assert_patch_agrees(result, data)
    return after


def is_python(data: bytes) -> bool:
    """Whether these are the bytes of a file that can be linted."""
    try:
        ast.parse(data)
        decode("example.py", data)
    except (SyntaxError, ValueError, SourceError):
        return False
    return True


def codes(found: Checked) -> list[str]:
    """The codes of what there is to say of a file that is Python."""
    codes = [finding.code for finding in found.findings]
    assert SYNTAX_ERROR not in codes
    return codes


def comments(text: str) -> Counter[str]:
    """Every comment, and how often it stands there."""
    tokens = tokenize.generate_tokens(io.StringIO(text, newline="").readline)
    return Counter(token.string.rstrip() for token in tokens if token.type == tokenize.COMMENT)


def assert_newlines(result: Fixed) -> None:
    """New lines end as the old ones do, and the file ends as it did."""
    before, after = (
        {kind: text.count(kind) for kind in ("\r\n", "\n", "\r")} for text in (result.before, result.after)
    )
    if before["\r\n"] == before["\n"] == before["\r"]:
        assert after["\r\n"] == after["\n"] == after["\r"]
    elif not before["\r"]:
        assert not after["\r"]
    assert result.after.endswith("\n") or not result.before.endswith("\n")


def assert_patch_agrees(result: Fixed, data: bytes) -> None:
    """`patch -p0` makes the same of the file as writing the fixed text."""
    diff = unified_diff(result).encode()
    assert bool(diff) is (result.before != result.after)
    if not diff or PATCH is None or b"\0" in diff:
        return
    utf8 = decode(result.path, data)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "example.py")
        mark = "\ufeff" if result.bom else ""
        file.write_bytes((mark + utf8.text).encode())
        command = [PATCH, "-p0", "--binary", "--fuzz=0"]
        done = subprocess.run(command, cwd=folder, input=diff, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode()
        assert file.read_bytes() == (mark + result.after).encode()


def assert_equivalent(
    runner: StoreRunner, before: bytes, after: bytes, folder: Path, *, clocks: int = 2
) -> tuple[Recorded, Recorded]:
    """Compare what two programs leave in the store with MLflow's clock standing still, then going on.

    A program that ends with an exception must end with the same one; of MLflow's, which name the arguments of the call
    that they refuse, with the same kind. What it left is not compared, since a merged write is made later than the
    first of its parts was. Return what they left.
    """
    old_path, new_path = folder / "before" / "program.py", folder / "after" / "program.py"
    for path, data in ((old_path, before), (new_path, after)):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    for frozen_clock in (True, False)[:clocks]:
        old, new = (runner.run(path=path, frozen_clock=frozen_clock) for path in (old_path, new_path))
        if old.exception is not None:
            assert new.exception is not None, unified(before, after)
            assert kind_of(new.exception) == kind_of(old.exception), unified(before, after)
            break
        assert_same_data(old, new, timestamps=frozen_clock)
        assert new.writes <= old.writes
    return old, new


def kind_of(exception: str) -> str:
    """What an exception says, whichever call of MLflow raises it."""
    kind = exception.partition(":")[0]
    return kind if kind.startswith("Mlflow") else exception


def unified(before: bytes, after: bytes) -> str:
    """What changed, for a person to read."""
    old, new = (decode("example.py", data).text.splitlines() for data in (before, after))
    return "\n".join(difflib.unified_diff(old, new, lineterm=""))
