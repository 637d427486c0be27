"""Files as bytes and as text, and the way back to the disk.

Invariant: no byte is lost: `encode(decode(path, data), text)` is `data` for every `data` that `decode`
accepts, and a file on disk is either untouched or wholly replaced.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import stat
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from mlflow_lint.record import record
from mlflow_lint.regex import regex

_NEWLINE = regex(r"\r\n|\r|\n")
_BYTE_NEWLINE = regex(rb"\r\n|\r|\n")
_COOKIE = regex(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_COMMENT_OR_BLANK = regex(rb"[ \t\f]*(?:#|$)")
_BOM = "\ufeff"


class SourceError(Exception):
    """A file that cannot be read or written as Python text; `line` counts from 1 and is 1 if unknown."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class ChangedOnDisk(Exception):
    """The file to be replaced no longer holds what was read from it."""


@record
class Cell:
    """One code cell of a notebook."""

    start: int
    """Offset of its text in the text of the source."""
    text: str
    """As it stands in the notebook."""
    python: str
    """As long, with what only IPython understands masked; empty for a cell in another language."""

    @property
    def end(self) -> int:
        """Offset at which its text ends in the text of the source."""
        return self.start + len(self.text)


@record
class SourceFile:
    """One Python file: its bytes, and the text they stand for, newlines as they are."""

    path: str
    data: bytes
    text: str
    """The text without a byte order mark."""
    encoding: str
    """Name of the codec between `text` and `data`."""
    bom: bool
    """Whether `data` starts with a UTF-8 byte order mark."""
    cells: tuple[Cell, ...] | None = None
    """Code cells of a notebook, whose `text` is made of them; None for a file of Python."""


def is_notebook(path: str) -> bool:
    """Whether a file is a notebook, told from its name."""
    return path.endswith(".ipynb")


def is_databricks(text: str) -> bool:
    """Whether the text of a file of Python is a notebook of Databricks, told from its first line."""
    return text.startswith("# Databricks notebook source")


def decode(path: str, data: bytes) -> SourceFile:
    """Read `data` as Python reads a file (PEP 263), or, by the name of the file, as a notebook.

    Raises `SourceError` for NUL bytes, unknown encodings and bytes that are no text in the file's encoding,
    and for what should be a notebook and is none.
    """
    if is_notebook(path):
        from mlflow_lint.source.notebook import decode_notebook  # most runs meet none

        return decode_notebook(path, data)
    _refuse_nul(data)
    bom = data.startswith(codecs.BOM_UTF8)
    body = data[len(codecs.BOM_UTF8) :] if bom else data
    encoding, cookie_line = _declared_encoding(body, bom)
    try:
        text = body.decode(encoding)
        # Codecs such as UTF-7 can spell NUL and lone surrogates in harmless bytes; no parser takes either.
        _refuse_nul(text.encode("utf-8") if encoding != "utf-8" else b"")
    except UnicodeDecodeError as error:
        line = _line_at(body, error.start)
        raise SourceError(f"byte 0x{body[error.start]:02x} is not {encoding} text", line) from error
    except (UnicodeError, LookupError) as error:
        raise SourceError(f"cannot be read as {encoding}: {error}", cookie_line) from error
    return SourceFile(path, data, text, encoding, bom)


def from_lines(path: str, lines: Sequence[str]) -> SourceFile:
    """Make a source of lines that were decoded elsewhere (flake8 hands them over with their newlines).

    `data` is their UTF-8 form, whatever a coding cookie says: the original bytes are not known. Raises
    `SourceError` for NUL characters and lone surrogates.
    """
    whole = "".join(lines)
    bom = whole.startswith(_BOM)
    try:
        data = whole.encode("utf-8")
    except UnicodeEncodeError as error:
        raise SourceError("lone surrogate in the text", LineIndex(whole).position(error.start)[0]) from error
    _refuse_nul(data)
    return SourceFile(path, data, whole.removeprefix(_BOM), "utf-8", bom)


def encode(source: SourceFile, new_text: str) -> bytes:
    """Return the bytes of `new_text` in the encoding, and with the byte order mark, of `source`.

    Raises `SourceError` if the encoding lacks a character of `new_text` or cannot reproduce the original.
    """
    if new_text == source.text:
        return source.data
    mark = codecs.BOM_UTF8 if source.bom else b""
    try:
        # Several byte strings may stand for one text (UTF-7, ISO-2022): writing would change untouched lines.
        if mark + source.text.encode(source.encoding) != source.data:
            raise SourceError(f"{source.encoding} text that cannot be written back byte for byte")
        return mark + new_text.encode(source.encoding)
    except UnicodeEncodeError as error:
        line = LineIndex(new_text).position(error.start)[0]
        message = f"{source.encoding}, the file's encoding, lacks {new_text[error.start]!a}"
        raise SourceError(message, line) from error


