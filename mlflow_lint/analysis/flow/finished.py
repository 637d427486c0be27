"""Whether what a loop walks over is complete before its first turn: a list, an array, the rows of a frame, a range.

Generators, loaders and streams make their items while the loop runs, and so may time pass. Invariant: what a call
gives is complete only if it is known to be; a name is followed to what it was assigned.
"""

from __future__ import annotations

import re

from mlflow_lint.analysis.flow.quick import is_quick_expression
from mlflow_lint.analysis.flow.sites import Loop
from mlflow_lint.analysis.flow.sources import Source
from mlflow_lint.analysis.names.meaning import ClassRef, External, FunctionRef, Place
from mlflow_lint.analysis.names.scopes import Binding, Item, Value
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.iterables import SAME_ITEMS, unwrapped
from mlflow_lint.facts.traverse import bound_names, descend, last_name, shown
from mlflow_lint.regex import regex

_DEEPEST = 8
_RANGES = frozenset("range trange xrange arange linspace".split())
_WRAPPERS = SAME_ITEMS | frozenset(
    "enumerate zip zip_longest dict islice chain from_iterable pairwise accumulate".split()
)
_VIEWS = frozenset(
    "items values keys iterrows itertuples to_dict to_list tolist to_numpy numpy cpu detach flatten ravel reshape "
    "squeeze astype get copy cumsum diff dropna head tail sort_values sort_index reset_index rolling mean split "
    "splitlines strip groupby transpose".split()
)
_LIBRARIES = (
    "collections.",
    "numpy.",
    "pandas.",
    "json.load",
    "yaml.",
    "pickle.load",
    "joblib.load",
    "math.",
    "statistics.",
)
_HISTORIES = regex(r"(hist(ory)?|losses|curves?|accuracies|rewards|returns|evals_result|log_history|scores)$", re.I)
_LAZY = regex(
    r"(^|_)(streams?|iter|iterator|iterable|gen|generator|loaders?|dataloaders?|dl|queue|consumer|reader|sampler|trainer|runner"
    r"|learner|engine|agent|v?envs?|datasets?|ds|pool|executor|stdout|stderr|stdin|pipe|process|proc|socket|subscriber|subscription|listener|feed|events)$",
    re.I,
)
_BATCH = regex(r"(^|_)(mini_?)?batch(es)?$", re.I)
_LAZY_TYPES = regex(r"(Iterator|Generator|Iterable|Loader|IterableDataset|Queue|Stream|Env)$")


def is_finished(effects: Effects, loop: Loop) -> bool:
    """Whether everything that a loop walks over is there before it starts."""
    node = loop.node
    if isinstance(node, facts.While) or (isinstance(node, facts.For) and node.is_async):
        return False
    walked = effects.loops.walked(loop)
    if walked is not None and walked.source is Source.BATCHES and not _counts(node.iterable):
        return False
    if any(_BATCH.search(name) for name in bound_names(node.target)):
        return False
    return _Finished(effects).expression(node.iterable, loop.place, 0)


def _counts(iterable: facts.Expression) -> bool:
    """`range(len(loader))` only counts; it fetches nothing."""
    iterable = unwrapped(iterable, _WRAPPERS)
    return isinstance(iterable, facts.Call) and last_name(iterable.function) in _RANGES


class _Finished:
    def __init__(self, effects: Effects) -> None:
        self.effects = effects
        self.names: dict[tuple[int, str], bool] = {}
        """What is known of names; one that is asked for while it is followed decides nothing."""

    def expression(self, node: facts.Expression, place: Place, depth: int) -> bool:
        if depth > _DEEPEST:
            return False

        def every(*parts: facts.Expression) -> bool:
            return all(self.expression(part, place, depth + 1) for part in parts)

        match node:
            case facts.Constant() | facts.Collection() | facts.Mapping():
                return True
            case facts.Name(name):
                return not _LAZY.search(name) and self.name(name, place, depth)
            case facts.Attribute():
                return not _LAZY.search(node.name)
            case facts.Subscript(_, index):
                # Prophet calls the column of dates `ds`.
                return index == facts.Constant("ds") or not _LAZY.search(last_name(node))
            case facts.Comprehension(kind, element, clauses):
                if kind != "generator":
                    return True
                return every(*(clause.iterable for clause in clauses)) and is_quick_expression(
                    self.effects, element, place
                )
            case facts.Conditional(_, body, otherwise):
                return every(body, otherwise)
            case facts.Operation(_, operands):
                return every(*operands)
            case facts.Starred(value):
                return every(value)
            case facts.Call():
                return self.call(node, place, depth)
        return False

    def call(self, call: facts.Call, place: Place, depth: int) -> bool:
        """What a call gives, where it is walked right away."""
        word = last_name(call.function)
        if word in _RANGES:
            return True
        if word in _WRAPPERS:
            return all(self.expression(given.value, place, depth + 1) for given in call.arguments if not given.keyword)
        meaning = self.effects.target(call, place)
        if isinstance(meaning, FunctionRef):
            return not meaning.definition.is_generator and not meaning.definition.is_async
        if isinstance(meaning, External):
            return meaning.dotted.startswith(_LIBRARIES) or meaning.dotted.endswith("().get_metric_history")
        if isinstance(call.function, facts.Attribute) and word in _VIEWS:
            return self.expression(call.function.value, place, depth + 1)
        return bool(_HISTORIES.search(word))

    def name(self, name: str, place: Place, depth: int) -> bool:
        holder = place.scope.holder(name)
        if holder is None:
            return True
        key = (id(holder), name)
        if key not in self.names:
            self.names[key] = True
            inner = Place(holder, place.receiver)
            self.names[key] = all(self.binding(binding, inner, depth) for binding in holder.bindings[name])
        return self.names[key]

    def binding(self, binding: Binding, place: Place, depth: int) -> bool:
        match binding:
            case Value(facts.Call() as call, unpacked):
                return self.call(call, place, depth + 1) or (
                    (unpacked or not self.is_lazy(call, place)) and last_name(call.function) not in _WRAPPERS
                )
            case Value(expression):
                return self.expression(expression, place, depth + 1)
            case Item(iterable):
                return not _LAZY.search(last_name(iterable))
            case facts.Parameter(_, annotation):
                return annotation is None or not any(
                    _LAZY_TYPES.search(last_name(node)) for node in descend(annotation)
                )
            case facts.Function() | facts.Class():
                return False
        return True

    def is_lazy(self, call: facts.Call, place: Place) -> bool:
        """Whether a call may give something that works while it is walked: an object of a class, a generator."""
        word = last_name(call.function)
        meaning = self.effects.target(call, place)
        if isinstance(meaning, FunctionRef):
            return meaning.definition.is_generator or meaning.definition.is_async
        return isinstance(meaning, ClassRef) or word[:1].isupper() or bool(_LAZY.search(word))


def finished_words(loop: Loop) -> str:
    """What is complete, for a reason: `losses is complete before the loop`."""
    assert not isinstance(loop.node, facts.While)
    return f"{shown(loop.node.iterable)} is complete before the first turn"
