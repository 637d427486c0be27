"""Code behind a loop: whether it is sure to run when the loop has ended, and where it goes.

Invariant: pure questions of the loop's own text and statements.
"""

from __future__ import annotations

from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import inner_blocks, own_expressions
from mlflow_lint.facts.traverse import descend
from mlflow_lint.fixes.text import after_newline, line_end


def returns(block: facts.Block) -> bool:
    """Whether a turn can leave more than the loop, so that nothing after the loop would run."""
    for statement in block:
        if isinstance(statement, facts.Leave) and statement.kind in ("return", "raise"):
            return True
        if any(returns(inner) for inner in inner_blocks(statement)):
            return True
    return False


def waits(block: facts.Block) -> bool:
    """Whether a turn yields, so that the loop may never go on, or awaits."""
    for statement in block:
        if any(
            isinstance(node, (facts.Yield, facts.Await))
            for part in own_expressions(statement)
            for node in descend(part)
        ):
            return True
        if any(waits(inner) for inner in inner_blocks(statement)):
            return True
    return False


def jumps(block: facts.Block) -> bool:
    """Whether a stretch of a turn can end the turn, or the loop, before its last statement."""
    for statement in block:
        if isinstance(statement, facts.Leave):
            return True
        inner = (statement.orelse,) if isinstance(statement, (facts.For, facts.While)) else inner_blocks(statement)
        if any(map(jumps, inner)):
            return True
    return False


def line_behind(text: str, loop: facts.For | facts.While, indent: str) -> int:
    """Where the last line of a loop ends, comments that are indented like its body included."""
    end = line_end(text, loop.span[1])
    while end < len(text):
        start = after_newline(text, end)
        stop = line_end(text, start)
        line = text[start:stop]
        if not (
            line.startswith(indent)
            and line[len(indent) : len(indent) + 1] in (" ", "\t")
            and line.lstrip().startswith("#")
        ):
            break
        end = stop
    return end
