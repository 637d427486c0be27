"""Lower a LibCST tree to facts: the one walk over the tree.

The visitor is our own: LibCST's rebuilds every node it passes, also for reading, and costs as much as the parse.
Invariant: each node is looked at once, and the result holds no node.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import libcst as cst

from mlflow_lint.facts import model as facts
from mlflow_lint.syntax.spans import Spans

_UNARY = {"Not": "not", "Minus": "-", "Plus": "+", "BitInvert": "~"}
_BINARY = {
    "Add": "+", "Subtract": "-", "Multiply": "*", "Divide": "/", "FloorDivide": "//", "Modulo": "%", "Power": "**",
    "MatrixMultiply": "@", "LeftShift": "<<", "RightShift": ">>", "BitAnd": "&", "BitOr": "|", "BitXor": "^",
    "And": "and", "Or": "or",
}  # fmt: skip
_COMPARE = {
    "Equal": "==", "NotEqual": "!=", "LessThan": "<", "LessThanEqual": "<=", "GreaterThan": ">",
    "GreaterThanEqual": ">=", "In": "in", "NotIn": "not in", "Is": "is", "IsNot": "is not",
}  # fmt: skip


def lower(module: cst.Module, spans: Spans) -> facts.Module:
    """The facts of a parsed file; `spans` are those of `spans_of` for the same tree."""
    return facts.Module(_Lowering(module, spans).block(module.body))


class _Lowering:
    """Dispatches on the type of a node; a type without a method of its own is opaque but searched for calls."""

    def __init__(self, module: cst.Module, spans: Spans) -> None:
        self.module = module
        self.spans = spans
        self.yields = False

    def span(self, node: cst.CSTNode) -> facts.Span:
        return self.spans.get(id(node), (0, 0))

    def full_span(self, node: Any) -> facts.Span:
        """Span of an expression with the parentheses around it, which LibCST's own positions leave out."""
        start, end = self.span(node)
        for paren in getattr(node, "lpar", ()):
            start -= len(self.module.code_for_node(paren))
        for paren in getattr(node, "rpar", ()):
            end += len(self.module.code_for_node(paren))
        return (start, end)

    # -------------------------------------------------------------------------------------------- statements
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
        parts = self.parts(node)
        return [facts.Evaluate(facts.Opaque(parts), self.span(node), alone)] if parts else []

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
        operator = _BINARY[type(node.operator).__name__.removesuffix("Assign")]
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
            dotted = _dotted(alias.name)
            local = _dotted(alias.asname.name) if alias.asname else dotted.partition(".")[0]
            module = dotted if alias.asname else local
            names.append(facts.ImportedName(local, module, 0, None))
        return [facts.Import(tuple(names), self.span(node), alone)]

    def imports_from(self, node: cst.ImportFrom, alone: bool) -> list[facts.Statement]:
        module = _dotted(node.module) if node.module else ""
        level = len(node.relative)
        if isinstance(node.names, cst.ImportStar):
            names = [facts.ImportedName("*", module, level, None)]
        else:
            names = []
            for alias in node.names:
                attribute = _dotted(alias.name)
                local = _dotted(alias.asname.name) if alias.asname else attribute
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
                _dotted(handler.name.name) if handler.name is not None else None,
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

    def parameters(self, node: cst.Parameters) -> tuple[facts.Parameter, ...]:
        found: list[facts.Parameter] = []
        found.extend(self.parameter(item, "") for item in (*node.posonly_params, *node.params))
        if isinstance(node.star_arg, cst.Param):
            found.append(self.parameter(node.star_arg, "*"))
        found.extend(self.parameter(item, "", keyword_only=True) for item in node.kwonly_params)
        if node.star_kwarg is not None:
            found.append(self.parameter(node.star_kwarg, "**"))
        return tuple(found)

    def parameter(self, node: cst.Param, star: str, keyword_only: bool = False) -> facts.Parameter:
        return facts.Parameter(
            node.name.value,
            self.expression(node.annotation.annotation) if node.annotation is not None else None,
            self.expression(node.default) if node.default is not None else None,
            star,
            keyword_only,
        )

    # ------------------------------------------------------------------------------------------- expressions
    def expression(self, node: Any) -> facts.Expression:
        lowered = _EXPRESSIONS.get(type(node))
        return lowered(self, node) if lowered is not None else facts.Opaque(self.parts(node))

    def parts(self, node: cst.CSTNode) -> tuple[facts.Expression, ...]:
        """What is evaluated inside a node that has no form of its own here."""
        found: list[facts.Expression] = []
        for child in node.children:
            if type(child) in _EXPRESSIONS:
                found.append(self.expression(child))
            elif not isinstance(child, (cst.BaseParenthesizableWhitespace, cst.TrailingWhitespace)):
                found.extend(self.parts(child))
        return tuple(found)

    def name(self, node: cst.Name) -> facts.Expression:
        word = node.value
        if word in _WORDS:
            return facts.Constant(_WORDS[word])
        return facts.Name(word)

    def attribute(self, node: cst.Attribute) -> facts.Expression:
        return facts.Attribute(self.expression(node.value), node.attr.value)

    def argument(self, node: cst.Arg) -> facts.Argument:
        keyword = node.keyword.value if node.keyword is not None else None
        return facts.Argument(self.expression(node.value), keyword, node.star, self.full_span(node.value))

    def call(self, node: cst.Call) -> facts.Expression:
        arguments = tuple(self.argument(argument) for argument in node.args)
        return facts.Call(self.expression(node.func), arguments, self.span(node))

    def subscript(self, node: cst.Subscript) -> facts.Expression:
        indices = [
            self.expression(element.slice.value)
            if isinstance(element.slice, cst.Index)
            else facts.Opaque(self.parts(element.slice))
            for element in node.slice
        ]
        index = indices[0] if len(indices) == 1 else facts.Collection("tuple", tuple(indices))
        return facts.Subscript(self.expression(node.value), index)

    def literal(self, node: Any) -> facts.Expression:
        value = node.evaluated_value
        return facts.Constant(value) if isinstance(value, (str, int, float)) else facts.Opaque()

    def concatenated(self, node: cst.ConcatenatedString) -> facts.Expression:
        parts: list[str | facts.Interpolation] = []
        for piece in (node.left, node.right):
            lowered = self.expression(piece)
            if isinstance(lowered, facts.Constant):
                parts.append(str(lowered.value))
            elif isinstance(lowered, facts.Text):
                parts.extend(lowered.parts)
            else:
                return facts.Opaque()
        if all(isinstance(part, str) for part in parts):
            return facts.Constant("".join(part for part in parts if isinstance(part, str)))
        return facts.Text(_joined(parts))

    def formatted(self, node: cst.FormattedString) -> facts.Expression:
        parts: list[str | facts.Interpolation] = []
        for part in node.parts:
            if isinstance(part, cst.FormattedStringText):
                parts.append(_unescaped(part.value, node.prefix))
            elif isinstance(part, cst.FormattedStringExpression):
                suffix = "=" if part.equal is not None else ""
                suffix += f"!{part.conversion}" if part.conversion else ""
                if part.format_spec is not None:
                    suffix += ":" + "".join(self.module.code_for_node(piece) for piece in part.format_spec)
                parts.append(facts.Interpolation(self.expression(part.expression), suffix))
        return facts.Text(_joined(parts))

    def unary(self, node: cst.UnaryOperation) -> facts.Expression:
        operator = _UNARY[type(node.operator).__name__]
        operand = self.expression(node.expression)
        if operator == "-" and isinstance(operand, facts.Constant) and type(operand.value) in (int, float):
            assert isinstance(operand.value, (int, float))
            return facts.Constant(-operand.value)
        return facts.Operation(operator, (operand,))

    def binary(self, node: Any) -> facts.Expression:
        operator = _BINARY[type(node.operator).__name__]
        # A long chain `a + b + c …` nests to the left; following it in a loop keeps the stack flat.
        right: list[facts.Expression] = [self.expression(node.right)]
        left = node.left
        while type(left) is type(node) and _BINARY[type(left.operator).__name__] == operator:
            right.append(self.expression(left.right))
            left = left.left
        return facts.Operation(operator, (self.expression(left), *reversed(right)))

    def comparison(self, node: cst.Comparison) -> facts.Expression:
        operators = tuple(_COMPARE[type(item.operator).__name__] for item in node.comparisons)
        operands = (
            self.expression(node.left),
            *(self.expression(item.comparator) for item in node.comparisons),
        )
        return facts.Comparison(operators, operands)

    def conditional(self, node: cst.IfExp) -> facts.Expression:
        return facts.Conditional(self.expression(node.test), self.expression(node.body), self.expression(node.orelse))

    def collection(self, node: Any) -> facts.Expression:
        items = tuple(
            facts.Starred(self.expression(element.value))
            if isinstance(element, cst.StarredElement)
            else self.expression(element.value)
            for element in node.elements
        )
        return facts.Collection(type(node).__name__.lower(), items)

    def mapping(self, node: cst.Dict) -> facts.Expression:
        return facts.Mapping(
            tuple(
                (self.expression(element.key), self.expression(element.value))
                if isinstance(element, cst.DictElement)
                else (None, self.expression(element.value))
                for element in node.elements
            )
        )

    def comprehension(self, node: Any) -> facts.Expression:
        kind = {"ListComp": "list", "SetComp": "set", "DictComp": "dict"}.get(type(node).__name__, "generator")
        element: facts.Expression
        if kind == "dict":
            element = facts.Mapping(((self.expression(node.key), self.expression(node.value)),))
            element_span = (self.full_span(node.key)[0], self.full_span(node.value)[1])
        else:
            element = self.expression(node.elt)
            element_span = self.full_span(node.elt)
        clauses: list[facts.Clause] = []
        clause: cst.CompFor | None = node.for_in
        last: cst.CSTNode = node.for_in.iter
        while clause is not None:
            conditions = tuple(self.expression(item.test) for item in clause.ifs)
            clauses.append(facts.Clause(self.expression(clause.target), self.expression(clause.iter), conditions))
            last = clause.ifs[-1].test if clause.ifs else clause.iter
            clause = clause.inner_for_in
        blank = len(self.module.code_for_node(node.for_in.whitespace_before))
        clauses_span = (element_span[1] + blank, self.full_span(last)[1])
        return facts.Comprehension(kind, element, tuple(clauses), self.full_span(node), element_span, clauses_span)

    def lambda_(self, node: cst.Lambda) -> facts.Expression:
        outer = self.yields
        lowered = facts.Lambda(self.parameters(node.params), self.expression(node.body), self.full_span(node))
        self.yields = outer
        return lowered

    def assigned(self, node: cst.NamedExpr) -> facts.Expression:
        return facts.Assigned(_dotted(node.target), self.expression(node.value))

    def await_(self, node: cst.Await) -> facts.Expression:
        return facts.Await(self.expression(node.expression))

    def yield_(self, node: cst.Yield) -> facts.Expression:
        self.yields = True
        value = node.value.item if isinstance(node.value, cst.From) else node.value
        return facts.Yield(self.expression(value) if value is not None else facts.Constant(None))


