"""What an expression depends on from turn to turn of a loop, or from call to call of a function.

Names that the turn assigns are followed to what they are assigned, and paths that are put together to their parts.
Invariant: whatever is not known to stay the same counts as changing.
"""

from __future__ import annotations

from mlflow_lint.analysis.flow.sites import Loop
from mlflow_lint.analysis.flow.throttles import assigned_names
from mlflow_lint.analysis.frequency.constancy import changing_attributes, changing_names
from mlflow_lint.analysis.names.meaning import External, Instance, Place
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import inner_blocks
from mlflow_lint.facts.traverse import bound_names, descend, last_name
from mlflow_lint.record import entity
from mlflow_lint.regex import regex

_DEEPEST = 6
_PATH_CALLS = ("os.path.", "pathlib.", "posixpath.", "ntpath.", "os.fspath", "os.getcwd")
_PATH_METHODS = frozenset(
    "joinpath with_suffix with_name with_stem as_posix resolve absolute format lower strip".split()
)
_ONCE = regex(
    r"^(__(init|post_init|new)__|_?(set_?up|init|configure|build|create|make)\w*|on_(train|fit)_(begin|start))$"
)


@entity
class Turn:
    """What may be another from turn to turn."""

    block: facts.Block
    place: Place
    given: frozenset[str]
    """Names that the turn is given: the targets of a loop, the parameters of a function."""
    assigned: frozenset[str]
    """Names that it assigns."""
    attributes: frozenset[facts.Expression]
    """Attributes that it assigns."""


def turn_of_loop(loop: Loop) -> Turn:
    """One turn of a loop."""
    node = loop.node
    block = () if isinstance(node, facts.Clause) else node.body
    given = frozenset() if isinstance(node, facts.While) else frozenset(bound_names(node.target))
    return Turn(block, loop.place, given, changing_names(loop) - given, changing_attributes(loop))


def turn_of_body(body: Body) -> Turn:
    """One call of a function."""
    assert body.function is not None
    parameters = [parameter.name for parameter in body.function.definition.parameters]
    given = frozenset(parameters[1:] if body.function.receiver is not None else parameters)
    return Turn(body.block, body.place, given, assigned_names(body.block), frozenset())


def is_fixed(expression: facts.Expression, turn: Turn, effects: Effects) -> bool:
    """Whether an expression is the same in each turn."""
    return depends_on(expression, turn, effects) == frozenset()


def depends_on(expression: facts.Expression, turn: Turn, effects: Effects, depth: int = 0) -> frozenset[str] | None:
    """The given names that decide what an expression is; None where something else may change it."""
    found: set[str] = set()
    for node in descend(expression):
        deeper: frozenset[str] | None = frozenset()
        match node:
            case facts.Name(name) if name in turn.assigned:
                value = assigned_value(name, turn)
                deeper = depends_on(value, turn, effects, depth + 1) if value and depth < _DEEPEST else None
            case facts.Name(name) if name in turn.given:
                deeper = frozenset((name,))
            case facts.Attribute(owner, name):
                kept = node not in turn.attributes and _is_kept(owner, name, turn.place, effects)
                deeper = frozenset() if kept else None
            case facts.Call():
                deeper = frozenset() if is_path_call(node, turn.place, effects) else None
            case facts.Await() | facts.Yield() | facts.Assigned() | facts.Lambda() | facts.Comprehension():
                deeper = None
        if deeper is None:
            return None
        found |= deeper
    return frozenset(found)


def assigned_value(name: str, turn: Turn) -> facts.Expression | None:
    """The value that a turn assigns to a name, if it assigns it once and nothing else binds it."""
    values = _assigned_values(turn.block, name) if name not in turn.given else []
    return values[0] if len(values) == 1 else None


def _assigned_values(block: facts.Block, name: str) -> list[facts.Expression | None]:
    """What the statements of a block bind a name to; None for what is not a plain value."""
    found: list[facts.Expression | None] = []
    for statement in block:
        match statement:
            case facts.Assign(targets, value) if facts.Name(name) in targets:
                found.append(value)
            case _ if name in assigned_names((statement,)):
                inner = [value for block in inner_blocks(statement) for value in _assigned_values(block, name)]
                found += inner or [None]
    return found


def is_path_call(call: facts.Call, place: Place, effects: Effects) -> bool:
    """Whether a call only puts a path or text together: `os.path.join(…)`, `Path(…)`, `str(…)`."""
    meaning = effects.target(call, place)
    if isinstance(meaning, External):
        return meaning.dotted.startswith(_PATH_CALLS)
    if isinstance(call.function, facts.Name):
        return call.function.id == "str" and place.scope.holder("str") is None
    return meaning is None and last_name(call.function) in _PATH_METHODS


def _is_kept(owner: facts.Expression, name: str, place: Place, effects: Effects) -> bool:
    """Whether an attribute stays: that of a project object only if it is set when the object is made."""
    of = effects.resolver.resolve(owner, place)
    if not isinstance(of, Instance):
        return True
    owners = [where.scope.owner for _, _, where in effects.resolver.classes.assignments(of.type, name)]
    return bool(owners) and all(
        isinstance(owner, facts.Class) or (isinstance(owner, facts.Function) and _ONCE.search(owner.name) is not None)
        for owner in owners
    )
