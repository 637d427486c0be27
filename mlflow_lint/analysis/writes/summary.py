"""What a function does to the tracking store, as records.

Invariant: a chain starts at the function's own line and ends at the call of MLflow, or of what the function is given.
"""

from __future__ import annotations

from mlflow_lint.analysis.flow.sites import Site
from mlflow_lint.analysis.names.meaning import FunctionRef, Place
from mlflow_lint.analysis.writes.conditions import Condition
from mlflow_lint.analysis.writes.keys import Key, Origin
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api
from mlflow_lint.findings import Step
from mlflow_lint.project.modules import Unit
from mlflow_lint.record import entity, record


@record
class Effect:
    """One write that a call makes."""

    api: Api
    chain: tuple[Step, ...]
    """From the function's own line to the MLflow call."""
    throttled: str | None
    """What lets only some calls through, in words."""
    repeated: bool
    """Whether the write stands in a loop of the function."""
    own_run: bool
    """Whether the write goes to a run that the function itself opens."""
    key: Key
    when: tuple[Condition, ...] = ()
    """What the arguments of a call must be for it to write."""


@entity
class Deferred:
    """A call of something that the function is given: `callback(…)`, `tracker.log(…)`."""

    origin: Origin
    path: tuple[str, ...]
    """Attributes on the way from the parameter to what is called."""
    site: Site
    chain: tuple[Step, ...]
    """From the function's own line to that call, which it includes."""
    throttled: str | None
    repeated: bool
    own_run: bool


@entity
class Summary:
    """What one call of a function does."""

    effects: tuple[Effect, ...] = ()
    deferred: tuple[Deferred, ...] = ()


NOTHING = Summary()


@entity
class Reached:
    """A project function that a call reaches, and what it does with what it is given there."""

    function: FunctionRef
    effects: tuple[Effect, ...]
    """Keys are in the terms of the function."""


@entity
class Body:
    """Something that runs: a module, a class body with it, or a function."""

    block: facts.Block
    place: Place
    function: FunctionRef | None

    @classmethod
    def of(cls, function: FunctionRef) -> Body:
        """The body of a function."""
        return cls(function.definition.body, Place(function.scope, function.receiver), function)

    @property
    def unit(self) -> Unit:
        """The file it lies in."""
        return self.place.unit
