"""How often code has MLflow sample the machine: the interval between samples, and how many make a write.

Invariant: numbers that are not in sight are never guessed; without a setting there is one sample each 10 seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlflow_lint.analysis.names.meaning import External
from mlflow_lint.analysis.store.store_settings import store_settings
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.project.modules import Unit
from mlflow_lint.record import entity

_INTERVAL = "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL"
_SAMPLES = "MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING"
_HOMES = ("mlflow.", "mlflow.system_metrics.")
_SETTERS = {
    f"{home}{function}": name
    for home in _HOMES
    for function, name in (
        ("set_system_metrics_sampling_interval", _INTERVAL),
        ("set_system_metrics_samples_before_logging", _SAMPLES),
    )
}


@entity
class _Setting:
    name: str
    value: float | None
    """None where it is not in sight."""
    span: facts.Span
    statement: facts.Statement


@entity
class Sampling:
    """A setting of the interval, and what follows from it and the number of samples."""

    interval: float
    samples: float
    span: facts.Span
    statement: facts.Statement

    @property
    def requests(self) -> int:
        """Requests a minute: each sample reads the run, each write is one more."""
        return round(60 / self.interval + 60 / (self.interval * self.samples))


def samplings(effects: Effects, unit: Unit, bodies: Iterable[Body]) -> Iterator[Sampling]:
    """The intervals that a file sets."""
    settings = [*_set(effects, bodies), *_in_environment(effects, unit)]
    samples = [setting.value for setting in settings if setting.name == _SAMPLES]
    known = [value for value in samples if value is not None]
    if len(known) < len(samples):
        return
    for setting in settings:
        if setting.name == _INTERVAL and setting.value is not None and setting.value > 0:
            yield Sampling(setting.value, max(known, default=1), setting.span, setting.statement)


def _set(effects: Effects, bodies: Iterable[Body]) -> Iterator[_Setting]:
    for body in bodies:
        for site in effects.touching(body):
            meaning = site.target
            name = _SETTERS.get(meaning.dotted) if isinstance(meaning, External) else None
            if name is not None and len(site.call.arguments) == 1:
                yield _Setting(name, _number(site.call.arguments[0].value), site.call.span, site.statement)


def _in_environment(effects: Effects, unit: Unit) -> Iterator[_Setting]:
    for setting in store_settings(effects, unit):
        if setting.name in (_INTERVAL, _SAMPLES):
            yield _Setting(setting.name, _number(setting.value), setting.span, setting.statement)


def _number(value: facts.Expression) -> float | None:
    match value:
        case facts.Constant(int() | float() | str() as number):
            try:
                return float(number)
            except (ValueError, OverflowError):
                return None
    return None
