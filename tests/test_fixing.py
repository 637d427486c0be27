"""Fixing files: properties of fixes on generated programs, and what happens around them on the disk."""

from __future__ import annotations

import ast
import codecs
import io
import os
import shutil
import subprocess
import sys
import tempfile
import tokenize
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import doors
import pytest
from example_cases import everything, fix, only, places, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tracking_store import StoreRunner, assert_same_data

from mlflow_lint import fixing
from mlflow_lint.config import default_settings
from mlflow_lint.engine import Project
from mlflow_lint.findings import SYNTAX_ERROR
from mlflow_lint.fixing import Fixed, fix_source, unified_diff
from mlflow_lint.source.file import SourceFile, decode, encode
from mlflow_lint.syntax.stack import with_deep_stack

LONG = int(os.environ.get("MLFLOW_LINT_LONG", "0"))
"""How many programs to generate for each test, instead of the few that CI has time for."""

FAMILIES = ("rows", "loops", "client", "mixed")

each_family = pytest.mark.parametrize("family", FAMILIES)


def programs_of(count: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Settings for a test over generated programs; each run generates the same ones."""
    return settings(
        max_examples=max(LONG, count),
        derandomize=True,
        deadline=None,
        database=None,
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
    kept: tuple[str, ...]
    """Lines that every fix must leave alone, in order."""

    @property
    def source(self) -> SourceFile:
        return decode("example.py", self.text.encode())


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
    *("x = y = 1.5", "z: float = x", "del scores['s']", 'scores["s"] = n', "scores = dict(scores)", 'k2 = "b"', "..."),
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
        client = self.family == "client" or (self.family == "mixed" and self.chance(40))
        callee = ("client." if client else self.spelling) + self.pick(("log_metric", "log_metric", "set_tag"))
        arguments = [*(["run_id"] if client else []), key, value]
        if callee.endswith("metric") and self.chance(30):
            arguments.append(f"step={self.pick(STEPS)}")
        if self.chance(10):
            return [Line(f"[{callee}({', '.join(arguments)}) {header.partition(':')[0]}]", kept=False)]
        if self.chance(10):
            return [Line(f"{header.partition(':  #')[0].rstrip(':')}: {callee}({', '.join(arguments)})", kept=False)]
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


def fixed(program: Program, *, unsafe: bool) -> Fixed:
    """Fix a generated program with all rules."""
    folder = Path(tempfile.gettempdir())
    return with_deep_stack(
        lambda: fix_source(Project(folder, folder), "", program.source, default_settings(folder), unsafe=unsafe)
    )


def comments(text: str) -> Counter[str]:
    """Every comment, and how often it stands there."""
    tokens = tokenize.generate_tokens(io.StringIO(text, newline="").readline)
    return Counter(token.string.rstrip() for token in tokens if token.type == tokenize.COMMENT)


# -------------------------------------------------------------------------------------------------- properties
@pytest.mark.parametrize("unsafe", [False, True], ids=["safe", "unsafe"])
@each_family
def test_fixes_of_generated_programs(family: str, unsafe: bool) -> None:
    changed: list[bool] = []

    @programs_of(40)
    @given(programs(family))
    def check(program: Program) -> None:
        ast.parse(program.text)
        result = fixed(program, unsafe=unsafe)
        changed.append(bool(result.applied))
        assert result.problems == ()
        assert result.before == program.text
        ast.parse(result.after)
        again = fixed(Program(result.after, ()), unsafe=unsafe)
        assert (again.after, again.applied) == (result.after, ())
        assert comments(result.after) == comments(program.text)
        assert_fewer_findings(fixed(program, unsafe=False) if unsafe else result, again)
        assert_kept(program, result.after)
        assert_patch_agrees(result)

    check()
    assert sum(changed) * 3 >= len(changed), "most programs should have something to fix"


def assert_fewer_findings(first: Fixed, last: Fixed) -> None:
    counts = Counter(finding.code for finding in last.remaining.findings)
    assert counts <= Counter(finding.code for finding in first.remaining.findings) + Counter(dict(first.applied))
    assert SYNTAX_ERROR not in counts


def assert_kept(program: Program, after: str) -> None:
    """Every line that no fix has business with is there, in order, with the file's newlines."""
    newline = "\r\n" if "\r\n" in program.text else "\n"
    lines = iter(after.split(newline))
    assert all(line in lines for line in program.kept)
    assert after.count("\n") == after.count(newline)
    assert after.count("\r") == (after.count(newline) if newline == "\r\n" else 0)
    assert after.endswith(("\n", "\r")) or not program.text.endswith("\n")


def assert_patch_agrees(result: Fixed) -> None:
    """`patch -p0` makes the same of the file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, result.path)
        file.write_bytes(result.before.encode())
        diff = unified_diff(result).encode()
        assert bool(diff) is (result.before != result.after)
        if diff and shutil.which("patch"):
            done = subprocess.run(
                ["patch", "-p0", "--binary", "--fuzz=0"], cwd=folder, input=diff, capture_output=True, check=False
            )
            assert done.returncode == 0, done.stdout.decode()
            assert file.read_bytes() == result.after.encode()


@pytest.mark.parametrize("frozen_clock", [True, False], ids=["clock-stands", "clock-runs"])
@each_family
def test_fixed_programs_leave_the_same(family: str, frozen_clock: bool, store_runner: StoreRunner) -> None:
    compared: list[bool] = []

    @programs_of(5)
    @given(programs(family))
    def check(program: Program) -> None:
        result = fixed(program, unsafe=False)
        if not result.applied:
            return
        before = store_runner.run(program.text, frozen_clock=frozen_clock)
        if before.exception is None:
            after = store_runner.run(result.after, frozen_clock=frozen_clock)
            assert_same_data(before, after, timestamps=frozen_clock)
        compared.append(before.exception is None)

    check()
    assert any(compared)