class LineIndex:
    r"""Offsets of a text as lines and columns, all in code points, lines and columns from 1.

    Lines end at \n, \r\n and \r, as for Python's tokenizer, and nowhere else. What follows the last newline
    is a line too, if an empty one: positions can lie in it.
    """

    __slots__ = ("_starts", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts: list[int] | None = None

    @property
    def _line_starts(self) -> list[int]:
        # Built on first use: most files are read and never asked for a position.
        if self._starts is None:
            self._starts = _line_starts(self._text)
        return self._starts

    @property
    def line_count(self) -> int:
        """Number of lines, the stretch after the last newline included."""
        return len(self._line_starts)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, which may be the end of the text; `ValueError` if outside."""
        if not 0 <= offset <= len(self._text):
            raise ValueError(f"offset {offset} lies outside the text")
        starts = self._line_starts
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """Offset of a line and column, the inverse of `position`; `ValueError` if outside."""
        start, end = self._span(line)
        last = end - 1 if line < self.line_count else end
        if not start <= start + column - 1 <= last:
            raise ValueError(f"column {column} lies outside line {line}")
        return start + column - 1

    def line(self, number: int) -> str:
        """Text of a line without its newline; `ValueError` if there is no such line."""
        start, end = self._span(number)
        return self._text[start:end].rstrip("\r\n")

    def _span(self, line: int) -> tuple[int, int]:
        starts = self._line_starts
        if not 1 <= line <= len(starts):
            raise ValueError(f"line {line} lies outside the text")
        return starts[line - 1], starts[line] if line < len(starts) else len(self._text)


def _line_starts(text: str) -> list[int]:
    if "\r" in text:
        return [0, *[match.end() for match in _NEWLINE.finditer(text)]]
    return list(accumulate([len(line) + 1 for line in text.split("\n")[:-1]], initial=0))


def split_lines(text: str) -> list[str]:
    """Return the lines of `text` without newlines, split where `LineIndex` splits."""
    return _NEWLINE.split(text) if "\r" in text else text.split("\n")


def newline_of(text: str) -> str:
    """Return the newline for inserted lines: the first one of the text, else a line feed."""
    found = _NEWLINE.search(text)
    return found.group() if found else "\n"


def read_bytes(path: Path | str) -> bytes:
    """Read a regular file. Raises `SourceError` for anything else, which might block, and `OSError`."""
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise SourceError("is a directory, not a file")
    if not stat.S_ISREG(mode):
        raise SourceError("is not a regular file")
    with open(path, "rb", buffering=0) as stream:
        return stream.read()


def write_atomically(path: Path, data: bytes, expected: bytes) -> None:
    """Replace the content of a file at once, keeping its mode; a symbolic link stays, its target is replaced.

    Raises `ChangedOnDisk` if the file does not hold `expected`, `OSError` if it cannot be written; the file
    is then as it was, and nothing is left beside it.
    """
    import tempfile  # takes longer to import than a small file to lint, and only fixing needs it

    target = Path(os.path.realpath(path))
    _refuse_other_than(target, expected)
    _refuse_read_only(target)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:32]}.", suffix=".tmp")
    _replace(target, Path(name), handle, data, expected)


def create_atomically(path: Path, data: bytes) -> None:
    """Write a file at once, be it new or not; what is no regular file, such as a pipe, is written into.

    Raises `OSError` if that cannot be done; a file that was there is then as it was.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    target = Path(os.path.realpath(path))
    if target.exists():
        _refuse_read_only(target)
    temporary = target.with_name(f".{target.name[:32]}.{os.getpid()}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    _replace(target, temporary, handle, data, None)


def _replace(target: Path, temporary: Path, handle: int, data: bytes, expected: bytes | None) -> None:
    """Put `data` in the place of a file by way of another one, which is open under `handle`.

    The owner and mode of a file that was there stay; unless `expected` is None, it still has to hold that.
    """
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            before = target.stat()
            if hasattr(os, "chown"):
                # Root in a container must not take over the user's file; before chmod, as chown clears mode bits.
                with contextlib.suppress(OSError):
                    os.chown(temporary, before.st_uid, before.st_gid)
            temporary.chmod(stat.S_IMODE(before.st_mode))
        if expected is not None:
            _refuse_other_than(target, expected)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _refuse_read_only(target: Path) -> None:
    if not os.access(target, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        # Replacing needs rights on the directory only: without this, a read-only file would be overwritten.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))


def create(path: Path, data: bytes) -> None:
    """Write a file that is not there yet. Raises `ChangedOnDisk` if it is, `OSError` if it cannot be written."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError as error:
        raise ChangedOnDisk(f"{path} has come about") from error
    try:
        write_atomically(path, data, b"")
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _refuse_other_than(path: Path, expected: bytes) -> None:
    try:
        unchanged = read_bytes(path) == expected
    except (FileNotFoundError, SourceError):
        unchanged = False
    if not unchanged:
        raise ChangedOnDisk(f"{path} changed on disk")


def _declared_encoding(body: bytes, bom: bool) -> tuple[str, int]:
    """Encoding of a file without its byte order mark, and the line that declares it (1 where none does)."""
    for number, line in enumerate(_first_two_lines(body), start=1):
        cookie = _COOKIE.match(line)
        if cookie:
            name = cookie.group(1).decode("ascii")
            encoding = _codec_name(name, number)
            if bom and encoding != "utf-8":
                message = f"coding cookie says {name}, but the file starts with a UTF-8 byte order mark"
                raise SourceError(message, number)
            return encoding, number
        if not _COMMENT_OR_BLANK.match(line):
            break
    return "utf-8", 1


def _first_two_lines(body: bytes) -> Iterator[bytes]:
    start = 0
    for newline in _BYTE_NEWLINE.finditer(body):
        yield body[start : newline.start()]
        if start:
            return
        start = newline.end()
    yield body[start:]


def _codec_name(cookie: str, line: int) -> str:
    plain = cookie.lower().replace("_", "-")
    # Python takes "utf-8-unix" and its like for UTF-8, and "utf-8-sig" would eat a second byte order mark.
    if plain == "utf-8" or plain.startswith("utf-8-"):
        return "utf-8"
    try:
        return codecs.lookup(cookie).name
    except LookupError as error:
        raise SourceError(f"unknown encoding {cookie}", line) from error


def _refuse_nul(data: bytes) -> None:
    at = data.find(b"\0")
    if at >= 0:
        raise SourceError("NUL byte in the source", _line_at(data, at))


def _line_at(data: bytes, offset: int) -> int:
    """Line, from 1, of a byte offset."""
    return 1 + len(_BYTE_NEWLINE.findall(data[:offset]))
