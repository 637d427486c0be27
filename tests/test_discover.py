"""Which files are linted; git itself says what .gitignore means."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlflow_lint.config import Settings, SettingsResolver
from mlflow_lint.discover import Discovery, discover, is_excluded, per_file_ignores

CODES = ("MLF101", "MLF201")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, below a folder whose name is excluded by default."""
    path = tmp_path / "build" / "checkout"
    path.mkdir(parents=True)
    monkeypatch.chdir(path)
    return path


def plant(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def configure(directory: Path, body: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "pyproject.toml").write_text(f"[tool.mlflow-lint]\n{body}\n")


def search(*paths: str, **overrides: object) -> Discovery:
    values = {key.replace("_", "-"): value for key, value in overrides.items()}
    return discover([Path(path) for path in paths or (".",)], SettingsResolver(CODES, overrides=values))


def files(*paths: str, **overrides: object) -> list[str]:
    found = search(*paths, **overrides)
    assert found.errors == ()
    return [str(path) for path in found.files]


# --- walking ---------------------------------------------------------------------------------------------


def test_a_walk_finds_python_files_and_notebooks_in_order(tree: Path) -> None:
    plant(
        tree,
        "b.py",
        "a/z.py",
        "a/b/c.py",
        "a.py",
        "x.pyi",
        "x.txt",
        "py",
        "x.py/inner.py",
        "n.ipynb",
        ".ipynb_checkpoints/n-checkpoint.ipynb",
        ".h/x.py",
    )
    assert files() == [".h/x.py", "a.py", "a/b/c.py", "a/z.py", "b.py", "n.ipynb", "x.py/inner.py"]
    assert files("a") == ["a/b/c.py", "a/z.py"]
    assert files(str(tree / "a")) == [str(tree / "a/b/c.py"), str(tree / "a/z.py")]
    assert files("x.py") == ["x.py/inner.py"]


def test_what_other_tools_own_is_left_out(tree: Path) -> None:
    plant(tree, "build/x.py", "a/dist/x.py", ".venv/lib/x.py", "a/node_modules/x.py", "a/x.py", "a/build.py")
    assert files() == ["a/build.py", "a/x.py"]


def test_named_files_are_taken_whatever_they_are_called(tree: Path) -> None:
    plant(tree, "script", "stub.pyi", "build/x.py")
    assert files("script", "stub.pyi", "build/x.py") == ["build/x.py", "script", "stub.pyi"]


def test_every_file_is_found_once(tree: Path) -> None:
    plant(tree, "a/x.py", "a/y.py", "top.py")
    (tree / "linked_dir").symlink_to("a")
    (tree / "a" / "alias.py").symlink_to("x.py")
    (tree / "a" / "up").symlink_to("..")
    expected = ["a/x.py", "a/y.py", "top.py"]
    assert files() == expected
    assert files(".", "a", "a/x.py", str(tree / "a" / "x.py"), "a/alias.py", "linked_dir") == expected
    assert files("a/alias.py", ".") == expected


def test_links_to_files_elsewhere_are_followed(tree: Path) -> None:
    plant(tree.parent, "elsewhere/x.py")
    plant(tree, "a.py")
    (tree / "link.py").symlink_to("../elsewhere/x.py")
    (tree / "second.py").symlink_to("../elsewhere/x.py")
    assert files("link.py") == ["link.py"]
    assert len(files()) == 2


def test_a_named_link_to_a_directory_is_walked(tree: Path) -> None:
    plant(tree.parent, "elsewhere/pkg/x.py")
    (tree / "link").symlink_to("../elsewhere")
    assert files("link") == ["link/pkg/x.py"]
    assert files() == []


def test_loops_pipes_and_dead_links_end(tree: Path) -> None:
    plant(tree, "a/x.py")
    (tree / "a" / "loop").symlink_to(".")
    (tree / "a" / "self.py").symlink_to("self.py")
    (tree / "a" / "dead.py").symlink_to("nothing.py")
    os.mkfifo(tree / "a" / "pipe.py")
    assert files() == ["a/x.py"]
    assert files("a/loop/loop/loop") == ["a/loop/loop/loop/x.py"]


def test_what_cannot_be_found_is_said_and_the_rest_is_linted(tree: Path) -> None:
    plant(tree, "a.py")
    (tree / "dead.py").symlink_to("nothing.py")
    found = search("none.py", "a.py", "dead.py", "none.py", "a.py/x")
    assert found.files == (Path("a.py"),)
    assert found.errors == (
        "none.py: No such file or directory",
        "dead.py: No such file or directory",
        "a.py/x: Not a directory",
    )


def test_a_directory_that_cannot_be_listed_is_said() -> None:
    base = Path(tempfile.mkdtemp())
    user = os.geteuid()
    try:
        base.chmod(0o755)
        plant(base, "a/x.py", "b/x.py")
        (base / "a").chmod(0)
        if user == 0:
            os.seteuid(65534)
        found = discover([base], SettingsResolver(CODES, isolated=True))
    finally:
        os.seteuid(user)
        (base / "a").chmod(0o755)
        shutil.rmtree(base)
    assert found.files == (base / "b" / "x.py",)
    assert found.errors == (f"{base / 'a'}: Permission denied",)


def test_a_bad_configuration_stops_only_its_own_directory(tree: Path) -> None:
    plant(tree, "a/x.py", "b/x.py", "b/c/x.py", "b/good/x.py")
    configure(tree / "b", "selct = []")
    configure(tree / "b" / "good", "")
    found = search(".", "b/c/x.py", "b/x.py", "b/good")
    assert found.files == (Path("a/x.py"), Path("b/good/x.py"))
    assert found.errors == (f"{tree}/b/pyproject.toml: unknown key `selct`, did you mean `select`?",)


def test_deep_trees_are_no_problem(tree: Path) -> None:
    here = tree
    for _ in range(300):
        here = here / "d"
    plant(here, "x.py")
    assert len(files()) == 1


# --- excludes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("gen", "a/other.py other.py src/gen.py"),
        ("gen/", "a/other.py other.py src/gen.py"),
        ("/gen", "a/gen/x.py a/other.py other.py src/gen.py src/gen/x.py src/gen/y/z.py"),
        ("src/gen/*.py", "a/gen/x.py a/other.py gen/x.py other.py src/gen.py src/gen/y/z.py"),
        ("src/gen", "a/gen/x.py a/other.py gen/x.py other.py src/gen.py"),
        ("**/gen/x.py", "a/other.py other.py src/gen.py src/gen/y/z.py"),
        ("other.py", "a/gen/x.py gen/x.py src/gen.py src/gen/x.py src/gen/y/z.py"),
        ("o*", "a/gen/x.py gen/x.py src/gen.py src/gen/x.py src/gen/y/z.py"),
        ("*.py", ""),
    ],
)
def test_patterns_mean_what_they_mean_in_gitignore(tree: Path, pattern: str, left: str) -> None:
    plant(
        tree,
        "gen/x.py",
        "a/gen/x.py",
        "src/gen/x.py",
        "src/gen/y/z.py",
        "src/gen.py",
        "a/other.py",
        "other.py",
    )
    assert files(exclude=[pattern]) == left.split()
    (tree / "src" / "deep").mkdir()
    configure(tree, f"exclude = ['{pattern}']")
    os.chdir(tree / "src" / "deep")
    assert files("../..") == [f"../../{name}" for name in left.split()]


