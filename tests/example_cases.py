"""The examples of the rules as files to lint: markers read and removed, in every spelling of the import.

Invariant: a spelling changes how MLflow is named and nothing else; the markers stay at the ends of their lines while
the code is rewritten, so that the lines they expect findings at are always those of the text that is linted.
"""

from __future__ import annotations

import ast
import enum
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from textwrap import indent

from mlflow_lint.config import Settings, default_settings
from mlflow_lint.engine import Checked, Project, check_files
from mlflow_lint.facts.api import CALLS, WRITES
from mlflow_lint.findings import Applicability, Finding
from mlflow_lint.fixing import Fixed, fix_files
from mlflow_lint.rules.base import Example, Rule
from mlflow_lint.rules.registry import all_rules

Expected = tuple[tuple[int, str], ...]
"""Line and code of each finding, in order."""

_MARKER = re.compile(r"[ \t]+#((?: MLF\d{3})+)[ \t]*$")
_IMPORT = re.compile(r"^import mlflow$", re.MULTILINE)


class NotSpelled(Exception):
    """Why an example cannot be written in a spelling."""


class Spelling(enum.Enum):
    """How a program names what it uses of MLflow; the value is for test ids."""

    PLAIN = "plain"
    """`import mlflow`: as the examples are written."""
    ALIAS = "alias"
    """`import mlflow as m`."""
    FROM = "from"
    """`from mlflow import log_metric`."""
    FROM_ALIAS = "from-alias"
    """`from mlflow import log_metric as _log_metric`."""
    FLUENT = "fluent-module"
    """`import mlflow.tracking.fluent` and calls in full."""
    GUARDED = "try-import"
    """`try: import mlflow`, with a fallback."""
    LOCAL = "local-import"
    """`import mlflow` in a function, with everything else."""
    CLIENT = "client"
    """`client.log_metric(run_id, …)` with a client made at the top."""


@dataclass(frozen=True, slots=True)
class Case:
    """One example in one spelling."""

    rule: Rule
    example: Example
    spelling: Spelling
    code: str
    """Without markers."""
    expected: Expected
    files: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """For test ids."""
        title = re.sub(r"\W+", "-", self.example.title)
        return f"{self.rule.code}-{title}-{self.spelling.value}"

    @property
    def wants_unsafe(self) -> bool:
        """Whether the fix has to be asked for."""
        return self.example.applicability is Applicability.UNSAFE


def parse(marked: str) -> tuple[str, Expected]:
    """The code without its markers, and what they expect."""
    lines: list[str] = []
    expected: list[tuple[int, str]] = []
    for number, line in enumerate(marked.split("\n"), start=1):
        found = _MARKER.search(line)
        lines.append(line[: found.start()] if found else line)
        expected += [(number, code) for code in sorted(found.group(1).split())] if found else []
    return "\n".join(lines), tuple(expected)


def spell(rule: Rule, example: Example, spelling: Spelling) -> Case:
    """An example in a spelling. Raises `NotSpelled` with the reason where it makes no sense."""
    rewrite = _REWRITE[spelling]
    if spelling in _ONE_MODULE and example.files:
        raise NotSpelled("it is more than one module")
    texts = {"": example.code, **dict(example.files)}
    texts = {name: rewrite(text) if _IMPORT.search(text) else text for name, text in texts.items()}
    if not any(_IMPORT.search(text) for text in (example.code, *dict(example.files).values())):
        raise NotSpelled("it does not `import mlflow`")
    code, expected = parse(texts.pop(""))
    return Case(rule, example, spelling, code, expected, tuple(texts.items()))


@cache
def cases() -> tuple[Case, ...]:
    """Every example of every rule in every spelling it has."""
    return tuple(
        case
        for rule in all_rules()
        for example in rule.examples
        for spelling in Spelling
        if (case := _case(rule, example, spelling)) is not None
    )


def _case(rule: Rule, example: Example, spelling: Spelling) -> Case | None:
    try:
        return spell(rule, example, spelling)
    except NotSpelled:
        return None


