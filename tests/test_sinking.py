"""Calls that move behind their loop: when they may, when that is safe, and that the store holds the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from example_cases import fix, only, write
from linting import check
from tracking_store import StoreRunner, assert_same_data

from mlflow_lint.findings import Applicability

HEAD = "import mlflow\n"

SAFE = {
    "literal": "for e in range(3):\n  loss = e * 2\n  mlflow.log_text(str(loss), 'a.txt')\n",
    "last of several": (
        "seen = []\nfor e in [1, 2]:\n  seen.append(e)\n  print(e)\n  mlflow.log_metric('e', e, step=e)\n"
        "  mlflow.log_dict({'seen': seen}, 'a.json')\nprint('end')\n"
    ),
}
UNSAFE = {
    "loop that may not turn": (
        "def f(n):\n  for e in range(n):\n    x = e\n    mlflow.log_text(str(x), 'a.txt')\nf(3)\n"
    ),
    "code that may look into the store": (
        "def work(e):\n  return e\nfor e in range(3):\n  x = work(e)\n  mlflow.log_text(str(x), 'a.txt')\n"
    ),
    "break after it": "for e in range(9):\n  x = e\n  mlflow.log_text(str(x), 'a.txt')\n  if e > 1:\n    break\n",
    "while": "e = 0\nwhile e < 3:\n  e += 1\n  mlflow.log_text(f'{e}', 'a.txt')\n",
    "value that is computed": (
        "def text(e):\n  return 'x' * e\nfor e in range(3):\n  print(e)\n  mlflow.log_text(text(e), 'a.txt')\n"
    ),
}
REFUSED = {
    "only statement": "for e in range(3):\n  mlflow.log_text(str(e), 'a.txt')\n",
    "changed after it": "x = 0\nfor e in range(3):\n  mlflow.log_text(str(x), 'a.txt')\n  x += 1\n",
    "list changed after it": ("x = []\nfor e in range(3):\n  mlflow.log_dict({'x': x}, 'a.json')\n  x.append(e)\n"),
    "passed by": "for e in range(3):\n  if e == f():\n    continue\n  mlflow.log_dict(g(), 'a.json')\n",
    "left before it": "for e in range(3):\n  if g(e):\n    break\n  mlflow.log_text(str(e), 'a.txt')\n",
    "function left": (
        "def f():\n  for e in range(3):\n    mlflow.log_text(str(e), 'a.txt')\n    if g(e):\n      return e\n"
    ),
    "pruned": "for e in range(3):\n  mlflow.log_text(str(e), 'a.txt')\n  if g(e):\n    raise Pruned\n",
    "generator": "def f():\n  for e in range(3):\n    mlflow.log_text(str(e), 'a.txt')\n    yield e\n",
    "errors caught around": (
        "try:\n  for e in range(3):\n    x = f(e)\n    mlflow.log_text(str(x), 'a.txt')\n"
        "except ValueError:\n  print('on')\n"
    ),
    "else": "for e in range(3):\n  x = e\n  mlflow.log_text(str(x), 'a.txt')\nelse:\n  x = 9\n",
    "removed after it": (
        "import os\nfor e in range(3):\n  save(e, 'a.csv')\n  mlflow.log_artifact('a.csv')\n  os.remove('a.csv')\n"
    ),
    "figure cleared after it": (
        "import matplotlib.pyplot as plt\nfor e in range(3):\n  mlflow.log_figure(fig, 'a.png')\n  plt.clf()\n"
    ),
    "another upload of perhaps the same": (
        "for e in range(3):\n  x = e\n  mlflow.log_text(str(x), 'a.txt')\n  mlflow.log_text('b', f(e))\n"
    ),
    "told to a tool": "for e in range(3):\n  x = e\n  mlflow.log_text(str(x), 'a.txt')  # type: ignore\n",
    "one line": "for e in range(3): x = e; mlflow.log_text(str(x), 'a.txt')\n",
    "text over several lines": 'for e in range(3):\n  x = e\n  mlflow.log_text("""\n  a\n  """, "a.txt")\n',
}
TAGS = {
    "tag of another key": "for b in loader:\n  f(b)\n  mlflow.set_tag(f'{b}', 1)\n",
    "tag elsewhere in the turn": (
        "for b in loader:\n  f(b)\n  if b > 1:\n    mlflow.set_tag('a', 0)\n  mlflow.set_tag('a', b)\n"
    ),
    "tags that are not in sight": "for b in loader:\n  f(b)\n  mlflow.set_tags(tags)\n",
}
TABLES = {
    "data of unknown form": "for x in xs:\n  mlflow.log_table(rows(x), 'a.json')\n",
    "a scalar": "for x in xs:\n  mlflow.log_table({'a': x}, 'a.json')\n",
    "a frame from elsewhere": "for x in xs:\n  mlflow.log_table(frame, 'a.json')\n",
    "another table in the turn": (
        "for x in xs:\n  mlflow.log_table({'a': [x]}, 'a.json')\n  mlflow.log_table({'a': [x]}, name)\n"
    ),
    "errors caught": "for x in xs:\n  try:\n    mlflow.log_table({'a': [x]}, 'a.json')\n  except OSError:\n    pass\n",
    "function left": (
        "def f():\n  for x in xs:\n    mlflow.log_table({'a': [x]}, 'a.json')\n    if g(x):\n      return\n"
    ),
}


def fixes(code: str, rule: str, folder: Path) -> list[Applicability | None]:
    """The applicability of the fix of each finding."""
    found = check(HEAD + code, folder, rule).findings
    return [None if finding.fix is None else finding.fix.applicability for finding in found]


@pytest.mark.parametrize(
    ("code", "applicability"),
    [
        *((code, Applicability.SAFE) for code in SAFE.values()),
        *((code, Applicability.UNSAFE) for code in UNSAFE.values()),
    ],
    ids=(*SAFE, *UNSAFE),
)
def test_moved_upload_leaves_the_same(
    code: str, applicability: Applicability, store_runner: StoreRunner, tmp_path: Path
) -> None:
    assert fixes(code, "MLF302", tmp_path) == [applicability]
    path = write(tmp_path / "lint", HEAD + code)
    result = fix(path, only(path.parent, "MLF302"), unsafe=applicability is Applicability.UNSAFE)
    assert not result.problems
    before, after = (store_runner.run(text, cwd=tmp_path) for text in (result.before, result.after))
    assert before.exception is None
    assert_same_data(before, after, timestamps=True)
    assert after.writes < before.writes


@pytest.mark.parametrize("code", REFUSED.values(), ids=REFUSED.keys())
def test_upload_that_stays(code: str, tmp_path: Path) -> None:
    assert set(fixes(code, "MLF302", tmp_path)) <= {None}


@pytest.mark.parametrize("code", TAGS.values(), ids=TAGS.keys())
def test_tag_that_stays(code: str, tmp_path: Path) -> None:
    found = fixes(f"loader = torch.utils.data.DataLoader(d)\n{code}", "MLF103", tmp_path)
    assert found
    assert set(found) == {None}


@pytest.mark.parametrize("code", TABLES.values(), ids=TABLES.keys())
def test_table_that_stays(code: str, tmp_path: Path) -> None:
    found = fixes(code, "MLF303", tmp_path)
    assert found
    assert set(found) == {None}
