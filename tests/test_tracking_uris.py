"""Where the addresses of tracking stores stand, and what they lead to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from linting import check, lines

from mlflow_lint.project.test_code import is_test_code

FOUND = {
    "module constant": ("PLACE = 'file:./mlruns'\nmlflow.set_tracking_uri(PLACE)", [2]),
    "joined from literals": ("mlflow.set_tracking_uri('file:' + name)", [2]),
    "template": ("mlflow.set_tracking_uri('file:{}/runs'.format(folder))", [2]),
    "percent": ("mlflow.set_tracking_uri('file:%s' % folder)", [2]),
    "either of two": ("mlflow.set_tracking_uri('file:./runs' if local else server)", [2]),
    "dict that is written out": ("config = {\n 'uri': './mlruns',\n}\nmlflow.set_tracking_uri(config['uri'])", [3]),
    "default of a parameter": ("def start(place='file:./mlruns'):\n  mlflow.set_tracking_uri(place)", [2]),
    "passed in the same file": ("def start(place):\n  mlflow.set_tracking_uri(place)\nstart('file:./mlruns')", [4]),
    "own attribute": (
        "class A:\n  def __init__(self):\n    self.place = 'file:./a'\n  def go(self):\n"
        "    mlflow.set_tracking_uri(self.place)",
        [4],
    ),
    "class attribute": ("class A:\n  URI = 'file:./a'\nmlflow.set_tracking_uri(A.URI)", [3]),
    "helper": ("def place():\n  return 'file:./a'\nmlflow.set_tracking_uri(place())", [3]),
    "through a helper that takes it": (
        "def full(uri):\n  if not uri:\n    uri = 'file:.'\n  if '://' not in uri:\n    return Path(uri).as_uri()\n"
        "  return uri\nmlflow.set_tracking_uri(full(given))\nmlflow.set_tracking_uri(full('./mlruns'))",
        [9],
    ),
    "after a branch": (
        "uri = 'http://a'\nif local:\n  uri = 'file:./a'\nmlflow.set_tracking_uri(uri)",
        [4],
    ),
    "both branches": ("if a:\n  uri = './a'\nelse:\n  uri = './b'\nmlflow.set_tracking_uri(uri)", [3, 5]),
    "twice the same literal": ("uri = './a'\nmlflow.set_tracking_uri(uri)\nmlflow.MlflowClient(uri)", [2]),
    "environment": ("import os\nos.environ['MLFLOW_TRACKING_URI'] = './mlruns'", [3]),
    "several variables at once": ("import os\nos.environ.update({'MLFLOW_TRACKING_URI': 'file:a'})", [3]),
    "or": ("import os\nmlflow.set_tracking_uri(os.environ.get('MLFLOW_TRACKING_URI') or 'file:a')", [3]),
    "default of a look-up": ("mlflow.set_tracking_uri(config.get('mlflow', {}).get('uri', 'mlruns'))", [2]),
    "kept default of a look-up": ("def f(c):\n  tracking_uri = c.get('uri', './a')\n  client = 1", [3]),
    "command line": ("parser.add_argument('--tracking-uri', default='file:./mlruns')", [2]),
    "setting of a class": ("class Settings:\n  mlflow_tracking_uri: str = 'file:./mlruns'", [3]),
    "path object": ("from pathlib import Path\nmlflow.set_tracking_uri(Path('runs').resolve())", [3]),
    "temporary folder": ("import tempfile\nmlflow.set_tracking_uri(tempfile.mkdtemp())", [3]),
    "Windows": ("mlflow.set_tracking_uri('C:\\\\runs')", [2]),
    "under another name": ("from mlflow import set_tracking_uri as go\ndef main():\n  x = 1\n  go('./a')", [5]),
    "walrus": ("mlflow.set_tracking_uri(uri := 'file:./a')", [2]),
}

SILENT = {
    "overwritten": "uri = './data'\nuri = 'http://a'\nmlflow.set_tracking_uri(uri)",
    "assigned afterwards": "uri = 'http://a'\nmlflow.set_tracking_uri(uri)\nuri = './a'",
    "placeholder": "mlflow.set_tracking_uri('<your uri>')\nmlflow.set_tracking_uri('YOUR_SERVER')",
    "host and port": "mlflow.set_tracking_uri('localhost:5000')",
    "registry of a catalog": "mlflow.set_registry_uri('databricks-uc')",
    "a word under a telling name": "tracking_uri = 'server'",
    "artifacts": "client.create_experiment('a', artifact_location='file:./a')",
    "other variable": "import os\nos.environ['DATA_URI'] = './data'",
    "not joined from a path": "mlflow.set_tracking_uri(base + '/mlflow')",
    "look-up without a default": "mlflow.set_tracking_uri(config.get('mlruns'))",
    "default of another call": "mlflow.set_tracking_uri(choose('mlruns', './data'))",
    "no literal": "mlflow.set_tracking_uri(sys.argv[1])",
    "itself": "def f(uri):\n  uri = uri or None\n  mlflow.set_tracking_uri(uri)",
    "circle": "a = b\nb = a\nmlflow.set_tracking_uri(a)",
    "another set_tracking_uri": "tracker.set_tracking_uri('./a')",
}


@pytest.mark.parametrize(("code", "expected"), FOUND.values(), ids=FOUND.keys())
def test_found(code: str, expected: list[int], tmp_path: Path) -> None:
    assert lines(check(f"import mlflow\n{code}\n", tmp_path, "MLF501"), "MLF501") == expected


@pytest.mark.parametrize("code", SILENT.values(), ids=SILENT.keys())
def test_silent(code: str, tmp_path: Path) -> None:
    assert lines(check(f"import mlflow\n{code}\n", tmp_path, "MLF501"), "MLF501") == []


def test_a_literal_in_another_module_is_found_there_if_that_module_tells(tmp_path: Path) -> None:
    telling = "MLFLOW_TRACKING_URI = 'file:./mlruns'\n"
    code = "import mlflow\nfrom config import MLFLOW_TRACKING_URI\nmlflow.set_tracking_uri(MLFLOW_TRACKING_URI)\n"
    assert lines(check(code, tmp_path, "MLF501", config=telling), "MLF501") == []
    assert lines(check(telling, tmp_path, "MLF501"), "MLF501") == [1]


def test_a_literal_in_a_module_that_does_not_tell_is_found_where_it_is_used(tmp_path: Path) -> None:
    code = "import mlflow\nimport places\nmlflow.set_tracking_uri(places.RUNS)\n"
    assert lines(check(code, tmp_path, "MLF501", places="RUNS = './runs'\n"), "MLF501") == [3]


@pytest.mark.parametrize("path", ["tests/code.py", "a/test/x.py", "test_a.py", "a_test.py", "conftest.py", "tests.py"])
def test_test_code(path: str) -> None:
    assert is_test_code(path)


@pytest.mark.parametrize("path", ["train.py", "src/latest.py", "contest/run.py", "a/testbed.py", "attest.py"])
def test_other_code(path: str) -> None:
    assert not is_test_code(path)


URI = {"file:./mlruns": True, "./runs": True, "sqlite:///other.db": False}


@pytest.mark.parametrize(("uri", "refused"), URI.items(), ids=URI.keys())
def test_mlflow_refuses_what_is_found(uri: str, refused: bool, tmp_path: Path) -> None:
    code = f"import mlflow\nmlflow.set_tracking_uri({uri!r})\nmlflow.MlflowClient().search_experiments()\n"
    assert bool(lines(check(code, tmp_path, "MLF501"), "MLF501")) is refused
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    program = [sys.executable, "code.py"]
    ran = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert bool(ran.returncode) is refused, ran.stderr
    assert ("MLFLOW_ALLOW_FILE_STORE" in ran.stderr) is refused


STARTS = {
    "multiprocessing.Pool(4)": True,
    "multiprocessing.get_context('spawn').Process(target=main)": True,
    "ProcessPoolExecutor()": True,
    "joblib.Parallel(n_jobs=4)": True,
    "joblib.Parallel(n_jobs=1)": False,
    "joblib.Parallel(4, prefer='threads')": False,
    "multiprocessing.cpu_count()": False,
    "threading.Thread(target=main)": False,
}


@pytest.mark.parametrize(("start", "found"), STARTS.items(), ids=STARTS.keys())
def test_sqlite_is_found_by_default_beside_worker_processes_only(start: str, found: bool, tmp_path: Path) -> None:
    imports = "import joblib, multiprocessing, threading, mlflow\nfrom concurrent.futures import ProcessPoolExecutor"
    code = f"{imports}\nmlflow.set_tracking_uri('sqlite:///a.db')\n{start}\n"
    assert lines(check(code, tmp_path), "MLF507") == ([3] if found else [])
    assert lines(check(code, tmp_path, "MLF507"), "MLF507") == [3]
    assert lines(check(code, tmp_path, "MLF1"), "MLF507") == []


SECRET = "s3cr3t"
SECRETS = {
    "uri": f"mlflow.set_tracking_uri('https://me:{SECRET}@host')",
    "sum": f"mlflow.set_tracking_uri('https://' + 'me' + ':' + '{SECRET}' + '@host')",
    "format": f"mlflow.set_tracking_uri('https://{{}}:{{}}@host'.format('me', '{SECRET}'))",
    "quoted": f"from urllib.parse import quote\nmlflow.set_tracking_uri('https://me:' + quote('{SECRET}') + '@host')",
    "replaced": f"mlflow.set_tracking_uri(urlparse(address)._replace(netloc='me:{SECRET}@' + host).geturl())",
    "database": f"mlflow.set_tracking_uri('postgresql://me:{SECRET}@host/db')",
    "file": f"mlflow.set_tracking_uri('file://me:{SECRET}@host/a')",
    "variable": f"import os\nos.environ['MLFLOW_TRACKING_PASSWORD'] = '{SECRET}'",
    "name": f"import os\nPASSWORD = '{SECRET}'\nos.environ['MLFLOW_TRACKING_PASSWORD'] = PASSWORD",
}


@pytest.mark.parametrize("code", SECRETS.values(), ids=SECRETS.keys())
def test_no_message_tells_a_password(code: str, tmp_path: Path) -> None:
    findings = check(f"import mlflow\n{code}\n", tmp_path, "MLF501", "MLF503", "MLF506", "MLF507", "MLF508").findings
    assert [finding.code for finding in findings].count("MLF503") == 1
    for finding in findings:
        assert SECRET not in finding.message
        assert all(SECRET not in step.text for step in finding.chain)
