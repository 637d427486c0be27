"""Writes that are reached through functions, objects and what is passed to them, in one file and across files.

Each program says with `# MLF101` where a hot write must be found; nothing may be found anywhere else.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from linting import check, lines

ONE_FILE = {
    "a lambda": """
log = lambda key, value: mlflow.log_metric(key, value)
for batch in train_loader:
    log("loss", f(batch))  # MLF101
""",
    "a partial of MLflow's own function": """
from functools import partial
log = partial(mlflow.log_metric, "loss")
for batch in train_loader:
    log(f(batch))  # MLF101
""",
    "a partial of a project function": """
import functools
def report(name, value, step=None):
    mlflow.log_metric(name, value, step=step)
log = functools.partial(report, "loss")
for batch in train_loader:
    log(f(batch))  # MLF101
""",
    "a callback that is passed to a function which calls it": """
def each(action, value):
    action(value)
def log(value):
    mlflow.log_metric("loss", value)
def quiet(value):
    print(value)
for batch in train_loader:
    each(quiet, batch)
    each(log, batch)  # MLF101
""",
    "a lambda passed on through two functions": """
def outer(action):
    inner(action)
def inner(action):
    action()
def other(action):
    inner(action)
for batch in train_loader:
    outer(lambda: mlflow.log_metric("loss", f(batch)))  # MLF101
    other(lambda: print(batch))
""",
    "a nested function run by a method": """
class Tracker:
    def within(self, function):
        with mlflow.start_run(run_id=self.run_id):
            function()
    def log(self, name, value):
        def write():
            mlflow.log_metric(name, value)
        self.within(write)
tracker = Tracker()
for batch in train_loader:
    tracker.log("loss", f(batch))  # MLF101
""",
    "MLflow passed as a parameter": """
def fit(ml, loader):
    for batch in loader:
        ml.log_metric("loss", f(batch))  # MLF101
fit(mlflow, data)
""",
    "MLflow passed as a parameter that is only said to be a module": """
from types import ModuleType
def fit(ml: ModuleType, loader):
    for batch in loader:
        ml.log_metric("loss", f(batch))  # MLF101
fit(mlflow, data)
""",
    "a callback that is only said to be callable": """
from typing import Any, Callable, Optional
def each(action: Optional[Callable[[Any], None]], value: Any):
    action(value)
for batch in train_loader:
    each(lambda value: mlflow.log_metric("loss", value), batch)  # MLF101
    each(print, batch)
""",
    "a parameter that is MLflow in one call and unknown in another": """
def fit(ml, loader):
    for batch in loader:
        ml.log_metric("loss", f(batch))
fit(mlflow, data)
fit(other(), data)
""",
    "a client passed to the constructor": """
from mlflow.tracking import MlflowClient
class Trainer:
    def __init__(self, client):
        self.client = client
    def fit(self, loader):
        for batch in loader:
            self.client.log_metric(self.run_id, "loss", f(batch))  # MLF101
Trainer(MlflowClient()).fit(data)
""",
    "a logger passed as an unannotated parameter": """
class Logger:
    def log(self, name, value):
        mlflow.log_metric(name, value)
def fit(logger, loader):
    for batch in loader:
        logger.log("loss", f(batch))  # MLF101
fit(Logger(), data)
""",
    "MLflow kept on the object": """
class Trainer:
    def __init__(self):
        self._mlflow = mlflow
    def fit(self, loader):
        for batch in loader:
            self._mlflow.log_metric("loss", f(batch))  # MLF101
""",
    "an abstract method that a subclass overrides": """
from abc import ABC, abstractmethod
class Logger(ABC):
    @abstractmethod
    def log(self, name, value):
        '''Write one value.'''
class MlflowLogger(Logger):
    def log(self, name, value):
        mlflow.log_metric(name, value)
class Quiet(Logger):
    def log(self, name, value):
        pass
def fit(logger: Logger, loader):
    for batch in loader:
        logger.log("loss", f(batch))  # MLF101
""",
    "an abstract method that no subclass writes in": """
class Logger:
    def log(self, name, value):
        raise NotImplementedError
class Console(Logger):
    def log(self, name, value):
        print(name, value)
class Unrelated:
    def log(self, name, value):
        mlflow.log_metric(name, value)
def fit(logger: Logger, loader):
    for batch in loader:
        logger.log("loss", f(batch))
""",
    "a template method of the base class": """
class Base:
    def fit(self, loader):
        for batch in loader:
            self.after_batch(batch)  # MLF101
    def after_batch(self, batch): ...
