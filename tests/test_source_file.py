"""Bytes to text and back, lines and columns, and writing to the disk."""

from __future__ import annotations

import ast
import codecs
import io
import os
import resource
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mlflow_lint.source.file import (
    ChangedOnDisk,
    LineIndex,
    SourceError,
    decode,
    encode,
    from_lines,
    newline_of,
    read_bytes,
    split_lines,
    write_atomically,
)

ENCODINGS = ["utf-8", "latin-1", "cp1252", "shift_jis", "iso2022_jp", "utf-7", "koi8-r", "ascii", "utf-8-sig"]
TEXTS = st.text(st.sampled_from("ab#'\n\r\f\x0b\x1c\x85\u2028é日😀\ufeff \t"), max_size=40)


# --- decode and encode -----------------------------------------------------------------------------------


@given(st.binary(max_size=60), st.sampled_from(ENCODINGS), st.booleans(), st.booleans())
def test_every_readable_file_comes_back_byte_for_byte(body: bytes, encoding: str, cookie: bool, bom: bool) -> None:
    data = codecs.BOM_UTF8 * bom + f"# coding: {encoding}\n".encode() * cookie + body
    try:
        source = decode("x.py", data)
    except SourceError:
        return
    assert encode(source, source.text) == data


@given(TEXTS, TEXTS, st.sampled_from(ENCODINGS), st.booleans())
def test_an_edit_changes_only_its_own_bytes(text: str, added: str, encoding: str, bom: bool) -> None:
    head = f"# coding: {encoding}\n"
    try:
        data = codecs.BOM_UTF8 * bom + (head + text).encode(encoding.removesuffix("-sig"))
        tail = added.encode(encoding.removesuffix("-sig"))
        source = decode("x.py", data)
    except (UnicodeError, SourceError):
        assume(False)
    assume(encoding not in ("utf-7", "iso2022_jp"))  # with state: the tail's bytes depend on what precedes it
    assert encode(source, source.text + added) == data + tail


@given(TEXTS)
def test_text_keeps_its_newlines(text: str) -> None:
    data = text.encode()
    assume(not data.startswith(codecs.BOM_UTF8))
    assert decode("x.py", data).text == text


def test_bom_is_not_text_and_comes_back() -> None:
    source = decode("x.py", codecs.BOM_UTF8 + b"x = 1\r\n")
    assert (source.text, source.bom, source.encoding) == ("x = 1\r\n", True, "utf-8")
    assert encode(source, "y = 1\r\n") == codecs.BOM_UTF8 + b"y = 1\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x = 1",
        b"# coding: latin-1\n'\xe9'",
        b"#!/bin/python\n# -*- coding: cp1252 -*-\n'\x80'",
        b"\n# vim: set fileencoding=koi8-r :\n'\xc1'",
        b"#\xe9\n# coding: latin-1\n",
        b"\x0c\n# coding: latin-1\n'\xe9'",
        b"# a\r# b\r# coding: latin-1\r'\xe9'",
        b"'a'\n# coding: latin-1\n'\xe9'",
        b"x = 1\n# coding: unheard-of\n",
        b"# coding: unheard-of\n",
        b"# coding: rot13\n",
        b"# coding: undefined\n",
        b"# coding: utf-8-unix\n'\xc3\xa9'",
        b"\xef\xbb\xbf# coding: utf-8\n'\xc3\xa9'",
        b"\xef\xbb\xbf# coding: UTF_8-sig\n'\xc3\xa9'",
        b"\xef\xbb\xbf# coding: latin-1\n",
        b"'\xff'",
    ],
)
def test_reads_what_python_reads(data: bytes) -> None:
    try:
        expected = ast.dump(ast.parse(data))
    except SyntaxError:
        with pytest.raises(SourceError):
            decode("x.py", data)
    else:
        assert ast.dump(ast.parse(decode("x.py", data).text)) == expected


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (b"a\r\nb\rc = '\xe9'\n", 3, "0xe9 is not utf-8"),
        (b"\xef\xbb\xbfa\n'\xe9'\n", 2, "0xe9 is not utf-8"),
        (b"# coding: ascii\n\n'\xe9'\n", 3, "0xe9 is not ascii"),
        (b"a\nb\n\0\n", 3, "NUL"),
        (b"# coding: utf-7\n'+AAA-'\n", 2, "NUL"),
        (b"# coding: utf-7\n'+2AA-'\n", 1, "utf-7"),
        (b"#!python\n# coding: unheard-of\n", 2, "unknown encoding unheard-of"),
        (b"#!python\n# coding: rot13\n", 2, "rot-13"),
        (b"\xef\xbb\xbf\n# coding: latin-1\n", 2, "byte order mark"),
        ("x = 1\n".encode("utf-16"), 1, "NUL"),
    ],
)
def test_unreadable_text_names_the_line(data: bytes, line: int, words: str) -> None:
    with pytest.raises(SourceError) as caught:
        decode("x.py", data)
    assert caught.value.line == line
    assert words in caught.value.message
    assert "\n" not in caught.value.message


