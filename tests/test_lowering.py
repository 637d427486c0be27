"""From text to facts: where things stand, told by CPython's own positions, and LibCST as it was before."""

from __future__ import annotations

import ast
import dataclasses
import re
import sys
import textwrap
import threading
from collections.abc import Iterator
from importlib.machinery import BuiltinImporter, ModuleSpec
from pathlib import Path
from typing import Any, get_args

import doors
import libcst
import pytest
from doors import FIXTURES, ROOT

from mlflow_lint.facts import model as facts
from mlflow_lint.source.file import decode
from mlflow_lint.syntax import lean
from mlflow_lint.syntax.lean import lightened, nodes
from mlflow_lint.syntax.lower import lower
from mlflow_lint.syntax.order import ORDER
from mlflow_lint.syntax.parse import SyntaxFailure, parse
from mlflow_lint.syntax.read import read
from mlflow_lint.syntax.stack import with_deep_stack
from mlflow_lint.syntax.stretches import stretches

ZOO = textwrap.dedent('''\
    #!/usr/bin/env python
    """Everything that has a place of its own."""
    from __future__ import annotations
    import a.b.c as d, e . f
    from .. g import (h as i, j,)  # comment
    from . import *
    x = y = z; w: int = 1 ; v: "str"
    x += 0x_ff ; x @= 1_0.5e3; del x, (y)
    assert x, "no"; pass
    def f(a, /, b: int = 1, *args: int, c, d=(2), **kwargs) -> "x":

        # a comment
        global g, h
        def inner(*, k) :
            nonlocal a; yield; yield from (b); return
        if (
            a  # why
            and b
        ) : return not -a
        elif (a)is not b :
            raise ValueError(
                "a" 'b' f"{a!r:>{b}} {a = }"  # split
                "c") from None
        else :
            print (a, * args, k = (
                b
            ), ** kwargs , )
        return lambda x, *y: (x, y)
    @ d.e(1)

    # between
    @f
    async def g(x: T) -> None:
        async with a as b, c(): await b
        async for x, y in b [1:2, ::3, ...]: break
        else: continue
        with (
            open("x") as b,
            c,
        ):
            return [
                (x, y)
                for x, *y in b
                if x < y <= 3 not in z
                async for z in (
                    y
                )
            ]
    class A ( B, metaclass = C ) :
    \tx = {1, 2} | {** d, "a" : 1} | {k: v for k, v in d} | {s for s in {}}
    \twhile (y := f()) : x = (a if b else c)
    \telse: pass
    \ttry :
    \t\tx = a + b + (c + d) * e ** -f
    \texcept (A, B) as error: pass
    \texcept: \\
            x = ()
    \telse: x = (a,), [*b]
    \tfinally: x = (i for i in b)
    match (x):
        case A(b, c=d) | [e, *f] | {"g": h, **i} if j: pass
        case ((1 as k)): x = 1j, b"bytes", r"\\d", """long
    string"""
        case _ : pass
''')

NEWER = textwrap.dedent("""\
    try: pass
    except* A as b: x()
    type Alias[T] = list[T] ; pass
    type Other=int; type Third [T : int = str, *U , ** V]= list[T]
    def g[T: int, *Ts, **P](x: T = f"{x["a"]:{y}}") -> None: ...
    class A [T] : ...
    del x ; assert (x), f"{a:{b:{c}}}{d!r:>{e}x}"
    x[a:b:c, *d, ::e, f :]; 1j, (2J), ( ... )
    match a:
        case (b as c) | {"x": 1, **rest} | {"y" : 2 , ** d} : pass
        case [a, *_, b] | (c, * d) | A.B(1, x = C(y=2) , ) | None | -1 | 1+2j | "a" "b": pass
        case (a,): pass
        case x, *y if (z): raise a from (b)
    def f(a,/, *, b): return [x async for x in y], lambda * , k: k, lambda: 0
""")
"""What not every supported CPython can read."""

NEWEST = 't"a{b!r:{c}}d" ; f(t"{d = }")\n'
"""What not every supported LibCST can read."""

TEXTS = {
    "zoo": ZOO,
    "carriage returns": ZOO.replace("\n", "\r\n"),
    "deep": "if a:\n" + textwrap.indent("if b:\n" + textwrap.indent(ZOO, "\t"), "   "),
    "no newline at the end": "x = (\n  f())",
    "form feed": "x = f()\n\f\ndef g():\n    return h()\n",
    "form feeds before statements": (
        "\fx = f()\n\fdef g():\n    i()\n\f    return h()\n \t\fif x:\n    a()\n\felse:\n    b(1 + \\\n\f2)\n"
    ),
    "wide": "x = 'ä', f('€', g(\"😀\"), h)  # ö\n",
    **{path.name: path.read_text("utf-8") for path in sorted([*FIXTURES.glob("*.py"), *(ROOT / "tests").glob("*.py")])},
}


