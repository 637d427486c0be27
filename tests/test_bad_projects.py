"""Projects that lead in circles, hide one another or have no end: the same findings in any order, and in time."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from doors import environment
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow_lint.config import default_settings
from mlflow_lint.engine import Checked, Project, check_files

Files = Mapping[str, str]

WRITES = "import mlflow\ndef write(x):\n    mlflow.log_metric('a', x)\n"


def hot(*calls: str) -> str:
    """A loop over batches for each call."""
    return "".join(f"for x in train_loader:\n    {call}\n" for call in calls)


def make(folder: Path, files: Files) -> list[Path]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [folder / name for name in files]


def checked(project: Project, folder: Path, paths: Sequence[Path]) -> dict[str, Checked]:
    results = check_files(project, [(path, default_settings(folder)) for path in paths])
    assert not [result.error for result in results if result.error]
    return {result.path: result for result in results}


def agreed(folder: Path, files: Files) -> dict[str, Checked]:
    """What is found in all files together, once that it is also found in other orders and one by one is shown."""
    paths = make(folder, files)
    together = checked(Project(folder, folder), folder, sorted(paths))
    orders = [sorted(paths, reverse=True), *(random.Random(seed).sample(paths, len(paths)) for seed in range(3))]
    for order in orders:
        assert checked(Project(folder, folder), folder, order) == together
        shared = Project(folder, folder)
        for path in order:
            assert checked(shared, folder, [path]).items() <= together.items()
    for path in paths[:6]:
        assert checked(Project(folder, folder), folder, [path]).items() <= together.items()
    return together


def ring(size: int, how: str) -> dict[str, str]:
    """Modules that import each other in a circle and call on; only the first writes."""
    files = {}
    for number in range(size):
        after = (number + 1) % size
        head, call = {
            "from": (f"from m{after} import f{after}\n", f"f{after}(x)"),
            "import": (f"import m{after}\n", f"m{after}.f{after}(x)"),
            "late": ("", f"f{after}(x)"),
        }[how]
        late = f"    from m{after} import f{after}\n" if how == "late" else ""
        own = "    mlflow.log_metric('a', x)\n" if number == 0 else ""
        files[f"m{number}.py"] = (
            ("import mlflow\n" if number == 0 else "")
            + head
            + f"def f{number}(x):\n{late}{own}    {call}\n"
            + (f"from m{after} import f{after}\n" if how == "late" else "")
            + hot(call)
        )
    return files


@pytest.mark.parametrize("how", ["from", "import", "late"])
@pytest.mark.parametrize("size", [2, 3, 50])
def test_rings_of_imports(size: int, how: str, tmp_path: Path) -> None:
    found = agreed(tmp_path, ring(size, how))
    writing = [path for path, each in found.items() if each.findings]
    # A chain of calls is followed for so long, and the writing function is at its end.
    assert len(writing) == min(size, 8)
    assert f"m{size - 1}.py" in writing


CASES: dict[str, tuple[dict[str, str], dict[str, list[int]]]] = {
    "a package that imports from itself": (
        {
            "p/__init__.py": "from .b import g\n",
            "p/a.py": "import mlflow\nfrom . import b\ndef f(x):\n    mlflow.log_metric('a', x)\n    b.g(x)\n"
            + hot("b.g(x)"),
            "p/b.py": f"from . import a\nfrom p import a as again\ndef g(x):\n    a.f(x)\n{hot('again.f(x)')}",
            "t.py": f"import p\nfrom p import g\n{hot('p.a.f(x)', 'g(x)')}",
        },
        {"p/a.py": [7], "p/b.py": [6], "t.py": [4, 6]},
    ),
    "star imports in a ring": (
        {
            "a.py": f"from b import *\nimport mlflow\ndef f(x):\n    mlflow.log_metric('a', x)\n{hot('g(x)')}",
            "b.py": f"from c import *\ndef g(x):\n    f(x)\n{hot('f(x)')}",
            "c.py": f"from a import *\n{hot('f(x)', 'g(x)')}",
            "d.py": f"import mlflow\nfrom d import *\n{hot('nothing(x)')}",
        },
        {"a.py": [6], "b.py": [5], "c.py": [3, 5]},
    ),
    "names handed on by star and by name": (
        {
            "p/__init__.py": "from .inner import *\n",
            "p/inner/__init__.py": "from .writing import write as record\n",
            "p/inner/writing.py": WRITES,
            "named.py": f"from p import record\n{hot('record(x)')}",
            "dotted.py": f"import p\n{hot('p.record(x)')}",
            "starred.py": f"from p import *\n{hot('record(x)')}",
            "wrong.py": f"from p import *\n{hot('write(x)')}",
        },
        {"named.py": [3], "dotted.py": [3], "starred.py": [3]},
    ),
    "modules of the standard library's names": (
        {
            "random.py": WRITES,
            "logging/__init__.py": "from .writing import write\n",
            "logging/writing.py": WRITES,
            "json.py": f"import json\nimport mlflow\n{hot('json.dumps(x)')}",
            "t.py": f"import random, logging\n{hot('random.write(x)', 'logging.write(x)', 'random.random()')}",
        },
        {"t.py": [3, 5]},
    ),
    "modules of MLflow's name": (
        {
            "mlflow_utils.py": WRITES,
            "mlflow/__init__.py": "def log_metric(key, value): pass\n",
            "mlflow/tracking.py": "def record(key, value): pass\n",
            "mlflow/own.py": f"from .tracking import record\n{hot('record(1, x)')}",
            "t.py": f"import mlflow, mlflow_utils\n{hot('mlflow_utils.write(x)', 'mlflow.tracking.record(1, x)')}",
        },
        {"t.py": [3]},
    ),
    "two modules of one name": (
        {
            "m.py": WRITES,
            "src/m.py": "def write(x): pass\n",
            "t.py": f"from m import write\n{hot('write(x)')}",
            "src/t.py": f"from m import write\n{hot('write(x)')}",
        },
        {"t.py": [3]},
    ),
    "two namespace packages of one name": (
        {
            "ns/b.py": WRITES,
            "src/ns/b.py": "def write(x): pass\n",
            "ns/a.py": f"from ns.b import write\n{hot('write(x)')}",
            "src/ns/a.py": f"from ns.b import write\n{hot('write(x)')}",
        },
        {"ns/a.py": [3]},
    ),
    "a module and a package of one name": (
        {
            "m.py": WRITES,
            "m/__init__.py": "def write(x): pass\n",
            "t.py": f"import mlflow\nfrom m import write\n{hot('mlflow.log_metric(1, x)')}",
        },
        {"t.py": [4]},
    ),
    "modules that are not there": (
        {
            "t.py": "import mlflow\nfrom nowhere import w\nfrom .nope import z\nfrom ....far import y\nimport x.y.z\n"
            + hot("w(x)", "z(x)", "y(x)", "x.y.z.f(x)", "mlflow.log_metric('a', x)"),
            "u.py": f"from t import w, t, gone\nimport t.t\n{hot('w(x)', 't.t.w(x)', 'gone(x)')}",
        },
        {"t.py": [15]},
    ),
    "classes that inherit in a ring": (
        {
            "a.py": "import mlflow\nfrom b import B\nclass A(B):\n    def f(self, x):\n"
            f"        mlflow.log_metric('a', x)\n        self.g(x)\n{hot('A().f(x)', 'A().g(x)', 'A().none(x)')}",
            "b.py": f"from a import A\nclass B(A):\n    def g(self, x): self.f(x)\n{hot('B().f(x)', 'B().g(x)')}",
        },
        {"a.py": [8, 10], "b.py": [5, 7]},
    ),
    "classes that inherit from themselves": (
        {
            "a.py": "import mlflow\nclass C(C): pass\nclass D(D):\n    def h(self): return super().h()\n"
            f"    def i(self, x): mlflow.log_metric('a', x)\n{hot('C().f(x)', 'D().h()', 'D().i(x)')}",
        },
        {"a.py": [11]},
    ),
    "recursion across files": (
        {
            "a.py": "import mlflow\nfrom b import g\ndef f(x, n):\n    mlflow.log_metric('a', x)\n    if n: g(x, n)\n"
            + hot("f(x, 1)", "g(x, 1)"),
            "b.py": "from a import f\ndef g(x, n):\n    if n: f(x, n - 1)\ndef h(x): h(x); g(x, 1)\n"
            + hot("g(x, 1)", "h(x)"),
        },
        {"a.py": [7, 9], "b.py": [6, 8]},
    ),
    "functions that call each other and return it": (
        {
            "a.py": f"import mlflow\nfrom b import g\ndef f(): return g()\n{hot('f().log_metric(1, x)')}",
            "b.py": f"from a import f\ndef g(): return f()\n{hot('g().log_metric(1, x)')}",
        },
        {},
    ),
    "names bound to themselves": (
        {
            "a.py": "import mlflow\nx = x\ny = z\nz = y\nm = m.log_metric\nclass K:\n    a = a\n"
            "    def __init__(self):\n        self.c = self.c\n        self.d = self.e\n        self.e = self.d\n"
            "    def f(self, x): self.c.log_metric('a', x); self.d.x(1)\n"
            + hot("y.f(x)", "z(x)", "m(x)", "K().f(x)", "K.a.log_metric('a', x)", "mlflow.log_metric('a', x)"),
        },
        {"a.py": [24]},
    ),
    "decorators of themselves": (
        {
            "a.py": "import mlflow\n@f\ndef f(x):\n    mlflow.log_metric('a', x)\n@g\n@h\ndef g(f): return f\n"
            "@g\ndef h(f): return g(f)\nclass P:\n    @p\n    @property\n    def p(self): return self.p\n"
            + hot("f(x)", "g(h)(x)", "P().p.log_metric('a', x)"),
        },
        {"a.py": [15]},
    ),
    "a package that imports its own modules": (
        {
            "p/__init__.py": "from . import a\nfrom .a import write\n",
            "p/a.py": WRITES,
            "t.py": f"from p import a\n{hot('a.write(x)')}",
            "u.py": f"import p\n{hot('p.a.write(x)')}",
        },
        {"t.py": [3], "u.py": [3]},
    ),
    "functions that return themselves": (
        {
            "a.py": f"import mlflow\ndef k(): return k\ndef f(): return g\ndef g(): return f\n{hot('k()()(f()())')}",
            "b.py": "from a import k\n",
        },
        {},
    ),
}
"""What the resolver and the summaries do not do yet."""


@pytest.mark.parametrize(
    ("files", "expected"),
    [pytest.param(*case, id=name) for name, case in CASES.items()],
)
def test_projects_that_lead_astray(files: Files, expected: dict[str, list[int]], tmp_path: Path) -> None:
    found = agreed(tmp_path, files)
    lines = {path: [f.region.line for f in each.findings if f.code == "MLF101"] for path, each in found.items()}
    assert {path: numbers for path, numbers in lines.items() if numbers} == expected


# --- projects without end --------------------------------------------------------------------------------


def row(size: int, head: str, *, writes: str = WRITES) -> Iterator[tuple[str, str]]:
    """Modules of which each is `head`, with NEXT for the number of the next; the last one writes."""
    for number in range(size - 1):
        yield f"m{number}.py", head.replace("NEXT", str(number + 1)).replace("THIS", str(number))
    yield f"m{size - 1}.py", writes


def large(kind: str, size: int) -> Iterator[tuple[str, str]]:
    match kind:
        case "imports without MLflow":
            yield from row(size, "import mNEXT\n", writes="x = 1\n")
        case "calls handed on":
            writes = WRITES.replace("write", f"f{size - 1}")
            yield from row(size, "from mNEXT import fNEXT\ndef fTHIS(x):\n    fNEXT(x)\n", writes=writes)
        case "names handed on":
            yield from row(size, f"from mNEXT import write\n{hot('write(x)')}")
        case "stars handed on":
            yield from row(size, f"from mNEXT import *\n{hot('write(x)')}")
        case "one wrapper for all":
            yield "wrapper.py", WRITES
            yield from ((f"m{number}.py", f"from wrapper import write\n{hot('write(x)')}") for number in range(size))
        case "one that imports all":
            yield "hub.py", "".join(f"from m{number} import w{number}\n" for number in range(size)) + hot("w0(x)")
            yield from ((f"m{number}.py", WRITES.replace("write", f"w{number}")) for number in range(size))
        case "a ring":
            yield from ring(size, "from").items()


_CHILD = """
import json, resource, sys
from pathlib import Path
from mlflow_lint.config import default_settings
from mlflow_lint.engine import Project, check_files
folder = Path(sys.argv[1])
files = [(path, default_settings(folder)) for path in sorted(folder.glob("*.py"))]
results = check_files(Project(folder, folder), files, complete=True)
print(json.dumps({
    "errors": sum(result.error is not None for result in results),
    "files": sum(any(finding.code == "MLF101" for finding in result.findings) for result in results),
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
}))
"""

LARGE = [
    ("imports without MLflow", 10_000, 0),
    ("calls handed on", 10_000, 0),
    ("names handed on", 5_000, 4_999),
    ("stars handed on", 500, 499),
    ("one wrapper for all", 2_000, 2_000),
    ("one that imports all", 2_000, 1),
    ("a ring", 10_000, 0),  # so large a circle is not followed
]


@pytest.mark.parametrize(("kind", "size", "expected"), LARGE, ids=[kind for kind, _, _ in LARGE])
def test_projects_without_end(kind: str, size: int, expected: int, tmp_path: Path) -> None:
    pytest.importorskip("resource")
    make(tmp_path, dict(large(kind, size)))
    command = [sys.executable, "-c", _CHILD, str(tmp_path)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["errors"] == 0
    assert told["files"] == expected
    per_unit = 1 if sys.platform == "darwin" else 1024
    assert told["peak"] * per_unit < 1 << 30


# --- projects at random ----------------------------------------------------------------------------------

_MODULES = [*(f"m{number}" for number in range(4)), "p", "p.a"]
_MEMBERS = ["f", "g", "K"]


@st.composite
def projects(draw: st.DrawFn) -> dict[str, str]:
    """A few modules that import and call one another at random; some of them write."""
    modules = draw(st.lists(st.sampled_from(_MODULES), min_size=2, max_size=6, unique=True))
    return {
        "p/__init__.py" if module == "p" else f"{module.replace('.', '/')}.py": draw(_module(module, modules))
        for module in modules
    }


@st.composite
def _module(draw: st.DrawFn, module: str, modules: list[str]) -> str:
    lines = ["import mlflow"] if draw(st.integers(0, 2)) else []
    calls = ["mlflow.log_metric", "f", "g", "K().f"]
    for other in draw(st.lists(st.sampled_from([*modules, "absent"]), min_size=1, max_size=3)):
        member = draw(st.sampled_from(_MEMBERS))
        local = draw(st.sampled_from(["other", "again", member]))
        near = {"p.a": ".a", "p": "."}.get(other, other) if module.startswith("p") else other
        made = "().f" if member == "K" else ""
        imports = {
            f"import {other}": f"{other}.{member}{made}",
            f"import {other} as {local}": f"{local}.{member}{made}",
            f"from {other} import {member} as {local}": f"{local}{made}",
            f"from {near} import {member} as {local}": f"{local}{made}",
            f"from {other} import *": f"{member}{made}",
            f"try:\n    from {other} import {member}\nexcept ImportError:\n    {member} = None": f"{member}{made}",
        }
        line = draw(st.sampled_from(sorted(imports)))
        lines.append(line)
        calls += [imports[line]] * 4
    call = st.sampled_from(calls).map(lambda name: f"{name}('a', x)")
    given = call | st.sampled_from(calls)
    body = call | st.just("mlflow.log_metric('a', x)") | given.map(lambda text: f"return {text}")
    for member in draw(st.lists(st.sampled_from(_MEMBERS), max_size=3, unique=True)):
        if member == "K":
            base = draw(
                st.sampled_from(["", "", "(K)", "(other)", f"({draw(st.sampled_from(calls)).removesuffix('().f')})"])
            )
            lines.append(f"class K{base}:\n    def f(self, a, x):\n        {draw(body)}")
        else:
            as_value = draw(st.integers(0, 9)) == 0
            lines.append(
                f"{member} = {draw(st.sampled_from(calls))}" if as_value else f"def {member}(a, x):\n    {draw(body)}"
            )
    return "\n".join([*lines, *(hot(draw(call)) for _ in range(draw(st.integers(1, 3))))])


@settings(deadline=None, max_examples=40)
@given(projects())
def test_projects_at_random(files: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        agreed(Path(folder), files)