def test_utf8_under_its_other_name_is_no_contradiction() -> None:
    assert decode("x.py", codecs.BOM_UTF8 + b"# coding: utf8\n").encoding == "utf-8"


def test_a_character_that_the_encoding_lacks_is_refused_with_its_line() -> None:
    source = decode("x.py", b"# coding: latin-1\nx = 1\n")
    with pytest.raises(SourceError, match=r"lacks '\\u20ac'") as caught:
        encode(source, source.text + "y = '€'\n")
    assert caught.value.line == 3


def test_text_that_would_be_written_differently_is_not_written() -> None:
    source = decode("x.py", b"# coding: utf-7\n'+AOk-+AOk-'\n")
    with pytest.raises(SourceError, match="byte for byte"):
        encode(source, source.text + "x\n")


def test_lines_from_flake8() -> None:
    source = from_lines("x.py", ["\ufeffx = 'é'\n", "y\n"])
    assert (source.text, source.bom) == ("x = 'é'\ny\n", True)
    assert source.data == codecs.BOM_UTF8 + "x = 'é'\ny\n".encode()
    assert from_lines("x.py", []).text == ""


@pytest.mark.parametrize("bad", ["\0", "\ud800"])
def test_lines_that_are_no_text_are_refused(bad: str) -> None:
    with pytest.raises(SourceError) as caught:
        from_lines("x.py", ["x\n", f"'{bad}'\n"])
    assert caught.value.line == 2


# --- lines and columns -----------------------------------------------------------------------------------


@given(TEXTS)
def test_lines_are_those_of_universal_newlines(text: str) -> None:
    expected = [line.rstrip("\r\n") for line in io.StringIO(text, newline="")]
    index = LineIndex(text)
    lines = [index.line(number) for number in range(1, index.line_count + 1)]
    assert lines == split_lines(text)
    assert lines == ([*expected, ""] if text == "" or text[-1] in "\r\n" else expected)


@given(TEXTS)
def test_positions_and_offsets_are_inverse(text: str) -> None:
    index = LineIndex(text)
    positions = [index.position(offset) for offset in range(len(text) + 1)]
    assert positions == sorted(set(positions))
    assert [index.offset(*position) for position in positions] == list(range(len(text) + 1))


def test_positions_agree_with_python() -> None:
    text = "a = 1\r\nb = '\u2028\x85\x0b'; é = 2\r\x0cc = 3\n"
    index = LineIndex(text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name):
            in_bytes = index.line(node.lineno).encode()
            column = len(in_bytes[: node.col_offset].decode()) + 1
            assert text.startswith(node.id, index.offset(node.lineno, column))


@pytest.mark.parametrize("place", [(0, 1), (1, 0), (1, 4), (2, 2), (3, 1), (-1, 1)])
def test_places_outside_the_text_are_errors(place: tuple[int, int]) -> None:
    index = LineIndex("ab\n")
    with pytest.raises(ValueError, match="outside"):
        index.offset(*place)


