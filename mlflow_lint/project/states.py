"""In one word, all that the findings of a file can rest on: its bytes and those of all that it imports, step by step.

Invariant: two runs give a file the same state only if every module that the analysis may read for it is the same, and
is found under the same path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from mlflow_lint.digest import digest


class States:
    """The states of a project's files; `rests_on` gives what a file itself imports, `read` bytes (empty if there are
    none), `shown` the path as reports show it."""

    def __init__(
        self, rests_on: Callable[[str], Sequence[str]], read: Callable[[str], bytes], shown: Callable[[str], str]
    ) -> None:
        self._rests_on = rests_on
        self._read = read
        self._shown = shown
        self._known: dict[str, str] = {}

    def of(self, file: str, read: Mapping[str, bytes]) -> str:
        """The state of a file that was settled, as hexadecimal digits; `read` spares reading files again."""
        if file not in self._known:
            for ring in self._rings(file):
                leaves = sorted(self._leaf(each, read) for each in ring)
                members = frozenset(ring)
                beyond = {self._known[other] for each in ring for other in self._rests_on(each) if other not in members}
                state = digest("\n".join([*leaves, "", *sorted(beyond)]).encode())
                self._known.update(dict.fromkeys(ring, state))
        return self._known[file]

    def _leaf(self, file: str, read: Mapping[str, bytes]) -> str:
        data = read[file] if file in read else self._read(file)
        return f"{digest(data)} {self._shown(file)!r}"

    def _rings(self, first: str) -> Iterator[list[str]]:
        """What `first` rests on, files that import each other in a circle together, each ring after those it rests on.

        Tarjan's algorithm, without recursion.
        """
        index: dict[str, int] = {}
        low: dict[str, int] = {}
        ring: list[str] = []
        inside: set[str] = set()
        work: list[tuple[str, Iterator[str]]] = []

        def enter(file: str) -> None:
            index[file] = low[file] = len(index)
            ring.append(file)
            inside.add(file)
            work.append((file, iter(self._rests_on(file))))

        enter(first)
        while work:
            file, others = work[-1]
            for other in others:
                if other in self._known:
                    continue
                if other not in index:
                    enter(other)
                    break
                if other in inside:
                    low[file] = min(low[file], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[file])
                if low[file] == index[file]:
                    cut = ring.index(file)
                    found, ring[cut:] = ring[cut:], []
                    inside.difference_update(found)
                    yield found
