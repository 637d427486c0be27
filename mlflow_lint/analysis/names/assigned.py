"""What a name was assigned where it is read: the assignments that a read can still see.

Invariant: order and blocks decide, tests are not weighed; an assignment that is sure to run hides those before it.
"""

from __future__ import annotations

from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import inner_blocks


def assigned_before(block: facts.Block, name: str, offset: int) -> list[facts.Expression]:
    """The values that plain assignments of a body may have given a name by the time `offset` runs, in order."""
    return _assigned(block, name, offset)[0]


def _assigned(block: facts.Block, name: str, offset: int) -> tuple[list[facts.Expression], bool]:
    """The values, and whether one of them is sure to be assigned if the block runs."""
    found: list[facts.Expression] = []
    sure = False
    for statement in block:
        if statement.span[0] >= offset:
            break
        if isinstance(statement, facts.Assign) and statement.value is not None:
            # In `uri = uri or …`, the read is older than the write.
            if facts.Name(name) in statement.targets and statement.span[1] <= offset:
                found, sure = [statement.value], True
            continue
        for inner in inner_blocks(statement):
            values, certain = _assigned(inner, name, offset)
            # `with` always runs its block; any other block has run for sure only if what reads lies in it.
            within = isinstance(statement, facts.With) or _holds(inner, offset)
            found = values if certain and within else [*found, *values]
            sure = sure or (certain and within)
    return found, sure


def _holds(block: facts.Block, offset: int) -> bool:
    return bool(block) and block[0].span[0] <= offset < block[-1].span[1]
