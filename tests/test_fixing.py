"""Fixing files: properties of fixes on generated programs, and what happens around them on the disk."""

from __future__ import annotations

import ast
import codecs
import io
import os
import shutil
import subprocess
import tempfile
import tokenize
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import dedent

import pytest
from example_cases import everything, fix, write
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tracking_store import StoreRunner, assert_same_data

from mlflow_lint import fixing
from mlflow_lint.config import default_settings
from mlflow_lint.engine import Checked, Project, check_source
from mlflow_lint.findings import SYNTAX_ERROR
from mlflow_lint.fixing import Fixed, fix_source, unified_diff
from mlflow_lint.source.file import decode, encode
from mlflow_lint.syntax.stack import with_deep_stack

LONG = int(os.environ.get("MLFLOW_LINT_LONG", "0"))
"""How many programs to generate for each test, instead of the few that CI has time for."""

FAMILIES = ("rows", "loops", "client", "mixed")

PATCH = shutil.which("patch")

each_family = pytest.mark.parametrize("family", FAMILIES)


def generated(count: int) -> settings:
    """Settings for a test over generated programs: the same ones in each run; small ones take long to find."""
    return settings(
        phases=list(Phase) if LONG else [Phase.generate],
        max_examples=LONG or count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


# ------------------------------------------------------------------------------------------ generated programs
@dataclass(frozen=True, slots=True)
class Line:
    """One line of a generated program, without its indentation."""

    text: str
    kept: bool = True
    """Whether no fix has any business with it."""
    raw: bool = False
    """Inside a string of several lines: not to be indented."""


@dataclass(frozen=True, slots=True)
class Program:
    """A generated program: it runs, unless one of its parameters changes."""

    text: str
    kept: tuple[str, ...] = field(repr=False)
    """Lines that every fix must leave alone, in order."""


SPELLINGS = {
    "mlflow.": ("import mlflow",),
    "m.": ("import mlflow as m",),
    "mlflow.tracking.fluent.": ("import mlflow.tracking.fluent",),
    "": (
        "from mlflow import (",
        "    log_metric,  # one",
        "    log_param, log_metrics,",
        "    set_tag, start_run,",
        ")",
    ),
}

PRELUDE = """\
prefix, k1, k2 = "pre", "key1", "a"
n = 1
x, y = 1.0, 2.0
flag = True
numbers = [float(number) for number in range(400)]
scores = {"a": 0.5, "b": 0.25, "s": 3.0}
alias = scores
counter = itertools.count()
class Box:
    value = 4.0
box = Box()
def bump():
    global x
    x += 1
    return x
def tell(value):
    print("told", value)
    return value\
"""

METRIC_KEYS = (
    *('"a"', "'b'", '"c"', '("d")', 'f"{prefix}a"', 'f"{prefix}_b"', "k1", "k2", '"a" "x"', 'prefix + "a"', '"é/ü"'),
    *("f'{prefix!s}z'", 'f"{n:03d}"', 'r"raw"', '"""t"""', "str(n)", 'f"{k1}" "q"', '"x" + str(n)', "(k1 + k2)"),
)
METRIC_VALUES = (
    *("1.0", "x", "y", "x + 1", "float(n)", "numbers[0]", "numbers.pop()", "next(counter)", 'scores["a"]', "bump()"),
    *(
        "(x)",
        "x if flag else y",
        "min(x, y)",
        "box.value",
        "(z := 3.0)",
        "tell(x)",
        "len(numbers)",
        "-1e-3",
        "sum([x, y])",
    ),
    *("(lambda: y)()", '{"a": 1.0}["a"]', "[x, y][0]", "int(x) // 1", "not flag", 'scores.get("s")', "x  *  y"),
)
TAG_KEYS = ('"t1"', "'t2'", 'f"{prefix}.t"', "k1", "k2", '"t3"', "str(n)", '"a" "b"')
TAG_VALUES = (
    *('"v"', '"# no comment"', "'it\\'s'", "x", "str(x)", 'f"{x} # {y}"', "prefix", '"ünï"', "bump()", "next(counter)"),
    *("None", 'scores["a"]', "alias", "box.value", '"a,b;c"', '"{}"', 'f"{{}}{n}"', '"%d" % n', "list(scores)", "flag"),
)
STEPS = ("1", "n", "2", "n + 1", "None", "int(x)", "next(counter)")
FILLERS = (
    *("x = 3.0", "x += 1", "y = x", "x, y = y, x", "n = n + 1", "numbers.append(5.0)", 'scores["a"] = 9.0', "pass"),
    *('alias["a"] = 7.0', 'print("# x", x)', "tell(n)", "import os", '"a string"', "box.value = 6.0", "numbers[0] = x"),
    *('prefix = "other"', 'k1 = "key2"', "flag = not flag", "z = numbers.pop()", "assert numbers", "z = bump()"),
    *("x = y = 1.5", "w: float = x", "del scores['s']", 'scores["s"] = n', "scores = dict(scores)", 'k2 = "b"', "..."),
    *("print(x); x = 2.0", "x = (", "z = x; n += 1", "k1, k2 = k2, k1", "scores.update(a=1.25)", "box.value += x"),
)
GLOBALS = "global x, y, z, n, flag, prefix, k1, k2, scores"
LOOPS = (
    ("for key, value in scores.items():", "key", "value"),
    ("for key in scores:", "key", "scores[key]"),
    ("for key, value in sorted(scores.items()):", "key", "value"),
    ("for key in ('a', 'b', 'q'):", "key", "x"),
    ('for key in ["a", "a"]:', "key", "y"),
    ("for index, value in enumerate(numbers[:3]):", 'f"i{index}"', "value"),
    ("for key, value in zip(scores, numbers):", "key", "value"),
    ("for key, value in scores . items():", 'f"{prefix}_{key}"', "round(value, 3)"),
    ("for key, value in alias.items():  # header", '"l_" + key', "value * x"),
    ("for key, value in {'a': x, 'b': y}.items():", "key", "value"),
)


@dataclass
class Maker:
    """Draws one program, statement by statement."""

    draw: st.DrawFn
    family: str
    spelling: str
    tab: str
    count: int = 0
    globals_: bool = False
    lines: list[Line] = field(default_factory=list)

    def pick(self, options: Sequence[str]) -> str:
        return self.draw(st.sampled_from(options))

    def chance(self, percent: int) -> bool:
        return self.draw(st.integers(0, 99)) >= 100 - percent

    def number(self) -> int:
        self.count += 1
        return self.count

    def comment(self) -> str:
        return self.pick(
            ("# c{}", "#c{}", "# c{}: mlflow.log_metric('a', 1)", "#  c{}  é", "## c{} #", "#! c{}")
        ).format(self.number())

    # ------------------------------------------------------------------------------------------- statements
    def block(self, depth: int) -> list[Line]:
        """Some statements; `depth` is how many blocks they stand in."""
        lines: list[Line] = []
        for _ in range(self.draw(st.integers(1, 3 if depth else 4))):
            shape = self.draw(st.integers(0, 9))
            if shape <= 4:
                lines += self.loop(depth) if self.family == "loops" and shape <= 2 else self.row(depth)
            elif shape <= 6 or depth >= 2:
                lines += self.filler(depth)
            elif shape == 7:
                lines += self.loop(depth)
            else:
                lines += self.compound(depth)
        if not any(not line.text.startswith("#") and line.text.strip() for line in lines):
            lines.append(Line("pass"))
        return lines

    def row(self, depth: int) -> list[Line]:
        """Writes that could be one, with something between them now and then."""
        client = self.family == "client" or (self.family == "mixed" and self.chance(40))
        kinds = ["metric", "param", "tag"]
        kind = self.pick(kinds)
        step = self.pick(STEPS) if kind == "metric" and self.chance(50) else ""
        lines: list[Line] = []
        for index in range(self.draw(st.integers(2, 4))):
            if index and self.chance(35):
                lines += self.filler(depth)
            if self.family == "mixed" and self.chance(30):
                kind, client = self.pick(kinds), self.chance(50)
            other = self.pick(STEPS) if self.chance(10) else step
            lines += self.write(kind, client, other, depth)
        return lines

    def write(self, kind: str, client: bool, step: str, depth: int) -> list[Line]:
        """One write, laid out in one way or another."""
        if kind == "metric" and not client and self.chance(12):
            return self.plural(step)
        if kind == "param":
            # Parameters must not change: each has a key of its own, and a value that stays where it may run again.
            number = self.number()
            key = self.pick((f'"p{number}"', f"f'p{number}'", f'"p" "{number}"', f'"p" + str({number})'))
            values = (
                ("1", '"v"', "[1, 2]") if depth else ("1", '"#"', "x", "n", "prefix", "len(numbers)", "numbers[:2]")
            )
            name, value = "log_param", self.pick(values)
        elif kind == "metric":
            name, key, value = "log_metric", self.pick(METRIC_KEYS), self.pick(METRIC_VALUES)
        else:
            name, key, value = "set_tag", self.pick(TAG_KEYS), self.pick(TAG_VALUES)
        named = [f"key={key}", f"value={value}"]
        given = self.draw(st.sampled_from([[key, value], [key, value], [key, named[1]], named, named[::-1]]))
        if step and kind == "metric":
            given = (
                [*given, f"step={step}"]
                if client or given[0] != key or self.chance(70)
                else [*given[:2], f"step={step}"]
            )
        if client:
            return self.laid_out("client." + name, ["run_id" if given[0] == key else "run_id=run_id", *given])
        return self.laid_out(self.spelling + name, given)

    def plural(self, step: str) -> list[Line]:
        entries = self.pick(
            ('{"a": 1.0, "c": x}', "{k1: y}", "scores", "{**scores}", "{'m': bump()}", "dict(q=1.0)", "{}")
        )
        arguments = [entries, f"step={step}"] if step else [entries]
        return self.laid_out(self.spelling + "log_metrics", arguments)

    def laid_out(self, callee: str, arguments: list[str]) -> list[Line]:
        """A call with comments and line breaks wherever they may stand."""
        above = [Line(self.comment(), kept=False)] if self.chance(20) else []
        after = (
            f"{self.pick(('  ', ' ', ''))}{self.comment()}" if self.chance(20) else self.pick(("", "", "", " ", ";"))
        )
        layout = self.draw(st.integers(0, 11))
        if layout <= 5:
            texts = [f"{callee}({', '.join(arguments)})"]
        elif layout == 6:
            texts = [f"{callee} ( {' , '.join(arguments)} , )"]
        elif layout == 7:
            texts = [f"{callee}(", *(f"    {argument}," for argument in arguments), ")"]
        elif layout == 8:
            texts = [
                f"{callee}(  {self.comment()}",
                f"  {arguments[0]},",
                f"  {self.comment()}",
                *(f"{a}," for a in arguments[1:]),
                ")",
            ]
        elif layout == 9:
            texts = [f"{callee}({arguments[0]}, \\", f"    {', '.join(arguments[1:])})" if arguments[1:] else ")"]
        elif layout == 10:
            texts = [f"{callee}(", f"    {arguments[0]},  {self.comment()}", f"    {', '.join(arguments[1:])}", "    )"]
        else:
            texts = [
                f"{callee}({arguments[0]}",
                *(f"    , {argument}  {self.comment()}" for argument in arguments[1:]),
                ")",
            ]
        texts[-1] += after
        return [*above, *(Line(text, kept=False) for text in texts)]

    def filler(self, depth: int) -> list[Line]:
        """Something that is no write."""
        text = self.pick((*FILLERS, "", "", "   ", "# comment", "# comment", "tag"))
        if text == "# comment":
            return [Line(self.comment(), kept=False)]
        if not text.strip():
            return [Line(text, kept=False, raw=True)]
        if text == "tag":
            number = self.number()
            return [
                Line(f'z = """{number} # no comment'),
                Line("  mlflow.log_metric('a', 1)", raw=True),
                Line('"""', raw=True),
            ]
        if text == "x = (":
            return [Line("x = ("), Line(f"    2.5  {self.comment()}"), Line(")")]
        comment = f"  {self.comment()}" if self.chance(20) else ""
        return [Line(f"{text}{comment}")]

    def loop(self, depth: int) -> list[Line]:
        """A loop over keys."""
        header, key, value = self.draw(st.sampled_from(LOOPS))
        clause = header.partition("  #")[0].removesuffix(":")
        client = self.family == "client" or (self.family == "mixed" and self.chance(40))
        callee = ("client." if client else self.spelling) + self.pick(("log_metric", "log_metric", "set_tag"))
        arguments = [*(["run_id"] if client else []), key, value]
        if callee.endswith("metric") and self.chance(30):
            arguments.append(f"step={self.pick(STEPS)}")
        if self.chance(10):
            return [Line(f"[{callee}({', '.join(arguments)}) {clause}]", kept=False)]
        if self.chance(10):
            return [Line(f"{clause}: {callee}({', '.join(arguments)})", kept=False)]
        body = self.laid_out(callee, arguments)
        if self.chance(20):
            body = [
                Line(self.pick(("if x:", "if flag and n > 0:", f"if flag:  {self.comment()}")), kept=False),
                *self.indented(body),
            ]
        if self.chance(20):
            body = [*body, *self.filler(depth + 1)]
        if self.chance(15):
            body = [
                *body,
                *self.laid_out(callee, [*arguments[:-2], f"{key} + '2'", value] if len(arguments) == 2 else arguments),
            ]
        after = self.draw(st.sampled_from([[], [], [], [Line("print(key if flag else 0)")]])) if "key" in header else []
        return [Line(header, kept=False), *self.indented(body), *after]

    def compound(self, depth: int) -> list[Line]:
        """A statement with blocks."""
        kind = self.pick(("if", "for", "with", "try", "def", "one line", "semicolons", "while", "match", "class"))
        number = self.number()
        if kind == "one line":
            write = self.write("metric", False, "", 3)
            return [Line(f"if flag: {write[-1].text}")] if len(write) == 1 else self.block(depth + 1)
        if kind == "semicolons":
            call = f'{self.spelling}set_tag("s{number}", "1")'
            return [Line(f"{call}; {call} ;{call}")]
        heads = {
            "if": [f"if n > {number % 3}:", "else:"],
            "for": [f"for _{number} in range(2):"],
            "with": [f"with contextlib.suppress(KeyError):  {self.comment()}"],
            "try": ["try:", "except KeyError:", "finally:"],
            "def": [f"def function_{number}():"],
            "while": [f"_{number} = 0", f"while _{number} < 2:"],
            "match": ["match n:"],
            "class": [f"class Class_{number}:"],
        }[kind]
        if kind == "match":
            case = [
                Line("case 1:"),
                *self.indented(self.block(depth + 1)),
                Line("case _:"),
                *self.indented([Line("pass")]),
            ]
            return [Line(heads[0]), *self.indented(case)]
        lines: list[Line] = []
        for head in heads:
            lines.append(Line(head))
            if not head.endswith((":",)) and "#" not in head:
                continue
            body = self.block(depth + 1)
            if kind == "while":
                body.insert(0, Line(f"_{number} += 1"))
            if kind in ("def", "class"):
                body.insert(0, Line(GLOBALS))
            lines += self.indented(body)
        return [*lines, Line(f"function_{number}()")] if kind == "def" else lines

    def indented(self, lines: Sequence[Line]) -> list[Line]:
        return [line if line.raw else replace(line, text=self.tab + line.text) for line in lines]


@st.composite
def programs(draw: st.DrawFn, family: str) -> Program:
    """A program that logs to MLflow in rows and loops."""
    spelling = draw(st.sampled_from(list(SPELLINGS)))
    maker = Maker(draw, family, spelling, draw(st.sampled_from(["    ", "  ", "\t"])))
    head = [Line("import contextlib, itertools"), *(Line(text, kept=bool(spelling)) for text in SPELLINGS[spelling])]
    head += [Line("from mlflow import MlflowClient"), *map(Line, PRELUDE.split("\n"))]
    head += [Line("client = MlflowClient()"), Line(f"run_id = {spelling}start_run().info.run_id")]
    lines = [*head, *maker.block(0), *maker.row(0)]
    newline = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    end = draw(st.sampled_from(["\n", "\n", "", "\n\n\n", "\n# end"]))
    text = "\n".join(line.text for line in lines) + end
    return Program(text.replace("\n", newline), tuple(line.text for line in lines if line.kept))


FOLDER = Path(tempfile.gettempdir())


def fixed(text: str, *, unsafe: bool) -> Fixed:
    """Fix a program that lies nowhere, with all rules."""
    source = decode("example.py", text.encode())
    return with_deep_stack(
        lambda: fix_source(Project(FOLDER, FOLDER), "", source, default_settings(FOLDER), unsafe=unsafe)
    )


def checked(text: str) -> Checked:
    """Check a program that lies nowhere, with all rules."""
    source = decode("example.py", text.encode())
    return with_deep_stack(lambda: check_source(Project(FOLDER, FOLDER), "", source, default_settings(FOLDER)))


def comments(text: str) -> Counter[str]:
    """Every comment, and how often it stands there."""
    tokens = tokenize.generate_tokens(io.StringIO(text, newline="").readline)
    return Counter(token.string.rstrip() for token in tokens if token.type == tokenize.COMMENT)


# -------------------------------------------------------------------------------------------------- properties
@pytest.mark.parametrize("unsafe", [False, True], ids=["safe", "unsafe"])
@each_family
def test_fixes_of_generated_programs(family: str, unsafe: bool) -> None:
    changed: list[bool] = []

    @generated(40)
    @given(programs(family))
    def check(program: Program) -> None:
        result = fixed(program.text, unsafe=unsafe)
        changed.append(bool(result.applied))
        assert result.problems == ()
        ast.parse(result.after)
        again = fixed(result.after, unsafe=unsafe)
        assert (again.after, again.applied) == (result.after, ())
        assert comments(result.after) == comments(program.text)
        assert number_of_findings(result.after) <= number_of_findings(program.text)
        assert_kept(program, result.after)
        assert_patch_agrees(result, program.text.encode())

    check()
    assert sum(changed) * 4 >= len(changed), "many programs should have something to fix"


def number_of_findings(text: str) -> int:
    findings = checked(text).findings
    assert SYNTAX_ERROR not in {finding.code for finding in findings}
    return len(findings)


def assert_kept(program: Program, after: str) -> None:
    """Every line that no fix has business with is there, in order, with the file's newlines."""
    newline = "\r\n" if "\r\n" in program.text else "\n"
    lines = iter(after.split(newline))
    assert [line for line in program.kept if line not in lines][:1] == [], after
    assert after.count("\n") == after.count(newline)
    assert after.count("\r") == (after.count(newline) if newline == "\r\n" else 0)
    assert after.endswith("\n") or not program.text.endswith("\n")


def assert_patch_agrees(result: Fixed, data: bytes) -> None:
    """`patch -p0` makes the same of the file as writing the fixed text."""
    diff = unified_diff(result).encode()
    assert bool(diff) is (result.before != result.after)
    if not diff or PATCH is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, result.path)
        file.write_bytes(data)
        command = [PATCH, "-p0", "--binary", "--fuzz=0"]
        done = subprocess.run(command, cwd=folder, input=diff, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode()
        assert file.read_bytes() == encode(decode(result.path, data), result.after)


@each_family
def test_fixed_programs_leave_the_same(family: str, store_runner: StoreRunner) -> None:
    compared: list[bool] = []

    @generated(10)
    @given(programs(family))
    def check(program: Program) -> None:
        result = fixed(program.text, unsafe=False)
        if result.applied:
            compared.append(assert_equivalent(store_runner, program.text, result.after))

    check()
    assert any(compared)


def assert_equivalent(runner: StoreRunner, before: str, after: str) -> bool:
    """Compare what two programs leave in the store, unless the first one raises; the result is whether it did not."""
    for frozen_clock in (True, False):
        old = runner.run(before, frozen_clock=frozen_clock)
        if old.exception is not None:
            return False
        new = runner.run(after, frozen_clock=frozen_clock)
        assert_same_data(old, new, timestamps=frozen_clock)
        assert new.writes <= old.writes
    return True


# ----------------------------------------------------------------------------------- programs that tempt a fix
RUN = """\
import itertools
import mlflow
client = mlflow.MlflowClient()
run_id = mlflow.start_run().info.run_id
scores = {"a": 0.5, "b": 0.25}
alias = scores
counter = itertools.count()
"""

TEMPTING = {
    "a value that changes under another name": """
        mlflow.log_metric("m1", scores["a"])
        alias["a"] = 7.0
        mlflow.log_metric("m2", 1.0)
    """,
    "an object that changes under another name": """
        class Box: value = 1.0
        box = Box()
        same = box
        mlflow.log_metric("m1", box.value)
        same.value = 7.0
        mlflow.log_metric("m2", 1.0)
    """,
    "a list that grows under another name": """
        layers = [64]
        same = layers
        mlflow.log_param("layers", layers)
        same += [32]
        mlflow.log_param("depth", 2)
    """,
    "a name that an import binds anew": """
        e = 2.0
        mlflow.log_metric("m1", e)
        from math import e
        mlflow.log_metric("m2", 1.0)
    """,
    "the same metric, by a client in between": """
        mlflow.log_metric("m1", 2.0)
        client.log_metric(run_id, "m1", 1.0)
        mlflow.log_metric("m2", 1.0)
    """,
    "the same metric, by another client in between": """
        other = mlflow.MlflowClient()
        client.log_metric(run_id, "m1", 2.0)
        other.log_metric(run_id, "m1", 1.0)
        client.log_metric(run_id, "m2", 1.0)
    """,
    "the same tag, by a client in between": """
        mlflow.set_tag("t1", "fluent")
        client.set_tag(run_id, "t1", "client")
        mlflow.set_tag("t2", 1)
    """,
    "the same metric, by a batch in between": """
        mlflow.log_metric("m1", 2.0)
        client.log_batch(run_id, [mlflow.entities.Metric("m1", 1.0, 1_700_000_009_000, 0)])
        mlflow.log_metric("m2", 1.0)
    """,
    "arguments that are evaluated value first": """
        mlflow.set_tag(value=next(counter), key=str(next(counter)))
        mlflow.set_tag("t2", 1)
    """,
    "an error that the same try expects, in a value": """
        try:
            mlflow.log_metric("m1", 1.0)
            mlflow.log_metric("m2", scores["missing"])
        except KeyError:
            print("no m2")
    """,
    "an error that the same try expects, between": """
        try:
            mlflow.log_metric("m1", 1.0)
            missing = scores["missing"]
            mlflow.log_metric("m2", missing)
        except KeyError:
            print("no m2")
    """,
    "an error that a with suppresses": """
        import contextlib
        with contextlib.suppress(KeyError):
            mlflow.log_metric("m1", 1.0)
            mlflow.log_metric("m2", scores["missing"])
    """,
    "an error that a try around the loop expects": """
        try:
            for key in ("a", "b", "missing"):
                mlflow.log_metric(key, scores[key])
        except KeyError:
            print("no more")
    """,
    "a variable of a class, which a comprehension does not see": """
        class Report:
            table = {"a": 1.0, "b": 2.0}
            for key in ("a", "b"):
                mlflow.log_metric(key, table[key])
    """,
    "a global loop variable": """
        def report():
            global key
            for key in ("a", "b"):
                mlflow.log_metric(key, 1.0)
        report()
        print(key)
    """,
    "a loop variable of the function around": """
        def outer():
            key = None
            def report():
                nonlocal key
                for key in ("a", "b"):
                    mlflow.log_metric(key, 1.0)
            report()
            print(key)
        outer()
    """,
    "a loop variable that is deleted": """
        for key, value in scores.items():
            mlflow.log_metric(key, value)
        del key, value
    """,
    "a loop variable that a function reads": """
        def show():
            print(key)
        for key in ("a", "b"):
            mlflow.log_metric(key, 1.0)
        show()
    """,
    "a name that the condition binds": """
        for key in scores:
            if (score := scores[key]):
                mlflow.log_metric(key, score)
        print(score)
    """,
    "a loop that changes what it reads": """
        for key in list(scores):
            mlflow.log_metric(key, scores.pop(key))
    """,
    "items that repeat": """
        class Pairs:
            def items(self):
                return [("a", 1.0), ("a", 2.0)]
        pairs = Pairs()
        for key, value in pairs.items():
            mlflow.log_metric(key, value)
    """,
    "a print that looks at the run": """
        mlflow.log_metric("m1", 1.0)
        print(f"{client.get_run(run_id).data.metrics}")
        mlflow.log_metric("m2", 1.0)
    """,
    "a model that is made in between": """
        mlflow.log_metric("m1", 1.0)
        model = mlflow.initialize_logged_model(name="first")
        mlflow.log_metric("m2", 1.0)
    """,
}


@pytest.mark.parametrize("title", TEMPTING)
def test_safe_fixes_resist(title: str, store_runner: StoreRunner) -> None:
    """A safe fix, if there is one, keeps the data of a program that is made to trip it."""
    program = RUN + dedent(TEMPTING[title])
    before = store_runner.run(program)
    assert before.exception is None, before.stderr
    result = fixed(program, unsafe=False)
    assert result.problems == ()
    if result.applied:
        assert assert_equivalent(store_runner, program, result.after)


def test_nothing_to_write_and_no_run(store_runner: StoreRunner) -> None:
    """The one difference that the rules' pages own up to: MLflow opens a run for an empty dict."""
    program = "import mlflow\nmetrics = {}\nfor key, value in metrics.items():\n    mlflow.log_metric(key, value)\n"
    before, after = store_runner.run(program), store_runner.run(fixed(program, unsafe=False).after)
    assert before.runs == ()
    (run,) = after.runs
    assert (run.params, run.metrics, run.artifacts) == ({}, {}, {})


MANY = {
    "metrics": "mlflow.log_metric(key, value)",
    "params": "mlflow.log_param(key, value)",
    "tags": "mlflow.set_tag(key, value)",
    "client metrics": "client.log_metric(run_id, key, value)",
    "client params": "client.log_param(run_id, key, value)",
    "client tags": "client.set_tag(run_id, key, value)",
}
VALUES = {
    "more than a batch takes": "{f'k{i}': i for i in range(1100)}",
    "what is not quite a number": (
        "{'a': numpy.float32(0.1), 'b': numpy.array(2.0), 'c': True, 'd': numpy.int64(4), 'e': '5.5',"
        " 'f': float('nan'), 'g': Decimal('0.1'), 'h': Fraction(1, 3), 'i': float('inf')}"
    ),
    "nothing": "{}",
}


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("call", MANY)
def test_values_of_loops(call: str, values: str, store_runner: StoreRunner) -> None:
    head = (
        f"{RUN}import numpy\nfrom decimal import Decimal\nfrom fractions import Fraction\nvalues = {VALUES[values]}\n"
    )
    program = f"{head}for key, value in values.items():\n    {MANY[call]}\n"
    result = fixed(program, unsafe=False)
    assert result.applied
    before, after = store_runner.run(program), store_runner.run(result.after)
    assert before.exception is None, before.stderr
    assert_same_data(before, after, timestamps=True)


# ------------------------------------------------------------------------------------------------ single cases
def test_interleaved_fixes() -> None:
    text = """\
import mlflow

mlflow.log_metric("loss", 1.0)
mlflow.log_param("lr", 0.1)
mlflow.set_tag("a", "1")
mlflow.log_metric("acc", 2.0)
mlflow.log_param("seed", 1)
mlflow.set_tag("b", "2")
"""
    result = fixed(text, unsafe=False)
    assert result.applied == (("MLF201", 1), ("MLF202", 1), ("MLF203", 1))
    assert (
        result.after
        == """\
import mlflow

mlflow.log_metrics({"loss": 1.0, "acc": 2.0})
mlflow.log_params({"lr": 0.1, "seed": 1})
mlflow.set_tags({"a": "1", "b": "2"})
"""
    )


def test_a_fix_that_makes_room_for_the_next() -> None:
    text = """\
import mlflow

for key, value in config.items():
    mlflow.log_param(key, value)
mlflow.log_param("seed", 7)
"""
    result = fixed(text, unsafe=False)
    assert result.problems == ()
    assert result.after == 'import mlflow\n\nmlflow.log_params({**config, "seed": 7})\n'
    assert result.remaining.findings == ()


def test_fixes_at_one_place_go_one_after_the_other() -> None:
    text = """\
import mlflow

for key, value in scores.items():
    print(key)
    mlflow.log_metric(key, value)
    mlflow.set_tag(f"seen_{key}", "yes")
"""
    result = fixed(text, unsafe=True)
    assert result.problems == ()
    assert result.applied == (("MLF204", 1), ("MLF206", 1))
    assert '    print(key)\n    metrics[key] = value\n    tags[f"seen_{key}"] = "yes"\n' in result.after
    assert sorted(result.after.splitlines()[-2:]) == ["mlflow.log_metrics(metrics)", "mlflow.set_tags(tags)"]


def test_fixes_share_the_imports_they_need() -> None:
    text = """\
from mlflow import MlflowClient


def report(client: MlflowClient, run):
    client.log_metric(run, "a", 1.0)
    client.log_metric(run, "b", 1.0)


def other(client: MlflowClient, run):
    client.log_metric(run, "a", 1.0)
    client.log_metric(run, "b", 1.0)
"""
    result = fixed(text, unsafe=False)
    assert result.applied == (("MLF201", 2),)
    assert result.after.count("import time\n") == 1
    assert result.after.count("from mlflow.entities import Metric\n") == 1


@pytest.mark.parametrize("comment", ["# noqa", "# noqa: MLF201", "# mlflow-lint: ignore[MLF201]"])
def test_a_suppressed_finding_is_not_fixed(comment: str) -> None:
    text = f"""\
import mlflow

mlflow.log_metric("a", 1.0)  {comment}
mlflow.log_metric("b", 1.0)
mlflow.set_tag("a", "1")
mlflow.set_tag("b", "1")
"""
    result = fixed(text, unsafe=True)
    assert result.applied == (("MLF203", 1),)
    assert result.after.startswith(text.partition("mlflow.set_tag")[0])


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (lambda text: text + "(", "would not be Python"),
        (lambda text: text, "the finding would remain"),
        (lambda text: text + 'mlflow.set_tag("a", 1)\nmlflow.set_tag("b", 1)\n', "it would bring MLF203"),
    ],
)
def test_a_fix_gone_wrong_is_dropped(
    broken: Callable[[str], str], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixing, "_edited", lambda text, edits: broken(text))
    result = fixed(ROW, unsafe=False)
    assert (result.after, result.applied) == (ROW, ())
    (problem,) = result.problems
    assert problem.startswith("example.py:3: the fix of MLF201 was dropped: ")
    assert reason in problem
    assert [finding.code for finding in result.remaining.findings] == ["MLF201"]


