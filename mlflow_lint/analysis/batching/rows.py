"""Rows: writes of one kind that follow one another in a block, to one run and step, and could be one call.

In a row means that between two of them stand only statements that finish at once and cannot leave the block.
Invariant: a row never mixes runs, steps or other arguments, and never holds one literal key twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from mlflow_lint.analysis.flow.sites import Frame, Loop, Site
from mlflow_lint.analysis.flow.throttles import assigned_names
from mlflow_lint.analysis.flow.weight import is_light, is_pure
from mlflow_lint.analysis.names.meaning import External, apis_called
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.api import WRITES, Api, Kind
from mlflow_lint.facts.traverse import calls_in, names_in
from mlflow_lint.record import entity
from mlflow_lint.source.cells import BORDER

GROUPED = (Kind.METRIC, Kind.PARAM, Kind.TAG)
_ENTRIES = {"key", "value", "metrics", "params", "tags"}
_NONE = facts.Constant(None)


@entity
class Write:
    """One call of a row."""

    site: Site
    api: Api
    arguments: dict[str, facts.Argument]
    """By parameter name."""
    index: int
    """Of its statement in the block."""

    @property
    def others(self) -> dict[str, facts.Expression]:
        """The arguments that are not what is written: step, run, options; an explicit None counts as absent."""
        return {
            name: given.value for name, given in self.arguments.items() if name not in _ENTRIES and given.value != _NONE
        }


@entity
class Row:
    """Two or more writes that could be one."""

    body: Body
    block: facts.Block
    writes: tuple[Write, ...]
    frames: tuple[Frame, ...]

    @property
    def kind(self) -> Kind:
        """What the writes write."""
        return self.writes[0].api.kind

    @property
    def plural(self) -> bool:
        """Whether some call of the row already takes many entries."""
        return any(write.api.plural for write in self.writes)

    @property
    def adjacent(self) -> bool:
        """Whether nothing stands between the calls."""
        return self.writes[-1].index - self.writes[0].index == len(self.writes) - 1

    @property
    def repeated(self) -> bool:
        """Whether the row runs more than once in a run: it stands in a loop."""
        return any(isinstance(frame, Loop) for frame in self.frames)


def rows(effects: Effects, bodies: Iterable[Body], keyed: set[int]) -> Iterator[Row]:
    """Rows of a file, in order; those in a loop over keys (`keyed`, by `id`) are left to the rule for that loop."""
    for body in bodies:
        touching = effects.touching(body)
        if len(touching) < 2:
            continue
        written = Counter(id(site.block) for site in touching if site.api is not None and site.api.kind in GROUPED)
        shared = {block for block, count in written.items() if count > 1}
        by_block: dict[int, dict[int, Site]] = {}
        blocks: dict[int, facts.Block] = {}
        for site in effects.sites(body) if shared else ():
            if id(site.block) in shared and site.stands_alone:
                by_block.setdefault(id(site.block), {})[site.index] = site
                blocks[id(site.block)] = site.block
        for key, block in blocks.items():
            found = by_block[key]
            frames = next(iter(found.values())).frames
            innermost = next((f for f in reversed(frames) if isinstance(f, Loop)), None)
            if innermost is not None and id(innermost.node) in keyed:
                continue
            yield from _rows_of_block(effects, body, block, found)


@entity
class _Open:
    """A row that may go on."""

    writes: list[Write]
    keys: set[str]
    """Those that are literals."""


def _rows_of_block(effects: Effects, body: Body, block: facts.Block, sites: dict[int, Site]) -> Iterator[Row]:
    open_rows: dict[tuple[Kind, bool, facts.Expression | None], _Open] = {}
    closed: list[list[Write]] = []

    def close(*keys: tuple[Kind, bool, facts.Expression | None]) -> None:
        closed.extend(open_rows.pop(key).writes for key in keys)

    for index, statement in enumerate(block):
        site = sites.get(index)
        write = _write(effects, site) if site is not None else None
        if write is not None:
            if _interrupts(effects, write):
                close(*list(open_rows))
            key = (write.api.kind, write.api.client, _receiver(write))
            row = open_rows.get(key)
            if row is not None and _continues(effects, row, write):
                row.writes.append(write)
                row.keys.update(literal_keys(write))
            else:
                if row is not None:
                    close(key)
                open_rows[key] = _Open([write], literal_keys(write))
            continue
        if site is not None and _is_other_write(effects, site):
            continue
        place = site.place if site is not None else body.place
        if not is_light(statement, place, effects.resolver):
            close(*list(open_rows))
            continue
        changed = assigned_names((statement,))
        close(*[key for key, row in open_rows.items() if changed & _steered(row.writes[0])])
    close(*list(open_rows))
    for writes in sorted(closed, key=lambda row: row[0].index):
        if len(writes) > 1:
            yield Row(body, block, tuple(writes), writes[0].site.frames)


def _write(effects: Effects, site: Site) -> Write | None:
    api = site.api
    if api is None or api.kind not in GROUPED or site.call.spread:
        return None
    arguments = arguments_of(site.call, api)
    if arguments is None:
        return None
    return Write(site, api, arguments, site.index)


def arguments_of(call: facts.Call, api: Api) -> dict[str, facts.Argument] | None:
    """Arguments by parameter name; None when the call does not fit the signature."""
    filled: dict[str, facts.Argument] = {}
    for position, given in enumerate(call.arguments):
        if given.star:
            return None
        if given.keyword is None and position >= len(api.parameters):
            return None
        name = given.keyword if given.keyword is not None else api.parameters[position]
        if name in filled or name not in api.parameters:
            return None
        filled[name] = given
    return filled


def _receiver(write: Write) -> facts.Expression | None:
    """What a client method is called on; None for fluent calls."""
    function = write.site.call.function
    if not write.api.client:
        return None
    return function.value if isinstance(function, facts.Attribute) else function


def _interrupts(effects: Effects, write: Write) -> bool:
    """Whether computing what is written itself writes to MLflow."""
    return any(_writes(effects, call, write) for given in write.arguments.values() for call in calls_in(given.value))


def _writes(effects: Effects, call: facts.Call, write: Write) -> bool:
    place = write.site.place
    apis = [effect.api for reached in effects.reached(call, place) for effect in reached.effects]
    return any(api.kind is not Kind.READ for api in (*apis_called(effects.target(call, place)), *apis))


def _continues(effects: Effects, row: _Open, write: Write) -> bool:
    between = write.site.place.unit.text[row.writes[-1].site.statement.span[1] : write.site.statement.span[0]]
    if BORDER.search(between):  # code must not wander from one cell of a notebook into another
        return False
    first = row.writes[0].others
    others = write.others
    if first != others or not all(is_pure(v, write.site.place, effects.resolver) for v in others.values()):
        return False
    return row.keys.isdisjoint(literal_keys(write))


def literal_keys(write: Write) -> set[str]:
    """Keys of a write that are literals."""
    if not write.api.plural:
        given = write.arguments.get("key")
        constants = [given.value] if given is not None else []
    else:
        entries = next((write.arguments[name] for name in _ENTRIES if name in write.arguments), None)
        constants = displayed_keys(entries.value) if entries is not None else []
    return {c.value for c in constants if isinstance(c, facts.Constant) and isinstance(c.value, str)}


def displayed_keys(entries: facts.Expression) -> list[facts.Expression]:
    """Keys in sight of a dict display, those of displays spread into it included."""
    if not isinstance(entries, facts.Mapping):
        return []
    return [k for key, value in entries.items for k in ([key] if key is not None else displayed_keys(value))]


def _steered(write: Write) -> frozenset[str]:
    """Names that decide where a write goes: changing one ends the row."""
    names: set[str] = set()
    for value in write.others.values():
        names |= names_in(value)
    receiver = _receiver(write)
    return frozenset(names | names_in(receiver)) if receiver is not None else frozenset(names)


def _is_other_write(effects: Effects, site: Site) -> bool:
    """An upload or another write of MLflow between two calls does not part them."""
    api = site.api
    if api is not None:
        return api.kind in (*WRITES, Kind.MODEL)
    meaning = effects.resolver.resolve(site.call.function, site.place)
    return (
        isinstance(meaning, External)
        and meaning.dotted.startswith("mlflow.")
        and meaning.dotted.endswith((".log_input", ".set_experiment_tag"))
    )
