"""How often the body of a loop runs: the verdict on one loop, with its evidence.

Judged by evidence, strongest first: what the body does (an environment or optimizer step), what it walks over, how
often a literal says it turns, what it is nested in, and names last. Invariant: without evidence the verdict is
`UNKNOWN`, which no rule calls hot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache

from mlflow_lint.analysis.flow.sites import Loop, leaves
from mlflow_lint.analysis.flow.sources import Source, Sources, Walked
from mlflow_lint.analysis.names.meaning import Place
from mlflow_lint.analysis.names.resolve import Resolver
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.functions import inner_blocks
from mlflow_lint.facts.iterables import SAME_ITEMS, unwrapped
from mlflow_lint.facts.traverse import bound_names, calls_in, descend, last_name, names_in, shown
from mlflow_lint.record import record
from mlflow_lint.regex import regex


@record
class Verdict:
    """How often a loop's body runs."""

    frequency: Frequency
    unit: str
    """How a message says it: `once per batch`."""
    evidence: str


_OPTIMIZER = regex(r"optim|(^|_)opt(_|$)|scaler|solver|accelerator|fabric", re.I)
_ENVIRONMENT = regex(r"(^|_)(v?envs?|environment|game|gym|simulator|world)(_|\d|$)", re.I)
_LEARNING = regex(
    r"^(_?train(ing)?_step|train_on_batch|test_on_batch|_?train_batch|_?train_one_batch|_?update_(model|policy|network|critic|actor)"
    r"|partial_fit|apply_gradients|forward_backward|manual_backward|backward|zero_grad|learn_on_batch|optimi[sz]er_step)$"
)
_FETCHING = regex(r"^(next|sample|sample_batch|get_batch|next_batch|get_next|__next__|learn|forward)$")
_LEARNER = regex(r"(agent|policy|learner|trainer|model|algo(rithm)?|critic|actor|net(work)?|buffer|self)$", re.I)
"""Whose `update` learns; that of a dict or a progress bar does not."""
_ROLLOUT = regex(r"(^|_)rollouts?(_|$)")
_GENERATION = regex(
    r"^_?generate_(sequences|completions|responses|experiences?)(_|$)|^_?(make|collect)_experiences?$|^_?sync_rollout_"
)
"""What has a language model write all that is then learnt from: seconds to minutes each time."""
_ROUNDS = regex(
    r"^_?((train|run|fit)_?(one_)?(epoch|loop|round|model|all)\w*|fit|train|learn|run_epoch|cross_val_score|cross_validate"
    r"|train_and_\w+|optimi[sz]e|ppo_step|rollout|collect_rollouts?)$"
)
_EPOCH_NAME = regex(r"(^|_)epochs?($|_)|^ep$", re.I)
_STEP_NAME = regex(
    r"(^|_)(global_?)?(steps?|batch(_?(idx|i|id|no|num|nb|index))?|iters?|iteration|itr|it|i_batch|ibatch|timestep|t)$",
    re.I,
)
_TRIAL_NAME = regex(
    r"(^|_)(fold|trial|seed|candidate|combo|hyper_?params?|model_name|estimator|clf|regressor|learning_rate|alpha|lr"
    r"|episode|eps|repeat|run_?(idx|i|no)?)$",
    re.I,
)
_EPISODES = regex(r"episodes?|(^|_)eps?(_|$)", re.I)
_RETRY = regex(r"(^|_)(retry|retries|attempts?|tries)$", re.I)
_SMALL = 20


