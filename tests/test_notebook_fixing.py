"""Fixes in Jupyter notebooks: the changed cells and not a byte else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from doors import FIXTURES, mlflow_lint
from example_cases import Case, Spelling, cases, everything, fix, fixed_text, only
from notebooks import markdown, notebook, validate, written
from test_cli import ROW, ROW_FIXED
from tracking_store import Recorded, StoreRunner, assert_same_data

from mlflow_lint.fixing import Fixed
from mlflow_lint.source.file import decode

PLAIN = [case for case in cases() if case.spelling in (Spelling.PLAIN, Spelling.FROM)]
FIXABLE = [case for case in PLAIN if case.expected and case.example.fixed is not None]


def cells_of(data: bytes) -> list[str]:
    """Texts of the code cells."""
    return [cell.text for cell in decode("nb.ipynb", data).cells or ()]


def fixed(folder: Path, data: bytes, *, unsafe: bool = False) -> tuple[Fixed, bytes]:
    path = folder / "nb.ipynb"
    path.write_bytes(data)
    result = fix(path, everything(folder), unsafe=unsafe, write=True)
    assert not result.problems
    return result, path.read_bytes()


# ----------------------------------------------------------------------------------------------------- fixes
@pytest.mark.parametrize("case", FIXABLE, ids=lambda case: case.name)
def test_examples_are_fixed_in_a_cell(case: Case, tmp_path: Path) -> None:
    """A notebook of one cell becomes what the file becomes."""
    expected = fixed_text(case, tmp_path)
    path = tmp_path / "example.ipynb"
    path.write_bytes(written("%matplotlib inline", case.code))
    result = fix(path, only(tmp_path, case.rule.code), unsafe=case.wants_unsafe, write=True)
    assert not result.problems
    assert cells_of(path.read_bytes()) == ["%matplotlib inline", expected]
    validate(json.loads(path.read_bytes()))


def test_several_cells_at_once(tmp_path: Path) -> None:
    row, merged = ROW.partition("\n\n")[2], ROW_FIXED.partition("\n\n")[2]
    result, data = fixed(tmp_path, written("import mlflow", f"%%time\n{row}", markdown(row), row, "!ls\nx = (", row))
    assert result.applied == (("MLF201", 3),)
    assert cells_of(data) == ["import mlflow", f"%%time\n{merged}", merged, "!ls\nx = (", merged]
    assert [finding.code for finding in result.remaining.findings] == ["MLF000"]
    assert fixed(tmp_path, data)[1] == data


def test_what_a_fix_would_need_in_another_cell(tmp_path: Path) -> None:
    row = ROW.partition("\n\n")[2].replace("mlflow.", "")
    data = written("from mlflow import log_metric", row)
    result, after = fixed(tmp_path, data, unsafe=True)
    assert [finding.code for finding in result.remaining.findings] == ["MLF201"]
    assert after == data
    together = fixed(tmp_path, written(f"from mlflow import log_metric\n{row}"))[1]
    assert "log_metrics(" in cells_of(together)[0]


def test_cells_with_carriage_returns_are_left(tmp_path: Path) -> None:
    data = json.dumps(notebook(ROW.replace("\n", "\r\n"))).encode()
    result, after = fixed(tmp_path, data)
    assert [finding.code for finding in result.remaining.findings] == ["MLF201"]
    assert after == data


# ------------------------------------------------------------------------------------------------------ bytes
OUTPUT = {"output_type": "stream", "name": "stdout", "text": ["mlflow.log_metric('a', 1)\n", "\u001b[0m é \u2028"]}


def layouts(indent: int | str | None, ensure_ascii: bool, joined: bool, final: str) -> Any:
    def laid_out(*cells: str | dict[str, Any]) -> bytes:
        whole = notebook(*cells, language_info={"name": "python"}, é="\ud83d\ude00" if ensure_ascii else "😀")
        for cell in whole["cells"]:
            cell["source"] = "".join(cell["source"]) if joined else cell["source"]
            if cell["cell_type"] == "code":
                cell["outputs"] = [OUTPUT]
        whole["x"] = {"cells": [{"source": ["mlflow"]}], "source": 1.50}
        return (json.dumps(whole, indent=indent, ensure_ascii=ensure_ascii) + final).encode()

    return laid_out


@pytest.mark.parametrize("indent", [None, 0, 1, 4, "\t"])
@pytest.mark.parametrize("ensure_ascii", [False, True])
@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("final", ["", "\n", " \n\n"])
def test_the_layout_stays(
    indent: int | str | None, ensure_ascii: bool, joined: bool, final: str, tmp_path: Path
) -> None:
    laid_out = layouts(indent, ensure_ascii, joined, final)
    before = laid_out("# é 😀 \u2028\n", ROW + "# é\n", "print('é')\n", markdown(ROW))
    result, after = fixed(tmp_path, before)
    assert result.applied == (("MLF201", 1),)
    assert after == laid_out("# é 😀 \u2028\n", ROW_FIXED + "# é\n", "print('é')\n", markdown(ROW))


def test_odd_spellings_stay(tmp_path: Path) -> None:
    before = (
        b'\xef\xbb\xbf{"cells": [1], "nbformat" : 4.0e0 ,"\\u0063ells":[ {"source":"x","cell_type":"code",\n'
        b'"source" :[ "import mlflow\\n" , "s = \'\\u0061\\/\'\\n" , "mlflow.log_metric(\\"a\\", 1)\\n" , '
        b'"mlflow.log_metric(\\"b\\", 2)"'
        b'\t] , "n": 1.50 }\r\n , {"cell_type":"raw"}],"nbformat":4}  '
    )
    after = fixed(tmp_path, before)[1]
    assert after == before.replace(
        b'"mlflow.log_metric(\\"a\\", 1)\\n" , "mlflow.log_metric(\\"b\\", 2)"',
        b'"mlflow.log_metrics({\\"a\\": 1, \\"b\\": 2})"',
    )


@pytest.mark.parametrize("separator", [", ", " ,\r\n"])
def test_format_3_stays(separator: str, tmp_path: Path) -> None:
    row, merged = ROW.partition("\n\n")[2], ROW_FIXED.partition("\n\n")[2]

    def laid_out(code: str) -> bytes:
        cells = [{"cell_type": "code", "input": code, "language": "python", "outputs": [{"input": row}]}]
        sheets = [{"cells": [{"cell_type": "code", "input": ["import mlflow"]}]}, {"cells": cells, "input": row}]
        whole = {"nbformat": 3, "worksheets": sheets, "metadata": {"name": ""}, "cells": [{"input": row}]}
        return json.dumps(whole, separators=(separator, " : ")).encode()

    assert fixed(tmp_path, laid_out(row))[1] == laid_out(merged)


# ------------------------------------------------------------------------------------------------ the command
def test_the_command_fixes(tmp_path: Path) -> None:
    (tmp_path / "nb.ipynb").write_bytes(written("import os", ROW))
    diff = mlflow_lint("--diff", cwd=tmp_path)
    assert diff.out.splitlines() == [
        "--- nb.ipynb:cell 2",
        "+++ nb.ipynb:cell 2",
        "@@ -1,4 +1,3 @@",
        " import mlflow",
        " ",
        '-mlflow.log_metric("a", 1.0)',
        '-mlflow.log_metric("b", 2.0)',
        '+mlflow.log_metrics({"a": 1.0, "b": 2.0})',
    ]
    piped = mlflow_lint("--fix", "--stdin-filename", "nb.ipynb", cwd=tmp_path, stdin=written("import os", ROW))
    assert piped.out.encode() == written("import os", ROW_FIXED)
    assert (tmp_path / "nb.ipynb").read_bytes() == written("import os", ROW)
    ran = mlflow_lint("--fix", cwd=tmp_path)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "Fixed 1 finding in 1 file: MLF201 ×1.")
    assert (tmp_path / "nb.ipynb").read_bytes() == written("import os", ROW_FIXED)


def test_json_places_edits_in_the_cell(tmp_path: Path) -> None:
    (tmp_path / "nb.ipynb").write_bytes(written("import os\n\n", ROW))
    (item,) = json.loads(mlflow_lint("--output-format", "json", cwd=tmp_path).out)
    assert (item["cell"], item["fix"]["applicability"]) == (2, "safe")
    places = [(edit["location"]["row"], edit["end_location"]["row"]) for edit in item["fix"]["edits"]]
    assert places
    assert all(3 <= first <= last <= 5 for first, last in places)


# -------------------------------------------------------------------------------------------------- the store
CLIENT = Path(__file__).with_name("notebook_client.py")
KERNEL = """\
import subprocess
import sys
import threading

