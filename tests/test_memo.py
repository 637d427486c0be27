"""Answers that rest on one another: circles, large circles, and questions that lead on and on."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mlflow_lint.analysis.memo import Memo
from mlflow_lint.syntax.stack import with_deep_stack

Graph = Mapping[int, tuple[int, ...]]


def reachable(memo: Memo[frozenset[int]], graph: Graph, node: int) -> frozenset[int]:
    """The nodes that a node leads to, itself included, asked for by recursion."""

    def answer() -> frozenset[int]:
        return frozenset({node}).union(*(reachable(memo, graph, other) for other in graph[node]))

    return memo.get(node, answer)


@pytest.mark.parametrize("first", range(4))
def test_the_answer_does_not_depend_on_what_was_asked_first(first: int) -> None:
    graph = {0: (1,), 1: (2,), 2: (0, 3), 3: ()}
    memo: Memo[frozenset[int]] = Memo(frozenset())
    reachable(memo, graph, first)
    assert [reachable(memo, graph, node) for node in range(4)] == [{0, 1, 2, 3}] * 3 + [{3}]


def test_a_large_circle_is_neutral_for_all_in_it() -> None:
    size = 150
    graph = {node: ((node + 1) % size,) for node in range(size)}
    memo: Memo[frozenset[int]] = Memo(frozenset())
    assert {reachable(memo, graph, node) for node in (7, 0, 149)} == {frozenset()}


def test_questions_that_lead_on_and_on_end() -> None:
    size = 20_000
    graph: Graph = {node: (node + 1,) for node in range(size)} | {size: ()}
    memo: Memo[frozenset[int]] = Memo(frozenset())
    assert with_deep_stack(lambda: reachable(memo, graph, 0)) == frozenset()
    assert reachable(memo, graph, size) == {size}
