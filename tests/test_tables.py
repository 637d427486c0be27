"""Tables that grow in a loop of one run, in many shapes."""

from __future__ import annotations

from pathlib import Path

import pytest
from linting import check, lines

FOUND = {
    "nested loop": "for e in range(3):\n  for x in rows:\n    mlflow.log_table(x, 'a.json')",
    "while": "while not done:\n  mlflow.log_table(step(), 'a.json')",
    "name from outside": "def f(path):\n  for x in rows:\n    mlflow.log_table(x, path)",
    "client": "client = mlflow.MlflowClient()\nfor x in rows:\n  client.log_table(run_id, x, 'a.json')",
    "epoch hook": (
        "import lightning.pytorch as pl\nclass M(pl.LightningModule):\n  def on_validation_epoch_end(self):\n"
        "    mlflow.log_table(self.rows, 'a.json')"
    ),
    "method": (
        "class T:\n  def add(self, row):\n    mlflow.log_table(row, 'a.json')\n"
        "  def fit(self):\n    for x in rows:\n      self.add(x)"
    ),
}

SILENT = {
    "once": "mlflow.log_table(rows, 'a.json')",
    "file of the item": "for name in names:\n  mlflow.log_table(load(name), name)",
    "file assigned in the loop": "for x in rows:\n  p = x.path\n  mlflow.log_table(x, p)",
    "file that a call makes": "for x in rows:\n  mlflow.log_table(x, new_name())",
    "run of each item": "for i in ids:\n  mlflow.MlflowClient().log_table(i, rows, 'a.json')",
    "run around": "for x in rows:\n  with mlflow.start_run():\n    mlflow.log_table(x, 'a.json')",
    "first turn": "for i, x in enumerate(rows):\n  if i == 0:\n    mlflow.log_table(x, 'a.json')",
    "helper with a name of its own": (
        "def add(row, i):\n  p = f'{i}.json'\n  mlflow.log_table(row, p)\nfor i, x in enumerate(rows):\n  add(x, i)"
    ),
    "hook that runs once": (
        "import lightning.pytorch as pl\nclass M(pl.LightningModule):\n  def on_fit_end(self):\n"
        "    mlflow.log_table(self.rows, 'a.json')"
    ),
}


@pytest.mark.parametrize("code", FOUND.values(), ids=FOUND.keys())
def test_found(code: str, tmp_path: Path) -> None:
    assert len(lines(check(f"import mlflow\n{code}\n", tmp_path, "MLF303"), "MLF303")) == 1


@pytest.mark.parametrize("code", SILENT.values(), ids=SILENT.keys())
def test_silent(code: str, tmp_path: Path) -> None:
    assert lines(check(f"import mlflow\n{code}\n", tmp_path, "MLF303"), "MLF303") == []
