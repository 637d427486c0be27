"""Which text an expression gives, as far as the code spells it out: literals, and what is joined from them.

Names, attributes, defaults and helpers of the project are followed to the literals behind them. Invariant: nothing is
evaluated beyond joining; a part that is not in sight is `None`, and an expression of which nothing is in sight gives
no spelling.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from mlflow_lint.analysis.names.arguments import filled_parameters
from mlflow_lint.analysis.names.assigned import assigned_before
from mlflow_lint.analysis.names.meaning import ClassRef, External, FunctionRef, Instance, ModuleRef, Place
from mlflow_lint.analysis.names.resolve import Resolver
from mlflow_lint.analysis.names.scopes import Binding, Imported, Value
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import returned_values
from mlflow_lint.facts.traverse import argument, last_name
from mlflow_lint.project.modules import Unit
from mlflow_lint.record import entity
from mlflow_lint.regex import regex

_DEEPEST = 16
_MOST = 8

_HOLE = regex(r"\{[^{}]*\}|%\(\w+\)s|%[sdr]")
_ENVIRONMENT_NAME = regex(r"[A-Z][A-Z0-9_]+")
_PATH_CLASSES = frozenset("Path PurePath PosixPath WindowsPath PurePosixPath PureWindowsPath".split())
_PATH_FUNCTIONS = frozenset("getcwd mkdtemp gettempdir cwd home dirname".split())
_PATHS_OF_PATHS = frozenset("abspath realpath expanduser normpath resolve absolute expandvars".split())
_SAME_TEXT = frozenset("str fspath quote quote_plus strip rstrip lstrip lower as_posix geturl replace".split())
_DEFAULTED = frozenset("Option Argument Field field".split())


@entity
class Spelling:
    """A text that an expression may give."""

    parts: tuple[str | None, ...]
    """In order; None for a stretch that is not in sight."""
    is_path: bool
    """Whether it is a path of the file system, however it starts."""
    unit: Unit
    span: facts.Span
    """Where the literal stands that says what it is."""

    @property
    def start(self) -> str:
        """What it is sure to start with."""
        return self.parts[0] or "" if self.parts else ""

    @property
    def text(self) -> str:
        """For a message: what is not in sight is left out."""
        return "".join("…" if part is None else part for part in self.parts)

    @property
    def whole(self) -> str | None:
        """The whole text, if all of it is in sight."""
        return None if None in self.parts else self.text


class Spellings:
    """Spells expressions on behalf of an analysis; the modules that they lead to are read."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def of(self, expression: facts.Expression, place: Place, offset: int) -> list[Spelling]:
        """The texts that an expression, which stands at `offset`, may give."""
        with self._resolver.reading_anyway():
            return list(islice(self._of(expression, place, offset, 0), _MOST))

    def _of(self, node: facts.Expression, place: Place, offset: int, depth: int) -> Iterator[Spelling]:
        if depth > _DEEPEST:
            return
        inner = depth + 1
        match node:
            case facts.Constant(str() as value):
                yield Spelling((value,), False, place.unit, node.span)
            case facts.Text(parts):
                pieces = [
                    Spelling((part,), False, place.unit, node.span)
                    if isinstance(part, str)
                    else self._one(part.value, place, offset, inner)
                    for part in parts
                ]
                yield _joined(pieces, "", place.unit, node.span)
            case facts.Operation("+" | "/" as operator, operands) if len(operands) > 1:
                pieces = [self._one(operand, place, offset, inner) for operand in operands]
                known = [piece for piece in pieces if piece is not None]
                if known and operator == "+":
                    yield _joined(pieces, "", known[0].unit, known[0].span)
                elif any(piece.is_path for piece in known):
                    yield _joined(pieces, "/", known[-1].unit, known[-1].span)
            case facts.Operation("%", (facts.Constant(str()) as template, values)):
                given = values.items if isinstance(values, facts.Collection) else (values,)
                yield self._filled(template, given, place, offset, inner)
            case facts.Operation("or", operands):
                for operand in operands:
                    yield from self._of(operand, place, offset, inner)
            case facts.Conditional(_, body, otherwise):
                yield from self._of(body, place, offset, inner)
                yield from self._of(otherwise, place, offset, inner)
            case facts.Call():
                yield from self._call(node, place, offset, inner)
            case facts.Name(name):
                yield from self._name(name, place, offset, inner)
            case facts.Attribute(value, name):
                yield from self._attribute(value, name, place, offset, inner)
            case facts.Subscript(facts.Attribute(value, "parents")):
                yield from self._parent(value, place, offset, inner)
            case facts.Subscript(value, facts.Constant(str() as key)):
                for kept, where in self._kept_under(key, value, place):
                    yield from self._of(kept, where, value_offset(kept, offset), inner)
            case facts.Assigned(_, value):
                yield from self._of(value, place, offset, inner)

    def _one(self, node: facts.Expression, place: Place, offset: int, depth: int) -> Spelling | None:
        """The text of an expression that can give one only."""
        found = list(islice(self._of(node, place, offset, depth), 2))
        return found[0] if len(found) == 1 else None

    def _filled(
        self, template: facts.Constant, given: Iterable[facts.Expression], place: Place, offset: int, depth: int
    ) -> Spelling:
        """A template with what is filled into its holes in turn."""
        values = iter(given)
        pieces: list[Spelling | None] = []
        for index, stretch in enumerate(_HOLE.split(str(template.value))):
            if index:
                value = next(values, None)
                pieces.append(None if value is None else self._one(value, place, offset, depth))
            if stretch:
                pieces.append(Spelling((stretch,), False, place.unit, template.span))
        return _joined(pieces, "", place.unit, template.span)

    def _call(self, call: facts.Call, place: Place, offset: int, depth: int) -> Iterator[Spelling]:
        word = last_name(call.function)
        values = [given.value for given in call.arguments if not given.star and given.keyword is None]
        called = self._resolver.resolve(call.function, place)
        if isinstance(called, FunctionRef):
            passed_on = _passed_on(called)
            for name, given in filled_parameters(call, called).items() if passed_on else ():
                if name in passed_on:
                    yield from self._of(given, place, value_offset(given, offset), depth)
            yield from self._returned(called, depth) if not passed_on else ()
            return
        owner = call.function.value if isinstance(call.function, facts.Attribute) else None
        # `os.path.abspath(x)` takes its text, `parsed.geturl()` belongs to it.
        takes = owner is None or (isinstance(called, External) and "()." not in called.dotted)
        first = values[0] if values else None
        unknown = Spelling((None,), True, place.unit, call.span)
        if word in _PATH_CLASSES or (word == "join" and _is_path_module(called, owner)):
            pieces = [self._one(value, place, offset, depth) for value in values]
            yield replace(_joined(pieces, "/", place.unit, call.span), is_path=True)
        elif word in _PATH_FUNCTIONS and takes:
            yield unknown
        elif word in _PATHS_OF_PATHS:
            source = first if takes else owner
            inside = None if source is None else self._one(source, place, offset, depth)
            yield unknown if inside is None else replace(inside, is_path=True)
        elif word == "joinpath" and owner is not None:
            pieces = [self._one(value, place, offset, depth) for value in (owner, *values)]
            yield replace(_joined(pieces, "/", place.unit, call.span), is_path=True)
        elif word == "as_uri" and owner is not None:
            inside = self._one(owner, place, offset, depth) or unknown
            here = Spelling(("file://",), False, place.unit, call.span)
            yield _joined([here, inside], "", place.unit, call.span)
        elif word == "format" and isinstance(owner, facts.Constant) and isinstance(owner.value, str):
            yield self._filled(owner, (given.value for given in call.arguments), place, offset, depth)
        elif word == "_replace" and (netloc := call.keyword("netloc")) is not None:
            yield from self._of(netloc.value, place, offset, depth)
        elif word in _SAME_TEXT:
            same = first if takes else owner
            if same is not None:
                yield from self._of(same, place, offset, depth)
        elif word in _DEFAULTED:
            default = argument(call, "default", 0)
            if default is not None:
                yield from self._of(default.value, place, offset, depth)
        elif isinstance(first, facts.Constant) and (
            _ENVIRONMENT_NAME.fullmatch(str(first.value)) or (word == "get" and isinstance(first.value, str))
        ):
            fallback = argument(call, "default", 1)
            if fallback is not None:
                yield from self._of(fallback.value, place, offset, depth)

    def _returned(self, function: FunctionRef, depth: int) -> Iterator[Spelling]:
        place = Place(function.scope, function.receiver)
        for value in returned_values(function.definition.body):
            yield from self._of(value, place, function.definition.span[1], depth)

    def _name(self, name: str, place: Place, offset: int, depth: int) -> Iterator[Spelling]:
        holder = place.scope.holder(name)
        if holder is None:
            return
        inner = Place(holder, place.receiver)
        owner = holder.owner
        if holder is place.scope and not isinstance(owner, facts.Comprehension):
            values = assigned_before(owner.body, name, offset)
            if values:
                for value in values:
                    yield from self._of(value, inner, value_offset(value, offset), depth)
                return
        for binding in holder.bindings[name]:
            yield from self._binding(binding, inner, depth)

    def _binding(self, binding: Binding, place: Place, depth: int) -> Iterator[Spelling]:
        end = place.scope.owner.span[1] if isinstance(place.scope.owner, facts.Function) else len(place.unit.text)
        match binding:
            case Value(expression, False):
                yield from self._of(expression, place, value_offset(expression, end), depth)
            case facts.Parameter(name, _, default, ""):
                outer = place.scope.parent
                if default is not None and outer is not None:
                    yield from self._of(default, Place(outer, place.receiver), end, depth)
                for given, where in self._resolver.callers.arguments(place.scope, name) or ():
                    yield from self._of(given, where, value_offset(given, len(where.unit.text)), depth)
            case Imported(name) if name.attribute is not None:
                modules = self._resolver.modules
                file = modules.finder.find(place.unit.file, name.module, name.level)
                if file is not None and file != place.unit.file:
                    yield from self._member(file, name.attribute, depth)

    def _member(self, file: str, name: str, depth: int) -> Iterator[Spelling]:
        unit = self._resolver.modules.unit(file, anyway=True)
        if unit is not None and name in unit.scope.bindings:
            yield from self._name(name, Place(unit.scope), len(unit.text), depth)

    def _attribute(
        self, value: facts.Expression, name: str, place: Place, offset: int, depth: int
    ) -> Iterator[Spelling]:
        if name == "parent":
            yield from self._parent(value, place, offset, depth)
            return
        owner = self._resolver.resolve(value, place)
        if isinstance(owner, ModuleRef):
            yield from self._member(owner.file, name, depth)
        elif isinstance(owner, (Instance, ClassRef)):
            kind = owner.type if isinstance(owner, Instance) else owner
            for kept, _, where in self._resolver.classes.assignments(kind, name):
                if kept is not None:
                    yield from self._of(kept, where, value_offset(kept, len(where.unit.text)), depth)

    def _kept_under(self, key: str, value: facts.Expression, place: Place) -> Iterator[tuple[facts.Expression, Place]]:
        """What a dict that is written out keeps under a key."""
        options: list[tuple[facts.Expression | None, Place]] = []
        if isinstance(value, facts.Name) and (holder := place.scope.holder(value.id)) is not None:
            bound = [binding for binding in holder.bindings[value.id] if isinstance(binding, Value)]
            options = [(binding.expression, Place(holder, place.receiver)) for binding in bound]
        elif isinstance(value, facts.Attribute):
            owner = self._resolver.resolve(value.value, place)
            if isinstance(owner, Instance):
                kept = self._resolver.classes.assignments(owner.type, value.name)
                options = [(expression, where) for expression, _, where in kept]
        for option, where in options:
            if isinstance(option, facts.Mapping):
                yield from ((item, where) for name, item in option.items if name == facts.Constant(key))

    def _parent(self, value: facts.Expression, place: Place, offset: int, depth: int) -> Iterator[Spelling]:
        inside = self._one(value, place, offset, depth)
        if inside is not None and inside.is_path:
            yield replace(inside, parts=(None,))


