"""The child process of `tracking_store`: runs programs against an MLflow store and notes what they cost.

It is a script, never imported, and speaks one JSON object per line with its parent:

    tracking_child.py template DATABASE     create an empty store at DATABASE
    tracking_child.py once                  {"ready": ...}; read a job, {"pid": ...}, become that program
    tracking_child.py serve [MODULE ...]    import MLflow and MODULEs, {"ready": ...}; then for each job:
                                            fork, {"pid": ...}, wait, {"exit": ...}

A job names the program, its store and two files: `events` gets one line per store write ("W method"),
statement ("S") and commit ("C") the moment it happens, so that nothing is lost when the program is killed;
`error` gets the exception that escaped.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import random
import runpy
import signal
import sys
import sysconfig
import threading
import time
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

AUTO_NAME = "<auto>"
CLOCK_START_MS = 1_700_000_000_000
PRELOAD = (
    "IPython",  # start_run looks for a notebook
    "git",
    "mlflow",
    "mlflow.data.dataset_registry",
    "mlflow.models",
    "mlflow.store.artifact.local_artifact_repo",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.tracking.client",
    "sqlalchemy.dialects.sqlite.pysqlite",
)
WRITE_VERBS = (
    *("add_", "copy_", "create_", "delete_", "finalize_", "link_", "log_", "record_", "register_", "remove_"),
    *("rename_", "restore_", "set_", "start_trace", "transition_", "unlink_", "update_", "upsert_"),
)


def main(mode: str, *arguments: str) -> None:
    """Do what the command line asks for."""
    sys.path.pop(0)  # this file's directory: a program must not see the tests
    if mode == "template":
        create_template(arguments[0])
        return
    if mode == "serve":
        preload(arguments)
    reply(ready=native_threads())
    job = serve() if mode == "serve" else json.loads(sys.stdin.readline() or "null")
    if job is None:
        return
    if mode == "once":
        reply(pid=os.getpid())
        run_job(job)
        return
    try:
        run_job(job)
    except SystemExit as error:
        end_fast(error.code)
    end_fast(0)


def create_template(database: str) -> None:
    """Create a store with all tables and the default experiment, and nothing else."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    SqlAlchemyStore(f"sqlite:///{database}", "artifacts")


def preload(modules: Iterable[str]) -> None:
    """Pay once for everything that every program needs; no engine, thread or file may be opened here."""
    for name in (*PRELOAD, *modules):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    import mlflow.store.db.utils as database
    import sqlalchemy.orm

    sqlalchemy.orm.configure_mappers()
    if read_migrations := getattr(database, "_get_latest_schema_revision", None):
        revision = read_migrations()
        database._get_latest_schema_revision = lambda: revision
    gc.collect()
    gc.freeze()  # keeps the collector of a forked program off the shared pages


def native_threads() -> int:
    """How many threads would be lost by a fork."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else threading.active_count()


def reply(**message: int) -> None:
    """Send one line to the parent, past all buffers."""
    os.write(1, json.dumps(message).encode() + b"\n")


def serve() -> dict[str, Any] | None:
    """Fork for each job read; return the job in the fork, and None in the worker at the end of input."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            return json.loads(line)
        with contextlib.suppress(OSError):  # the program may have done it, or have ended, already
            os.setpgid(pid, pid)
        reply(pid=pid)
        status = os.waitpid(pid, 0)[1]
        with contextlib.suppress(OSError):  # whatever it left running
            os.killpg(pid, signal.SIGKILL)
        reply(exit=os.waitstatus_to_exitcode(status))
    return None


def end_fast(code: object) -> NoReturn:
    """End as the interpreter does, but without clearing thousands of modules, which would take 0.2 s."""
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.flush()
    os._exit(code & 0xFF if isinstance(code, int) else code is not None)


# ---------------------------------------------------------------------------------------------- one program


