"""LibCST's parser with nodes that cost next to nothing.

LibCST's nodes are frozen dataclasses, each checked against the grammar that the parser has just followed. To make them
takes two thirds as long as all that the parser itself does. A light node is a namespace of fields, made without a line
of Python. Invariant: it has the fields of LibCST's node of that name, and LibCST is as it was for everybody else.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterable
from dataclasses import MISSING, fields
from functools import partial
from types import FunctionType, SimpleNamespace
from typing import Any

import libcst
from libcst import native  # type: ignore[attr-defined]


class Node(SimpleNamespace):
    """A node that has its fields and can be walked by generating its code; the state says what happens to each node."""

    __slots__ = ()

    def _codegen(self, state: Any, **options: Any) -> None:
        state.meet(self, **options)


def _light(own: type[libcst.CSTNode]) -> type[Node]:
    """The light class for one of LibCST's, with what it needs to generate code, and the fields that may be left out."""
    members: dict[str, Any] = {"__slots__": ()}
    for base in reversed(own.__mro__[: own.__mro__.index(libcst.CSTNode)]):
        members |= {
            name: member
            for name, member in vars(base).items()
            if type(member) is FunctionType and not name.startswith("__")
        }
    for field in fields(own):
        if field.default is not MISSING:
            members[field.name] = field.default
        elif field.default_factory is not MISSING:
            members[field.name] = field.default_factory()
    return type(own.__name__, (Node,), members)


class _Nodes:
    """Stands in for the module `libcst`, where the parser looks up by its name what it is about to make."""

    ParserSyntaxError = SimpleNamespace  # to make LibCST's own would run Python

    def __getattr__(self, name: str) -> Any:
        return getattr(libcst, name)


for _own in list(vars(libcst).values()):
    if libcst.CSTNode in getattr(_own, "__mro__", ()) and not _own.__abstractmethods__:
        setattr(_Nodes, _own.__name__, _light(_own))
        _own.register(getattr(_Nodes, _own.__name__))  # LibCST generates code by asking `isinstance(comma, Comma)`

nodes: Any = _Nodes()
"""The light classes, under the names that LibCST's have in `libcst`."""


def parsed(text: str) -> Any:
    """The `Module` of a text, of light nodes; raises what `libcst.parse_module` raises.

    The parser asks `sys.modules` for `libcst` each time it makes a node, and gets the light classes. No thread has a
    turn between the three calls, as none of them runs Python, nor does the collection of garbage, which is off: so
    nobody else meets the stand-in; but Python 3.10 may give them one when the text is broken.
    """
    with _ONE_AT_A_TIME:
        collecting = gc.isenabled()
        gc.disable()
        try:
            _, tree, _ = _in_one_go((_stand_in, partial(native.parse_module, text), _stand_back))
        except Exception:
            _stand_back()  # before anything else: the first jump or call of Python may give another thread a turn
            tree = None
        finally:
            _stand_back()
            if collecting:
                gc.enable()
    if type(tree) is nodes.Module:
        return tree
    return lightened(libcst.parse_module(text))  # which says what is wrong with the text, if that was the reason


_ONE_AT_A_TIME = threading.Lock()
_stand_in = partial(sys.modules.__setitem__, "libcst", nodes)
_stand_back = partial(sys.modules.__setitem__, "libcst", libcst)


def _in_one_go(calls: Iterable[partial[Any]]) -> list[Any]:
    return list(map(partial.__call__, calls))


# Before the parser looks into `sys.modules` it has Python import `libcst`, once more for each node. It calls what its
# caller has for `__import__`: here something that is quick and does nothing, as `libcst` is imported.
_in_one_go = FunctionType(
    _in_one_go.__code__, {"list": list, "map": map, "partial": partial, "__builtins__": {"__import__": "".format}}
)


def lightened(own: Any) -> Any:
    """A copy of LibCST's own tree in light nodes, for a parser that does not look its nodes up."""
    if isinstance(own, libcst.CSTNode):
        values = {field.name: lightened(getattr(own, field.name)) for field in fields(own)}
        return getattr(nodes, type(own).__name__)(**values)
    return tuple(map(lightened, own)) if isinstance(own, (tuple, list)) else own