# ------------------------------------------------------------------------------------------------ on the disk
ROW = 'import mlflow\n\nmlflow.log_metric("a", 1.0)\nmlflow.log_metric("b", 2.0)\n'
ROW_FIXED = 'import mlflow\n\nmlflow.log_metrics({"a": 1.0, "b": 2.0})\n'


def test_a_file_that_changes_meanwhile_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, ROW)
    theirs = b"import mlflow  # edited meanwhile\n"
    real = fixing.write_atomically

    def edit_and_write(target: Path, data: bytes, expected: bytes) -> None:
        path.write_bytes(theirs)
        real(target, data, expected)

    monkeypatch.setattr(fixing, "write_atomically", edit_and_write)
    result = fix(path, everything(tmp_path), unsafe=False, write=True)
    assert path.read_bytes() == theirs
    assert result.problems == ("example.py: not fixed: the file changed while it was linted",)
    assert (result.applied, result.after) == ((), result.before)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_may_not_be_written_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, ROW)
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)  # root may write what it likes
    result = fix(path, everything(tmp_path), unsafe=False, write=True)
    assert result.problems == ("example.py: not fixed: Permission denied",)
    assert [finding.code for finding in result.remaining.findings] == ["MLF201"]
    assert path.read_bytes() == ROW.encode()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="modes and links as POSIX has them")