def facts_of(text: str) -> facts.Module:
    return with_deep_stack(lambda: lower(parse(text), text))


def records(value: Any) -> Iterator[Any]:
    """A fact and all that are in it; but those in f-strings, whose places CPython only knows since 3.12."""
    if isinstance(value, tuple):
        for item in value:
            yield from records(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, facts.Text):
        yield value
        for field in dataclasses.fields(value):
            yield from records(getattr(value, field.name))


def spans_of_cpython(text: str, kind: type[ast.AST]) -> list[facts.Span]:
    ends = [match.end() for match in re.finditer(r"\r\n|\r|\n", text)]
    lines = [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]

    def offset(line: int, column: int) -> int:
        return sum(map(len, lines[: line - 1])) + len(lines[line - 1].encode()[:column].decode())

    found: list[facts.Span] = []
    pending: list[ast.AST] = [ast.parse(text)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.JoinedStr):
            continue
        pending += ast.iter_child_nodes(node)
        if isinstance(node, kind):
            found.append((offset(node.lineno, node.col_offset), offset(node.end_lineno, node.end_col_offset)))
    return sorted(found)


@pytest.mark.parametrize("name", TEXTS)
def test_statements_and_calls_stand_where_cpython_says(name: str) -> None:
    found = list(records(facts_of(TEXTS[name]).body))
    statements = sorted(each.span for each in found if isinstance(each, get_args(facts.Statement)))
    assert statements == spans_of_cpython(TEXTS[name], ast.stmt)
    calls = sorted(each.span for each in found if isinstance(each, facts.Call))
    assert calls == spans_of_cpython(TEXTS[name], ast.Call)


def test_grammar_newer_than_python_is_passed_as_exactly() -> None:
    *_, last = facts_of(NEWER + "last()\n").body
    assert isinstance(last, facts.Evaluate)
    assert last.span == (len(NEWER), len(NEWER) + len("last()"))


@pytest.mark.skipif(not hasattr(libcst, "TemplatedString"), reason="needs a newer LibCST")
def test_template_strings_are_passed_as_exactly() -> None:
    *_, last = facts_of(NEWEST + "last()\n").body
    assert isinstance(last, facts.Evaluate)
    assert last.span == (len(NEWEST), len(NEWEST) + len("last()"))


