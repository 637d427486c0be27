"""Fixing files: programs that tempt a fix, single cases, and what happens around them on the disk."""

from __future__ import annotations

import ast
import codecs
import os
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from example_cases import everything, fix, write
from fix_properties import assert_equivalent, assert_patch_agrees, fixed
from tracking_store import StoreRunner, assert_same_data

from mlflow_lint import fixing
from mlflow_lint.engine import Project
from mlflow_lint.fixing import fix_files

# ----------------------------------------------------------------------------------- programs that tempt a fix
RUN = """\
import itertools
import mlflow
client = mlflow.MlflowClient()
run_id = mlflow.start_run().info.run_id
scores = {"a": 0.5, "b": 0.25}
alias = scores
counter = itertools.count()
"""

TEMPTING = {
    "a value that changes under another name": """
        mlflow.log_metric("m1", scores["a"])
        alias["a"] = 7.0
        mlflow.log_metric("m2", 1.0)
    """,
    "an object that changes under another name": """
        class Box: value = 1.0
        box = Box()
        same = box
        mlflow.log_metric("m1", box.value)
        same.value = 7.0
        mlflow.log_metric("m2", 1.0)
    """,
    "a list that grows under another name": """
        layers = [64]
        same = layers
        mlflow.log_param("layers", layers)
        same += [32]
        mlflow.log_param("depth", 2)
    """,
    "a name that an import binds anew": """
        e = 2.0
        mlflow.log_metric("m1", e)
        from math import e
        mlflow.log_metric("m2", 1.0)
    """,
    "the same metric, by a client in between": """
        mlflow.log_metric("m1", 2.0)
        client.log_metric(run_id, "m1", 1.0)
        mlflow.log_metric("m2", 1.0)
    """,
    "the same metric, by another client in between": """
        other = mlflow.MlflowClient()
        client.log_metric(run_id, "m1", 2.0)
        other.log_metric(run_id, "m1", 1.0)
        client.log_metric(run_id, "m2", 1.0)
    """,
    "the same tag, by a client in between": """
        mlflow.set_tag("t1", "fluent")
        client.set_tag(run_id, "t1", "client")
        mlflow.set_tag("t2", 1)
    """,
    "the same metric, by a batch in between": """
        mlflow.log_metric("m1", 2.0)
        client.log_batch(run_id, [mlflow.entities.Metric("m1", 1.0, 1_700_000_009_000, 0)])
        mlflow.log_metric("m2", 1.0)
    """,
    "arguments that are evaluated value first": """
        mlflow.set_tag(value=next(counter), key=str(next(counter)))
        mlflow.set_tag("t2", 1)
    """,
    "an error that the same try expects, in a value": """
        try:
            mlflow.log_metric("m1", 1.0)
            mlflow.log_metric("m2", scores["missing"])
        except KeyError:
            print("no m2")
    """,
    "an error that the same try expects, between": """
        try:
            mlflow.log_metric("m1", 1.0)
            missing = scores["missing"]
            mlflow.log_metric("m2", missing)
        except KeyError:
            print("no m2")
    """,
    "an error that a with suppresses": """
        import contextlib
        with contextlib.suppress(KeyError):
            mlflow.log_metric("m1", 1.0)
            mlflow.log_metric("m2", scores["missing"])
    """,
    "an error that a try around the loop expects": """
        try:
            for key in ("a", "b", "missing"):
                mlflow.log_metric(key, scores[key])
        except KeyError:
            print("no more")
    """,
    "a variable of a class, which a comprehension does not see": """
        class Report:
            table = {"a": 1.0, "b": 2.0}
            for key in ("a", "b"):
                mlflow.log_metric(key, table[key])
    """,
    "a history in a class": """
        class Report:
            global history
            history = [0.5, 0.25]
            for step, value in enumerate(history):
                client.log_metric(run_id, "loss", value, step=step)
    """,
    "a global loop variable": """
        def report():
            global key
            for key in ("a", "b"):
                mlflow.log_metric(key, 1.0)
        report()
        print(key)
    """,
    "a loop variable of the function around": """
        def outer():
            key = None
            def report():
                nonlocal key
                for key in ("a", "b"):
                    mlflow.log_metric(key, 1.0)
            report()
            print(key)
        outer()
    """,
    "a loop variable that is deleted": """
        for key, value in scores.items():
            mlflow.log_metric(key, value)
        del key, value
    """,
    "a loop variable that a function reads": """
        def show():
            print(key)
        for key in ("a", "b"):
            mlflow.log_metric(key, 1.0)
        show()
    """,
    "a name that the condition binds": """
        for key in scores:
            if (score := scores[key]):
                mlflow.log_metric(key, score)
        print(score)
    """,
    "a loop that changes what it reads": """
        for key in list(scores):
            mlflow.log_metric(key, scores.pop(key))
    """,
    "items that repeat": """
        class Pairs:
            def items(self):
                return [("a", 1.0), ("a", 2.0)]
        pairs = Pairs()
        for key, value in pairs.items():
            mlflow.log_metric(key, value)
    """,
    "a print that looks at the run": """
        mlflow.log_metric("m1", 1.0)
        print(f"{client.get_run(run_id).data.metrics}")
        mlflow.log_metric("m2", 1.0)
    """,
    "a model that is made in between": """
        mlflow.log_metric("m1", 1.0)
        model = mlflow.initialize_logged_model(name="first")
        mlflow.log_metric("m2", 1.0)
    """,
}


