"""LibCST's parser by itself, with nodes that cost next to nothing.

LibCST's nodes are frozen dataclasses, each checked against the grammar that the parser has just followed. To make them
takes two thirds as long as all that the parser itself does, and to import them longer than to read most files. A light
node is a namespace of fields, made without a line of Python. Invariant: it has the fields of LibCST's node of that
name, and LibCST is as it was for everybody else, imported or not.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec, module_from_spec
from types import FunctionType, SimpleNamespace
from typing import Any

from mlflow_lint.regex import regex

_NAMES = """
    Add AddAssign And AnnAssign Annotation Arg AsName Assert Assign AssignEqual AssignTarget Asynchronous Attribute
    AugAssign Await BinaryOperation BitAnd BitAndAssign BitInvert BitOr BitOrAssign BitXor BitXorAssign BooleanOperation
    Break Call ClassDef Colon Comma Comment CompFor CompIf Comparison ComparisonTarget ConcatenatedString Continue
    Decorator Del Dict DictComp DictElement Divide DivideAssign Dot Element Ellipsis Else EmptyLine Equal ExceptHandler
    ExceptStarHandler Expr Finally Float FloorDivide FloorDivideAssign For FormattedString FormattedStringExpression
    FormattedStringText From FunctionDef GeneratorExp Global GreaterThan GreaterThanEqual If IfExp Imaginary Import
    ImportAlias ImportFrom ImportStar In IndentedBlock Index Integer Is IsNot Lambda LazyImport LazyImportFrom
    LeftCurlyBrace LeftParen LeftShift LeftShiftAssign LeftSquareBracket LessThan LessThanEqual List ListComp Match
    MatchAs MatchCase MatchClass MatchKeywordElement MatchList MatchMapping MatchMappingElement MatchOr MatchOrElement
    MatchSequenceElement MatchSingleton MatchStar MatchTuple MatchValue MatrixMultiply MatrixMultiplyAssign Minus Module
    Modulo ModuloAssign Multiply MultiplyAssign Name NameItem NamedExpr Newline Nonlocal Not NotEqual NotIn Or Param
    ParamSlash ParamSpec ParamStar Parameters ParenthesizedWhitespace Pass Plus Power PowerAssign Raise Return
    RightCurlyBrace RightParen RightShift RightShiftAssign RightSquareBracket Semicolon Set SetComp SimpleStatementLine
    SimpleStatementSuite SimpleString SimpleWhitespace Slice StarredDictComp StarredDictElement StarredElement Subscript
    SubscriptElement Subtract SubtractAssign TemplatedString TemplatedStringExpression TemplatedStringText
    TrailingWhitespace Try TryStar Tuple TypeAlias TypeParam TypeParameters TypeVar TypeVarTuple UnaryOperation While
    With WithItem Yield
"""
_LEFT_OUT = """
    annotation asname asynchronous bound cause colon comma comment conversion default equal exc finalbody format_spec
    guard indent inner_for_in keyword lbracket lpar msg name orelse pattern posonly_ind rbracket rest returns rpar
    second_colon semicolon separator star star_arg star_kwarg step trailing_comma type type_parameters value
    whitespace_after_as whitespace_after_lambda whitespace_after_name whitespace_after_raise whitespace_after_return
    whitespace_after_star whitespace_after_type_parameters whitespace_after_yield whitespace_before_as
    whitespace_before_from whitespace_before_indicator
"""
"""Fields that the parser leaves out of a node where the text has nothing for them: there they are `None`."""

Node: Any = type("Node", (SimpleNamespace,), {"__slots__": (), **dict.fromkeys(_LEFT_OUT.split())})

nodes: Any = SimpleNamespace(**{name: type(name, (Node,), {"__slots__": ()}) for name in _NAMES.split()})
"""The light classes, under the names that LibCST's have in `libcst`."""


_CLASS = regex(rb"\b[A-Z]\w+")
_met_unknown: dict[str, bool] = {}
"""Not empty once the parser has made a node that is not among ours."""


