"""What repeats a call, as messages and chains name it: the loop or hook with its line, and how often it turns."""

from __future__ import annotations

from mlflow_lint.analysis.flow.loops import Verdict
from mlflow_lint.analysis.flow.registered import Hook
from mlflow_lint.analysis.flow.sites import Loop
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.iterables import PROGRESS_BARS, unwrapped
from mlflow_lint.facts.traverse import shown
from mlflow_lint.findings import Step
from mlflow_lint.record import record

_UNSAID = PROGRESS_BARS | {"enumerate", "iter", "islice"}
"""Calls around what a loop walks over that a message leaves out."""


@record
class Repetition:
    """A loop, hook or helper that runs a call again and again."""

    where: str
    """With its line: `loop over train_loader, line 41`."""
    unit: str
    """`once per batch`."""
    step: Step
    """The first link of a chain of reasons."""
    marker: int
    """Tells loops and functions of a file apart."""


def by_loop(loop: Loop, body: Body, verdict: Verdict) -> Repetition:
    """A loop of a body, with the verdict on it."""
    start, words = loop_start(loop), loop_words(loop)
    step = body.unit.step(start, f"{words}, {verdict.unit}: {verdict.evidence}")
    return Repetition(f"{words}, {body.unit.where(start)}", verdict.unit, step, id(loop.node))


def by_hook(definition: facts.Function, body: Body, hooked: Hook) -> Repetition:
    """A function that a framework calls."""
    framework, frequency = hooked
    return by_function(f"{framework} hook {definition.name}", definition, body, frequency.value)


def by_function(words: str, definition: facts.Function, body: Body, unit: str) -> Repetition:
    """A function that something calls again and again, and how often."""
    start = definition.span[0]
    return Repetition(
        f"{words}, {body.unit.where(start)}", unit, body.unit.step(start, f"{words}, called {unit}"), id(definition)
    )


def loop_start(loop: Loop) -> int:
    """Offset at which a loop begins."""
    node = loop.owner if loop.owner is not None else loop.node
    assert not isinstance(node, facts.Clause)
    return node.span[0]


def loop_words(loop: Loop) -> str:
    """A loop as a message names it: `loop over train_loader`, `while not done`."""
    if isinstance(loop.node, facts.While):
        return f"while {shown(loop.node.test)}"
    return f"loop over {shown(unwrapped(loop.node.iterable, _UNSAID))}"