@pytest.mark.parametrize("title", TEMPTING)
def test_safe_fixes_resist(title: str, store_runner: StoreRunner, tmp_path: Path) -> None:
    """A safe fix, if there is one, keeps the data of a program that is made to trip it."""
    program = RUN + dedent(TEMPTING[title])
    before = store_runner.run(program)
    assert before.exception is None, before.stderr
    result = fixed(program.encode(), unsafe=False)
    assert result.problems == ()
    if result.applied:
        old, _ = assert_equivalent(store_runner, program.encode(), result.after.encode(), tmp_path)
        assert old.exception is None


def test_nothing_to_write_and_no_run(store_runner: StoreRunner) -> None:
    """The one difference that the rules' pages own up to: MLflow opens a run for an empty dict."""
    program = "import mlflow\nmetrics = {}\nfor key, value in metrics.items():\n    mlflow.log_metric(key, value)\n"
    before, after = store_runner.run(program), store_runner.run(fixed(program.encode(), unsafe=False).after)
    assert before.runs == ()
    (run,) = after.runs
    assert (run.params, run.metrics, run.artifacts) == ({}, {}, {})


MANY = {
    "metrics": "mlflow.log_metric(key, value)",
    "params": "mlflow.log_param(key, value)",
    "tags": "mlflow.set_tag(key, value)",
    "client metrics": "client.log_metric(run_id, key, value)",
    "client params": "client.log_param(run_id, key, value)",
    "client tags": "client.set_tag(run_id, key, value)",
}
VALUES = {
    "more than a batch takes": "{f'k{i}': i for i in range(1100)}",
    "what is not quite a number": (
        "{'a': numpy.float32(0.1), 'b': numpy.array(2.0), 'c': True, 'd': numpy.int64(4), 'e': '5.5',"
        " 'f': float('nan'), 'g': Decimal('0.1'), 'h': Fraction(1, 3), 'i': float('inf')}"
    ),
    "nothing": "{}",
}


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("call", MANY)
def test_values_of_loops(call: str, values: str, store_runner: StoreRunner) -> None:
    head = (
        f"{RUN}import numpy\nfrom decimal import Decimal\nfrom fractions import Fraction\nvalues = {VALUES[values]}\n"
    )
    program = f"{head}for key, value in values.items():\n    {MANY[call]}\n"
    result = fixed(program.encode(), unsafe=False)
    assert result.applied
    before, after = store_runner.run(program), store_runner.run(result.after)
    assert before.exception is None, before.stderr
    assert_same_data(before, after, timestamps=True)


