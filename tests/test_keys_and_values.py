"""What keys and values say, held against MLflow: what is reported raises or lands elsewhere, the rest does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from example_cases import fix, only, write
from hypothesis import assume, example, given
from hypothesis import strategies as st
from linting import check, lines
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.utils.validation import _validate_batch_log_data
from tracking_store import StoreRunner

from mlflow_lint.analysis.correctness.validity import LONGEST_KEY, accepted, refusal
from mlflow_lint.analysis.names.constants import Hole
from mlflow_lint.analysis.names.meaning import Place
from mlflow_lint.analysis.names.scopes import Scope
from mlflow_lint.facts import model as facts

CHECK: Callable[..., object] = _validate_batch_log_data
HOLE = Hole(facts.Name("x"), Place(Scope(facts.Module(()), None, None)))
KEYS = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="ab/. :-_@%é\n", max_size=8),
    st.text(alphabet="a/", min_size=LONGEST_KEY - 2, max_size=LONGEST_KEY + 2),
)


def is_refused(metrics: list[Metric], params: list[Param], tags: list[RunTag]) -> bool:
    """Whether MLflow's own check of a batch raises."""
    try:
        CHECK(metrics, params, tags)
    except MlflowException:
        return True
    return False


def mlflow_takes(key: str) -> bool:
    """Whether MLflow's own check lets a key of each kind pass; it is one check for all three."""
    verdicts = {
        is_refused([Metric(key, 1.0, 0, 0)], [], []),
        is_refused([], [Param(key, "1")], []),
        is_refused([], [], [RunTag(key, "1")]),
    }
    assert len(verdicts) == 1, key
    return not verdicts.pop()


# ------------------------------------------------------------------------------------------------------ MLF403
@given(KEYS)
@example("")
@example(".")
@example("..a")
@example("a/../b")
@example("a" * LONGEST_KEY)
@example("a" * (LONGEST_KEY + 1))
def test_keys_are_refused_as_mlflow_refuses_them(key: str) -> None:
    assume(not key.endswith("\n"))  # MLflow 3.17 takes one newline at the end, 3.18 does not
    assert (refusal((key,) if key else ()) is None) is mlflow_takes(key)


@given(KEYS, KEYS, KEYS)
@example("a", "", "")
@example("a/", "", "/b")
def test_a_key_with_a_hole_is_refused_only_if_nothing_mends_it(before: str, middle: str, after: str) -> None:
    parts = tuple(part for part in (before, HOLE, after) if part != "")
    if refusal(parts) is not None:
        assert not mlflow_takes(f"{before}{middle}{after}")


@given(KEYS)
def test_what_is_advised_is_accepted(key: str) -> None:
    better = accepted(key)
    assert better == "" or mlflow_takes(better)


@pytest.mark.parametrize(
    ("written", "refused"),
    [
        ("'a@b'", True),
        ("'a' '@b'", True),
        ("f'a@{x}'", True),
        ("f'{x}@'", True),
        ("f'{x:@>4}'", False),
        ("f'{\"@\"}'", True),
        ("'a' + x + '@'", True),
        ("'%s@%d' % (x, y)", True),
        ("'a%%' % ()", True),
        ("'%(k)s(s)' % {'k': x}", True),
        ("'{}@{}'.format(x, y)", True),
        ("'{0}/{k}'.format(x, k='a@b')", True),
        ("'{'.format(x)", False),
        ("'%s %s' % x", False),
        ("NAME", True),
        ("Keys.name", True),
        ("x", False),
        ("prefix + 'x'", False),
        ("1 + 2", False),
        ("x % 2", False),
        ("str(1) + '@'", True),
        ("twice", False),
    ],
)
def test_keys_are_read(written: str, refused: bool, tmp_path: Path) -> None:
    code = f"""
        import mlflow
        NAME = "a@b"
        twice = "a@b"
        twice = "b"

        class Keys:
            name = "a@b"

        def log(x, y, prefix):
            mlflow.log_metric({written}, 1.0)
    """
    assert bool(check(code, tmp_path, "MLF403").findings) is refused


