"""What counts steps, epochs or samples: the counter of a loop, what is counted up in it, names that say so.

Invariant: a total, a limit or a best epoch counts nothing, and neither does the index of a fold, a class or a layer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from mlflow_lint.analysis.flow.sites import Loop
from mlflow_lint.analysis.names.meaning import Place
from mlflow_lint.analysis.names.scopes import Item
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import inner_blocks
from mlflow_lint.facts.iterables import PROGRESS_BARS, unwrapped
from mlflow_lint.facts.traverse import bound_names, last_name
from mlflow_lint.regex import regex

_STEP = regex(
    r"^_*((global|train|training|current|cur|curr|opt|optimizer|env|trainer|val|test|eval|logging|this)_)*"
    r"((time_?)?step|epoch|iteration|iter|itr|num_timesteps|n_iter|iter_(num|count)|batch_?(idx|id|no|num|nb|index|i)|episode"
    r"|step_?(idx|num|no|count|counter|number|i|id)|epoch_?(idx|num|no|count|counter|number|i|id)|i_(batch|epoch|step|iter)"
    r"|(i|n)(epoch|iter|batch|step)|ep|iteration_?(idx|num|no|count|number)|episode_?(idx|num|no|count|number)|global_?step|globalstep)_*$",
    re.I,
)
_WRAPPERS = PROGRESS_BARS | {"list"}
_RANGES = ("range", "trange", "xrange", "count", "arange", "prange")


def says_step(name: str) -> bool:
    """Whether a name says that it counts steps, epochs, batches or episodes."""
    return bool(_STEP.match(name))


def is_step(expression: facts.Expression, place: Place) -> bool:
    """Whether an expression is plainly a step: a counter, perhaps shifted, scaled or converted."""
    match expression:
        case facts.Operation("+" | "-" | "*" | "//", operands):
            steps = [operand for operand in operands if not isinstance(operand, facts.Constant)]
            return bool(steps) and any(is_step(operand, place) for operand in steps)
        case facts.Call(facts.Name("int"), (given,)):
            return is_step(given.value, place)
        case facts.Name(name):
            return says_step(name) or _is_index(name, place)
        case facts.Attribute() | facts.Subscript():
            return says_step(last_name(expression))
    return False


def _is_index(name: str, place: Place) -> bool:
    """Whether a name is the counter of a loop and nothing else."""
    holder = place.scope.holder(name)
    bindings = holder.bindings[name] if holder is not None else []
    return bool(bindings) and all(
        isinstance(binding, Item) and _counts(binding.iterable, binding.path) for binding in bindings
    )


def _counts(iterable: facts.Expression, path: tuple[int, ...]) -> bool:
    """Whether the part of the items of an iterable at `path` is 0, 1, 2, …"""
    iterable = unwrapped(iterable, _WRAPPERS)
    if not isinstance(iterable, facts.Call):
        return False
    word = last_name(iterable.function)
    return (word == "enumerate" and path == (0,)) or (word in _RANGES and path == ())


def counter_of(loop: Loop) -> str | None:
    """The name that counts the turns of a loop: of `range` or `enumerate`, or one that its body counts up."""
    node = loop.node
    if isinstance(node, facts.While):
        counted = [name for name in counted_up(loop) if says_step(name)]
        return counted[0] if len(counted) == 1 else None
    target = node.target
    first = target.items[0] if isinstance(target, facts.Collection) and target.items else target
    if isinstance(first, facts.Name) and not first.id.startswith("_"):
        path = () if first is target else (0,)
        if _counts(node.iterable, path) or (says_step(first.id) and first is target):
            return first.id
    return None


def counting(loop: Loop) -> frozenset[str]:
    """Names that tell the turns of a loop apart: its targets, and what its body counts up."""
    targets = () if isinstance(loop.node, facts.While) else bound_names(loop.node.target)
    return counted_up(loop) | frozenset(targets)


@lru_cache(maxsize=64)  # asked of each write in a loop, and a loop is told apart by identity
def counted_up(loop: Loop) -> frozenset[str]:
    """Names that a loop's body counts up by one: `step += 1`."""
    return frozenset() if isinstance(loop.node, facts.Clause) else frozenset(_counted_up(loop.node.body))


def _counted_up(block: facts.Block) -> Iterator[str]:
    for statement in block:
        match statement:
            case facts.Update(facts.Name(name), "+", facts.Constant(1)):
                yield name
        for inner in inner_blocks(statement):
            yield from _counted_up(inner)


def misplaced_step(call: facts.Call, place: Place) -> facts.Argument | None:
    """The fourth positional argument of a client's `log_metric`, if it is a step and the step itself is not given."""
    arguments = call.arguments
    positional = [given for given in arguments if given.keyword is None]
    if len(positional) != 4 or any(given.star for given in arguments) or call.keyword("step") is not None:
        return None
    return positional[3] if is_step(positional[3].value, place) else None
