"""What has changed since a commit, by git: for `--diff-against`.

Git is asked for what commits and the index hold, never for what the working tree looks like to it: the files are
compared here. So nothing that a repository configures is run, be it a filter, a diff driver or a monitor, and nothing
is fetched. Invariant: what git does not know counts as wholly changed.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from mlflow_lint.engine import Checked
from mlflow_lint.findings import SYNTAX_ERROR, Finding
from mlflow_lint.record import record
from mlflow_lint.source.file import Cell, SourceError, decode, read_bytes, split_lines

_SAFELY = (
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "protocol.allow=never"),
)
_ENVIRONMENT = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
_PATIENCE = 200_000
"""Pairs of equal lines from which on aligning two texts could take seconds."""

Numbers = frozenset[int]


class ChangesError(Exception):
    """Why changes cannot be told, in one line."""


@record
class Changes:
    """What is not as it was in one commit of a repository."""

    root: str
    """Top folder of the repository, symbolic links resolved."""
    old: Mapping[str, str]
    """Names of the contents of that commit, by path from the root, under the paths that files have now."""
    blob: Callable[[str], bytes]
    """A content by its name."""
    _known: dict[tuple[str, str], Numbers | None] = field(default_factory=dict)

    def on_changed_lines(self, checked: Checked, folder: str) -> tuple[Finding, ...]:
        """Those findings of a file of which some line has changed: of the call, its loop, or a function in between.

        Paths are relative to `folder`. In a notebook, all lines of a changed cell have changed.
        """
        return tuple(finding for finding in checked.findings if self._is_touched(checked, finding, folder))

    def _is_touched(self, checked: Checked, finding: Finding, folder: str) -> bool:
        if finding.code == SYNTAX_ERROR and finding.region.cell is None:
            # Where it shows need not be where it was made.
            return self._differs(os.path.join(folder, checked.path))
        region, (first, last) = finding.region, finding.statement
        lines = range(min(first, region.line), max(last, region.end_line) + 1)
        places = [(checked.path, region.cell, lines)]
        places += [(step.path, step.cell, range(step.line, step.line + 1)) for step in finding.chain]
        return any(self._has_changed(checked, folder, *place) for place in places)

    def _has_changed(self, checked: Checked, folder: str, path: str, cell: int | None, lines: range) -> bool:
        file = os.path.join(folder, path)
        text, cells = (checked.text, checked.cells) if path == checked.path else _on_disk(file)
        key = (file, text)
        if key not in self._known:
            self._known[key] = self._changed(file, text, cells)
        changed = self._known[key]
        return changed is None or (cell in changed if cell is not None else not changed.isdisjoint(lines))

    def _changed(self, file: str, text: str, cells: Sequence[Cell] | None) -> Numbers | None:
        """Numbers of the lines, in a notebook of the cells, that have changed; None where all have."""
        data = self._old_content(file)
        if data is None:
            return None
        try:
            old = decode(file, data)
        except SourceError:
            return None
        if old.text == text:
            return frozenset()
        if cells is None:
            return changed_items(split_lines(old.text), split_lines(text))
        return changed_items([cell.text for cell in old.cells or ()], [cell.text for cell in cells])

    def _differs(self, file: str) -> bool:
        try:
            return read_bytes(Path(file)) != self._old_content(file)
        except (OSError, SourceError):
            return True

    def _old_content(self, file: str) -> bytes | None:
        path = os.path.realpath(file)
        if not path.startswith(self.root.rstrip(os.sep) + os.sep):
            return None
        name = self.old.get(os.path.relpath(path, self.root).replace(os.sep, "/"))
        if name is None:
            return None
        with contextlib.suppress(OSError, SourceError):
            now = read_bytes(Path(path))
            if _name(now, len(name)) == name:
                return now  # as most files are: git need not be asked
        return self.blob(name)


def changes_since(reference: str, here: Path) -> Changes:
    """What has changed between where HEAD left the history of `reference` and the files as they are now.

    Raises `ChangesError`.
    """
    # As an option it would be read otherwise; as part of a command line it cannot be.
    if not reference or reference[0] in "-^" or not reference.isprintable():
        raise ChangesError(f"{reference!r} is no name of a commit")
    root = os.fsdecode(_git(here, "rev-parse", "--show-toplevel").removesuffix(b"\n"))
    commit = _commit(here, reference)
    found = _run(here, "merge-base", commit, _commit(here, "HEAD"))
    if found.returncode:
        raise ChangesError(f"{reference!r} and HEAD have no common commit (a shallow clone has to be deepened)")
    base = os.fsdecode(found.stdout.split()[0])
    now = _names_now(_git(here, "diff-index", "--cached", "-M", "--diff-filter=R", "--name-status", "-z", base, "--"))
    old: dict[str, str] = {}
    for entry in _git(here, "ls-tree", "-r", "-z", "--full-tree", base).split(b"\0"):
        kind, _, path = os.fsdecode(entry).partition("\t")
        if kind[7:11] == "blob":
            old[now.get(path, path)] = kind[12:]
    return Changes(os.path.realpath(root), old, lambda name: _git(here, "cat-file", "blob", name))


def _commit(here: Path, reference: str) -> str:
    name = reference
    for suffix in ("", "^{commit}"):  # not at once: a search for a message would take it for a part of it
        found = _run(here, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}{suffix}")
        if found.returncode:
            raise ChangesError(f"{reference!r} is no commit of this repository")
        name = os.fsdecode(found.stdout.strip())
    return name


def _name(data: bytes, digits: int) -> str:
    """Git's name of a content, in a repository whose names are so long."""
    kind = "sha1" if digits == 40 else "sha256"
    return hashlib.new(kind, b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _names_now(listed: bytes) -> dict[str, str]:
    """What renamed files are called now, from statuses and names that NUL bytes part."""
    fields = [os.fsdecode(each) for each in listed.split(b"\0")]
    return dict(zip(fields[1::3], fields[2::3], strict=False))


def _git(here: Path, *arguments: str) -> bytes:
    done = _run(here, *arguments)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ChangesError(f"git says: {said[0].removeprefix('fatal: ')}" if said else f"git {arguments[0]} failed")
    return done.stdout


def _run(here: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["git", *_SAFELY, *arguments]
    try:
        return subprocess.run(
            command,
            cwd=here,
            env=os.environ | _ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise ChangesError(f"git cannot be run: {error.strerror}") from error


def _on_disk(file: str) -> tuple[str, tuple[Cell, ...] | None]:
    try:
        source = decode(file, read_bytes(Path(file)))
    except (OSError, SourceError):
        return "", None
    return source.text, source.cells


def changed_items(old: Sequence[Hashable], new: Sequence[Hashable]) -> Numbers:
    """Numbers, from 1, of the items that are new in a sequence; what only moved is new at one of its places."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    before, after = old[start : len(old) - end], new[start : len(new) - end]
    kept = _kept(before, after)
    return frozenset(start + number + 1 for number in range(len(after)) if number not in kept)


def _kept(before: Sequence[Hashable], after: Sequence[Hashable]) -> set[int]:
    """Places of the items of a sequence that it has from the one before."""
    counts = Counter(before)
    if sum(counts[item] for item in after) <= _PATIENCE:
        blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
        return {block.b + offset for block in blocks for offset in range(block.size)}
    # So much of it is the same that its order tells little.
    kept: set[int] = set()
    for place, item in enumerate(after):
        if counts[item] > 0:
            counts[item] -= 1
            kept.add(place)
    return kept
