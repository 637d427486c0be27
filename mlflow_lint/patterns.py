"""Patterns of .gitignore: what a list of them says of a path.

Invariant: the answers are pathspec's, as for git. Most patterns are plain names, which are looked up instead of being
matched; pathspec is imported when there is another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from mlflow_lint.regex import regex

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_NAME = regex(r"(!?)([\w.-]*\w)(/?)", re.ASCII)
_FILE_TAKEN = regex(r"(?:[yb]|[^/\w])\s*$")
"""A pattern that can match a file that a walk takes (`.py`, `.ipynb`)."""

_Ranked = tuple[int, bool]
"""The place of a pattern in its list, and whether it drops what it matches (or, begun with `!`, takes it back)."""

_Regex = tuple[int, "re.Pattern[str]", bool]
"""The same for a pattern that is no plain name, with what matches it."""


class Matcher:
    """Patterns of one .gitignore file or one list of excludes, made for walking from the top down.

    Those that match the directory that the user named are left out: naming it says that it is meant.
    """

    def __init__(self, lines: Iterable[str], named: str = "") -> None:
        self._files: dict[str, _Ranked] = {}
        self._directories: dict[str, _Ranked] = {}
        # The last pattern that matches decides, so that it is asked first.
        self._for_files: list[_Regex] = []
        self._for_directories: list[_Regex] = []
        for place, line in enumerate(lines):
            plain = _NAME.fullmatch(line)
            if plain is None:
                self._add(place, line, named)
                continue
            taken_back, name, of_directories = plain.groups()
            if taken_back or name not in named.split("/"):
                self._directories[name] = (place, not taken_back)
                if not of_directories:
                    self._files[name] = (place, not taken_back)

    def _add(self, place: int, line: str, named: str) -> None:
        if not line.strip() or line.startswith("#"):
            return
        spec = _spec(line)
        if named and spec.match_file(f"{named}/"):
            return
        regexes = [(place, regex, include) for regex, include in _regexes(spec)]
        self._for_directories[:0] = regexes
        if _FILE_TAKEN.search(line):
            self._for_files[:0] = regexes

    def answer(self, folder: str, name: str, is_directory: bool) -> bool | None:
        """Whether a directory, or a file that a walk takes, is matched; `None` if no pattern speaks of it.

        `folder` ends with a slash, unless it is empty.
        """
        if is_directory:
            return _last_match(self._directories, self._for_directories, folder, name, True)
        return _last_match(self._files, self._for_files, folder, name, False)

    def covers(self, path: str, is_directory: bool = False) -> bool:
        """Whether a path or a directory above it is matched; a file may have any name."""
        *above, last = path.split("/")
        folder = ""
        for name in above:
            if _last_match(self._directories, self._for_directories, folder, name, True):
                return True
            folder += f"{name}/"
        names = self._directories if is_directory else self._files
        return path != "" and bool(_last_match(names, self._for_directories, folder, last, is_directory))


def _last_match(
    names: Mapping[str, _Ranked], regexes: Iterable[_Regex], folder: str, name: str, is_directory: bool
) -> bool | None:
    known = names.get(name)
    for place, pattern, include in regexes:
        if known is not None and place < known[0]:
            break
        if _matches(pattern, f"{folder}{name}/" if is_directory else folder + name):
            return include
    return known[1] if known is not None else None


def _matches(pattern: re.Pattern[str], path: str) -> bool:
    # pathspec lets one match what lies below a directory too, from a slash in the group `ps_d` on.
    # The directories above were asked before: only a match of the path itself counts, as for git.
    if "ps_d" not in pattern.groupindex:
        return pattern.search(path.removesuffix("/")) is not None
    return any(m["ps_d"] is None or m.end("ps_d") == len(path) for m in pattern.finditer(path))


@lru_cache(maxsize=256)
def _spec(line: str) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # takes longer to import than a small project to walk

    try:
        return GitIgnoreSpec.from_lines([line])
    except ValueError:  # a line that git passes over as well; those of a configuration were checked before
        return GitIgnoreSpec.from_lines([])


def _regexes(spec: GitIgnoreSpec) -> list[tuple[re.Pattern[str], bool]]:
    from pathspec import RegexPattern

    return [
        (pattern.regex, pattern.include)
        for pattern in spec.patterns
        if isinstance(pattern, RegexPattern) and pattern.regex is not None and pattern.include is not None
    ]