class Logged(Base):
    def after_batch(self, batch):
        mlflow.log_metric("loss", f(batch))
""",
    "an override that throttles": """
class Base:
    def fit(self, loader):
        for step, batch in enumerate(loader):
            self.after_batch(step, batch)
    def after_batch(self, step, batch): ...
class Logged(Base):
    def after_batch(self, step, batch):
        if step % 100 == 0:
            mlflow.log_metric("loss", f(batch))
""",
    "a list of loggers": """
class Console:
    def log(self, name, value):
        print(name, value)
class Tracking:
    def log(self, name, value):
        mlflow.log_metric(name, value)
class Trainer:
    def __init__(self):
        self.loggers = [Console()]
        self.loggers.append(Tracking())
    def fit(self, loader):
        for batch in loader:
            for logger in self.loggers:
                logger.log("loss", f(batch))  # MLF101
""",
    "a dict of loggers, and one of its values": """
class Console:
    def log(self, name, value):
        print(name, value)
class Tracking:
    def log(self, name, value):
        mlflow.log_metric(name, value)
loggers = {"console": Console(), "mlflow": Tracking()}
for batch in train_loader:
    loggers["console"].log("loss", f(batch))
    for name, logger in loggers.items():
        logger.log("loss", f(batch))  # MLF101
""",
    "an annotated list of loggers": """
class Tracking:
    def log(self, name, value):
        mlflow.log_metric(name, value)
def fit(loader, loggers: list[Tracking]):
    for batch in loader:
        for logger in loggers:
            logger.log("loss", f(batch))  # MLF101
""",
    "one of two loggers, by a switch": """
class Console:
    def log(self, name, value):
        print(name, value)
class Tracking:
    def log(self, name, value):
        mlflow.log_metric(name, value)
logger = Tracking() if args.mlflow else Console()
for batch in train_loader:
    logger.log("loss", f(batch))  # MLF101
""",
    "an object that is called": """
class Reporter:
    def __call__(self, value):
        mlflow.log_metric("loss", value)
report = Reporter()
for batch in train_loader:
    report(f(batch))  # MLF101
""",
    "a constructor that writes": """
class Point:
    def __init__(self, value):
        mlflow.log_metric("loss", value)
for batch in train_loader:
    Point(f(batch))  # MLF101
""",
    "super()": """
class Base:
    def log(self, value):
        mlflow.log_metric("loss", value)
class Child(Base):
    def log(self, value):
        super().log(value)
    def fit(self, loader):
        for batch in loader:
            self.log(f(batch))  # MLF101
""",
    "a generator that writes, run by a hot loop": """
def scores(batch):
    for row in batch:
        mlflow.log_metric("score", row)
        yield row
for batch in train_loader:
    total = sum(scores(batch))  # MLF101
""",
    "a function defined in a loop but called after it": """
for batch in train_loader:
    def report():
        mlflow.log_metric("loss", 1.0)
report()
""",
    "mutual recursion": """
def even(n):
    mlflow.log_metric("n", n)
    odd(n - 1)
def odd(n):
    even(n - 1)
for batch in train_loader:
    odd(10)  # MLF101
""",
    "a parameter of a function that is only called from a throttled place": """
def report(ml, value):
    ml.log_metric("loss", value)
for step, batch in enumerate(train_loader):
    if step % 50 == 0:
        report(mlflow, f(batch))
""",
    "a method for everything, which a parameter tells what it is given": """
class Logger:
    def log(self, item, name, kind="metric", step=None):
        if kind == "metric":
            mlflow.log_metric(name, item, step=step)
        elif kind in ("param", "setting"):
            mlflow.log_param(name, item)
        else:
            mlflow.log_text(str(item), name)
    def log_quietly(self, item, what):
        self.log(item, "loss", what)
logger = Logger()
for batch in train_loader:
    logger.log(batch, "batch", kind="text")
    logger.log(batch, "batch", "param")
    logger.log_quietly(batch, "setting")
for batch in train_loader:
    logger.log(f(batch), "loss")  # MLF101
for batch in train_loader:
    logger.log_quietly(f(batch), "metric")  # MLF101
for batch in train_loader:
    logger.log(batch, "loss", kind=batch.kind)  # MLF101
for batch in train_loader:
    logger.log(batch, "loss", *others)  # MLF101
""",
    "a parameter that says what to do, in other ways": """
from enum import Enum
class Kind(Enum):
    METRIC = 1
    TEXT = 2
def log(item, kind, step=None, quiet=False):
    if kind is not Kind.METRIC or quiet:
        return
    if step is not None:
        mlflow.log_metric("loss", item, step=step)
