"""The equivalence oracle: what a program leaves in an MLflow store, in canonical form, and what it cost.

A codemod is right when the program before and after it leave the same data behind:

    before = store_runner.run(old_source)
    after = store_runner.run(new_source)
    assert_same_data(before, after)
    assert after.writes < before.writes

Each program runs as `__main__` in a process of its own, with an empty SQLite store and an empty artifact
directory, a clock that stands still, seeded `random` and `numpy.random`, and nothing else to depend on.
Whatever tracking URI it sets, it gets that store. `StoreRunner` forks the processes from one that has MLflow
imported already; `run_program` starts a new interpreter, for when that shall not be trusted.

With the clock frozen, `time.time() - start` is 0, and a loop that waits for `time.time()` to go on never
ends: run such programs with `frozen_clock=False`, where each reading by the program, and each call of MLflow
that takes a timestamp, is 1 ms after the last. `time.perf_counter` and the like go on by 1 ms a reading
either way; `datetime.now` is the machine's. Needs POSIX: processes are forked, and killed in groups.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import os
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeAlias
from urllib.parse import unquote, urlsplit

CHILD = Path(__file__).with_name("tracking_child.py")
AUTO_NAME = "<auto>"  # what the child calls runs that the program did not name
DEFAULT_TIME_LIMIT = 60.0
START_TIME_LIMIT = 120.0
VOLATILE_TAGS = ("mlflow.source.", "mlflow.user", "mlflow.runName", "mlflow.git.")
DIFF_LINES = 60
UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")

Value: TypeAlias = "float | str"
"""A metric's value; NaN, which does not equal itself, is "nan"."""
Point: TypeAlias = "tuple[int, Value, int]"
"""Step, value, timestamp in ms."""


class ProgramTimeout(AssertionError):
    """A program did not end within its time limit, and was killed."""


@dataclass(frozen=True)
class Run:
    """One run, without anything that differs between two executions of the same program."""

    name: str | None
    """None unless the program gave one."""
    experiment: str
    status: str
    deleted: bool
    parent: int | None
    """The place of the parent run in `Recorded.runs`."""
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, tuple[Point, ...]]
    """In the order of `get_metric_history`."""
    latest: Mapping[str, Point]
    inputs: tuple[tuple[str, str, str], ...]
    """Name, digest, context of the datasets."""
    artifacts: Mapping[str, str]
    """Path to SHA-256."""


@dataclass(frozen=True)
class Model:
    """One logged model."""

    name: str | None
    run: int | None
    status: int
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: tuple[tuple[str, int | None, int, Value, int], ...]
    """Key, run, step, value, timestamp."""
    artifacts: Mapping[str, str]


@dataclass(frozen=True)
class Recorded:
    """What a program left behind, and what that cost."""

    runs: tuple[Run, ...]
    models: tuple[Model, ...]
    experiments: Mapping[str, Mapping[str, str]]
    """Name to tags."""
    other_rows: Mapping[str, int]
    """The number of rows in each table that is not told apart above (traces, registered models, ...)."""
    exception: str | None
    """Type and message of what ended the program, if it did not end well."""
    stdout: str
    stderr: str = field(compare=False)
    write_calls: tuple[str, ...]
    """The store methods called to write, each one request over REST; an upload counts once per file."""
    statements: int
    """SQL statements without PRAGMAs, those for opening the store included."""
    commits: int

    @property
    def writes(self) -> int:
        """The number of requests that write."""
        return len(self.write_calls)


def run_program(
    source: str | None = None,
    *,
    path: Path | None = None,
    module: str | None = None,
    cwd: Path | None = None,
    template: Path,
    argv: Sequence[str] = (),
    sys_path: Sequence[Path] = (),
    extra_env: Mapping[str, str] | None = None,
    frozen_clock: bool = True,
    time_limit: float = DEFAULT_TIME_LIMIT,
) -> Recorded:
    """Run a program in a new interpreter; see `StoreRunner.run`, which is much faster."""
    program = _Program(source, path, module, cwd, argv, sys_path, extra_env or {}, frozen_clock)
    with tempfile.TemporaryDirectory(prefix="tracking-store-") as directory:
        place = Path(directory).resolve()
        with _Child("once", log=place / "child.log") as child:
            return _record(program, place, template, lambda job: child.execute(job, time_limit))