def _dotted(node: Any) -> str:
    """`a.b.c` of nested attributes, as written."""
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    parts.append(node.value if isinstance(node, cst.Name) else "")
    return ".".join(reversed(parts))


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


def _joined(parts: list[str | facts.Interpolation]) -> tuple[str | facts.Interpolation, ...]:
    """Literal stretches that touch made one, so that equal texts are equal facts."""
    joined: list[str | facts.Interpolation] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    return tuple(joined)


def _unescaped(text: str, prefix: str) -> str:
    """The characters that a literal stretch of an f-string stands for."""
    text = text.replace("{{", "{").replace("}}", "}")
    if "\\" not in text or "r" in prefix.lower():
        return text
    try:
        return str(ast.literal_eval('"""' + text.replace('"', '\\"') + '"""'))
    except (SyntaxError, ValueError):
        return text


_WORDS: dict[str, bool | None] = {"True": True, "False": False, "None": None}

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

_EXPRESSIONS: dict[type, Callable[[Any, Any], facts.Expression]] = {
    cst.Name: _Lowering.name,
    cst.Attribute: _Lowering.attribute,
    cst.Call: _Lowering.call,
    cst.Subscript: _Lowering.subscript,
    cst.SimpleString: _Lowering.literal,
    cst.Integer: _Lowering.literal,
    cst.Float: _Lowering.literal,
    cst.ConcatenatedString: _Lowering.concatenated,
    cst.FormattedString: _Lowering.formatted,
    cst.UnaryOperation: _Lowering.unary,
    cst.BinaryOperation: _Lowering.binary,
    cst.BooleanOperation: _Lowering.binary,
    cst.Comparison: _Lowering.comparison,
    cst.IfExp: _Lowering.conditional,
    cst.Tuple: _Lowering.collection,
    cst.List: _Lowering.collection,
    cst.Set: _Lowering.collection,
    cst.Dict: _Lowering.mapping,
    cst.ListComp: _Lowering.comprehension,
    cst.SetComp: _Lowering.comprehension,
    cst.DictComp: _Lowering.comprehension,
    cst.GeneratorExp: _Lowering.comprehension,
    cst.Lambda: _Lowering.lambda_,
    cst.NamedExpr: _Lowering.assigned,
    cst.Await: _Lowering.await_,
    cst.Yield: _Lowering.yield_,
}
