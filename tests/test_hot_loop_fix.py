"""The three ways to fix a metric that is logged each step: what they write, what they leave alone, what they record."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from example_cases import check, fix, only, write
from tracking_store import Recorded, StoreRunner, assert_same_data

from mlflow_lint.fixes.indenting import indented
from mlflow_lint.fixing import Fixed

WAYS = ("async", "buffer", "throttle")


def fixed(code: str, how: str, folder: Path, name: str = "example.py") -> Fixed:
    """A program after the fixes of MLF101 in one of the ways."""
    folder.mkdir(exist_ok=True)
    path = write(folder, code, name=name)
    return fix(path, replace(only(folder, "MLF101"), hot_loop_fix=how), unsafe=True)


def cured(code: str, how: str, folder: Path) -> str:
    """The text after the fix, which must leave nothing to find and nothing to do."""
    result = fixed(code, how, folder)
    assert (result.problems, result.remaining.findings) == ((), ())
    ast.parse(result.after)
    assert fixed(result.after, how, folder).after == result.after
    return result.after


# --------------------------------------------------------------------------------------------- on a real store
SETUP = """\
import sys

import mlflow

class Loader:
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __iter__(self):
        return iter(range(self.count))

class Tensor:
    def __init__(self, value):
        self.value = value

    def __float__(self):
        return float(self.value)

train_loader = Loader(12)

def train_step(batch):
    return 1 / (batch + 1)

"""

PROGRAMS = {
    "to the end": """\
with mlflow.start_run():
    for epoch in range(2):
        for i, batch in enumerate(train_loader):
            loss = train_step(batch)
            mlflow.log_metric("loss", loss, step=epoch * len(train_loader) + i)
            mlflow.log_metrics({"a": loss, "b": 2 * loss}, step=i)
        mlflow.log_metric("epoch", epoch, step=epoch)
""",
    "an exception": """\
with mlflow.start_run():
    for i, batch in enumerate(train_loader):
        mlflow.log_metric("loss", train_step(batch), step=i)
        if i == 7:
            raise RuntimeError("no more memory")
""",
    "an exit": """\
with mlflow.start_run():
    for i, batch in enumerate(train_loader):
        mlflow.log_metric("loss", train_step(batch), step=i)
        if i == 7:
            sys.exit(3)
""",
    "a return": """\
def fit(train_loader):
    with mlflow.start_run() as run:
        for i, batch in enumerate(train_loader):
            loss = train_step(batch)
            mlflow.log_metric("loss", loss, i)
            if loss < 0.1:
                return loss

print(fit(train_loader))
""",
    "a break, and what follows": """\
with mlflow.start_run():
    for i, batch in enumerate(train_loader):
        loss = train_step(batch)
        mlflow.log_metric("loss", loss, i)
        if loss < 0.1:
            break
    else:
        mlflow.set_tag("ended", "late")
    mlflow.log_metric("loss", 9.0, 100)
""",
    "a value that changes later": """\
total = Tensor(0)
with mlflow.start_run():
    for i, batch in enumerate(train_loader):
        total.value += train_step(batch)
        mlflow.log_metric("total", total, step=i)
""",
    "a step that is none": """\
def fit(train_loader, step=None):
    with mlflow.start_run():
        for batch in train_loader:
            mlflow.log_metric("loss", train_step(batch), step=step)

fit(train_loader)
""",
    "a run of a client": """\
client = mlflow.MlflowClient()
run_id = client.create_run("0").info.run_id
with mlflow.start_run(run_id=run_id):
    for i, batch in enumerate(train_loader):
        client.log_metric(run_id, "loss", train_step(batch), step=i)
        client.log_batch(run_id, [mlflow.entities.Metric("a", 1.0, 0, i)])
""",
}

MANY = """\
train_loader = Loader(250)
with mlflow.start_run():
    for i, batch in enumerate(train_loader):
        mlflow.log_metrics({f"m{key}": batch * key for key in range(6)}, step=i)
"""

LENIENT = {
    "no run is open": """\
for i, batch in enumerate(train_loader):
    mlflow.log_metric("loss", train_step(batch), step=i)
mlflow.end_run()
""",
    "nothing to log": """\
rank = 1
for i, batch in enumerate(train_loader):
    loss = train_step(batch)
    if rank == 0:
        mlflow.log_metric("loss", loss, step=i)
