"""The codes that configurations may name.

Invariant: the rules are imported when a code is looked at, not before. Importing them takes longer than a run
over files that do not name MLflow, and most configurations name no code.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mlflow_lint.findings import SYNTAX_ERROR


class KnownCodes(Collection[str]):
    """All codes that a finding can have."""

    def __contains__(self, code: object) -> bool:
        return code in self._codes()

    def __iter__(self) -> Iterator[str]:
        return iter(self._codes())

    def __len__(self) -> int:
        return len(self._codes())

    def _codes(self) -> tuple[str, ...]:
        from mlflow_lint.rules.registry import by_code

        return (SYNTAX_ERROR, *by_code())