class StoreRunner:
    """A process with MLflow imported that runs each program in a fork of itself."""

    def __init__(self, template: Path, *, preload: Sequence[str] = (), time_limit: float = DEFAULT_TIME_LIMIT) -> None:
        """`preload` names modules to import, once, for all programs: heavy ones that many of them need."""
        self._template = template
        self._preload = tuple(preload)
        self._time_limit = time_limit
        self._directory = Path(tempfile.mkdtemp(prefix="tracking-store-")).resolve()
        self._jobs = 0
        self._child: _Child | None = None

    def __enter__(self) -> StoreRunner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process and remove all that programs wrote."""
        self._stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def threads(self) -> int:
        """The number of threads of the process that is forked: only 1 makes a fork a full copy."""
        return self._start().threads

    def run(
        self,
        source: str | None = None,
        *,
        path: Path | None = None,
        module: str | None = None,
        cwd: Path | None = None,
        argv: Sequence[str] = (),
        sys_path: Sequence[Path] = (),
        extra_env: Mapping[str, str] | None = None,
        frozen_clock: bool = True,
        time_limit: float | None = None,
    ) -> Recorded:
        """Run one program, given as text, as a file, or as a module (found in `cwd` or `sys_path`).

        `cwd` is a new directory unless given. `sys.argv` is the program's path, then `argv`. `extra_env` is
        set after MLflow was imported, so a variable that is read at import has no effect.
        """
        program = _Program(source, path, module, cwd, argv, sys_path, extra_env or {}, frozen_clock)
        self._jobs += 1
        place = self._directory / f"job-{self._jobs}"
        place.mkdir()
        limit = self._time_limit if time_limit is None else time_limit
        try:
            return _record(program, place, self._template, lambda job: self._execute(job, limit))
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _execute(self, job: Mapping[str, Any], time_limit: float) -> int:
        try:
            return self._start().execute(job, time_limit)
        except ProgramTimeout:
            raise
        except BaseException:  # out of step with the child, e.g. by an interrupt: start a new one
            self._stop()
            raise

    def _start(self) -> _Child:
        if self._child is None:
            self._child = _Child("serve", *self._preload, log=self._directory / "child.log")
        return self._child

    def _stop(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None


def create_template(database: Path) -> None:
    """Create the empty store from which each program gets a copy (some seconds, so once per session)."""
    subprocess.run(
        [sys.executable, str(CHILD), "template", str(database)],
        env=_environment(),
        cwd=database.parent,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        timeout=START_TIME_LIMIT,
    )


def shared_template(directory: Path) -> Path:
    """The template in `directory`, created by whichever of several processes comes first."""
    database = directory / "mlflow-template.db"
    lock = directory / "mlflow-template.lock"
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        deadline = time.monotonic() + START_TIME_LIMIT
        while not database.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{lock} is held, but {database} does not come") from None
            time.sleep(0.05)
    else:
        draft = database.with_suffix(".draft")
        create_template(draft)
        draft.replace(database)
    return database


def assert_same_data(before: Recorded, after: Recorded, *, timestamps: bool = False, stdout: bool = True) -> None:
    """Fail unless both programs left the same data, ended the same way, and printed the same."""
    old, new = (list(describe(it, timestamps=timestamps, stdout=stdout)) for it in (before, after))
    if old == new:
        return
    diff = list(difflib.unified_diff(old, new, "before", "after", lineterm="", n=0))
    lines = [line for line in diff if not line.startswith("@@")]
    if len(lines) > DIFF_LINES:
        lines[DIFF_LINES:] = [f"... and {len(lines) - DIFF_LINES} more lines"]
    for name, recorded in (("before", before), ("after", after)):
        if recorded.exception is not None:
            lines += [f"stderr of {name}:", *recorded.stderr.splitlines()[-15:]]
    raise AssertionError("the programs do not leave the same data:\n" + "\n".join(lines))


def describe(recorded: Recorded, *, timestamps: bool = False, stdout: bool = True) -> Iterator[str]:
    """The data as lines, one per fact, in a fixed order."""

    def point(step: object, value: object, timestamp: object) -> str:
        return f"{value!r} at step {step!r}" + (f", time {timestamp!r}" if timestamps else "")

    def mapping(prefix: str, items: Mapping[str, object]) -> Iterator[str]:
        for key in sorted(items):
            yield f"{prefix} {key!r} = {items[key]!r}"

    for index, run in enumerate(recorded.runs):
        place = f"run-{index}"
        yield f"{place}: name {run.name!r}, {run.status}{', deleted' if run.deleted else ''}"
        yield f"{place}: experiment {run.experiment!r}, parent {run.parent!r}"
        yield from mapping(f"{place}: param", run.params)
        yield from mapping(f"{place}: tag", run.tags)
        for key in sorted(run.metrics):
            for number, entry in enumerate(run.metrics[key]):
                yield f"{place}: metric {key!r} [{number}] = {point(*entry)}"
        for key in sorted(run.latest):
            yield f"{place}: latest {key!r} = {point(*run.latest[key])}"
        for dataset in run.inputs:
            yield f"{place}: input {dataset!r}"
        yield from mapping(f"{place}: artifact", run.artifacts)
    for index, model in enumerate(recorded.models):
        place = f"model-{index}"
        yield f"{place}: name {model.name!r}, run {model.run!r}, status {model.status!r}"
        yield from mapping(f"{place}: param", model.params)
        yield from mapping(f"{place}: tag", model.tags)
        for key, run_index, step, value, timestamp in model.metrics:
            yield f"{place}: metric {key!r} of run {run_index!r} = {point(step, value, timestamp)}"
        yield from mapping(f"{place}: artifact", model.artifacts)
    for name in sorted(recorded.experiments):
        yield f"experiment {name!r}"
        yield from mapping(f"experiment {name!r}: tag", recorded.experiments[name])
    yield from mapping("rows of", recorded.other_rows)
    yield f"exception: {recorded.exception}"
    if stdout:
        yield from (f"stdout: {line}" for line in recorded.stdout.splitlines())


# ------------------------------------------------------------------------------------------------- the child


def _environment() -> dict[str, str]:
    """The environment of the child: nothing of MLflow's or of the test run's own settings."""
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("MLFLOW_") and key not in ("PYTHONWARNINGS", "PYTHONSTARTUP")
    }
    return inherited | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "GIT_PYTHON_REFRESH": "quiet",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        # No threads in the process that is forked, and the same sums on any machine.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
        "MPLBACKEND": "agg",
    }


class _Child:
    """A running `tracking_child.py`."""

    def __init__(self, *arguments: str, log: Path) -> None:
        self._log = log
        self._running: int | None = None  # the process (and group) of the program under way
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, str(CHILD), *arguments],
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                bufsize=0,
                start_new_session=True,
            )
        self._forks = arguments[0] == "serve"
        try:
            self.threads: int = self._receive("ready", START_TIME_LIMIT)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def execute(self, job: Mapping[str, Any], time_limit: float) -> int:
        """Run one job and return its exit status; a negative one is the signal that ended it."""
        self._pipe(self._process.stdin).write(json.dumps(job).encode() + b"\n")
        self._running = self._receive("pid", START_TIME_LIMIT)
        in_time = True
        if self._forks:
            try:
                status = self._receive("exit", time_limit)
            except TimeoutError:
                in_time = False
                self._kill()
                status = self._receive("exit", START_TIME_LIMIT)
        else:
            try:
                status = self._process.wait(time_limit)
            except subprocess.TimeoutExpired:
                in_time = False
            self._kill()  # also what the program left running
            status = self._process.wait()
        self._running = None
        if not in_time:
            stderr = Path(job["stderr"]).read_text(encoding="utf-8", errors="replace")
            raise ProgramTimeout(f"the program did not end within {time_limit:g} s; its stderr:\n{stderr}")
        return status

    def close(self) -> None:
        """End the process, and the program in it."""
        self._kill()
        self._pipe(self._process.stdin).close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pipe(self._process.stdout).close()

    def _kill(self) -> None:
        if self._running is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._running, signal.SIGKILL)

    def _receive(self, key: str, time_limit: float) -> int:
        pipe = self._pipe(self._process.stdout)
        if not select.select([pipe], [], [], time_limit)[0]:
            raise TimeoutError(f"no {key!r} from the child process within {time_limit:g} s")
        line = pipe.readline()
        if not line:
            log = self._log.read_text(encoding="utf-8", errors="replace")
            raise RuntimeError(f"the child process ended before its {key!r}:\n{log[-4000:]}")
        value = json.loads(line)[key]
        assert isinstance(value, int)
        return value

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe


@dataclass(frozen=True)
class _Program:
    source: str | None
    path: Path | None
    module: str | None
    cwd: Path | None
    argv: Sequence[str]
    sys_path: Sequence[Path]
    env: Mapping[str, str]
    frozen_clock: bool

    def __post_init__(self) -> None:
        if sum(it is not None for it in (self.source, self.path, self.module)) != 1:
            raise TypeError("exactly one of source, path and module is needed")


def _record(program: _Program, place: Path, template: Path, execute: Callable[[Mapping[str, Any]], int]) -> Recorded:
    """Run a program with its files in `place`, and read what it left."""
    database, artifacts, home = place / "mlflow.db", place / "artifacts", place / "program"
    for directory in (artifacts, home):
        directory.mkdir()
    shutil.copyfile(template, database)
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("UPDATE experiments SET artifact_location = ?", (f"{artifacts}/0",))

    cwd = home if program.cwd is None else program.cwd.resolve()
    path = program.path
    if program.source is not None:
        path = home / "program.py"
        path.write_text(program.source, encoding="utf-8", newline="")
    first = cwd if path is None else path.resolve().parent
    job = {
        "path": None if path is None else str(path.resolve()),
        "module": program.module,
        "argv": list(program.argv),
        "sys_path": [str(it) for it in (first, *(extra.resolve() for extra in program.sys_path))],
        "cwd": str(cwd),
        "env": dict(program.env),
        "frozen_clock": program.frozen_clock,
        "uri": f"sqlite:///{database}",
        "artifacts": str(artifacts),
        **{name: str(place / name) for name in ("stdout", "stderr", "events", "error")},
    }
    status = execute(job)

    events = _read(place / "events").splitlines()
    error = _read(place / "error")
    if not error and status != 0:
        error = f"exit status {status}" if status > 0 else f"signal {signal.Signals(-status).name}"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        assert cwd != cwd.parent, "the root directory is part of every path"
        places = {str(cwd): "<cwd>", str(home): "<program>", str(place): "<store>"}
        # The longest path first: one may be inside another.
        data = _Reader(connection, dict(sorted(places.items(), key=lambda it: len(it[0]), reverse=True)))
        return Recorded(
            runs=data.runs(),
            models=data.models(),
            experiments=data.experiments(),
            other_rows=data.other_rows(),
            exception=data.canonical(error) or None,
            stdout=data.canonical(_read(place / "stdout")),
            stderr=_read(place / "stderr"),
            write_calls=tuple(event[2:] for event in events if event.startswith("W ")),
            statements=events.count("S"),
            commits=events.count("C"),
        )


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


# -------------------------------------------------------------------------------------------- what was stored


class _Reader:
    """Reads a store's tables, past MLflow: what counts is what is in them."""

    TABLES = (
        *("alembic_version", "datasets", "experiment_tags", "experiments", "input_tags", "inputs"),
        *("latest_metrics", "logged_model_metrics", "logged_model_params", "logged_model_tags"),
        *("logged_models", "metrics", "params", "runs", "tags", "workspaces"),
    )

    def __init__(self, connection: sqlite3.Connection, names: Mapping[str, str]) -> None:
        """`names` are further texts to replace by names that are the same in every execution."""
        self._connection = connection
        self._run_ids = self._order("SELECT run_uuid FROM runs ORDER BY rowid")
        self._model_ids = self._order("SELECT model_id FROM logged_models ORDER BY rowid")
        self._names = {
            **names,
            **{run_id: f"run-{index}" for run_id, index in self._run_ids.items()},
            **{model_id: f"model-{index}" for model_id, index in self._model_ids.items()},
        }

    def canonical(self, text: str) -> str:
        """The text with everything random that is known replaced."""
        for found, name in self._names.items():
            text = text.replace(found, name)
        return re.sub(r"\b0x[0-9a-f]{6,}\b", "0x...", text)

    def runs(self) -> tuple[Run, ...]:
        params = self._mappings("SELECT run_uuid, key, value FROM params")
        tags = self._mappings("SELECT run_uuid, key, value FROM tags")
        points: dict[str, dict[str, list[Point]]] = defaultdict(lambda: defaultdict(list))
        for run_id, key, *point in self._rows(
            "SELECT run_uuid, key, step, value, is_nan, timestamp FROM metrics "
            "ORDER BY run_uuid, key, timestamp, step, value"
        ):
            points[run_id][key].append(_point(*point))
        latest: dict[str, dict[str, Point]] = defaultdict(dict)
        for run_id, key, *point in self._rows(
            "SELECT run_uuid, key, step, value, is_nan, timestamp FROM latest_metrics"
        ):
            latest[run_id][key] = _point(*point)
        inputs: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
        for run_id, name, digest, context in self._rows(
            "SELECT i.destination_id, d.name, d.digest, coalesce(t.value, '') FROM inputs i "
            "JOIN datasets d ON d.dataset_uuid = i.source_id LEFT JOIN input_tags t "
            "ON t.input_uuid = i.input_uuid AND t.name = 'mlflow.data.context' ORDER BY 1, 2, 3, 4"
        ):
            inputs[run_id].append((name, digest, context))
        return tuple(
            Run(
                name=None if name == AUTO_NAME else self.canonical(name),
                experiment=experiment,
                status=status,
                deleted=stage == "deleted",
                parent=self._run_ids.get(tags[run_id].get("mlflow.parentRunId", "")),
                params=self._canonical_mapping(params[run_id]),
                tags=self._canonical_mapping(
                    {key: value for key, value in tags[run_id].items() if not key.startswith(VOLATILE_TAGS)}
                ),
                metrics={key: tuple(history) for key, history in points[run_id].items()},
                latest=latest[run_id],
                inputs=tuple(inputs[run_id]),
                artifacts=self._artifacts(artifact_uri),
            )
            for run_id, name, status, stage, artifact_uri, experiment in self._rows(
                "SELECT r.run_uuid, r.name, r.status, r.lifecycle_stage, r.artifact_uri, e.name "
                "FROM runs r JOIN experiments e USING (experiment_id) ORDER BY r.rowid"
            )
        )

    def models(self) -> tuple[Model, ...]:
        params = self._mappings("SELECT model_id, param_key, param_value FROM logged_model_params")
        tags = self._mappings("SELECT model_id, tag_key, tag_value FROM logged_model_tags")
        metrics: dict[str, list[tuple[str, int | None, int, Value, int]]] = defaultdict(list)
        for model_id, key, run_id, step, value, timestamp in self._rows(
            "SELECT model_id, metric_name, run_id, metric_step, metric_value, metric_timestamp_ms "
            "FROM logged_model_metrics ORDER BY model_id, metric_name, metric_timestamp_ms, metric_step, 5"
        ):
            metrics[model_id].append(
                (key, self._run_ids.get(run_id), step, "nan" if value is None else value, timestamp)
            )
        return tuple(
            Model(
                name=None if name == AUTO_NAME else name,
                run=self._run_ids.get(source_run_id),
                status=status,
                params=self._canonical_mapping(params[model_id]),
                tags=self._canonical_mapping(tags[model_id]),
                metrics=tuple(metrics[model_id]),
                artifacts=self._artifacts(location),
            )
            for model_id, name, source_run_id, status, location in self._rows(
                "SELECT model_id, name, source_run_id, status, artifact_location FROM logged_models ORDER BY rowid"
            )
        )

    def experiments(self) -> dict[str, dict[str, str]]:
        tags = self._mappings("SELECT experiment_id, key, value FROM experiment_tags")
        return {
            name: self._canonical_mapping(tags[experiment_id])
            for experiment_id, name in self._rows("SELECT experiment_id, name FROM experiments")
        }

    def other_rows(self) -> dict[str, int]:
        tables = [name for (name,) in self._rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        counts = {
            table: self._rows(f'SELECT count(*) FROM "{table}"')[0][0] for table in tables if table not in self.TABLES
        }
        return {table: count for table, count in counts.items() if count}

    def _artifacts(self, uri: str) -> dict[str, str]:
        parts = urlsplit(uri)
        root = Path(unquote(parts.path) if parts.scheme == "file" else uri)
        found: list[tuple[str, str]] = []
        for file in root.rglob("*") if root.is_dir() else ():
            if file.is_file():
                name = UUID.sub("<uuid>", self.canonical(file.relative_to(root).as_posix()))
                found.append((name, self._digest(file)))
        artifacts: dict[str, str] = {}
        for name, digest in sorted(found):
            number = sum(key.partition("#")[0] == name for key in artifacts)
            artifacts[f"{name}#{number}" if number else name] = digest
        return artifacts

    def _digest(self, file: Path) -> str:
        content = file.read_bytes()
        for found, name in self._names.items():
            content = content.replace(found.encode(), name.encode())
        if file.name == "MLmodel":
            content = re.sub(rb"(?m)^(model_uuid|utc_time_created): .*$", rb"\1:", content)
        return hashlib.sha256(content).hexdigest()

    def _canonical_mapping(self, items: Mapping[str, Any]) -> dict[str, Any]:
        return {
            self.canonical(key): self.canonical(value) if isinstance(value, str) else value
            for key, value in items.items()
        }

    def _mappings(self, sql: str) -> dict[Any, dict[str, str]]:
        found: dict[Any, dict[str, str]] = defaultdict(dict)
        for owner, key, value in self._rows(sql):
            found[owner][key] = value
        return found

    def _order(self, sql: str) -> dict[str, int]:
        return {identifier: index for index, (identifier,) in enumerate(self._rows(sql))}

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()


def _point(step: int, value: float, is_nan: int, timestamp: int) -> Point:
    return step, "nan" if is_nan else value, timestamp
