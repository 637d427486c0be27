"""Which findings comments silence; `noqa` is held against flake8 itself."""

from __future__ import annotations

import argparse

import pytest
from flake8.processor import FileProcessor
from flake8.violation import Violation
from hypothesis import given
from hypothesis import strategies as st

from mlflow_lint.findings import Finding, Region, Severity
from mlflow_lint.source.suppress import suppressions


def finding(code: str = "MLF101", first: int = 1, last: int | None = None, line: int | None = None) -> Finding:
    place = line or first
    region = Region(place, 1, place, 2)
    return Finding(code, "some-rule", "m", "x.py", region, (first, last or first), Severity.INFO)


def silenced(text: str, code: str = "MLF101", first: int = 1, last: int | None = None) -> bool:
    return suppressions(text).silences(finding(code, first, last))


# --- noqa ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# noqa", True),
        ("# NoQA", True),
        ("# noqa: MLF101", True),
        ("# NOQA:MLF101", True),
        ("# noqa: E501, MLF101", True),
        ("# noqa: E501 MLF101", True),
        ("# noqa: MLF1", True),
        ("# noqa: MLF101 the loop is short", True),
        ("# why not # noqa: MLF101", True),
        ("# type: ignore # noqa: MLF101", True),
        ("# noqa: MLF102", False),
        ("# noqa: E501", False),
        ("# noqa: MLF2,E501", False),
        ("# noqa:", True),
        ("# nothing", False),
        ("# see noqa", False),
        ("#noqa", False),
    ],
)
def test_noqa_forms(comment: str, expected: bool) -> None:
    assert silenced(f"log()  {comment}\n") is expected


WORDS = [
    "# noqa",
    "#",
    "noqa",
    "NoQA",
    ":",
    " ",
    ",",
    "\t",
    "MLF101",
    "mlf101",
    "MLF1",
    "MLF2",
    "MLF",
    "E501",
    "x",
]
COMMENTS = st.lists(st.sampled_from(WORDS), max_size=8).map("".join)


@given(COMMENTS, st.sampled_from(["MLF101", "MLF201", "MLF102"]))
def test_noqa_means_what_it_means_to_flake8(comment: str, code: str) -> None:
    line = f"log()  #{comment}"
    violation = Violation(code, "x.py", 1, 1, "m", line)
    assert silenced(f"{line}\n", code) is violation.is_inline_ignored(disable_noqa=False)


SNIPPETS = [
    "log(a,  # noqa\n    b)\n",
    "log(a,\n    b)  # noqa: MLF101\n",
    "log('''a\nb\nc''')  # noqa\n",
    "log(a, \\\n    b)  # noqa\n",
    "log(a)\n# noqa\nlog(b)\n",
    "if a:\n    log('''\n''', '''\n''')  # noqa: MLF1\n    log(b)\n",
]


@pytest.mark.parametrize("text", SNIPPETS)
def test_noqa_covers_the_lines_that_flake8_lets_it_cover(text: str) -> None:
    lines = text.splitlines(keepends=True)
    options = argparse.Namespace(
        hang_closing=False,
        indent_size=4,
        max_line_length=79,
        max_doc_length=None,
        verbose=0,
        disable_noqa=False,
    )
    processor = FileProcessor("x.py", options, lines)
    for number in range(1, len(lines) + 1):
        expected = Violation("MLF101", "x.py", number, 1, "m", processor.noqa_line_for(number)).is_inline_ignored(
            disable_noqa=False
        )
        assert suppressions(text).silences(finding(first=number)) is expected, number


def test_noqa_counts_on_the_first_the_last_and_the_reported_line_of_a_statement() -> None:
    for line in (1, 2, 3, 4):
        rows = ["log(", "    a,", "    b,", ")"]
        rows[line - 1] += "  # noqa: MLF101"
        text = "\n".join(rows)
        assert suppressions(text).silences(finding(first=1, last=4, line=2)) is (line != 3)


def test_text_in_strings_is_no_comment() -> None:
    text = "a = '# noqa'\nb = '''\n# noqa\n# mlflow-lint: file-ignore\n# flake8: noqa\n'''\nlog(f'# noqa {a}')\n"
    assert not any(silenced(text, first=line) for line in range(1, 9))


def test_noqa_can_be_switched_off_without_our_own_form() -> None:
    text = "log()  # noqa\nlog()  # mlflow-lint: ignore\n# flake8: noqa\n"
    found = suppressions(text, respect_noqa=False)
    assert not found.silences(finding(first=1))
    assert found.silences(finding(first=2))


