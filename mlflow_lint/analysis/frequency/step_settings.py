"""Calls that tell a framework to write to MLflow at each step.

Invariant: a setting counts only if its value is in sight, and so is what makes the framework write to MLflow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlflow_lint.analysis.flow.sites import Site
from mlflow_lint.analysis.names.meaning import External, Place, Result
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.step_settings import STEP_SETTINGS, Beside, StepSetting
from mlflow_lint.facts.traverse import descend
from mlflow_lint.record import entity

_ARGUMENTS = frozenset(setting.argument for setting in STEP_SETTINGS)


@entity
class EachStep:
    """A call that asks for a write at each step."""

    site: Site
    setting: StepSetting
    called: str
    """Last name of what is called."""


def each_step_settings(effects: Effects, bodies: Iterable[Body]) -> Iterator[EachStep]:
    """Settings of a file, in order."""
    known = tuple(bodies)
    for body in known:
        for site in effects.sites(body):
            target = site.target
            if not isinstance(target, External) or _ARGUMENTS.isdisjoint([one.keyword for one in site.call.arguments]):
                continue
            for setting in STEP_SETTINGS:
                if setting.called.match(target.dotted) and _asks(effects, site, setting, known):
                    yield EachStep(site, setting, target.dotted.rpartition(".")[2])


def _asks(effects: Effects, site: Site, setting: StepSetting, bodies: tuple[Body, ...]) -> bool:
    values = {given.keyword: given.value for given in site.call.arguments if given.keyword is not None}
    if setting.argument not in values or effects.throttles.constant(values[setting.argument], site.place) != 1:
        return False
    for name, value in setting.unless:
        if value is ... and name not in values:
            return False
        if name in values and effects.throttles.constant(values[name], site.place) == value:
            return False
    match setting.beside:
        case Beside.LOGGER:
            return _has_logger(effects, values.get("logger"), site.place, bodies)
        case Beside.REPORTING:
            return _reports(values.get("report_to"))
    return True


def _has_logger(effects: Effects, given: facts.Expression | None, place: Place, bodies: tuple[Body, ...]) -> bool:
    """Whether a trainer is given Lightning's MLflow logger, or one is made in the file and it cannot be told."""
    if given is None or isinstance(given, facts.Constant):
        return False
    options = given.items if isinstance(given, facts.Collection) else (given,)
    meanings = [effects.resolver.resolve(option, place) for option in options]
    if any(isinstance(meaning, Result) and meaning.dotted.endswith(".MLFlowLogger") for meaning in meanings):
        return True
    return None in meanings and any(
        isinstance(target, External) and target.dotted.endswith(".MLFlowLogger")
        for body in bodies
        for site in effects.sites(body)
        if (target := site.target) is not None
    )


def _reports(given: facts.Expression | None) -> bool:
    """Whether `report_to` names MLflow, or everything; left out, it depends on the version of Transformers."""
    if given is None:
        return False
    return any(isinstance(node, facts.Constant) and node.value in ("mlflow", "all") for node in descend(given))