def _passed_on(function: FunctionRef) -> frozenset[str]:
    """The parameters that a function gives back as they are, or in another form: `normalized(uri)`."""
    names = {value.id for value in returned_values(function.definition.body) if isinstance(value, facts.Name)}
    return frozenset(parameter.name for parameter in function.definition.parameters if parameter.name in names)


def _is_path_module(called: object, owner: facts.Expression | None) -> bool:
    """Whether `join` is that of `os.path`, not that of a string."""
    if isinstance(called, External):
        return called.dotted == "os.path.join"
    return owner is not None and last_name(owner) == "path"


def value_offset(value: facts.Expression, otherwise: int) -> int:
    """Where an expression starts, if something in it says so."""
    match value:
        case facts.Constant(_, span) | facts.Text(_, span) | facts.Call(_, _, span) if span != (0, 0):
            return span[0]
        case facts.Operation(_, operands):
            return value_offset(operands[0], otherwise)
    return otherwise


def _joined(pieces: list[Spelling | None], between: str, unit: Unit, span: facts.Span) -> Spelling:
    """Pieces one after the other; what says what it is, is the piece with the scheme, else what joins them."""
    parts: list[str | None] = []
    for index, piece in enumerate(pieces):
        if index and between:
            parts.append(between)
        parts.extend((None,) if piece is None else piece.parts)
    joined: list[str | None] = []
    for part in parts:
        before = joined[-1] if joined else None
        if part is not None and before is not None:
            joined[-1] = before + part
        elif part != "" and not (part is None and joined and before is None):
            joined.append(part)
    first = pieces[0] if pieces else None
    if first is not None and ":" in first.start:
        unit, span = first.unit, first.span
    return Spelling(tuple(joined), bool(first and first.is_path), unit, span)