class Loops:
    """Judges loops; verdicts are remembered by loop."""

    def __init__(self, resolver: Resolver) -> None:
        self._sources = Sources(resolver)
        self._known: dict[int, Verdict] = {}
        self._alone: dict[int, Verdict] = {}

    def verdict(self, loop: Loop) -> Verdict:
        """How often the loop's body runs in one pass of what is around it."""
        key = id(loop.node)
        if key not in self._known:
            self._known[key] = self._judge(loop)
        return self._known[key]

    def walked(self, loop: Loop) -> Walked | None:
        """What a `for` or a clause walks over."""
        if isinstance(loop.node, facts.While):
            return None
        place = loop.place
        if isinstance(loop.node, facts.Clause) and place.scope.parent is not None:
            place = type(place)(place.scope.parent, place.receiver)
        return self._sources.of(loop.node.iterable, place)

    def is_sweep(self, loop: Loop) -> bool:
        """Whether each turn is a trial of its own, whatever it does inside: a fold, a seed, a configuration."""
        walked = self.walked(loop)
        if walked is not None and walked.source is Source.TRIALS:
            return not _EPISODES.search(walked.evidence)
        return any(_TRIAL_NAME.search(name) and not _EPISODES.search(name) for name in _targets(loop))

    def _judge(self, loop: Loop) -> Verdict:
        node = loop.node
        body = () if isinstance(node, facts.Clause) else node.body
        own = list(own_calls(body))
        walked = self.walked(loop)
        if body and isinstance(body[-1], facts.Leave) and body[-1].kind in ("break", "return", "raise"):
            return Verdict(Frequency.ONCE, "once", "its body always ends the loop")

        stepping = next((call for call in own if _is_environment_step(call)), None)
        if stepping is not None:
            return _hot("once per environment step", f"its body calls {shown(stepping.function)}")

        epochs = self._is_epochs(loop, walked)
        training = next((call for call in own if _is_optimizer_step(call)), None)
        batches = walked is not None and walked.source is Source.BATCHES
        made = next((call for call in own if _is_round(call, batches, training is not None)), None)
        if made is not None:
            return Verdict(Frequency.PER_EPOCH, "once per round", f"each turn calls {shown(made.function)}")
        if training is not None:
            return self._training(loop, walked, epochs, own, training)

        if walked is not None and batches:
            if _trains_inside(body):
                return Verdict(Frequency.PER_EPOCH, "once per round", "each turn trains in a loop of its own")
            return _hot("once per batch", walked.evidence)
        if walked is not None and walked.source is Source.STREAM and not _trains_inside(body):
            return _hot("once per item", walked.evidence)
        if any(_RETRY.search(name) for name in (*_targets(loop), *_bound(node))):
            return Verdict(Frequency.POLLING, Frequency.POLLING.value, "it tries again until it succeeds")
        if epochs:
            return Verdict(Frequency.PER_EPOCH, Frequency.PER_EPOCH.value, epochs)
        if isinstance(node, facts.While) and any(last_name(call.function) == "sleep" for call in own):
            return Verdict(Frequency.POLLING, Frequency.POLLING.value, "it sleeps between turns")
        return self._by_names(loop, walked, own)

    def _training(
        self, loop: Loop, walked: Walked | None, epochs: str, own: list[facts.Call], training: facts.Call
    ) -> Verdict:
        evidence = f"its body calls {shown(training.function)}"
        if walked is not None and walked.source is Source.BATCHES:
            return _hot("once per batch", walked.evidence)
        if epochs:
            return Verdict(Frequency.PER_EPOCH, Frequency.PER_EPOCH.value, epochs)
        if (
            self._inside_epochs(loop)
            or isinstance(loop.node, facts.While)
            or (walked is not None and walked.source is Source.STEPS)
            or any(_STEP_NAME.search(name) for name in _targets(loop))
            or any(map(_fetches, own))
        ):
            return _hot("once per optimizer step", evidence)
        return Verdict(Frequency.PER_EPOCH, Frequency.PER_EPOCH.value, "it trains on all data each turn")

    def _by_names(self, loop: Loop, walked: Walked | None, own: list[facts.Call]) -> Verdict:
        node = loop.node
        body = () if isinstance(node, facts.Clause) else node.body
        count = literal_count(node)
        if any(_ROUNDS.search(last_name(call.function)) for call in own):
            return Verdict(Frequency.PER_TRIAL, Frequency.PER_TRIAL.value, "each turn trains a model")
        if self.holds_hot_loop(body, loop.place):
            return Verdict(Frequency.PER_EPOCH, Frequency.PER_EPOCH.value, "it holds a loop over batches")
        if walked is not None and walked.source in _PLAIN:
            frequency = _PLAIN[walked.source]
            return Verdict(frequency, frequency.value, walked.evidence)
        if any(_TRIAL_NAME.search(name) for name in _targets(loop)):
            return Verdict(Frequency.PER_TRIAL, Frequency.PER_TRIAL.value, "its variable is named like a trial")
        if count is not None and count <= _SMALL:
            return Verdict(Frequency.PER_KEY, Frequency.PER_KEY.value, f"it turns {count} times")
        stepwise = any(_STEP_NAME.search(name) for name in _targets(loop)) or (
            walked is not None and walked.source is Source.STEPS
        )
        if isinstance(node, facts.While):
            # It is what advances the loop that tells: `while True: … step += 1` says it in its body.
            stepwise = any(_STEP_NAME.search(name) for name in (*names_in(node.test), *_advanced(body)))
        active = any(map(_fetches, own)) and not any(_ROLLOUT.search(last_name(call.function)) for call in own)
        if stepwise and (active or (self._inside_epochs(loop) and _named_batch(loop))):
            return _hot("once per step", "its variable counts steps and its body fetches or learns")
        return Verdict(Frequency.UNKNOWN, Frequency.UNKNOWN.value, "nothing says how often it turns")

    def _is_epochs(self, loop: Loop, walked: Walked | None) -> str:
        """Why a loop is the outer training loop; empty if nothing says so."""
        if walked is not None and walked.source is Source.EPOCHS:
            return f"it runs {walked.evidence}"
        if any(_EPOCH_NAME.search(name) for name in _targets(loop)):
            return "its variable is named like an epoch"
        if isinstance(loop.node, facts.While) and any(map(_EPOCH_NAME.search, _identifiers(loop.node.test))):
            return "its condition counts epochs"
        return ""

    def holds_hot_loop(self, body: facts.Block, place: Place) -> bool:
        """Whether a loop over batches or steps stands in a block, judged without what is around the block."""
        for inner in inner_loops(body):
            key = id(inner)
            if key not in self._alone:
                self._alone[key] = _PENDING
                self._alone[key] = self._judge(Loop(inner, place, ()))
            if self._alone[key].frequency is Frequency.PER_STEP:
                return True
        return False

    def _inside_epochs(self, loop: Loop) -> bool:
        return any(
            isinstance(frame, Loop) and self.verdict(frame).frequency is Frequency.PER_EPOCH for frame in loop.around
        )


