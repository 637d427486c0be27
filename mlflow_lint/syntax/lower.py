"""Lower a LibCST tree to facts: the one walk over the tree.

The visitor is our own: LibCST's rebuilds every node it passes, also for reading, and costs as much as the parse.
Invariant: each node is looked at once, and the result holds no node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import libcst as cst

from mlflow_lint.facts import model as facts
from mlflow_lint.syntax.expressions import BINARY, ExpressionLowering, dotted
from mlflow_lint.syntax.spans import Spans


def lower(module: cst.Module, spans: Spans) -> facts.Module:
    """The facts of a parsed file; `spans` are those of `spans_of` for the same tree."""
    return facts.Module(_Lowering(module, spans).block(module.body))


class _Lowering(ExpressionLowering):
    """Adds statements to what is lowered."""

    def block(self, body: Sequence[cst.CSTNode]) -> facts.Block:
        statements: list[facts.Statement] = []
        for node in body:
            small = getattr(node, "body", None)
            if type(node) is cst.SimpleStatementLine:
                assert isinstance(small, Sequence)
                for child in small:
                    statements.extend(self.small(child, len(small) == 1))
            else:
                statements.append(_STATEMENTS[type(node)](self, node))
        return tuple(statements)

    def suite(self, node: cst.BaseSuite | None) -> facts.Block:
        if node is None:
            return ()
        if isinstance(node, cst.SimpleStatementSuite):
            return tuple(statement for child in node.body for statement in self.small(child, False))
        return self.block(node.body)

    def small(self, node: Any, alone: bool) -> list[facts.Statement]:
        lowered = _SMALL.get(type(node))
        if lowered is not None:
            return lowered(self, node, alone)
        return [facts.Evaluate(facts.Opaque(self.parts(node)), self.span(node), alone)]

    def evaluate(self, node: cst.Expr, alone: bool) -> list[facts.Statement]:
        return [facts.Evaluate(self.expression(node.value), self.span(node), alone)]

    def assign(self, node: cst.Assign, alone: bool) -> list[facts.Statement]:
        targets = tuple(self.expression(target.target) for target in node.targets)
        return [facts.Assign(targets, self.expression(node.value), None, self.span(node), alone)]

    def annotated(self, node: cst.AnnAssign, alone: bool) -> list[facts.Statement]:
        value = self.expression(node.value) if node.value is not None else None
        annotation = self.expression(node.annotation.annotation)
        return [facts.Assign((self.expression(node.target),), value, annotation, self.span(node), alone)]

    def update(self, node: cst.AugAssign, alone: bool) -> list[facts.Statement]:
        operator = BINARY[type(node.operator).__name__.removesuffix("Assign")]
        return [
            facts.Update(self.expression(node.target), operator, self.expression(node.value), self.span(node), alone)
        ]

    def leave(self, node: Any, alone: bool) -> list[facts.Statement]:
        value = getattr(node, "value", None) or getattr(node, "exc", None)
        kind = type(node).__name__.lower()
        return [facts.Leave(kind, self.expression(value) if value is not None else None, self.span(node))]

    def imports(self, node: cst.Import, alone: bool) -> list[facts.Statement]:
        names = []
        for alias in node.names:
            path = dotted(alias.name)
            local = dotted(alias.asname.name) if alias.asname else path.partition(".")[0]
            module = path if alias.asname else local
            names.append(facts.ImportedName(local, module, 0, None))
        return [facts.Import(tuple(names), self.span(node), alone)]

    def imports_from(self, node: cst.ImportFrom, alone: bool) -> list[facts.Statement]:
        module = dotted(node.module) if node.module else ""
        level = len(node.relative)
        if isinstance(node.names, cst.ImportStar):
            names = [facts.ImportedName("*", module, level, None)]
        else:
            names = []
            for alias in node.names:
                attribute = dotted(alias.name)
                local = dotted(alias.asname.name) if alias.asname else attribute
                names.append(facts.ImportedName(local, module, level, attribute))
        return [facts.Import(tuple(names), self.span(node), alone)]

    def declare(self, node: Any, alone: bool) -> list[facts.Statement]:
        names = tuple(item.name.value for item in node.names)
        return [facts.Declare(type(node).__name__.lower(), names, self.span(node))]

    def if_(self, node: cst.If) -> facts.Statement:
        if isinstance(node.orelse, cst.If):
            orelse: facts.Block = (self.if_(node.orelse),)
        else:
            orelse = self.suite(node.orelse.body) if node.orelse else ()
        test = self.expression(node.test)
        return facts.If(test, self.suite(node.body), orelse, self.span(node), self.full_span(node.test))

    def for_(self, node: cst.For) -> facts.Statement:
        return facts.For(
            self.expression(node.target),
            self.expression(node.iter),
            self.suite(node.body),
            self.suite(node.orelse.body) if node.orelse else (),
            node.asynchronous is not None,
            self.span(node),
            self.full_span(node.target),
            self.full_span(node.iter),
        )

    def while_(self, node: cst.While) -> facts.Statement:
        orelse = self.suite(node.orelse.body) if node.orelse else ()
        test = self.expression(node.test)
        return facts.While(test, self.suite(node.body), orelse, self.span(node), self.full_span(node.test))

    def try_(self, node: Any) -> facts.Statement:
        handlers = tuple(
            facts.Handler(
                self.expression(handler.type) if handler.type is not None else None,
                dotted(handler.name.name) if handler.name is not None else None,
                self.suite(handler.body),
            )
            for handler in node.handlers
        )
        return facts.Try(
            self.suite(node.body),
            handlers,
            self.suite(node.orelse.body) if node.orelse else (),
            self.suite(node.finalbody.body) if node.finalbody else (),
            self.span(node),
        )

    def with_(self, node: cst.With) -> facts.Statement:
        items = tuple(
            (self.expression(item.item), self.expression(item.asname.name) if item.asname else None)
            for item in node.items
        )
        return facts.With(items, self.suite(node.body), self.span(node))

    def match(self, node: cst.Match) -> facts.Statement:
        cases = tuple(
            facts.Case(
                tuple(_captures(case.pattern)),
                self.expression(case.guard) if case.guard is not None else None,
                self.suite(case.body),
            )
            for case in node.cases
        )
        return facts.Match(self.expression(node.subject), cases, self.span(node))

    def function(self, node: cst.FunctionDef) -> facts.Statement:
        parameters = self.parameters(node.params)
        decorators = tuple(self.expression(item.decorator) for item in node.decorators)
        returns = self.expression(node.returns.annotation) if node.returns is not None else None
        outer, self.yields = self.yields, False
        body = self.suite(node.body)
        is_generator, self.yields = self.yields, outer
        return facts.Function(
            node.name.value,
            parameters,
            body,
            decorators,
            returns,
            node.asynchronous is not None,
            is_generator,
            self.span(node),
        )

    def class_(self, node: cst.ClassDef) -> facts.Statement:
        bases = tuple(self.argument(argument) for argument in (*node.bases, *node.keywords))
        decorators = tuple(self.expression(item.decorator) for item in node.decorators)
        return facts.Class(node.name.value, bases, self.suite(node.body), decorators, self.span(node))


def _captures(pattern: cst.CSTNode) -> list[str]:
    """Names that a `case` pattern binds."""
    found: list[str] = []
    name = getattr(pattern, "name", None)
    if isinstance(pattern, (cst.MatchAs, cst.MatchStar)) and isinstance(name, cst.Name):
        found.append(name.value)
    rest = getattr(pattern, "rest", None)
    if isinstance(rest, cst.Name):
        found.append(rest.value)
    for child in pattern.children:
        found.extend(_captures(child))
    return found


_SMALL: dict[type, Callable[[Any, Any, bool], list[facts.Statement]]] = {
    cst.Expr: _Lowering.evaluate,
    cst.Assign: _Lowering.assign,
    cst.AnnAssign: _Lowering.annotated,
    cst.AugAssign: _Lowering.update,
    cst.Return: _Lowering.leave,
    cst.Raise: _Lowering.leave,
    cst.Break: _Lowering.leave,
    cst.Continue: _Lowering.leave,
    cst.Import: _Lowering.imports,
    cst.ImportFrom: _Lowering.imports_from,
    cst.Global: _Lowering.declare,
    cst.Nonlocal: _Lowering.declare,
}

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