PIECES = {
    "functions": "def f(a):\n    if a:\n        return g(a)\n\n\n",
    "decorated": "@a\n# between\n@b(\n    1\n)\nasync def f(a):\n    await g(a)\n",
    "classes": "x = 1\nclass A:\n    @b\n    def f(self):\n        return self\n",
    "a string": 'x = """\n@a\ndef f(): pass\nclass A: pass\n"""\ndef f(): g()\n',
    "no functions": "x = f(1)\n",
    "branches": "if x:\n    pass\nelse:\n    f()\n# end\n\ndef g(): f(x)\n",
    "the zoo": ZOO,
}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", PIECES)
def test_a_long_text_is_read_in_stretches_to_the_same_facts(name: str, newline: str) -> None:
    piece = PIECES[name].replace("\n", newline)
    text = "# ä\n" + piece * (40_000 // len(piece))
    parts = stretches(text)
    assert "".join(text[begin:end] for begin, end in parts) == text
    assert (len(parts) > 1) == (name != "no functions")
    assert max(end - begin for begin, end in parts) < 12_000 or name == "no functions"
    read_in_parts, _ = with_deep_stack(lambda: read(decode("a.py", text.encode())))
    assert repr(read_in_parts) == repr(facts_of(text))


def test_what_is_wrong_in_a_long_text_is_said_where_it_is() -> None:
    text = "def f(a):\n    return g(a)\n" * 2_000 + "x = = 1\n" + "def f(a):\n    return g(a)\n" * 2_000
    with pytest.raises(SyntaxFailure) as failure:
        with_deep_stack(lambda: read(decode("a.py", text.encode())))
    assert (failure.value.line, failure.value.message) == (4001, "invalid syntax")
    with pytest.raises(SyntaxFailure):  # the stretches before and after are Python
        with_deep_stack(lambda: read(decode("a.py", b"x = 1\n" * 5_000 + b"x = 1\\\ndef f(): pass\n" * 5_000)))


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_spans_take_in_parentheses_over_several_lines(newline: str) -> None:
    text = newline.join(
        ["def f():", "    while (", "        a", "    ):", "        g(k=(", "            b", "        ))", ""]
    )
    found = list(records(facts_of(text).body))
    (test,) = [text[slice(*each.test_span)] for each in found if isinstance(each, facts.While)]
    (argument,) = [text[slice(*each.span)] for each in found if isinstance(each, facts.Argument)]
    assert test == newline.join(["(", "        a", "    )"])
    assert argument == newline.join(["(", "            b", "        )"])


def test_clauses_of_a_comprehension_begin_with_for_on_whatever_line() -> None:
    text = "if a:\n    x = [\n        y\n        for y in z\n        if (y)\n    ]\n"
    (found,) = [each for each in records(facts_of(text).body) if isinstance(each, facts.Comprehension)]
    assert text[slice(*found.element_span)] == "y"
    assert text[slice(*found.clauses_span)] == "for y in z\n        if (y)"


@pytest.mark.parametrize("name", ["zoo", "deep", "carriage returns", "form feed"])
def test_nodes_of_libcst_itself_say_the_same(name: str) -> None:
    """What becomes of the tree of a parser that does not look up the classes of its nodes."""
    text = TEXTS[name] + NEWER.replace("\n", "\r\n" if "\r" in TEXTS[name] else "\n")
    own = with_deep_stack(lambda: lower(lightened(libcst.parse_module(text)), text))
    assert repr(own) == repr(facts_of(text))  # spans, which equality leaves out, are in it


def test_all_nodes_of_libcst_are_known() -> None:
    own = {
        name: kind
        for name, kind in vars(libcst).items()
        if libcst.CSTNode in getattr(kind, "__mro__", ()) and not kind.__abstractmethods__
    }
    assert own.keys() <= vars(nodes).keys()
    left_out = {
        field.name
        for kind in own.values()
        for field in dataclasses.fields(kind)
        if field.default in (None, libcst.MaybeSentinel.DEFAULT)
    }
    assert [name for name in left_out if getattr(nodes.Name(), name, ...) is not None] == []
    for name, kind in own.items():
        steps = [step if isinstance(step, tuple) else (step,) for step in ORDER.get(getattr(nodes, name), ())]
        named = {step[0] for step in steps if isinstance(step[0], str)}
        if steps:
            fields = {field.name for field in dataclasses.fields(kind)}
            assert fields - named <= {"semicolon", "leading_whitespace"}, name  # what its line passes


def test_free_threads_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    light = facts_of(ZOO)
    monkeypatch.setattr(lean, "_parse_module", None)  # LibCST has its own
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    assert repr(facts_of(ZOO)) == repr(light)


def test_where_nobody_can_say_what_libcst_consists_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lean._PACKAGE is not None
    elsewhere = ModuleSpec("libcst", BuiltinImporter, origin="built-in")
    assert (lean._stand_in(None), lean._stand_in(elsewhere)) == (None, None)
    light = facts_of(ZOO)
    monkeypatch.setattr(lean, "_STAND_IN", None)
    monkeypatch.setattr(lean, "_parse_module", None)
    assert repr(facts_of(ZOO)) == repr(light)


def test_what_only_a_newer_libcst_knows_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(nodes, "Ellipsis")
    monkeypatch.setattr(lean, "_STAND_IN", lean._stand_in(lean._PACKAGE))
    with pytest.raises(SyntaxFailure, match=r"Ellipsis of LibCST [0-9.]+ is not known"):
        facts_of("x = ...")


_APART = """
import sys
from mlflow_lint.syntax.lower import lower
from mlflow_lint.syntax.order import ORDER
from mlflow_lint.syntax.parse import parse
from mlflow_lint.syntax.read import read
from mlflow_lint.syntax.stack import with_deep_stack
from mlflow_lint.syntax.stretches import stretches

text = "x = f(1)"
first = with_deep_stack(lambda: lower(parse(text), text))
print([name for name in sys.modules if name.startswith("libcst")])
import libcst, libcst.native
print(libcst.parse_module(text).code == text, libcst.native.parse_module(text).code == text)
print(first == with_deep_stack(lambda: lower(parse(text), text)), sys.modules["libcst"] is libcst)
"""


def test_the_rest_of_libcst_is_not_imported_and_can_be(tmp_path: Path) -> None:
    ran = doors.run([sys.executable, "-c", _APART], tmp_path)
    assert ran.err == ""
    assert ran.out.splitlines() == ["[]", "True True", "True True"]


def test_libcst_is_the_same_after_parsing() -> None:
    facts_of(ZOO + NEWER)
    with pytest.raises(SyntaxFailure):
        facts_of("x = = y")
    assert sys.modules["libcst"] is libcst
    pending: list[libcst.CSTNode] = [libcst.parse_module(ZOO + NEWER)]
    while pending:
        node = pending.pop()
        assert type(node) is getattr(libcst, type(node).__name__)
        pending += node.children


def test_other_threads_never_see_the_stand_in() -> None:
    seen: list[object] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            if sys.modules["libcst"] is not libcst:
                seen.append(sys.modules["libcst"])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=look) for _ in range(2)]
    try:
        for thread in threads:
            thread.start()
        for _ in range(20):
            facts_of(ZOO)
            if sys.version_info >= (3, 11):
                with pytest.raises(SyntaxFailure):
                    facts_of(ZOO + "x = = y")
    finally:
        done.set()
        sys.setswitchinterval(interval)
        for thread in threads:
            thread.join()
    assert seen == []
