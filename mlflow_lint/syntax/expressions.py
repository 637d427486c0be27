"""Lower LibCST expressions to facts, each token in the order of the text.

Invariant: a type without a method of its own is opaque, but what is evaluated inside it is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlflow_lint.facts import model as facts
from mlflow_lint.syntax.displays import COMPREHENSIONS, DisplayLowering
from mlflow_lint.syntax.lean import nodes as cst
from mlflow_lint.syntax.strings import StringLowering

_UNARY: dict[type, str] = {cst.Not: "not", cst.Minus: "-", cst.Plus: "+", cst.BitInvert: "~"}
BINARY = {
    "Add": "+", "Subtract": "-", "Multiply": "*", "Divide": "/", "FloorDivide": "//", "Modulo": "%", "Power": "**",
    "MatrixMultiply": "@", "LeftShift": "<<", "RightShift": ">>", "BitAnd": "&", "BitOr": "|", "BitXor": "^",
}  # fmt: skip
_BINARY: dict[type, str] = {
    cst.And: "and", cst.Or: "or", **{getattr(cst, name): operator for name, operator in BINARY.items()}
}  # fmt: skip
_COMPARE: dict[type, str] = {
    cst.Equal: "==", cst.NotEqual: "!=", cst.LessThan: "<", cst.LessThanEqual: "<=", cst.GreaterThan: ">",
    cst.GreaterThanEqual: ">=", cst.In: "in", cst.NotIn: "not in", cst.Is: "is", cst.IsNot: "is not",
}  # fmt: skip


class ExpressionLowering(StringLowering, DisplayLowering):
    """Dispatches on the type of a node; `yields` notes whether a `yield` was met."""

    def __init__(self, module: Any, text: str, start: int) -> None:
        super().__init__(module, text, start)
        self.yields = False

    def expression(self, node: Any) -> facts.Expression:
        kind = type(node)
        if kind is cst.Name and not node.lpar:  # every second expression
            return self.name(node)
        lowered = _EXPRESSIONS.get(kind)
        if lowered is None:
            return facts.Opaque(self.parts(node))
        if not node.lpar or kind in _SPANNED_WITH_PARENTHESES:
            return lowered(self, node)
        self.open(node)
        expression = lowered(self, node)
        self.close(node)
        return expression

    def name(self, node: Any) -> facts.Expression:
        word = node.value
        self.offset += len(word)
        if word in _WORDS:
            return facts.Constant(_WORDS[word])
        return facts.Name(word)

    def attribute(self, node: Any) -> facts.Expression:
        value = self.expression(node.value)
        self.token(node.dot)
        name = node.attr.value
        self.offset += len(name)
        return facts.Attribute(value, name)

    def argument(self, node: Any) -> facts.Argument:
        if node.star:
            self.offset += len(node.star)
            self.blank(node.whitespace_after_star)
        keyword = None
        if node.keyword is not None:
            keyword = node.keyword.value
            self.offset += len(keyword)
            self.token(node.equal)
        start = self.offset
        value = self.expression(node.value)
        span = (start, self.offset)
        self.comma(node)
        self.blank(node.whitespace_after_arg)
        return facts.Argument(value, keyword, node.star, span)

    def call(self, node: Any) -> facts.Expression:
        start = self.offset
        function = self.expression(node.func)
        self.blank(node.whitespace_after_func)
        self.offset += 1
        self.blank(node.whitespace_before_args)
        arguments = tuple([self.argument(argument) for argument in node.args])
        self.offset += 1
        return facts.Call(function, arguments, (start, self.offset))

    def subscript(self, node: Any) -> facts.Expression:
        value = self.expression(node.value)
        self.blank(node.whitespace_after_value)
        self.opening(node.lbracket)
        indices = [self.index(element) for element in node.slice]
        self.closing(node.rbracket)
        index = indices[0] if len(indices) == 1 else facts.Collection("tuple", tuple(indices))
        return facts.Subscript(value, index)

    def index(self, node: Any) -> facts.Expression:
        index = node.slice
        if type(index) is cst.Index:
            if index.star:
                self.offset += len(index.star)
                self.blank(index.whitespace_after_star)
            lowered = self.expression(index.value)
        else:
            lowered = facts.Opaque(self.parts(index))
        self.comma(node)
        return lowered

    def integer(self, node: Any) -> facts.Expression:
        self.offset += len(node.value)
        return facts.Constant(int(node.value, 0))

    def float_(self, node: Any) -> facts.Expression:
        self.offset += len(node.value)
        return facts.Constant(float(node.value))

    def unary(self, node: Any) -> facts.Expression:
        operator = _UNARY[type(node.operator)]
        self.offset += len(operator)
        self.blank(node.operator.whitespace_after)
        operand = self.expression(node.expression)
        if operator == "-" and isinstance(operand, facts.Constant) and type(operand.value) in (int, float):
            assert isinstance(operand.value, (int, float))
            return facts.Constant(-operand.value)
        return facts.Operation(operator, (operand,))

    def binary(self, node: Any) -> facts.Expression:
        operator = _BINARY[type(node.operator)]
        # A long chain `a + b + c …` nests to the left; following it in a loop keeps the stack flat.
        chain = [node]
        left = node.left
        while type(left) is type(node) and _BINARY[type(left.operator)] == operator:
            self.open(left)
            chain.append(left)
            left = left.left
        operands = [self.expression(left)]
        for operation in reversed(chain):
            self.token(operation.operator, len(operator))
            operands.append(self.expression(operation.right))
            if operation is not node:
                self.close(operation)
        return facts.Operation(operator, tuple(operands))

    def comparison(self, node: Any) -> facts.Expression:
        operators: list[str] = []
        operands = [self.expression(node.left)]
        for item in node.comparisons:
            operator = _COMPARE[type(item.operator)]
            self.token(item.operator, len(operator.replace(" ", "")))
            if " " in operator:
                self.blank(item.operator.whitespace_between)
            operators.append(operator)
            operands.append(self.expression(item.comparator))
        return facts.Comparison(tuple(operators), tuple(operands))

    def conditional(self, node: Any) -> facts.Expression:
        body = self.expression(node.body)
        self.blank(node.whitespace_before_if)
        self.offset += len("if")
        self.blank(node.whitespace_after_if)
        test = self.expression(node.test)
        self.blank(node.whitespace_before_else)
        self.offset += len("else")
        self.blank(node.whitespace_after_else)
        return facts.Conditional(test, body, self.expression(node.orelse))

    def lambda_(self, node: Any) -> facts.Expression:
        outer = self.yields
        start = self.offset
        self.open(node)
        self.offset += len("lambda")
        self.blank(node.whitespace_after_lambda)
        parameters = self.parameters(node.params)
        self.token(node.colon)
        body = self.expression(node.body)
        self.close(node)
        self.yields = outer
        return facts.Lambda(parameters, body, (start, self.offset))

    def assigned(self, node: Any) -> facts.Expression:
        name = self.dotted(node.target)
        self.blank(node.whitespace_before_walrus)
        self.offset += len(":=")
        self.blank(node.whitespace_after_walrus)
        return facts.Assigned(name, self.expression(node.value))

    def await_(self, node: Any) -> facts.Expression:
        self.offset += len("await")
        self.blank(node.whitespace_after_await)
        return facts.Await(self.expression(node.expression))

    def yield_(self, node: Any) -> facts.Expression:
        self.yields = True
        self.offset += len("yield")
        self.blank(node.whitespace_after_yield)
        value = node.value
        if type(value) is cst.From:
            self.blank(value.whitespace_before_from)
            self.offset += len("from")
            self.blank(value.whitespace_after_from)
            value = value.item
        return facts.Yield(self.expression(value) if value is not None else facts.Constant(None))

    def parameters(self, node: Any) -> tuple[facts.Parameter, ...]:
        found = [self.parameter(item) for item in node.posonly_params]
        if node.posonly_ind is not None:
            self.inside(node.posonly_ind)
        found += [self.parameter(item) for item in node.params]
        if type(node.star_arg) is cst.Param:
            found.append(self.parameter(node.star_arg, "*"))
        elif type(node.star_arg) is cst.ParamStar:
            self.inside(node.star_arg)
        found += [self.parameter(item, keyword_only=True) for item in node.kwonly_params]
        if node.star_kwarg is not None:
            found.append(self.parameter(node.star_kwarg, "**"))
        return tuple(found)

    def parameter(self, node: Any, star: str = "", keyword_only: bool = False) -> facts.Parameter:
        if star:
            self.offset += len(star)
            self.blank(node.whitespace_after_star)
        name = node.name.value
        self.offset += len(name)
        annotation = self.annotation(node.annotation, ":") if node.annotation is not None else None
        default = None
        if node.default is not None:
            self.token(node.equal)
            default = self.expression(node.default)
        self.comma(node)
        self.blank(node.whitespace_after_param)
        return facts.Parameter(name, annotation, default, star, keyword_only)

    def annotation(self, node: Any, indicator: str) -> facts.Expression:
        self.blank(node.whitespace_before_indicator)
        self.offset += len(indicator)
        self.blank(node.whitespace_after_indicator)
        return self.expression(node.annotation)

    def dotted(self, node: Any) -> str:
        """`a.b.c` of nested attributes, as written; nothing for what is neither a name nor an attribute."""
        if type(node) is cst.Attribute:
            path = self.dotted(node.value)
            self.token(node.dot)
            node = node.attr
            path += f".{node.value}"
        elif type(node) is cst.Name:
            path = node.value
        else:
            self.parts(node)
            return ""
        self.offset += len(node.value)
        return path


_WORDS: dict[str, bool | None] = {"True": True, "False": False, "None": None}

_EXPRESSIONS: dict[type, Callable[[Any, Any], facts.Expression]] = {
    cst.Name: ExpressionLowering.name,
    cst.Attribute: ExpressionLowering.attribute,
    cst.Call: ExpressionLowering.call,
    cst.Subscript: ExpressionLowering.subscript,
    cst.SimpleString: ExpressionLowering.string,
    cst.Integer: ExpressionLowering.integer,
    cst.Float: ExpressionLowering.float_,
    cst.ConcatenatedString: ExpressionLowering.concatenated,
    cst.FormattedString: ExpressionLowering.formatted,
    cst.UnaryOperation: ExpressionLowering.unary,
    cst.BinaryOperation: ExpressionLowering.binary,
    cst.BooleanOperation: ExpressionLowering.binary,
    cst.Comparison: ExpressionLowering.comparison,
    cst.IfExp: ExpressionLowering.conditional,
    cst.Tuple: ExpressionLowering.tuple_,
    cst.List: ExpressionLowering.list_,
    cst.Set: ExpressionLowering.set_,
    cst.Dict: ExpressionLowering.mapping,
    **dict.fromkeys(COMPREHENSIONS, ExpressionLowering.comprehension),
    cst.Lambda: ExpressionLowering.lambda_,
    cst.NamedExpr: ExpressionLowering.assigned,
    cst.Await: ExpressionLowering.await_,
    cst.Yield: ExpressionLowering.yield_,
}

_SPANNED_WITH_PARENTHESES = {*COMPREHENSIONS, cst.Lambda}
