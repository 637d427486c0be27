"""The oracle tells equal programs from unequal ones: what is known of MLflow, seen through it."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent

import pytest
from tracking_store import (
    ProgramTimeout,
    Recorded,
    StoreRunner,
    assert_same_data,
    run_program,
    shared_template,
)

T0 = 1_700_000_000_000
RunBody = Callable[..., Recorded]


@pytest.fixture
def run_body(store_runner: StoreRunner) -> RunBody:
    """Run statements inside one `with mlflow.start_run()`, `client` and `run` being at hand."""

    def run(body: str, *, frozen_clock: bool = True) -> Recorded:
        head = """
            import time
            import mlflow
            from mlflow.entities import Metric
            client = mlflow.MlflowClient()
            with mlflow.start_run() as run:
        """
        recorded = store_runner.run(dedent(head) + indent(dedent(body).strip(), "    "), frozen_clock=frozen_clock)
        assert recorded.exception is None, recorded.stderr
        return recorded

    return run


METRICS = ("for k in 'abc': mlflow.log_metric(k, 1.5)", "mlflow.log_metrics({k: 1.5 for k in 'abc'})")
NAN_METRICS = (
    "for k, v in [('a', 'nan'), ('b', 'inf'), ('c', -1)]: mlflow.log_metric(k, float(v), step=3)",
    "mlflow.log_metrics({'a': float('nan'), 'b': float('inf'), 'c': -1.0}, step=3)",
)
PARAMS = (
    "for k, v in [('a', 1), ('b', None), ('c', 'x' * 7000)]: mlflow.log_param(k, v)",
    "mlflow.log_params({'a': 1, 'b': None, 'c': 'x' * 7000})",
)
TAGS = (
    "for k in 'abc': mlflow.set_tag(k, k * 2)",
    "mlflow.set_tags({k: k * 2 for k in 'abc'})",
)
CLIENT = (
    "for i in range(3): client.log_metric(run.info.run_id, 'm', i / 2, step=i)",
    """
    points = []
    for i in range(3):
        points.append(Metric('m', i / 2, int(time.time() * 1000), i))
    client.log_batch(run.info.run_id, points)
    """,
)


@pytest.mark.parametrize(
    ("before", "after"),
    [METRICS, NAN_METRICS, PARAMS, TAGS, CLIENT],
    ids=["metrics", "nan", "params", "tags", "client"],
)
def test_merged_calls_store_the_same_for_less(run_body: RunBody, before: str, after: str) -> None:
    old, new = run_body(before), run_body(after)
    assert_same_data(old, new, timestamps=True)
    assert old.writes == 5  # create_run, three calls, update_run
    assert new.writes == 3
    assert new.statements < old.statements


def test_what_was_stored(run_body: RunBody) -> None:
    recorded = run_body(
        """
        mlflow.log_param('p', 0.1)
        mlflow.set_tag('t', 'v')
        mlflow.log_metric('m', 2, step=1)
        mlflow.log_metric('m', float('nan'), step=0)
        mlflow.log_text('hello', 'notes/a.txt')
        print('said')
        """
    )
    (run,) = recorded.runs
    assert (run.name, run.experiment, run.status, run.deleted, run.parent) == (
        None,
        "Default",
        "FINISHED",
        False,
        None,
    )
    assert (run.params, run.tags) == ({"p": "0.1"}, {"t": "v"})
    assert run.metrics == {"m": ((0, "nan", T0), (1, 2.0, T0))}
    assert run.latest == {"m": (1, 2.0, T0)}
    assert run.artifacts == {"notes/a.txt": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}
    assert recorded.stdout == "said\n"
    assert recorded.write_calls == (
        *("create_run", "log_param", "set_tag", "log_metric", "log_metric", "log_artifact"),
        "update_run_info",
    )
    assert recorded.models == ()
    assert recorded.experiments == {"Default": {}}
    assert recorded.other_rows == {}
    assert recorded.exception is None


def test_cost_of_single_calls(run_body: RunBody) -> None:
    """The known figures of MLflow's direct SQLite store, each as the difference of one call and two."""

    def cost(call: str) -> tuple[int, int]:
        once, twice = run_body(call.format(1)), run_body(call.format(1) + "\n" + call.format(2))
        assert twice.writes == once.writes + 1
        return twice.statements - once.statements, twice.commits - once.commits

    assert cost("mlflow.log_metric('m', 1, step={})") == (5, 1)
    assert cost("mlflow.set_tag('t', {})") == (3, 1)
    assert cost("mlflow.log_params({{'{}' + str(i): i for i in range(10)}})") == (5, 3)