""",
}


def ran(runner: StoreRunner, code: str, folder: Path) -> Recorded:
    folder.mkdir()
    return runner.run(path=write(folder, code), cwd=folder)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("how", ["async", "buffer"])
def test_no_point_is_lost(how: str, name: str, store_runner: StoreRunner, tmp_path: Path) -> None:
    code = SETUP + PROGRAMS[name]
    text = cured(code, how, tmp_path / "lint")
    before, after = ran(store_runner, code, tmp_path / "before"), ran(store_runner, text, tmp_path / "after")
    assert any(run.metrics for run in before.runs)
    assert_same_data(before, after, timestamps=True)
    assert after.writes * 3 <= before.writes


@pytest.mark.parametrize("name", LENIENT)
def test_a_run_is_opened_only_for_points(name: str, store_runner: StoreRunner, tmp_path: Path) -> None:
    code = SETUP + LENIENT[name]
    text = cured(code, "buffer", tmp_path / "lint")
    before, after = ran(store_runner, code, tmp_path / "before"), ran(store_runner, text, tmp_path / "after")
    assert_same_data(before, after, timestamps=True)


def test_points_are_sent_by_the_hundreds(store_runner: StoreRunner, tmp_path: Path) -> None:
    code = SETUP + MANY
    before = ran(store_runner, code, tmp_path / "before")
    after = ran(store_runner, cured(code, "buffer", tmp_path / "lint"), tmp_path / "after")
    assert_same_data(before, after, timestamps=True)
    assert before.writes - after.writes == 250 - 3


def test_every_hundredth_step_is_left(store_runner: StoreRunner, tmp_path: Path) -> None:
    code = SETUP + MANY
    after = ran(store_runner, cured(code, "throttle", tmp_path / "lint"), tmp_path / "after")
    assert after.exception is None, after.stderr
    assert [step for step, _, _ in after.runs[0].metrics["m1"]] == [0, 100, 200]


# ------------------------------------------------------------------------------------------------- what is written
def test_the_loop_goes_into_a_try(tmp_path: Path) -> None:
    code = """\
import mlflow


def fit(train_loader, points):
    # one epoch
    for batch in train_loader:
        loss = train_step(batch)

        mlflow.log_metric("loss", loss.item())  # as a number
        # that is all
    return points
"""
    after = """\
import time

import mlflow
from mlflow.entities import Metric


def fit(train_loader, points):
    # one epoch
    points_to_log = []
    try:
        for batch in train_loader:
            loss = train_step(batch)

            points_to_log.append(
                Metric("loss", loss.item(), int(time.time() * 1000), 0)
            )  # as a number
            if len(points_to_log) >= 500:
                mlflow.MlflowClient().log_batch(
                    (mlflow.active_run() or mlflow.start_run()).info.run_id, metrics=points_to_log
                )
                points_to_log.clear()
            # that is all
    finally:
        if points_to_log:
            mlflow.MlflowClient().log_batch(
                (mlflow.active_run() or mlflow.start_run()).info.run_id, metrics=points_to_log
            )
    return points
"""
    assert cured(code, "buffer", tmp_path) == after


def test_names_that_mean_something_else(tmp_path: Path) -> None:
    code = """\
import mlflow
from time import time
from torchmetrics import Metric

for key, batch in enumerate(train_loader):
    mlflow.log_metrics({"loss": train_step(batch)}, step=key)
"""
    text = cured(code, "buffer", tmp_path)
    assert "mlflow.entities.Metric(name, float(value), int(time() * 1000), key)" in text
    assert 'for name, value in {"loss": train_step(batch)}.items()' in text
    assert text.startswith(code[: code.index("\nfor")])


@pytest.mark.parametrize(
    ("loop", "after"),
    [
        ("for x, y in train_loader:", "for step, (x, y) in enumerate(train_loader):\n    if step % 100 == 0:"),
        ("for i, batch in enumerate(train_loader):", "for i, batch in enumerate(train_loader):\n    if i % 100 == 0:"),
        ("for _k in range(len(train_loader)):", "for _k in range(len(train_loader)):\n    if _k % 100 == 0:"),
        ("for x in tqdm(train_loader):", "for step, x in enumerate(tqdm(train_loader)):\n    if step % 100 == 0:"),
    ],
)  # fmt: skip
def test_the_counter_of_a_throttle(loop: str, after: str, tmp_path: Path) -> None:
    code = f'import mlflow\n\n{loop}\n    mlflow.log_metric("a", loss)\n    mlflow.log_metric("b", loss)\n'
    expected = f'import mlflow\n\n{after}\n        mlflow.log_metric("a", loss)\n        mlflow.log_metric("b", loss)\n'
    assert cured(code, "throttle", tmp_path) == expected


def test_the_variable_of_asynchronous_logging(tmp_path: Path) -> None:
    code = SETUP + PROGRAMS["to the end"]
    text = cured(code, "async", tmp_path)
    assert text.startswith(
        "import os\nimport sys\n\nimport mlflow\n\n"
        'os.environ.setdefault("MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS", "5")\n'
    )
    assert 'mlflow.log_metrics({"a": loss, "b": 2 * loss}, step=i, synchronous=False)' in text


# ------------------------------------------------------------------------------------------------ what is left alone
LEFT = {
    ("buffer", "errors are caught"): """\