def sent(item, kind):
    if kind == "loss" or kind == "score":
        mlflow.log_metric("loss", item)
def anew(item, kind):
    kind = kind or "loss"
    if kind == "loss":
        mlflow.log_metric("loss", item)
for step, batch in enumerate(train_loader):
    log(batch, Kind.TEXT, step)
    log(batch, Kind.METRIC)
    log(batch, Kind.METRIC, step, quiet=True)
    sent(batch, "text")
    log(batch, Kind.METRIC, step)  # MLF101
for batch in train_loader:
    sent(batch, "score")  # MLF101
for batch in train_loader:
    anew(batch, "")  # MLF101
""",
    "an abstract logger that is told what it is given": """
import abc
class Logger(abc.ABC):
    @abc.abstractmethod
    def log(self, item, kind="metric"): ...
class Tracking(Logger):
    def log(self, item, kind="metric"):
        if kind == "metric":
            mlflow.log_metric("loss", item)
def fit(logger: Logger, loader):
    for batch in loader:
        logger.log(batch, "text")
        logger.log(f(batch))  # MLF101
fit(Tracking(), DataLoader(data))
""",
    "a function that asks whether to log in more than one way": """
class Tracking:
    def should_log(self, index=None):
        if index is None:
            return True
        if isinstance(self.every, int):
            return index % self.every == 0
        return self.every == "batch"
    def log(self, value, index=None):
        if not self.should_log(index):
            return
        mlflow.log_metric("loss", value)
tracking = Tracking()
for index, batch in enumerate(train_loader):
    tracking.log(f(batch), index)
""",
}


def marked(code: str) -> tuple[str, list[int]]:
    """A program without its markers, and the lines that they stand on."""
    text = "import mlflow\n" + code
    wanted = [number for number, line in enumerate(text.splitlines(), start=1) if line.endswith("# MLF101")]
    return re.sub(r"  # MLF101$", "", text, flags=re.MULTILINE), wanted


@pytest.mark.parametrize("code", ONE_FILE.values(), ids=ONE_FILE.keys())
def test_through_functions_and_objects_of_one_file(code: str, tmp_path: Path) -> None:
    text, wanted = marked(code)
    assert lines(check(text, tmp_path, "MLF101"), "MLF101") == wanted


def test_the_client_that_a_logger_of_lightning_holds(tmp_path: Path) -> None:
    """Nothing says that it is MLflow's, and the file does not name MLflow: only that logger has a `run_id`."""
    found = check(
        """
        import lightning.pytorch as pl

        class Model(pl.LightningModule):
            def training_step(self, batch, index):
                loss = self.loss(batch)
                self.logger.experiment.log_metric(self.logger.run_id, "loss", loss)
                return loss

            def validation_step(self, batch, index):
                self.logger.experiment.log_metric("loss", self.loss(batch))
                self.logger.experiment.log_metrics({"loss": self.loss(batch)}, run_id=self.trainer.logger.run_id)

            def test_step(self, batch, index):
                self.logger.experiment.log_image(run_id=self.logger._run_id, image=batch[0], key="image")
        """,
        tmp_path,
        "MLF101",
        "MLF104",
    )
    assert [(f.code, f.region.line) for f in found.findings] == [("MLF101", 7), ("MLF104", 15)]


def test_a_function_with_many_conditions_keeps_what_comes_after_them(tmp_path: Path) -> None:
    names = [f"p{number}" for number in range(40)]
    params = "".join(f"    if {name} is not None:\n        mlflow.log_param('{name}', {name})\n" for name in names)
    code = f"import mlflow\ndef report(value, {', '.join(f'{name}=None' for name in names)}):\n{params}"
    code += "    mlflow.log_metric('loss', value)\nfor batch in train_loader:\n    report(f(batch))\n"
    assert lines(check(code, tmp_path, "MLF101"), "MLF101") == [code.count("\n")]


def test_a_client_that_a_helper_is_handed(tmp_path: Path) -> None:
    """Only MLflow's takes a run first; what is known to be something else is not asked."""
    code = """
    class Client:
        pass

    def report(mlflow_client, other_client, tracker, run_id, values):
        own_client = Client()
        for key, value in values.items():
            mlflow_client.log_metric(run_id, key, value)
        for key, value in values.items():
            other_client.log_metric(key, value)
        for key, value in values.items():
            tracker.log_metric(run_id, key, value)
        for key, value in values.items():
            own_client.log_metric(run_id, key, value)
        for key, value in values.items():
            values.client.log_metric(run_id=values.run_id, key=key, value=value)
    """
    assert lines(check(f"{code}\n    # mlflow", tmp_path, "MLF204"), "MLF204") == [8]
    assert lines(check(f"{code}\n    # MlflowClient", tmp_path, "MLF204"), "MLF204") == [8, 16]


