"""Files that a loop uploads one by one in one run, though they could go up together.

Three kinds of loops: one that walks a listing or a list that has grown, one that draws a picture of each item, and one
that plays episodes and films them. Invariant: a turn that trains, evaluates, fetches or waits is none of these, nor is
one whose uploads go to runs of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlflow_lint.analysis.artifacts.constancy import assigned_value, is_path_call, turn_of_loop
from mlflow_lint.analysis.artifacts.open_ended import is_listing
from mlflow_lint.analysis.batching.per_key import turn_names
from mlflow_lint.analysis.flow.loops import called_names, inner_loops, own_calls
from mlflow_lint.analysis.flow.quick import WORK, is_quick_expression
from mlflow_lint.analysis.flow.repetition import Repetition, by_loop
from mlflow_lint.analysis.flow.sites import Loop, Run, Site
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.paths import path_to
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Api, Kind
from mlflow_lint.facts.frequency import Frequency
from mlflow_lint.facts.traverse import bound_names, calls_in, descend, last_name, names_in
from mlflow_lint.findings import Step
from mlflow_lint.record import entity
from mlflow_lint.regex import regex

_SINGLE = frozenset("log_artifact log_text log_dict log_figure log_image log_stream".split())
_DRAWING = frozenset("savefig imsave mimsave imwrite write_image write_html log_figure log_image".split())
_EPISODES = regex(r"episodes?|(^|_)(n|num)_?eps?(_|$)", re.I)
_LEARNING = regex(r"learn|train|update|optimi[sz]e|backward|remember|memori[sz]e|store|replay", re.I)
_CATEGORIES = regex(r"class|label|categor|split|phase|metric", re.I)
_FETCHED = ("download_artifacts",)
"""What fetches the file that goes up: part of the upload, so to speak."""


@entity
class FileUpload:
    """A line that uploads one file each turn of an open-ended loop."""

    site: Site
    api: Api
    repetition: Repetition
    chain: tuple[Step, ...]

    @property
    def through(self) -> Step | None:
        """The line that uploads, when a function of the project does it."""
        return self.chain[-1] if len(self.chain) > 2 else None


def files_one_by_one(effects: Effects, bodies: Iterable[Body]) -> Iterator[FileUpload]:
    """Uploads of a file that run once per file, in order; the first of each nest of loops."""
    for body in bodies:
        seen: set[int] = set()
        for site in effects.touching(body):
            uploaded = _upload(effects, site)
            loop = _loop(effects, site) if uploaded is not None else None
            if uploaded is None or loop is None:
                continue
            nest = id(_outermost(effects, loop).node)
            if nest in seen:
                continue
            seen.add(nest)
            api, chain = uploaded
            repetition = by_loop(loop, body, effects.loops.verdict(loop))
            yield FileUpload(site, api, repetition, (repetition.step, *chain))


def _outermost(effects: Effects, loop: Loop) -> Loop:
    """The outermost loop over files around a loop, or itself."""
    around = (frame for frame in loop.around if isinstance(frame, Loop))
    return next((o for o in around if effects.loops.verdict(o).frequency is Frequency.PER_FILE), loop)


def _upload(effects: Effects, site: Site) -> tuple[Api, tuple[Step, ...]] | None:
    """The upload of one file that a call makes, itself or through functions."""
    found = path_to(effects, site, Kind.ARTIFACT, lambda inner: bool(effects.throttles.between(inner.frames, None)))
    if found is None or found[0].name not in _SINGLE:
        return None
    if site.api is not None and site.call.keyword("key") is not None:
        return None  # `log_image(key=…)` is one point of a series
    return found


def _loop(effects: Effects, site: Site) -> Loop | None:
    """The innermost loop, if it uploads a file of its own each turn and has no end in sight."""
    for index in range(len(site.frames) - 1, -1, -1):
        frame = site.frames[index]
        if isinstance(frame, Run):
            return None
        if isinstance(frame, Loop):
            if effects.throttles.between(site.frames[index + 1 :], frame) or not _varies(effects, site, frame):
                return None
            if _is_listed(effects, site, frame) or _draws(effects, site, frame) or _films(effects, site, frame):
                return frame
            return None
    return None


def _varies(effects: Effects, site: Site, loop: Loop) -> bool:
    """Whether the file is another each turn, and the run is not."""
    changing = turn_names(loop)
    api = site.api
    run = site.call.keyword("run_id")
    runs = [] if run is None else [run.value]
    if api is not None and api.client and site.call.arguments and run is None:
        runs.append(site.call.arguments[0].value)
    if any(names_in(value) & changing for value in (*runs, site.call.function)):
        return False
    return any(names_in(given.value) & changing for given in site.call.arguments if given.value not in runs)


# ------------------------------------------------------------------------------------------------ kinds of loops
def _is_listed(effects: Effects, site: Site, loop: Loop) -> bool:
    """A loop over files that are there: what goes up is the item itself, or comes from it by its path."""
    if not is_listing(effects, loop) or _works(loop, site):
        return False
    targets = () if isinstance(loop.node, facts.While) else bound_names(loop.node.target)
    return any(_is_item(effects, given.value, loop, frozenset(targets)) for given in site.call.arguments)


def _is_item(effects: Effects, value: facts.Expression, loop: Loop, targets: frozenset[str], depth: int = 0) -> bool:
    """Whether an expression comes from the loop's item by looking things up, and by nothing else."""
    turn = turn_of_loop(loop)
    found = False
    for node in descend(value):
        if isinstance(node, facts.Call) and not (
            is_path_call(node, loop.place, effects)
            or last_name(node.function) in _FETCHED
            or is_quick_expression(effects, node, loop.place)
        ):
            return False
        if isinstance(node, facts.Name) and node.id in targets:
            found = True
        elif isinstance(node, facts.Name) and node.id in turn.assigned and depth < 4:
            assigned = assigned_value(node.id, turn)
            found = found or (assigned is not None and _is_item(effects, assigned, loop, targets, depth + 1))
    return found