@pytest.mark.parametrize(
    ("call", "refused"),
    [
        ("mlflow.log_metrics({'a': 1, 'b@': 2})", True),
        ("mlflow.log_metrics({'a': 1, **{'b@': 2}})", True),
        ("mlflow.log_metrics({f'{k}@5': v for k, v in d.items()})", True),
        ("mlflow.log_metrics({k.replace('@', '_'): v for k, v in {'a@b': 1}.items()})", False),
        ("mlflow.log_params(dict(a=1))", False),
        ("client.log_batch(r, metrics=[Metric('a@', 1.0, 0, 0)])", True),
        ("client.log_batch(r, tags=[RunTag('a@', 'b') for _ in x])", True),
        ("client.log_batch(r, params=[Other('a@', 'b')])", False),
        ("client.set_tag(r, 'a@', 1)", True),
        ("client.log_metric(r, key='a@', value=1)", True),
        ("client.log_metric(*a, 'a@')", False),
        ("mlflow.log_metric(key='a@', **rest)", True),
        ("mlflow.log_text('a@', 'b@.txt')", False),
    ],
)
def test_keys_are_found_wherever_they_are_written(call: str, refused: bool, tmp_path: Path) -> None:
    code = f"""
        import mlflow
        from mlflow.entities import Metric, RunTag
        client = mlflow.MlflowClient()
        {call}
    """
    assert bool(check(code, tmp_path, "MLF403").findings) is refused


REFUSED = ("'recall@10'", "'a//b'", "'/a'", "f'loss({1})'", "''")
TAKEN = ("'f1:macro'", "'val/top 5.acc'", "f'a{1}'")


@pytest.mark.parametrize("key", [*REFUSED, *TAKEN])
def test_a_store_refuses_what_is_reported(key: str, store_runner: StoreRunner, tmp_path: Path) -> None:
    code = f"import mlflow\nmlflow.log_metric({key}, 1.0)\n"
    found = lines(check(code, tmp_path, "MLF403"), "MLF403")
    recorded = store_runner.run(code)
    assert (found == [2]) is (recorded.exception is not None) is (key in REFUSED), recorded.exception


# ------------------------------------------------------------------------------------------------------ MLF408
NO_NUMBERS = ("'done'", "[0.3, 0.2]", "[0.3]", "(3, 4)", "{'f1': 0.9}", "None", "f'{0.251:.1%}'", "[x for x in (1, 2)]")
NUMBERS = ("0.25", "True", "10**9", "float(f'{0.25:.4f}')", "float('nan')", "sum([1, 2])")


@pytest.mark.parametrize("value", [*NO_NUMBERS, *NUMBERS])
def test_a_store_refuses_values_that_are_no_numbers(value: str, store_runner: StoreRunner, tmp_path: Path) -> None:
    code = f"import mlflow\nmlflow.log_metric('a', {value})\nmlflow.log_metrics({{'b': {value}}})\n"
    found = lines(check(code, tmp_path, "MLF408"), "MLF408")
    assert found == ([2, 3] if value in NO_NUMBERS else [])
    for call in code.splitlines()[1:]:
        recorded = store_runner.run(f"import mlflow\n{call}\n")
        assert (recorded.exception is not None) is (value in NO_NUMBERS), recorded.exception


def test_a_formatted_value_loses_digits(store_runner: StoreRunner, tmp_path: Path) -> None:
    code = "import mlflow\nloss = 0.00004\nmlflow.log_metric('loss', f'{loss:.4f}')\nmlflow.log_metric('as_is', loss)\n"
    assert lines(check(code, tmp_path, "MLF408"), "MLF408") == [3]
    (run,) = store_runner.run(code).runs
    assert {key: point[1] for key, point in run.latest.items()} == {"loss": 0.0, "as_is": 0.00004}


@pytest.mark.parametrize(
    ("setup", "reported"),
    [
        ("x = []", True),
        ("x = '{:.2f}'.format(y)", True),
        ("y = None\nx = y", False),
        ("x = None\nx = 1", False),
        ("x = None\nif y:\n    x += 1", False),
        ("x, y = None, 1", True),
        ("x, y = f()", False),
        ("for x in ([], {}): pass", False),
        ("try:\n    x = 1\nexcept E:\n    x = None", False),
        ("with f() as x: pass", False),
        ("x = str(y)", False),
        ("x = y % 2", False),
        ("x = None\ndef g():\n    global x\n    x = 1", False),
    ],
)
def test_a_name_is_followed_only_if_it_is_sure(setup: str, reported: bool, tmp_path: Path) -> None:
    code = f"import mlflow\n{setup}\nmlflow.log_metric('a', x)\n"
    assert bool(check(code, tmp_path, "MLF408").findings) is reported


# ------------------------------------------------------------------------------------------------------ MLF410
POSITIONAL = """
import mlflow
client = mlflow.MlflowClient()
run_id = client.create_run("0").info.run_id
for epoch in range(3):
    client.log_metric(run_id, "loss", 1.0 / (epoch + 1), epoch + 1)
"""


