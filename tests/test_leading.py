"""Files that do not name MLflow: checked if what they use of other modules leads there, and else not even parsed.

Whether a file is parsed shows in one that is no Python.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from linting import check, lines

TRACKING = """
import mlflow
from mlflow import MlflowClient

class Settings:
    mlflow_uri = "http://server"
    def describe(self):
        return f"tracking on {self.mlflow_uri}"

SETTINGS = Settings()

class TrackingError(Exception):
    "Raised where MLflow cannot be reached."

def uri():
    return SETTINGS.mlflow_uri

class Tracker:
    def __init__(self):
        self.client = MlflowClient()
    def log(self, value):
        mlflow.log_metric("loss", value)

class Session:
    def __init__(self):
        self.tracker = Tracker()
        self.session = self
        self.all = [Tracker()]
        self.more = []
        self.more.append(Tracker())

class Held:
    def __init__(self):
        self.session = Session()
    @property
    def tracker(self):
        return Tracker()

class Base:
    def report(self, value):
        raise NotImplementedError

class Reporter(Base):
    def report(self, value):
        mlflow.log_metric("loss", value)

def log(value):
    mlflow.log_metric("loss", value)

def make():
    return Tracker()

def itself():
    return itself

def made():
    def inner(value):
        log(value)
    return inner

SESSION = Session()
report = log
client = MlflowClient()
"""

LEADING = {
    "a function": ("log", "log(f(batch))"),
    "another name for it": ("report", "report(f(batch))"),
    "a class": ("Tracker", "Tracker().log(f(batch))"),
    "what a function gives": ("make", "make().log(f(batch))"),
    "a function that a function gives": ("made", "made()(f(batch))"),
    "an object kept in an object": ("SESSION", "SESSION.tracker.log(f(batch))"),
    "one kept two objects further": ("Held", "Held().session.tracker.log(f(batch))"),
    "a property": ("Held", "Held().tracker.log(f(batch))"),
    "a client": ("client", 'client.log_metric(run_id, "loss", f(batch))'),
    "an abstract class": ("Base", "base.report(f(batch))"),
}


@pytest.mark.parametrize(("name", "call"), LEADING.values(), ids=LEADING)
def test_what_leads_to_mlflow(name: str, call: str, tmp_path: Path) -> None:
    given = "base: Base" if name == "Base" else "_"
    program = f"from tracking import {name}\ndef train({given}):\n    for batch in train_loader:\n        {call}\n"
    assert lines(check(program, tmp_path, tracking=TRACKING), "MLF101") == [4]


@pytest.mark.parametrize("walk", ["all", "more"])
def test_the_items_of_what_leads_to_mlflow(walk: str, tmp_path: Path) -> None:
    loop = f"for batch in train_loader:\n    for each in SESSION.{walk}:\n        each.log(f(batch))\n"
    program = f"from tracking import SESSION\n{loop}"
    assert lines(check(program, tmp_path, tracking=TRACKING), "MLF101") == [4]


@pytest.mark.parametrize("name", ["Settings", "SETTINGS", "TrackingError", "uri", "itself"])
def test_what_only_speaks_of_mlflow(name: str, tmp_path: Path) -> None:
    found = check(f"from tracking import {name}\nfor batch in:\n", tmp_path, tracking=TRACKING)
    assert found.findings == ()


def test_a_broken_file_that_uses_what_leads_to_mlflow(tmp_path: Path) -> None:
    found = check("from tracking import SETTINGS, log\nfor batch in:\n", tmp_path, tracking=TRACKING)
    assert [finding.code for finding in found.findings] == ["MLF000"]


@pytest.mark.parametrize("user", ["one.first", "two.third"])
def test_modules_in_a_circle(user: str, tmp_path: Path) -> None:
    found = check(
        f"import {user[:3]}\nfor batch in train_loader:\n    {user}()\n",
        tmp_path,
        tracking=TRACKING,
        one="import two\nfrom tracking import SETTINGS\ndef first(): two.second(f(1))\n",
        two="import one\nfrom tracking import log\ndef second(value): log(value)\ndef third(): one.first()\n",
    )
    assert lines(found, "MLF101") == [3]


def test_a_file_with_the_address_of_a_store(tmp_path: Path) -> None:
    program = 'from tracking import SETTINGS\ntracking_uri = "file:///tmp/mlruns"\n'
    found = check(program, tmp_path, tracking=TRACKING)
    assert [finding.code for finding in found.findings] == ["MLF501"]