# --- whole files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("# flake8: noqa", {"MLF101", "MLF201"}),
        ("    # FLAKE8: NOQA", {"MLF101", "MLF201"}),
        ("# flake8: noqa: MLF101", {"MLF101"}),
        ("# flake8: noqa: MLF2, E501", {"MLF201"}),
        ("# flake8: noqa: E501", set()),
        ("x = 1  # flake8: noqa", set()),
        ("# about flake8: noqa", set()),
        ("# mlflow-lint: file-ignore", {"MLF101", "MLF201"}),
        ("    # mlflow-lint: file-ignore[MLF101]", {"MLF101"}),
        ("# mlflow-lint: file-ignore[MLF1, MLF201]", {"MLF101", "MLF201"}),
        ("x = 1  # mlflow-lint: file-ignore", set()),
        ("# mlflow-lint: file-ignore MLF101", set()),
    ],
)
def test_file_forms(line: str, codes: set[str]) -> None:
    text = f"log()\n\n{line}\n\nlog()\n"
    assert {code for code in ("MLF101", "MLF201") if silenced(text, code, first=5)} == codes


# --- our own form ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "comment",
    [
        "# mlflow-lint: ignore",
        "#mlflow-lint:ignore",
        "# mlflow-lint: ignore[MLF101]",
        "# mlflow-lint: ignore[MLF2, MLF1]",
        "# mlflow-lint: ignore[ MLF101 ]",
        "# mlflow-lint: ignore[MLF101] three turns only",
        "# mlflow-lint: ignore  # pragma: no cover",
        "# type: ignore # mlflow-lint: ignore[MLF101]",
        "# mlflow-lint: ignore[MLF201] # mlflow-lint: ignore[MLF101]",
    ],
)
def test_ignore_counts_at_the_end_and_above(comment: str) -> None:
    assert silenced(f"log()  {comment}\n")
    assert silenced(f"{comment}\nlog()\n", first=2)


@pytest.mark.parametrize(
    "comment",
    [
        "# mlflow-lint: ignored",
        "# mlflow-lint: ignore MLF101",
        "# mlflow-lint: ignore: MLF101",
        "# mlflow-lint: ignore [MLF101]",
        "# mlflow-lint: ignore[]",
        "# mlflow-lint: ignore[MLF101",
        "# mlflow-lint: ignore[MLF101]x",
        "# mlflow-lint: ignore[MLF101,]",
        "# mlflow-lint: ignore[MLF101 MLF102]",
        "# mlflow-lint: ignore[mlf101]",
        "# mlflow-lint: ignore[MLF1010]",
        "# mlflow-lint: ignore[E501]",
        "# mlflow-lint: ignore[MLF101, E501]",
        "# mlflow-lint: Ignore",
        "# mlflow-lint : ignore",
        "# mlflow_lint: ignore",
        "# so mlflow-lint: ignore",
        "# mlflow-lint: disable",
        "# mlflow-lint: ignore[MLF102]",
    ],
)
def test_malformed_comments_and_other_codes_silence_nothing(comment: str) -> None:
    assert not silenced(f"log()  {comment}\n")
    assert not silenced(f"{comment}\nlog()\n", first=2)


def test_ignore_at_either_end_of_a_statement() -> None:
    assert silenced("log(  # mlflow-lint: ignore\n    a,\n)\n", last=3)
    assert silenced("log(\n    a,\n)  # mlflow-lint: ignore\n", last=3)
    assert not silenced("log(\n    a,  # mlflow-lint: ignore\n)\n", last=3)
    assert not silenced("log(\n    # mlflow-lint: ignore\n    a,\n)\n", last=4)


def test_ignore_above_reaches_the_next_statement_only() -> None:
    text = "# mlflow-lint: ignore[MLF101]\n    # because\n# mlflow-lint: ignore[MLF201]\nlog()\nlog()\n"
    assert silenced(text, "MLF101", first=4)
    assert silenced(text, "MLF201", first=4)
    assert not silenced(text, "MLF101", first=5)
    assert not silenced("# mlflow-lint: ignore\n\nlog()\n", first=3)
    assert not silenced("a()  # mlflow-lint: ignore\nlog()\n", first=2)
    assert not silenced("log()\n# mlflow-lint: ignore\n", first=1)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_python_does(newline: str) -> None:
    text = newline.join(["a = '\u2028\x0c'", "\x0clog()  # noqa", "log()"])
    assert [silenced(text, first=line) for line in (1, 2, 3)] == [False, True, False]


# --- bad input -------------------------------------------------------------------------------------------

BROKEN = [
    "log(  # noqa\n",
    "if x:\n        a\n    b  # noqa\n",
    "'''  # noqa\n",
    "x = \\\n# noqa",
    "\x00  # noqa\n",
]


@pytest.mark.parametrize("text", BROKEN)
def test_broken_files_still_have_their_comments_read(text: str) -> None:
    line = next(number for number, row in enumerate(text.split("\n"), start=1) if "# noqa" in row)
    assert silenced(text, "MLF000", first=line)


PIECES = [
    "# noqa",
    "# mlflow-lint: ignore",
    "'''",
    "'",
    "(",
    ")",
    "\n",
    "\r",
    "\\\n",
    " ",
    "x",
    "\x00",
    "\ud800",
    "f'{",
]


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_no_text_makes_it_raise(text: str) -> None:
    suppressions(text).silences(finding())


def test_many_comments_take_linear_time() -> None:
    text = "# mlflow-lint: ignore\n" * 20_000 + "log()\n"
    assert silenced(text, first=20_001)