def run_job(job: dict[str, Any]) -> None:
    """Become the job's program; the interpreter then ends the normal way, with its exit handlers."""
    for descriptor, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, job["stdout"], os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        (2, job["stderr"], os.O_WRONLY | os.O_CREAT | os.O_APPEND),
    ):
        opened = os.open(path, flags, 0o644)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.update(job["env"])
    os.chdir(job["cwd"])
    sys.dont_write_bytecode = True

    use_store(job["uri"], job["artifacts"])
    count_costs(os.open(job["events"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644))
    random.seed(0)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(0)
    set_clock(frozen=job["frozen_clock"])

    sys.path[:0] = job["sys_path"]
    try:
        if job["module"] is not None:
            sys.argv = [job["module"], *job["argv"]]
            runpy.run_module(job["module"], run_name="__main__", alter_sys=True)
        else:
            sys.argv = [job["path"], *job["argv"]]
            run_file(job["path"])
    except SystemExit as error:
        if error.code not in (None, 0):
            Path(job["error"]).write_text(f"SystemExit: {error.code}", encoding="utf-8")
        raise
    except BaseException as error:
        Path(job["error"]).write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(1)


def run_file(path: str) -> None:
    """Run a file as `python FILE` does: unlike runpy's, this __main__ lives until the interpreter ends."""
    program = types.ModuleType("__main__")
    program.__file__ = path
    program.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = program
    code = compile(Path(path).read_bytes(), path, "exec", dont_inherit=True)
    exec(code, program.__dict__)


# ------------------------------------------------------------------------------------------------- the store


def use_store(uri: str, artifacts: str) -> None:
    """Send every program to its own store, whatever tracking or registry URI it sets."""
    import mlflow.store.model_registry.sqlalchemy_store as registry_store
    import mlflow.store.tracking.sqlalchemy_store as tracking_store
    import mlflow.tracking._model_registry.utils as registry
    import mlflow.tracking._tracking_service.utils as tracking
    import mlflow.tracking.context.git_context as git_context

    def open_tracking_store(*_: object, **__: object) -> object:
        return tracking_store.SqlAlchemyStore(uri, artifacts)

    def open_registry_store(*_: object, **__: object) -> object:
        return registry_store.SqlAlchemyStore(uri)

    for stores, opener in (
        (tracking._tracking_store_registry._registry, open_tracking_store),
        (registry._get_store_registry()._registry, open_registry_store),
    ):
        stores.update(dict.fromkeys(stores, opener))
    os.environ["MLFLOW_TRACKING_URI"] = uri
    tracking_store._generate_random_name = lambda *_, **__: AUTO_NAME
    git_context._resolve_git_info = dict  # runs git up to three times, for tags that are dropped anyway


def count_costs(events: int) -> None:
    """Note every write to the store, every SQL statement and every commit in the file `events`."""
    import sqlalchemy
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as RegistryStore
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    inside = threading.local()

    def counted(method: Callable[..., Any], weight: Callable[..., int]) -> Callable[..., Any]:
        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            if getattr(inside, "write", False):  # a write that is part of a write is no request of its own
                return method(*args, **kwargs)
            inside.write = True
            try:
                os.write(events, f"W {method.__name__}\n".encode() * weight(*args, **kwargs))
                return method(*args, **kwargs)
            finally:
                inside.write = False

        return call

    def files_below(repository: object, local_dir: str, *_: object, **__: object) -> int:
        return sum(len(files) for _, _, files in os.walk(local_dir))

    for store in (SqlAlchemyStore, RegistryStore):
        for name in dir(store):
            if name.startswith(WRITE_VERBS) and not name.endswith("_async"):
                setattr(store, name, counted(getattr(store, name), lambda *_, **__: 1))
    for name in ("log_artifact", "log_artifact_from_stream", "log_artifacts", "delete_artifacts"):
        if method := getattr(LocalArtifactRepository, name, None):
            weight = files_below if name == "log_artifacts" else lambda *_, **__: 1
            setattr(LocalArtifactRepository, name, counted(method, weight))

    @sqlalchemy.event.listens_for(sqlalchemy.Engine, "connect")
    def unsafe_but_fast(connection: Any, _: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = MEMORY")

    @sqlalchemy.event.listens_for(sqlalchemy.Engine, "before_cursor_execute")
    def statement(_connection: Any, _cursor: Any, sql: str, *_: object) -> None:
        if not sql.lstrip().upper().startswith("PRAGMA"):
            os.write(events, b"S\n")

    @sqlalchemy.event.listens_for(sqlalchemy.Engine, "commit")
    def commit(_: object) -> None:
        os.write(events, b"C\n")


# ------------------------------------------------------------------------------------------------- the clock


def set_clock(*, frozen: bool) -> None:
    """Give the program and MLflow a common clock that does not depend on the machine.

    `time.time` and `time.time_ns` stand still, or (frozen=False) go on by 1 ms for each reading by the
    program and each call of MLflow's client that reads them. So a timestamp taken at the place of a call is
    the one the call would have taken; that is why the store's readings, and a second one by the same call,
    do not count. The clocks for durations always go on by 1 ms per reading in the program. Other libraries
    keep the real clocks.
    """
    import mlflow.tracking
    import mlflow.utils.time

    libraries = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib")})
    mlflow_time = mlflow.utils.time.__file__
    mlflow_client = str(Path(mlflow.tracking.__file__).parent) + os.sep
    real_time, real_time_ns = time.time, time.time_ns
    now_ms = CLOCK_START_MS
    last_call: types.FrameType | None = None

    def read_ms() -> int | None:
        """The time, or None for a library that is not to be disturbed."""
        nonlocal now_ms, last_call
        frame = sys._getframe(2)
        through_mlflow = frame.f_code.co_filename == mlflow_time
        if through_mlflow and frame.f_back is not None:
            frame = frame.f_back
        reader = frame.f_code.co_filename
        by_program = not reader.startswith(libraries)
        by_client = reader.startswith(mlflow_client)
        if not frozen and (by_program or (by_client and frame is not last_call)):
            now_ms += 1
            last_call = frame if by_client else None
        return now_ms if by_program or by_client or through_mlflow else None

    def frozen_time() -> float:
        milliseconds = read_ms()
        # Half a millisecond keeps int(time.time() * 1000) clear of rounding.
        return real_time() if milliseconds is None else milliseconds / 1000 + 0.0005

    def frozen_time_ns() -> int:
        milliseconds = read_ms()
        return real_time_ns() if milliseconds is None else milliseconds * 1_000_000

    def ticking(real: Callable[[], float]) -> Callable[[], float]:
        readings = 0

        def tick() -> float:
            nonlocal readings
            if sys._getframe(1).f_code.co_filename.startswith(libraries):
                return real()
            readings += 1
            return readings / 1000

        return tick

    time.time, time.time_ns = frozen_time, frozen_time_ns
    for name in ("perf_counter", "monotonic", "process_time", "thread_time"):
        setattr(time, name, ticking(getattr(time, name)))


if __name__ == "__main__":
    main(*sys.argv[1:])
