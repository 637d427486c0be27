"""Records as JSON, shown on facts: the way there and back, and what becomes of text that is no record."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doors import FIXTURES, ROOT, environment
from example_cases import parse as example_text
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlflow_lint.cache import codec
from mlflow_lint.cache.codec import CodecError, dump
from mlflow_lint.facts import model as facts
from mlflow_lint.rules.base import Rule
from mlflow_lint.rules.registry import all_rules
from mlflow_lint.syntax.lower import lower
from mlflow_lint.syntax.parse import parse
from mlflow_lint.syntax.stack import with_deep_stack


def load(text: str | bytes) -> facts.Module:
    return codec.load(text, facts.Module)


def facts_of(text: str) -> facts.Module:
    return with_deep_stack(lambda: lower(parse(text), text))


def told_apart(value: Any) -> Iterator[object]:
    """Everything in facts, also what equality leaves out: spans, and that `True` is not 1 nor `-0.0` 0."""
    pending = [value]
    while pending:
        node = pending.pop()
        yield type(node)
        if isinstance(node, tuple):
            pending += node
        elif dataclasses.is_dataclass(node):
            pending += [getattr(node, field.name) for field in dataclasses.fields(node)]
        else:
            yield hex(node) if isinstance(node, int) else repr(node)


def assert_survives(module: facts.Module) -> None:
    def check() -> None:
        written = dump(module)
        again = load(written)
        assert list(told_apart(again)) == list(told_apart(module))
        assert dump(again) == written
        assert written.isascii()
        assert "\n" not in written

    with_deep_stack(check)


def of(value: Any) -> facts.Module:
    """A module that holds one constant."""
    return facts.Module((facts.Evaluate(facts.Constant(value), (0, 1)),))


def test_what_facts_look_like() -> None:
    text = """\
    import mlflow
    for epoch in range(3):
        mlflow.log_metric("loss", 0.5, step=epoch)
    """
    written = json.loads(dump(facts_of(textwrap.dedent(text))))
    assert written["version"] == codec.version(facts.Module)
    [[mlflow_import, loop]] = written["record"]["Module"]
    assert mlflow_import == {"Import": [[{"ImportedName": ["mlflow", "mlflow", 0, None]}], [0, 13]]}
    call = {"Call": [{"Name": ["range"]}, [{"Argument": [{"Constant": [3]}, None, "", [33, 34]]}], [27, 35]]}
    target, iterable, [logged], *others = loop["For"]
    assert (target, iterable) == ({"Name": ["epoch"]}, call)
    assert others == [[], False, [14, 83], [18, 23], [27, 35]]
    value, span = logged["Evaluate"]  # without `alone`, which has its default
    assert value["Call"][0] == {"Attribute": [{"Name": ["mlflow"]}, "log_metric"]}
    assert span == [41, 83]


def test_defaults_at_the_end_are_left_out_and_nothing_else() -> None:
    one, two = facts_of("a(); b()").body
    [[first, _]] = json.loads(dump(facts.Module((one, two))))["record"]["Module"]
    assert first["Evaluate"][2] is False
    assert_survives(facts.Module((one, two)))


FILES = [*sorted(FIXTURES.rglob("*.py")), *sorted((ROOT / "mlflow_lint").rglob("*.py"))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_files_survive(file: Path) -> None:
    assert_survives(facts_of(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_examples_survive(rule: Rule) -> None:
    for each in rule.examples:
        texts = [example_text(each.code)[0], each.setup, *(text for name, text in each.files if name.endswith(".py"))]
        for text in (*texts, *([each.fixed] if each.fixed is not None else [])):
            assert_survives(facts_of(text))


RECORDS = {each for each in vars(facts).values() if isinstance(each, type) and dataclasses.is_dataclass(each)}

SYNTAX = """\
from ..a import b as c, d
from x import *
global g
async def f(a, /, b: int = 1, *args, c=None, **kw) -> str:
    async for i in it: await i
    async with m as n: yield
    return [x async for x in y if x if z]
class K(Base, metaclass=M):
    @property
    def p(self): return self._p
match v:
    case {"k": [a, *rest], **others} if a: pass
    case _: pass
