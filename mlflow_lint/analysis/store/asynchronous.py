"""Which writes a file makes asynchronously, what makes them so, and what has them collected before they are sent.

Invariant: only what the file says counts: `synchronous=False`, or a setting with a value that is in sight.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlflow_lint.analysis.names.meaning import External
from mlflow_lint.analysis.store.store_settings import store_settings
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.analysis.writes.written import given
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, Kind
from mlflow_lint.facts.traverse import argument
from mlflow_lint.project.modules import Unit
from mlflow_lint.record import entity

BUFFERING = "MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS"
_ENABLING = "MLFLOW_ENABLE_ASYNC_LOGGING"
_QUEUED = (Kind.METRIC, Kind.PARAM, Kind.TAG, Kind.BATCH)
_TRUE, _NONE = ("true", "1"), ("", "0", "None")


@entity
class Switch:
    """A place that changes how writes are sent."""

    what: str
    """`enable_async_logging()`, or the variable that is set."""
    span: facts.Span
    statement: facts.Statement


def switched_on(effects: Effects, unit: Unit, bodies: Iterable[Body]) -> Iterator[Switch]:
    """Where a file makes all writes asynchronous."""
    for body in bodies:
        for site in effects.touching(body):
            meaning = site.target
            if isinstance(meaning, External) and meaning.dotted == "mlflow.config.enable_async_logging":
                enable = argument(site.call, "enable", 0)
                if not site.call.arguments or (enable is not None and enable.value == facts.Constant(True)):
                    yield Switch("enable_async_logging()", site.call.span, site.statement)
    for setting in store_settings(effects, unit):
        if setting.name == _ENABLING and _text(setting.value).lower() in _TRUE:
            yield Switch(_ENABLING, setting.span, setting.statement)


def buffered(effects: Effects, unit: Unit) -> Switch | None:
    """Where a file has asynchronous writes collected for some seconds."""
    for setting in store_settings(effects, unit):
        if setting.name == BUFFERING and _text(setting.value) not in _NONE:
            return Switch(BUFFERING, setting.span, setting.statement)
    return None


def speaks_of_buffering(effects: Effects, unit: Unit) -> bool:
    """Whether a file, what it imports, or anything around it speaks of the variable that has writes collected."""
    return any(effects.once(_spoken_of, unit))


def _spoken_of(effects: Effects, unit: Unit) -> Iterator[bool]:
    yield BUFFERING in unit.text or effects.resolver.modules.environment.speaks_of(BUFFERING, unit.file)


def _text(value: facts.Expression) -> str:
    """A literal as it arrives in the environment; something else has a text that is no literal's."""
    return str(value.value) if isinstance(value, facts.Constant) else "?"


def is_queued(call: facts.Call, api: Api, *, by_default: bool) -> bool:
    """Whether a write goes into the queue of asynchronous writes; `by_default` if it does not say."""
    if api.kind not in _QUEUED or call.spread:
        return False
    synchronous = given(call, api, "synchronous")
    if synchronous in (None, facts.Constant(None)):
        return by_default
    return synchronous == facts.Constant(False)
