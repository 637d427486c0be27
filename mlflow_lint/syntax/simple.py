"""Lower simple statements: those that can share a line.

Invariant: a type without a method of its own is an opaque expression, but what is evaluated inside it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mlflow_lint.facts import model as facts
from mlflow_lint.syntax.expressions import BINARY, ExpressionLowering
from mlflow_lint.syntax.lean import nodes as cst

_UPDATES: dict[type, str] = {getattr(cst, f"{name}Assign"): operator for name, operator in BINARY.items()}


class SimpleLowering(ExpressionLowering):
    """Adds simple statements to what is lowered."""

    def __init__(self, module: Any, text: str, start: int) -> None:
        super().__init__(module, text, start)
        self.end = start
        """Where the last statement ends, and with it all blocks that end with it."""

    def small(self, node: Any, alone: bool) -> facts.Statement:
        """A simple statement and the semicolon behind it; `alone` on its line or not."""
        start = self.offset
        lowered = _SMALL.get(type(node))
        statement = lowered(self, node, start, alone) if lowered is not None else self.opaque(node, start, alone)
        self.end = self.offset
        if node.semicolon is not None:
            self.token(node.semicolon)
        return statement

    def opaque(self, node: Any, start: int, alone: bool) -> facts.Statement:
        return facts.Evaluate(facts.Opaque(self.parts(node)), (start, self.offset), alone)

    def evaluate(self, node: Any, start: int, alone: bool) -> facts.Statement:
        return facts.Evaluate(self.expression(node.value), (start, self.offset), alone)

    def assign(self, node: Any, start: int, alone: bool) -> facts.Statement:
        targets: list[facts.Expression] = []
        for target in node.targets:
            targets.append(self.expression(target.target))
            self.blank(target.whitespace_before_equal)
            self.offset += 1
            self.blank(target.whitespace_after_equal)
        return facts.Assign(tuple(targets), self.expression(node.value), None, (start, self.offset), alone)

    def annotated(self, node: Any, start: int, alone: bool) -> facts.Statement:
        target = self.expression(node.target)
        annotation = self.annotation(node.annotation, ":")
        value = None
        if node.value is not None:
            self.token(node.equal)
            value = self.expression(node.value)
        return facts.Assign((target,), value, annotation, (start, self.offset), alone)

    def update(self, node: Any, start: int, alone: bool) -> facts.Statement:
        target = self.expression(node.target)
        operator = _UPDATES[type(node.operator)]
        self.token(node.operator, len(operator) + 1)
        return facts.Update(target, operator, self.expression(node.value), (start, self.offset), alone)

    def return_(self, node: Any, start: int, alone: bool) -> facts.Statement:
        self.offset += len("return")
        self.blank(node.whitespace_after_return)
        value = self.expression(node.value) if node.value is not None else None
        return facts.Leave("return", value, (start, self.offset))

    def raise_(self, node: Any, start: int, alone: bool) -> facts.Statement:
        self.offset += len("raise")
        self.blank(node.whitespace_after_raise)
        error = self.expression(node.exc) if node.exc is not None else None
        if node.cause is not None:
            self.parts(node.cause)
        return facts.Leave("raise", error, (start, self.offset))

    def leave(self, node: Any, start: int, alone: bool) -> facts.Statement:
        kind = "break" if type(node) is cst.Break else "continue"
        self.offset += len(kind)
        return facts.Leave(kind, None, (start, self.offset))

    def imports(self, node: Any, start: int, alone: bool) -> facts.Statement:
        self.lazily(node)
        self.offset += len("import")
        self.blank(node.whitespace_after_import)
        names: list[facts.ImportedName] = []
        for alias in node.names:
            path, asname = self.alias(alias)
            local = asname or path.partition(".")[0]
            names.append(facts.ImportedName(local, path if asname else local, 0, None))
        return facts.Import(tuple(names), (start, self.offset), alone)

    def imports_from(self, node: Any, start: int, alone: bool) -> facts.Statement:
        self.lazily(node)
        self.offset += len("from")
        self.blank(node.whitespace_after_from)
        for dot in node.relative:
            self.token(dot)
        module = self.dotted(node.module) if node.module is not None else ""
        self.blank(node.whitespace_before_import)
        self.offset += len("import")
        self.blank(node.whitespace_after_import)
        level = len(node.relative)
        if type(node.names) is cst.ImportStar:
            self.offset += len("*")
            names = [facts.ImportedName("*", module, level, None)]
        else:
            if node.lpar is not None:
                self.opening(node.lpar)
            names = []
            for alias in node.names:
                attribute, asname = self.alias(alias)
                names.append(facts.ImportedName(asname or attribute, module, level, attribute))
            if node.rpar is not None:
                self.closing(node.rpar)
        return facts.Import(tuple(names), (start, self.offset), alone)

    def lazily(self, node: Any) -> None:
        """`lazy` before an import."""
        if type(node) in (cst.LazyImport, cst.LazyImportFrom):
            self.offset += len("lazy")
            self.blank(node.whitespace_after_lazy)

    def alias(self, node: Any) -> tuple[str, str | None]:
        """`path` or `path as name`, with the comma behind it."""
        path = self.dotted(node.name)
        name = None
        if node.asname is not None:
            self.as_(node.asname)
            name = self.dotted(node.asname.name)
        self.comma(node)
        return path, name

    def as_(self, node: Any) -> None:
        """`as` before a name."""
        self.blank(node.whitespace_before_as)
        self.offset += len("as")
        self.blank(node.whitespace_after_as)

    def global_(self, node: Any, start: int, alone: bool) -> facts.Statement:
        self.offset += len("global")
        self.blank(node.whitespace_after_global)
        return facts.Declare("global", self.names(node.names), (start, self.offset))

    def nonlocal_(self, node: Any, start: int, alone: bool) -> facts.Statement:
        self.offset += len("nonlocal")
        self.blank(node.whitespace_after_nonlocal)
        return facts.Declare("nonlocal", self.names(node.names), (start, self.offset))

    def names(self, items: Sequence[Any]) -> tuple[str, ...]:
        names: list[str] = []
        for item in items:
            names.append(self.dotted(item.name))
            self.comma(item)
        return tuple(names)


_SMALL: dict[type, Callable[[Any, Any, int, bool], facts.Statement]] = {
    cst.Expr: SimpleLowering.evaluate,
    cst.Assign: SimpleLowering.assign,
    cst.AnnAssign: SimpleLowering.annotated,
    cst.AugAssign: SimpleLowering.update,
    cst.Return: SimpleLowering.return_,
    cst.Raise: SimpleLowering.raise_,
    cst.Break: SimpleLowering.leave,
    cst.Continue: SimpleLowering.leave,
    cst.Import: SimpleLowering.imports,
    cst.ImportFrom: SimpleLowering.imports_from,
    cst.LazyImport: SimpleLowering.imports,
    cst.LazyImportFrom: SimpleLowering.imports_from,
    cst.Global: SimpleLowering.global_,
    cst.Nonlocal: SimpleLowering.nonlocal_,
}
