"""Programs that log to MLflow in every form that a fix may meet, drawn by hypothesis.

Rows and loops of writes by fluent calls and clients, wrapped in functions and classes, throttled, replayed, left by
`break`, `continue` and exceptions, in runs in runs; with values that have effects, keys that repeat and are computed,
names that are shadowed, and comments and line breaks wherever Python allows them.

Invariant: a program runs to its end unless one of its parameters changes or one of its values raises.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st
from program_words import (
    FILLERS,
    GLOBALS,
    LEAVING,
    LOOPS,
    METRIC_KEYS,
    METRIC_VALUES,
    PRELUDE,
    READS,
    REPLAYS,
    SPELLINGS,
    STEPS,
    TAG_KEYS,
    TAG_VALUES,
    TAME_FILLERS,
    TAME_KEYS,
    TAME_VALUES,
)

FAMILIES = ("rows", "loops", "client", "mixed", "replays", "flow")


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
    encoding: str = "utf-8"
    bom: bool = False

    @property
    def data(self) -> bytes:
        """The program as a file holds it."""
        return (codecs.BOM_UTF8 if self.bom else b"") + self.text.encode(self.encoding)


@dataclass
class Maker:
    """Draws one program, statement by statement."""

    draw: st.DrawFn
    family: str
    spelling: str
    tab: str
    tame: bool = False
    """Whether to use only words that leave a fix nothing to fear."""
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

    def key(self) -> str:
        return self.pick(TAME_KEYS).format(self.number()) if self.tame else self.pick(METRIC_KEYS)

    def value(self) -> str:
        return self.pick(TAME_VALUES if self.tame else METRIC_VALUES)

    # ------------------------------------------------------------------------------------------- statements
    def block(self, depth: int) -> list[Line]:
        """Some statements; `depth` is how many blocks they stand in."""
        lines: list[Line] = []
        for _ in range(self.draw(st.integers(1, 3) if depth else st.integers(5, 10))):
            shape = self.draw(st.integers(0, 9))
            if self.family in ("replays", "flow") and shape <= 3:
                lines += self.replay(depth) if self.family == "replays" else self.flow(depth)
            elif shape <= 4:
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
            name, key, value = "log_metric", self.key(), self.value()
        else:
            name, key, value = (
                "set_tag",
                self.key() if self.tame else self.pick(TAG_KEYS),
                self.value() if self.tame else self.pick(TAG_VALUES),
            )
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
        if self.chance(40):
            name, entry = (
                ("log_params", f'"p{self.number()}": 1') if self.chance(50) else ("set_tags", f'"t": {self.value()}')
            )
            return self.laid_out(self.spelling + name, [f"{{{entry}}}"])
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
        text = self.pick((*(TAME_FILLERS if self.tame else FILLERS), "", "", "   ", "# comment", "# comment", "tag"))
        if self.family == "flow" and self.chance(30):
            text = self.pick(READS)
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
        # What is uploaded again each turn moves behind its loop.
        return [Line(f"{text}{comment}", kept="file" not in text and "dict.json" not in text)]

    def loop(self, depth: int) -> list[Line]:
        """A loop over keys."""
        header, key, value = self.draw(st.sampled_from(LOOPS))
        clause = header.partition("  #")[0].removesuffix(":")
        client = self.family == "client" or (self.family == "mixed" and self.chance(40))
        names = ("log_metric", "log_metric", "set_tag", *(["log_param"] if depth == 0 and '"a"]' not in header else []))
        callee = ("client." if client else self.spelling) + self.pick(names)
        if callee.endswith("param"):
            key = f'"p{self.number()}_" + str({key})'
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

    def replay(self, depth: int) -> list[Line]:
        """A loop over data that is complete, point after point."""
        header, value, step = self.draw(st.sampled_from(REPLAYS))
        client = self.chance(60)
        callee, first = ("client.log_metric", ["run_id"]) if client else (f"{self.spelling}log_metric", [])
        key = self.key()
        body = self.laid_out(callee, [*first, key, value, f"step={step}"])
        if self.chance(30):
            body += self.laid_out(callee, [*first, self.key(), value, f"step={step}"])
        if self.chance(15):
            body = [*self.filler(depth + 1), *body]
        return [Line(header, kept=False), *self.indented(body)]

    def flow(self, depth: int) -> list[Line]:
        """Writes with something around them that decides whether, how often or where they write."""
        kind = self.pick(("epochs", "throttled", "left", "wrapper", "logger", "nested run", "shadowed", "caught"))
        number = self.number()
        if kind == "epochs":
            row = [*self.write("metric", False, "epoch", 1), *self.write("metric", False, "epoch", 1)]
            return [Line(f"for epoch in range({number % 3}):"), *self.indented([*row, *self.block(depth + 2)])]
        if kind == "throttled":
            inner = [Line(self.pick(("if i % 2 == 0:", "if i == 2:"))), *self.indented(self.row(2))]
            return [Line("for i in range(4):"), *self.indented(inner)]
        if kind == "left":
            return self.left(depth)
        if kind == "wrapper":
            call = f"{self.spelling}log_metric(key, value, step=step)"
            lines = [Line(f"def log_{number}(key, value, step=None):"), *self.indented([Line(call, kept=False)])]
            calls = [f"log_{number}({self.key()}, {self.value()})" for _ in range(2)]
            loop = [Line("for key, value in scores.items():"), *self.indented([Line(f"log_{number}(key, value)")])]
            return [*lines, *map(Line, calls), *(loop if self.chance(50) else [])]
        if kind == "logger":
            method = [
                Line("def log(self, key, value):"),
                *self.indented([Line("client.log_metric(self.run, key, value)")]),
            ]
            init = [Line("def __init__(self, run):"), *self.indented([Line("self.run = run")])]
            klass = [Line(f"class Logger{number}:"), *self.indented([*init, *method])]
            return [*klass, Line(f"Logger{number}(run_id).log({self.key()}, x)"), *self.row(depth)]
        if kind == "nested run":
            head = Line(f"with {self.spelling}start_run(nested=True) as run_{number}:")
            return [head, *self.indented([*self.row(3), *self.block(depth + 2)])]
        if kind == "shadowed":
            name, fake = (self.spelling.split(".")[0], "box") if self.spelling else ("log_metric", "box.log_metric")
            other = Line(f'{self.spelling}log_metric("a", 1.0)')
            body = [Line(f"{name} = {fake}"), other, other]
            return [Line(f"def shadow_{number}():"), *self.indented(body), Line(f"shadow_{number}()")]
        raising = [*self.row(3), Line(self.pick(('z = scores["gone"]', "z = numbers[999]", "pass"))), *self.row(3)]
        return [
            Line("try:"),
            *self.indented(raising),
            Line("except (KeyError, IndexError):"),
            *self.indented(self.row(3)),
        ]

    def left(self, depth: int) -> list[Line]:
        """A loop over keys that is left early, or that skips some."""
        header, key, value = self.draw(st.sampled_from(LOOPS))
        test, leave = self.draw(st.sampled_from(LEAVING))
        body = [
            Line(test.format(value=value), kept=False),
            *self.indented([Line(leave.format(value=value), kept=False)]),
        ]
        write = self.laid_out(f"{self.spelling}{self.pick(('log_metric', 'set_tag'))}", [key, value])
        lines = [Line(header, kept=False), *self.indented([*write, *body] if self.chance(30) else [*body, *write])]
        return [*lines, Line("else:"), *self.indented(self.row(depth + 1))] if self.chance(25) else lines

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
            # A loop around a replay may become part of it.
            lines.append(Line(head, kept=kind != "for"))
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
    maker = Maker(draw, family, spelling, draw(st.sampled_from(["    ", "  ", "\t"])), draw(st.integers(0, 2)) > 0)
    head = [Line("import contextlib, itertools"), *(Line(text, kept=bool(spelling)) for text in SPELLINGS[spelling])]
    head += [Line("from mlflow import MlflowClient"), *map(Line, PRELUDE.split("\n"))]
    head += [Line("client = MlflowClient()"), Line(f"run_id = {spelling}start_run().info.run_id")]
    lines = [*head, *maker.block(0), *maker.row(0)]
    if draw(st.integers(0, 19)) == 19:
        lines.append(Line('scores["gone"]'))
    newline = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    end = draw(st.sampled_from(["\n", "\n", "", "\n\n\n", "\n# end"]))
    form = draw(st.sampled_from(["", "", "", "bom", "latin-1", "form feed"]))
    if form == "latin-1":
        lines.insert(0, Line("# -*- coding: latin-1 -*-"))
    elif form == "form feed":
        lines.insert(len(head), Line("\f", kept=False))
    text = ("\n".join(line.text for line in lines) + end).replace("\n", newline)
    kept = tuple(line.text for line in lines if line.kept)
    return Program(text, kept, "latin-1" if form == "latin-1" else "utf-8", form == "bom")
