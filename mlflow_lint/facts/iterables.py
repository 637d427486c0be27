"""What loops walk over, behind calls that give the same items: `enumerate(tqdm(items))` walks `items`.

Invariant: calls are told by their last word alone, as progress bars come from many libraries.
"""

from __future__ import annotations

from collections.abc import Collection

from mlflow_lint.facts.model import Call, Expression
from mlflow_lint.facts.traverse import argument, last_name

PROGRESS_BARS = frozenset(
    "tqdm tqdm_notebook notebook_tqdm track progress_bar progressbar ProgressBar Bar master_bar alive_it".split()
)
"""They give the items of their first argument, and show how many there were."""

SAME_ITEMS = PROGRESS_BARS | frozenset("list tuple set sorted reversed iter".split())
"""They give the items of their first argument, be it in another order."""


def unwrapped(iterable: Expression, wrappers: Collection[str]) -> Expression:
    """What is inside calls of these names, each of which has it as its first argument."""
    while isinstance(iterable, Call) and last_name(iterable.function) in wrappers:
        inner = argument(iterable, "iterable", 0)
        if inner is None:
            break
        iterable = inner.value
    return iterable
