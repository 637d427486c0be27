"""Lower literal strings, those with expressions in them too.

Invariant: what a constant says is what Python would have; text that is not sure is no constant.
"""

from __future__ import annotations

import ast
from typing import Any

from mlflow_lint.facts import model as facts
from mlflow_lint.syntax.lean import nodes as cst
from mlflow_lint.syntax.spans import Walk


class StringLowering(Walk):
    """`"…"`, `f"…"`, and such side by side."""

    def string(self, node: Any) -> facts.Expression:
        start = self.offset
        self.offset += len(node.value)
        value = _plain(node.value)
        if value is None:
            value = ast.literal_eval(node.value)
        return facts.Constant(value, (start, self.offset)) if isinstance(value, str) else facts.Opaque()

    def concatenated(self, node: Any) -> facts.Expression:
        start = self.offset
        left = self.expression(node.left)
        self.blank(node.whitespace_between)
        right = self.expression(node.right)
        parts: list[str | facts.Interpolation] = []
        for lowered in (left, right):
            if isinstance(lowered, facts.Constant):
                parts.append(str(lowered.value))
            elif isinstance(lowered, facts.Text):
                parts.extend(lowered.parts)
            else:
                return facts.Opaque()
        span = (start, self.offset)
        if all(isinstance(part, str) for part in parts):
            return facts.Constant("".join(part for part in parts if isinstance(part, str)), span)
        return facts.Text(_joined(parts), span)

    def formatted(self, node: Any) -> facts.Expression:
        start = self.offset
        self.offset += len(node.start)
        raw = "r" in node.start.lower()
        parts: list[str | facts.Interpolation] = []
        for part in node.parts:
            if type(part) is cst.FormattedStringText:
                self.offset += len(part.value)
                parts.append(_unescaped(part.value, raw))
            else:
                parts.append(self.interpolation(part))
        self.offset += len(node.end)
        return facts.Text(_joined(parts), (start, self.offset))

    def interpolation(self, node: Any) -> facts.Interpolation:
        self.offset += 1
        self.blank(node.whitespace_before_expression)
        value = self.expression(node.expression)
        suffix = ""
        if node.equal is not None:
            suffix = "="
            self.token(node.equal)
        self.blank(node.whitespace_after_expression)
        if node.conversion:
            suffix += f"!{node.conversion}"
            self.offset += 1 + len(node.conversion)
        if node.format_spec is not None:
            before = self.offset
            self.offset += 1
            for piece in node.format_spec:
                self.parts(piece)
            suffix += self.since(before)
        self.offset += 1
        return facts.Interpolation(value, suffix)


def _plain(text: str) -> str | None:
    """What a string literal says, if that can be seen without evaluating it, which is to compile it."""
    quote = text[0]
    if quote not in "\"'" or "\\" in text or "\r" in text:
        return None
    width = 3 if text.startswith(quote * 3) and len(text) > 5 else 1
    return text[width:-width]


def _joined(parts: list[str | facts.Interpolation]) -> tuple[str | facts.Interpolation, ...]:
    """Literal stretches that touch made one, so that equal texts are equal facts."""
    joined: list[str | facts.Interpolation] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    return tuple(joined)


def _unescaped(text: str, raw: bool) -> str:
    """The characters that a literal stretch of an f-string stands for."""
    text = text.replace("{{", "{").replace("}}", "}")
    if raw or "\\" not in text:
        return text
    try:
        return str(ast.literal_eval('"""' + text.replace('"', '\\"') + '"""'))
    except (SyntaxError, ValueError):
        return text
