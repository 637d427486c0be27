"""Fix files: choose fixes, apply them, lint again, until nothing more applies; then write.

Invariant: a round is kept only if its result parses and has no finding that was not there before; a file is replaced
atomically, and only while it still holds what was linted.
"""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from mlflow_lint.config import Settings
from mlflow_lint.engine import Checked, Project, check_bytes, check_files, check_source
from mlflow_lint.findings import SYNTAX_ERROR, Applicability, Edit, Finding
from mlflow_lint.record import record
from mlflow_lint.source.editing import edited
from mlflow_lint.source.file import (
    ChangedOnDisk,
    SourceError,
    SourceFile,
    decode,
    encode,
    read_bytes,
    write_atomically,
)

_ROUNDS = 20

Screen = Callable[[Checked, Path, Settings], Checked]
"""Leaves of the findings of a file those that the run is about; what is not reported is not fixed either."""


def everything(checked: Checked, _path: Path, _settings: Settings) -> Checked:
    """The screen that holds nothing back."""
    return checked


@record
class Fixed:
    """What fixing one file came to."""

    path: str
    """As reports show it."""
    before: str
    after: str
    applied: tuple[tuple[str, int], ...]
    """How many fixes of each code were applied, by code."""
    remaining: Checked
    """What there still is to say of the text after the fixes."""
    problems: tuple[str, ...] = ()
    """What was not done and why, one line each."""
    bom: bool = False
    """Whether the file begins with a byte-order mark, which is in neither text."""
    cells: tuple[tuple[str, str], ...] = ()
    """Before and after of each code cell of a notebook; the texts are made of them."""


def fix_files(
    project: Project,
    files: Sequence[tuple[Path, Settings]],
    *,
    unsafe: bool,
    write: bool,
    complete: bool = False,
    screen: Screen = everything,
) -> list[Fixed]:
    """Fix files and, with `write`, replace those that changed."""
    from mlflow_lint.syntax.stack import with_deep_stack

    checked = check_files(project, files, complete=complete)
    results: list[Fixed] = []
    for (path, settings), unscreened in zip(files, checked, strict=True):
        found = screen(unscreened, path, settings)
        if not any(_wanted(finding, unsafe) for finding in found.findings):
            results.append(Fixed(found.path, found.text, found.text, (), found))
            continue
        results.append(with_deep_stack(partial(_fix_file, project, path, settings, unsafe, write, screen)))
    return results


def _fix_file(project: Project, path: Path, settings: Settings, unsafe: bool, write: bool, screen: Screen) -> Fixed:
    file = os.path.abspath(path)
    try:
        data = read_bytes(path)
    except (OSError, SourceError) as error:
        return unreadable(project.shown(file), error)
    fixed = _fix_bytes(project, file, data, settings, unsafe, screen)
    if write and fixed.after != fixed.before:
        return written(fixed, path, data, lambda: screen(check_bytes(project, file, data, settings), path, settings))
    return fixed


def unreadable(shown: str, error: Exception) -> Fixed:
    """What fixing came to for a file that is not there any more."""
    return Fixed(shown, "", "", (), Checked(shown, (), error=f"{shown}: {error}"))


def _fix_bytes(project: Project, file: str, data: bytes, settings: Settings, unsafe: bool, screen: Screen) -> Fixed:
    try:
        source = decode(project.shown(file), data)
    except SourceError:
        checked = screen(check_bytes(project, file, data, settings), Path(file), settings)
        return Fixed(checked.path, "", "", (), checked)
    return fix_source(project, file, source, settings, unsafe=unsafe, screen=screen)


def fix_source(
    project: Project,
    file: str,
    source: SourceFile,
    settings: Settings,
    *,
    unsafe: bool,
    screen: Screen = everything,
) -> Fixed:
    """Fix decoded text, without touching the disk; to be called within `with_deep_stack`."""
    applied: Counter[str] = Counter()
    problems: list[str] = []
    dropped: set[tuple[str, str]] = set()
    current = source
    checked = check_source(project, file, current, settings)
    for _ in range(_ROUNDS):
        chosen = _chosen(screen(checked, Path(file), settings).findings, unsafe, dropped)
        if not chosen:
            break
        attempt = with_edits(current, _edits(chosen))
        result = check_source(project, file, attempt, settings)
        complaint = _complaint(checked.findings, result.findings, chosen)
        if complaint is None:
            applied.update(finding.code for finding in chosen)
            current, checked = attempt, result
            continue
        if len(chosen) == 1:
            problems.append(f"{chosen[0].place}: the fix of {chosen[0].code} was dropped: {complaint}")
            dropped.add(_identity(chosen[0]))
        else:
            # One of them is to blame: try them one by one.
            dropped_now = _blamed(project, file, current, settings, chosen, checked.findings)
            problems += [
                f"{finding.place}: the fix of {finding.code} was dropped: {why}" for finding, why in dropped_now
            ]
            dropped |= {_identity(finding) for finding, _ in dropped_now} or {_identity(chosen[-1])}
        check_source(project, file, current, settings)
    remaining = screen(checked, Path(file), settings)
    return compared(source, current, applied, remaining, problems)


def compared(
    before: SourceFile, after: SourceFile, applied: Mapping[str, int], remaining: Checked, problems: Iterable[str]
) -> Fixed:
    """What fixing came to, given a source before and after."""
    pairs = zip(before.cells or (), after.cells or (), strict=True)
    cells = tuple((old.text, new.text) for old, new in pairs)
    counts = tuple(sorted(applied.items()))
    return Fixed(before.path, before.text, after.text, counts, remaining, tuple(problems), before.bom, cells)


