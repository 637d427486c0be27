"""Lower a LibCST tree to facts: the one walk over the tree.

The visitor is our own: LibCST's rebuilds every node it passes, also for reading, and costs as much as the parse.
Invariant: each node is passed once, in the order of the text, and the result holds no node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mlflow_lint.facts import model as facts
from mlflow_lint.syntax.lean import nodes as cst
from mlflow_lint.syntax.simple import SimpleLowering


def lower(module: Any, text: str, start: int = 0) -> facts.Module:
    """The facts of a parsed text that begins at an offset of the source."""
    lowering = _Lowering(module, text, start)
    lowering.lines(module.header)
    return facts.Module(lowering.block(module.body))


class _Lowering(SimpleLowering):
    """Adds compound statements and blocks to what is lowered."""

    def __init__(self, module: Any, text: str, start: int) -> None:
        super().__init__(module, text, start)
        self.captured: list[str] = []
        """Names that the last `case` pattern binds."""

    def block(self, body: Sequence[Any]) -> facts.Block:
        statements: list[facts.Statement] = []
        for node in body:
            kind = type(node)
            if kind is cst.SimpleStatementLine:
                self.lines(node.leading_lines)
                self.offset += self.margin
                alone = len(node.body) == 1
                statements += [self.small(small, alone) for small in node.body]
                self.trailing(node.trailing_whitespace)
            else:
                self.lines(node.leading_lines)
                statements.append(_STATEMENTS[kind](self, node))
        return tuple(statements)

    def suite(self, node: Any, blank: Any) -> facts.Block:
        """Blanks, a colon and the body behind it."""
        self.blank(blank)
        self.offset += 1
        if type(node) is cst.SimpleStatementSuite:
            self.blank(node.leading_whitespace)
            statements = tuple([self.small(small, False) for small in node.body])
            self.trailing(node.trailing_whitespace)
            return statements
        self.trailing(node.header)
        self.increase_indent(self.default_indent if node.indent is None else node.indent)
        statements = self.block(node.body)
        self.lines(node.footer)
        self.decrease_indent()
        return statements

    def keyword(self, word: str) -> int:
        """The keyword that a line begins with; the result is where it stands."""
        start = self.offset + self.margin
        self.offset = start + len(word)
        return start

    def alternative(self, node: Any, word: str) -> facts.Block:
        """`else:` or `finally:` and the body behind it, if there is one."""
        if node is None:
            return ()
        self.lines(node.leading_lines)
        self.keyword(word)
        return self.suite(node.body, node.whitespace_before_colon)

    def if_(self, node: Any, word: str = "if") -> facts.Statement:
        start = self.keyword(word)
        self.blank(node.whitespace_before_test)
        test, span = self.spanned(node.test)
        body = self.suite(node.body, node.whitespace_after_test)
        if type(node.orelse) is cst.If:
            self.lines(node.orelse.leading_lines)
            orelse: facts.Block = (self.if_(node.orelse, "elif"),)
        else:
            orelse = self.alternative(node.orelse, "else")
        return facts.If(test, body, orelse, (start, self.end), span)

    def spanned(self, node: Any) -> tuple[facts.Expression, facts.Span]:
        """An expression and where it stands, with its parentheses."""
        start = self.offset
        return self.expression(node), (start, self.offset)

    def for_(self, node: Any) -> facts.Statement:
        start = self.keyword("")
        asynchronous = self.asynchronous(node)
        self.offset += len("for")
        self.blank(node.whitespace_after_for)
        target, target_span = self.spanned(node.target)
        self.blank(node.whitespace_before_in)
        self.offset += len("in")
        self.blank(node.whitespace_after_in)
        iterable, iterable_span = self.spanned(node.iter)
        body = self.suite(node.body, node.whitespace_before_colon)
        orelse = self.alternative(node.orelse, "else")
        span = (start, self.end)
        return facts.For(target, iterable, body, orelse, asynchronous, span, target_span, iterable_span)

    def while_(self, node: Any) -> facts.Statement:
        start = self.keyword("while")
        self.blank(node.whitespace_after_while)
        test, span = self.spanned(node.test)
        body = self.suite(node.body, node.whitespace_before_colon)
        orelse = self.alternative(node.orelse, "else")
        return facts.While(test, body, orelse, (start, self.end), span)

    def try_(self, node: Any) -> facts.Statement:
        start = self.keyword("try")
        body = self.suite(node.body, node.whitespace_before_colon)
        handlers = tuple([self.handler(handler) for handler in node.handlers])
        orelse = self.alternative(node.orelse, "else")
        finalbody = self.alternative(node.finalbody, "finally")
        return facts.Try(body, handlers, orelse, finalbody, (start, self.end))

    def handler(self, node: Any) -> facts.Handler:
        self.lines(node.leading_lines)
        self.keyword("except")
        self.blank(node.whitespace_after_except)
        if type(node) is cst.ExceptStarHandler:
            self.offset += len("*")
            self.blank(node.whitespace_after_star)
        error = self.expression(node.type) if node.type is not None else None
        name = None
        if node.name is not None:
            self.as_(node.name)
            name = self.dotted(node.name.name)
        return facts.Handler(error, name, self.suite(node.body, node.whitespace_before_colon))

    def with_(self, node: Any) -> facts.Statement:
        start = self.keyword("")
        self.asynchronous(node)
        self.offset += len("with")
        self.blank(node.whitespace_after_with)
        if node.lpar is not None:
            self.opening(node.lpar)
        items: list[tuple[facts.Expression, facts.Expression | None]] = []
        for item in node.items:
            manager = self.expression(item.item)
            name = None
            if item.asname is not None:
                self.as_(item.asname)
                name = self.expression(item.asname.name)
            self.comma(item)
            items.append((manager, name))
        if node.rpar is not None:
            self.closing(node.rpar)
        body = self.suite(node.body, node.whitespace_before_colon)
        return facts.With(tuple(items), body, (start, self.end))

    def match(self, node: Any) -> facts.Statement:
        start = self.keyword("match")
        self.blank(node.whitespace_after_match)
        subject = self.expression(node.subject)
        self.blank(node.whitespace_before_colon)
        self.offset += 1
        self.trailing(node.whitespace_after_colon)
        self.increase_indent(self.default_indent if node.indent is None else node.indent)
        cases = tuple([self.case(case) for case in node.cases])
        self.lines(node.footer)
        self.decrease_indent()
        return facts.Match(subject, cases, (start, self.end))

    def case(self, node: Any) -> facts.Case:
        self.lines(node.leading_lines)
        self.keyword("case")
        self.blank(node.whitespace_after_case)
        self.captured = []
        self.part(node.pattern)
        captured = tuple(self.captured)
        self.blank(node.whitespace_before_if)
        if node.guard is not None:
            self.offset += len("if")
        self.blank(node.whitespace_after_if)
        guard = self.expression(node.guard) if node.guard is not None else None
        return facts.Case(captured, guard, self.suite(node.body, node.whitespace_before_colon))

    def inside(self, node: Any) -> None:
        field = _CAPTURES.get(type(node))
        if field is not None and type(getattr(node, field)) is cst.Name:
            self.captured.append(getattr(node, field).value)
        super().inside(node)

    def function(self, node: Any) -> facts.Statement:
        decorators = self.decorators(node)
        start = self.keyword("")
        asynchronous = self.asynchronous(node)
        self.offset += len("def")
        self.blank(node.whitespace_after_def)
        name = self.declared(node)
        self.offset += len("(")
        self.blank(node.whitespace_before_params)
        parameters = self.parameters(node.params)
        self.offset += len(")")
        returns = self.annotation(node.returns, "->") if node.returns is not None else None
        outer, self.yields = self.yields, False
        body = self.suite(node.body, node.whitespace_before_colon)
        is_generator, self.yields = self.yields, outer
        span = (start, self.end)
        return facts.Function(name, parameters, body, decorators, returns, asynchronous, is_generator, span)

    def class_(self, node: Any) -> facts.Statement:
        decorators = self.decorators(node)
        start = self.keyword("class")
        self.blank(node.whitespace_after_class)
        name = self.declared(node)
        if node.lpar is not None:
            self.opening(node.lpar)
        bases = tuple([self.argument(argument) for argument in (*node.bases, *node.keywords)])
        if node.rpar is not None:
            self.closing(node.rpar)
        body = self.suite(node.body, node.whitespace_before_colon)
        return facts.Class(name, bases, body, decorators, (start, self.end))

    def decorators(self, node: Any) -> tuple[facts.Expression, ...]:
        found: list[facts.Expression] = []
        for item in node.decorators:
            self.lines(item.leading_lines)
            self.keyword("@")
            self.blank(item.whitespace_after_at)
            found.append(self.expression(item.decorator))
            self.trailing(item.trailing_whitespace)
        self.lines(node.lines_after_decorators)
        return tuple(found)

    def declared(self, node: Any) -> str:
        """The name of a function or class, with the type parameters behind it."""
        name = self.dotted(node.name)
        self.blank(node.whitespace_after_name)
        if node.type_parameters is not None:
            self.parts(node.type_parameters)
        self.blank(node.whitespace_after_type_parameters)
        return name


_STATEMENTS: dict[type, Callable[[Any, Any], facts.Statement]] = {
    cst.If: _Lowering.if_,
    cst.For: _Lowering.for_,
    cst.While: _Lowering.while_,
    cst.Try: _Lowering.try_,
    cst.TryStar: _Lowering.try_,
    cst.With: _Lowering.with_,
    cst.Match: _Lowering.match,
    cst.FunctionDef: _Lowering.function,
    cst.ClassDef: _Lowering.class_,
}

_CAPTURES = {cst.MatchAs: "name", cst.MatchStar: "name", cst.MatchMapping: "rest"}
