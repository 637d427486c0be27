"""What a loop walks over: batches, epochs, trials, files, the members of one result, a finished history.

An iterable is followed through assignments, attributes, parameters and the wrappers that people put around it
(`enumerate`, `tqdm`, `zip`, `accelerator.prepare` …); names decide last. Invariant: nothing is guessed from a name
that an assignment contradicts.
"""

from __future__ import annotations

import enum
import re

from mlflow_lint.analysis.names.meaning import FunctionRef, Instance, Place, Result
from mlflow_lint.analysis.names.resolve import Resolver
from mlflow_lint.analysis.names.scopes import Item, Scope, Value
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import returned_values, yielding_loops
from mlflow_lint.facts.iterables import SAME_ITEMS
from mlflow_lint.facts.traverse import descend, last_name, shown
from mlflow_lint.record import record
from mlflow_lint.regex import regex


class Source(enum.Enum):
    """What the items of an iterable are."""

    BATCHES = "batches"
    STREAM = "the items of a stream"
    STEPS = "steps"
    EPOCHS = "epochs"
    TRIALS = "trials"
    FILES = "files"
    KEYS = "keys"
    HISTORY = "a finished history"


@record
class Walked:
    """What a loop walks over, and how that is known."""

    source: Source
    evidence: str


_WRAPPERS = SAME_ITEMS | frozenset(
    "enumerate islice cycle chain prefetch prepare prepare_data_loader setup_dataloaders MpDeviceLoader ParallelLoader "
    "per_device_loader DeviceLoader auto take skip seek log_every to_device".split()
)
_LOADER_CLASS = regex(
    r"((Data|Batch|Bulk|Neighbor|Graph|Geo|Multi|Fast|Train|Test|Eval|Val)\w*Loader|^Loader|DataLoader\w*|DataIterator"
    r"|BucketIterator|BatchIterator|BPTTIterator|MiniBatch\w*|BatchGenerator|BatchSampler|DataPipe)$"
)
_DATASET_METHODS = frozenset(
    "batch padded_batch iter_batches iter_torch_batches iter_tf_batches to_torch train_dataloader val_dataloader "
    "test_dataloader get_train_dataloader get_eval_dataloader get_test_dataloader as_numpy_iterator".split()
)
_BATCH_CALL = regex(
    r"(^|_)((get|iter|iterate|make|next|gen|generate|yield|create|load)_?)?(data_?loader|mini_?batch(es)?|batches|batchify"
    r"|batch_(iter|iterator|generator|loader|gen))$",
    re.I,
)
_BATCHES = regex(
    r"((^|_)(data_?)?loader|dataloader|(^|_)dl|(^|_)(mini_?)?batches|(^|_)(train|val|valid|validation|dev|test|eval|data|batch)_?"
    r"(iter|iterator|gen|generator|dl))$",
    re.I,
)
_LOADERS = regex(r"((^|_)(data_?)?loaders?|dataloaders?|(^|_)dls)$", re.I)
_BATCH_COUNT = regex(
    r"(steps_per_epoch|(num|n|nb|total|max)_?(mini_?)?batch(es)?|batches_per_epoch|batch_count|iters_per_epoch"
    r"|(num|n)_?updates_per_epoch|batches)$",
    re.I,
)
_STEP_COUNT = regex(
    r"((num|n|nb|total|max|train|training|global)_?)?(time_?)?(steps|iterations|iters|updates|frames|step)$|max_iter$",
    re.I,
)
_EPOCHS = regex(r"epochs?($|_)", re.I)
_TRIALS = regex(
    r"(^|_)(folds?|k_?folds?|n_?splits|cv|trials?|seeds?|candidates?|configs?|configurations?|experiments|param_?grid|grid"
    r"|combinations|hyper_?param\w*|search_?space|models|estimators|classifiers|regressors|algorithms|scenarios|repeats"
    r"|restarts|learning_rates|alphas|lrs|n_runs|num_runs|episodes?)$",
    re.I,
)
_TRIAL_CALLS = frozenset("ParameterGrid ParameterSampler product split trials suggest".split())
_FILE_CALLS = frozenset("glob rglob iterdir listdir walk scandir iglob ls list_artifacts".split())
_FILES = regex(
    r"(^|_)(files?|paths?|filenames?|figs|figures|plots|artifacts|images|pngs|attachments|checkpoints)$", re.I
)
_KEY_CALLS = frozenset("items keys named_parameters named_modules named_children _asdict".split())
_KEYS = regex(
    r"(^|_)(metrics?|params?|parameters|hparams|keys?|names?|classes|labels|class_names|columns|cols|features|layers|tags|"
    r"scores_dict|results?|report|config|cfg|args|options|settings|metadata|stats|statistics|summary|info|losses_dict|targets|"
    r"outputs|categories|groups|splits|phases|intents|sections|checks|traits|bands|crops|tasks|n_classes|num_classes|"
    r"n_features|num_layers|n_outputs|importances?|weights|fields|values)$",
    re.I,
)
_HISTORY = regex(
    r"(hist(ory)?|loss(es)?|curves?|accs|accuracies|rewards|returns|evals_result|evals|learning_curve|trace|log_history)$",
    re.I,
)
_STREAM = regex(
    r"^(consume|listen|subscribe|stream|astream|stream_generate|(iter|read|stream)_(frames|messages|tokens))$"
)
_PROGRESS = regex(r"progress|tqdm|(^|_)p?bar$", re.I)
_ROWS = frozenset(["iterrows", "itertuples"])