def test_a_step_as_timestamp_lands_on_step_0(store_runner: StoreRunner, tmp_path: Path) -> None:
    settings = only(tmp_path, "MLF410")
    result = fix(write(tmp_path, POSITIONAL), settings, unsafe=True)
    assert dict(result.applied) == {"MLF410": 1}
    (before,), (after,) = (store_runner.run(code).runs for code in (POSITIONAL, result.after))
    assert {(step, time) for step, _, time in before.metrics["loss"]} == {(0, 1), (0, 2), (0, 3)}
    assert [step for step, _, _ in after.metrics["loss"]] == [1, 2, 3]
    assert all(time > 10**12 for _, _, time in after.metrics["loss"])


@pytest.mark.parametrize(
    ("given", "reported"),
    [
        ("step", True),
        ("self.global_step", True),
        ("epoch * len(loader) + i", True),
        ("int(iteration)", True),
        ("state['step']", True),
        ("trainer.current_epoch", True),
        ("time_step", True),
        ("now", False),
        ("timestamp", False),
        ("timestamp_ms", False),
        ("int(time.time() * 1000)", False),
        ("max_steps", False),
        ("best_epoch", False),
        ("n_epochs", False),
        ("last", False),
        ("step, 3", False),
        ("timestamp=step", False),
        ("step, step=3", False),
        ("*rest", False),
        ("1", False),
    ],
)
def test_what_is_plainly_a_step(given: str, reported: bool, tmp_path: Path) -> None:
    code = f"import mlflow\nmlflow.MlflowClient().log_metric(r, 'a', v, {given})\n"
    assert bool(check(code, tmp_path, "MLF410").findings) is reported


# ---------------------------------------------------------------------------------------------- MLF402, MLF404
STEPLESS = """
import mlflow
for epoch in range(3):
    mlflow.log_metric("loss", 1.0 / (epoch + 1))
"""
PER_ITERATION = """
import mlflow
for epoch in range(3):
    mlflow.log_metric(f"loss_{epoch}", 1.0 / (epoch + 1))
"""


@pytest.mark.parametrize(("code", "rule", "keys"), [(STEPLESS, "MLF402", 1), (PER_ITERATION, "MLF404", 3)])
def test_the_fix_records_a_curve(code: str, rule: str, keys: int, store_runner: StoreRunner, tmp_path: Path) -> None:
    result = fix(write(tmp_path, code), only(tmp_path, rule), unsafe=True)
    assert dict(result.applied) == {rule: 1}
    (before,), (after,) = (store_runner.run(text).runs for text in (code, result.after))
    assert {step for points in before.metrics.values() for step, _, _ in points} == {0}
    assert len(before.metrics) == keys
    assert {key: [step for step, _, _ in points] for key, points in after.metrics.items()} == {"loss": [0, 1, 2]}


@pytest.mark.parametrize(
    ("call", "fixed"),
    [
        ('mlflow.log_metric("a", x)', 'mlflow.log_metric("a", x, step=epoch)'),
        ('mlflow.log_metric("a", (x),)', 'mlflow.log_metric("a", (x), step=epoch,)'),
        ('mlflow.log_metrics({"a": x})', 'mlflow.log_metrics({"a": x}, step=epoch)'),
        ('mlflow.log_metric("a", x, run_id=r)', 'mlflow.log_metric("a", x, run_id=r, step=epoch)'),
        ('client.log_metric(r, "a", x)', 'client.log_metric(r, "a", x, step=epoch)'),
        ('mlflow.log_metric("a", x, step=None)', None),
        (
            "[mlflow.log_metric(k, v) for k, v in d.items()]",
            "[mlflow.log_metric(k, v, step=epoch) for k, v in d.items()]",
        ),
    ],
)
def test_a_step_is_passed(call: str, fixed: str | None, tmp_path: Path) -> None:
    loop = f"for epoch in range(9):\n    x = train_one_epoch(m)\n    {call}\n"
    code = f"import mlflow\nclient = mlflow.MlflowClient()\n{loop}"
    result = fix(write(tmp_path, code), only(tmp_path, "MLF402"), unsafe=True)
    assert result.after == (code if fixed is None else code.replace(call, fixed))
    assert len(result.remaining.findings) == (fixed is None)


