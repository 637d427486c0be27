"""What counts as MLflow, and what does not: a hot call is found exactly if its name resolves."""

from __future__ import annotations

from pathlib import Path

import pytest
from linting import check, lines

# `{call}` stands in a loop over batches; the name must come from what is around it.
MLFLOW = {
    "module": ("import mlflow", "mlflow.log_metric('a', x)"),
    "alias": ("import mlflow as m", "m.log_metric('a', x)"),
    "function": ("from mlflow import log_metric as lm", "lm('a', x)"),
    "fluent": ("import mlflow.tracking.fluent", "mlflow.tracking.fluent.log_metric('a', x)"),
    "fluent function": ("from mlflow.tracking.fluent import log_metric", "log_metric('a', x)"),
    "star": ("from mlflow import *", "log_metric('a', x)"),
    "optional": ("try:\n    import mlflow\nexcept ImportError:\n    mlflow = None", "mlflow.log_metric('a', x)"),
    "stand-in": (
        "try:\n    import mlflow\nexcept ImportError:\n    from stubs import mlflow",
        "mlflow.log_metric('a', x)",
    ),
    "bound": ("import mlflow\nlog = mlflow.log_metric", "log('a', x)"),
    "getattr": ("import mlflow\nlog = getattr(mlflow, 'log_metric')", "log('a', x)"),
    "partial": (
        "import functools, mlflow\nlog = functools.partial(mlflow.log_metric, synchronous=True)",
        "log('a', x)",
    ),
    "client": ("from mlflow import MlflowClient\nc = MlflowClient()", "c.log_metric(r, 'a', x)"),
    "client in an expression": (
        "from mlflow import MlflowClient\nprint(c := MlflowClient())",
        "c.log_metric(r, 'a', x)",
    ),
    "client module": ("import mlflow\nc = mlflow.tracking.MlflowClient(uri)", "c.log_metric(r, 'a', x)"),
    "client class alias": ("from mlflow.client import MlflowClient as C\nc = C()", "c.log_metric(r, 'a', x)"),
    "client made in place": ("import mlflow", "mlflow.MlflowClient().log_metric(r, 'a', x)"),
    "client or default": (
        "import mlflow\ndef make(given=None):\n    return given or mlflow.MlflowClient()\nc = make()",
        "c.log_metric(r, 'a', x)",
    ),
    "client from a function": (
        "import mlflow\ndef make():\n    return mlflow.MlflowClient()\nc = make()",
        "c.log_metric(r, 'a', x)",
    ),
}

NOT_MLFLOW = {
    "another module": ("import wandb as mlflow", "mlflow.log_metric('a', x)"),
    "no import": ("", "mlflow.log_metric('a', x)"),
    "assigned": ("import mlflow\nmlflow = Recorder()", "mlflow.log_metric('a', x)"),
    "class": ("import mlflow\nclass mlflow:\n    log_metric = print", "mlflow.log_metric('a', x)"),
    "function": ("from mlflow import log_metric\ndef log_metric(k, v): ...", "log_metric('a', x)"),
    "either of two": (
        "import mlflow\nif fast:\n    log = mlflow.log_metric\nelse:\n    log = queue.put",
        "log('a', x)",
    ),
    "result of a call": ("import mlflow", "mlflow().log_metric('a', x)"),
    "attribute of a result": ("import mlflow", "mlflow.start_run().log_metric('a', x)"),
    "rebound client": ("from mlflow import MlflowClient\nc = MlflowClient()\nc = Other()", "c.log_metric(r, 'a', x)"),
    "local package": ("from .mlflow import log_metric", "log_metric('a', x)"),
}


@pytest.mark.parametrize(("setup", "call"), MLFLOW.values(), ids=MLFLOW.keys())
def test_is_mlflow(setup: str, call: str, tmp_path: Path) -> None:
    code = f"{setup}\nfor x in train_loader:\n    {call}\n"
    assert lines(check(code, tmp_path, "MLF101"), "MLF101") == [len(code.splitlines())]


@pytest.mark.parametrize(("setup", "call"), NOT_MLFLOW.values(), ids=NOT_MLFLOW.keys())
def test_is_not_mlflow(setup: str, call: str, tmp_path: Path) -> None:
    code = f"# mlflow\n{setup}\nfor x in train_loader:\n    {call}\n"
    assert lines(check(code, tmp_path, "MLF101"), "MLF101") == []


