"""LibCST without what reading does not need.

Two thirds of the time of a parse and of a code generation go into things that only matter to whoever changes trees.
Invariant: the liberties taken here end with the `with` statement, and a tree is the same with and without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import libcst
from libcst._nodes.internal import CodegenState

_CHECKED = libcst.CSTNode.__post_init__
_GENERATED = libcst.CSTNode._codegen

_OWN = {"SimpleWhitespace": libcst.SimpleWhitespace, "Newline": libcst.Newline}
"""The commonest blanks, which are half of all nodes."""
_SHARED = {name: lru_cache(256)(own) for name, own in _OWN.items()}


@contextmanager
def lean_nodes() -> Iterator[None]:
    """Have LibCST's parser make nodes with less ado, which saves a fifth of the parse.

    LibCST looks at each node that anybody makes, whether it obeys the grammar, also at those that its parser has just
    made by that very grammar; a note in its source wishes for a way around that. And it makes a node for every blank
    that could be, where equal ones could be one, as nodes never change. Nodes that another thread makes meanwhile are
    made so too.
    """
    libcst.CSTNode.__post_init__ = _unchecked  # type: ignore[assignment, method-assign]
    for name, shared in _SHARED.items():
        setattr(libcst, name, shared)
    try:
        yield
    finally:
        libcst.CSTNode.__post_init__ = _CHECKED  # type: ignore[method-assign]
        for name, own in _OWN.items():
            setattr(libcst, name, own)


def _unchecked(node: libcst.CSTNode) -> None:
    pass


Measure = Callable[[Any, Any], None]
"""Does for a node and a code-generation state what generating the node's code would do for that state."""


@contextmanager
def measured_by(state: type[CodegenState], measures: dict[type, Measure]) -> Iterator[None]:
    """Generate code for states of one class by a function for each class of nodes, where there is one.

    Most nodes are names and blanks, and are sooner measured than generated.
    """

    def generate(node: libcst.CSTNode, into: CodegenState, **options: Any) -> None:
        if type(into) is not state:
            return _GENERATED(node, into, **options)
        measure = measures.get(type(node))
        if measure is not None:
            return measure(node, into)
        return node._codegen_impl(into, **options)

    libcst.CSTNode._codegen = generate  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        libcst.CSTNode._codegen = _GENERATED  # type: ignore[method-assign]