# ----------------------------------------------------------------------------------------------- spellings
_Edit = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class _Source:
    """A program, and the places in it that name MLflow."""

    text: str
    tree: ast.Module
    starts: Sequence[int]

    @classmethod
    def of(cls, text: str) -> _Source:
        tree = ast.parse(text)
        if any(isinstance(node, ast.arg) and node.arg == "mlflow" for node in ast.walk(tree)):
            raise NotSpelled("it shadows the name of the module")
        assert text.isascii(), "columns of `ast` count bytes"
        starts = [0]
        for line in text.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        return cls(text, tree, starts)

    def span(self, node: ast.expr) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.starts[node.lineno - 1] + node.col_offset, self.starts[node.end_lineno - 1] + node.end_col_offset

    def members(self) -> Iterator[ast.Attribute]:
        """Every `mlflow.name`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "mlflow":
                yield node

    def names(self) -> set[str]:
        """Every name that is used or bound, attributes left out."""
        found = {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)}
        found |= {node.arg for node in ast.walk(self.tree) if isinstance(node, ast.arg)}
        return found | {n.name for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)}

    def edited(self, edits: Sequence[_Edit], import_: str) -> str:
        text = self.text
        for start, end, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
        return _IMPORT.sub(lambda _: import_, text, count=1)


def _plain(text: str) -> str:
    return text


def _alias(text: str) -> str:
    source = _Source.of(text)
    if "m" in source.names():
        raise NotSpelled("`m` is taken")
    return source.edited([(*source.span(node.value), "m") for node in source.members()], "import mlflow as m")


def _from_import(text: str, prefix: str) -> str:
    source = _Source.of(text)
    members = list(source.members())
    used = sorted({node.attr for node in members})
    if len(members) != sum(isinstance(n, ast.Name) and n.id == "mlflow" for n in ast.walk(source.tree)):
        raise NotSpelled("it uses the module itself")
    if taken := source.names() & {prefix + name for name in used}:
        raise NotSpelled(f"{', '.join(sorted(taken))} means something else here")
    names = ", ".join(f"{name} as {prefix}{name}" if prefix else name for name in used)
    return source.edited([(*source.span(node), prefix + node.attr) for node in members], f"from mlflow import {names}")


def _from(text: str) -> str:
    return _from_import(text, "")


def _from_alias(text: str) -> str:
    return _from_import(text, "_")


def _fluent(text: str) -> str:
    source = _Source.of(text)
    members = [node for node in source.members() if (False, node.attr) in CALLS]
    if not members:
        raise NotSpelled("it calls nothing of the fluent module")
    edits = [(*source.span(node.value), "mlflow.tracking.fluent") for node in members]
    return source.edited(edits, "import mlflow.tracking.fluent")


def _guarded(text: str) -> str:
    guarded = "try:\n    import mlflow\nexcept ImportError:\n    mlflow = None"
    return _Source.of(text).edited([], guarded)


def _local(text: str) -> str:
    body = indent(_Source.of(text).text, "    ", lambda line: not line.isspace())
    return f"def main():\n{body}\n\nmain()\n"


_CLIENT_SETUP = """\
from mlflow import MlflowClient

client = MlflowClient()
run_id = client.create_run("0").info.run_id"""


def _client(text: str) -> str:
    source = _Source.of(text)
    if taken := source.names() & {"client", "run_id"}:
        raise NotSpelled(f"{', '.join(sorted(taken))} means something else here")
    calls = [node for node in ast.walk(source.tree) if isinstance(node, ast.Call)]
    called = {id(node.func): node for node in calls}
    edits: list[_Edit] = []
    for node in source.members():
        fluent, client = CALLS.get((False, node.attr)), CALLS.get((True, node.attr))
        call = called.get(id(node))
        if fluent is None or client is None or call is None:
            raise NotSpelled(f"the client has no {node.attr}")
        if client.kind not in WRITES:
            raise NotSpelled(f"{node.attr} is no write to a run")
        start, end = source.span(node)
        edits.append((start, end + 1, f"client.{node.attr}(run_id{', ' if call.args or call.keywords else ''}"))
        for position, given in enumerate(call.args):
            name = fluent.parameters[position]
            if client.parameters[position + 1] != name:
                edits.append((source.span(given)[0], source.span(given)[0], f"{name}="))
    if not edits:
        raise NotSpelled("it calls nothing of the fluent module")
    return source.edited(edits, _CLIENT_SETUP)


_REWRITE: Mapping[Spelling, Callable[[str], str]] = {
    Spelling.PLAIN: _plain,
    Spelling.ALIAS: _alias,
    Spelling.FROM: _from,
    Spelling.FROM_ALIAS: _from_alias,
    Spelling.FLUENT: _fluent,
    Spelling.GUARDED: _guarded,
    Spelling.LOCAL: _local,
    Spelling.CLIENT: _client,
}

_ONE_MODULE = (Spelling.LOCAL, Spelling.CLIENT)


# ------------------------------------------------------------------------------------------------- on disk
def write(folder: Path, code: str, files: Sequence[tuple[str, str]] = (), name: str = "example.py") -> Path:
    """Write a program and the modules it imports, byte for byte."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files:
        (folder / file).write_bytes(text.encode())
    path = folder / name
    path.write_bytes(code.encode())
    return path


def only(folder: Path, *codes: str) -> Settings:
    """Settings with just these rules on, and with what a rule about comments is to judge them by."""
    judged = ("MLF",) if "MLF901" in codes else ()
    return replace(default_settings(folder), select=(*codes, *judged))


def everything(folder: Path) -> Settings:
    """Settings with every rule on, preview and opt-in ones included."""
    return only(folder, "MLF", *(rule.code for rule in all_rules()))


def check(path: Path, settings: Settings) -> Checked:
    """Check one file in a project of its folder."""
    return check_files(Project(path.parent, path.parent), [(path, settings)])[0]


def fix(path: Path, settings: Settings, *, unsafe: bool, write: bool = False) -> Fixed:
    """Fix one file in a project of its folder."""
    return fix_files(Project(path.parent, path.parent), [(path, settings)], unsafe=unsafe, write=write)[0]


def fixed_text(case: Case, folder: Path) -> str:
    """What the fixes of the case's rule make of it; unsafe ones only where the example says so."""
    path = write(folder, case.code, case.files)
    result = fix(path, only(folder, case.rule.code), unsafe=case.wants_unsafe)
    assert not result.problems, result.problems
    return result.after


def places(findings: Sequence[Finding]) -> Expected:
    """Line and code of findings, as `Case.expected` has them."""
    return tuple(sorted((finding.region.line, finding.code) for finding in findings))