_PENDING = Verdict(Frequency.UNKNOWN, Frequency.UNKNOWN.value, "")
_PLAIN = {
    Source.TRIALS: Frequency.PER_TRIAL,
    Source.FILES: Frequency.PER_FILE,
    Source.KEYS: Frequency.PER_KEY,
    Source.HISTORY: Frequency.REPLAY,
}


def _hot(unit: str, evidence: str) -> Verdict:
    return Verdict(Frequency.PER_STEP, unit, evidence)


def _targets(loop: Loop) -> tuple[str, ...]:
    return () if isinstance(loop.node, facts.While) else bound_names(loop.node.target)


def _advanced(block: facts.Block) -> Iterator[str]:
    """Names that a block counts up."""
    for statement in block:
        if isinstance(statement, facts.Update):
            yield last_name(statement.target)
        for inner in inner_blocks(statement):
            yield from _advanced(inner)


def _bound(node: facts.For | facts.While | facts.Clause) -> frozenset[str]:
    """Names of what a `range` counts up to."""
    if isinstance(node, facts.While) or not isinstance(node.iterable, facts.Call):
        return frozenset()
    return _identifiers(node.iterable) if last_name(node.iterable.function) == "range" else frozenset()


def _named_batch(loop: Loop) -> bool:
    return any("batch" in name for name in _targets(loop))


