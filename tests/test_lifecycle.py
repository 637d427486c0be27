"""Which run is open where: flows in which something is sure, and flows in which nothing is."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from linting import check, lines

INNER = "mlflow.start_run()"


def found(body: str, folder: Path, before: str = "") -> bool:
    """Whether the `start_run` that follows a body is found to be started inside another run."""
    function = textwrap.indent(textwrap.dedent(body).strip() + f"\n{INNER}\nmlflow.end_run()\n", "    ")
    code = f"import mlflow\n{textwrap.dedent(before)}\ndef flow(*given):\n{function}"
    last = code.rstrip().count("\n")
    return last in lines(check(code, folder, "MLF406"), "MLF406")


@pytest.mark.parametrize(
    "body",
    [
        "mlflow.start_run()",
        "if given:\n    mlflow.start_run()\n    print()\nelse:\n    raise ValueError\n",
        "mlflow.start_run()\nfor item in given:\n    if item:\n        continue\n    print()",
        "mlflow.start_run()\ntry:\n    train(given)\nfinally:\n    print()",
        "mlflow.start_run()\nif given:\n    mlflow.end_run()\n    return",
        "opened()",
        "with mlflow.start_run():\n    mlflow.log_metric('a', 1)\nmlflow.start_run()",
        "mlflow.start_run()\nwith mlflow.start_run(nested=True):\n    mlflow.log_metric('a', 1)",
        "mlflow.end_run()\nmlflow.start_run()",
    ],
)
def test_a_run_is_sure_to_be_open(body: str, tmp_path: Path) -> None:
    assert found(body, tmp_path, "def opened():\n    mlflow.start_run()\n    mlflow.log_param('a', 1)\n")


@pytest.mark.parametrize(
    "body",
    [
        "print()",
        "if given:\n    mlflow.start_run()",
        "for item in given:\n    mlflow.start_run()\n    mlflow.end_run()",
        "mlflow.start_run()\nfor item in given:\n    if item:\n        mlflow.end_run()",
        "mlflow.start_run()\nwhile given:\n    try:\n        break\n    finally:\n        mlflow.end_run()",
        "mlflow.start_run()\ntry:\n    train(given)\nfinally:\n    mlflow.end_run()",
        "mlflow.start_run()\ntry:\n    train(given)\n    mlflow.end_run()\nexcept ValueError:\n    print()",
        "with mlflow.start_run():\n    mlflow.log_metric('a', 1)",
        "run = mlflow.start_run()\nwith run:\n    mlflow.log_metric('a', 1)",
        "mlflow.start_run()\nclosed()",
        "mlflow.start_run()\ngiven[0].finish_run()",
        "mlflow.start_run()\nif mlflow.active_run():\n    mlflow.end_run()",
        "guarded()",
        "recursive()",
        "stack.enter_context(mlflow.start_run())",
        "with mlflow.start_run() if given else nothing():\n    mlflow.log_metric('a', 1)",
    ],
)
def test_nothing_is_sure(body: str, tmp_path: Path) -> None:
    before = """\
        def closed():
            mlflow.log_param('a', 1)
            mlflow.end_run()

        def guarded():
            try:
                mlflow.start_run()
                return 1
            finally:
                mlflow.end_run()

        def recursive():
            mlflow.start_run()
            recursive()
            mlflow.end_run()
        """
    assert not found(body, tmp_path, before)


def test_deeply_nested_loops_end(tmp_path: Path) -> None:
    loops = "".join(f"{'    ' * depth}for x{depth} in given:\n" for depth in range(18))
    code = f"import mlflow\nmlflow.start_run()\n{loops}{'    ' * 18}mlflow.start_run(nested=True)\n"
    assert lines(check(code, tmp_path, "MLF4"), "MLF406") == []
