"""What a write writes, as the entry of a display: `key: value` of a dict, `Metric(…)` of a batch.

Invariant: keys and values are copied letter for letter from the source; where they span lines, these move together.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlflow_lint.analysis.batching.rows import Write, displayed_keys
from mlflow_lint.analysis.names.resolve import Resolver
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import Kind
from mlflow_lint.facts.releases import ARGUMENT_SINCE
from mlflow_lint.facts.traverse import shown
from mlflow_lint.findings import Edit
from mlflow_lint.fixes.indenting import placed
from mlflow_lint.fixes.names import imported, sibling
from mlflow_lint.fixes.text import Display, Layout, call_text, lines_inside, slice_of
from mlflow_lint.project.target import Target
from mlflow_lint.record import record

PLURAL = {Kind.METRIC: "log_metrics", Kind.PARAM: "log_params", Kind.TAG: "set_tags"}
_ENTITY = {Kind.METRIC: "Metric", Kind.PARAM: "Param", Kind.TAG: "RunTag"}
_COLLECTION = {Kind.METRIC: "metrics", Kind.PARAM: "params", Kind.TAG: "tags"}
_SIMPLE = (facts.Name, facts.Attribute, facts.Call, facts.Subscript, facts.Mapping)


@record
class Plural:
    """The call that takes many entries in place of one: how it is written, and what it needs."""

    callee: str
    lead: str
    """What stands before the display: `metrics=` of a batch, or nothing."""
    first: tuple[str, ...]
    """Arguments before the display: the run of a client call."""
    rest: tuple[str, ...]
    """Arguments after the display."""
    entity: str
    """Name of the entity class of a batch; empty for a fluent call."""
    clock: str
    """How to write the time now, in milliseconds; for metrics of a batch without a timestamp."""
    edits: tuple[Edit, ...]
    """Imports that the new code needs."""

    @property
    def brackets(self) -> str:
        """What opens and closes the display."""
        return f"{self.lead}[]" if self.entity else "{}"


def plural_of(write: Write, resolver: Resolver, target: Target) -> Plural | None:
    """The plural call for a write, to the same run and step; None if it cannot be written here."""
    site, api = write.site, write.api
    text = site.place.unit.text
    others = write.others
    if not api.client:
        named = _itself(write) if api.plural else sibling(site.call, api, PLURAL[api.kind], site.place, resolver)
        if named is None:
            return None
        callee, edits = named
        since = [ARGUMENT_SINCE.get((PLURAL[api.kind], name)) for name in others]
        if not all(first is None or target.has(first) for first in since):
            return None
        rest = tuple(f"{name}={slice_of(text, write.arguments[name].span)}" for name in others)
        return Plural(callee, "", (), rest, "", "", edits)
    if set(others) - {"run_id", "step", "timestamp", "synchronous"} or "run_id" not in others:
        return None
    if isinstance(others.get("timestamp"), (facts.Name, facts.Attribute)):
        return None  # it may be None, which the client's `log_metric` takes for now and a `Metric` refuses
    named = sibling(site.call, api, "log_batch", site.place, resolver)
    entity = imported("mlflow.entities", _ENTITY[api.kind], site.place)
    if named is None or entity is None:
        return None
    edits = (*named[1], *entity[1])
    clock = ""
    if api.kind is Kind.METRIC and "timestamp" not in others:
        time = imported("time", None, site.place)
        if time is None:
            return None
        clock, edits = f"int({time[0]}.time() * 1000)", (*edits, *time[1])
    run = slice_of(text, write.arguments["run_id"].span)
    rest = tuple(f"{name}={slice_of(text, write.arguments[name].span)}" for name in others if name == "synchronous")
    return Plural(named[0], f"{_COLLECTION[api.kind]}=", (run,), rest, entity[0], clock, edits)


def plural_call(plural: Plural, lines: list[str], separator: str, layout: Layout) -> str:
    """The plural call with its display; `lines` are entries (each with its comma) and comments of their own.

    `separator` joins them where they fit on one line.
    """
    display = Display(plural.brackets, tuple(lines), separator)
    return call_text(plural.callee, plural.first, display, plural.rest, layout)


def _itself(write: Write) -> tuple[str, tuple[Edit, ...]] | None:
    written = shown(write.site.call.function, 200)
    text = write.site.place.unit.text
    return (written, ()) if text.startswith(written, write.site.call.span[0]) else None


def entries(write: Write, plural: Plural, indent: str) -> list[str] | None:
    """The entries, for lines at `indent`, that a write adds to the display; None if it cannot be taken apart."""
    text = write.site.place.unit.text
    if write.api.plural:
        given = write.arguments.get(_COLLECTION[write.api.kind])
        if given is None:
            return None
        source = slice_of(text, given.span)
        if isinstance(given.value, facts.Mapping):
            if source[:1] != "{":
                return None
            inside = lines_inside(source)
            if inside is not None:
                return inside
        source = placed(text, given.span, indent)
        bare = isinstance(given.value, _SIMPLE) or (isinstance(given.value, facts.Comprehension) and source[0] == "{")
        return [f"**{source}," if bare else f"**({source}),"]
    key, value = write.arguments.get("key"), write.arguments.get("value")
    if key is None or value is None:
        return None
    return [f"{entry(placed(text, key.span, indent), placed(text, value.span, indent), write, plural)},"]


def entry(key: str, value: str, write: Write, plural: Plural) -> str:
    """One entry of the display."""
    if not plural.entity:
        return f"{key}: {value}"
    if write.api.kind is not Kind.METRIC:
        given = write.arguments["value"].value
        # The client's own `log_param` and `set_tag` stringify; a batch sends what it is given.
        is_text = isinstance(given, facts.Text) or (isinstance(given, facts.Constant) and isinstance(given.value, str))
        return f"{plural.entity}({key}, {value if is_text else f'str({value})'})"
    text = write.site.place.unit.text
    others = write.others
    step = "0"
    if "step" in others:
        step = slice_of(text, write.arguments["step"].span)
        # The client's `log_metric` takes None for 0; a `Metric` refuses it.
        if not (isinstance(others["step"], facts.Constant) and isinstance(others["step"].value, int)):
            step = f"{step} or 0" if isinstance(others["step"], _SIMPLE) else f"({step}) or 0"
    stamp = slice_of(text, write.arguments["timestamp"].span) if "timestamp" in others else plural.clock
    return f"{plural.entity}({key}, {value}, {stamp}, {step})"


def keys_of(writes: Sequence[Write]) -> list[facts.Expression] | None:
    """Every key that a row writes; None when a plural call hides some."""
    keys: list[facts.Expression] = []
    for write in writes:
        if not write.api.plural:
            keys.append(write.arguments["key"].value)
            continue
        given = write.arguments[_COLLECTION[write.api.kind]].value
        if not _is_in_sight(given):
            return None
        keys += displayed_keys(given)
    return keys


def _is_in_sight(entries: facts.Expression) -> bool:
    """Whether every key of a dict display is written out."""
    return isinstance(entries, facts.Mapping) and all(
        key is not None or _is_in_sight(value) for key, value in entries.items
    )


def evaluated(write: Write) -> list[facts.Expression]:
    """What a write evaluates besides step and run: its keys and values."""
    return [given.value for name, given in write.arguments.items() if name not in write.others]
