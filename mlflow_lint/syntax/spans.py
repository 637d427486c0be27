"""Where in the text a walk over a tree has got to.

LibCST's `PositionProvider` regenerates the module with metadata bookkeeping and a deep copy, and costs more than
twice the parse. This does the one thing needed, adding up the lengths of tokens and blanks, along with whatever else
the walk does. Invariant: the tokens and blanks of a module are exactly its text, so what is walked in the order of the
text leaves the offset where the text goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflow_lint.facts import model as facts
from mlflow_lint.syntax.lean import nodes as cst
from mlflow_lint.syntax.order import ORDER

_Blank = cst.SimpleWhitespace


class Walk:
    """Keeps the offset, and what is found on the way that has no form of its own in the facts."""

    def __init__(self, module: Any, text: str, start: int) -> None:
        self.text = text
        self.start = start
        """The offset in the source where the text begins."""
        self.default_indent: str = module.default_indent
        self.default_newline: str = module.default_newline
        self.offset = start
        self.indents: list[str] = []
        self.margin = 0
        """Width of the indentation."""
        self.found: list[facts.Expression] = []
        """What is evaluated inside the node whose parts are passed."""

    def expression(self, node: Any) -> facts.Expression:
        """The facts of an expression, which is passed."""
        raise NotImplementedError

    def parts(self, node: Any) -> tuple[facts.Expression, ...]:
        """What is evaluated inside a node that has no form of its own in the facts."""
        outer, self.found = self.found, []
        self.inside(node)
        found, self.found = self.found, outer
        return tuple(found)

    def inside(self, node: Any) -> None:
        """Pass a node part by part."""
        for step in ORDER[type(node)]:
            if isinstance(step, int):
                self.offset += step
            elif isinstance(step, str):
                self.part(getattr(node, step))
            else:
                field, there, missing = step
                self.offset += missing if getattr(node, field) is None else there

    def part(self, part: Any) -> None:
        """Pass what stands in a field: nothing, a word, a node, or several."""
        kind = type(part)
        if kind is str:
            self.offset += len(part)
        elif kind is tuple or kind is list:
            for each in part:
                self.part(each)
        elif kind in ORDER:
            self.inside(part)
        elif part is None or kind is _Blank or kind is cst.ParenthesizedWhitespace:
            self.blank(part)
        else:
            self.found.append(self.expression(part))

    def since(self, offset: int) -> str:
        """The text from an offset to where the walk has got to."""
        return self.text[offset - self.start : self.offset - self.start]

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
        if node.comma is not None:
            self.token(node.comma)

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

    def increase_indent(self, value: str) -> None:
        """Enter a block."""
        self.indents.append(value)
        self.margin += len(value)

    def decrease_indent(self) -> None:
        """Leave a block."""
        self.margin -= len(self.indents.pop())
