"""Which files to lint: the paths that were asked for, less what is excluded or ignored by git.

Invariant: every file is found once, however many paths lead to it, and patterns see only what lies below
their own directory, so that the place of a checkout never matters.

Symbolic links to files count as files; links to directories are followed only where they are named, as in git
and flake8, so that a walk never leaves the tree and always ends.
"""

# Paths are strings below, for speed, and because `Path.resolve` would follow links:

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import field
from functools import lru_cache
from pathlib import Path

from mlflow_lint.config import ConfigError, Settings, SettingsResolver
from mlflow_lint.patterns import Matcher
from mlflow_lint.record import entity, record

_SUFFIXES = (".py", ".ipynb")
"""What a walk takes."""


@record
class Discovery:
    """Files in the order of their paths, and a line for each path that could not be looked at."""

    files: tuple[Path, ...]
    errors: tuple[str, ...]


def discover(paths: Sequence[Path], resolver: SettingsResolver) -> Discovery:
    """Find the files that `paths` stand for: directories are walked for `*.py` and `*.ipynb`, others taken as they are.

    A path that is named is taken even if it is excluded (unless `force-exclude` is set) or ignored by git.
    What does not exist, cannot be listed or is configured wrongly is an error; the rest is still found.
    """
    search = _Search(resolver)
    for path in paths:
        search.add(path)
    # A link counts only where its target was not found under its own name.
    shown = sorted({**search.linked, **search.found}.values())
    return Discovery(tuple(map(Path, shown)), tuple(dict.fromkeys(search.errors)))


def is_excluded(settings: Settings, path: Path, is_directory: bool = False) -> bool:
    """Whether a path, or a directory above it and below the root of the settings, is excluded."""
    return _matcher(settings.exclude + settings.extend_exclude).covers(_below_root(settings, path), is_directory)


def per_file_ignores(settings: Settings, path: Path) -> tuple[str, ...]:
    """Codes and prefixes that the settings ignore in one file."""
    relative = _below_root(settings, path)
    return tuple(
        selector
        for pattern, selectors in settings.per_file_ignores
        if _matcher((pattern,)).covers(relative)
        for selector in selectors
    )


@lru_cache(maxsize=64)
def _matcher(patterns: tuple[str, ...], named: str = "") -> Matcher:
    return Matcher(patterns, named)


_Scope = tuple[str, Matcher]
"""The directory that patterns are relative to, and a matcher for them."""

_Ignores = tuple[_Scope, ...] | None
"""The .gitignore files that hold in a directory, outermost first; `None` outside any repository."""


@record
class _Directory:
    path: str
    """Absolute, links as they are: what patterns are matched with."""
    real: str
    """Without links: what tells one file from another."""
    shown: str
    """As the user named it: what reports say."""
    ignores: _Ignores

    def child(self, name: str, ignores: _Ignores) -> _Directory:
        join = os.path.join
        return _Directory(join(self.path, name), join(self.real, name), join(self.shown, name), ignores)


@entity
class _Search:
    resolver: SettingsResolver
    found: dict[str, str] = field(default_factory=dict)
    """Path to show by real path."""
    linked: dict[str, str] = field(default_factory=dict)
    """The same for files reached by a link."""
    errors: list[str] = field(default_factory=list)
    walked: set[str] = field(default_factory=set)

    def add(self, path: Path) -> None:
        """Take a path that the user named."""
        try:
            is_directory = stat.S_ISDIR(path.stat().st_mode)
            settings = self.resolver.for_directory(path if is_directory else path.parent)
        except OSError as error:
            self.errors.append(f"{path}: {error.strerror}")
        except ConfigError as error:
            self.errors.append(str(error))
        else:
            if settings.force_exclude and is_excluded(settings, path, is_directory):
                return
            if is_directory:
                self._walk(path)
            else:
                found = self.linked if path.is_symlink() else self.found
                found.setdefault(os.path.realpath(path), str(path))

    def _walk(self, path: Path) -> None:
        top = os.path.abspath(path)
        shown = "" if str(path) == "." else str(path)
        pending = [_Directory(top, os.path.realpath(path), shown, _ignores_above(top))]
        while pending:
            directory = pending.pop()
            if directory.real in self.walked:
                continue
            self.walked.add(directory.real)
            try:
                pending += self._scan(directory, top)
            except OSError as error:
                self.errors.append(f"{directory.shown or '.'}: {error.strerror}")
            except ConfigError as error:
                self.errors.append(str(error))

    def _scan(self, directory: _Directory, top: str) -> list[_Directory]:
        """Note the files of a directory and return its subdirectories."""
        settings = self.resolver.for_directory(directory.path)
        entries = list(os.scandir(directory.path))
        ignores = _ignores_in(directory, {entry.name for entry in entries})
        rules = _rules([_excludes(settings, directory.path, top)], directory.path)
        rules_of_git = _rules(ignores or () if settings.respect_gitignore else (), directory.path)
        subdirectories = []
        for entry in entries:
            name = entry.name
            is_directory = entry.is_dir(follow_symlinks=False)
            if not (is_directory or name.endswith(_SUFFIXES)):
                continue
            if _drops(rules, name, is_directory) or _drops(rules_of_git, name, is_directory):
                continue
            if is_directory:
                subdirectories.append(directory.child(name, ignores))
            else:
                self._note(directory, entry)
        return subdirectories

    def _note(self, directory: _Directory, entry: os.DirEntry[str]) -> None:
        shown = os.path.join(directory.shown, entry.name)
        if entry.is_file(follow_symlinks=False):
            self.found.setdefault(os.path.join(directory.real, entry.name), shown)
        elif os.path.isfile(entry.path):  # not DirEntry.is_file, which raises for a link to itself
            self.linked.setdefault(os.path.realpath(entry.path), shown)