def _identifiers(expression: facts.Expression) -> frozenset[str]:
    return frozenset(last_name(node) for node in descend(expression) if isinstance(node, (facts.Name, facts.Attribute)))


@lru_cache(maxsize=64)  # asked of each write in a loop, and a loop is told apart by identity
def called_names(loop: Loop) -> frozenset[str]:
    """What the calls of a turn are named, as `own_calls` finds them."""
    body = () if isinstance(loop.node, facts.Clause) else loop.node.body
    return frozenset(last_name(call.function) for call in own_calls(body))


def own_calls(block: facts.Block) -> Iterator[facts.Call]:
    """Calls of a loop's body that run each turn: those of inner loops, functions and `except` clauses left out."""
    for statement in block:
        match statement:
            case facts.Evaluate(value) | facts.Assign(_, value) | facts.Leave(_, value):
                if value is not None:
                    yield from calls_in(value)
            case facts.Update(_, _, value):
                yield from calls_in(value)
            case facts.For(_, iterable):
                yield from calls_in(iterable)
            case facts.If(test, body, orelse):
                yield from calls_in(test)
                if not leaves(body):
                    yield from own_calls(body)
                yield from own_calls(orelse)
            case facts.With(items, body):
                for value, _ in items:
                    yield from calls_in(value)
                yield from own_calls(body)
            case facts.Try(body, _, orelse, final):
                yield from own_calls(body)
                yield from own_calls(orelse)
                yield from own_calls(final)
            case facts.Match(_, cases):
                for case in cases:
                    yield from own_calls(case.body)


def inner_loops(block: facts.Block) -> Iterator[facts.For | facts.While]:
    """The loops that stand in a block, however deep."""
    for statement in block:
        if isinstance(statement, (facts.For, facts.While)):
            yield statement
        for inner in inner_blocks(statement):
            yield from inner_loops(inner)


def _is_round(call: facts.Call, batches: bool, training: bool) -> bool:
    """Whether a call makes what the rest of the turn learns from; without training, to generate is an evaluation."""
    word = last_name(call.function)
    return bool((batches and _ROLLOUT.search(word)) or (training and _GENERATION.search(word)))


def _trains_inside(block: facts.Block) -> bool:
    return any(_is_optimizer_step(call) for inner in inner_loops(block) for call in own_calls(inner.body))


def _fetches(call: facts.Call) -> bool:
    """Whether a call gets the next batch or learns from it."""
    function = call.function
    if isinstance(function, facts.Attribute) and function.name == "update":
        return bool(_LEARNER.search(last_name(function.value)))
    return bool(_FETCHING.search(last_name(function)))


def _is_environment_step(call: facts.Call) -> bool:
    function = call.function
    if not isinstance(function, facts.Attribute):
        return False
    if function.name == "step":
        return bool(_ENVIRONMENT.search(last_name(function.value)))
    return function.name in ("step_wait", "step_async") and bool(_ENVIRONMENT.search(last_name(function.value)))


def _is_optimizer_step(call: facts.Call) -> bool:
    function = call.function
    word = last_name(function)
    if isinstance(function, facts.Attribute) and word == "step":
        return bool(_OPTIMIZER.search(last_name(function.value)))
    return bool(_LEARNING.search(word))


def literal_count(node: facts.For | facts.While | facts.Clause) -> int | None:
    """How often a loop turns where the text says so: `range(5)`, a literal list."""
    if isinstance(node, facts.While):
        return None
    iterable = unwrapped(node.iterable, SAME_ITEMS | {"enumerate"})
    if isinstance(iterable, (facts.Collection, facts.Mapping)):
        return len(iterable.items)
    if isinstance(iterable, facts.Call) and last_name(iterable.function) in ("range", "trange"):
        values = [a.value.value if isinstance(a.value, facts.Constant) else None for a in iterable.arguments]
        if values and all(isinstance(value, int) for value in values):
            with suppress(ValueError, OverflowError):  # a step of 0; more turns than Python counts
                return len(range(*[int(value) for value in values if value is not None][:3]))
    return None
