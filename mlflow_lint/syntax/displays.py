"""Lower what is in brackets: tuples, lists, sets, dicts and comprehensions.

Invariant: items stand in the order in which they are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflow_lint.facts import model as facts
from mlflow_lint.syntax.lean import nodes as cst
from mlflow_lint.syntax.spans import Walk

COMPREHENSIONS: dict[type, str] = {
    cst.ListComp: "list", cst.SetComp: "set", cst.DictComp: "dict", cst.GeneratorExp: "generator",
}  # fmt: skip


class DisplayLowering(Walk):
    """Everything that makes a container, and the generators that look like one."""

    def tuple_(self, node: Any) -> facts.Expression:
        return facts.Collection("tuple", self.elements(node.elements))

    def list_(self, node: Any) -> facts.Expression:
        self.opening(node.lbracket)
        items = self.elements(node.elements)
        self.closing(node.rbracket)
        return facts.Collection("list", items)

    def set_(self, node: Any) -> facts.Expression:
        self.opening(node.lbrace)
        items = self.elements(node.elements)
        self.closing(node.rbrace)
        return facts.Collection("set", items)

    def elements(self, elements: Sequence[Any]) -> tuple[facts.Expression, ...]:
        items: list[facts.Expression] = []
        for element in elements:
            if type(element) is cst.StarredElement:
                self.open(element)
                self.offset += len("*")
                self.blank(element.whitespace_before_value)
                items.append(facts.Starred(self.expression(element.value)))
                self.close(element)
            else:
                items.append(self.expression(element.value))
            self.comma(element)
        return tuple(items)

    def mapping(self, node: Any) -> facts.Expression:
        self.opening(node.lbrace)
        items: list[tuple[facts.Expression | None, facts.Expression]] = []
        for element in node.elements:
            if type(element) is cst.DictElement:
                items.append(self.item(element))
            else:
                self.offset += len("**")
                self.blank(element.whitespace_before_value)
                items.append((None, self.expression(element.value)))
            self.comma(element)
        self.closing(node.rbrace)
        return facts.Mapping(tuple(items))

    def item(self, node: Any) -> tuple[facts.Expression, facts.Expression]:
        """`key: value`."""
        key = self.expression(node.key)
        self.blank(node.whitespace_before_colon)
        self.offset += 1
        self.blank(node.whitespace_after_colon)
        return key, self.expression(node.value)

    def comprehension(self, node: Any) -> facts.Expression:
        start = self.offset
        self.open(node)
        kind = COMPREHENSIONS[type(node)]
        if kind != "generator":
            self.opening(node.lbracket if kind == "list" else node.lbrace)
        first = self.offset
        element = facts.Mapping((self.item(node),)) if kind == "dict" else self.expression(node.elt)
        element_span = (first, self.offset)
        clauses, clauses_span = self.clauses(node.for_in)
        if kind != "generator":
            self.closing(node.rbracket if kind == "list" else node.rbrace)
        self.close(node)
        return facts.Comprehension(kind, element, clauses, (start, self.offset), element_span, clauses_span)

    def clauses(self, node: Any) -> tuple[tuple[facts.Clause, ...], facts.Span]:
        self.blank(node.whitespace_before)
        start = self.offset
        clauses = [self.clause(node)]
        while node.inner_for_in is not None:
            node = node.inner_for_in
            self.blank(node.whitespace_before)
            clauses.append(self.clause(node))
        return tuple(clauses), (start, self.offset)

    def clause(self, node: Any) -> facts.Clause:
        self.asynchronous(node)
        self.offset += len("for")
        self.blank(node.whitespace_after_for)
        target = self.expression(node.target)
        self.blank(node.whitespace_before_in)
        self.offset += len("in")
        self.blank(node.whitespace_after_in)
        iterable = self.expression(node.iter)
        conditions: list[facts.Expression] = []
        for condition in node.ifs:
            self.blank(condition.whitespace_before)
            self.offset += len("if")
            self.blank(condition.whitespace_before_test)
            conditions.append(self.expression(condition.test))
        return facts.Clause(target, iterable, tuple(conditions))
