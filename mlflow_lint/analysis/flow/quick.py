"""Whether a stretch of code only looks things up, computes and logs: nothing in it trains, fetches or waits.

`weight` judges one statement; this judges whole blocks, and looks into the functions of the project that they call.
Invariant: unknown is not quick.
"""

from __future__ import annotations

from mlflow_lint.analysis.flow.weight import LIGHT_METHODS, is_quick_call, is_report
from mlflow_lint.analysis.names.meaning import External, FunctionRef, Place, plain_api
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import WRITES
from mlflow_lint.facts.traverse import calls_in, last_name, within
from mlflow_lint.regex import regex

_DEEPEST = 4
WORK = regex(
    r"^_?(fit|train|run|eval|evaluate|validate|test|forward|backward|predict|generate|simulate|solve|optimi[sz]e|search"
    r"|sleep|wait|fetch|download|upload|request|invoke|step|rollout|learn)(_|$)"
)
"""Names of functions that train, fetch or wait."""
_MODULES = ("json.", "random.", "numpy.", "pandas.to_", "pandas.is", "pandas.not", "mlflow.entities.")
_AT_HAND = frozenset(["mlflow.active_run", "mlflow.tracking.fluent.active_run", "mlflow.get_tracking_uri"])
"""Calls of MLflow that send no request."""
_METHODS = LIGHT_METHODS | frozenset(
    "to_dict to_list to_numpy dropna isna notna isnull notnull iterrows itertuples normal uniform group groups "
    "is_integer removeprefix removesuffix".split()
)
# A dict is updated in passing; what gives something back is an agent, a metric or a tracker that works.
_IN_PASSING = frozenset(["update"])


def is_quick(effects: Effects, block: facts.Block, place: Place, depth: int = 0) -> bool:
    """Whether a block finishes at once, whatever it writes to MLflow."""

    def quick(*expressions: facts.Expression | None) -> bool:
        return all(e is None or is_quick_expression(effects, e, place, depth) for e in expressions)

    def inside(*blocks: facts.Block) -> bool:
        return all(is_quick(effects, inner, place, depth) for inner in blocks)

    for statement in block:
        match statement:
            case facts.Evaluate(facts.Call(facts.Attribute(value, word), arguments)) if word in _IN_PASSING:
                passes = quick(value, *(given.value for given in arguments))
            case facts.Evaluate(value) | facts.Assign(_, value) | facts.Leave(_, value):
                passes = quick(value)
            case facts.Update(_, _, value):
                passes = quick(value)
            case facts.If(test, body, orelse):
                passes = quick(test) and inside(body, orelse)
            case facts.For(_, iterable, body, orelse):
                passes = not statement.is_async and quick(iterable) and inside(body, orelse)
            case facts.Try(body, handlers, orelse, final):
                passes = inside(body, orelse, final, *(handler.body for handler in handlers))
            case facts.With(items, body):
                passes = quick(*(value for value, _ in items)) and inside(body)
            case facts.Match(subject, cases):
                passes = quick(subject, *(case.guard for case in cases)) and inside(*(case.body for case in cases))
            case facts.While():
                passes = False  # nothing says how long
            case _:
                passes = True
        if not passes:
            return False
    return True


def is_quick_expression(effects: Effects, expression: facts.Expression, place: Place, depth: int = 0) -> bool:
    """Whether evaluating an expression takes no time worth speaking of, writes to MLflow aside."""
    nodes: list[facts.Call | facts.Await | facts.Yield] = within(expression, facts.Call, facts.Await, facts.Yield)
    return all(isinstance(node, facts.Call) and _is_quick_call(effects, node, place, depth) for node in nodes)


def is_quick_function(effects: Effects, function: FunctionRef, depth: int = 0) -> bool:
    """Whether a function of the project is known to do little: its body is there, and quick."""
    definition = function.definition
    if depth > _DEEPEST or definition.is_async or WORK.search(definition.name) or _is_stub(definition):
        return False
    return is_quick(effects, definition.body, Place(function.scope, function.receiver), depth + 1)


def _is_quick_call(effects: Effects, call: facts.Call, place: Place, depth: int) -> bool:
    meaning = effects.target(call, place)
    api = plain_api(meaning)
    if api is not None:
        return api.kind in WRITES
    if isinstance(meaning, FunctionRef):
        return is_quick_function(effects, meaning, depth)
    if isinstance(meaning, External) and (meaning.dotted in _AT_HAND or meaning.dotted.startswith(_MODULES)):
        return True
    word = last_name(call.function)
    if word in _IN_PASSING or (word == "get" and not call.arguments):
        return False  # `queue.get()` waits; `d.get(key)` does not
    if is_report(call, place) or is_quick_call(call, place, effects.resolver):
        return True
    # What a library gave is an object like any other: its methods go by their names.
    of_result = isinstance(meaning, External) and "()." in meaning.dotted
    return (meaning is None or of_result) and word in _METHODS and isinstance(call.function, facts.Attribute)


def _is_stub(definition: facts.Function) -> bool:
    """A body that is left to others: nothing but `pass`, a docstring or `raise`."""
    return all(
        (isinstance(statement, facts.Leave) and statement.kind == "raise")
        or (isinstance(statement, facts.Evaluate) and not any(calls_in(statement.value)))
        for statement in definition.body
    )