def test_uploads_count_per_file(run_body: RunBody) -> None:
    recorded = run_body(
        """
        import pathlib
        pathlib.Path('out/sub').mkdir(parents=True)
        for name in ('out/a', 'out/b', 'out/sub/c'):
            pathlib.Path(name).write_text(name)
        mlflow.log_artifacts('out', 'x')
        mlflow.log_artifact('out/a')
        """
    )
    assert recorded.write_calls[1:-1] == ("log_artifacts",) * 3 + ("log_artifact",)
    assert sorted(recorded.runs[0].artifacts) == ["a", "x/a", "x/b", "x/sub/c"]


def test_a_write_within_a_write_is_no_request(run_body: RunBody) -> None:
    """The store's own log_batch renames the run through another of its methods."""
    recorded = run_body("mlflow.set_tags({'mlflow.runName': 'new', 'a': 1})")
    assert recorded.runs[0].name == "new"
    assert recorded.write_calls == ("create_run", "log_batch", "update_run_info")


FLUENT_LOOP = ("for i in range(3): mlflow.log_metric('m', i / 2, step=i)", CLIENT[1])


@pytest.mark.parametrize(
    ("pair", "captured"),
    [(CLIENT, True), (FLUENT_LOOP, True), (METRICS, False)],
    ids=["client", "fluent", "merged"],
)
def test_ticking_clock_shows_when_a_timestamp_was_taken(
    run_body: RunBody, pair: tuple[str, str], captured: bool
) -> None:
    old, new = (run_body(body, frozen_clock=False) for body in pair)
    assert_same_data(old, new)
    if captured:  # the timestamps are taken where the calls were
        assert_same_data(old, new, timestamps=True)
    else:
        with pytest.raises(AssertionError, match=r"time 17000000000\d\d"):
            assert_same_data(old, new, timestamps=True)
    stamps = [point[2] for history in old.runs[0].metrics.values() for point in history]
    assert stamps == [stamps[0], stamps[0] + 1, stamps[0] + 2]


def test_clocks_of_the_program(store_runner: StoreRunner) -> None:
    source = """
import time
from time import time as now
print(int(time.time() * 1000), int(now() * 1000), time.time_ns() // 1000000)
print(round(-time.perf_counter() + time.perf_counter(), 6))
"""
    assert store_runner.run(source).stdout == f"{T0} {T0} {T0}\n0.001\n"
    assert store_runner.run(source, frozen_clock=False).stdout == f"{T0 + 1} {T0 + 2} {T0 + 3}\n0.001\n"