def test_excludes_can_be_taken_back(tree: Path) -> None:
    plant(tree, "gen/x.py", "gen/keep/x.py", "gen/keep.py", "x.py")
    assert files(exclude=["gen/*", "!gen/keep/", "!gen/keep.py"]) == ["gen/keep.py", "gen/keep/x.py", "x.py"]
    assert files(exclude=["gen", "!gen/keep/"]) == ["x.py"]


def test_extend_exclude_keeps_the_defaults(tree: Path) -> None:
    plant(tree, "build/x.py", "gen/x.py", "x.py")
    assert files(extend_exclude=["gen"]) == ["x.py"]
    assert files(exclude=["gen"]) == ["build/x.py", "x.py"]


def test_named_paths_are_excluded_only_by_force(tree: Path) -> None:
    plant(tree, "build/x.py", "build/sub/x.py", "build/.venv/x.py", "x.py")
    assert files("build", "build/.venv/x.py") == ["build/.venv/x.py", "build/sub/x.py", "build/x.py"]
    assert files("build") == ["build/sub/x.py", "build/x.py"]
    assert files("build/sub") == ["build/sub/x.py"]
    for named in ("build", "build/sub", "build/x.py", "build/sub/x.py", str(tree / "build" / "x.py")):
        assert files(named, force_exclude=True) == []
    assert files(".", "x.py", str(tree), "..", force_exclude=True) == ["x.py"]
    assert files(".", exclude=["*/"], force_exclude=True) == ["x.py"]


def test_the_place_of_the_checkout_does_not_matter(tree: Path) -> None:
    plant(tree, "x.py", "src/x.py", "build/x.py")
    assert "build" in tree.parts
    assert files(str(tree)) == [f"{tree}/src/x.py", f"{tree}/x.py"]
    assert files("src/x.py", force_exclude=True) == ["src/x.py"]
    configure(tree, "")
    os.chdir(tree.parent.parent)
    assert files("build/checkout") == ["build/checkout/src/x.py", "build/checkout/x.py"]
    assert files("build/checkout", "build/checkout/x.py", force_exclude=True) == [
        "build/checkout/src/x.py",
        "build/checkout/x.py",
    ]


def test_outside_the_root_of_the_settings_patterns_begin_at_the_named_path(tree: Path) -> None:
    plant(tree, "x.py", "build/x.py", "gen/x.py")
    (tree / "elsewhere").mkdir()
    os.chdir(tree / "elsewhere")
    assert files(str(tree), exclude=["/gen", "build"]) == [f"{tree}/x.py"]
    assert files(str(tree / "x.py"), exclude=["x.py"], force_exclude=True) == []


