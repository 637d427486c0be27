"""Blocks that a program wrote, with a thousand calls or tests: checked all the same, and silent before it guesses.

Each of these took minutes or hours when something was worked out anew for each call of a block.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from linting import check, lines

MANY = 1_500
HEAD = "import mlflow\n\n"


def repeated(form: Callable[[int], str]) -> str:
    return "".join(map(form, range(MANY)))


@pytest.mark.parametrize(
    ("code", "text", "found"),
    [
        pytest.param(
            "MLF101",
            "for batch in loader:\n"
            + repeated(lambda i: f"    if mode == {i}:\n        mlflow.log_metric('a{i}', x)\n"),
            MANY,
            id="tests beside one another",
        ),
        pytest.param(
            "MLF205",
            repeated(lambda i: f"for k, v in results[{i}].items():\n    mlflow.log_param(k, v)\n"),
            MANY,
            id="loops over keys",
        ),
        pytest.param(
            "MLF505",
            repeated(lambda i: f"best{i} = mlflow.search_runs(['{i}'])\nprint(best{i}.iloc[0])\n"),
            MANY,
            id="searches",
        ),
        pytest.param(
            "MLF303",
            "for batch in loader:\n" + repeated(lambda i: f"    mlflow.log_table(rows{i}, 'rows{i}.json')\n"),
            MANY,
            id="tables",
        ),
        pytest.param(
            "MLF405",
            repeated(lambda i: f"mlflow.start_run()\nmlflow.log_metric('a', {i})\nmlflow.end_run()\n"),
            0,
            id="runs one after another",
        ),
    ],
)
def test_each_call_is_judged(code: str, text: str, found: int, tmp_path: Path) -> None:
    assert len(lines(check(HEAD + text, tmp_path, code), code)) == found


def test_behind_a_hundred_tests_nothing_is_said(tmp_path: Path) -> None:
    chain = "for batch in loader:\n    if mode == 'a':\n        pass\n" + repeated(
        lambda i: f"    elif mode == {i}:\n        mlflow.log_metric('a{i}', x)\n"
    )
    early = "for batch in loader:\n" + repeated(
        lambda i: f"    if batch.flag{i}:\n        continue\n    mlflow.log_metric('a{i}', x)\n"
    )
    leaving = "def log(x):\n" + repeated(lambda i: f"    if x == {i}:\n        return\n")
    leaving += "    mlflow.log_metric('a', x)\n\nfor batch in loader:\n    mlflow.log_metric('b', 1)\n    log(batch)\n"
    for text in (chain, early, leaving):
        found = lines(check(HEAD + text, tmp_path, "MLF101"), "MLF101")
        assert 0 < len(found) <= 100


def test_a_loop_that_logs_in_many_places_is_not_rewritten(tmp_path: Path) -> None:
    def loop(count: int) -> str:
        return "for batch in loader:\n" + "".join(
            f"    if mode == {i}:\n        mlflow.log_metric('a{i}', x)\n" for i in range(count)
        )

    few = check(HEAD + loop(40), tmp_path, "MLF101").findings
    assert len(few) == 40
    assert len({finding.fix for finding in few}) == 1  # of them all together
    assert all(finding.fix is None for finding in check(HEAD + loop(60), tmp_path, "MLF101").findings)
