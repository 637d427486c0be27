"""Files that go up one by one, artifacts that are overwritten and folders that go up again, in many shapes."""

from __future__ import annotations

from pathlib import Path

import pytest
from linting import check, lines
from tracking_store import StoreRunner

PER_FILE = {
    "comprehension": "[mlflow.log_artifact(p) for p in glob.glob('*.png')]",
    "walk": (
        "for root, _, names in os.walk('out'):\n  for name in names:\n    mlflow.log_artifact(os.path.join(root, name))"
    ),
    "each in its own try": (
        "files = os.listdir(d)\nfor file in files:\n  path = os.path.join(d, file)\n"
        "  try:\n    mlflow.log_artifact(path)\n  except Exception as e:\n    print(e)"
    ),
    "one of two lists": (
        "paths = []\nfor m in ms:\n  paths.append(draw(m))\nfor i, p in enumerate(paths):\n  mlflow.log_artifact(p)"
    ),
    "returned by a function that fills it": (
        "def draw_all(ms):\n  out = []\n  for m in ms:\n    out.append(draw(m))\n  return out\n"
        "def report(ms):\n  for p in draw_all(ms):\n    mlflow.log_artifact(p)"
    ),
    "method of a facade": (
        "class T:\n  def file(self, p):\n    mlflow.log_artifact(p, 'plots')\n"
        "  def all(self, d):\n    for p in d.iterdir():\n      self.file(p)"
    ),
    "images": "for array in arrays:\n  mlflow.log_image(Image.fromarray(array), f'{uuid4()}.png')",
    "client": "def f(client: mlflow.MlflowClient, r, paths):\n  for p in paths:\n    client.log_artifact(r, p)",
}
NOT_PER_FILE = {
    "named literal": "FILES = ['a.csv', 'b.csv']\nfor p in FILES:\n  mlflow.log_artifact(p)",
    "literal and one more": (
        "paths = ['a.csv']\nif extra:\n  paths.append('b.csv')\nfor p in paths:\n  mlflow.log_artifact(p)"
    ),
    "returned literal": "def files():\n  return [roc(), pr()]\nfor p in files():\n  mlflow.log_artifact(p)",
    "names that are written out": (
        "for name in ['roc.png', 'pr.png']:\n  for p in sorted(d.glob(name)):\n    mlflow.log_artifact(p)"
    ),
    "the first few": "for p in sorted(d.glob('*.png'))[:5]:\n  mlflow.log_artifact(p)",
    "every tenth": "for i, p in enumerate(d.glob('*.png')):\n  if i % 10 == 0:\n    mlflow.log_artifact(p)",
    "runs": "for path in paths:\n  with mlflow.start_run():\n    mlflow.log_artifact(path)",
    "run of each": "for run in runs:\n  for path in paths:\n    pass\n  client.log_artifact(run.info.run_id, 'a')",
    "made in the turn": "for p in d.glob('*.edf'):\n  out = convert(p)\n  mlflow.log_artifact(out)",
    "trains": "for p in d.glob('*.csv'):\n  fit_model(p)\n  mlflow.log_artifact(p)",
    "the same file": "for p in d.glob('*.csv'):\n  mlflow.log_artifact('all.csv')",
    "classes": "for name in class_names:\n  fig = plt.figure()\n  mlflow.log_figure(fig, f'{name}.png')",
    "dict of a caller": "for name, path in artifacts.items():\n  mlflow.log_artifact(path, name)",
    "loggers": "for logger in loggers:\n  logger.log_artifact(path)",
    "episodes that teach": (
        "for e in range(num_episodes):\n  done = False\n  while not done:\n    obs, r, done = env.step(a)\n"
        "    agent.learn(r)\n  mlflow.log_artifact(f'{e}.gif')"
    ),
}

