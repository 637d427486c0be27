"""Lower LibCST expressions to facts.

Invariant: a type without a method of its own is opaque, but what is evaluated inside it is kept.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import libcst as cst

from mlflow_lint.facts import model as facts
from mlflow_lint.syntax.spans import Spans

_UNARY = {"Not": "not", "Minus": "-", "Plus": "+", "BitInvert": "~"}
BINARY = {
    "Add": "+", "Subtract": "-", "Multiply": "*", "Divide": "/", "FloorDivide": "//", "Modulo": "%", "Power": "**",
    "MatrixMultiply": "@", "LeftShift": "<<", "RightShift": ">>", "BitAnd": "&", "BitOr": "|", "BitXor": "^",
    "And": "and", "Or": "or",
}  # fmt: skip
_COMPARE = {
    "Equal": "==", "NotEqual": "!=", "LessThan": "<", "LessThanEqual": "<=", "GreaterThan": ">",
    "GreaterThanEqual": ">=", "In": "in", "NotIn": "not in", "Is": "is", "IsNot": "is not",
}  # fmt: skip


class ExpressionLowering:
    """Dispatches on the type of a node; `yields` notes whether a `yield` was met."""

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
        value = _plain(node.value) if type(node) is cst.SimpleString else None
        if value is None:
            value = node.evaluated_value
        if isinstance(value, str):
            return facts.Constant(value, self.span(node))
        return facts.Constant(value) if isinstance(value, (int, float)) else facts.Opaque()

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
            return facts.Constant("".join(part for part in parts if isinstance(part, str)), self.span(node))
        return facts.Text(_joined(parts), self.span(node))

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
        return facts.Text(_joined(parts), self.span(node))

    def unary(self, node: cst.UnaryOperation) -> facts.Expression:
        operator = _UNARY[type(node.operator).__name__]
        operand = self.expression(node.expression)
        if operator == "-" and isinstance(operand, facts.Constant) and type(operand.value) in (int, float):
            assert isinstance(operand.value, (int, float))
            return facts.Constant(-operand.value)
        return facts.Operation(operator, (operand,))

    def binary(self, node: Any) -> facts.Expression:
        operator = BINARY[type(node.operator).__name__]
        # A long chain `a + b + c …` nests to the left; following it in a loop keeps the stack flat.
        right: list[facts.Expression] = [self.expression(node.right)]
        left = node.left
        while type(left) is type(node) and BINARY[type(left.operator).__name__] == operator:
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
        return facts.Assigned(dotted(node.target), self.expression(node.value))

    def await_(self, node: cst.Await) -> facts.Expression:
        return facts.Await(self.expression(node.expression))

    def yield_(self, node: cst.Yield) -> facts.Expression:
        self.yields = True
        value = node.value.item if isinstance(node.value, cst.From) else node.value
        return facts.Yield(self.expression(value) if value is not None else facts.Constant(None))

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


def _plain(text: str) -> str | None:
    """What a string literal says, if that can be seen without evaluating it, which is to compile it."""
    quote = text[0]
    if quote not in "\"'" or "\\" in text or "\r" in text:
        return None
    width = 3 if text.startswith(quote * 3) and len(text) > 5 else 1
    return text[width:-width]


def dotted(node: Any) -> str:
    """`a.b.c` of nested attributes, as written."""
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    parts.append(node.value if isinstance(node, cst.Name) else "")
    return ".".join(reversed(parts))


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

_EXPRESSIONS: dict[type, Callable[[Any, Any], facts.Expression]] = {
    cst.Name: ExpressionLowering.name,
    cst.Attribute: ExpressionLowering.attribute,
    cst.Call: ExpressionLowering.call,
    cst.Subscript: ExpressionLowering.subscript,
    cst.SimpleString: ExpressionLowering.literal,
    cst.Integer: ExpressionLowering.literal,
    cst.Float: ExpressionLowering.literal,
    cst.ConcatenatedString: ExpressionLowering.concatenated,
    cst.FormattedString: ExpressionLowering.formatted,
    cst.UnaryOperation: ExpressionLowering.unary,
    cst.BinaryOperation: ExpressionLowering.binary,
    cst.BooleanOperation: ExpressionLowering.binary,
    cst.Comparison: ExpressionLowering.comparison,
    cst.IfExp: ExpressionLowering.conditional,
    cst.Tuple: ExpressionLowering.collection,
    cst.List: ExpressionLowering.collection,
    cst.Set: ExpressionLowering.collection,
    cst.Dict: ExpressionLowering.mapping,
    cst.ListComp: ExpressionLowering.comprehension,
    cst.SetComp: ExpressionLowering.comprehension,
    cst.DictComp: ExpressionLowering.comprehension,
    cst.GeneratorExp: ExpressionLowering.comprehension,
    cst.Lambda: ExpressionLowering.lambda_,
    cst.NamedExpr: ExpressionLowering.assigned,
    cst.Await: ExpressionLowering.await_,
    cst.Yield: ExpressionLowering.yield_,
}
