"""What only the last turn of a loop leaves in the store: tags and artifacts that each turn overwrites.

Invariant: they move behind the loop only if nothing else in it may write the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlflow_lint.analysis.artifacts.constancy import is_fixed, turn_of_loop
from mlflow_lint.analysis.artifacts.one_place import RepeatedUpload
from mlflow_lint.analysis.batching.rows import arguments_of
from mlflow_lint.analysis.flow.sites import Loop, Run, Site
from mlflow_lint.analysis.frequency.hot import HotWrite
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, Kind
from mlflow_lint.facts.traverse import argument
from mlflow_lint.findings import Fix
from mlflow_lint.fixes.keys import all_differ
from mlflow_lint.fixes.sink import sink


def sink_tags(write: HotWrite, effects: Effects) -> Fix | None:
    """The fix that sets the tags of a block after its loop."""
    loop = write.loop
    if loop is None or write.through is not None:
        return None
    tags = []
    for site, api in _writes(effects, write.body, loop, (Kind.TAG, Kind.BATCH)):
        if api is not None and api.kind is Kind.BATCH and _is_without_tags(site, api):
            continue
        if api is None or not _is_same_tag(site, api, loop, effects):
            return None
        tags.append(site)
    return sink(tags, loop, write.body, effects)


def sink_uploads(uploads: Sequence[RepeatedUpload], effects: Effects) -> Fix | None:
    """The fix that uploads the artifacts of one loop after it, in their order."""
    first = uploads[0]
    loop = first.loop
    if loop is None or _is_repeated(loop) or any(upload.target.through is not None for upload in uploads):
        return None
    names = [upload.target.name for upload in uploads]
    own = {id(upload.site) for upload in uploads}
    for site, api in _writes(effects, first.body, loop, (Kind.ARTIFACT,)):
        if id(site) not in own:
            other = _name(site, api) if api is not None else None
            if other is None or not all(all_differ([name, other]) for name in names):
                return None
    return sink([upload.site for upload in uploads], loop, first.body, effects)


def _writes(effects: Effects, body: Body, loop: Loop, kinds: tuple[Kind, ...]) -> Iterator[tuple[Site, Api | None]]:
    """The writes of some kinds in a loop; None for what writes through something else."""
    for site in effects.sites(body):
        if loop not in site.frames:
            continue
        api = site.api
        if api is not None:
            if api.kind in kinds:
                yield site, api
        elif any(other.kind in kinds for other in site.apis) or any(
            effect.api.kind in kinds for one in effects.reached(site.call, site.place) for effect in one.effects
        ):
            yield site, None


def _is_without_tags(site: Site, api: Api) -> bool:
    arguments = arguments_of(site.call, api)
    return arguments is not None and "tags" not in arguments


def _is_same_tag(site: Site, api: Api, loop: Loop, effects: Effects) -> bool:
    """Whether a call sets the same tags of the same run each turn."""
    arguments = arguments_of(site.call, api)
    if arguments is None or api.kind is not Kind.TAG:
        return False
    turn = turn_of_loop(loop)
    decisive = [given.value for name, given in arguments.items() if name not in ("value", "tags")]
    tags = arguments.get("tags")
    if tags is not None:
        if not isinstance(tags.value, facts.Mapping):
            return False
        for key, _ in tags.value.items:
            if key is None:
                return False
            decisive.append(key)
    return all(is_fixed(part, turn, effects) for part in decisive)


def _name(site: Site, api: Api) -> facts.Expression | None:
    """What names the artifact that a call uploads, if it is one file."""
    name = "artifact_file" if "artifact_file" in api.parameters else "local_path"
    given = argument(site.call, name, api.parameters.index(name)) if name in api.parameters else None
    return given.value if given is not None else None


def _is_repeated(loop: Loop) -> bool:
    """Whether another loop of the same run would upload it again and again all the same."""
    for frame in reversed(loop.around):
        if isinstance(frame, Run):
            return False
        if isinstance(frame, Loop):
            return True
    return False
