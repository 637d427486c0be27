"""Other threads and processes: what starts them, and which functions they are handed.

Invariant: only what is known to run elsewhere counts: a library's thread, process, pool or executor, told by its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlflow_lint.analysis.flow.sites import Site
from mlflow_lint.analysis.names.meaning import External, FunctionRef, Result, options_of
from mlflow_lint.analysis.writes.effects import Effects
from mlflow_lint.analysis.writes.summary import Body
from mlflow_lint.facts import model as facts
from mlflow_lint.facts.functions import own_expressions
from mlflow_lint.facts.traverse import argument, calls_in, last_name
from mlflow_lint.record import entity

THREAD, PROCESS = "another thread", "another process"

_MULTIPROCESSING = tuple(
    f"{package}{context}"
    for package in ("multiprocessing", "torch.multiprocessing", "multiprocess")
    for context in ("", ".get_context()")
)
"""A context has what its module has."""

_EXECUTORS = {
    "concurrent.futures.ThreadPoolExecutor": THREAD,
    "concurrent.futures.thread.ThreadPoolExecutor": THREAD,
    "concurrent.futures.ProcessPoolExecutor": PROCESS,
    "concurrent.futures.process.ProcessPoolExecutor": PROCESS,
}
_POOLS = {
    **{f"{home}.Pool": PROCESS for home in _MULTIPROCESSING},
    "multiprocessing.pool.Pool": PROCESS,
    "multiprocessing.pool.ThreadPool": THREAD,
    "multiprocessing.dummy.Pool": THREAD,
}
_PATHOS = {
    "pathos.multiprocessing.Pool": PROCESS,
    "pathos.multiprocessing.ProcessPool": PROCESS,
    "pathos.multiprocessing.ProcessingPool": PROCESS,
    "pathos.pools.ParallelPool": PROCESS,
    "pathos.pools.ProcessPool": PROCESS,
    "pathos.pools.ThreadPool": THREAD,
    "pathos.threading.ThreadPool": THREAD,
}
_SINGLE: dict[str, tuple[str, int, str]] = {
    "threading.Thread": ("target", 1, THREAD),
    "threading.Timer": ("function", 1, THREAD),
    "asyncio.to_thread": ("func", 0, THREAD),
    **{f"{home}.Process": ("target", 1, PROCESS) for home in _MULTIPROCESSING},
    "torch.multiprocessing.spawn": ("fn", 0, PROCESS),
    "torch.multiprocessing.start_processes": ("fn", 0, PROCESS),
}
_POOL_METHODS = "map map_async imap imap_unordered uimap amap starmap starmap_async apply apply_async".split()

_TAKERS: dict[str, tuple[str, int, str]] = {
    **_SINGLE,
    **{f"{name}().{way}": ("fn", 0, where) for name, where in _EXECUTORS.items() for way in ("submit", "map")},
    **{f"{name}().{way}": ("func", 0, where) for name, where in _POOLS.items() for way in _POOL_METHODS},
    **{f"{name}().{way}": ("f", 0, where) for name, where in _PATHOS.items() for way in _POOL_METHODS},
}
"""What takes a function: the parameter, its position, and where the function then runs."""

_STARTERS = {**_EXECUTORS, **_POOLS, **_PATHOS, **{name: where for name, (_, _, where) in _SINGLE.items()}}
"""What starts threads or processes, alone or several."""


@entity
class Handed:
    """A function that is handed over: of the project, or of a library."""

    site: Site
    function: FunctionRef | External
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
                if isinstance(option, (FunctionRef, External)):
                    yield Handed(site, option, where)


def worker_start(effects: Effects, bodies: Iterable[Body]) -> tuple[str, str] | None:
    """What starts worker processes and where, as messages say it; None if nothing does."""
    for body in bodies:
        for site in effects.sites(body):
            meaning = site.target
            if isinstance(meaning, External) and _starts(meaning.dotted, site.call) == PROCESS:
                return last_name(site.call.function), body.unit.where(site.call.span[0])
    return None


def _starts(dotted: str, call: facts.Call) -> str | None:
    """Where what a call starts runs: `another process`, `another thread`."""
    return _jobs(call) if dotted == "joblib.Parallel" else _STARTERS.get(dotted)


def _taken(effects: Effects, site: Site) -> tuple[facts.Expression, str] | None:
    """The function that a call takes, and where it then runs."""
    target = site.target
    if last_name(site.call.function) == "run_in_executor" and not isinstance(target, FunctionRef):
        given = argument(site.call, "func", 1)  # only event loops have it, whatever gave the loop
        return (given.value, _of_executor(effects, site)) if given is not None else None
    if not isinstance(target, External):
        return None
    if target.dotted == "joblib.delayed":
        given, jobs = argument(site.call, "function", 0), _parallel(site)
        return (given.value, jobs) if given is not None and jobs is not None else None
    if target.dotted not in _TAKERS:
        return None
    name, position, where = _TAKERS[target.dotted]
    given = argument(site.call, name, position)
    return (given.value, where) if given is not None else None


def _of_executor(effects: Effects, site: Site) -> str:
    """Where `loop.run_in_executor(executor, …)` runs a function: in a thread, unless the executor has processes."""
    given = argument(site.call, "executor", 0)
    meaning = effects.resolver.resolve(given.value, site.place) if given is not None else None
    return _EXECUTORS.get(meaning.dotted, THREAD) if isinstance(meaning, Result) else THREAD


def _parallel(site: Site) -> str | None:
    """Where the statement runs delayed calls: `Parallel(n_jobs=4)(…)`."""
    for expression in own_expressions(site.statement):
        for call in calls_in(expression):
            if isinstance(call.function, (facts.Name, facts.Attribute)) and last_name(call.function) == "Parallel":
                return _jobs(call)
    return None


def _jobs(parallel: facts.Call) -> str | None:
    """Where joblib's jobs run; one job is no other worker."""
    jobs = argument(parallel, "n_jobs", 0)
    if jobs is None or jobs.value in (facts.Constant(1), facts.Constant(None)):
        return None
    wished = (parallel.keyword("prefer"), argument(parallel, "backend", 1))
    threads = (facts.Constant("threads"), facts.Constant("threading"))
    return THREAD if any(one is not None and one.value in threads for one in wished) else PROCESS
