"""--output-file: the whole report or none of it, where it was asked for."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from test_cli import HOT, ROW, Lint, is_one_error, lint, tree, write

from mlflow_lint.source.file import create_atomically

__all__ = ["lint", "tree"]


def test_the_report_goes_to_the_file(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    printed = lint("--output-format", "json")
    ran = lint("--output-format", "json", "--output-file", "report.json")
    assert (ran.code, ran.out, ran.err) == (1, "", "")
    assert (tree / "report.json").read_text(encoding="utf-8") == printed.out
    assert sorted(path.name for path in tree.iterdir()) == ["a.py", "report.json"]


def test_a_report_without_findings_replaces_an_older_one(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": "x = 1\n", "report.json": "[1, 2, 3]\n"})
    (tree / "report.json").chmod(0o640)
    assert lint("--output-format", "json", "--output-file", "report.json").code == 0
    assert json.loads((tree / "report.json").read_text()) == []
    assert stat.S_IMODE((tree / "report.json").stat().st_mode) == 0o640


def test_the_file_has_no_colours(tree: Path, lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tree, {"a.py": HOT})
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in lint().out
    lint("--output-file", "report.txt")
    assert "\x1b[" not in (tree / "report.txt").read_text()


def test_what_was_fixed_is_said_all_the_same(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": ROW})
    ran = lint("--fix", "--output-file", "report.txt")
    assert (ran.code, ran.out) == (0, "Fixed 1 finding in 1 file: MLF201 ×1.\n")
    assert (tree / "report.txt").read_text() == "No findings in 1 file.\n"


def test_standard_input_is_fixed_to_standard_output(tree: Path, lint: Lint) -> None:
    ran = lint("-", "--fix", "--output-format", "json", "--output-file", "report.json", stdin=ROW.encode())
    assert "log_metrics" in ran.out
    assert ran.err == "Fixed 1 finding in 1 file: MLF201 ×1.\n"
    assert json.loads((tree / "report.json").read_text()) == []


def test_statistics_go_to_the_file(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    assert lint("--statistics", "--output-file", "counts.txt").out == ""
    assert (tree / "counts.txt").read_text().startswith("1\tMLF101\t")


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("missing/report.json", "missing/report.json: the report cannot be written: No such file or directory"),
        ("folder", "folder: the report cannot be written: Is a directory"),
        ("a.py/report.json", "a.py/report.json: the report cannot be written: Not a directory"),
    ],
)
def test_a_report_that_cannot_be_written_is_2(file: str, said: str, tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT})
    (tree / "folder").mkdir()
    ran = lint("--output-format", "sarif", "--output-file", file, "--exit-zero")
    assert (ran.code, ran.out) == (2, "")
    assert is_one_error(ran.err)
    assert said in ran.err
    assert sorted(path.name for path in tree.iterdir()) == ["a.py", "folder"]


def test_a_disk_that_is_full_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "report.json").write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        create_atomically(tmp_path / "report.json", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("report.json", b"old")]


def test_a_new_file_has_the_usual_mode(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    create_atomically(tmp_path / "new", b"x")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/report")
    create_atomically(tmp_path / "link", b"one")
    create_atomically(tmp_path / "link", b"two")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "report").read_bytes() == b"two"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_device_is_written_into(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    create_atomically(tmp_path / "pipe", b"report")
    assert os.read(reader, 100) == b"report"
    os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