try: pass
except* E as e: raise X from e
else: x += 1
finally: del x
w: int
lambda a, *b, c=1: a
(n := 1) and not -x ** 2 < y <= z != 0 in s is None
f"{x!r:>{width}} {{}} {y=}" "tail"
if f(a, *b, k=c, **d): x if y else z
while x: break
(*a, b), (yield)
{**a, 1: 2}, {1, 2}, a[1:2, ...], 1j, 0xff, 1_000, b"x" rb"y", ...
"""


def test_all_syntax_survives() -> None:
    module = facts_of(SYNTAX)
    assert_survives(module)
    assert set(told_apart(module)) >= RECORDS


CONSTANTS = [
    0, 1, -1, True, False, None, 2**63 - 1, 2**63, -(2**63), 10**5000, -(10**5000),
    0.0, -0.0, 1.0, 0.1, 1e308, 5e-324, math.inf, -math.inf, math.nan,
    "", "a", "\0\n\x7f\u2028", "é😀", "\ud800", "\udfff", "\ud83d\ude00", "a\ud800\udc00b", '"\\', "Name", "hex",
]  # fmt: skip


@pytest.mark.parametrize("value", CONSTANTS, ids=range(len(CONSTANTS)))
def test_constants_survive(value: Any) -> None:
    assert_survives(of(value))


@pytest.mark.parametrize("literal", ["1e999", "-1e999", "0x" + "f" * 5000, r"'\ud83d\ude00'", r"f'\ud800{x}'", "b'x'"])
def test_literals_survive(literal: str) -> None:
    assert_survives(facts_of(f"x = {literal}\n"))


@given(st.text() | st.integers() | st.floats() | st.text(st.characters(categories=["Cs"])))
def test_any_constant_survives(value: Any) -> None:
    assert_survives(of(value))


DEEP = {
    "attributes": "x" + ".a" * 450,
    "calls on calls": "x" + "(\n)" * 450,
    "elif": "if x: pass\n" + "elif x: pass\n" * 450,
    "brackets": "[" * 90 + "]" * 90,
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_deep_trees_survive(text: str) -> None:
    assert_survives(facts_of(text))


def test_what_nests_too_deeply_is_an_error() -> None:
    node: facts.Expression = facts.Name("x")
    for _ in range(100_000):
        node = facts.Await(node)
    with pytest.raises(CodecError, match="too deeply"):
        dump(facts.Module((facts.Evaluate(node, (0, 1)),)))
    while isinstance(node, facts.Await):  # let go of it level by level: freeing it at once recurses
        node = node.value


def test_the_version_is_the_same_in_another_process() -> None:
    program = (
        "from mlflow_lint.cache import codec; from mlflow_lint.facts.model import Module; print(codec.version(Module))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == codec.version(facts.Module)


def test_no_record_is_called_like_what_json_cannot_hold() -> None:
    assert not {"hex", "float", "utf-8"} & {record.__name__ for record in RECORDS}


# --- hostile text ----------------------------------------------------------------------------------------


def framed(module: str) -> str:
    return f'{{"version":"{codec.version(facts.Module)}","record":{module}}}'


def value(text: str) -> str:
    """A module whose one statement has this value."""
    return framed(f'{{"Module":[[{{"Evaluate":[{text},[0,1]]}}]]}}')


def declared(span: str) -> str:
    """A module whose one statement has this span."""
    return framed(f'{{"Module":[[{{"Declare":["",[],{span}]}}]]}}')


REFUSED = {
    "nothing": "",
    "no JSON": "{",
    "other JSON": "[]",
    "no module": f'{{"version":"{codec.version(facts.Module)}"}}',
    "more than a module": framed("{}")[:-1] + ',"more":1}',
    "no version": '{"record":{"Module":[[]]}}',
    "another version": '{"version":"0","record":{"Module":[[]]}}',
    "a number as version": '{"version":1,"record":{"Module":[[]]}}',
    "not a module": framed('{"Name":["x"]}'),
    "null for a module": framed("null"),
    "unknown name": value('{"Nome":["x"]}'),
    "a class of Python": value('{"object":[]}'),
    "a helper of the model": value('{"field":[]}'),
    "no name": value("{}"),
    "two names": value('{"Name":["x"],"Constant":[1]}'),
    "a record of another place": value('{"Clause":[null,null,[]]}'),
    "a statement for an expression": value('{"Declare":["global",[],[0,1]]}'),
    "missing field": value('{"Attribute":[{"Name":["x"]}]}'),
    "a field too many": value('{"Name":["x",1]}'),
    "text for fields": value('{"Name":"x"}'),
    "an object for fields": value('{"Name":{"id":"x"}}'),
    "null for fields": value('{"Name":null}'),
    "number for a name": value('{"Name":[1]}'),
    "null for a name": value('{"Name":[null]}'),
    "array for a name": value('{"Name":[["x"]]}'),
    "array for an expression": value("[]"),
    "text for an expression": value('"x"'),
    "text for a tuple": value('{"Opaque":["abc"]}'),
    "truth for an integer": declared("[true,1]"),
    "real for an integer": declared("[0.0,1]"),
    "short span": declared("[0]"),
    "long span": declared("[0,1,2]"),
    "short pair": value('{"Mapping":[[[null]]]}'),
    "not a number": value('{"Constant":[NaN]}'),
    "infinity": value('{"Constant":[-Infinity]}'),
    "more digits than Python reads": value('{"Constant":[' + "1" * 5000 + "]}"),
    "no hexadecimal": value('{"Constant":[{"hex":"__import__"}]}'),
    "no float": value('{"Constant":[{"float":"1.0"}]}'),
    "no bytes": value('{"Constant":[{"utf-8":"xx"}]}'),
    "no text": value('{"Constant":[{"utf-8":"ff"}]}'),
    "a number for text": value('{"Constant":[{"utf-8":1}]}'),
    "two oddities": value('{"Constant":[{"hex":"0x1","float":"inf"}]}'),
    "an odd name": value('{"Name":[{"hex":"0x1"}]}'),
    "deep arrays": "[" * 1_000_000,
    "deep records": value('{"Await":[' * 200_000),
    "deep and whole": value('{"Await":[' * 50_000 + '{"Name":["x"]}' + "]}" * 50_000),
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_other_text_is_refused(text: str) -> None:
    for written in (text, text.encode()):
        with pytest.raises(CodecError) as refused:
            load(written)
        assert len(str(refused.value)) < 300
    with pytest.raises(CodecError):
        with_deep_stack(lambda: load(text))


def test_bytes_that_are_no_text_are_refused() -> None:
    for data in (b"\xff", b"\x00", b"\xef\xbb\xbf", dump(of(1)).encode()[:-1]):
        with pytest.raises(CodecError):
            load(data)


_KEYS = st.sampled_from(["Name", "Call", "Constant", "Module", "Opaque", "hex", "float", "utf-8"]) | st.text(max_size=2)
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["Name", "Call", "0x1"])
_JSON = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=2),
    max_leaves=12,
)


def load_or_refuse(text: str) -> None:
    try:
        module = load(text)
    except CodecError:
        return
    assert_survives(module)


@settings(deadline=None)
@given(_JSON)
@example({"Module": [[]]})
def test_hostile_json(data: Any) -> None:
    load_or_refuse(json.dumps(data))
    load_or_refuse(framed(json.dumps(data)))
    load_or_refuse(value(json.dumps(data)))


_WHOLE = dump(facts_of(SYNTAX))


@settings(deadline=None)
@given(st.integers(0, len(_WHOLE)), st.integers(0, 40), st.text(alphabet='{}[]",:0123456789.-eisNamulrtf', max_size=12))
def test_damaged_facts(at: int, length: int, instead: str) -> None:
    load_or_refuse(_WHOLE[:at] + instead + _WHOLE[at + length :])


@settings(deadline=None)
@given(st.data())
def test_facts_with_one_part_replaced_by_another(data: st.DataObject) -> None:
    whole = json.loads(_WHOLE)
    places: list[tuple[Any, Any]] = []
    pending = [whole["record"]]
    while pending:
        node = pending.pop()
        keys = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in list(keys):
            places.append((node, key))
            pending.append(node[key])
    container, key = data.draw(st.sampled_from(places))
    other, other_key = data.draw(st.sampled_from(places))
    text = json.dumps(other[other_key])
    container[key] = json.loads(text)
    load_or_refuse(json.dumps(whole))