from ipykernel.kernelapp import IPKernelApp

kernel = IPKernelApp.instance()
kernel.initialize(["-f", {connection!r}])
client = subprocess.Popen([sys.executable, {client!r}, {connection!r}, {path!r}, {executed!r}])
threading.Thread(target=client.wait).start()  # a kernel that ends waits half a minute for processes nobody waits for
kernel.start()
"""


def run_notebook(runner: StoreRunner, data: bytes, folder: Path) -> Recorded:
    """Run a notebook by nbclient in a kernel of its own."""
    folder.mkdir()
    path, connection, executed = (folder / name for name in ("nb.ipynb", "connection.json", "executed.ipynb"))
    path.write_bytes(data)
    words = {"client": CLIENT, "connection": connection, "path": path, "executed": executed}
    recorded = runner.run(KERNEL.format(**{name: str(word) for name, word in words.items()}), cwd=folder)
    assert recorded.exception is None, recorded.stderr
    assert executed.exists(), recorded.stderr
    return recorded


TRAINING = (
    "import mlflow\nimport numpy as np\nfrom pathlib import Path",
    "%matplotlib agg\nfolder = !pwd\nassert folder\nrng = np.random.default_rng(0)",
    "%%time\nrun = mlflow.start_run(run_name='nb')\nmlflow.log_param('rate', 1)\nmlflow.log_param('epochs', 3)",
    "%%capture printed\nprint('x')\nmlflow.set_tag('a', 1)\nmlflow.set_tag('b', folder != [])",
    "def train(epoch):\n    return float(rng.random())",
    "for epoch in range(3):\n    %time train(epoch)\n    loss = train(epoch)\n"
    "    mlflow.log_metric('loss', loss, step=epoch)\n"
    "    mlflow.log_metric('rate', 0.1, step=epoch)",
    "scores = {'auc': 0.5, 'f1': 0.25}\nfor name, value in scores.items():\n    mlflow.log_metric(name, value)",
    "%%writefile note.txt\nmlflow.log_param('a', 1)\nmlflow.log_param('b', 1)",
    "for index in range(300):\n    %timeit -n 1 -r 1 -q None\n    mlflow.log_metric('step', index, step=index)",
    "mlflow.log_artifact('note.txt')\nmlflow.end_run()",
)
NOTEBOOKS = (FIXTURES / "notebook.ipynb").read_bytes(), written(*TRAINING)


@pytest.mark.parametrize("unsafe", [False, True])
@pytest.mark.parametrize("before", NOTEBOOKS, ids=["fixture", "magics"])
def test_a_fixed_notebook_leaves_the_same(
    before: bytes, unsafe: bool, store_runner: StoreRunner, tmp_path: Path
) -> None:
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    result, after = fixed(tmp_path, before, unsafe=unsafe)
    assert result.applied
    validate(json.loads(after))
    left, leaves = (run_notebook(store_runner, data, tmp_path / name) for name, data in [("b", before), ("a", after)])
    assert left.runs
    assert_same_data(left, leaves, stdout=False)  # `%%time` prints what it took
    assert leaves.writes < left.writes
    assert leaves.statements < left.statements
