"""The lines that say what fixing came to, beside any format of report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mlflow_lint.findings import Applicability, Finding

if TYPE_CHECKING:
    from mlflow_lint.fixing import Fixed


def render(fixed: Iterable[Fixed], remaining: Iterable[Finding], *, unsafe: bool, written: bool) -> str:
    """Return a line for the fixes that were made, by code, and one for those that wait for `--unsafe-fixes`.

    A file that was fixed more than once counts once.
    """
    counts: Counter[str] = Counter()
    files = set()
    for each in fixed:
        if each.applied:
            files.add(each.path)
            counts.update(dict(each.applied))
    lines: list[str] = []
    if counts:
        verb = "Fixed" if written else "Would fix"
        by_code = ", ".join(f"{code} ×{count}" for code, count in sorted(counts.items()))
        lines.append(f"{verb} {_counted(counts.total(), 'finding')} in {_counted(len(files), 'file')}: {by_code}.\n")
    waiting = 0 if unsafe else len(_with_unsafe_fix(remaining))
    if waiting:
        lines.append(f"{_counted(waiting, 'more fix', 'more fixes')} with --unsafe-fixes.\n")
    return "".join(lines)


def _with_unsafe_fix(findings: Iterable[Finding]) -> Sequence[Finding]:
    return [each for each in findings if each.fix is not None and each.fix.applicability is Applicability.UNSAFE]


def _counted(count: int, noun: str, plural: str = "") -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {plural or noun + 's'}"
