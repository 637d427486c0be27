"""`--diff-against`: findings on lines that have changed since a commit, asked of real repositories."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import doors
import pytest
import test_cli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notebooks import written
from test_cli import BROKEN, HOT, ROW, Lint, codes, configure, is_one_error, write

from mlflow_lint.changes import changed_items

lint, tree = test_cli.lint, test_cli.tree

CONCISE = ("--output-format", "concise")
AFTER = "x = input()\n"

Git = Callable[..., str]


def git_in(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def git(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """Run git in a new repository, which is the working directory."""
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    git_in(tree, "init", "--quiet", "--initial-branch=main")

    def run(*arguments: str) -> str:
        return git_in(tree, *arguments)

    return run


def commit(git: Git, message: str = "work") -> None:
    git("add", "--all")
    git("commit", "--quiet", "--message", message)


def changed(lint: Lint, *arguments: str, ref: str = "main") -> list[str]:
    ran = lint("--diff-against", ref, *CONCISE, *arguments)
    assert ran.err == ""
    assert ran.code == bool(codes(ran))
    return codes(ran)


# ------------------------------------------------------------------------------------------------ what counts
def test_only_what_has_changed(tree: Path, git: Git, lint: Lint) -> None:
    write(tree, {"a.py": HOT + AFTER, "b.py": ROW})
    commit(git)
    assert changed(lint) == []
    write(tree, {"a.py": f"import os\n{HOT}{AFTER}{ROW}", "new.py": ROW})
    ran = lint("--diff-against", "main", *CONCISE)
    assert [line.split(" ")[0] for line in ran.out.splitlines()[:-1]] == ["a.py:11:1:", "new.py:3:1:"]
    git("add", "a.py")
    assert changed(lint) == ["a.py:MLF201", "new.py:MLF201"]
    commit(git)
    assert changed(lint) == []
    assert changed(lint, ref="HEAD~1") == ["a.py:MLF201", "new.py:MLF201"]


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        ("log_metric", "log_metric ", True),
        ("for batch in train_loader:", "for batch in  train_loader:", True),
        ("for epoch in range(epochs):", "for epoch in range(epochs ):", False),
        ("loss = train_step(batch)", "loss = train_step( batch)", False),
        ("import mlflow\n", "import mlflow\nimport os\n", False),
    ],
)
def test_the_call_and_its_loop(old: str, new: str, counts: bool, tree: Path, git: Git, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    commit(git)
    write(tree, {"a.py": HOT.replace(old, new)})
    assert changed(lint) == (["a.py:MLF101"] if counts else [])


def test_any_line_of_a_call(tree: Path, git: Git, lint: Lint) -> None:
    code = HOT.replace(
        '("loss", loss, step=batch)', '(\n            "loss",\n            loss,\n            step=batch,\n        )'
    )
    write(tree, {"a.py": code})
    commit(git)
    write(tree, {"a.py": code.replace("            loss,\n", "            loss * 2,\n")})
    assert changed(lint) == ["a.py:MLF101"]


def test_the_function_that_writes_in_another_file(tree: Path, git: Git, lint: Lint) -> None:
    helper = 'import mlflow\n\n\ndef log(loss):\n    mlflow.{}("loss", loss)\n'
    loop = HOT.replace("import mlflow", "from helper import log").replace(
        'mlflow.log_metric("loss", loss, step=batch)', "log(loss)"
    )
    write(tree, {"helper.py": helper.format("log_text"), "train.py": loop})
    commit(git)
    write(tree, {"helper.py": helper.format("log_metric")})
    assert "train.py:MLF101" in changed(lint)
    assert "train.py:MLF101" in changed(lint, "train.py")


def test_since_the_branches_parted(tree: Path, git: Git, lint: Lint) -> None:
    write(tree, {"a.py": f"import mlflow\n{AFTER}", "b.py": "x = 1\n"})
    commit(git)
    git("switch", "--quiet", "--create", "topic")
    write(tree, {"b.py": ROW})
    commit(git)
    git("switch", "--quiet", "main")
    write(tree, {"a.py": HOT})
    commit(git)
    git("switch", "--quiet", "topic")
    assert changed(lint) == ["b.py:MLF201"]
    write(tree, {"a.py": f"import mlflow\n{AFTER}{HOT}"})
    assert changed(lint) == ["a.py:MLF101", "b.py:MLF201"]


def test_renamed_files(tree: Path, git: Git, lint: Lint) -> None:
    write(tree, {"a.py": HOT + AFTER * 9})
    commit(git)
    git("mv", "a.py", "é_b.py")
    assert changed(lint) == []
    write(tree, {"é_b.py": HOT + AFTER * 9 + ROW})
    git("add", "--all")
    assert changed(lint) == ["é_b.py:MLF201"]
    commit(git)
    assert changed(lint, ref="HEAD~1") == ["é_b.py:MLF201"]


def test_a_file_that_is_as_it_was_needs_no_object(tree: Path, git: Git, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    commit(git)
    blob = git("hash-object", "a.py").strip()
    objects = tree / ".git" / "objects"
    (objects / blob[:2] / blob[2:]).unlink()
    assert changed(lint) == []
    write(tree, {"a.py": HOT + AFTER})
    ran = lint("--diff-against", "main")
    assert (ran.code, ran.out) == (2, "")
    assert is_one_error(ran.err)
    assert "git says: " in ran.err


def test_line_ends_are_no_change(tree: Path, git: Git, lint: Lint) -> None:
    write(tree, {"a.py": HOT + AFTER})
    commit(git)
    write(tree, {"a.py": f"{HOT}{AFTER}{ROW}".replace("\n", "\r\n")})
    assert changed(lint) == ["a.py:MLF201"]


def test_from_a_subfolder_and_a_worktree(tree: Path, git: Git, lint: Lint) -> None:
    write(tree, {"a.py": HOT, "sub/b.py": HOT, "sub/c.py": ROW})
    commit(git)
    other = tree.parent / f"{tree.name}-other"
    git("worktree", "add", "--quiet", "--detach", str(other))
    for folder in (tree, other):
        write(folder, {"a.py": HOT + ROW, "sub/b.py": HOT + ROW})
        os.chdir(folder / "sub")
        assert changed(lint) == ["b.py:MLF201"]
        names = [name.rpartition("/")[2] for name in changed(lint, "..")]
        assert names == ["a.py:MLF201", "b.py:MLF201"]


def test_through_symbolic_links(tree: Path, git: Git, lint: Lint) -> None:
    write(tree, {"real/a.py": HOT + AFTER})
    (tree / "link").symlink_to("real")
    commit(git)
    write(tree, {"real/a.py": HOT + AFTER + ROW})
    assert changed(lint, "link/a.py") == ["link/a.py:MLF201"]


def test_what_git_does_not_know(tree: Path, git: Git, lint: Lint) -> None:
    write(tree, {"a.py": ROW, ".gitignore": "ignored.py\n"})
    commit(git)
    outside = tree.parent / f"{tree.name}-outside.py"
    outside.write_text(ROW)
    write(tree, {"ignored.py": ROW})
    assert changed(lint, "ignored.py") == ["ignored.py:MLF201"]
    assert lint("--diff-against", "main", outside).code == 1
    assert lint("--diff-against", "main", "-", "--stdin-filename", "nowhere.py", stdin=ROW.encode()).code == 1
    assert lint("--diff-against", "main", "-", "--stdin-filename", "a.py", stdin=ROW.encode()).code == 0
    assert lint("--diff-against", "main", "-", "--stdin-filename", "a.py", stdin=HOT.encode()).code == 1


def test_broken_files(tree: Path, git: Git, lint: Lint) -> None:
    write(tree, {"a.py": BROKEN, "b.py": BROKEN, "c.py": b"import mlflow\n'\xe9'\n"})
    commit(git)
    assert changed(lint) == []
    write(tree, {"b.py": BROKEN + "x = 1\n"})
    assert changed(lint) == ["b.py:MLF000"]
    write(tree, {"c.py": ROW})
    assert changed(lint) == ["b.py:MLF000", "c.py:MLF201"]


def test_notebooks_by_cell(tree: Path, git: Git, lint: Lint) -> None:
    row = ROW.partition("\n\n")[2]
    path = tree / "a.ipynb"
    path.write_bytes(written("import mlflow", row, f"{AFTER}{row}"))
    commit(git)
    path.write_bytes(written("import mlflow", "%pip install x", row, f"{AFTER}{AFTER}{row}", "x = 1"))
    ran = lint("--diff-against", "main", *CONCISE)
    assert [line.split(" MLF")[0] for line in ran.out.splitlines()[:-1]] == ["a.ipynb:cell 4:3:1:"]
    whole = json.loads(path.read_bytes())
    whole["cells"][3]["source"] = [AFTER, *row.splitlines(keepends=True)]
    path.write_text(json.dumps(whole))
    assert lint("--diff-against", "main").code == 0


def test_only_what_has_changed_is_fixed_and_silenced(tree: Path, git: Git, lint: Lint) -> None:
    write(tree, {"a.py": ROW + AFTER})
    commit(git)
    tail = ROW.partition("\n\n")[2]
    write(tree, {"a.py": ROW + AFTER + tail})
    lint("--diff-against", "main", "--add-noqa")
    assert (tree / "a.py").read_text() == ROW + AFTER + tail.replace("1.0)", "1.0)  # noqa: MLF201")
    write(tree, {"a.py": ROW + AFTER + tail})
    assert "@@ -3,5 +3,4 @@" in lint("--diff-against", "main", "--diff").out
    assert lint("--diff-against", "main", "--fix").code == 0
    assert (tree / "a.py").read_text() == f'{ROW}{AFTER}mlflow.log_metrics({{"a": 1.0, "b": 2.0}})\n'


def test_beside_a_baseline(tree: Path, git: Git, lint: Lint) -> None:
    write(tree, {"a.py": ROW + AFTER})
    commit(git)
    write(tree, {"a.py": ROW + AFTER + HOT})
    lint("--baseline", "base.json", "--update-baseline")
    write(tree, {"a.py": ROW + AFTER + HOT + AFTER + ROW, "b.py": ROW})
    assert changed(lint, "--baseline", "base.json") == ["a.py:MLF201", "b.py:MLF201"]


# ------------------------------------------------------------------------------------------------------ mistakes
@pytest.mark.parametrize(
    "ref", ["nope", "", "-x", "--output=x", "a\nb", "main:a.py", "main^{tree}", "main..main", "^main", "0" * 40, "\x1b"]
)
def test_what_is_no_commit(ref: str, tree: Path, git: Git, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    commit(git)
    ran = lint(f"--diff-against={ref}")
    assert (ran.code, ran.out) == (2, "")
    assert is_one_error(ran.err)
    assert "--diff-against" in ran.err
    assert sorted(path.name for path in tree.iterdir()) == [".git", "a.py"]


@pytest.mark.parametrize("ref", ["main", "HEAD", "v1", "@", "main~0", ":/wo", "main@{0}"])
def test_names_of_a_commit(ref: str, tree: Path, git: Git, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    commit(git)
    git("tag", "--annotate", "--message", "first", "v1")
    assert changed(lint, ref=ref) == []


def test_where_it_cannot_be_told(tree: Path, lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tree.parent))
    write(tree, {"a.py": HOT})
    assert "git says: not a git repository" in lint("--diff-against", "main").err
    git_in(tree, "init", "--quiet")
    assert "'HEAD' is no commit of this repository" in lint("--diff-against", "HEAD").err
    monkeypatch.setenv("PATH", str(tree))
    ran = lint("--diff-against", "main")
    assert (ran.code, ran.out) == (2, "")
    assert "git cannot be run: No such file or directory" in ran.err


def test_histories_that_have_nothing_in_common(tree: Path, git: Git, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    commit(git)
    git("switch", "--quiet", "--orphan", "other")
    write(tree, {"b.py": HOT})
    commit(git)
    assert "'main' and HEAD have no common commit" in lint("--diff-against", "main").err


def test_nothing_that_a_repository_configures_is_run(tree: Path, git: Git, lint: Lint) -> None:
    write(tree, {"a.py": HOT + AFTER, ".gitattributes": "*.py filter=evil diff=evil\n"})
    commit(git)
    ran = tree / "ran"
    evil = f"touch '{ran}'; cat"
    for key in (
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "interactive.diffFilter",
        "alias.diff-index",
        "alias.cat-file",
    ):
        git("config", key, f"!{evil}" if key.startswith("alias") else evil)
    git("config", "core.hooksPath", str(tree / "hooks"))
    write(tree, {"hooks/post-index-change": f"#!/bin/sh\n{evil}\n"})
    (tree / "hooks/post-index-change").chmod(0o755)
    write(tree, {"a.py": HOT + AFTER + ROW})
    assert changed(lint) == ["a.py:MLF201"]
    assert not ran.exists()
    subprocess.run(["git", "diff", "--ext-diff"], cwd=tree, capture_output=True, check=False)
    assert ran.exists(), "git itself would have run it"


def test_in_a_hook(tmp_path: Path) -> None:
    """Git tells hooks by variables where they are."""
    for arguments in (["init", "--quiet", "--initial-branch=main"], ["commit", "--allow-empty", "-qm", "x"]):
        git_in(tmp_path, *arguments)
    write(tmp_path, {"a.py": ROW})
    script = f"#!/bin/sh\nexec {' '.join(doors.command())} --diff-against HEAD --output-format concise\n"
    write(tmp_path, {".git/hooks/pre-commit": script})
    (tmp_path / ".git/hooks/pre-commit").chmod(0o755)
    git_in(tmp_path, "add", "a.py")
    ran = doors.run(["git", "-c", "user.name=Ada", "-c", "user.email=a@b", "commit", "-m", "x"], tmp_path)
    assert ran.code == 1
    assert "a.py:3:1: MLF201" in ran.out + ran.err


def test_settings_are_found_as_ever(tree: Path, git: Git, lint: Lint) -> None:
    configure(tree, 'ignore = ["MLF2"]')
    write(tree, {"a.py": HOT})
    commit(git)
    write(tree, {"b.py": ROW + HOT})
    assert changed(lint) == ["b.py:MLF101"]


# --------------------------------------------------------------------------------------- which lines have changed
LINES = st.lists(st.sampled_from("abcde"), max_size=12)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LINES, LINES)
def test_what_has_not_changed_was_there_in_this_order(old: list[str], new: list[str]) -> None:
    changed_ones = changed_items(old, new)
    assert changed_ones <= set(range(1, len(new) + 1))
    rest = iter(old)
    assert all(item in rest for number, item in enumerate(new, start=1) if number not in changed_ones)
    assert (changed_ones == frozenset()) >= (old == new)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(old=LINES, new=LINES)
def test_no_more_lines_than_git_finds(tmp_path_factory: pytest.TempPathFactory, old: list[str], new: list[str]) -> None:
    folder = tmp_path_factory.mktemp("diff")
    for name, lines in (("old", old), ("new", new)):
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    command = ["git", "diff", "--no-index", "--minimal", "--unified=0", "--no-color", "old", "new"]
    diff = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    hunks = re.findall(r"^@@ -\S+ \+\d+(?:,(\d+))? @@", diff, re.MULTILINE)
    by_git = sum(int(count or 1) for count in hunks)
    assert by_git <= len(changed_items(old, new)) <= by_git + len(new) // 2


def test_texts_that_are_much_the_same_take_no_time() -> None:
    numbers = random.Random(1)
    old = [numbers.choice("ab") for _ in range(50_000)]
    new = ["x", *old[:20_000], "y", *old[20_000:], "z"]
    assert changed_items(old, new) == {1, 20_002, 50_003}