@pytest.mark.parametrize(
    ("base", "hook", "step"),
    [
        ("lightning.pytorch.LightningModule", "training_step(self, batch, batch_idx)", "self.global_step"),
        ("lightning.pytorch.LightningModule", "on_train_epoch_end(self)", "self.current_epoch"),
        ("lightning.pytorch.LightningModule", "validation_step(self, batch, batch_idx)", None),
        ("lightning.pytorch.Callback", "on_train_epoch_end(self, trainer, module)", "trainer.current_epoch"),
        ("transformers.TrainerCallback", "on_log(self, args, state, control, logs=None)", "state.global_step"),
        ("keras.callbacks.Callback", "on_epoch_end(self, epoch, logs=None)", "epoch"),
        ("keras.callbacks.Callback", "on_train_batch_end(self, batch, logs=None)", None),
    ],
)
def test_the_counter_of_a_hook_is_passed(base: str, hook: str, step: str | None, tmp_path: Path) -> None:
    package = base.rpartition(".")[0]
    call = "mlflow.log_metric('loss', self.loss)"
    code = f"import mlflow\nimport {package}\nclass Hooks({base}):\n    def {hook}:\n        {call}\n"
    result = fix(write(tmp_path, code), only(tmp_path, "MLF402"), unsafe=True)
    assert result.after == (code if step is None else code.replace("self.loss)", f"self.loss, step={step})"))
    assert len(result.remaining.findings) == (step is None)


@pytest.mark.parametrize(
    ("key", "fixed"),
    [
        ("f'loss_{epoch}'", "'loss'"),
        ("f'loss-epoch-{epoch}'", "'loss'"),
        ("f'{name}/loss/{epoch}'", "f'{name}/loss'"),
        ("f'epoch_{epoch}_loss'", None),
        ("f'{epoch}'", None),
        ("f'loss_{epoch:03d}'", None),
        ("'loss_%d' % epoch", None),
        ("'loss_' + str(epoch)", None),
    ],
)
def test_a_counter_leaves_the_key(key: str, fixed: str | None, tmp_path: Path) -> None:
    code = f"import mlflow\nfor epoch in range(9):\n    mlflow.log_metric({key}, train_one_epoch(m))\n"
    result = fix(write(tmp_path, code), only(tmp_path, "MLF404"), unsafe=True)
    after = code if fixed is None else code.replace(key, fixed).replace("(m))", "(m), step=epoch)")
    assert result.after == after


@pytest.mark.parametrize(
    ("around", "reported"),
    [
        ("for epoch in range(n_epochs):", True),
        ("for batch in train_loader:", True),
        ("for seed in seeds:", True),
        ("for loss in losses:", True),
        ("while epoch < epochs:", True),
        ("for epoch in range(n_epochs):\n  if epoch % 5 == 0:", True),
        ("for epoch in range(n_epochs):\n  if rank == 0:", True),
        ("for epoch in range(n_epochs):\n  if x > best:", False),
        ("for epoch in range(n_epochs):\n  if epoch == n_epochs - 1:", False),
        ("for epoch in range(n_epochs):\n  with mlflow.start_run():", False),
        ("for i in range(n):", False),
        ("for k, v in metrics.items():", False),
        ("for path in paths:", False),
        ("if x:", False),
        ("with mlflow.start_run():", False),
        ("try:\n  f()\nexcept E:", False),
    ],
)
def test_what_repeats_a_metric(around: str, reported: bool, tmp_path: Path) -> None:
    body = "mlflow.log_metric('a', loss)" if "loss in" in around else "x = compute(m); mlflow.log_metric('a', x)"
    code = f"import mlflow\nx = best = 0\n{around}\n    {body}\n"
    assert bool(check(code, tmp_path, "MLF402").findings) is reported


# ------------------------------------------------------------------------------------------------------ MLF401
CHANGES = (
    "mlflow.log_param('a', 1); mlflow.log_param('a', 2)",
    "mlflow.log_param('a', 1); mlflow.log_params({'a': 1.0})",
    "for seed in (1, 2): mlflow.log_param('a', seed)",
    "for epoch in range(3): mlflow.log_params({'a': f'{epoch}'})",
)
STAYS = (
    "mlflow.log_param('a', 1); mlflow.log_param('a', '1')",
    "mlflow.log_param('a', 1); mlflow.end_run(); mlflow.log_param('a', 2)",
    "for seed in (1, 2): mlflow.log_param(f'a{seed}', seed)",
    "for seed in (1, '1'): mlflow.log_param('a', 3)",
    "for epoch in range(3): mlflow.set_tag('a', epoch)",
    "mlflow.log_param('a', 1) if mlflow else mlflow.log_param('a', 2)",
)


@pytest.mark.parametrize("code", [*CHANGES, *STAYS])
def test_a_store_refuses_params_that_change(code: str, store_runner: StoreRunner, tmp_path: Path) -> None:
    program = f"import mlflow\n{code}\n"
    reported = bool(check(program, tmp_path, "MLF401").findings)
    recorded = store_runner.run(program)
    assert reported is (recorded.exception is not None) is (code in CHANGES), recorded.exception
