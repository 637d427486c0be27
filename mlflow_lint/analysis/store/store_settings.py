"""Where code says which store to use and how to get in: calls, variables of the environment, names, defaults.

Invariant: what a setting is for follows from what takes it or from its name; what its value is, is not asked here.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

from mlflow_lint.analysis.names.meaning import External, Place
from mlflow_lint.analysis.names.scopes import Imported
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import CLIENTS
from mlflow_lint.facts.functions import inner_blocks, own_expressions
from mlflow_lint.facts.traverse import argument, within
from mlflow_lint.findings import Step
from mlflow_lint.project.modules import Unit
from mlflow_lint.record import entity, record
from mlflow_lint.regex import regex

_SETTERS = regex(r"mlflow\.(?:\w+\.)*set_(tracking|registry)_uri")
_URI_NAME = regex(r"(?:.*_)?(?:mlflow|tracking|mlflow_registry)_ur[il]", re.IGNORECASE)
_URI_OPTION = regex(r"--(?:[\w-]*[-_])?(?:mlflow|tracking)[-_]ur[il]")
_VARIABLE = regex(r"MLFLOW_[A-Z0-9_]+")
_SET = regex(r"mlflow\.environment_variables\.(MLFLOW_[A-Z0-9_]+)\.set")
_SIGNS = [regex(word) for word in ("ur[il]", "UR[IL]", "Ur[il]", "MLFLOW_", "Client")]
"""In the text of all functions and statements that have a setting, and of few others. One by one is much quicker."""
_TAKERS = ("set_tracking_uri", "set_registry_uri", "MlflowClient")
_URI_VARIABLES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")


@entity
class StoreSetting:
    """A value that is given for some setting of MLflow's store."""

    name: str
    """What it is for: a variable of the environment, or the variable that means the same."""
    taker: str
    """What takes it, for a message: `set_tracking_uri`."""
    value: facts.Expression
    place: Place
    span: facts.Span
    statement: facts.Statement
    by_name: bool
    """Whether only a name tells what it is for."""

    @property
    def is_uri(self) -> bool:
        """Whether it is the address of a store."""
        return self.name in _URI_VARIABLES

    @property
    def taken(self) -> str:
        """What takes the value, with its line."""
        return f"{self.taker}, {self.place.unit.where(self.span[0])}"

    def chain(self, span: facts.Span, what: str) -> tuple[Step, ...]:
        """From where the literal stands to what takes it; one step where they are the same line."""
        unit = self.place.unit
        steps = (unit.step(span[0], what), unit.step(self.span[0], f"given to {self.taker}"))
        return steps if unit.line(span[0]) != unit.line(self.span[0]) else steps[1:]


def store_settings(effects: Effects, unit: Unit) -> tuple[StoreSetting, ...]:
    """Every setting of a file."""
    return effects.once(_settings, unit)


def _settings(effects: Effects, unit: Unit) -> list[StoreSetting]:
    patterns = (*_SIGNS, *(re.compile(re.escape(alias)) for alias in _aliases(unit)))
    search = _Search(effects, sorted(match.start() for pattern in patterns for match in pattern.finditer(unit.text)))
    for body in effects.bodies(unit):
        if body.function is None or search.is_spoken_of(body.function.definition.span):
            search.block(body.block, body.place)
    return search.found


def _aliases(unit: Unit) -> Iterator[str]:
    """What a file calls what takes settings, where it imports that by another name."""
    bindings = (binding for group in unit.scope.bindings.values() for binding in group)
    for name in (binding.name for binding in bindings if isinstance(binding, Imported)):
        if name.attribute in _TAKERS and name.local != name.attribute:
            yield name.local


class _Search:
    """Looks for settings where a text speaks of them."""

    def __init__(self, effects: Effects, spoken_of: list[int]) -> None:
        self.effects = effects
        self.spoken_of = spoken_of
        self.found: list[StoreSetting] = []

    def is_spoken_of(self, span: facts.Span) -> bool:
        start, end = span
        return bisect_left(self.spoken_of, start) < bisect_left(self.spoken_of, end)

    def block(self, block: facts.Block, place: Place) -> None:
        for statement in block:
            # What decorates a function or class stands before its span.
            if isinstance(statement, (facts.Function, facts.Class)) or self.is_spoken_of(statement.span):
                self.statement(statement, place)

    def statement(self, statement: facts.Statement, place: Place) -> None:
        reader = _Reader(self.effects, statement, place)
        if isinstance(statement, facts.Assign) and statement.value is not None:
            for target in statement.targets:
                self.found.extend(reader.assigned(target, statement.value, statement.span))
        elif isinstance(statement, facts.Function):
            self.found.extend(reader.defaults(statement))
        for expression in own_expressions(statement):
            nodes: list[facts.Call | facts.Mapping] = within(expression, facts.Call, facts.Mapping)
            for node in nodes:
                if isinstance(node, facts.Mapping):
                    self.found.extend(reader.mapped(node))
                elif node.arguments:
                    self.found.extend(reader.called(node))
        if isinstance(statement, facts.Class):
            inner = place.scope.inner.get(id(statement))
            if inner is not None:
                self.block(statement.body, Place(inner))
        for inner_block in inner_blocks(statement):
            self.block(inner_block, place)


