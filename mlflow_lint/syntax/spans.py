"""Where every node of a LibCST tree stands in the text.

LibCST's `PositionProvider` regenerates the module with metadata bookkeeping and a deep copy, and costs more than
twice the parse. This does the one thing needed, adding up the lengths of generated tokens, in a fraction of it.
Invariant: the tokens that LibCST generates for an unchanged module are exactly its text, so offsets add up.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import libcst
from libcst._nodes.internal import CodegenState

Spans = dict[int, tuple[int, int]]


class _Recorder(CodegenState):
    """A code-generation state that keeps no code, only offsets; it is its own (re-entrant) context manager."""

    def __init__(self, module: libcst.Module) -> None:
        super().__init__(default_indent=module.default_indent, default_newline=module.default_newline)
        self.offset = 0
        self.spans: Spans = {}
        self._open: list[tuple[Any, Any, int]] = []
        self._next: tuple[Any, Any] = (None, None)

    def add_token(self, value: str) -> None:
        self.offset += len(value)

    def add_indent_tokens(self) -> None:
        for token in self.indent_tokens:
            self.offset += len(token)

    def pop_trailing_newline(self) -> None:
        """LibCST drops the newline that a file without a final one lacks; no node starts after it."""

    # LibCST brackets the code of each node with this context manager, parentheses and outer blanks left out.
    def record_syntactic_position(self, node: Any, *, start_node: Any = None, end_node: Any = None) -> Any:
        self._next = (node, end_node)
        return self

    def __enter__(self) -> None:
        self._open.append((*self._next, self.offset))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        node, end_node, start = self._open.pop()
        end = self.offset
        if end_node is not None:
            # A block's own code runs on over its footer; it ends where its last statement does.
            end = self.spans.get(id(end_node), (0, end))[1]
        self.spans[id(node)] = (start, end)


def spans_of(module: libcst.Module) -> Spans:
    """Span of each node, by `id(node)`; the nodes must stay alive while the result is in use."""
    recorder = _Recorder(module)
    module._codegen(recorder)
    return recorder.spans