OVERWRITTEN = {
    "pathlib": "for e in range(9):\n  p = out / 'cm.png'\n  fig.savefig(p)\n  mlflow.log_artifact(str(p))",
    "written by a call": "for e in range(9):\n  save_plot(model, 'cm.png')\n  mlflow.log_artifact('cm.png')",
    "write_text": "for e in range(9):\n  p = Path('a.csv')\n  p.write_text(rows(e))\n  mlflow.log_artifact(p)",
    "rank and switch": "for e in range(9):\n  if rank == 0 and use_mlflow:\n    mlflow.log_figure(draw(e), 'cm.png')",
    "file that a helper is given": (
        "def show(fig, name):\n  mlflow.log_figure(fig, name)\nfor e in range(9):\n  show(draw(e), 'cm.png')"
    ),
    "default of a helper": (
        "def show(fig, name='cm.png'):\n  mlflow.log_figure(fig, name)\nfor e in range(9):\n  show(draw(e))"
    ),
    "while": "while epoch < 9:\n  epoch += 1\n  mlflow.log_dict(scores(epoch), 'scores.json')",
}
NOT_OVERWRITTEN = {
    "once": "mlflow.log_figure(fig, 'cm.png')",
    "epoch in the folder": "for e in range(9):\n  fig.savefig('cm.png')\n  mlflow.log_artifact('cm.png', f'{e}')",
    "epoch in a helper": (
        "def show(fig, e):\n  mlflow.log_figure(fig, f'{e}.png')\nfor e in range(9):\n  show(draw(e), e)"
    ),
    "name that a call makes": "for e in range(9):\n  mlflow.log_figure(draw(e), next_name())",
    "kept checkpoint": "for e in range(9):\n  torch.save(m, 'last.ckpt')\n  mlflow.log_artifact('last.ckpt')",
    "kept log, by its attribute": "for e in range(9):\n  run(self.log_path)\n  mlflow.log_artifact(self.log_path)",
    "best so far": "for e in range(9):\n  if is_best:\n    mlflow.log_figure(draw(e), 'cm.png')",
    "one of the models": (
        "for name, m in models.items():\n  if name == 'forest':\n    mlflow.log_figure(fig, 'a.png')"
    ),
    "read, not written": "for e in range(9):\n  with open('a.csv') as f:\n    read(f)\n  mlflow.log_artifact('a.csv')",
    "loggers": "def f(loggers):\n  for logger in loggers:\n    logger.log_figure(fig, 'cm.png')",
    "run opened by something else": "for e in trials:\n  with tracker.new_run():\n    mlflow.log_dict(s(e), 'a.json')",
    "temporary name": (
        "for e in range(9):\n  with TemporaryFile() as f:\n    fig.savefig(f.name)\n    mlflow.log_artifact(f.name)"
    ),
    "loop that ends": "for e in range(9):\n  mlflow.log_figure(draw(e), 'cm.png')\n  break",
    "test epoch": (
        "import lightning.pytorch as pl\nclass M(pl.LightningModule):\n  def on_test_epoch_end(self):\n"
        "    mlflow.log_figure(self.draw(), 'cm.png')"
    ),
    "attribute that may change": (
        "class C:\n  def begin(self, n):\n    self.file = f'{n}.png'\n  def fit(self):\n    for e in range(9):\n"
        "      self.begin(e)\n      mlflow.log_figure(draw(e), self.file)"
    ),
}

REUPLOADED = {
    "method of the turn": (
        "class T:\n  def __init__(self, d):\n    self.d = d\n  def keep(self):\n    mlflow.log_artifacts(self.d)\n"
        "  def fit(self):\n    for e in range(9):\n      self.keep()"
    ),
    "path put together": "for e in range(9):\n  mlflow.log_artifacts(os.path.join(out, 'plots'), 'plots')",
    "client": "client = mlflow.MlflowClient()\nfor e in range(9):\n  client.log_artifacts(run_id, 'plots')",
}
NOT_REUPLOADED = {
    "once": "mlflow.log_artifacts('plots')",
    "temporary folder": "for e in range(9):\n  with TemporaryDirectory() as d:\n    mlflow.log_artifacts(d)",
    "folder of the item": "for d in glob.glob('*.tf'):\n  mlflow.log_artifacts(d, 'models')",
    "run of the item": "client = mlflow.MlflowClient()\nfor r in ids:\n  client.log_artifacts(r, 'plots')",
    "last epoch": "for e in range(9):\n  if e == 8:\n    mlflow.log_artifacts('plots')",
}


def found(code: str, rule: str, folder: Path) -> int:
    """How many findings of a rule there are."""
    return len(lines(check(f"import mlflow\nimport glob, os\nfrom pathlib import Path\n{code}\n", folder, rule), rule))


@pytest.mark.parametrize("code", PER_FILE.values(), ids=PER_FILE.keys())
def test_files_one_by_one(code: str, tmp_path: Path) -> None:
    assert found(code, "MLF301", tmp_path) == 1


@pytest.mark.parametrize("code", NOT_PER_FILE.values(), ids=NOT_PER_FILE.keys())
def test_not_files_one_by_one(code: str, tmp_path: Path) -> None:
    assert found(code, "MLF301", tmp_path) == 0


@pytest.mark.parametrize("code", OVERWRITTEN.values(), ids=OVERWRITTEN.keys())
def test_overwritten(code: str, tmp_path: Path) -> None:
    assert found(code, "MLF302", tmp_path) == 1


@pytest.mark.parametrize("code", NOT_OVERWRITTEN.values(), ids=NOT_OVERWRITTEN.keys())
def test_not_overwritten(code: str, tmp_path: Path) -> None:
    assert found(code, "MLF302", tmp_path) == 0


@pytest.mark.parametrize("code", REUPLOADED.values(), ids=REUPLOADED.keys())
def test_uploaded_again(code: str, tmp_path: Path) -> None:
    assert found(code, "MLF304", tmp_path) == 1


@pytest.mark.parametrize("code", NOT_REUPLOADED.values(), ids=NOT_REUPLOADED.keys())
def test_not_uploaded_again(code: str, tmp_path: Path) -> None:
    assert found(code, "MLF304", tmp_path) == 0


def test_a_directory_goes_up_whole_each_time(store_runner: StoreRunner, tmp_path: Path) -> None:
    code = (
        "import mlflow, pathlib\nout = pathlib.Path('samples')\nout.mkdir()\nfor epoch in range(4):\n"
        "  (out / f'{epoch}.txt').write_text('x')\n  mlflow.log_artifacts('samples')\n"
    )
    assert lines(check(code, tmp_path, "MLF304"), "MLF304") == [6]
    recorded = store_runner.run(code, cwd=tmp_path)
    assert recorded.exception is None
    assert recorded.write_calls.count("log_artifacts") == 1 + 2 + 3 + 4
    assert len(recorded.runs[0].artifacts) == 4
