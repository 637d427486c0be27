"""The lines on standard error about baselines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mlflow_lint.report.headline import headline
from mlflow_lint.report.visible import visible

if TYPE_CHECKING:
    from mlflow_lint.screening import Updated


def stale(found: Iterable[tuple[str, int]]) -> str:
    """Return what there is to say of findings that baselines know and that are there no more."""
    return "".join(
        f"mlflow-lint: note: {visible(file)}: {_counted(gone)} of it {'is' if gone == 1 else 'are'} gone; "
        "--update-baseline takes them out\n"
        for file, gone in found
        if gone
    )


def updated(each: Iterable[Updated]) -> str:
    """Return what became of baselines; of one that was there before, also which findings it has now beside the old."""
    lines: list[str] = []
    for one in each:
        if not one.is_first:
            lines += [f"mlflow-lint: known from now on: {''.join(headline(each.path, each))}" for each in one.added]
        counts = f"{_counted(len(one.added))} added, {one.gone} taken out, {one.kept} kept"
        lines.append(f"mlflow-lint: {visible(one.file)}: {counts}")
    return "".join(f"{line}\n" for line in lines)


def _counted(count: int) -> str:
    return f"{count} finding" if count == 1 else f"{count} findings"