class Sources:
    """Tells what an iterable gives; needs a resolver to follow names."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def of(self, iterable: facts.Expression, place: Place) -> Walked | None:
        """What the items of an iterable are; None when nothing says."""
        return self._of(iterable, place, 0)

    def _of(self, node: facts.Expression, place: Place, depth: int) -> Walked | None:
        if depth > 8:
            return None
        match node:
            case facts.Call():
                return self._call(node, place, depth)
            case facts.Name(name):
                return self._followed(name, place, depth) or _named(node)
            case facts.Attribute(value, name):
                return self._typed(node, place) or self._kept(value, name, place, depth) or _named(node)
            case facts.Subscript(value, index):
                word = last_name(value)
                # `loaders["train"]` is one of several; `config["data_loader"]["channels"]` is whatever its key says.
                keyed = isinstance(index, facts.Constant) and isinstance(index.value, str)
                if _LOADERS.search(word) and (not keyed or word.endswith("s")):
                    return Walked(Source.BATCHES, f"{shown(node)} is a data loader")
                if _HISTORY.search(word) or "history" in shown(node, 200):
                    return Walked(Source.HISTORY, f"{shown(node)} is a finished history")
                return _named(node)
            case facts.Collection(_, items):
                return Walked(Source.KEYS, "a short literal") if len(items) <= 50 else None
            case facts.Mapping() | facts.Constant():
                return Walked(Source.KEYS, "a short literal")
            case facts.Conditional(_, body, otherwise):
                return self._of(body, place, depth + 1) or self._of(otherwise, place, depth + 1)
            case facts.Operation("or", operands):
                return next(filter(None, (self._of(o, place, depth + 1) for o in operands)), None)
            case facts.Await(value) | facts.Starred(value):
                return self._of(value, place, depth + 1)
        return None

    def _call(self, call: facts.Call, place: Place, depth: int) -> Walked | None:
        word = last_name(call.function)
        values = [argument.value for argument in call.arguments]
        if word in ("range", "trange", "arange", "xrange", "count"):
            return self._range(values, place, depth)
        if word == "zip":
            found = [self._of(value, place, depth + 1) for value in values]
            batches = [walked for walked in found if walked is not None and walked.source is Source.BATCHES]
            known = [walked for walked in found if walked is not None]
            return batches[0] if batches else (known[0] if known else None)
        if word in _WRAPPERS:
            inner = self._of(values[0], place, depth + 1) if values else None
            if inner is None and isinstance(call.function, facts.Attribute):
                inner = self._of(call.function.value, place, depth + 1)
            return inner
        if word in _KEY_CALLS:
            return Walked(Source.KEYS, f"{shown(call)} are the members of one result")
        if word == "values" and isinstance(call.function, facts.Attribute):
            return Walked(Source.KEYS, f"{shown(call)} are the members of one result")
        if word in _FILE_CALLS:
            return Walked(Source.FILES, f"{shown(call)} lists files")
        if word in _ROWS:
            return Walked(Source.HISTORY, f"{shown(call)} walks the rows of a finished table")
        if word in _TRIAL_CALLS and not (word == "split" and _is_text_split(call)):
            return Walked(Source.TRIALS, f"{shown(call)} gives one trial at a time")
        if word in _DATASET_METHODS or _BATCH_CALL.search(word):
            return Walked(Source.BATCHES, f"{shown(call)} gives batches")
        if _STREAM.search(word):
            return Walked(Source.STREAM, f"{shown(call)} gives one item of a stream at a time")
        typed = self._typed(call, place) or self._given_by(call, place, depth)
        if typed is not None:
            return typed
        if values and any(_PROGRESS.search(name) for name in _identifiers(call.function)):
            return self._of(values[0], place, depth + 1)
        if isinstance(call.function, facts.Attribute) and word in (
            "shuffle",
            "repeat",
            "cache",
            "with_options",
            "to",
            "cuda",
            "map",
        ):
            return self._of(call.function.value, place, depth + 1)
        return None

    def _range(self, values: list[facts.Expression], place: Place, depth: int) -> Walked | None:
        if not values:
            return None
        if len(values) == 3 and "batch" in last_name(values[2]).lower():
            return Walked(Source.BATCHES, f"steps of {shown(values[2])}")
        stop = values[1] if len(values) > 1 else values[0]
        words = [
            last_name(node)
            for node in descend(stop)
            if isinstance(node, (facts.Name, facts.Attribute, facts.Subscript))
        ]
        for word in words:
            if _EPOCHS.search(word) and not _BATCH_COUNT.search(word):
                return Walked(Source.EPOCHS, f"up to {shown(stop)}")
        for node in descend(stop):
            if isinstance(node, facts.Call) and last_name(node.function) == "len" and node.arguments:
                walked = self._of(node.arguments[0].value, place, depth + 1)
                if walked is not None:
                    return walked
        if (
            isinstance(stop, facts.Operation)
            and stop.operator in ("//", "/")
            and "batch" in last_name(stop.operands[-1])
        ):
            return Walked(Source.BATCHES, f"{shown(stop)} batches")
        for word in words:
            if _BATCH_COUNT.search(word):
                return Walked(Source.BATCHES, f"up to {shown(stop)}")
            if _STEP_COUNT.search(word):
                return Walked(Source.STEPS, f"up to {shown(stop)}")
            if _TRIALS.search(word):
                return Walked(Source.TRIALS, f"up to {shown(stop)}")
            if _KEYS.search(word):
                return Walked(Source.KEYS, f"up to {shown(stop)}")
        return None

    def _typed(self, node: facts.Expression, place: Place) -> Walked | None:
        meaning = self._resolver.resolve(node, place)
        if isinstance(meaning, Result):
            word = meaning.dotted.rpartition(".")[2]
            if _LOADER_CLASS.search(word) or word in _DATASET_METHODS:
                return Walked(Source.BATCHES, f"{shown(node)} is a {word}")
        if isinstance(meaning, Instance) and _LOADER_CLASS.search(meaning.type.definition.name):
            return Walked(Source.BATCHES, f"{shown(node)} is a {meaning.type.definition.name}")
        return None

    def _followed(self, name: str, place: Place, depth: int) -> Walked | None:
        typed = self._typed(facts.Name(name), place)
        if typed is not None:
            return typed
        holder = place.scope.holder(name)
        if holder is None:
            return None
        inner = Place(holder, place.receiver)
        for binding in holder.bindings[name]:
            if isinstance(binding, Value) and not isinstance(binding.expression, facts.Name):
                value = _part(binding)
                walked = self._assigned(value, inner, depth) if value is not None else None
                if walked is not None:
                    return walked
            elif isinstance(binding, Item):
                series = self._series(name, binding, inner, depth)
                if series is not None:
                    return series
            elif isinstance(binding, facts.Parameter):
                return self._passed(holder, name, depth)
        return None

    def _series(self, name: str, item: Item, place: Place, depth: int) -> Walked | None:
        """One series of a history: `values` in `for key, values in history.history.items()`."""
        call = item.iterable
        if not isinstance(call, facts.Call) or not isinstance(call.function, facts.Attribute):
            return None
        if (call.function.name, item.path) not in (("items", (1,)), ("values", ())):
            return None
        of = self._of(call.function.value, place, depth + 1)
        if of is None or of.source is not Source.HISTORY:
            return None
        return Walked(Source.HISTORY, f"{name} is a series of {shown(call.function.value)}")

    def _passed(self, scope: Scope, name: str, depth: int) -> Walked | None:
        """What the calls of a function in its file pass for a parameter, if they agree."""
        arguments = self._resolver.callers.arguments(scope, name) or ()
        found = [self._assigned(given, where, depth) for given, where in arguments]
        first = found[0] if found else None
        return first if first is not None and all(w is not None and w.source is first.source for w in found) else None

    def _kept(self, owner: facts.Expression, name: str, place: Place, depth: int) -> Walked | None:
        """What an object keeps in an attribute: `self.batches = make_batches(data)`."""
        of = self._resolver.resolve(owner, place)
        if not isinstance(of, Instance):
            return None
        for value, _, where in self._resolver.classes.assignments(of.type, name):
            walked = self._assigned(value, where, depth) if value is not None else None
            if walked is not None:
                return walked
        return None

    def _assigned(self, value: facts.Expression, place: Place, depth: int) -> Walked | None:
        if isinstance(value, (facts.Collection, facts.Mapping, facts.Constant)):
            # A display that is empty, or is filled later, says nothing of what it holds by then.
            return None if not getattr(value, "items", ()) else self._of(value, place, depth + 1)
        return self._of(value, place, depth + 1)

    def _given_by(self, call: facts.Call, place: Place, depth: int) -> Walked | None:
        """What a function of the project returns, or yields turn after turn."""
        function = self._resolver.resolve(call.function, place)
        if not isinstance(function, FunctionRef):
            return None
        inside = Place(function.scope, function.receiver)
        body = function.definition.body
        if not function.definition.is_generator:
            returned = [self._assigned(value, inside, depth) for value in returned_values(body)]
            return next((walked for walked in returned if walked is not None), None)
        for loop in yielding_loops(body):
            walked = self._of(loop.iterable, inside, depth + 1)
            if walked is not None and walked.source is Source.BATCHES:
                return Walked(Source.BATCHES, f"{shown(call)} yields one batch at a time")
        return None


def _identifiers(function: facts.Expression) -> list[str]:
    return [last_name(node) for node in descend(function) if isinstance(node, (facts.Name, facts.Attribute))]


def _part(binding: Value) -> facts.Expression | None:
    """The value of a name: in `model, loader = accelerator.prepare(model, loader)`, the argument in its place."""
    value = binding.expression
    if not binding.unpacked:
        return value
    if not isinstance(value, facts.Call) or last_name(value.function) not in ("prepare", "setup_dataloaders"):
        return None
    given = value.arguments
    return given[binding.index].value if binding.index < len(given) and not value.spread else None


def _is_text_split(call: facts.Call) -> bool:
    """`text.split(",")` is no cross-validation."""
    if not isinstance(call.function, facts.Attribute):
        return False
    first = call.arguments[0].value if call.arguments else facts.Constant("")
    return isinstance(first, (facts.Constant, facts.Text))


def _named(node: facts.Expression) -> Walked | None:
    """What the name of an iterable says, when nothing better is known."""
    word = last_name(node)
    if not word:
        return None
    if _BATCHES.search(word):
        return Walked(Source.BATCHES, f"{shown(node)} is named like a data loader")
    if _EPOCHS.search(word):
        return Walked(Source.EPOCHS, f"{shown(node)} is named like epochs")
    if _FILES.search(word):
        return Walked(Source.FILES, f"{shown(node)} is named like files")
    if _TRIALS.search(word):
        return Walked(Source.TRIALS, f"{shown(node)} is named like trials")
    if _HISTORY.search(word):
        return Walked(Source.HISTORY, f"{shown(node)} is named like a history")
    if _KEYS.search(word):
        return Walked(Source.KEYS, f"{shown(node)} is named like the members of one result")
    return None
