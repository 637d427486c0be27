"""What an annotation says of the objects it stands for.

Invariant: a union of different things says nothing; `None` in it only says that the object may be absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlflow_lint.analysis.names.meaning import ClassRef, External, Instance, Meaning, Place, Result, all_agreed
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.traverse import last_name

if TYPE_CHECKING:
    from mlflow_lint.analysis.names.resolve import Resolver

_OPTIONAL = ("Optional", "Union", "Annotated", "Final", "ClassVar")
_VAGUE = ("Any", "object", "ModuleType", "Callable")
_SEQUENCES = (
    "list List Sequence MutableSequence Iterable Iterator Collection tuple Tuple set Set frozenset FrozenSet deque"
).split()
_MAPPINGS = "dict Dict Mapping MutableMapping OrderedDict defaultdict".split()


def is_vague(annotation: facts.Expression | None) -> bool:
    """Whether an annotation leaves open what an object is: `Any`, `ModuleType`, `Callable[..., None]`, or no one."""
    if annotation is None:
        return True
    word = annotation.value if isinstance(annotation, facts.Constant) else last_name(annotation)
    if isinstance(annotation, facts.Subscript) and word == "Optional":
        return is_vague(annotation.index)
    return word in _VAGUE


def annotated(expression: facts.Expression, place: Place, resolver: Resolver) -> Meaning | None:
    """What an object with this annotation is: `MlflowClient`, `Optional["MlflowClient"]`, `X | None`."""
    match expression:
        case facts.Constant(str() as text) if text.replace(".", "").replace("_", "").isalnum():
            return annotated(_dotted(text), place, resolver)
        case facts.Operation("|", operands):
            return all_agreed([annotated(o, place, resolver) for o in operands if o != facts.Constant(None)])
        case facts.Subscript(value, index):
            word = last_name(value)
            if word not in _OPTIONAL:
                return None
            options = index.items if isinstance(index, facts.Collection) else (index,)
            options = options[:1] if word == "Annotated" else options
            return all_agreed([annotated(o, place, resolver) for o in options if o != facts.Constant(None)])
        case facts.Name() | facts.Attribute():
            meaning = resolver.resolve(expression, place)
            if isinstance(meaning, External):
                return Result(meaning.dotted)
            return Instance(meaning) if isinstance(meaning, ClassRef) else None
    return None


def annotated_member(expression: facts.Expression, place: Place, resolver: Resolver) -> Meaning | None:
    """What the items of a container with this annotation are, or the values of a mapping: `list[Logger]`."""
    if isinstance(expression, facts.Operation) and expression.operator == "|":
        return all_agreed(
            [annotated_member(o, place, resolver) for o in expression.operands if o != facts.Constant(None)]
        )
    if not isinstance(expression, facts.Subscript):
        return None
    word = last_name(expression.value)
    index = expression.index
    items = index.items if isinstance(index, facts.Collection) else (index,)
    if word == "Optional" or (word == "Union" and len(items) == 2 and facts.Constant(None) in items):
        return annotated_member(items[0], place, resolver)
    if word in _SEQUENCES and items:
        return annotated(items[0], place, resolver)
    if word in _MAPPINGS and len(items) == 2:
        return annotated(items[1], place, resolver)
    return None


def _dotted(text: str) -> facts.Expression:
    first, *rest = text.split(".")
    expression: facts.Expression = facts.Name(first)
    for part in rest:
        expression = facts.Attribute(expression, part)
    return expression