def test_fixing_keeps_mode_and_links(tmp_path: Path) -> None:
    path = write(tmp_path / "real", ROW)
    path.chmod(0o754)
    link = tmp_path / "link.py"
    link.symlink_to(path)
    result = fix(link, everything(tmp_path), unsafe=False, write=True)
    assert result.problems == ()
    assert link.is_symlink()
    assert path.read_bytes() == ROW_FIXED.encode()
    assert path.stat().st_mode & 0o777 == 0o754


def test_nothing_to_fix_writes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, ROW_FIXED)
    before = path.stat()
    result = fix(path, everything(tmp_path), unsafe=True, write=True)
    assert (result.applied, result.problems) == ((), ())
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


@pytest.mark.parametrize(
    "data",
    [
        ROW.encode(),
        ROW.replace("\n", "\r\n").encode(),
        ROW.rstrip("\n").encode(),
        ROW.rstrip("\n").replace("\n", "\r\n").encode(),
        codecs.BOM_UTF8 + ROW.encode(),
        codecs.BOM_UTF8 + ROW.replace("import mlflow\n\n", "import mlflow; x = 1\n").encode(),
        ROW.replace('"a"', '"\u2028é\x0c"').encode(),
    ],
    ids=[
        "lf",
        "crlf",
        "no newline at the end",
        "crlf, none at the end",
        "bom",
        "bom near the change",
        "odd characters",
    ],
)
def test_diff_is_what_patch_takes(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "example.py"
    path.write_bytes(data)
    result = fix(path, everything(tmp_path), unsafe=False)
    assert result.applied
    assert path.read_bytes() == data
    assert_patch_agrees(result, data)
