"""Baselines: what is known stays known, and what is new is told."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections import Counter
from pathlib import Path

import doors
import pytest
import test_cli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from linting import check
from notebooks import notebook, written
from test_cli import BROKEN, HOT, ROW, Lint, codes, configure, is_one_error, write
from test_flake8_plugin import places

from mlflow_lint.baseline import BaselineError, Known, compare, parse, rendered

lint, tree = test_cli.lint, test_cli.tree

CONCISE = ("--output-format", "concise")


def entries(tree: Path, name: str = "base.json") -> list[tuple[str, str, int]]:
    """Path, code and count of each entry."""
    whole = json.loads((tree / name).read_bytes())
    return [(entry["path"], entry["code"], entry["count"]) for entry in whole["findings"]]


def known(lint: Lint, *arguments: str) -> None:
    """Make or update the baseline."""
    ran = lint("--baseline", "base.json", "--update-baseline", *arguments)
    assert (ran.code, ran.out) == (0, ""), ran


def new(lint: Lint, *arguments: str) -> list[str]:
    """What is told beside a baseline."""
    return codes(lint("--baseline", "base.json", *CONCISE, *arguments))


# ------------------------------------------------------------------------------------- known, moved, new, gone
def test_exactly_the_new_one_is_told(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT, "sub/b.py": ROW})
    known(lint)
    assert new(lint) == []
    moved = HOT.replace("import mlflow\n", "import mlflow\n\n\ndef helper():\n    return 1\n")
    write(tree, {"a.py": moved, "sub/b.py": f"# new\n{ROW}\nfor k in d:\n    mlflow.log_param(k, d[k])\n"})
    ran = lint("--baseline", "base.json", *CONCISE)
    assert codes(ran) == ["sub/b.py:MLF205"]
    assert (ran.code, ran.err) == (1, "")


def test_the_file_is_made_to_be_read_and_merged(tree: Path, lint: Lint) -> None:
    write(tree, {"b.py": ROW + "\nx = 1\n" + ROW, "a.py": HOT})
    known(lint)
    text = (tree / "base.json").read_text()
    lines = text.splitlines()
    assert lines[:3] == ["{", '  "version": 1,', '  "findings": [']
    assert lines[-2:] == ["  ]", "}"]
    assert text.endswith("}\n")
    assert entries(tree) == [("a.py", "MLF101", 1), ("b.py", "MLF201", 2)]
    assert len(lines) == 5 + len(entries(tree))
    assert rendered(parse(text.encode())) == text.encode()
    assert "loss" not in text, "what stands on the line may be a password"
    before = (tree / "base.json").stat().st_mtime_ns
    known(lint)
    assert (tree / "base.json").stat().st_mtime_ns == before


def test_one_more_copy_is_new(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": ROW + "x = input()\n" + ROW})
    known(lint)
    write(tree, {"a.py": ROW + "x = input()\n" + ROW + "x = input()\n" + ROW})
    assert new(lint) == ["a.py:MLF201"]


def test_comments_and_blanks_are_no_part_of_a_line(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT + '        mlflow.log_metric("b", loss, step=batch)\n', "b.py": BROKEN})
    known(lint, "--ignore", "MLF201")
    assert new(lint) == ["a.py:MLF201"]
    lint("--baseline", "base.json", "--add-noqa")
    assert "# noqa: MLF201" in (tree / "a.py").read_text()
    assert new(lint) == []
    deeper = (tree / "a.py").read_text().replace(" " * 8, " " * 10)
    write(tree, {"a.py": deeper})
    assert new(lint) == []


def test_all_lines_of_a_call_count(tree: Path, lint: Lint) -> None:
    call = 'mlflow.log_param(\n    "{}",\n    1,\n)\nmlflow.log_param("b", 2)\nx = input()\n'
    write(tree, {"a.py": "import mlflow\n" + call.format("a")})
    known(lint)
    write(tree, {"a.py": "import mlflow\n" + call.format("other")})
    assert new(lint) == ["a.py:MLF202"], "the first line alone is the same for many calls"


def test_findings_about_comments_are_told_apart(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": "import mlflow\n# mlflow-lint: ignore MLF1\n"})
    known(lint)
    write(tree, {"a.py": "import mlflow\n# mlflow-lint: ignore MLF2\n"})
    assert new(lint) == ["a.py:MLF903"]


def test_what_is_gone_is_said_and_taken_out(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT, "b.py": ROW, "c.py": ROW})
    known(lint)
    write(tree, {"a.py": "import mlflow\n", "b.py": "x = 1\n"})
    (tree / "c.py").unlink()
    ran = lint("--baseline", "base.json")
    assert (ran.code, ran.out) == (0, "No findings in 2 files.\n")
    name = os.path.join(tree, "base.json")
    assert ran.err == f"mlflow-lint: note: {name}: 3 findings of it are gone; --update-baseline takes them out\n"
    assert "gone" not in lint("--baseline", "base.json", "-", "--stdin-filename", "a.py").err
    ran = lint("--baseline", "base.json", "--update-baseline")
    assert ran.err == f"mlflow-lint: {name}: 0 findings added, 3 taken out, 0 kept\n"
    assert entries(tree) == []
    assert (tree / "base.json").read_text() == '{\n  "version": 1,\n  "findings": []\n}\n'


def test_a_renamed_file_is_told_again(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    known(lint)
    (tree / "a.py").rename(tree / "b.py")
    assert new(lint) == ["b.py:MLF101"]
    known(lint)
    assert entries(tree) == [("b.py", "MLF101", 1)]


def test_additions_to_a_baseline_are_named(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    first = lint("--baseline", "base.json", "--update-baseline")
    assert first.err == f"mlflow-lint: {tree / 'base.json'}: 1 finding added, 0 taken out, 0 kept\n"
    write(tree, {"b.py": ROW})
    added, counts = lint("--baseline", "base.json", "--update-baseline").err.splitlines()
    assert added.startswith("mlflow-lint: known from now on: b.py:3:1: MLF201 [*] 2 calls of log_metric")
    assert counts.endswith(": 1 finding added, 0 taken out, 1 kept")


def test_a_part_of_the_files_leaves_the_others(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT, "sub/b.py": ROW, "gone.py": ROW})
    known(lint)
    write(tree, {"a.py": "x = 1\n", "sub/b.py": "x = 1\n"})
    (tree / "gone.py").unlink()
    known(lint, "sub")
    assert entries(tree) == [("a.py", "MLF101", 1)]


def test_a_part_of_the_rules_leaves_the_others(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT + "x = input()\n" + ROW})
    known(lint)
    write(tree, {"a.py": "import mlflow\n"})
    assert "1 finding of it is gone" in lint("--baseline", "base.json", "--select", "MLF2").err
    known(lint, "--select", "MLF2")
    assert entries(tree) == [("a.py", "MLF101", 1)]


def test_a_file_that_cannot_be_read_is_left(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    known(lint)
    (tree / "a.py").unlink()
    (tree / "a.py").symlink_to("nowhere")
    ran = lint("--baseline", "base.json", "--update-baseline", "a.py")
    assert ran.code == 2
    assert entries(tree) == [("a.py", "MLF101", 1)]


def test_broken_files_can_be_known(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": "import mlflow\nprint 'x'\n", "b.py": b"import mlflow\nx = '\xe9'\n", "c.ipynb": '{"mlflow"'})
    known(lint)
    assert entries(tree) == [(name, "MLF000", 1) for name in ("a.py", "b.py", "c.ipynb")]
    assert lint("--baseline", "base.json").code == 0
    write(tree, {"a.py": "import mlflow\nprint 'y'\n"})
    assert new(lint) == ["a.py:MLF000"]


def test_a_file_that_breaks_keeps_its_entries(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    known(lint)
    write(tree, {"a.py": f"{HOT}("})
    assert new(lint) == ["a.py:MLF000"]
    assert "gone" not in lint("--baseline", "base.json").err
    known(lint)
    assert entries(tree) == [("a.py", "MLF000", 1), ("a.py", "MLF101", 1)]
    write(tree, {"a.py": HOT})
    assert new(lint) == []
    known(lint)
    assert entries(tree) == [("a.py", "MLF101", 1)]


def test_notebooks(tree: Path, lint: Lint) -> None:
    row = ROW.partition("\n\n")[2]
    path = tree / "a.ipynb"
    path.write_bytes(written("import mlflow", row))
    known(lint)
    ran = notebook("import mlflow", "%matplotlib inline", f"# moved\n{row}")
    ran["cells"][2] |= {"execution_count": 7, "outputs": [{"name": "stdout", "output_type": "stream", "text": ["1\n"]}]}
    path.write_text(json.dumps(ran))
    assert lint("--baseline", "base.json").code == 0
    path.write_bytes(written("import mlflow", row, row))
    assert lint("--baseline", "base.json", *CONCISE).out.startswith("a.ipynb:cell 3:1:1: MLF201 ")


# ------------------------------------------------------------------------------------------------------- fixing
def test_what_is_known_is_not_fixed(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": ROW})
    known(lint)
    write(tree, {"a.py": ROW + "x = input()\nmlflow.set_tag('a', '1')\nmlflow.set_tag('b', '2')\n", "b.py": ROW})
    assert "-mlflow.log_metric" not in lint("--baseline", "base.json", "--diff", "a.py").out
    ran = lint("--baseline", "base.json", "--fix")
    assert (ran.code, ran.err) == (0, "")
    assert (tree / "a.py").read_text() == ROW + "x = input()\nmlflow.set_tags({'a': '1', 'b': '2'})\n"
    assert "log_metrics" in (tree / "b.py").read_text()
    stdin = lint("--baseline", "base.json", "--fix", "-", "--stdin-filename", "a.py", stdin=ROW.encode())
    assert stdin.out == ROW
    assert lint("--no-baseline", "--fix").code == 0
    assert "log_metrics" in (tree / "a.py").read_text()


# ----------------------------------------------------------------------------------------------- where it comes from
def test_as_a_setting(tree: Path, lint: Lint) -> None:
    configure(tree, 'baseline = "lint/base.json"')
    write(tree, {"a.py": HOT, "sub/b.py": ROW, "lint/x.py": HOT})
    assert is_one_error(lint().err)
    assert "there is no such baseline (--update-baseline makes one)" in lint().err
    assert lint().code == 2
    assert lint("--update-baseline").code == 0
    assert [path for path, _, _ in entries(tree, "lint/base.json")] == ["../a.py", "../sub/b.py", "x.py"]
    assert lint().code == 0
    assert codes(lint("--no-baseline", *CONCISE)) == ["a.py:MLF101", "lint/x.py:MLF101", "sub/b.py:MLF201"]
    os.chdir(tree / "sub")
    assert lint().code == 0
    assert lint("..").code == 0
    assert lint("--isolated", "..").code == 1


def test_each_project_has_its_own(tree: Path, lint: Lint) -> None:
    for name in ("one", "two"):
        write(tree, {f"{name}/a.py": ROW})
        configure(tree / name, 'baseline = "base.json"')
    assert lint("--update-baseline").code == 0
    assert entries(tree / "one") == entries(tree / "two") == [("a.py", "MLF201", 1)]
    write(tree, {"two/b.py": ROW})
    assert codes(lint(*CONCISE)) == ["two/b.py:MLF201"]


def test_standard_input(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    known(lint)
    assert lint("--baseline", "base.json", "-", "--stdin-filename", "a.py", stdin=f"\n{HOT}".encode()).code == 0
    assert lint("--baseline", "base.json", "-", "--stdin-filename", "b.py", stdin=HOT.encode()).code == 1


def test_flake8_knows_it_too(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": HOT, "b.py": ROW})
    configure(tmp_path, 'baseline = "base.json"')
    stopped = doors.flake8("--select", "MLF", ".", cwd=tmp_path)
    assert "there is no such baseline" in stopped.out + stopped.err
    assert doors.mlflow_lint("--update-baseline", cwd=tmp_path).code == 0
    write(tmp_path, {"b.py": f"import os\n{HOT}{ROW}"})
    plugin = doors.flake8("--select", "MLF", ".", cwd=tmp_path)
    command = doors.mlflow_lint(*CONCISE, cwd=tmp_path)
    assert [place[3] for place in places(plugin)] == ["MLF101"]
    assert places(plugin) == places(command)


# ------------------------------------------------------------------------------------------------------- mistakes
ENTRY = '{"path": "a.py", "code": "MLF101", "lines": "0", "count": 1}'
BAD = {
    b"": "it is not JSON",
    b"\xff": "it is not UTF-8 text",
    b"[": "it is not JSON",
    b"<<<<<<< HEAD\n": "it is not JSON: Expecting value (line 1)",
    b"[]": "no baseline of mlflow-lint",
    b"{}": "no baseline of mlflow-lint",
    b'{"name": "x", "version": "1.0.0"}': "no baseline of mlflow-lint",
    b'{"version": 2, "findings": []}': "its version is 2; this mlflow-lint reads version 1",
    b'{"version": true, "findings": []}': "its version is True",
    b'{"version": 1, "findings": {}}': "no baseline of mlflow-lint",
    b'{"version": 1, "findings": [1]}': "its entry 1 is not one of a baseline",
    b'{"version": 1, "findings": [%s, {}]}' % ENTRY.encode(): "its entry 2 ",
    b'{"version": 1, "findings": [%s]}' % ENTRY.replace("1}", "0}").encode(): "its entry 1 ",
    b'{"version": 1, "findings": [%s]}' % ENTRY.replace("1}", "true}").encode(): "its entry 1 ",
    b'{"version": 1, "findings": [%s]}' % ENTRY.replace("1}", "1e400}").encode(): "its entry 1 ",
    b'{"version": 1, "findings": [%s]}' % ENTRY.replace('"a.py"', "null").encode(): "its entry 1 ",
    b'{"version": 1, "findings": [%s]}' % ENTRY.replace("1}", "9" * 5000 + "}").encode(): "cannot be read",
    b"[" * 100_000: "cannot be read",
}


@pytest.mark.parametrize(("data", "said"), BAD.items(), ids=range(len(BAD)))
def test_what_is_no_baseline_is_never_overwritten(data: bytes, said: str, tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT, "base.json": data})
    for arguments in ((), ("--update-baseline",), ("--fix",), ("--add-noqa",)):
        ran = lint("--baseline", "base.json", *arguments)
        assert ran.code == 2
        assert ran.out == ""
        assert is_one_error(ran.err)
        assert said in ran.err
    assert (tree / "base.json").read_bytes() == data
    assert (tree / "a.py").read_text() == HOT


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--update-baseline"], "--update-baseline needs --baseline FILE, or the setting `baseline`"),
        (["--update-baseline", "--baseline", "b", "--fix"], "--update-baseline does not go with --fix"),
        (["--update-baseline", "--baseline", "b", "--diff-against", "x"], "does not go with --diff-against"),
        (["--update-baseline", "--baseline", "b", "-"], "does not go with standard input"),
        (["--no-baseline", "--baseline", "b"], "--baseline does not go with --no-baseline"),
        (["--baseline", "."], "the baseline cannot be read: is a directory, not a file"),
        (["--baseline", "no/b.json"], "there is no such baseline"),
        (["--baseline", "no/b.json", "--update-baseline"], "cannot be written: No such file or directory"),
        (["--baseline", "a\nb"], "there is no such baseline"),
    ],
)
def test_mistakes(arguments: list[str], said: str, tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    ran = lint(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert is_one_error(ran.err)
    assert said in ran.err
    assert [path.name for path in tree.iterdir()] == ["a.py"]


def test_branches_that_both_added_the_same(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    known(lint)
    whole = json.loads((tree / "base.json").read_bytes())
    whole["findings"] *= 2
    (tree / "base.json").write_text(json.dumps(whole))
    assert new(lint) == []
    write(tree, {"a.py": f"{HOT}x = input()\n{HOT}"})
    assert new(lint) == ["a.py:MLF101"]


def test_odd_paths(tree: Path, lint: Lint) -> None:
    names = ["é\u2028.py", "a b.py", "\x1b[31m.py"]
    write(tree, dict.fromkeys(names, HOT))
    if os.name == "posix":
        Path(os.fsdecode(os.fsencode(tree) + b"/\xff.py")).write_text(HOT)
    known(lint)
    assert "\x1b" not in (tree / "base.json").read_text()
    assert lint("--baseline", "base.json").code == 0


def test_entries_of_hostile_paths(tree: Path, lint: Lint) -> None:
    odd = [ENTRY.replace("a.py", path) for path in ("/etc/passwd", "\\u0000", "\\ud800", "../" * 50, "x" * 5000)]
    whole = '{"version": 1, "findings": [' + ",".join(odd) + "]}"
    write(tree, {"a.py": HOT, "base.json": whole})
    assert lint("--baseline", "base.json").code == 1
    known(lint)
    assert {"a.py", "/etc/passwd"} <= {path for path, _, _ in entries(tree)}


# ------------------------------------------------------------------------------------------------ any movement
BLOCKS = [
    ROW.partition("\n\n")[2],
    "for k in d:\n    mlflow.log_param(k, d[k])\n",
    "mlflow.set_tag(\n    'a',\n    '1',\n)\nmlflow.set_tag('b', '2')\n",
    "for epoch in range(9):\n    for batch in train_loader:\n        mlflow.log_metric('l', f(batch), step=batch)\n",
]
UNRELATED = ["x = input()\n", "# a comment\n\n", "def helper():\n    return input()\n", "y = '''\n# text\n'''\n"]


def program(parts: list[str]) -> str:
    return "import mlflow\n" + "".join(f"x = input()\n{part}" for part in parts)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.data())
def test_moving_is_nothing_new_and_a_copy_is_one(tmp_path: Path, data: st.DataObject) -> None:
    blocks = data.draw(st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=5))
    before = check(program(blocks), tmp_path)
    counts = parse(rendered({"code.py": compare(before, {}).counts}))["code.py"]
    assert sum(counts.values()) == len(before.findings) == len(blocks)
    moved = data.draw(st.permutations(blocks + data.draw(st.lists(st.sampled_from(UNRELATED), max_size=4))))
    assert compare(check(program(moved), tmp_path), counts).new == ()
    copy = data.draw(st.sampled_from(blocks))
    more = data.draw(st.permutations([*moved, copy]))
    (told,) = compare(check(program(more), tmp_path), counts).new
    assert told.code == check(program([copy]), tmp_path).findings[0].code
    fewer = compare(check(program(blocks[1:]), tmp_path), counts)
    assert (fewer.new, sum(fewer.gone.values())) == ((), 1)


TEXTS = st.text(max_size=5)
KINDS = st.dictionaries(st.builds(Known, TEXTS, TEXTS), st.integers(1, 9), min_size=1)


@given(st.dictionaries(st.text(st.characters(), max_size=5), KINDS))
def test_what_is_written_reads_back(baseline: dict[str, Counter[Known]]) -> None:
    assert parse(rendered(baseline)) == baseline


@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_make_it_raise_anything_else(data: bytes) -> None:
    with contextlib.suppress(BaselineError):
        parse(data)


def test_the_fixtures(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(doors.FIXTURES, tree)
    assert doors.mlflow_lint("--baseline", "base.json", "--update-baseline", cwd=tree).code == 0
    for path in [*tree.rglob("*.py")]:
        path.write_text(f"import os\n\n\n{path.read_text()}")
    trainer = tree / "batch_trainer.py"
    trainer.write_text(trainer.read_text() + "\nmlflow.set_tag('x', 'a')\nmlflow.set_tag('y', 'b')\n")
    ran = doors.mlflow_lint("--baseline", "base.json", *CONCISE, cwd=tree)
    assert ran.err == ""
    assert codes(ran) == ["batch_trainer.py:MLF203"]
