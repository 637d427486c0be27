"""Remember answers that may depend on one another in a circle.

A question that is asked again while it is being answered gets a neutral answer, and what was concluded from that is
good only for the question at the head of the circle; it is dropped once that one is answered. A question that too many
others wait for is treated like one that leads back to the first. Invariant: an answer does not depend on which
question of a circle was asked first elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import islice
from typing import Generic, TypeVar

Answer = TypeVar("Answer")

_NEVER = 1 << 30
_LARGEST_CIRCLE = 100
_DEEPEST = 1_500
"""Questions in progress, each of some frames, that fit into the stack of `with_deep_stack`."""


class Memo(Generic[Answer]):
    """Answers by key; `neutral` is what a question in progress is worth, and what too large a circle widens to."""

    def __init__(self, neutral: Answer) -> None:
        self._neutral = neutral
        self._known: dict[Hashable, Answer] = {}
        self._passing: dict[Hashable, tuple[Answer, int]] = {}
        self._asked: dict[Hashable, int] = {}
        self._lowest = _NEVER
        """Depth of the outermost question in progress that the current answer rests on."""

    def clear(self) -> None:
        """Forget every answer."""
        self._known.clear()

    @property
    def firm(self) -> bool:
        """Whether what was worked out so far for the question in progress rests on no other such question."""
        return self._lowest == _NEVER

    def get(self, key: Hashable, answer: Callable[[], Answer]) -> Answer:
        """The answer to `key`, worked out by `answer` when it is not known."""
        if key in self._known:
            return self._known[key]
        if key in self._asked:
            self._lowest = min(self._lowest, self._asked[key])
            return self._neutral
        if key in self._passing:
            found, lowest = self._passing[key]
            self._lowest = min(self._lowest, lowest)
            return found
        depth, before = len(self._asked), len(self._passing)
        if depth > _DEEPEST:
            # As if it led back to the first question: what rests on it is unknown, and silent.
            self._lowest = 0
            return self._neutral
        outer, self._lowest = self._lowest, _NEVER
        self._asked[key] = depth
        try:
            found = answer()
        finally:
            del self._asked[key]
            lowest, self._lowest = self._lowest, outer
        if lowest < depth:
            self._passing[key] = (found, lowest)
            self._lowest = min(self._lowest, lowest)
            return found
        # Those that lead back to this question were asked since: the last ones.
        since = islice(reversed(self._passing.items()), len(self._passing) - before)
        circle = [other for other, (_, low) in since if low >= depth]
        if len(circle) > _LARGEST_CIRCLE:
            found = self._neutral
            self._known.update(dict.fromkeys(circle, self._neutral))
        for other in circle:
            del self._passing[other]
        self._known[key] = found
        return found
