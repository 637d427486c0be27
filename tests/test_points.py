"""The fix of MLF207 where its examples do not reach: when it is safe, what it writes, and what the store holds then."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import pytest
from example_cases import check, everything, fix, only, write
from tracking_store import StoreRunner, assert_same_data

from mlflow_lint.findings import Applicability
from mlflow_lint.fixing import Fixed

SAFE, UNSAFE = Applicability.SAFE, Applicability.UNSAFE

IMPORTS = "import mlflow\nimport numpy as np\nfrom mlflow import MlflowClient\n\n"
DATA = """\
losses = [0.9, 0.5, 0.4]
history = {"loss": losses, "rate": [3, 2, 1]}
rows = [{"a": 1, "b": 2}, {"a": 3}]
"""
CLIENT = 'client = MlflowClient()\nrun_id = client.create_run("0").info.run_id\n'
POINT = 'client.log_metric(run_id, "loss", loss, step=epoch)'
BY_NAME = "client.log_metric(run_id, name, loss, step=epoch)"


def offered(folder: Path, code: str) -> Applicability | None:
    """The applicability of the fix for the one replay of a program; None if there is no fix."""
    (finding,) = check(write(folder, code), only(folder, "MLF207")).findings
    return finding.fix.applicability if finding.fix is not None else None


def fixed(folder: Path, code: str) -> Fixed:
    """A program after the fixes of the rule, unsafe ones included."""
    result = fix(write(folder, code), only(folder, "MLF207"), unsafe=True)
    assert not result.problems
    return result


def turn(*lines: str, over: str = "epoch, loss in enumerate(losses)") -> str:
    return f"for {over}:\n" + "".join(f"    {line}\n" for line in lines)


# ---------------------------------------------------------------------------------------------------- safety
@pytest.mark.parametrize(
    ("loop", "expected"),
    [
        (turn(POINT, over="epoch, loss in enumerate(losses, start=1)"), SAFE),
        (turn("loss = losses[epoch]", POINT, over="epoch in range(3)"), SAFE),
        (turn("if loss < 0.5:", "    break", POINT), SAFE),
        (turn("client.set_tag(run_id, 'at', epoch)", POINT), SAFE),
        (turn(POINT.replace("epoch)", "2 * epoch)")), SAFE),
        (turn(POINT.replace('"loss"', 'f"{name}/loss"')), SAFE),
        (turn(f"{POINT}  # noqa: E501"), SAFE),
        (turn("total += 1", POINT.replace("loss,", "float(total),")), SAFE),
        (turn("for name in ('a', 'b'):", f"    {BY_NAME}"), SAFE),
        # Steps or keys that may be the same.
        (turn(POINT, over="epoch, loss in zip(range(3), losses)"), UNSAFE),
        (turn("epoch = 1 - epoch", POINT), UNSAFE),
        (turn(POINT.replace("epoch)", "epoch // 2)")), UNSAFE),
        (turn(POINT.replace("epoch)", "0 * epoch)")), UNSAFE),
        (turn(POINT, POINT), UNSAFE),
        (turn("for name in names:", f"    {BY_NAME}"), UNSAFE),
        (turn("for part in (0, 1):", f"    {POINT}"), UNSAFE),
        # An array that is added to in its place; an error that is caught; a value that is fetched between two writes.
        (turn("total += 1", POINT.replace("loss,", "total,")), UNSAFE),
        (f"try:\n{indent(turn(POINT), '    ')}except Exception:\n    pass\n", UNSAFE),
        (turn(POINT.replace("loss,", "json.loads(loss),")), UNSAFE),
        (turn(POINT.replace("epoch)", "epoch, timestamp=times[epoch])")), SAFE),
        # What a batch cannot say, or would lose.
        (turn("try:", f"    {POINT}", "except Exception:", "    pass"), None),
        (turn("client.log_metric(run_id, 'loss', loss)"), None),
        (turn(POINT.replace("epoch)", "epoch, model_id=model)")), None),
        (f"def f(losses):\n{indent(turn(POINT, 'if loss > 1:', '    return'), '    ')}", None),
        (turn("print(loss)", POINT.replace('"loss", ', '"loss",  # of training\n        ')), None),
    ],
)
def test_by_a_client(loop: str, expected: Applicability | None, tmp_path: Path) -> None:
    code = f"import json\n{IMPORTS}{CLIENT}{loop}"
    assert offered(tmp_path, code) == expected
    assert (fixed(tmp_path, code).applied == ()) is (expected is None)


LOGGED = 'mlflow.log_metric("loss", loss, step=epoch)'
STARTED = "with mlflow.start_run():\n"
LOOP = turn(LOGGED)
INSIDE = indent(LOOP, "    ")


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (f"{STARTED}{INSIDE}", SAFE),
        (f"mlflow.start_run()\nlosses = sorted(losses)\n{LOOP}mlflow.end_run()\n", SAFE),
        (f"model.fit(x)\n{STARTED}{INSIDE}", SAFE),
        (f"for seed in seeds:\n    model.fit(x)\n    {STARTED}{indent(INSIDE, '    ')}", SAFE),
        # The run may hold a model, to which the fluent call would copy the points.
        (f"{STARTED}    model.fit(x)\n{INSIDE}", UNSAFE),
        (f"{STARTED}    for model in models:\n{indent(INSIDE, '    ')}        model.fit(x)\n", UNSAFE),
        (f"with mlflow.start_run(run_id=known):\n{INSIDE}", UNSAFE),
        (f"mlflow.autolog()\n{STARTED}{INSIDE}", UNSAFE),
        (f"{STARTED}{indent(turn(LOGGED.replace('epoch)', 'epoch, run_id=other)')), '    ')}", UNSAFE),
        # The run is another's, or none is sure to be open.
        (f"mlflow.log_param('a', 1)\n{LOOP}", UNSAFE),
        (f"def report(losses):\n{INSIDE}", UNSAFE),
        (LOOP, None),
        # Where no run is open, none is written to.
        (f"def report(losses):\n{indent(turn('if mlflow.active_run():', '    ' + LOGGED), '    ')}", None),
        (f"def report(losses):\n    if mlflow.active_run():\n{indent(INSIDE, '    ')}", UNSAFE),
        (f"if wanted:\n    mlflow.start_run()\n{LOOP}", None),
        (f"{STARTED}    pass\n{LOOP}", None),
    ],
)
def test_fluently(program: str, expected: Applicability | None, tmp_path: Path) -> None:
    assert offered(tmp_path, f"{IMPORTS}{program}") == expected


# ------------------------------------------------------------------------------------------------------ text
@pytest.mark.parametrize(
    ("imports", "needed", "written"),
    [
        ("import mlflow", "import time\n\nimport mlflow\nfrom mlflow.entities import Metric\n", "run.info.run_id"),
        ("import os\nimport mlflow", "import os\nimport time\nimport mlflow\nfrom mlflow", "MlflowClient().log_batch"),
        ("from time import sleep\nimport mlflow", "import time\nfrom time import sleep\n", "time.time()"),
        ("import time as clock\nimport mlflow", "import time as clock\nimport mlflow\n", "int(clock.time() * 1000)"),
        ("import mlflow\nfrom mlflow.entities import Metric as M", "import time\n\nimport mlflow\n", "M("),
        ("import mlflow\nfrom models import Metric", "from models import Metric\n", "mlflow.entities.Metric("),
        ("try:\n    import mlflow\nexcept ImportError:\n    mlflow = None", "import time\ntry:\n", "mlflow.entities."),
        (
            '"""Replay."""\n\nfrom __future__ import annotations\n\nimport mlflow',
            "annotations\n\nimport time\n\n",
            "now",
        ),
        ("import mlflow\nnow = points = 1", "now = points = 1\n", "now_to_log, epoch)"),
    ],
)
def test_names_that_it_needs(imports: str, needed: str, written: str, tmp_path: Path) -> None:
    text = fixed(tmp_path, f"{imports}\n\nwith mlflow.start_run() as run:\n{INSIDE}").after
    assert needed in text
    assert written in text


def test_a_run_that_its_name_no_longer_means(tmp_path: Path) -> None:
    again = f"with mlflow.start_run() as run:\n    run = None\n{INSIDE}"
    assert "mlflow.active_run().info.run_id" in fixed(tmp_path, f"{IMPORTS}{again}").after
    function = f"def report(losses):\n    import mlflow\n    run = mlflow.start_run()\n{INSIDE}    mlflow.end_run()\n"
    text = fixed(tmp_path, function).after
    assert "import time\n\n" not in text
    assert "    import time\n    import mlflow\n    from mlflow.entities import Metric\n    run =" in text
    assert "log_batch(\n        run.info.run_id,\n" in text


def test_a_loop_whose_variables_are_read_stays(tmp_path: Path) -> None:
    text = fixed(tmp_path, f"{IMPORTS}{CLIENT}{turn(POINT)}print(epoch)\n").after
    assert "points = []\nfor epoch, loss in enumerate(losses):\n    points.append(Metric(" in text
    text = fixed(tmp_path, f"{IMPORTS}{CLIENT}{turn(POINT)}for epoch in range(3):\n    print(epoch)\n").after
    assert "points" not in text


# ----------------------------------------------------------------------------------------------------- store
@pytest.mark.parametrize(
    "program",
    [
        CLIENT + turn(POINT, over="epoch, loss in enumerate([])"),
        CLIENT + turn(POINT, over="epoch, loss in enumerate([float('nan'), np.float32(0.1), '0.5', np.array([2.0])])"),
        CLIENT + turn("if loss < 0.5:", "    break", POINT, "client.set_tag(run_id, 'at', epoch)"),
        STARTED + indent(turn("mlflow.log_metrics(row, step=epoch)", over="epoch, row in enumerate(rows)"), "    "),
        STARTED + indent(turn("mlflow.log_metrics(value, step=key)", over="key, value in enumerate(rows)"), "    "),
        STARTED + indent(turn("for epoch, loss in enumerate(losses):", "    mlflow.log_metric(name, loss, step=epoch)",
                              over="name, losses in history.items()"), "    "),
        STARTED + "    [" + LOGGED + " for epoch, loss in enumerate(losses)]\n",
        f"{STARTED}    mlflow.log_metric('loss', 0.1, step=1)\n{INSIDE}    mlflow.log_metric('loss', 0.2, step=1)\n",
    ],
)  # fmt: skip
def test_a_safe_fix_leaves_the_same(program: str, store_runner: StoreRunner, tmp_path: Path) -> None:
    code = f"{IMPORTS}{DATA}{program}"
    result = fix(write(tmp_path / "lint", code), only(tmp_path, "MLF207"), unsafe=False)
    assert result.applied == (("MLF207", 1),)
    before, after = (store_runner.run(text, cwd=tmp_path, frozen_clock=False) for text in (code, result.after))
    assert before.exception is None, before.stderr
    assert_same_data(before, after)
    assert after.writes <= before.writes
    again = fix(write(tmp_path / "again", result.after), everything(tmp_path), unsafe=False)
    assert "MLF207" not in dict(again.applied)


def test_more_points_than_a_request_takes(store_runner: StoreRunner, tmp_path: Path) -> None:
    loop = turn(POINT, over="epoch, loss in enumerate(np.arange(2500) / 7)")
    recorded = store_runner.run(fixed(tmp_path, f"{IMPORTS}{CLIENT}{loop}").after, cwd=tmp_path)
    points = recorded.runs[0].metrics["loss"]
    assert [(step, value) for step, value, _ in points] == [(step, step / 7) for step in range(2500)]


def test_why_an_array_that_grows_in_place_is_unsafe(store_runner: StoreRunner, tmp_path: Path) -> None:
    loop = turn("total += loss", POINT.replace("loss,", "total,"))
    code = f"{IMPORTS}{DATA}{CLIENT}total = np.zeros(())\n{loop}"
    before, after = (store_runner.run(text, cwd=tmp_path) for text in (code, fixed(tmp_path, code).after))
    assert [value for _, value, _ in before.runs[0].metrics["loss"]] == pytest.approx([0.9, 1.4, 1.8])
    assert [value for _, value, _ in after.runs[0].metrics["loss"]] == pytest.approx([1.8, 1.8, 1.8])