@pytest.mark.parametrize("offset", [-1, 4])
def test_offsets_outside_the_text_are_errors(offset: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        LineIndex("ab\n").position(offset)


def test_a_long_file_is_indexed_in_milliseconds() -> None:
    text = "mlflow.log_metric('loss', 1)\n" * 50_000
    started = time.process_time()
    index = LineIndex(text)
    assert index.position(len(text)) == (50_001, 1)
    assert all(index.position(offset) for offset in range(0, len(text), 100))
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("text", "newline"),
    [("", "\n"), ("x", "\n"), ("x\ny\r\n", "\n"), ("x\r\ny\n", "\r\n"), ("x\ry\n", "\r"), ("\x0c\x85", "\n")],
)
def test_newline_of_a_text_is_its_first(text: str, newline: str) -> None:
    assert newline_of(text) == newline


# --- the disk --------------------------------------------------------------------------------------------


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory that any user may enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o777)
    yield path
    path.chmod(0o777)
    shutil.rmtree(path)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def unprivileged() -> Iterator[None]:
    """Permissions mean nothing to root: become nobody for a while."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_reads_regular_files_only(folder: Path) -> None:
    (folder / "x.py").mkdir()
    os.mkfifo(folder / "pipe.py")
    (folder / "real.py").write_bytes(b"x\r\n")
    (folder / "link.py").symlink_to("real.py")
    (folder / "loop.py").symlink_to("loop.py")
    assert read_bytes(folder / "link.py") == b"x\r\n"
    with pytest.raises(SourceError, match="directory"):
        read_bytes(folder / "x.py")
    for special in (folder / "pipe.py", Path("/dev/null")):
        with pytest.raises(SourceError, match="not a regular file"):
            read_bytes(special)
    for missing in ("loop.py", "none.py"):
        with pytest.raises(OSError, match=missing):
            read_bytes(folder / missing)


def test_unreadable_file_is_an_os_error(folder: Path) -> None:
    file = folder / "x.py"
    file.touch(mode=0)
    with unprivileged(), pytest.raises(PermissionError):
        read_bytes(file)


@pytest.mark.parametrize("mode", [0o644, 0o755, 0o600, 0o664])
def test_writing_keeps_the_mode(folder: Path, mode: int) -> None:
    file = folder / "x.py"
    file.write_bytes(b"old")
    file.chmod(mode)
    write_atomically(file, b"new", b"old")
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert names(folder) == ["x.py"]


def test_writing_replaces_at_once(folder: Path) -> None:
    file = folder / "x.py"
    file.write_bytes(b"old")
    with file.open("rb") as reader:
        write_atomically(file, b"new and longer", b"old")
        assert reader.read() == b"old"


def test_writing_through_a_link_keeps_the_link(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "x.py").write_bytes(b"old")
    link = folder / "link.py"
    link.symlink_to("sub/x.py")
    write_atomically(link, b"new", b"old")
    assert link.is_symlink()
    assert (folder / "sub" / "x.py").read_bytes() == b"new"


def test_a_changed_file_is_left_alone(folder: Path) -> None:
    file = folder / "x.py"
    file.write_bytes(b"changed")
    with pytest.raises(ChangedOnDisk):
        write_atomically(file, b"new", b"old")
    assert file.read_bytes() == b"changed"
    file.unlink()
    with pytest.raises(ChangedOnDisk):
        write_atomically(file, b"new", b"old")
    assert names(folder) == []


def test_a_file_that_changes_meanwhile_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / "x.py"
    file.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", lambda _: file.write_bytes(b"changed"))
    with pytest.raises(ChangedOnDisk):
        write_atomically(file, b"new", b"old")
    assert file.read_bytes() == b"changed"
    assert names(folder) == ["x.py"]


def test_a_full_disk_leaves_the_original(folder: Path) -> None:
    file = folder / "x.py"
    file.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            write_atomically(file, b"n" * 5000, b"old")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert file.read_bytes() == b"old"
    assert names(folder) == ["x.py"]


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o555, 0o666), (0o777, 0o444)])
def test_what_is_read_only_stays_as_it_is(folder: Path, folder_mode: int, file_mode: int) -> None:
    file = folder / "x.py"
    file.write_bytes(b"old")
    file.chmod(file_mode)
    folder.chmod(folder_mode)
    with unprivileged(), pytest.raises(PermissionError):
        write_atomically(file, b"new", b"old")
    assert file.read_bytes() == b"old"
    assert names(folder) == ["x.py"]


def test_a_signal_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    file = folder / "x.py"
    file.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(file, b"new", b"old")
    assert names(folder) == ["x.py"]
