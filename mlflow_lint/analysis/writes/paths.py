"""The lines by which a call always reaches an MLflow call of some kind, through functions of the project.

Effects say what a function may do; this asks what it does each time. Invariant: what stands in a loop or in a run of
the function's own, or is reached at times only, is not reached.
"""

from __future__ import annotations

from collections.abc import Callable

from mlflow_lint.analysis.flow.sites import Loop, Run, Site
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts.api import Api, Kind
from mlflow_lint.findings import Step

_DEEPEST = 6


def path_to(
    effects: Effects, site: Site, kind: Kind, sometimes: Callable[[Site], bool], depth: int = 0
) -> tuple[Api, tuple[Step, ...]] | None:
    """The call of a kind that each evaluation of a call makes, and the lines that lead there.

    `sometimes` tells of a site in a function whether only some calls of the function get there.
    """
    unit, at = site.place.unit, site.call.span[0]
    api = site.api
    if api is not None:
        return (api, (unit.step(at, api.label),)) if api.kind is kind else None
    for reached in effects.reached(site.call, site.place) if depth <= _DEEPEST else ():
        if not any(effect.api.kind is kind for effect in reached.effects):
            continue
        function = reached.function
        body = Body.of(function)
        for inner in effects.touching(body):
            if any(isinstance(frame, (Loop, Run)) for frame in inner.frames) or sometimes(inner):
                continue
            found = path_to(effects, inner, kind, sometimes, depth + 1)
            if found is not None:
                return found[0], (unit.step(at, f"{function.definition.name}()"), *found[1])
    return None
