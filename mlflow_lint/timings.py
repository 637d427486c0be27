"""Where the time of a run goes: `--timings`.

Invariant: a moment belongs to one phase, the innermost that has begun; where nobody asked, asking the clock is spared.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager

PHASES = {
    "start": "start-up: imports, settings",
    "discover": "which files there are",
    "gate": "reading, which files matter",
    "cache": "the cache",
    "parse": "LibCST",
    "lower": "positions and facts",
    "link": "names, what calls do to the store",
    "rules": "the rules",
    "fixes": "fixes, checked and written",
    "processes": "waiting for processes, passing results",
    "report": "the report",
}
"""In the order in which they are shown, with what they are."""


class Stopwatch:
    """Seconds by phase, since it was made; `otherwise` is the phase of what is in no other."""

    def __init__(self, *, by_rule: bool, otherwise: str) -> None:
        self.by_rule = by_rule
        # What was done before anybody could watch; waiting for a disk is not in it.
        self.seconds = {otherwise: time.process_time()}
        self._phases = [otherwise]
        self._since = time.perf_counter()

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count what is done meanwhile as `name`."""
        self._mark()
        self._phases.append(name)
        try:
            yield
        finally:
            self._mark()
            self._phases.pop()

    def taken(self) -> dict[str, float]:
        """The seconds so far, to be counted elsewhere, and no longer here."""
        self._mark()
        taken, self.seconds = self.seconds, {}
        return taken

    def add(self, seconds: Mapping[str, float]) -> None:
        """Count what was taken elsewhere too."""
        for phase, more in seconds.items():
            self.seconds[phase] = self.seconds.get(phase, 0.0) + more

    def _mark(self) -> None:
        now = time.perf_counter()
        self.add({self._phases[-1]: now - self._since})
        self._since = now


_UNWATCHED: AbstractContextManager[None] = contextlib.nullcontext()
_watch: Stopwatch | None = None


def watch(*, by_rule: bool, otherwise: str = "start") -> Stopwatch:
    """Begin to watch this process."""
    global _watch
    _watch = Stopwatch(by_rule=by_rule, otherwise=otherwise)
    return _watch


def watching() -> Stopwatch | None:
    """The watch of this process, if somebody asked for one."""
    return _watch


def phase(name: str) -> AbstractContextManager[None]:
    """Count what is done meanwhile as a phase of the run."""
    return _UNWATCHED if _watch is None else _watch.phase(name)


def rule(code: str) -> AbstractContextManager[None]:
    """The same for a rule, where somebody asked for rules."""
    return _watch.phase(code) if _watch is not None and _watch.by_rule else _UNWATCHED


def table(seconds: Mapping[str, float]) -> str:
    """What was taken, as a table: phases in their order, then rules, the slowest first."""
    rules = sorted((code for code in seconds if code not in PHASES), key=lambda code: (-seconds[code], code))
    whole = sum(seconds.values())
    lines = [f"{'phase':<10}  seconds  share"]
    for name in (*(name for name in PHASES if name in seconds), *rules):
        share = 100 * seconds[name] / whole if whole else 0.0
        lines.append(f"{name:<10}  {seconds[name]:7.3f}  {share:4.0f}%  {PHASES.get(name, '')}".rstrip())
    lines.append(
        f"{'all':<10}  {whole:7.3f}" + ("         of all processes together" if "processes" in seconds else "")
    )
    return "\n".join(lines) + "\n"