@lru_cache(maxsize=4096)
def _says_uri(name: str) -> bool:
    """Whether a name says that it is the address of a store."""
    return _URI_NAME.fullmatch(name) is not None


@lru_cache(maxsize=4096)
def _is_variable(name: str) -> bool:
    """Whether a name is that of a variable of MLflow's."""
    return _VARIABLE.fullmatch(name) is not None


@record
class _Reader:
    """Reads the settings of one statement."""

    effects: Effects
    statement: facts.Statement
    place: Place

    def defaults(self, function: facts.Function) -> Iterator[StoreSetting]:
        for parameter in function.parameters:
            if parameter.default is not None and _says_uri(parameter.name):
                yield self.named(f"parameter {parameter.name}", parameter.default, function.span)

    def assigned(self, target: facts.Expression, value: facts.Expression, span: facts.Span) -> Iterator[StoreSetting]:
        match target:
            case facts.Subscript(_, facts.Constant(str() as name)) if _is_variable(name):
                yield self.setting(name, name, value, span, False)
            case facts.Name(name) | facts.Attribute(_, name) | facts.Subscript(_, facts.Constant(str() as name)):
                if _says_uri(name):
                    yield self.named(name, value, span)

    def mapped(self, mapping: facts.Mapping) -> Iterator[StoreSetting]:
        for key, value in mapping.items:
            if isinstance(key, facts.Constant) and isinstance(key.value, str):
                if _VARIABLE.fullmatch(key.value):
                    yield self.setting(key.value, key.value, value, self.statement.span, False)
                elif _URI_NAME.fullmatch(key.value):
                    yield self.named(f'"{key.value}"', value, self.statement.span)

    def called(self, call: facts.Call) -> Iterator[StoreSetting]:
        """The settings that the arguments of a call are, of which there is at least one."""
        meaning = self.effects.target(call, self.place)
        if isinstance(meaning, External) and meaning.dotted.startswith("mlflow."):
            setter = _SETTERS.fullmatch(meaning.dotted)
            if setter:
                uri = argument(call, "uri", 0)
                if uri is not None:
                    kind = setter.group(1)
                    yield self.setting(f"MLFLOW_{kind.upper()}_URI", f"set_{kind}_uri", uri.value, uri.span, False)
                return
            if meaning.dotted in CLIENTS:
                for position, kind in enumerate(("tracking", "registry")):
                    uri = argument(call, f"{kind}_uri", position)
                    if uri is not None:
                        yield self.setting(f"MLFLOW_{kind.upper()}_URI", "MlflowClient", uri.value, uri.span, False)
                return
            variable = _SET.fullmatch(meaning.dotted)
            if variable:
                for given in call.arguments[:1]:
                    yield self.setting(variable.group(1), variable.group(1), given.value, given.span, False)
                return
        first = call.arguments[0].value
        if isinstance(first, facts.Constant) and isinstance(first.value, str):
            if _VARIABLE.fullmatch(first.value):
                value = argument(call, "default", 1)
                if value is not None:
                    yield self.setting(first.value, first.value, value.value, value.span, False)
            default = call.keyword("default")
            if default is not None and any(
                isinstance(given.value, facts.Constant) and _URI_OPTION.fullmatch(str(given.value.value))
                for given in call.arguments
            ):
                yield self.named(str(first.value), default.value, default.span)
        for given in call.arguments:
            if given.keyword is None:
                continue
            if _is_variable(given.keyword):
                yield self.setting(given.keyword, given.keyword, given.value, given.span, False)
            elif _says_uri(given.keyword):
                yield self.named(f"{given.keyword}=", given.value, given.span)

    def named(self, taker: str, value: facts.Expression, span: facts.Span) -> StoreSetting:
        return self.setting("MLFLOW_TRACKING_URI", taker, value, span, True)

    def setting(self, name: str, taker: str, value: facts.Expression, span: facts.Span, by_name: bool) -> StoreSetting:
        return StoreSetting(name, taker, value, self.place, span, self.statement, by_name)
