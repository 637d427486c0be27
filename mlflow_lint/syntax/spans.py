"""Where in the text a walk over a tree has got to.

LibCST's `PositionProvider` regenerates the module with metadata bookkeeping and a deep copy, and costs more than
twice the parse. This does the one thing needed, adding up the lengths of tokens and blanks, along with whatever else
the walk does. Invariant: the tokens that LibCST generates for an unchanged module are exactly its text, so what is
walked in the order of the text leaves the offset where the text goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from libcst import MaybeSentinel
from libcst._nodes.internal import CodegenState

from mlflow_lint.facts import model as facts
from mlflow_lint.syntax.lean import nodes as cst

_Blank = cst.SimpleWhitespace
_NOTHING = nullcontext()


class Walk(CodegenState):
    """A code-generation state that keeps no code, only the offset.

    What is common is measured by the methods here and in the subclasses, the rest by the code that LibCST generates.
    """

    def __init__(self, module: Any, start: int) -> None:
        super().__init__(default_indent=module.default_indent, default_newline=module.default_newline)
        self.offset = start
        self.margin = 0
        """Width of the indentation."""
        self.found: list[facts.Expression] = []
        """What is evaluated inside the node whose code LibCST generates."""

    def expression(self, node: Any) -> facts.Expression:
        """The facts of an expression, which is passed."""
        raise NotImplementedError

    def meet(self, node: Any, **options: Any) -> None:
        """Pass a node that stands in one whose code LibCST generates."""
        node._codegen_impl(self, **options)

    def parts(self, node: Any, **options: Any) -> tuple[facts.Expression, ...]:
        """What is evaluated inside a node that has no form of its own in the facts."""
        outer, self.found = self.found, []
        node._codegen_impl(self, **options)
        found, self.found = self.found, outer
        return tuple(found)

    def code(self, node: Any) -> str:
        """The text of a node."""
        state = _Code(self.default_indent, self.default_newline)
        node._codegen(state)
        return "".join(state.tokens)

    def blank(self, node: Any) -> None:
        """What may be blanks, or lines of comments in brackets, or nothing."""
        if type(node) is _Blank:
            self.offset += len(node.value)
        elif type(node) is cst.ParenthesizedWhitespace:
            self.trailing(node.first_line)
            self.lines(node.empty_lines)
            if node.indent:
                self.offset += self.margin
            self.offset += len(node.last_line.value)
        elif node is not MaybeSentinel.DEFAULT and node is not None:
            node._codegen_impl(self)

    def token(self, node: Any, width: int = 1) -> None:
        """A comma or an operator, with the blanks around it."""
        before, after = node.whitespace_before, node.whitespace_after
        if type(before) is _Blank and type(after) is _Blank:
            self.offset += len(before.value) + width + len(after.value)
        else:
            self.blank(before)
            self.offset += width
            self.blank(after)

    def comma(self, node: Any) -> None:
        """The comma after a node, if there is one."""
        comma = node.comma
        if type(comma) is cst.Comma:
            self.token(comma)

    def opening(self, node: Any) -> None:
        """A bracket that opens."""
        self.offset += 1
        self.blank(node.whitespace_after)

    def closing(self, node: Any) -> None:
        """A bracket that closes."""
        self.blank(node.whitespace_before)
        self.offset += 1

    def open(self, node: Any) -> None:
        """The parentheses before an expression."""
        for paren in node.lpar:
            self.opening(paren)

    def close(self, node: Any) -> None:
        """The parentheses after an expression."""
        for paren in node.rpar:
            self.closing(paren)

    def asynchronous(self, node: Any) -> bool:
        """Whether there is an `async` before what a node begins with."""
        word = node.asynchronous
        if word is None:
            return False
        self.offset += len("async")
        self.blank(word.whitespace_after)
        return True

    def trailing(self, node: Any) -> None:
        """The end of a line, which LibCST notes where it is not that of most lines."""
        end = node.newline.value
        self.offset += len(node.whitespace.value) + len(self.default_newline if end is None else end)
        if node.comment is not None:
            self.offset += len(node.comment.value)

    def lines(self, empty: Sequence[Any]) -> None:
        """Empty lines and comments."""
        for line in empty:
            if line.indent:
                self.offset += self.margin
            self.trailing(line)

    # What follows LibCST calls as it generates code.
    def add_token(self, value: str) -> None:
        """Pass a word or a sign."""
        self.offset += len(value)

    def add_indent_tokens(self) -> None:
        """Pass the indentation of a line."""
        self.offset += self.margin

    def increase_indent(self, value: str) -> None:
        """Enter a block."""
        self.indent_tokens.append(value)
        self.margin += len(value)

    def decrease_indent(self) -> None:
        """Leave a block."""
        self.margin -= len(self.indent_tokens.pop())

    def record_syntactic_position(self, node: Any, *, start_node: Any = None, end_node: Any = None) -> Any:
        """Nothing: spans are made of offsets."""
        return _NOTHING


class _Code(CodegenState):
    """LibCST's own, for light nodes."""

    def meet(self, node: Any, **options: Any) -> None:
        node._codegen_impl(self, **options)
