"""Directories that are uploaded whole again and again in one run.

Invariant: the directory and where it goes stay the same, and nothing in the turn empties it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mlflow_lint.analysis.artifacts.constancy import Turn
from mlflow_lint.analysis.artifacts.one_place import RepeatedUpload, Target, repeated_uploads
from mlflow_lint.analysis.flow.sites import Frame, Guard, Loop, Site
from mlflow_lint.analysis.frequency.constancy import changing_names, in_first_turn
from mlflow_lint.analysis.frequency.selection import is_selected
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.traverse import argument, descend, last_name, names_in

_NAMES = frozenset(["log_artifacts"])
_EMPTYING = frozenset("rmtree remove unlink rmdir cleanup removedirs empty_dir clear_dir".split())


def repeated_directories(effects: Effects, bodies: Iterable[Body]) -> Iterator[RepeatedUpload]:
    """Uploads of a directory whose earlier files went up in an earlier turn."""
    for upload in repeated_uploads(effects, bodies, _NAMES, _directory, is_chosen):
        if not _empties(effects, upload):
            yield upload


def is_chosen(effects: Effects, frames: Sequence[Frame], loop: Loop | None) -> bool:
    """Whether something among frames chooses the turns in which an upload is worth it, or in which there is one."""
    guards = (frame for frame in frames if isinstance(frame, Guard))
    return (
        is_selected(effects, frames, loop)
        or in_first_turn(frames)
        or any(_tells_turns_apart(guard.test, loop) for guard in guards)
    )


def _tells_turns_apart(test: facts.Expression, loop: Loop | None) -> bool:
    """Whether a test asks for what is another in each turn: `name == "forest"`; not whether there is something."""
    changing = None if loop is None else changing_names(loop)
    for node in descend(test):
        match node:
            case facts.Comparison(("is" | "is not",)):
                continue
            case facts.Comparison(_, operands):
                names = [operand.id for operand in operands if isinstance(operand, facts.Name)]
                if any(changing is None or name in changing for name in names):
                    return True
    return changing is not None and isinstance(test, facts.Call) and bool(names_in(test) & changing)


def _directory(effects: Effects, site: Site, turn: Turn) -> Target | None:
    """What a plain `log_artifacts` uploads, and where to."""
    api = site.api
    if api is None or api.name not in _NAMES or site.call.spread:
        return None
    given = {name: argument(site.call, name, index) for index, name in enumerate(api.parameters)}
    directory = given["local_dir"]
    if directory is None:
        return None
    place = tuple(part.value for part in given.values() if part is not None)
    step = site.place.unit.step(site.call.span[0], api.label)
    return Target(api, directory.value, place, None, (step,))


def _empties(effects: Effects, upload: RepeatedUpload) -> bool:
    """Whether something around the upload, in the same loop or hook, deletes files."""
    return any(
        last_name(site.call.function) in _EMPTYING
        for site in effects.sites(upload.body)
        if upload.loop is None or upload.loop in site.frames
    )
