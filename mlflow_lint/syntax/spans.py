"""Where every node of a LibCST tree stands in the text.

LibCST's `PositionProvider` regenerates the module with metadata bookkeeping and a deep copy, and costs more than
twice the parse. This does the one thing needed, adding up the lengths of generated tokens, in a fraction of it.
Invariant: the tokens that LibCST generates for an unchanged module are exactly its text, so offsets add up.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import libcst
from libcst import AssignEqual, Comma, SimpleWhitespace
from libcst._nodes.internal import CodegenState

from mlflow_lint.syntax.lean import Measure, measured_by

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
    """Span of each node, by `id(node)`; the nodes must stay alive while the result is in use.

    Blanks and operators have none.
    """
    recorder = _Recorder(module)
    with measured_by(_Recorder, _MEASURES):
        module._codegen(recorder)
    return recorder.spans


def _blank(node: SimpleWhitespace, recorder: _Recorder) -> None:
    recorder.offset += len(node.value)


def _newline(node: libcst.Newline, recorder: _Recorder) -> None:
    recorder.offset += len(recorder.default_newline if node.value is None else node.value)


def _trailing(node: libcst.TrailingWhitespace, recorder: _Recorder) -> None:
    recorder.offset += len(node.whitespace.value)
    if node.comment is not None:
        recorder.offset += len(node.comment.value)
    _newline(node.newline, recorder)


def _operator(node: Any, recorder: _Recorder) -> None:
    """A token with blanks around it, which may be lines of comments."""
    for blank in (node.whitespace_before, node.whitespace_after):
        if type(blank) is SimpleWhitespace:
            recorder.offset += len(blank.value)
        else:
            blank._codegen(recorder)
    recorder.offset += len(node._get_token())


def _word(node: Any, recorder: _Recorder) -> None:
    """A name or a literal."""
    if node.lpar:
        node._codegen_impl(recorder)
        return
    start = recorder.offset
    recorder.offset = end = start + len(node.value)
    recorder.spans[id(node)] = (start, end)


def _attribute(node: libcst.Attribute, recorder: _Recorder) -> None:
    if node.lpar:
        node._codegen_impl(recorder)
        return
    start = recorder.offset
    node.value._codegen(recorder)
    _operator(node.dot, recorder)
    _word(node.attr, recorder)
    recorder.spans[id(node)] = (start, recorder.offset)


def _call(node: libcst.Call, recorder: _Recorder) -> None:
    if node.lpar:
        node._codegen_impl(recorder)
        return
    start = recorder.offset
    node.func._codegen(recorder)
    node.whitespace_after_func._codegen(recorder)
    recorder.offset += 1
    node.whitespace_before_args._codegen(recorder)
    for argument in node.args:
        argument._codegen(recorder)
    recorder.offset += 1
    recorder.spans[id(node)] = (start, recorder.offset)


def _argument(node: libcst.Arg, recorder: _Recorder) -> None:
    start = recorder.offset
    recorder.offset += len(node.star)
    node.whitespace_after_star._codegen(recorder)
    if node.keyword is not None:
        _word(node.keyword, recorder)
    if type(node.equal) is AssignEqual:
        _operator(node.equal, recorder)
    node.value._codegen(recorder)
    recorder.spans[id(node)] = (start, recorder.offset)
    if type(node.comma) is Comma:
        _operator(node.comma, recorder)
    node.whitespace_after_arg._codegen(recorder)


_MEASURES: dict[type, Measure] = {
    SimpleWhitespace: _blank,
    libcst.Newline: _newline,
    libcst.TrailingWhitespace: _trailing,
    **dict.fromkeys((Comma, libcst.Dot, AssignEqual), _operator),
    **dict.fromkeys((libcst.Name, libcst.SimpleString, libcst.Integer, libcst.Float), _word),
    libcst.Attribute: _attribute,
    libcst.Call: _call,
    libcst.Arg: _argument,
}