def _stand_in(package: ModuleSpec | None) -> Any | None:
    """What the parser gets for the package `libcst`; None where nobody can say what it will ask for.

    It asks for each class by a text that is new each time. A module would first look for such an attribute in two
    classes of its own, and `super` looks in the one dict that is meant. But there the parser must find all that it asks
    for, or the process prints a report of the panic: so there is something for each word that may be a class of LibCST.
    """
    if package is None or package.origin is None or not isinstance(package.loader, SourceFileLoader):
        return None
    words = [word.decode() for word in _CLASS.findall(package.loader.get_data(package.origin))]
    if not {"Module", "SimpleWhitespace"}.issubset(words):
        return None
    known: dict[str, Any] = vars(nodes) | {
        # Nearly half of all nodes are blanks, and nearly all of these are alike.
        "SimpleWhitespace": lru_cache(nodes.SimpleWhitespace),
        "Newline": lru_cache(nodes.Newline),
        "ParserSyntaxError": SimpleNamespace,  # to make LibCST's own would run Python
    }
    unknown = partial(_met_unknown.update, met=True)
    behind = type("Classes", (type("Nodes", (), dict.fromkeys(words, unknown) | known),), {})
    return super(behind, behind)


class UnknownNode(Exception):
    """The text has something in it that a newer LibCST knows and these modules do not."""


def parsed(text: str) -> Any | None:
    """The `Module` of a text, of light nodes; `None` where LibCST itself has to say what it makes of the text.

    The parser asks `sys.modules` for `libcst` each time it makes a node, and gets the light classes. No thread has a
    turn between the calls, as none of them runs Python, nor does the collection of garbage, which is off: so nobody
    else meets the stand-in; but Python 3.10 may give them one when the text is broken. Where threads run at the same
    time, in free-threaded Python, LibCST makes its own nodes.
    """
    if _STAND_IN is None or not getattr(sys, "_is_gil_enabled", lambda: True)():
        return None
    with _ONE_AT_A_TIME:
        _met_unknown.clear()
        as_it_was: dict[str, Any] = {}
        note = partial(as_it_was.update, sys.modules)
        swap = partial(sys.modules.__setitem__, "libcst", _STAND_IN)
        stand_back: tuple[partial[Any], ...] = (
            partial(sys.modules.pop, "libcst", None),
            partial(sys.modules.update, as_it_was),
        )
        after_all: partial[list[Any]] = partial(list, map(_call, stand_back))
        collecting = gc.isenabled()
        gc.disable()
        try:
            _, _, tree, *_ = _in_one_go((note, swap, partial(_parse_module, text), *stand_back))
        except BaseException as error:
            after_all()  # before anything else: the first jump or call of Python may give another thread a turn
            if not isinstance(error, Exception):
                raise
            return None
        finally:
            if collecting:
                gc.enable()
    return tree if type(tree) is nodes.Module and not _met_unknown else None


_ONE_AT_A_TIME = threading.Lock()
_call: Callable[[partial[Any]], Any] = partial.__call__


def _in_one_go(calls: Iterable[partial[Any]]) -> list[Any]:
    return list(map(_call, calls))


# Before the parser looks into `sys.modules` it has Python import `libcst`, once more for each node. It calls what its
# caller has for `__import__`: here something that is quick, takes anything and does nothing.
_in_one_go = FunctionType(
    _in_one_go.__code__,
    {"list": list, "map": map, "_call": _call, "__builtins__": {"__import__": "".format}},
)


def _parser(package: ModuleSpec | None) -> Callable[[str], Any]:
    """The parser in `libcst.native`, without the package around it where that can be had."""
    spec = PathFinder.find_spec("libcst.native", package.submodule_search_locations) if package else None
    if spec is None or spec.loader is None or spec.name in sys.modules or sys.implementation.name != "cpython":
        from libcst import native  # type: ignore[attr-defined]
    else:
        native = module_from_spec(spec)
        spec.loader.exec_module(native)
        sys.modules.pop(spec.name, None)  # where older versions of LibCST put it
    parse_module: Callable[[str], Any] = native.parse_module
    return parse_module


_PACKAGE = find_spec("libcst")
_STAND_IN = _stand_in(_PACKAGE)
_parse_module = _parser(_PACKAGE)


def lightened(own: Any) -> Any:
    """A copy of LibCST's own tree in light nodes, for a parser that does not look its nodes up."""
    from dataclasses import fields

    import libcst

    if isinstance(own, libcst.CSTNode):
        name = type(own).__name__
        if name not in vars(nodes):
            raise UnknownNode(name)
        values = {field.name: lightened(getattr(own, field.name)) for field in fields(own)}
        return getattr(nodes, name)(**values)
    if isinstance(own, (tuple, list)):
        return tuple(map(lightened, own))
    return None if own is libcst.MaybeSentinel.DEFAULT else own