# ------------------------------------------------------------------------------------------------ single cases
def test_interleaved_fixes() -> None:
    text = """\
import mlflow

mlflow.log_metric("loss", 1.0)
mlflow.log_param("lr", 0.1)
mlflow.set_tag("a", "1")
mlflow.log_metric("acc", 2.0)
mlflow.log_param("seed", 1)
mlflow.set_tag("b", "2")
"""
    result = fixed(text.encode(), unsafe=False)
    assert result.applied == (("MLF201", 1), ("MLF202", 1), ("MLF203", 1))
    assert (
        result.after
        == """\
import mlflow

mlflow.log_metrics({"loss": 1.0, "acc": 2.0})
mlflow.log_params({"lr": 0.1, "seed": 1})
mlflow.set_tags({"a": "1", "b": "2"})
"""
    )


def test_a_fix_that_makes_room_for_the_next() -> None:
    text = """\
import mlflow

for key, value in config.items():
    mlflow.log_param(key, value)
mlflow.log_param("seed", 7)
"""
    result = fixed(text.encode(), unsafe=False)
    assert result.problems == ()
    assert result.after == 'import mlflow\n\nmlflow.log_params({**config, "seed": 7})\n'
    assert result.remaining.findings == ()


def test_a_value_of_many_lines_goes_in_as_a_whole() -> None:
    text = """\
import mlflow


def report(optimizer):
    mlflow.log_param("name", "adam")
    mlflow.log_param(
        "settings",
        {
            "lr": optimizer.lr,
            "betas": [
                0.9,
            ],
        },
    )
    mlflow.log_param("text", str({
        "a": '''one
        two''',
    }))
"""
    result = fixed(text.encode(), unsafe=True)
    assert result.problems == ()
    assert (
        result.after
        == """\
import mlflow


def report(optimizer):
    mlflow.log_params(
        {
            "name": "adam",
            "settings": {
                "lr": optimizer.lr,
                "betas": [
                    0.9,
                ],
            },
            "text": str({
        "a": '''one
        two''',
    }),
        },
    )
"""
    )


def test_what_spans_lines_moves_with_its_first() -> None:
    text = """\
import mlflow

with mlflow.start_run():
    for feature, importance in model.feature_importances_of_training.items():
        mlflow.log_metric(f"feature_importance_of_training_{feature}", importance)
    mlflow.log_metric(
        "sum",
        (
            a
            + b
        ),
    )
"""
    result = fixed(text.encode(), unsafe=True)
    assert result.problems == ()
    assert (
        result.after
        == """\
import mlflow

with mlflow.start_run():
    mlflow.log_metrics(
        {
            **{
                f"feature_importance_of_training_{feature}": importance
                for feature, importance in model.feature_importances_of_training.items()
            },
            "sum": (
                a
                + b
            ),
        },
    )
"""
    )


def test_what_is_taken_away_leaves_one_blank_line() -> None:
    text = """\
import mlflow

mlflow.log_param("a", a)
mlflow.log_param("b", b)

mlflow.log_metric("loss", loss)

mlflow.log_param("c", c)


def main():
    mlflow.set_tag("a", "1")

    mlflow.log_param("a", 1)
    mlflow.set_tag("b", "2")
"""
    result = fixed(text.encode(), unsafe=True)
    assert result.problems == ()
    assert (
        result.after
        == """\
import mlflow

mlflow.log_metric("loss", loss)

mlflow.log_params({"a": a, "b": b, "c": c})


def main():
    mlflow.log_param("a", 1)
    mlflow.set_tags({"a": "1", "b": "2"})
"""
    )


