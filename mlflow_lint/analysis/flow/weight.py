"""What evaluating an expression takes, and whether it can see or change anything.

Invariant: unknown is heavy, and unknown is impure.
"""

from __future__ import annotations

from mlflow_lint.analysis.names.meaning import External, FunctionRef, Place
from mlflow_lint.analysis.names.resolve import Resolver
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.traverse import descend, last_name

_BUILTINS = frozenset(
    "abs all any bool bytes callable chr complex dict divmod enumerate float format frozenset getattr hasattr "
    "hash hex id int isinstance issubclass len list max min ord pow range repr reversed round set slice sorted "
    "str sum tuple type vars zip".split()
)
_PURE_METHODS = frozenset(
    "item mean std sum min max median var cpu detach numpy tolist get keys values items format join split strip "
    "lstrip rstrip replace lower upper title startswith endswith copy astype argmax argmin abs sqrt isoformat "
    "strftime total_seconds nanmean count index as_posix with_suffix exists is_file is_dir norm double float "
    "long int size numel dim eq ne any all item_ squeeze unsqueeze flatten view reshape timestamp relative_to".split()
)
LIGHT_METHODS = _PURE_METHODS | frozenset("append extend add update setdefault insert clear pop".split())
"""Names of methods that finish at once, on whatever object."""
_PURE_MODULES = (
    "numpy.",
    "math.",
    "statistics.",
    "datetime.",
    "os.path.",
)
# Quick, but not pure: what they tell depends on how long the calls before took.
_CLOCKS = ("time.time", "time.perf_counter", "time.monotonic", "datetime.datetime.now", "datetime.datetime.utcnow")
_REPORTING = frozenset("debug info warning warn error exception critical log success write echo".split())
_REPORTERS = (
    "log",
    "logger",
    "logging",
    "_logger",
    "tqdm",
    "console",
    "pbar",
    "typer",
    "click",
    "warnings",
    "bar",
)


def is_pure(expression: facts.Expression, place: Place, resolver: Resolver) -> bool:
    """Whether evaluating an expression reads only values at hand, and changes and waits for nothing.

    Attribute access counts as pure, as do conversions of numbers, strings and arrays.
    """
    for node in descend(expression):
        if isinstance(node, facts.Call) and not _is_pure_call(node, place, resolver):
            return False
        if isinstance(node, (facts.Await, facts.Yield, facts.Assigned)):
            return False
    return True


def _is_pure_call(call: facts.Call, place: Place, resolver: Resolver) -> bool:
    function = call.function
    if isinstance(function, facts.Name) and function.id in _BUILTINS:
        return place.scope.holder(function.id) is None
    meaning = resolver.resolve(function, place)
    if isinstance(meaning, External):
        return (
            meaning.dotted.startswith(_PURE_MODULES)
            and not meaning.dotted.startswith("numpy.random")
            and meaning.dotted not in _CLOCKS
        )
    if isinstance(meaning, FunctionRef):
        return False
    return isinstance(function, facts.Attribute) and function.name in _PURE_METHODS


def is_light(statement: facts.Statement, place: Place, resolver: Resolver) -> bool:
    """Whether a statement finishes at once and goes on to the next: a print, a log line, a cheap assignment."""
    match statement:
        case facts.Evaluate(value):
            return isinstance(value, facts.Constant) or (
                isinstance(value, facts.Call) and (is_report(value, place) or _is_light(value, place, resolver))
            )
        case facts.Assign(_, value):
            return value is None or _is_light(value, place, resolver)
        case facts.Update(_, _, value):
            return _is_light(value, place, resolver)
        case facts.Import() | facts.Declare():
            return True
    return False


def is_report(call: facts.Call, place: Place) -> bool:
    """Whether a call only tells the user something: `print`, `logger.info`, `tqdm.write`."""
    function = call.function
    if isinstance(function, facts.Name):
        return function.id in ("print", "pprint", "display") and place.scope.holder("print") is None
    return (
        isinstance(function, facts.Attribute)
        and function.name in _REPORTING
        and last_name(function.value).lower().endswith(_REPORTERS)
    )


def _is_light(expression: facts.Expression, place: Place, resolver: Resolver) -> bool:
    for node in descend(expression):
        if isinstance(node, (facts.Await, facts.Yield)):
            return False
        if isinstance(node, facts.Call) and not is_quick_call(node, place, resolver):
            return False
    return True


def is_quick_call(call: facts.Call, place: Place, resolver: Resolver) -> bool:
    """Whether a call finishes at once: a conversion, a look-up, a clock, a change of a list or dict."""
    if _is_pure_call(call, place, resolver):
        return True
    function = call.function
    meaning = resolver.resolve(function, place)
    if isinstance(meaning, External) and meaning.dotted in _CLOCKS:
        return True
    return meaning is None and isinstance(function, facts.Attribute) and function.name in LIGHT_METHODS
