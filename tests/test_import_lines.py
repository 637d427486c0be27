"""What import lines say: no more and no less than a regular expression over the whole file finds."""

from __future__ import annotations

import re
import sysconfig
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlflow_lint.project.import_lines import import_lines

# The slow way to the same: it looks at every position.
_ANYWHERE = re.compile(
    rb"^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^#\r\n]*)|import[ \t]+([\w. \t,]+))", re.MULTILINE
)

_PIECES = (
    *("import", "from", " ", "\t", "\n", "\r\n", "a", "a.b", ".", "..", "(", ")", ",", "*", "as", "#", "\\\n", ";"),
    *("import a", "from . import b", "from a import (b,\n    c)", "\n", "\n    ", "x = 'import'", "# import"),
)


@given(st.lists(st.sampled_from(_PIECES)).map("".join))
def test_any_text(text: str) -> None:
    code = text.encode()
    assert list(import_lines(code)) == _ANYWHERE.findall(code)


def test_the_standard_library() -> None:
    for file in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        code = file.read_bytes()
        assert list(import_lines(code)) == _ANYWHERE.findall(code), file


@pytest.mark.parametrize("code", [b"import " * 200_000, b"\nimport" * 200_000, b"x" * 2_000_000, b"from " * 200_000])
def test_odd_files_take_no_longer(code: bytes) -> None:
    start = time.process_time()
    list(import_lines(code))
    assert time.process_time() - start < 2