def test_what_a_method_imports_late_is_not_imported_at_the_top() -> None:
    text = """\
import logging


class Tracker:
    def __init__(self):
        try:
            import mlflow

            self.mlflow = mlflow
        except ImportError:
            logging.warning("no MLflow")

    def replay(self, losses):
        for epoch, loss in enumerate(losses):
            self.mlflow.log_metric("loss", loss, step=epoch)
"""
    result = fixed(text.encode(), unsafe=True)
    assert [finding.code for finding in result.remaining.findings] == ["MLF207"]
    assert result.after == text


def test_fixes_at_one_place_go_one_after_the_other() -> None:
    text = """\
import mlflow

for key, value in scores.items():
    print(key)
    mlflow.log_metric(key, value)
    mlflow.set_tag(f"seen_{key}", "yes")
"""
    result = fixed(text.encode(), unsafe=True)
    assert result.problems == ()
    assert result.applied == (("MLF204", 1), ("MLF206", 1))
    assert '    print(key)\n    metrics[key] = value\n    tags[f"seen_{key}"] = "yes"\n' in result.after
    assert sorted(result.after.splitlines()[-2:]) == ["mlflow.log_metrics(metrics)", "mlflow.set_tags(tags)"]


def test_fixes_share_the_imports_they_need() -> None:
    text = """\
from mlflow import MlflowClient


def report(client: MlflowClient, run):
    client.log_metric(run, "a", 1.0)
    client.log_metric(run, "b", 1.0)


def other(client: MlflowClient, run):
    client.log_metric(run, "a", 1.0)
    client.log_metric(run, "b", 1.0)
"""
    result = fixed(text.encode(), unsafe=False)
    assert result.applied == (("MLF201", 2),)
    assert result.after.count("import time\n") == 1
    assert result.after.count("from mlflow.entities import Metric\n") == 1


@pytest.mark.parametrize("comment", ["# noqa", "# noqa: MLF201", "# mlflow-lint: ignore[MLF201]"])
def test_a_suppressed_finding_is_not_fixed(comment: str) -> None:
    text = f"""\
import mlflow

mlflow.log_metric("a", 1.0)  {comment}
mlflow.log_metric("b", 1.0)
mlflow.set_tag("a", "1")
mlflow.set_tag("b", "1")
"""
    result = fixed(text.encode(), unsafe=True)
    assert result.applied == (("MLF203", 1),)
    assert result.after.startswith(text.partition("mlflow.set_tag")[0])


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (lambda text: text + "(", "would not be Python"),
        (lambda text: text, "the finding would remain"),
        (lambda text: text + 'mlflow.set_tag("a", 1)\nmlflow.set_tag("b", 1)\n', "it would bring MLF203"),
    ],
)
def test_a_fix_gone_wrong_is_dropped(
    broken: Callable[[str], str], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixing, "edited", lambda text, edits: broken(text))
    result = fixed(ROW.encode(), unsafe=False)
    assert (result.after, result.applied) == (ROW, ())
    (problem,) = result.problems
    assert problem.startswith("example.py:3: the fix of MLF201 was dropped: ")
    assert reason in problem
    assert [finding.code for finding in result.remaining.findings] == ["MLF201"]


# ------------------------------------------------------------------------------------------------ on the disk
ROW = 'import mlflow\n\nmlflow.log_metric("a", 1.0)\nmlflow.log_metric("b", 2.0)\n'
ROW_FIXED = 'import mlflow\n\nmlflow.log_metrics({"a": 1.0, "b": 2.0})\n'


def test_a_file_that_changes_meanwhile_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, ROW)
    theirs = b"import mlflow  # edited meanwhile\n"
    real = fixing.write_atomically

    def edit_and_write(target: Path, data: bytes, expected: bytes) -> None:
        path.write_bytes(theirs)
        real(target, data, expected)

    monkeypatch.setattr(fixing, "write_atomically", edit_and_write)
    result = fix(path, everything(tmp_path), unsafe=False, write=True)
    assert path.read_bytes() == theirs
    assert result.problems == ("example.py: not fixed: the file changed while it was linted",)
    assert (result.applied, result.after) == ((), result.before)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_may_not_be_written_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, ROW)
    path.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)  # root may write what it likes
    result = fix(path, everything(tmp_path), unsafe=False, write=True)
    assert result.problems == ("example.py: not fixed: Permission denied",)
    assert [finding.code for finding in result.remaining.findings] == ["MLF201"]
    assert path.read_bytes() == ROW.encode()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="limits as POSIX has them")
