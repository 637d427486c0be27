"""Programs whose buffered asynchronous writes are never flushed.

The flow is that of the module itself, through the functions of the project that it calls. Invariant: a file that speaks
of anything that flushes, and a flow in which a run may be ended in any manner, are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlflow_lint.analysis.flow.sites import Site
from mlflow_lint.analysis.runs.lifecycle import Lifecycle
from mlflow_lint.analysis.runs.run_state import Moment
from mlflow_lint.analysis.store.asynchronous import Switch, buffered, is_queued, switched_on
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, Kind
from mlflow_lint.findings import Step
from mlflow_lint.project.modules import Unit
from mlflow_lint.record import entity
from mlflow_lint.regex import regex

_FLUSHES = regex(
    r"\b(flush\w*|end_run|set_terminated|wait|enter_context|__exit__)\b|^[ \t]*with [\w.]+( as \w+)?[:,]", re.MULTILINE
)
"""What flushes, and `with run:`, which ends a run that was started before."""
_DEEPEST = 6


@entity
class Unflushed:
    """The first buffered write of a program that flushes nothing."""

    site: Site
    """The write, or the call that leads to it in another file."""
    api: Api
    buffered: Switch
    chain: tuple[Step, ...]


def unflushed(lifecycle: Lifecycle, bodies: tuple[Body, ...]) -> Unflushed | None:
    """What a file loses at its exit, run as a program; None if it flushes, or if that is not sure."""
    module, effects = bodies[0], lifecycle.effects
    switch = buffered(effects, module.unit)
    if switch is None:
        return None
    program = _Program(lifecycle, any(switched_on(effects, module.unit, bodies)))
    writes = list(program.writes(module, ()))
    if program.flushes or not writes:
        return None
    site, api, chain = writes[0]
    return Unflushed(site, api, switch, (module.unit.step(switch.span[0], switch.what), *chain))


class _Program:
    """What a module does when it runs."""

    def __init__(self, lifecycle: Lifecycle, by_default: bool) -> None:
        self._lifecycle = lifecycle
        self._by_default = by_default
        self._entered: set[int] = set()
        self.flushes = False
        """Whether something may flush what is buffered; whole once all writes were asked for."""

    def writes(self, body: Body, through: tuple[Step, ...]) -> Iterator[tuple[Site, Api, tuple[Step, ...]]]:
        """Buffered writes that a body makes, with the lines that lead to them."""
        if len(through) > _DEEPEST or self._lifecycle.effects.once(_flushing, body.unit):
            self.flushes = True
            return
        for moment in self._lifecycle.moments(body):
            self.flushes = self.flushes or _may_end(moment)
            site = moment.site
            if moment.api is not None:
                if is_queued(site.call, moment.api, by_default=self._by_default):
                    yield site, moment.api, (*through, body.unit.step(site.call.span[0], moment.api.label))
                continue
            for reached in self._lifecycle.effects.reached(site.call, site.place):
                function = reached.function
                if id(function.definition) not in self._entered:
                    self._entered.add(id(function.definition))
                    inner = Body.of(function)
                    step = body.unit.step(site.call.span[0], f"{function.definition.name}()")
                    for write, api, chain in self.writes(inner, (*through, step)):
                        yield (write if inner.unit is body.unit else site), api, chain


def _flushing(_: Effects, unit: Unit) -> Iterator[str]:
    """What a file says that may flush what is buffered."""
    return (found[0] for found in _FLUSHES.finditer(unit.text))


def _may_end(moment: Moment) -> bool:
    """Whether a run may be ended about here: by its `with`, by a call, or in a manner that is not understood."""
    if moment.api is not None and moment.api.kind is Kind.END:
        return True
    opens = moment.api is None or moment.api.kind is Kind.RUN
    return moment.after.disturbed or (opens and isinstance(moment.site.statement, facts.With))