for batch in train_loader:
    try:
        mlflow.log_metric("loss", train_step(batch))
    except Exception:
        pass
""",
    ("buffer", "a generator"): """\
def fit(train_loader):
    for batch in train_loader:
        mlflow.log_metric("loss", train_step(batch))
        yield batch
""",
    ("buffer", "the loop ends the run"): """\
for batch in train_loader:
    mlflow.log_metric("loss", train_step(batch))
    if batch is None:
        mlflow.end_run()
        break
""",
    ("buffer", "a run of the turn"): """\
for batch in train_loader:
    loss = train_step(batch)
    mlflow.log_metric("loss", loss, run_id=batch.run)
""",
    ("buffer", "a dataset"): """\
for batch in train_loader:
    mlflow.log_metric("loss", train_step(batch), dataset=data)
""",
    ("buffer", "a string over two lines"): '''\
for batch in train_loader:
    mlflow.log_metric("loss", train_step(batch))
    print("""
    ended""")
''',
    ("buffer", "two statements on a line"): """\
for batch in train_loader:
    loss = train_step(batch); mlflow.log_metric("loss", loss)
""",
    ("buffer", "an asynchronous loop"): """\
async def fit(train_loader):
    async for batch in train_loader:
        mlflow.log_metric("loss", train_step(batch))
""",
    ("buffer", "a comprehension"): """\
[mlflow.log_metric("loss", train_step(batch)) for batch in train_loader]
""",
    ("throttle", "a value that is a step of the training"): """\
for batch in train_loader:
    mlflow.log_metric("loss", train_step(batch))
""",
    ("throttle", "nothing counts"): """\
while not done:
    observation, reward, done = env.step(action)
    mlflow.log_metric("reward", reward)
""",
    ("async", "nothing is sure to drain the queue"): """\
mlflow.start_run()
for batch in train_loader:
    mlflow.log_metric("loss", train_step(batch))
mlflow.end_run()
""",
    ("async", "the caller's run"): """\
def fit(train_loader):
    for batch in train_loader:
        mlflow.log_metric("loss", train_step(batch))
""",
}


@pytest.mark.parametrize(("how", "why"), LEFT)
def test_no_fix(how: str, why: str, tmp_path: Path) -> None:
    code = f"import mlflow\n\n{LEFT[how, why]}"
    result = fixed(code, how, tmp_path)
    assert (result.after, result.problems) == (code, ())
    assert [finding.code for finding in result.remaining.findings] == ["MLF101"]


HOOKS = """\
import lightning.pytorch as pl
import mlflow


def report(loss):
    mlflow.log_metric("loss", loss)


class Model(pl.LightningModule):
    def training_step(self, batch, batch_idx):
        mlflow.log_metric("loss", self(batch))


for batch in train_loader:
    report(train_step(batch))
"""


@pytest.mark.parametrize("how", WAYS)
def test_no_fix_through_functions_and_hooks(how: str, tmp_path: Path) -> None:
    result = fixed(HOOKS, how, tmp_path)
    assert (result.after, result.problems, len(result.remaining.findings)) == (HOOKS, (), 2)


def test_safe_fixes_leave_the_loop_alone(tmp_path: Path) -> None:
    path = write(tmp_path, SETUP + PROGRAMS["to the end"])
    settings = only(tmp_path, "MLF101")
    assert fix(path, settings, unsafe=False).after == path.read_text()
    assert len(check(path, settings).findings) == 1


def test_indenting_leaves_strings_alone() -> None:
    assert indented("if a:\r\n\tb\r\n\r\n\t# c", "\t") == "\tif a:\r\n\t\tb\r\n\r\n\t\t# c"
    assert indented('a = """b\nc"""', "    ") is None
    assert indented('a = f"""{b}\nc"""', "    ") is None