INSIDE_FUNCTIONS = {
    "import in the function": ("def f(train_loader):\n    import mlflow", "mlflow.log_metric('a', x)", True),
    "annotated parameter": (
        "from mlflow import MlflowClient\ndef f(c: MlflowClient, train_loader):\n    pass",
        "c.log_metric(r, 'a', x)",
        True,
    ),
    "optional annotation": (
        "from typing import Optional\nimport mlflow\n"
        "def f(train_loader, c: Optional['mlflow.MlflowClient'] = None):\n    pass",
        "c.log_metric(r, 'a', x)",
        True,
    ),
    "union annotation": (
        "import mlflow\ndef f(train_loader, c: mlflow.MlflowClient | None = None):\n    pass",
        "c.log_metric(r, 'a', x)",
        True,
    ),
    "parameter hides the module": (
        "import mlflow\ndef f(train_loader, mlflow):\n    pass",
        "mlflow.log_metric('a', x)",
        False,
    ),
    "assignment further down hides the module": (
        "import mlflow\ndef f(train_loader):\n    pass",
        "mlflow.log_metric('a', x)\n    mlflow = None or other",
        False,
    ),
    "import elsewhere is not seen": (
        "def g():\n    import mlflow\ndef f(train_loader):\n    pass",
        "mlflow.log_metric('a', x)",
        False,
    ),
    "global": (
        "mlflow = None\ndef g():\n    global mlflow\n    import mlflow\ndef f(train_loader):\n    pass",
        "mlflow.log_metric('a', x)",
        True,
    ),
    "unannotated parameter": ("import mlflow\ndef f(c, train_loader):\n    pass", "c.log_metric(r, 'a', x)", False),
}


@pytest.mark.parametrize(("setup", "call", "found"), INSIDE_FUNCTIONS.values(), ids=INSIDE_FUNCTIONS.keys())
def test_in_functions(setup: str, call: str, found: bool, tmp_path: Path) -> None:
    code = f"{setup}\n    for x in train_loader:\n        {call}\n"
    assert bool(lines(check(code, tmp_path, "MLF101"), "MLF101")) is found


CLASSES = {
    "attribute set in __init__": "def __init__(self):\n        self.c = mlflow.MlflowClient()",
    "attribute annotated in the class": "c: mlflow.MlflowClient\n    def __init__(self, c):\n        self.c = c",
    "attribute of the class": "c = mlflow.MlflowClient()",
    "attribute from an annotated parameter": "def __init__(self, c: mlflow.MlflowClient):\n        self.c = c",
    "parameter or default": "def __init__(self, c=None):\n        self.c = c or mlflow.MlflowClient()",
    "property": "@property\n    def c(self):\n        return mlflow.MlflowClient()",
    "set to None first": (
        "def __init__(self):\n        self.c = None\n    def open(self):\n        self.c = mlflow.MlflowClient()"
    ),
}


@pytest.mark.parametrize("body", CLASSES.values(), ids=CLASSES.keys())
def test_client_kept_in_an_object(body: str, tmp_path: Path) -> None:
    code = f"""import mlflow
class Logger:
    {body}
    def log(self, x):
        self.c.log_metric(self.run, 'a', x)

class Child(Logger):
    def log(self, x):
        super().log(x)

logger = Child()
for x in train_loader:
    logger.log(x)
"""
    assert lines(check(code, tmp_path, "MLF101"), "MLF101") == [len(code.splitlines())]


def test_module_kept_in_an_object(tmp_path: Path) -> None:
    code = """
    class Callback:
        def __init__(self):
            import mlflow
            self._mlflow = mlflow

        def run(self, train_loader):
            for x in train_loader:
                self._mlflow.log_metric("a", x)
    """
    assert lines(check(code, tmp_path, "MLF101"), "MLF101") == [9]


def test_through_modules(tmp_path: Path) -> None:
    """Relative imports, re-exports, aliases, submodules and a class whose object is returned by a factory."""
    files = {
        "pkg__tracking__core": """
            import mlflow
            class Tracker:
                def log(self, x):
                    mlflow.log_metric("a", x)
            def record(x):
                mlflow.log_metric("b", x)
            """,
        "pkg__tracking__factory": """
            from .core import Tracker
            def make():
                return Tracker()
            """,
        "pkg__api": "from pkg.tracking.core import record as write\n",
    }
    code = """
    import pkg.api
    from pkg import api as other
    from pkg.api import write
    from pkg.tracking.factory import make

    tracker = make()
    for x in train_loader:
        write(x)
    for x in train_loader:
        pkg.api.write(x)
    for x in train_loader:
        other.write(x)
    for x in train_loader:
        tracker.log(x)
    """
    checked = check(code, tmp_path, "MLF101", **files)
    assert lines(checked, "MLF101") == [9, 11, 13, 15]
    assert [step.path for step in checked.findings[0].chain] == ["code.py", "code.py", "pkg/tracking/core.py"]


def test_import_cycles_end(tmp_path: Path) -> None:
    files = {
        "a": "import mlflow\nfrom b import g\ndef f(x):\n    g(x)\n",
        "b": "from a import f\nimport mlflow\ndef g(x):\n    f(x)\n    mlflow.log_metric('a', x)\n",
    }
    checked = check("from a import f\nfor x in train_loader:\n    f(x)\n", tmp_path, "MLF101", **files)
    assert lines(checked, "MLF101") == [3]


def test_mutual_recursion_ends(tmp_path: Path) -> None:
    code = """
    import mlflow
    def even(x):
        odd(x)
        mlflow.log_metric("a", x)
    def odd(x):
        even(x)
    for x in train_loader:
        odd(x)
    """
    assert lines(check(code, tmp_path, "MLF101"), "MLF101") == [9]
