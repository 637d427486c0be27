"""Searches of which a few rows are used, in many shapes."""

from __future__ import annotations

from pathlib import Path

import pytest
from linting import check, lines

FOUND = {
    "column, then row": "runs = mlflow.search_runs()\nprint(runs['run_id'][0])",
    "column by attribute": "runs = mlflow.search_runs()\nprint(runs.run_id.iloc[0])",
    "values of a column": "runs = mlflow.search_runs()\nprint(runs['run_id'].values[0])",
    "number of rows": "runs = mlflow.search_runs()\nif runs.shape[0] == 0:\n  stop()",
    "truth of a list": "runs = mlflow.search_runs(output_format='list')\nif not runs:\n  stop()",
    "any": "if len(mlflow.search_runs()) > 0:\n  stop()",
    "one row": "mlflow.search_runs().head(1)",
    "assigned again": "a = mlflow.search_runs()\nprint(a.iloc[0])\na = load()\nprint(a)",
    "in a branch": "def f(x):\n  if x:\n    a = mlflow.search_runs()\n    return a.iloc[0]",
    "in one of two branches": "def f(x):\n  if x:\n    a = mlflow.search_runs()\n    return a.iloc[0]\n  else:\n"
    "    a = load()\n    return a",
    "before both ways go on": "def f(x):\n  a = None\n  try:\n    a = mlflow.search_runs()\n  except E:\n"
    "    return a is None\n  return a.iloc[0]",
    "in a condition": "runs = mlflow.search_runs(output_format='list')\nx = 1 if runs is not None and not runs else 2",
}

SILENT = {
    "all are counted": "runs = mlflow.search_runs()\nprint(len(runs))",
    "more than one is asked for": "runs = mlflow.search_runs()\nif len(runs) > 1:\n  stop()",
    "handed on": "runs = mlflow.search_runs()\nshow(runs)",
    "given back": "def f():\n  runs = mlflow.search_runs()\n  print(runs.iloc[0])\n  return runs",
    "shown by a notebook": "mlflow.search_runs()",
    "filtered": "runs = mlflow.search_runs()\nprint(runs[runs.status == 'FINISHED'].iloc[0])",
    "last row": "print(mlflow.search_runs().iloc[-1])",
    "slice": "print(mlflow.search_runs()[:3])",
    "the names of its columns": "print(mlflow.search_runs().columns[0])",
    "client": "print(mlflow.MlflowClient().search_runs(['0'])[0])",
    "kept on an object": "class A:\n  def f(self):\n    self.runs = mlflow.search_runs()\n    return self.runs.iloc[0]",
    "read in a function": "runs = mlflow.search_runs()\nprint(runs.iloc[0])\ndef f():\n  return runs",
    "behind both branches": "def f(x):\n  if x:\n    a = mlflow.search_runs()\n    print(a.iloc[0])\n  else:\n"
    "    a = None\n  return a",
    "in the next turn": "def f(xs):\n  a = None\n  for x in xs:\n    show(a)\n    if x:\n"
    "      a = mlflow.search_runs()\n      print(a.iloc[0])",
    "in a function before": "def f(x):\n  def g():\n    return a\n  a = None\n  if x:\n    a = mlflow.search_runs()\n"
    "    print(a.iloc[0])\n  return g()",
    "not used": "runs = mlflow.search_runs()",
    "in a loop, then all": (
        "for name in names:\n  runs = mlflow.search_runs(experiment_names=[name])\n  print(runs.iloc[0])\nshow(runs)"
    ),
}


@pytest.mark.parametrize("code", FOUND.values(), ids=FOUND.keys())
def test_found(code: str, tmp_path: Path) -> None:
    assert len(lines(check(f"import mlflow\n{code}\n", tmp_path, "MLF505"), "MLF505")) == 1


@pytest.mark.parametrize("code", SILENT.values(), ids=SILENT.keys())
def test_silent(code: str, tmp_path: Path) -> None:
    assert lines(check(f"import mlflow\n{code}\n", tmp_path, "MLF505"), "MLF505") == []