def _draws(effects: Effects, site: Site, loop: Loop) -> bool:
    """A loop that draws a picture of each item of a list, and does nothing that has a name for taking long."""
    node = loop.node
    if not isinstance(node, facts.For) or effects.loops.verdict(loop).frequency is not Frequency.UNKNOWN:
        return False
    if not _is_list(node.iterable) or _works(loop, site):
        return False
    return not called_names(loop).isdisjoint(_DRAWING) and not effects.loops.is_sweep(loop)


def _is_list(iterable: facts.Expression) -> bool:
    """A list by name, perhaps with its indices; classes and splits are a handful that is known."""
    while isinstance(iterable, facts.Call) and last_name(iterable.function) in (
        "enumerate",
        "tqdm",
        "zip",
        "range",
        "len",
    ):
        if not iterable.arguments or (last_name(iterable.function) == "range" and not _counts(iterable)):
            return False
        iterable = iterable.arguments[-1 if last_name(iterable.function) == "range" else 0].value
    named = isinstance(iterable, (facts.Name, facts.Attribute))
    return named and not _CATEGORIES.search(last_name(iterable))


def _counts(call: facts.Call) -> bool:
    """`range(len(items))`."""
    return any(last_name(inner.function) == "len" for given in call.arguments for inner in calls_in(given.value))


def _films(effects: Effects, site: Site, loop: Loop) -> bool:
    """A loop that plays episodes of an environment, learns nothing from them, and uploads something of each."""
    node = loop.node
    if not isinstance(node, facts.For) or not any(
        _EPISODES.search(last_name(part))
        for part in descend(node.iterable)
        if isinstance(part, (facts.Name, facts.Attribute))
    ):
        return False
    nested = list(inner_loops(node.body))
    calls = [call for block in (node.body, *(inner.body for inner in nested)) for call in own_calls(block)]
    if any(_LEARNING.search(last_name(call.function)) for call in calls if call is not site.call):
        return False
    inside = (*loop.around, loop)
    units = (effects.loops.verdict(Loop(inner, loop.place, inside)).unit for inner in nested)
    return any(unit == "once per environment step" for unit in units)


def _works(loop: Loop, site: Site) -> bool:
    """Whether a turn trains, evaluates, fetches or waits."""
    if not isinstance(loop.node, facts.For):
        return False
    bodies = (loop.node.body, *(inner.body for inner in inner_loops(loop.node.body)))
    return any(
        WORK.search(last_name(call.function)) and last_name(call.function) not in _FETCHED
        for body in bodies
        for call in own_calls(body)
        if call is not site.call and not _is_pattern(call)
    )


def _is_pattern(call: facts.Call) -> bool:
    return isinstance(call.function, facts.Attribute) and last_name(call.function.value) == "re"