def fix_alone(
    project: Project, file: str, source: SourceFile, settings: Settings, findings: Sequence[Finding], wanted: Finding
) -> SourceFile | None:
    """The source with one of its findings fixed, or None if the result must not stand; within `with_deep_stack`."""
    attempt = with_edits(source, _edits([wanted]))
    complaint = _complaint(findings, check_source(project, file, attempt, settings).findings, [wanted])
    return attempt if complaint is None else None


def _blamed(
    project: Project,
    file: str,
    current: SourceFile,
    settings: Settings,
    chosen: Sequence[Finding],
    before: Sequence[Finding],
) -> list[tuple[Finding, str]]:
    found: list[tuple[Finding, str]] = []
    for finding in chosen:
        attempt = with_edits(current, _edits([finding]))
        complaint = _complaint(before, check_source(project, file, attempt, settings).findings, [finding])
        if complaint is not None:
            found.append((finding, complaint))
    return found


def _wanted(finding: Finding, unsafe: bool) -> bool:
    if finding.fix is None:
        return False
    applicability = finding.fix.applicability
    return applicability is Applicability.SAFE or (unsafe and applicability is Applicability.UNSAFE)


def _identity(finding: Finding) -> tuple[str, str]:
    return finding.code, "".join(edit.text for edit in finding.fix.edits) if finding.fix else ""


def _chosen(findings: Iterable[Finding], unsafe: bool, dropped: set[tuple[str, str]]) -> list[Finding]:
    """Fixes that can be made together: in order, those that overlap one already chosen left for the next round."""
    chosen: list[Finding] = []
    taken: list[Edit] = []
    for finding in findings:
        if not _wanted(finding, unsafe) or _identity(finding) in dropped:
            continue
        assert finding.fix is not None
        edits = [edit for edit in finding.fix.edits if edit not in taken]
        if not any(_touch(edit, other) for edit in edits for other in taken):
            chosen.append(finding)
            taken += edits
    return chosen


def _touch(left: Edit, right: Edit) -> bool:
    """Whether two edits overlap; insertions at one place do, since their order would matter."""
    if left.start == left.end == right.start == right.end:
        return True
    return left.start < right.end and right.start < left.end


def _edits(findings: Iterable[Finding]) -> frozenset[Edit]:
    return frozenset(edit for finding in findings if finding.fix is not None for edit in finding.fix.edits)


def with_edits(source: SourceFile, edits: Collection[Edit]) -> SourceFile:
    """A source with edits made that do not overlap; in a notebook each lies in one cell."""
    if source.cells is None:
        return replace(source, text=edited(source.text, edits))
    from mlflow_lint.source.notebook import with_texts

    own = [[edit for edit in edits if cell.start <= edit.start <= cell.end] for cell in source.cells]
    texts = [edited(cell.text, edits, cell.start) for cell, edits in zip(source.cells, own, strict=True)]
    return with_texts(source, texts)


def _complaint(before: Iterable[Finding], after: Iterable[Finding], chosen: Sequence[Finding]) -> str | None:
    """Why a round must not stand; None if it may."""
    was, now = (Counter(finding.code for finding in findings) for findings in (before, after))
    if now[SYNTAX_ERROR] > was[SYNTAX_ERROR]:
        return "the result would not be Python (please report this)"
    if sum(now.values()) > sum(was.values()):
        gained = sorted(code for code in now if now[code] > was[code])
        return f"it would bring {', '.join(gained)} (please report this)"
    if all(now[finding.code] >= was[finding.code] for finding in chosen):
        return "the finding would remain (please report this)"
    return None


def written(fixed: Fixed, path: Path, data: bytes, check: Callable[[], Checked]) -> Fixed:
    """Replace a file; what cannot be written is said, and the findings are those of what `check` finds on disk."""
    try:
        source = decode(fixed.path, data)
        write_atomically(path, new_bytes(source, fixed), data)
    except ChangedOnDisk:
        problem = f"{fixed.path}: not fixed: the file changed while it was linted"
    except SourceError as error:
        problem = f"{fixed.path}: not fixed: {error.message}"
    except OSError as error:
        problem = f"{fixed.path}: not fixed: {error.strerror or error}"
    else:
        return fixed
    return replace(fixed, after=fixed.before, applied=(), remaining=check(), problems=(*fixed.problems, problem))


def new_bytes(source: SourceFile, fixed: Fixed) -> bytes:
    """The bytes of a file once it is fixed. Raises `SourceError` where they cannot be had."""
    if source.cells is None:
        return encode(source, fixed.after)
    from mlflow_lint.source.rewrite import encode_notebook

    return encode_notebook(source, [after for _, after in fixed.cells])


def unified_diff(fixed: Fixed) -> str:
    """What the fixes change, as `patch -p0` takes it, in a notebook cell by cell; empty when they change nothing."""
    if fixed.cells:
        numbered = enumerate(fixed.cells, start=1)
        return "".join(_diff(f"{fixed.path}:cell {number}", *texts) for number, texts in numbered)
    mark = "\ufeff" if fixed.bom else ""
    return _diff(fixed.path, mark + fixed.before, mark + fixed.after)


def _diff(name: str, before: str, after: str) -> str:
    diff = difflib.unified_diff(_ended(before.split("\n")), _ended(after.split("\n")), name, name)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in diff)


def _ended(lines: list[str]) -> list[str]:
    """Lines with their line feeds; `patch` knows no other line ends."""
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
