"""Steps that are NumPy integers, in code whose tracking store is a database.

Invariant: a number is NumPy's only if it comes, in sight, from what gives nothing else: `np.arange`, `np.int64(…)`.
What `int(…)` or `.item()` has converted is Python's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlflow_lint.analysis.flow.sites import Site
from mlflow_lint.analysis.names.constants import bound_once
from mlflow_lint.analysis.names.meaning import External, Place
from mlflow_lint.analysis.names.scopes import Item
from mlflow_lint.analysis.names.spelling import Spellings
from mlflow_lint.analysis.store.store_settings import store_settings
from mlflow_lint.analysis.store.tracking_uris import Store, store_of
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.iterables import SAME_ITEMS
from mlflow_lint.facts.traverse import argument, last_name
from mlflow_lint.project.modules import Unit
from mlflow_lint.record import entity
from mlflow_lint.regex import regex

_INTEGER = regex(r"numpy\.(u?int(8|16|32|64|p|c)?|int_|longlong|short|intc)")
_ONE = regex(r"numpy\.(argmax|argmin|searchsorted)")
_MANY = regex(r"numpy\.(argsort|random\.permutation)")
_ENTITY = regex(r"mlflow\.entities(\.metric)?\.Metric")
_SAME_ITEMS = SAME_ITEMS | {"copy"}
_DATABASES = {Store.SQLITE, Store.DATABASE}
_DEPTH = 8


@entity
class NumpyStep:
    """A metric whose step is a NumPy integer."""

    site: Site
    what: str
    """`log_metric`."""
    step: facts.Expression
    origin: facts.Call
    """What gives the number."""
    place: Place


def numpy_steps(effects: Effects, unit: Unit, bodies: Iterable[Body]) -> Iterator[NumpyStep]:
    """The NumPy steps of a file; none unless each tracking URI that it sets is a database."""
    if "numpy" not in unit.text or not _is_database(effects, unit):
        return
    reader = _Reader(effects)
    for body in bodies:
        for site in effects.touching(body):
            found = _step_of(effects, site)
            if found is None:
                continue
            what, step = found
            origin = reader.number(step, site.place, 0)
            if origin is not None:
                yield NumpyStep(site, what, step, *origin)


def _is_database(effects: Effects, unit: Unit) -> bool:
    spellings = Spellings(effects.resolver)
    stores = {
        store_of(spelling, setting.by_name)
        for setting in store_settings(effects, unit)
        if setting.name == "MLFLOW_TRACKING_URI"
        for spelling in spellings.of(setting.value, setting.place, setting.span[1])
    }
    return bool(stores) and stores <= _DATABASES


def _step_of(effects: Effects, site: Site) -> tuple[str, facts.Expression] | None:
    """The step that a call passes for a metric."""
    api = site.api
    position = None
    if api is not None:
        if api.kind is Kind.METRIC and "step" in api.parameters:
            position, what = api.parameters.index("step"), api.label
    else:
        meaning = site.target
        if isinstance(meaning, External) and _ENTITY.fullmatch(meaning.dotted):
            position, what = 3, "Metric"
    given = argument(site.call, "step", position) if position is not None else None
    return (what, given.value) if given is not None and not given.star else None


_Origin = tuple[facts.Call, Place]


class _Reader:
    """Looks for where a number comes from."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects

    def number(self, node: facts.Expression, place: Place, depth: int) -> _Origin | None:
        """What gives a number that is one of NumPy's integers."""
        if depth > _DEPTH:
            return None
        match node:
            case facts.Call():
                dotted = self._dotted(node, place)
                one = _ONE.fullmatch(dotted) and node.keyword("axis") is None
                return (node, place) if one or _INTEGER.fullmatch(dotted) else None
            case facts.Operation("+" | "-" | "*" | "//" | "%", operands):
                if any(isinstance(part, facts.Constant) and not isinstance(part.value, int) for part in operands):
                    return None
                return next((found for part in operands if (found := self.number(part, place, depth + 1))), None)
            case facts.Subscript(value, facts.Constant(int()) | facts.Name()):
                return self._array(value, (), place, depth + 1)
            case facts.Name(name):
                return self._named(name, place, depth)
        return None

    def _named(self, name: str, place: Place, depth: int) -> _Origin | None:
        holder = place.scope.holder(name)
        bindings = holder.bindings[name] if holder is not None else []
        if holder is None or len(bindings) != 1:
            return None
        where = Place(holder, place.receiver)
        if isinstance(bindings[0], Item):
            return self._array(bindings[0].iterable, bindings[0].path, where, depth + 1)
        bound = bound_once(name, place)
        return self.number(*bound, depth + 1) if bound is not None else None

    def _array(self, node: facts.Expression, path: tuple[int, ...], place: Place, depth: int) -> _Origin | None:
        """What gives an array of integers, the items of which (or their parts at `path`) are meant."""
        if depth > _DEPTH:
            return None
        match node:
            case facts.Name(name) if not path:
                bound = bound_once(name, place)
                return self._array(bound[0], path, bound[1], depth + 1) if bound is not None else None
            case facts.Call(function, arguments):
                word, values = last_name(function), [given.value for given in arguments]
                if word == "enumerate" and values and path[:1] == (1,):
                    return self._array(values[0], path[1:], place, depth + 1)
                if word == "zip" and path and path[0] < len(values):
                    return self._array(values[path[0]], path[1:], place, depth + 1)
                if word in _SAME_ITEMS and values:
                    return self._array(values[0], path, place, depth + 1)
                return (node, place) if not path and self._gives_integers(node, place) else None
        return None

    def _gives_integers(self, call: facts.Call, place: Place) -> bool:
        if isinstance(call.function, facts.Attribute) and call.function.name == "astype":
            inner, kind = call.function.value, argument(call, "dtype", 0)
            made = isinstance(inner, facts.Call) and self._dotted(inner, place).startswith("numpy.")
            return made and kind is not None and self._is_integer(kind.value, place)
        dotted = self._dotted(call, place)
        kind = call.keyword("dtype")
        if kind is not None:
            return dotted.startswith("numpy.") and self._is_integer(kind.value, place)
        if dotted == "numpy.arange":
            return all(not given.star and _is_whole(given.value) for given in call.arguments)
        if dotted in ("numpy.array", "numpy.asarray") and call.arguments:
            given = call.arguments[0].value
            return isinstance(given, facts.Collection) and all(_is_int(item) for item in given.items)
        return bool(_MANY.fullmatch(dotted))

    def _is_integer(self, kind: facts.Expression, place: Place) -> bool:
        """Whether a data type is one of integers."""
        if isinstance(kind, facts.Constant):
            return isinstance(kind.value, str) and kind.value.startswith(("int", "uint"))
        if isinstance(kind, facts.Name) and kind.id == "int":
            return True
        meaning = self._effects.resolver.resolve(kind, place)
        return isinstance(meaning, External) and bool(_INTEGER.fullmatch(meaning.dotted))

    def _dotted(self, call: facts.Call, place: Place) -> str:
        meaning = self._effects.resolver.resolve(call.function, place)
        return meaning.dotted if isinstance(meaning, External) else ""


def _is_int(node: facts.Expression) -> bool:
    return isinstance(node, facts.Constant) and isinstance(node.value, int)


def _is_whole(node: facts.Expression) -> bool:
    """Whether a bound of a range is a whole number: nothing about it says otherwise."""
    match node:
        case facts.Constant(value):
            return isinstance(value, int)
        case facts.Operation(operator, operands):
            return operator != "/" and all(_is_whole(operand) for operand in operands)
    return True