def test_a_logger_of_lightning_that_is_made_in_sight(tmp_path: Path) -> None:
    code = """
    from pytorch_lightning.loggers import MLFlowLogger, WandbLogger

    logger, other = MLFlowLogger("runs"), WandbLogger()
    mlf_logger: MLFlowLogger = MLFlowLogger("runs")
    run = mlf_logger.run_id
    for key, value in settings.items():
        mlf_logger.experiment.log_param(run, key, value)
    wandb_logger = WandbLogger("runs")
    for key, value in settings.items():
        wandb_logger.experiment.log_param(run, key, value)
    """
    assert lines(check(code, tmp_path, "MLF205"), "MLF205") == [8]


def test_subclasses_that_the_package_loads(tmp_path: Path) -> None:
    """The package's `__init__` is run before `agents.base`, so that its imports are in sight."""
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").write_text("from .sac import Sac\n", encoding="utf-8")
    found = check(
        """
        import gym
        from agents.base import Agent

        def train(agent: Agent, env):
            while True:
                env.step(agent.act())
                agent.report()
        """,
        tmp_path,
        "MLF101",
        agents__base="""
            import abc, mlflow
            class Agent(abc.ABC):
                @abc.abstractmethod
                def report(self): ...
        """,
        agents__sac="""
            import mlflow
            from agents.base import Agent
            class Sac(Agent):
                def report(self):
                    mlflow.log_metric("reward", self.reward)
        """,
    )
    assert lines(found, "MLF101") == [8]
    (finding,) = found.findings
    assert [step.path for step in finding.chain][-1] == "agents/sac.py"


def test_an_implementation_beside_the_base_class(tmp_path: Path) -> None:
    """Nothing imports it: which one is used is settled by configuration at run time."""
    found = check(
        """
        from tracking.base.tracker import Tracker

        def train(tracker: Tracker, train_loader):
            for batch in train_loader:
                tracker.log({"loss": f(batch)})
        """,
        tmp_path,
        "MLF101",
        tracking__base__tracker="""
            class Tracker:  # to MLflow, or to the console
                def log(self, metrics):
                    raise NotImplementedError
        """,
        tracking__backends__to_mlflow="""
            import mlflow
            from tracking.base.tracker import Tracker
            class ToMlflow(Tracker):
                def log(self, metrics):
                    mlflow.log_metrics(metrics)
        """,
        tracking__backends__to_console="""
            from tracking.base.tracker import Tracker
            class ToConsole(Tracker):
                def log(self, metrics):
                    print(metrics)
        """,
    )
    assert lines(found, "MLF101") == [6]


def test_a_callback_passed_to_another_module(tmp_path: Path) -> None:
    found = check(
        """
        import mlflow
        from runner import within_run

        for batch in train_loader:
            within_run(lambda: mlflow.log_metric("loss", f(batch)))
        """,
        tmp_path,
        "MLF101",
        runner="""
            import mlflow
            def within_run(action):
                with mlflow.start_run(run_id="abc"):
                    action()
        """,
    )
    assert lines(found, "MLF101") == [6]


def test_a_singleton_of_another_module(tmp_path: Path) -> None:
    found = check(
        """
        from tracking import tracker
        from tracking import registry

        for batch in train_loader:
            tracker.log("loss", f(batch))
        """,
        tmp_path,
        "MLF101",
        tracking="""
            import mlflow
            class Tracker:
                def log(self, name, value):
                    mlflow.log_metric(name, value)
            tracker = None
            def start():
                global tracker
                tracker = Tracker()
        """,
    )
    assert lines(found, "MLF101") == [6]


def test_an_object_that_an_inherited_constructor_keeps(tmp_path: Path) -> None:
    """The file names neither MLflow nor what writes to it, only the class that keeps an object which does."""
    found = check(
        """
        from tasks import Task

        class Neighbours(Task):
            def run(self):
                for batch in self.loaders["test"]:
                    self.reporter.step(f(batch))
        """,
        tmp_path,
        "MLF101",
        tasks="""
            from reporting import Reporter
            class Task:
                def __init__(self, loaders):
                    self.loaders = loaders
                    self.reporter = Reporter()
        """,
        reporting="""
            import mlflow
            class Reporter:
                def step(self, value):
                    mlflow.log_metric("loss", value)
        """,
    )
    assert lines(found, "MLF101") == [7]