_Rules = Sequence[tuple[str, Matcher]]
"""Matchers to ask in turn, each with what stands before a name in the paths it knows."""


def _rules(scopes: Sequence[_Scope], directory: str) -> _Rules:
    """Rules for the names in a directory: of several .gitignore files, the innermost that answers decides."""
    inside_out = ((_relative(base, directory), matcher) for base, matcher in reversed(scopes))
    return [(f"{relative}/" if relative else "", matcher) for relative, matcher in inside_out]


def _drops(rules: _Rules, name: str, is_directory: bool) -> bool:
    for prefix, matcher in rules:
        answer = matcher.answer(prefix, name, is_directory)
        if answer is not None:
            return answer
    return False


def _relative(base: str, path: str) -> str:
    """Path below `base`, with slashes; empty for `base` itself."""
    return path[len(base) :].replace(os.sep, "/").strip("/")


def _is_below(base: str, path: str) -> bool:
    return path.startswith(base.rstrip(os.sep) + os.sep)


def _below_root(settings: Settings, path: Path) -> str:
    """Path as the patterns of the settings see it: only the name outside their root, nothing above it."""
    absolute, root = os.path.abspath(path), str(settings.root)
    if _is_below(root, absolute):
        return _relative(root, absolute)
    return "" if root == absolute or _is_below(absolute, root) else os.path.basename(absolute)


def _excludes(settings: Settings, directory: str, top: str) -> _Scope:
    """Excludes for a directory on the walk from `top`; outside the settings' root they begin at `top`."""
    root = str(settings.root)
    base = root if directory == root or _is_below(root, directory) else top
    named = _relative(base, top) if _is_below(base, top) else ""
    return base, _matcher(settings.exclude + settings.extend_exclude, named)


def _ignores_above(top: str) -> _Ignores:
    """Read the .gitignore files from the root of the repository that `top` lies in down to above `top`."""
    scopes: list[_Scope] = []
    here = top
    while not os.path.lexists(os.path.join(here, ".git")):
        parent = os.path.dirname(here)
        if parent == here:
            return None
        here = parent
        scopes.append(_gitignore(here, named=_relative(here, top)))
    return tuple(reversed(scopes))


def _ignores_in(directory: _Directory, names: Iterable[str]) -> _Ignores:
    """Add what a directory itself says: a repository in a repository starts afresh, as for git."""
    ignores = () if ".git" in names else directory.ignores
    here = ".gitignore" in names and ignores is not None
    return (*(ignores or ()), _gitignore(directory.path)) if here else ignores


def _gitignore(directory: str, named: str = "") -> _Scope:
    """Read the .gitignore of a directory; without one, or if it cannot be read, it says nothing."""
    file = os.path.join(directory, ".gitignore")
    lines: list[str] = []
    with contextlib.suppress(OSError):
        if os.path.isfile(file):
            with open(file, encoding="utf-8-sig", errors="surrogateescape") as stream:
                lines = stream.read().split("\n")
    return directory, Matcher(lines, named)
