"""The lines that say what fixing came to, beside any format of report: what was done where, what was not and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mlflow_lint.findings import Applicability, Finding

if TYPE_CHECKING:
    from mlflow_lint.fixing import Fixed


def silenced(files: Iterable[Fixed]) -> str:
    """Return how many findings were silenced by new comments, by code and by file."""
    return "".join(f"{line}\n" for line in _done(files, "Silenced"))


def render(fixed: Iterable[Fixed], remaining: Sequence[Finding], *, unsafe: bool, written: bool) -> str:
    """Return what was done by code and by file and, once it is written, why the rest remains.

    A file that was fixed more than once counts once.
    """
    lines = _done(fixed, "Fixed" if written else "Would fix")
    if remaining and written:
        verb = "remains" if len(remaining) == 1 else "remain"
        lines.append(f"{_counted(len(remaining), 'finding')} {verb}: {_reasons(remaining, unsafe)}.")
    return "".join(f"{line}\n" for line in lines)


def _done(fixed: Iterable[Fixed], verb: str) -> list[str]:
    by_file: dict[str, Counter[str]] = {}
    for each in fixed:
        if each.applied:
            by_file.setdefault(each.path, Counter()).update(dict(each.applied))
    lines: list[str] = []
    if by_file:
        total = sum(by_file.values(), Counter[str]())
        files = _counted(len(by_file), "file")
        lines.append(f"{verb} {_counted(total.total(), 'finding')} in {files}: {_by_code(total)}.")
        if len(by_file) > 1:
            lines += [f"  {path}: {_by_code(counts)}" for path, counts in by_file.items()]
    return lines


def _by_code(counts: Counter[str]) -> str:
    return ", ".join(f"{code} ×{count}" for code, count in sorted(counts.items()))


def _reasons(remaining: Iterable[Finding], unsafe: bool) -> str:
    """Why findings are still there, with how many of each."""
    counts = Counter(_reason(finding, unsafe) for finding in remaining)
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common())


def _reason(finding: Finding, unsafe: bool) -> str:
    if finding.fix is None or finding.fix.applicability is Applicability.DISPLAY:
        return "without a fix"
    if finding.fix.applicability is Applicability.UNSAFE and not unsafe:
        return "with --unsafe-fixes"
    # The errors above say why: it was dropped, or the file could not be written.
    return "not made"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
