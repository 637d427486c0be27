"""Tables that a loop or hook appends to in one run, a few rows at a time.

Invariant: reported only where the file is the same in each turn, and nothing on the way lets only some turns through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mlflow_lint.analysis.artifacts.constancy import Turn
from mlflow_lint.analysis.artifacts.one_place import RepeatedUpload, Target, repeated_uploads
from mlflow_lint.analysis.flow.sites import Frame, Loop, Site
from mlflow_lint.analysis.frequency.constancy import in_first_turn
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts.traverse import argument

_NAMES = frozenset(["log_table"])


def repeated_tables(effects: Effects, bodies: Iterable[Body]) -> Iterator[RepeatedUpload]:
    """Tables of a file that grow by a download and an upload each turn."""
    return repeated_uploads(effects, bodies, _NAMES, _table, _sometimes)


def _table(effects: Effects, site: Site, turn: Turn) -> Target | None:
    """What a plain `log_table` appends to."""
    api = site.api
    if api is None or api.name not in _NAMES or site.call.spread:
        return None
    file = argument(site.call, "artifact_file", api.parameters.index("artifact_file"))
    if file is None:
        return None
    run = argument(site.call, "run_id", api.parameters.index("run_id"))
    place = (file.value,) if run is None else (file.value, run.value)
    step = site.place.unit.step(site.call.span[0], api.label)
    return Target(api, file.value, place, None, (step,))


def _sometimes(effects: Effects, frames: Sequence[Frame], loop: Loop | None) -> bool:
    return bool(effects.throttles.between(frames, loop)) or in_first_turn(frames)