def test_nested_configuration_has_its_own_patterns(tree: Path) -> None:
    plant(tree, "a/gen/x.py", "b/gen/x.py", "b/other/x.py", "b/c/x.py")
    configure(tree, "exclude = ['gen']")
    configure(tree / "b", "exclude = ['/other', '/b']")
    assert files() == ["b/c/x.py", "b/gen/x.py"]


def test_is_excluded_counts_directories_above(tmp_path: Path) -> None:
    settings_here = Settings(root=tmp_path, exclude=("gen/", "/top.py"))
    assert is_excluded(settings_here, tmp_path / "a" / "gen" / "b" / "x.py")
    assert is_excluded(settings_here, tmp_path / "top.py")
    assert not is_excluded(settings_here, tmp_path / "a" / "top.py")
    assert not is_excluded(settings_here, tmp_path)


def test_per_file_ignores(tmp_path: Path) -> None:
    pairs = (("tests/", ("MLF1",)), ("*_x.py", ("MLF201", "MLF102")))
    here = Settings(root=tmp_path, per_file_ignores=pairs)
    assert per_file_ignores(here, tmp_path / "tests" / "a" / "b_x.py") == ("MLF1", "MLF201", "MLF102")
    assert per_file_ignores(here, tmp_path / "src" / "tests.py") == ()
    assert per_file_ignores(here, tmp_path / "b_x.py") == ("MLF201", "MLF102")


# --- git -------------------------------------------------------------------------------------------------


def ignore(root: Path, rules: Mapping[str, str]) -> None:
    for directory, text in rules.items():
        (root / directory).mkdir(parents=True, exist_ok=True)
        (root / directory / ".gitignore").write_text(text, encoding="utf-8")


def test_gitignore_files_hold_from_the_root_of_the_repository_down(tree: Path) -> None:
    plant(tree, ".git/HEAD", "a/x.py", "a/gen/x.py", "a/b/x_pb2.py", "a/b/keep_pb2.py", "out/x.py", "a/out.py")
    ignore(tree, {".": "# generated\n*_pb2.py\n/out\n!\n\n", "a": "gen/\n", "a/b": "!keep_pb2.py\r\n"})
    assert files() == ["a/b/keep_pb2.py", "a/out.py", "a/x.py"]
    assert files("a/b") == ["a/b/keep_pb2.py"]
    assert files("a/b/x_pb2.py") == ["a/b/x_pb2.py"]
    assert files("out", "a/gen") == ["a/gen/x.py", "out/x.py"]
    assert len(files(respect_gitignore=False)) == 6
    ignore(tree.parent, {".": "*.py\n"})
    assert len(files()) == 3


def test_without_a_repository_gitignore_files_mean_nothing(tree: Path) -> None:
    plant(tree, "x.py", "repo/.git/HEAD", "repo/x.py", "repo/y.py")
    ignore(tree, {".": "x.py\n", "repo": "y.py\n"})
    assert files() == ["repo/x.py", "x.py"]
    (tree / ".git").write_text("gitdir: elsewhere\n")
    assert files() == ["repo/x.py"]


def test_odd_gitignore_files_do_no_harm(tree: Path) -> None:
    plant(tree, ".git/HEAD", "x.py", "y.py", "a/.gitignore/x.py", "b/x.py")
    (tree / ".gitignore").write_bytes(b"\xef\xbb\xbfx.py\n\xff\xfe[\n\\\n")
    (tree / "b" / ".gitignore").symlink_to("nothing")
    assert files() == ["y.py"]


PARTS = st.sampled_from(["a", "b", "a.py", "b.py", "*", "*.py", "**", "?.py", "[ab]", "a*"])
LINES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/"]),
    st.lists(PARTS, min_size=1, max_size=2).map("/".join),
    st.sampled_from(["", "", "/"]),
).filter(lambda line: not line.endswith("**/"))  # for pathspec, `a/**/` is `a` as well


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@given(st.lists(LINES, max_size=4), st.lists(LINES, max_size=2))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_git_agrees(outer: list[str], inner: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        subprocess.run(["git", "init", "-q", name], check=True, capture_output=True)
        plant(root, *(f"{d}{f}.py" for d in ("", "a/", "b/", "a/a/", "a/b/", "a/b/b/") for f in "ab"))
        ignore(root, {".": "\n".join(outer), "a": "\n".join(inner)})
        command = ["git", "-C", name, "ls-files", "-o", "--exclude-per-directory=.gitignore", "*.py"]
        listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        found = discover([root], SettingsResolver(CODES, isolated=True, overrides={"exclude": [".git"]}))
        assert [path.relative_to(root).as_posix() for path in found.files] == sorted(listed)


def test_ten_thousand_files_take_well_under_a_second(tree: Path) -> None:
    for number in range(500):
        plant(tree, *(f"pkg{number % 20}/m{number}/f{index}.py" for index in range(20)))
    plant(tree, ".git/HEAD", *(f".venv/{number}.py" for number in range(100)))
    ignore(tree, {".": "\n".join(f"name{number}.log\n*.ext{number}\ndir{number}/" for number in range(30))})
    started = time.process_time()
    assert len(files()) == 10_000
    assert time.process_time() - started < 1.5
