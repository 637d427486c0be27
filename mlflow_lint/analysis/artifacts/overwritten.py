"""Artifacts of one name that are written anew and uploaded each turn of one run: only the last survives.

Invariant: a file counts only if the turn is seen to write it, and nothing in its name says that it is there to survive
a crash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlflow_lint.analysis.artifacts.constancy import Turn, assigned_value, is_path_call
from mlflow_lint.analysis.artifacts.directories import is_chosen
from mlflow_lint.analysis.artifacts.one_place import RepeatedUpload, Target, repeated_uploads
from mlflow_lint.analysis.flow.sites import Site
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import LONGEST_BLOCK, inner_blocks, own_expressions
from mlflow_lint.facts.traverse import argument, calls_in, descend, last_name
from mlflow_lint.regex import regex

_NAMES = frozenset("log_artifact log_text log_dict log_figure log_image".split())
_KEPT = regex(
    r"(^|[^a-z])(logs?|logging|stdout|stderr|last|latest|best|top|ckpts?|checkpoints?|checkpointing|resume|states?|weights|snapshots?|backup"
    r"|status|progress|heartbeat|recover\w*|live|partial|intermediate)([^a-z]|$)"
    r"|\.(log|out|pth?|ckpt|h5|hdf5|keras|safetensors|pkl|pickle|joblib|bin|onnx|zip|tar|gz|np[yz]|tflite|cbm|ubj|model)$",
    re.I,
)
"""Names of what is uploaded so that it survives a crash, or so that someone can look at it meanwhile."""
_NOT_WRITING = frozenset(
    "exists isfile is_file isdir getsize getmtime stat remove unlink print debug info warning error load read basename "
    "dirname read_text read_bytes imread read_csv append".split()
)
_READING = facts.Constant("r")
_DEEPEST = 6


def overwritten_artifacts(effects: Effects, bodies: Iterable[Body]) -> Iterator[RepeatedUpload]:
    """Uploads that overwrite what the turn before uploaded."""
    for upload in repeated_uploads(effects, bodies, _NAMES, _artifact, is_chosen):
        if not any(_is_kept(part, upload.turn) for part in (upload.target.name, *upload.target.place)):
            yield upload


def _artifact(effects: Effects, site: Site, turn: Turn) -> Target | None:
    """What a plain upload writes to, by the artifact's name."""
    api = site.api
    if api is None or api.name not in _NAMES or site.call.spread:
        return None
    given = {
        name: found.value for index, name in enumerate(api.parameters) if (found := argument(site.call, name, index))
    }
    run = [given["run_id"]] if "run_id" in given else []
    step = site.place.unit.step(site.call.span[0], api.label)
    if api.name != "log_artifact":
        file = given.get("artifact_file")
        if file is None:
            return None
        return Target(api, file, (file, *run), None, (step,))
    local = given.get("local_path")
    if local is None or _is_kept(local, turn) or not _writes(turn.block, site.call, _spellings(local, turn, effects)):
        return None
    name = base_name(local, turn, effects)
    place = (name, *run, *([given["artifact_path"]] if "artifact_path" in given else ()))
    return Target(api, name, place, None, (step,))


def _is_kept(path: facts.Expression, turn: Turn) -> bool:
    """Whether a path, or what it is put together from, is named like what has to survive."""
    pending, seen = [path], 0
    while pending and seen < _DEEPEST:
        seen += 1
        for node in descend(pending.pop()):
            match node:
                case facts.Constant(str() as text) if _KEPT.search(text):
                    return True
                case facts.Text(parts) if any(isinstance(part, str) and _KEPT.search(part) for part in parts):
                    return True
                case facts.Attribute(_, name) if _KEPT.search(name):
                    return True
                case facts.Name(name):
                    value = assigned_value(name, turn)
                    if _KEPT.search(name):
                        return True
                    pending += [value] if value is not None else []
    return False


def base_name(path: facts.Expression, turn: Turn, effects: Effects, depth: int = 0) -> facts.Expression:
    """What of a path names the artifact: MLflow keeps the last part."""

    def last(part: facts.Expression) -> facts.Expression:
        return base_name(part, turn, effects, depth + 1)

    if depth > _DEEPEST:
        return path
    match path:
        case facts.Constant(str() as text):
            return facts.Constant(text.replace("\\", "/").rpartition("/")[2] or text)
        case facts.Text(parts) if parts and isinstance(parts[-1], str) and "/" in parts[-1]:
            return facts.Constant(parts[-1].rpartition("/")[2])
        case facts.Operation("/", operands):
            return last(operands[-1])
        case facts.Call(facts.Attribute(_, "join" | "joinpath") | facts.Name("join"), (_, *_) as given) if is_path_call(
            path, turn.place, effects
        ):
            return last(given[-1].value)
        case facts.Call(facts.Name("str" | "Path"), (given,)) if is_path_call(path, turn.place, effects):
            return last(given.value)
        case facts.Name(name):
            value = assigned_value(name, turn)
            return last(value) if value is not None else path
    return path


def _spellings(path: facts.Expression, turn: Turn, effects: Effects) -> list[facts.Expression]:
    """A path as a turn may spell it: the name, what it was assigned, and either without `str(…)`."""
    found = [path]
    for spelled in found:
        match spelled:
            case facts.Call(_, (given,)) if is_path_call(spelled, turn.place, effects):
                found.append(given.value)
            case facts.Name(name):
                value = assigned_value(name, turn)
                found += [value] if value is not None and len(found) < _DEEPEST else []
    return found


def _writes(block: facts.Block, upload: facts.Call, paths: list[facts.Expression]) -> bool:
    """Whether something in a block is given a path to write to, or the path is told to write."""
    if len(block) > LONGEST_BLOCK:
        return False
    for statement in block:
        for expression in own_expressions(statement):
            for call in calls_in(expression):
                if call is not upload and last_name(call.function) not in _NOT_WRITING and _is_given(call, paths):
                    return True
        if any(_writes(inner, upload, paths) for inner in inner_blocks(statement)):
            return True
    return False


def _is_given(call: facts.Call, paths: list[facts.Expression]) -> bool:
    values = [_without_str(given.value) for given in call.arguments]
    if isinstance(call.function, facts.Attribute) and call.function.value in paths:
        return call.function.name in ("write_text", "write_bytes") or (
            call.function.name == "open" and values[:1] not in ([], [_READING])
        )
    if last_name(call.function) == "open" and values[1:2] in ([], [_READING]):
        return False
    return any(value in paths for value in values)


def _without_str(value: facts.Expression) -> facts.Expression:
    match value:
        case facts.Call(facts.Name("str"), (given,)):
            return given.value
    return value
