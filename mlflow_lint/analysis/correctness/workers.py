"""Functions that are handed to another thread or process, where the active run is another one, or none.

Invariant: only what is known to run elsewhere counts: a library's thread, process, pool or executor, told by its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlflow_lint.analysis.flow.sites import Site
from mlflow_lint.analysis.names.meaning import External, FunctionRef, options_of
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import own_expressions
from mlflow_lint.facts.traverse import argument, calls_in, last_name

_THREAD, _PROCESS = "another thread", "another process"

_POOL_METHODS = "map map_async imap imap_unordered starmap starmap_async apply apply_async".split()
_EXECUTORS = {
    "concurrent.futures.ThreadPoolExecutor": _THREAD,
    "concurrent.futures.thread.ThreadPoolExecutor": _THREAD,
    "concurrent.futures.ProcessPoolExecutor": _PROCESS,
    "concurrent.futures.process.ProcessPoolExecutor": _PROCESS,
}
_POOLS = {
    "multiprocessing.Pool": _PROCESS,
    "multiprocessing.pool.Pool": _PROCESS,
    "multiprocessing.pool.ThreadPool": _THREAD,
    "torch.multiprocessing.Pool": _PROCESS,
}

_TAKERS: dict[str, tuple[str, int, str]] = {
    "threading.Thread": ("target", 1, _THREAD),
    "threading.Timer": ("function", 1, _THREAD),
    "multiprocessing.Process": ("target", 1, _PROCESS),
    "torch.multiprocessing.Process": ("target", 1, _PROCESS),
    "torch.multiprocessing.spawn": ("fn", 0, _PROCESS),
    "asyncio.to_thread": ("func", 0, _THREAD),
    **{f"{name}().submit": ("fn", 0, where) for name, where in _EXECUTORS.items()},
    **{f"{name}().map": ("fn", 0, where) for name, where in _EXECUTORS.items()},
    **{f"{name}().{method}": ("func", 0, where) for name, where in _POOLS.items() for method in _POOL_METHODS},
}
"""What takes a function: the parameter, its position, and where the function then runs."""


@dataclass(frozen=True, eq=False, slots=True)
class Handed:
    """A function of the project that is handed over."""

    site: Site
    function: FunctionRef
    where: str
    """`another thread`, `another process`."""


def handed_over(effects: Effects, bodies: Iterable[Body]) -> Iterator[Handed]:
    """Functions that a file hands to threads and processes, in order."""
    for body in bodies:
        for site in effects.sites(body):
            found = _taken(effects, site)
            if found is None:
                continue
            value, where = found
            for option in options_of(effects.resolver.resolve(value, site.place)):
                if isinstance(option, FunctionRef):
                    yield Handed(site, option, where)


def _taken(effects: Effects, site: Site) -> tuple[facts.Expression, str] | None:
    """The function that a call takes, and where it then runs."""
    target = effects.target(site.call, site.place)
    if not isinstance(target, External):
        return None
    if target.dotted == "joblib.delayed":
        given = argument(site.call, "function", 0)
        return (given.value, _PROCESS) if given is not None and _is_parallel(site) else None
    if target.dotted not in _TAKERS:
        return None
    name, position, where = _TAKERS[target.dotted]
    given = argument(site.call, name, position)
    return (given.value, where) if given is not None else None


def _is_parallel(site: Site) -> bool:
    """Whether the statement runs delayed calls on several workers: `Parallel(n_jobs=4)(…)`; one job is no other."""
    for expression in own_expressions(site.statement):
        for call in calls_in(expression):
            makes = isinstance(call.function, (facts.Name, facts.Attribute)) and last_name(call.function) == "Parallel"
            jobs = argument(call, "n_jobs", 0) if makes else None
            if jobs is not None and jobs.value not in (facts.Constant(1), facts.Constant(None)):
                return True
    return False
