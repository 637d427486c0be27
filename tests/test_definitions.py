"""Which names of a module may lead to MLflow, told from its text."""

from __future__ import annotations

import pytest

from mlflow_lint.project.definitions import definitions, leading

CASES = {
    "a function": (
        b"import mlflow\ndef log(x):\n    mlflow.log_metric('a', x)\ndef add(a, b):\n    return a + b\n",
        b"log",
    ),
    "through another": (b"def a():\n    mlflow.x()\ndef b():\n    a()\ndef c():\n    b()\ndef d(): pass\n", b"a b c"),
    "a class": (b"class Log:\n    def write(self):\n        MLFLOW.x()\nclass Other:\n    pass\n", b"Log"),
    "an object": (b"def make(): return mlflow\nlog = make()\nother = 1\n", b"make log"),
    "an object of a block": (b"if True:\n    log = mlflow.x\nelse:\n    log = None\n", b"log"),
    "an annotated object": (b"log: Any = mlflow.x\n", b"log"),
    "a global": (b"def begin():\n    global client, run\n    client = mlflow.x()\n", b"begin client run"),
    "a decorator": (b"def plain(): pass\n@mlflow.trace\n@other\ndef traced():\n    pass\n", b"traced"),
    "an import of another name": (b"from mlflow import log_metric as log\n", b"log"),
    "a fallback": (b"try:\n    import mlflow as m\nexcept ImportError:\n    m = None\n", b"m"),
    "an abstract class": (b"import mlflow\nclass Base:\n    def log(self): raise NotImplementedError\n", b"Base"),
    "a margin in a string": (b'def log():\n    """\nText.\n    """\n    mlflow.x()\n', b"log"),
    "code after a definition": (b"def quiet():\n    pass\nprint(mlflow)\n", b"quiet"),
    "nothing": (b"def f():\n    pass\n", b""),
    "no code": (b"", b""),
    "no text": (b"\xff\x00def\x00", b""),
}


@pytest.mark.parametrize(("code", "expected"), CASES.values(), ids=CASES.keys())
def test_names_that_lead_to_mlflow(code: bytes, expected: bytes) -> None:
    assert leading(definitions(code), frozenset()) == frozenset(expected.split())


def test_names_that_others_bring_in() -> None:
    found = definitions(b"from wrapper import write\ndef train():\n    write(1)\ndef add(a, b):\n    return a + b\n")
    assert leading(found, frozenset()) == frozenset()
    assert leading(found, frozenset({b"write"})) == {b"train"}
