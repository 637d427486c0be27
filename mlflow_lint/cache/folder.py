"""The folder that the cache lies in.

Invariant: nothing raises. What cannot be read is as if it were not there, and what cannot be written is not: a cache
saves time and never costs a run. Files are replaced at once, so that runs beside one another never see half of one.
"""

from __future__ import annotations

import contextlib
import os
import time

_LARGEST = 64 * 1024 * 1024
_OLD_SECONDS = 30 * 24 * 3600
_DAY_SECONDS = 24 * 3600
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Of mlflow-lint. See https://bford.info/cachedir/\n"
_OWN_FILES = {".gitignore": "# Of mlflow-lint.\n*\n", "CACHEDIR.TAG": _TAG}
_PRUNED = "pruned"
"""Is as old as it is that old entries were last looked for."""


class Folder:
    """Entries by name; names are made of hexadecimal digits, and so of nothing that leads elsewhere."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._is_made = False

    def get(self, name: str) -> bytes | None:
        """An entry that was kept before."""
        file = self._file(name)
        try:
            with open(file, "rb", buffering=0, opener=_open_regular) as stream:
                status = os.fstat(stream.fileno())
                if status.st_size > _LARGEST:
                    return None
                data = stream.read()
            if status.st_mtime < time.time() - _DAY_SECONDS:
                os.utime(file)  # it is in use
        except OSError:
            return None
        return data

    def put(self, name: str, data: bytes) -> None:
        """Keep an entry."""
        file = self._file(name)
        temporary = f"{file}.{os.getpid()}"
        try:
            self._make()
            os.makedirs(os.path.dirname(file), exist_ok=True)
            with open(temporary, "xb") as stream:
                stream.write(data)
            os.replace(temporary, file)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)

    def prune(self) -> None:
        """Drop what was not used for a month; looked for once a day."""
        mark = os.path.join(self._path, _PRUNED)
        now = time.time()
        try:
            if os.stat(mark).st_mtime > now - _DAY_SECONDS:
                return
        except OSError:
            if not os.path.isdir(self._path):
                return
        with contextlib.suppress(OSError):
            with open(mark, "wb"):
                pass
            os.utime(mark)
            for part in os.scandir(self._path):
                if len(part.name) == 2 and part.is_dir(follow_symlinks=False):
                    for entry in os.scandir(part.path):
                        if entry.stat(follow_symlinks=False).st_mtime < now - _OLD_SECONDS:
                            os.unlink(entry.path)

    def _file(self, name: str) -> str:
        return os.path.join(self._path, name[:2], name[2:])

    def _make(self) -> None:
        """Make the folder, with what keeps it out of repositories and backups."""
        if self._is_made:
            return
        self._is_made = True
        os.makedirs(self._path, exist_ok=True)
        for name, text in _OWN_FILES.items():
            with contextlib.suppress(FileExistsError), open(os.path.join(self._path, name), "x") as stream:
                stream.write(text)


def _open_regular(file: str, flags: int) -> int:
    # Neither a link that leads out of the cache, nor a pipe that never ends.
    return os.open(file, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
