"""The cache: what it keeps, when it must not be believed, and that it never costs a run."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import doors
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlflow_lint.cache.folder import Folder
from mlflow_lint.config import CACHE_NAME
from mlflow_lint.project.states import States

HOT = "import mlflow\n\n\ndef train(loader):\n    for batch in loader:\n        mlflow.log_metric('a', 1.0, step=2)\n"
WRAPPER = "import mlflow\n\n\ndef write(x):\n    mlflow.log_metric('a', x, step=2)\n"
QUIET = "import mlflow\n\n\ndef write(x):\n    print(x)\n"
CALLER = "from wrapper import write\n\n\ndef train(loader):\n    for batch in loader:\n        write(batch)\n"


def with_cache(changes: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    return doors.environment({"MLFLOW_LINT_NO_CACHE": "", **changes})


def lint(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> list[tuple[str, str, int]]:
    """What a run in a folder finds: file, code and line."""
    command = [sys.executable, "-m", "mlflow_lint", "--output-format", "json", "--exit-zero", *arguments]
    done = subprocess.run(command, cwd=folder, env=with_cache(env or {}), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    found = json.loads(done.stdout)
    return [(Path(each["filename"]).name, each["code"], each["location"]["row"]) for each in found]


def settle(folder: Path) -> None:
    """Let files grow so old that their times tell them apart from what is written next."""
    time.sleep(0.1)
    assert folder.exists()


def entries(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / CACHE_NAME).rglob("*") if path.is_file() and len(path.parent.name) == 2)


def imports_libcst(folder: Path) -> bool:
    command = [sys.executable, "-X", "importtime", "-m", "mlflow_lint", "--exit-zero"]
    done = subprocess.run(command, cwd=folder, env=with_cache(), capture_output=True, text=True, check=True)
    return "libcst" in done.stderr


def test_a_second_run_finds_the_same_without_libcst(tmp_path: Path) -> None:
    (tmp_path / "hot.py").write_text(HOT)
    (tmp_path / "wrapper.py").write_text(WRAPPER)
    (tmp_path / "caller.py").write_text(CALLER)
    settle(tmp_path)
    first = lint(tmp_path)
    assert [found for found in first if found[1] == "MLF101"] == [("caller.py", "MLF101", 6), ("hot.py", "MLF101", 6)]
    assert not imports_libcst(tmp_path)
    assert lint(tmp_path) == first == lint(tmp_path, "--no-cache")


@pytest.mark.parametrize("format_name", ["full", "concise", "sarif", "gitlab", "json", "grouped"])
def test_reports_from_the_cache_are_the_same(format_name: str, tmp_path: Path) -> None:
    shutil.copytree(doors.FIXTURES, tmp_path / "fixtures", ignore=shutil.ignore_patterns(CACHE_NAME, "__pycache__"))
    command = [sys.executable, "-m", "mlflow_lint", "--output-format", format_name, "--exit-zero", "fixtures"]
    outputs = [
        subprocess.run(command, cwd=tmp_path, env=with_cache(), capture_output=True, check=True).stdout
        for _ in range(2)
    ]
    assert outputs[0] == outputs[1]
    assert entries(tmp_path)


def test_a_change_in_a_wrapper_reaches_its_users(tmp_path: Path) -> None:
    (tmp_path / "wrapper.py").write_text(QUIET)
    (tmp_path / "caller.py").write_text(CALLER)
    for text, expected in ((QUIET, []), (WRAPPER, [("caller.py", "MLF101", 6)]), (QUIET, [])):
        (tmp_path / "wrapper.py").write_text(text)
        settle(tmp_path)
        for _ in range(2):
            assert [found for found in lint(tmp_path) if found[1] == "MLF101"] == expected


def test_a_change_two_imports_away_reaches_its_users(tmp_path: Path) -> None:
    (tmp_path / "wrapper.py").write_text("from inner import write\n")
    (tmp_path / "inner.py").write_text(WRAPPER)
    (tmp_path / "caller.py").write_text(CALLER)
    settle(tmp_path)
    assert ("caller.py", "MLF101", 6) in lint(tmp_path, "caller.py")
    (tmp_path / "inner.py").write_text(QUIET)
    settle(tmp_path)
    assert lint(tmp_path, "caller.py") == []


def test_a_new_file_that_an_import_now_means(tmp_path: Path) -> None:
    (tmp_path / "caller.py").write_text(f"import mlflow\n{CALLER}")
    settle(tmp_path)
    assert lint(tmp_path, "caller.py") == []
    assert lint(tmp_path, "caller.py") == []
    (tmp_path / "wrapper.py").write_text(WRAPPER)
    settle(tmp_path)
    assert ("caller.py", "MLF101", 7) in lint(tmp_path, "caller.py")


def test_a_change_of_equal_size_and_time_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "hot.py"
    file.write_text(HOT)
    settle(tmp_path)
    assert lint(tmp_path)
    times = file.stat()
    file.write_text(HOT.replace("for batch in loader", "for batch in [12]*1"))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert file.stat().st_size == times.st_size
    assert not [found for found in lint(tmp_path) if found[1] == "MLF101"]


def test_settings_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "hot.py").write_text(HOT)
    settle(tmp_path)
    everything = lint(tmp_path)
    assert lint(tmp_path, "--ignore", "MLF101") == [found for found in everything if found[1] != "MLF101"]
    assert lint(tmp_path) == everything
    (tmp_path / "pyproject.toml").write_text('[tool.mlflow-lint]\nignore = ["MLF"]\n')
    assert lint(tmp_path) == []


def test_the_version_that_the_project_asks_for(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "import mlflow\n\nmlflow.pyfunc.log_model(artifact_path='model', python_model=None)\n"
    )
    (tmp_path / "requirements.txt").write_text("mlflow>=2.0\n")
    settle(tmp_path)
    for _ in range(2):
        assert not [found for found in lint(tmp_path) if found[1] == "MLF701"]
    (tmp_path / "requirements.txt").write_text("mlflow>=3.1\n")
    for _ in range(2):
        assert [found for found in lint(tmp_path) if found[1] == "MLF701"]


def test_what_the_surroundings_say(tmp_path: Path) -> None:
    code = "import mlflow\n\nmlflow.config.enable_async_logging()\nwith mlflow.start_run():\n"
    (tmp_path / "a.py").write_text(f"{code}    mlflow.log_metric('a', 1.0, step=1)\n")
    settle(tmp_path)
    for _ in range(2):
        assert [found for found in lint(tmp_path) if found[1] == "MLF502"]
    (tmp_path / ".env").write_text("MLFLOW_ASYNC_LOGGING_BUFFERING_SECONDS=2\n")
    assert not [found for found in lint(tmp_path) if found[1] == "MLF502"]


@pytest.mark.parametrize("how", ["--no-cache", "variable", "setting"])
def test_it_can_be_switched_off(how: str, tmp_path: Path) -> None:
    (tmp_path / "hot.py").write_text(HOT)
    if how == "setting":
        (tmp_path / "pyproject.toml").write_text("[tool.mlflow-lint]\ncache = false\n")
    assert lint(
        tmp_path,
        *(["--no-cache"] if how == "--no-cache" else []),
        env={"MLFLOW_LINT_NO_CACHE": "1"} if how == "variable" else None,
    )
    assert not (tmp_path / CACHE_NAME).exists()


@pytest.mark.parametrize("how", ["option", "variable", "setting"])
def test_it_can_lie_elsewhere(how: str, tmp_path: Path) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    project.mkdir()
    (project / "hot.py").write_text(HOT)
    if how == "setting":
        (project / "pyproject.toml").write_text('[tool.mlflow-lint]\ncache-dir = "../elsewhere"\n')
    assert lint(
        project,
        *(["--cache-dir", "../elsewhere"] if how == "option" else []),
        env={"MLFLOW_LINT_CACHE_DIR": str(elsewhere)} if how == "variable" else None,
    )
    assert not (project / CACHE_NAME).exists()
    assert (elsewhere / ".gitignore").read_text().splitlines()[-1] == "*"
    assert (elsewhere / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")


def test_the_cache_itself_is_not_linted(tmp_path: Path) -> None:
    (tmp_path / "hot.py").write_text(HOT)
    lint(tmp_path)
    (tmp_path / CACHE_NAME / "planted.py").write_text(HOT)
    assert {name for name, _, _ in lint(tmp_path)} == {"hot.py"}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"[]", b"\xff\xfe", b"\x80\x04\x95", b'{"version":"0","record":null}', b"[" * 100_000],
    ids=["empty", "half", "null", "array", "bytes", "pickle", "version", "deep"],
)
def test_corrupt_entries_are_ignored(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "hot.py").write_text(HOT)
    settle(tmp_path)
    first = lint(tmp_path)
    kept = entries(tmp_path)
    assert len(kept) == 2
    for entry in kept:
        entry.write_bytes(content)
    assert lint(tmp_path) == first
    assert lint(tmp_path) == first


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_entries_that_are_no_files_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "hot.py").write_text(HOT)
    settle(tmp_path)
    first = lint(tmp_path)
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    for number, entry in enumerate(entries(tmp_path)):
        entry.unlink()
        if number % 2:
            os.mkfifo(entry)
        else:
            entry.symlink_to(outside)
    assert lint(tmp_path) == first
    assert outside.read_bytes() == b"mine"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs permissions that hold")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "hot.py").write_text(HOT)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert lint(tmp_path)
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "hot.py").write_text(HOT)
    (tmp_path / CACHE_NAME).write_text("mine")
    assert lint(tmp_path)
    assert (tmp_path / CACHE_NAME).read_text() == "mine"


def test_runs_beside_one_another(tmp_path: Path) -> None:
    shutil.copytree(doors.FIXTURES, tmp_path / "fixtures", ignore=shutil.ignore_patterns(CACHE_NAME, "__pycache__"))
    command = [sys.executable, "-m", "mlflow_lint", "--output-format", "json", "--exit-zero", "fixtures"]
    running = [subprocess.Popen(command, cwd=tmp_path, env=with_cache(), stdout=subprocess.PIPE) for _ in range(4)]
    outputs = {process.communicate()[0] for process in running}
    assert len(outputs) == 1
    assert not list((tmp_path / CACHE_NAME).rglob("*.[0-9]*"))


def test_old_entries_are_dropped(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path / "cache"))
    for name in ("aa11", "bb22"):
        folder.put(name, b"kept")
    month = 31 * 24 * 3600
    old = tmp_path / "cache" / "aa" / "11"
    os.utime(old, (time.time() - month, time.time() - month))
    folder.prune()
    assert folder.get("aa11") is None
    assert folder.get("bb22") == b"kept"
    folder.put("aa11", b"again")
    os.utime(old, (time.time() - month, time.time() - month))
    folder.prune()
    assert folder.get("aa11") == b"again", "looked for once a day"


@settings(deadline=None)
@given(st.data())
def test_states_change_with_all_that_a_file_rests_on_and_with_nothing_else(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 7))
    names = [f"m{number}" for number in range(count)]
    edges = {name: data.draw(st.lists(st.sampled_from(names), unique=True, max_size=4)) for name in names}
    content = {name: name.encode() for name in names}
    changed = data.draw(st.sampled_from(names))

    def states(content: dict[str, bytes], order: list[str]) -> dict[str, str]:
        known = States(lambda file: edges[file], lambda file: b"", lambda file: file)
        return {name: known.of(name, content) for name in order}

    before = states(content, names)
    assert states(content, data.draw(st.permutations(names))) == before
    after = states(content | {changed: b"other"}, data.draw(st.permutations(names)))
    for name in names:
        reached, pending = {name}, [name]
        while pending:
            new = set(edges[pending.pop()]) - reached
            reached |= new
            pending += new
        assert (before[name] != after[name]) == (changed in reached)