DIFFERENT = {
    "two points merged": (
        "mlflow.log_metric('m', 1, step=2); mlflow.log_metric('m', 2, step=2)",
        "mlflow.log_metrics({'m': 2}, step=2)",
        r"-run-0: metric 'm' \[0\] = 1.0 at step 2",
    ),
    "lost param": (
        "mlflow.log_params({'a': 1, 'b': 2})",
        "mlflow.log_params({'a': 1})",
        r"-run-0: param 'b' = '2'",
    ),
    "step": ("mlflow.log_metric('m', 1, step=1)", "mlflow.log_metric('m', 1)", r"\+run-0: .* at step 0"),
    "value": ("mlflow.log_metric('m', 1)", "mlflow.log_metric('m', 2)", r"latest 'm' = 2.0"),
    "tag": ("mlflow.set_tag('t', 1)", "mlflow.set_tag('t', 2)", r"-run-0: tag 't' = '1'"),
    "artifact bytes": (
        "mlflow.log_text('one', 'a.txt')",
        "mlflow.log_text('two', 'a.txt')",
        r"-run-0: artifact 'a.txt' = '7692",
    ),
    "lost artifact": ("mlflow.log_text('one', 'a.txt')", "pass", r"-run-0: artifact 'a.txt'"),
    "run name": ("mlflow.set_tag('mlflow.runName', 'mine')", "pass", r"-run-0: name 'mine'"),
    "status": ("mlflow.end_run('KILLED')", "pass", r"-run-0: name None, KILLED"),
    "deleted": (
        "mlflow.end_run(); client.delete_run(run.info.run_id)",
        "mlflow.end_run()",
        r"-run-0: name None, FINISHED, deleted",
    ),
    "experiment tag": ("mlflow.set_experiment_tag('a', 'b')", "pass", r"-experiment 'Default': tag 'a'"),
    "registered model": ("client.create_registered_model('m')", "pass", r"-rows of 'registered_models' = 1"),
    "output": ("print('loss', 1)", "pass", r"-stdout: loss 1"),
    "another run": (
        "pass",
        "mlflow.start_run(nested=True); mlflow.end_run()",
        r"\+run-1: name None, FINISHED",
    ),
    "metric of a model": (
        "mlflow.set_active_model(name='m'); mlflow.log_metric('a', 1)",
        "mlflow.log_metric('a', 1); mlflow.set_active_model(name='m')",
        r"-model-0: metric 'a' of run 0 = 1.0 at step 0",
    ),
    "dataset": (
        "import numpy; mlflow.log_input(mlflow.data.from_numpy(numpy.ones(2), name='d'), context='train')",
        "pass",
        r"-run-0: input \('d', '\w+', 'train'\)",
    ),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_differences_are_detected(run_body: RunBody, case: str) -> None:
    before, after, message = DIFFERENT[case]
    old, new = run_body(before), run_body(after)
    with pytest.raises(AssertionError, match=message):
        assert_same_data(old, new)
    assert_same_data(old, run_body(before), timestamps=True)


def test_output_may_be_left_out(run_body: RunBody) -> None:
    assert_same_data(run_body("print(1)"), run_body("print(2)"), stdout=False)


def test_exception_is_reported(store_runner: StoreRunner) -> None:
    source = """
import mlflow
with mlflow.start_run():
    mlflow.log_metric('a', 1)
    {}
"""
    failed = store_runner.run(source.format("raise KeyError('gone')"))
    assert failed.exception == "KeyError: 'gone'"
    assert re.search(r'program\.py", line 5, in <module>\n    raise KeyError', failed.stderr)
    assert failed.runs[0].status == "FAILED"
    assert failed.runs[0].latest == {"a": (0, 1.0, T0)}
    with pytest.raises(AssertionError, match=r"-exception: KeyError(.|\n)*stderr of before:(.|\n)*Traceback"):
        assert_same_data(failed, store_runner.run(source.format("pass")))
    invalid = store_runner.run(source.format("mlflow.log_metric('a', 'x')"))
    assert invalid.exception is not None
    assert invalid.exception.startswith("MlflowException: ")


@pytest.mark.parametrize(
    ("statement", "exception"),
    [
        ("import sys; sys.exit()", None),
        ("import sys; sys.exit('no data')", "SystemExit: no data"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("import os; os._exit(3)", "exit status 3"),
        ("import os; os.kill(os.getpid(), 9)", "signal SIGKILL"),
        ("1 +", "SyntaxError: invalid syntax (program.py, line 1)"),
    ],
)
def test_ends_of_a_program(store_runner: StoreRunner, statement: str, exception: str | None) -> None:
    assert store_runner.run(statement).exception == exception


def test_exit_handlers_and_threads_end_before_the_store_is_read(store_runner: StoreRunner) -> None:
    recorded = store_runner.run(
        """
import atexit, threading, time
import mlflow
run = mlflow.start_run()
client = mlflow.MlflowClient()
def late():
    time.sleep(0.2)
    client.set_tag(run.info.run_id, 'thread', 1)
threading.Thread(target=late).start()
atexit.register(lambda: client.set_tag(run.info.run_id, 'exit', 1))
"""
    )
    assert recorded.runs[0].tags == {"thread": "1", "exit": "1"}
    assert recorded.runs[0].status == "FINISHED"


def test_nested_runs_have_their_parents(store_runner: StoreRunner) -> None:
    recorded = store_runner.run(
        """
import mlflow
mlflow.set_experiment('sweep')
with mlflow.start_run(run_name='all') as parent:
    for lr in (1, 2):
        with mlflow.start_run(nested=True) as child:
            mlflow.log_param('lr', lr)
            mlflow.log_text(child.info.run_id, 'id.txt')
    mlflow.set_tag('best', child.info.run_id)
    print(parent.info.run_id, child.info.artifact_uri)
with mlflow.start_run():
    pass
"""
    )
    assert [(run.name, run.parent, run.experiment) for run in recorded.runs] == [
        ("all", None, "sweep"),
        (None, 0, "sweep"),
        (None, 0, "sweep"),
        (None, None, "sweep"),
    ]
    assert recorded.runs[0].tags == {"best": "run-2"}
    assert recorded.runs[1].tags == {"mlflow.parentRunId": "run-0"}
    assert [run.params for run in recorded.runs[1:3]] == [{"lr": "1"}, {"lr": "2"}]
    assert re.fullmatch(r"run-0 <store>/artifacts/\d+/run-2/artifacts\n", recorded.stdout)


MAIN = """
import argparse
import sys
import mlflow

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.5)
    args = parser.parse_args()
    with mlflow.start_run():
        mlflow.log_params(vars(args))
        mlflow.log_param("argv", sys.argv)

if __name__ == "__main__":
    main()
"""


def test_main_guard_and_argparse(store_runner: StoreRunner) -> None:
    recorded = store_runner.run(MAIN)
    assert recorded.exception is None
    assert recorded.runs[0].params == {"lr": "0.5", "argv": "['<program>/program.py']"}
    assert store_runner.run(MAIN, argv=["--lr", "2"]).runs[0].params["lr"] == "2.0"


def test_path_and_module_find_their_neighbours(store_runner: StoreRunner, tmp_path: Path) -> None:
    package = tmp_path / "lib" / "job"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "rates.py").write_text("LR = 3\n")
    (package / "train.py").write_text(
        "import os, sys, mlflow\nfrom job.rates import LR\nassert __name__ == '__main__'\n"
        "with mlflow.start_run():\n"
        "    mlflow.log_params({'lr': LR, 'env': os.environ['WHO'], 'cwd': os.getcwd()})\n"
    )
    (tmp_path / "lib" / "start.py").write_text("from job import rates\nprint(rates.LR)\n")
    recorded = store_runner.run(module="job.train", cwd=tmp_path, sys_path=[tmp_path / "lib"], extra_env={"WHO": "me"})
    assert recorded.exception is None, recorded.stderr
    assert recorded.runs[0].params == {"lr": "3", "env": "me", "cwd": "<cwd>"}
    assert store_runner.run(path=tmp_path / "lib" / "start.py").stdout == "3\n"
    assert sorted(it.name for it in tmp_path.rglob("*")) == sorted(
        ["__init__.py", "job", "lib", "rates.py", "start.py", "train.py"]
    )


def test_programs_do_not_see_each_other(store_runner: StoreRunner) -> None:
    leave = """
import os, mlflow
mlflow.left = os.environ['LEFT'] = 'x'
mlflow.start_run()
print(os.getpid())
"""
    first, second = store_runner.run(leave), store_runner.run(leave)
    assert first.stdout != second.stdout
    look = store_runner.run("import os, mlflow\nprint(hasattr(mlflow, 'left'), 'LEFT' in os.environ)")
    assert look.stdout == "False False\n"
    assert (len(second.runs), look.runs) == (1, ())


def test_random_numbers_repeat(store_runner: StoreRunner) -> None:
    source = "import random, numpy, mlflow\nprint(random.random(), numpy.random.rand(), {'a', 'b', 'c'})"
    assert store_runner.run(source).stdout == store_runner.run(source).stdout


@pytest.mark.parametrize("uri", ["http://tracking.invalid:5000", "file:./mlruns", "sqlite:///mine.db"])
def test_every_tracking_uri_is_the_store(store_runner: StoreRunner, uri: str, tmp_path: Path) -> None:
    recorded = store_runner.run(
        f"""
import mlflow
mlflow.set_tracking_uri({uri!r})
mlflow.set_experiment("elsewhere")
with mlflow.start_run():
    mlflow.log_text("x", "x.txt")
""",
        cwd=tmp_path,
    )
    assert recorded.exception is None, recorded.stderr
    assert list(recorded.runs[0].artifacts) == ["x.txt"]
    assert list(tmp_path.iterdir()) == []


def test_time_limit(store_runner: StoreRunner) -> None:
    began = time.monotonic()
    with pytest.raises(ProgramTimeout, match=r"within 0\.5 s(.|\n)*on my way"):
        store_runner.run(
            "import sys, time\nprint('on my way', file=sys.stderr, flush=True)\ntime.sleep(60)",
            time_limit=0.5,
        )
    assert time.monotonic() - began < 20
    assert store_runner.run("print('next')").stdout == "next\n"


def test_fork_is_a_full_copy(store_runner: StoreRunner) -> None:
    assert store_runner.threads == 1


@pytest.mark.parametrize("body", ["raise ValueError(1)", "import os; os._exit(2)", "print(1)"])
def test_new_interpreter_agrees_with_the_fork(store_runner: StoreRunner, store_template: Path, body: str) -> None:
    source = f"import mlflow\nwith mlflow.start_run():\n    mlflow.log_metrics({{'a': 1, 'b': 2}})\n    {body}"
    assert run_program(source, template=store_template) == store_runner.run(source)


def test_time_limit_of_a_new_interpreter(store_template: Path) -> None:
    with pytest.raises(ProgramTimeout):
        run_program("import time\ntime.sleep(60)", template=store_template, time_limit=0.2)


def test_exactly_one_program(store_runner: StoreRunner) -> None:
    with pytest.raises(TypeError, match="exactly one"):
        store_runner.run("pass", module="this")


def test_template_is_shared(store_template: Path) -> None:
    before = store_template.stat().st_mtime_ns
    assert shared_template(store_template.parent) == store_template
    assert store_template.stat().st_mtime_ns == before