def test_a_full_disk_leaves_the_file_and_says_so(tmp_path: Path) -> None:
    import resource

    path = write(tmp_path, ROW)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        result = fix(path, everything(tmp_path), unsafe=False, write=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert result.problems == ("example.py: not fixed: File too large",)
    assert [finding.code for finding in result.remaining.findings] == ["MLF201"]
    assert path.read_bytes() == ROW.encode()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="modes and links as POSIX has them")
def test_one_file_by_two_paths_is_fixed_once(tmp_path: Path) -> None:
    path = write(tmp_path / "real", ROW)
    (tmp_path / "link.py").symlink_to(path)
    (tmp_path / "hard.py").hardlink_to(path)
    paths = (path, tmp_path / "link.py", path.parent / ".." / "real" / path.name, tmp_path / "hard.py")
    results = fix_files(
        Project(tmp_path, tmp_path), [(each, everything(tmp_path)) for each in paths], unsafe=False, write=True
    )
    assert [problem for result in results for problem in result.problems] == []
    assert path.read_bytes() == ROW_FIXED.encode()
    assert (tmp_path / "link.py").is_symlink()


def test_fixes_inside_one_another() -> None:
    """A loop over keys in a loop over keys, rows in both, and a row of what they become."""
    text = """\
import mlflow

mlflow.log_metric("first", 1.0)
for name, scores in (("a", {"x": 1.0}), ("b", {"y": 2.0})):
    mlflow.set_tag(f"{name}_seen", "yes")
    mlflow.set_tag(f"{name}_kind", "number")
    for key, value in scores.items():
        mlflow.log_metric(f"{name}_{key}", value)
mlflow.log_metric("last", 1.0)
"""
    result = fixed(text.encode(), unsafe=True)
    assert result.problems == ()
    assert result.remaining.findings == ()
    ast.parse(result.after)


@pytest.mark.skipif(os.name != "posix", reason="modes and links as POSIX has them")
def test_fixing_keeps_mode_and_links(tmp_path: Path) -> None:
    path = write(tmp_path / "real", ROW)
    path.chmod(0o754)
    link = tmp_path / "link.py"
    link.symlink_to(path)
    result = fix(link, everything(tmp_path), unsafe=False, write=True)
    assert result.problems == ()
    assert link.is_symlink()
    assert path.read_bytes() == ROW_FIXED.encode()
    assert path.stat().st_mode & 0o777 == 0o754


def test_nothing_to_fix_writes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, ROW_FIXED)
    before = path.stat()
    result = fix(path, everything(tmp_path), unsafe=True, write=True)
    assert (result.applied, result.problems) == ((), ())
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


@pytest.mark.parametrize(
    "data",
    [
        ROW.encode(),
        ROW.replace("\n", "\r\n").encode(),
        ROW.rstrip("\n").encode(),
        ROW.rstrip("\n").replace("\n", "\r\n").encode(),
        codecs.BOM_UTF8 + ROW.encode(),
        codecs.BOM_UTF8 + ROW.replace("import mlflow\n\n", "import mlflow; x = 1\n").encode(),
        ROW.replace('"a"', '"\u2028é\x0c"').encode(),
    ],
    ids=[
        "lf",
        "crlf",
        "no newline at the end",
        "crlf, none at the end",
        "bom",
        "bom near the change",
        "odd characters",
    ],
)
def test_diff_is_what_patch_takes(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "example.py"
    path.write_bytes(data)
    result = fix(path, everything(tmp_path), unsafe=False)
    assert result.applied
    assert path.read_bytes() == data
    assert_patch_agrees(result, data)
