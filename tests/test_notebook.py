"""Jupyter notebooks: what of them is read, and where in them findings stand."""

from __future__ import annotations

import ast
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat.v3
import pytest
from doors import ROOT, mlflow_lint
from example_cases import Case, Spelling, cases, check, everything, only, places, write
from notebooks import markdown, notebook, validate, written
from test_cli import BROKEN, HOT, ROW

from mlflow_lint.findings import Finding
from mlflow_lint.source.file import SourceError, decode
from mlflow_lint.source.magics import python_of

# Without types of its own.
_V3: Any = nbformat.v3

Place = tuple[int | None, int, str]
"""Cell, line and code of a finding."""


def found(folder: Path, data: bytes, **modules: str) -> tuple[Finding, ...]:
    """Findings of all rules in a notebook that lies beside some modules."""
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    path = folder / "nb.ipynb"
    path.write_bytes(data)
    return check(path, everything(folder)).findings


def in_cells(findings: tuple[Finding, ...]) -> list[Place]:
    return [(finding.region.cell, finding.region.line, finding.code) for finding in findings]


SETUP = "import mlflow\nfrom torch.utils.data import DataLoader\n"
LOADER = "train_loader = DataLoader(data, batch_size=32, shuffle=True)"
LOOP = """\
# one epoch
for batch in train_loader:
    loss = train_step(batch)
    mlflow.log_metric("loss", loss, step=batch)
"""


# ------------------------------------------------------------------------------------------------------ magics
@pytest.mark.parametrize(
    ("cell", "python"),
    [
        ("%matplotlib inline", "_()###############"),
        ("!pip install mlflow", "_()################"),
        ("!!ls", "_()#"),
        ("!w", "_#"),
        ("?", "_"),
        ("?mlflow", "_()####"),
        ("mlflow.log_metric?", "_()###############"),
        ("mlflow??  # help", "_()#############"),
        ("%timeit?", "_()#####"),
        ("x = 1\nx?\ny = 2", "x = 1\n_#\ny = 2"),
        ("files = !ls *.py", "files = _()#####"),
        ("rows = %sql SELECT 1", "rows = _()##########"),
        ("rows=%who_ls", "rows=_()####"),
        ("for x in y:\n    !echo {x}\n    %timeit f(x)\n", "for x in y:\n    _()######\n    _()#########\n"),
        ("%time x = f(1)", "_();  x = f(1)"),
        ("def f():\n    %time x = f(1)\n    return x", "def f():\n    _()###########\n    return x"),
        ("for x in y:\n    %time   f(x) # x?\n", "for x in y:\n    _();    f(x) # x?\n"),
        ("%time f(1,\n2", "_()#######\n2"),
        ("%time for x in y: f(x)", "_()###################"),
        ("%time --no-raise-error f(x)?", "_()#########################"),
        ("%time", "_()##"),
        ("%time %run x", "_()#########"),
        ("x = %timeit -o -n 1 f(x)", "x = _()#################"),
        ("%prun -l 5 f(x)", "_()############"),
        ("%%prun -s cumulative\nf(x)", "####################\nf(x)"),
        ("%%pyspark\nx = 1", "#########\nx = 1"),
        ("a, b = !pip list", "a, b = _()######"),
        ("if x: y = !ls", "if x: y = _()"),
        ("!pip install \\\n  a \\\n  b\nx = 1", "_()###########\n#####\n###\nx = 1"),
        ("!pip install \\\r\n  a\r\nx = 1", "_()###########\r\n###\r\nx = 1"),
        ("files = !ls \\\n  -l", "files = _()##\n####"),
        ("!echo \"it's (\nx = 1", "_()##########\nx = 1"),
        ("pip install mlflow", "_()###############"),
        ("pip -q install mlflow", "_()##################"),
        ("cd ..", "_()##"),
        ("time fit(x)", "_()########"),
        (",f a b", "_()###"),
        ("/f a", "_()#"),
        ("%%time\nx = 1", "######\nx = 1"),
        ("\n%%capture out\n%%time\n%matplotlib inline\nx = 1", "\n#############\n######\n_()###############\nx = 1"),
        ("%%timeit -n 1\nfor x in y:\n    f(x)", "#############\nfor x in y:\n    f(x)"),
        ("%python\nx = 1", "_()####\nx = 1"),
        ("%run ./setup\nx = 1", "_()#########\nx = 1"),
        ("f'''\n%x\n'''\n%x2", "f'''\n%x\n'''\n_()"),
        ('s = "\\"?"\n!ls', 's = "\\"?"\n_()'),
    ],
)
def test_what_ipython_understands_is_masked(cell: str, python: str) -> None:
    assert python_of(cell) == python
    assert len(python) == len(cell)
    ast.parse(python)


@pytest.mark.parametrize(
    "cell",
    [
        "x = (a\n  % b)\n",
        "x = [\n!r\n]",
        "x = a \\\n  % b",
        '"""\n%matplotlib inline\n!ls\nwhat?\n"""',
        "'''\n!ls\n''' # '''\n",
        "a != b",
        "x = a != b",
        "f(x, y=z % 3)",
        "x %= 3\nx = y % 3",
        "print('what?')  # really?",
        "x = 'it\\\n%s' % y",
        "cd = 3\nls -l\ntime = run is None\nenv if env else pip\nrun in (1, 2)",
        "f'{x!r}' f\"{y!s:>{width}}\"",
        "# !ls\n# x?\n",
        "def f():\n    return ls / 3\n",
        "await f()\nasync with g() as h:\n    pass",
    ],
)
def test_what_is_python_is_left_alone(cell: str) -> None:
    assert python_of(cell) == cell


@pytest.mark.parametrize("quotes", ['"', "'", '"""', "'''"])
def test_endless_strings_take_no_time(quotes: str) -> None:
    for end in ("", "\\", "\n", "\\\n"):
        cell = f"!ls\nx = {quotes}{'a' * 100_000}{end}"
        start = time.process_time()
        assert python_of(cell) == f"_(){cell[3:]}"
        assert time.process_time() - start < 1


def test_whole_modules_are_left_alone() -> None:
    for path in sorted((ROOT / "mlflow_lint").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert python_of(text) == text


@pytest.mark.parametrize(
    "first",
    [
        "%%bash",
        "%%sql",
        "%%writefile x.py",
        "%%html",
        "%%python",
        "%%R -i x",
        "%sql",
        "%md",
        "%md-sandbox",
        "%sh",
        "%scala",
        "%r",
        "%fs ls",
        "%%time\n%%bash",
        "\n\n%%javascript",
    ],
)
def test_cells_in_other_languages_are_not_read(first: str, tmp_path: Path) -> None:
    assert python_of(f"{first}\nmlflow.log_metric('a', 1)") == ""
    assert in_cells(found(tmp_path, written(SETUP, f"{first}\nthis is (no Python", LOADER, LOOP))) == [(4, 4, "MLF101")]


@pytest.mark.parametrize("magic", ["%%time", "%%capture", "%%timeit -n 1", "%python", "%time 1", "!ls", "import os?"])
def test_the_rest_of_a_cell_with_a_magic_is_read(magic: str, tmp_path: Path) -> None:
    assert in_cells(found(tmp_path, written(SETUP, LOADER, f"{magic}\n{LOOP}"))) == [(3, 5, "MLF101")]


def test_what_is_timed_is_read(tmp_path: Path) -> None:
    timed = "for batch in loader:\n    %time mlflow.log_metric('loss', step(batch), batch)\n"
    (finding,) = found(tmp_path, written(SETUP, f"%time {LOADER.replace('train_', '')}", timed))
    assert in_cells((finding,)) == [(3, 2, "MLF101")]
    assert finding.region.column == 11
    assert finding.fix is None


def test_magics_end_a_row(tmp_path: Path) -> None:
    cell = 'mlflow.log_param("a", 1)\n{}\nmlflow.log_param("b", 2)\n'
    assert in_cells(found(tmp_path, written(SETUP, cell.format("x = 1")))) == [(2, 1, "MLF202")]
    assert in_cells(found(tmp_path, written(SETUP, cell.format("!date")))) == []
    assert in_cells(found(tmp_path, written(SETUP, cell.format("%time train()")))) == []


# ------------------------------------------------------------------------------------------------------- cells
def test_cells_share_their_names(tmp_path: Path) -> None:
    cells: list[Any] = [SETUP, "run = mlflow.start_run()", LOADER, markdown("# Training"), "", LOOP, "mlflow.end_run()"]
    (finding,) = found(tmp_path, written(*cells))
    assert in_cells((finding,)) == [(5, 4, "MLF101")]
    region = finding.region
    assert (region.column, region.end_line, region.end_column) == (5, 4, 48)
    assert "(loop over train_loader, cell 5 line 2)" in finding.message
    assert [step.place for step in finding.chain] == ["nb.ipynb:cell 5:2", "nb.ipynb:cell 5:4"]


def test_reasons_lie_in_other_cells(tmp_path: Path) -> None:
    helper = "def report(loss):\n    print(loss)\n    mlflow.log_metric('loss', loss, 1)\n"
    (finding,) = found(
        tmp_path, written(SETUP, LOADER, helper, "for batch in train_loader:\n    report(step(batch))\n")
    )
    assert in_cells((finding,)) == [(4, 2, "MLF101")]
    assert "(nb.ipynb:cell 3:3)" in finding.message
    assert [step.place for step in finding.chain] == [
        "nb.ipynb:cell 4:1",
        "nb.ipynb:cell 4:2",
        "nb.ipynb:cell 3:3",
    ]


@pytest.mark.parametrize("between", [[], [""], [markdown("text")], ["%%bash\nls"], ["# %% a\n# %%\n"]])
def test_rows_end_with_their_cell(between: list[Any], tmp_path: Path) -> None:
    row = 'mlflow.log_param("a", 1)\nmlflow.log_param("b", 2)'
    cells: list[Any] = ["import mlflow", row, *between, 'mlflow.log_param("c", 3)']
    (finding,) = found(tmp_path, written(*cells))
    assert in_cells((finding,)) == [(2, 1, "MLF202")]
    assert finding.message.startswith("2 calls")


def test_lines_that_look_like_a_border_end_rows_only(tmp_path: Path) -> None:
    cell = 'mlflow.log_param("a", 1)\n# %%\nmlflow.log_param("b", 2)\nmlflow.log_param("c", 3)\n'
    assert in_cells(found(tmp_path, written("import mlflow", cell))) == [(2, 3, "MLF202")]


def test_every_code_cell_counts(tmp_path: Path) -> None:
    raw = {"cell_type": "raw", "metadata": {}, "source": "raw"}
    assert in_cells(found(tmp_path, written("", "%%html\n<br>", raw, "import mlflow(", markdown("x"), ROW))) == [
        (3, 1, "MLF000"),
        (4, 3, "MLF201"),
    ]


def test_a_broken_cell_takes_nothing_from_the_others(tmp_path: Path) -> None:
    findings = found(tmp_path, written(SETUP, 'mlflow.log_param("a", 1)\n\n  x = (\n', LOADER, '"""', LOOP, "x = 1 \\"))
    assert in_cells(findings) == [(2, 3, "MLF000"), (4, 1, "MLF000"), (5, 4, "MLF101"), (6, 1, "MLF000")]
    assert all(f.message.startswith("the cell cannot be read as Python: ") for f in findings if f.code == "MLF000")


def test_cells_do_not_complete_each_other(tmp_path: Path) -> None:
    assert in_cells(found(tmp_path, written("import mlflow\nx = (", ")", "for x in y:", "    mlflow.end_run()"))) == [
        (1, 2, "MLF000"),
        (2, 1, "MLF000"),
        (3, 1, "MLF000"),
    ]


def test_a_cell_may_be_indented(tmp_path: Path) -> None:
    indented = "\n" + "".join(f"  {line}\n" for line in LOOP.splitlines()[1:]) + "x = 1\n"
    (finding,) = found(tmp_path, written(SETUP, LOADER, indented))
    assert in_cells((finding,)) == [(3, 4, "MLF101")]
    assert finding.region.column == 7
    assert in_cells(found(tmp_path, written(SETUP, "    x = 1\n    y = ("))) == [(2, 2, "MLF000")]


def test_top_level_await(tmp_path: Path) -> None:
    cell = "async for batch in train_loader:\n    await step()\n    mlflow.log_metric('loss', 1, 1)\n"
    assert in_cells(found(tmp_path, written(SETUP, LOADER, cell))) == [(3, 3, "MLF101")]


@pytest.mark.parametrize("text", ["x = '\0'", "x = '\ud800'"])
def test_characters_that_no_file_could_hold(text: str, tmp_path: Path) -> None:
    data = json.dumps(notebook(SETUP, f"import mlflow\n{text}", LOADER, LOOP)).encode()
    assert (2, "MLF000") in [(cell, code) for cell, _, code in in_cells(found(tmp_path, data))]
    assert in_cells(found(tmp_path, data))[-1] == (4, 4, "MLF101")


# -------------------------------------------------------------------------------------------------------- JSON
def one_string(whole: dict[str, Any]) -> dict[str, Any]:
    return {**whole, "cells": [{**cell, "source": "".join(cell["source"])} for cell in whole["cells"]]}


@pytest.mark.parametrize("indent", [None, 1, 2, "\t"])
@pytest.mark.parametrize("ensure_ascii", [False, True])
@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_the_layout_does_not_matter(
    indent: int | str | None, ensure_ascii: bool, joined: bool, newline: str, bom: bytes, tmp_path: Path
) -> None:
    whole = notebook(SETUP + "é = '😀'", LOADER, LOOP)
    whole = one_string(whole) if joined else whole
    text = json.dumps(whole, ensure_ascii=ensure_ascii, indent=indent)
    assert in_cells(found(tmp_path, bom + text.replace("\n", newline).encode())) == [(3, 4, "MLF101")]


def test_newlines_in_cells_are_those_of_python(tmp_path: Path) -> None:
    cells = [cell.replace("\n", "\r\n") for cell in (SETUP, LOADER, "x = '\u2028\x0c'\n" + LOOP)]
    assert in_cells(found(tmp_path, json.dumps(notebook(*cells)).encode())) == [(3, 5, "MLF101")]


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"", 1, "not JSON"),
        (b"import mlflow\n", 1, "not JSON"),
        (b'{"cells": [],\n "mlflow": }', 2, "not JSON: Expecting value"),
        (b'{\n"mlflow": "\xff"}', 2, "byte 0xff is not utf-8"),
        (b'["mlflow"]', 1, "the notebook is not a JSON object"),
        (b'"mlflow"', 1, "the notebook is not a JSON object"),
        (b'{"mlflow": 1}', 1, "notebook format None is not read"),
        (b'{"nbformat": 2, "worksheets": [{"cells": ["mlflow"]}]}', 1, "notebook format 2 is not read"),
        (b'{"nbformat": "mlflow"}', 1, "notebook format 'mlflow' is not read"),
        (b'{"nbformat": 3, "worksheets": [{"cells": ["mlflow"]}]}', 1, "a cell is not a JSON object"),
        (b'{"nbformat": 3, "worksheets": [{"cells": "mlflow"}]}', 1, "no list of cells"),
        (b'{"nbformat": 3, "worksheets": ["mlflow"]}', 1, "a worksheet is not a JSON object"),
        (b'{"nbformat": 3, "cells": ["mlflow"]}', 1, "no list of worksheets"),
        (b'{"nbformat": 4, "mlflow": 1}', 1, "no list of cells"),
        (b'{"nbformat": 4, "cells": ["mlflow"]}', 1, "a cell is not a JSON object"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": ["mlflow", 1]}]}', 1, "the source of a cell"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": {"mlflow": 1}}]}', 1, "the source of a cell"),
        (b"[" * 5_000_000 + b'"mlflow"', 1, "nested too deeply"),
        (b'{"mlflow":' * 1_000_000, 1, "nested too deeply"),
        (b'{"mlflow": ' + b"1" * 100_000 + b"}", 1, "cannot be read"),
    ],
    ids=range(20),
)
def test_what_is_no_notebook(data: bytes, line: int, message: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=message):
        decode("nb.ipynb", data)
    findings = found(tmp_path, data)
    if b"mlflow" not in data:
        assert findings == ()
        return
    assert in_cells(findings) == [(None, line, "MLF000")]
    assert message in findings[0].message
    assert findings[0].message.startswith("the file cannot be read as a notebook: ")


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"language": "R", "name": "ir", "display_name": "R"}},
        {"language_info": {"name": "scala"}},
        {"application/vnd.databricks.v1+notebook": {"language": "sql"}},
        {"kernelspec": {"language": "julia", "name": "j", "display_name": "J"}, "language_info": {"name": "julia"}},
    ],
)
def test_other_languages_are_left_alone(metadata: dict[str, Any], tmp_path: Path) -> None:
    assert found(tmp_path, written(HOT, "library(mlflow", **metadata)) == ()


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        {"language_info": {"name": "pyspark"}},
        {"language_info": {"name": "ipython"}},
        {"kernelspec": {"language": "Python", "name": "python3", "display_name": "Python 3"}},
    ],
)
def test_python_goes_by_several_names(metadata: dict[str, Any], tmp_path: Path) -> None:
    assert in_cells(found(tmp_path, written(HOT, **metadata))) == [(1, 6, "MLF101")]


def test_odd_metadata_does_not_matter(tmp_path: Path) -> None:
    odd: tuple[Any, ...] = (None, [], {"kernelspec": []}, {"language_info": {"name": 3}})
    for metadata in odd:
        data = json.dumps({**notebook(HOT), "metadata": metadata}).encode()
        assert in_cells(found(tmp_path, data)) == [(1, 6, "MLF101")]


def test_python_in_a_notebook_of_databricks_for_another_language(tmp_path: Path) -> None:
    metadata: dict[str, Any] = {"application/vnd.databricks.v1+notebook": {"language": "sql"}}
    cells = ["SELECT mlflow(", f"%python\n{SETUP}{LOADER}", "SELECT 1", f"%python\n{LOOP}", "%md\n# Title"]
    assert in_cells(found(tmp_path, written(*cells, **metadata))) == [(4, 5, "MLF101")]


@pytest.mark.parametrize("magic", ["%md", "%sql", "%sh", "%scala", "%r", "%fs", "%run ./other", "%pip install x"])
def test_cells_of_databricks(magic: str, tmp_path: Path) -> None:
    metadata: dict[str, Any] = {"application/vnd.databricks.v1+notebook": {"language": "python", "notebookName": "nb"}}
    assert in_cells(found(tmp_path, written(SETUP, magic, LOADER, f"%python\n{LOOP}", **metadata))) == [
        (4, 5, "MLF101")
    ]


@pytest.mark.parametrize("cells", [[], [markdown("mlflow")], [""]])
def test_nothing_to_read(cells: list[Any], tmp_path: Path) -> None:
    assert found(tmp_path, written(*cells)) == ()


def format_3(*sheets: list[str]) -> dict[str, Any]:
    """A notebook of format 3, each sheet given by its code cells."""
    worksheets = [_V3.new_worksheet(cells=[_V3.new_code_cell(code) for code in sheet]) for sheet in sheets]
    whole = json.loads(_V3.writes_json(_V3.new_notebook(worksheets=worksheets)))
    validate(whole)
    return dict(whole)


def test_sheets_of_format_3(tmp_path: Path) -> None:
    whole = format_3([SETUP, LOADER], [], [LOOP])
    whole["worksheets"][0]["cells"].insert(0, {"cell_type": "heading", "level": 1, "source": "x", "metadata": {}})
    assert in_cells(found(tmp_path, json.dumps(whole).encode())) == [(3, 4, "MLF101")]
    whole["worksheets"][2]["cells"][0]["language"] = "ruby"
    assert found(tmp_path, json.dumps(whole).encode()) == ()


def test_a_large_notebook_takes_little_time(tmp_path: Path) -> None:
    whole = notebook(SETUP, LOADER, LOOP)
    image = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "a" * 30_000_000}}
    whole["cells"][2]["outputs"] = [image]
    start = time.process_time()
    assert in_cells(found(tmp_path, json.dumps(whole).encode())) == [(3, 4, "MLF101")]
    assert time.process_time() - start < 10


def test_cells_marked_for_another_language(tmp_path: Path) -> None:
    whole = notebook("mlflow run . (", HOT)
    whole["cells"][0]["metadata"] = {"vscode": {"languageId": "shellscript"}}
    whole["cells"][1]["metadata"] = {"vscode": {"languageId": "python"}}
    assert in_cells(found(tmp_path, json.dumps(whole).encode())) == [(2, 6, "MLF101")]


# ---------------------------------------------------------------------------------------------------- projects
TRACKING = "import mlflow\n\n\ndef report(loss):\n    mlflow.log_metric('loss', loss, 1)\n"


@pytest.mark.parametrize("joined", [False, True])
def test_helpers_of_the_project_are_looked_through(joined: bool, tmp_path: Path) -> None:
    cells = ["from torch.utils.data import DataLoader\n%load_ext autoreload\nfrom tracking import report\n", LOADER]
    whole = notebook(*cells, "for batch in train_loader:\n    report(step(batch))\n")
    data = json.dumps(one_string(whole) if joined else whole).encode()
    assert b"mlflow" not in data
    (finding,) = found(tmp_path, data, tracking=TRACKING)
    assert in_cells((finding,)) == [(3, 2, "MLF101")]
    assert "(tracking.py:5)" in finding.message
    assert finding.chain[-1].place == "tracking.py:5"


def test_imports_in_other_languages_lead_nowhere(tmp_path: Path) -> None:
    cells = [LOADER, "%%bash\nfrom tracking import report", "for batch in train_loader:\n    report(step(batch))\n"]
    assert found(tmp_path, written(*cells), tracking=TRACKING) == ()


# ------------------------------------------------------------------------------------------------ suppressions
def test_comments_silence_lines_of_their_cell(tmp_path: Path) -> None:
    silent = LOOP.replace("step=batch)\n", "step=batch)  # noqa: MLF101\n")
    assert in_cells(found(tmp_path, written(SETUP, LOADER, silent, LOOP))) == [(4, 4, "MLF101")]
    above = LOOP.replace("    mlflow", "    # mlflow-lint: ignore[MLF101] on purpose\n    mlflow")
    assert in_cells(found(tmp_path, written(SETUP, LOADER, LOOP, above))) == [(3, 4, "MLF101")]


@pytest.mark.parametrize("comment", ["# mlflow-lint: file-ignore[MLF1]", "# flake8: noqa: MLF101"])
def test_comments_silence_the_whole_notebook(comment: str, tmp_path: Path) -> None:
    assert in_cells(found(tmp_path, written(comment, HOT, ROW))) == [(3, 3, "MLF201")]
    assert in_cells(found(tmp_path, written(HOT, f"%%bash\n{comment}", f"!ls {comment}"))) == [(1, 6, "MLF101")]


def test_comments_count_beside_a_broken_cell(tmp_path: Path) -> None:
    silent = LOOP.replace("batch)\n", "batch)  # noqa\n")
    findings = found(tmp_path, written(SETUP, "x = '''", LOADER, f"s = '''# noqa'''\n{silent}"))
    assert in_cells(findings) == [(2, 1, "MLF000")]


# ---------------------------------------------------------------------------------------------------- examples
NOT_IN_NOTEBOOKS = frozenset({"MLF414"})
"""Rules about the end of a program: the process of a notebook goes on."""
SPELLED_PLAINLY = [c for c in cases() if c.spelling is Spelling.PLAIN and c.rule.code not in NOT_IN_NOTEBOOKS]


@pytest.mark.parametrize("case", SPELLED_PLAINLY, ids=lambda case: case.name)
def test_examples_are_found_in_a_cell(case: Case, tmp_path: Path) -> None:
    """What is found in a file is found in a notebook of one cell, but for the words for places."""
    settings = only(tmp_path, case.rule.code)
    path = write(tmp_path, case.code, case.files)
    notebook_path = tmp_path / "example.ipynb"
    notebook_path.write_bytes(written("%matplotlib inline", case.code))
    in_file, in_notebook = check(path, settings).findings, check(notebook_path, settings).findings
    assert places(in_notebook) == case.expected
    for one, other in zip(in_file, in_notebook, strict=True):
        assert replace(one.region, cell=2) == other.region
        assert one.statement == other.statement
        assert (one.severity, one.name) == (other.severity, other.name)
        told = other.message.replace("cell 2 line ", "line ").replace("example.ipynb:cell 2:", "example.py:")
        assert one.message == told
        told_why = [step.text.replace("cell 2 line ", "line ") for step in other.chain]
        assert [step.text for step in one.chain] == told_why


# --------------------------------------------------------------------------------------------------- the command
def test_what_the_command_prints(tmp_path: Path) -> None:
    (tmp_path / "nb.ipynb").write_bytes(written(SETUP, LOADER, "%time\n" + LOOP, BROKEN + "!ls\n"))
    full = mlflow_lint("nb.ipynb", cwd=tmp_path)
    assert full.code == 1
    assert full.out.startswith(
        "nb.ipynb:cell 3:5:5: MLF101 log_metric runs once per batch (loop over train_loader, cell 3"
    )
    assert '\n5 |     mlflow.log_metric("loss", loss, step=batch)\n  |     ^^^^' in full.out
    assert "= why: nb.ipynb:cell 3:3 loop over train_loader" in full.out
    assert "nb.ipynb:cell 4:2:18: MLF000 the cell cannot be read as Python: '(' was never closed" in full.out
    assert "\n2 | mlflow.log_metric(\n" in full.out
    concise = mlflow_lint("--output-format", "concise", cwd=tmp_path).out.splitlines()
    assert [line.partition(": MLF")[0] for line in concise[:2]] == ["nb.ipynb:cell 3:5:5", "nb.ipynb:cell 4:2:18"]


def test_json_tells_the_cell(tmp_path: Path) -> None:
    (tmp_path / "nb.ipynb").write_bytes(written(SETUP, LOADER, LOOP))
    (item,) = json.loads(mlflow_lint("--output-format", "json", cwd=tmp_path).out)
    assert (item["cell"], item["location"], item["end_location"]) == (
        3,
        {"row": 4, "column": 5},
        {"row": 4, "column": 48},
    )
    assert (item["filename"], item["noqa_row"], item["fix"]) == ("nb.ipynb", 4, None)
    assert [(step["cell"], step["row"]) for step in item["chain"]] == [(3, 2), (3, 4)]


def test_github_gets_the_line_of_the_json_and_the_cell_in_words(tmp_path: Path) -> None:
    (tmp_path / "nb.ipynb").write_bytes(written(SETUP, LOADER, LOOP))
    out = mlflow_lint("--output-format", "github", cwd=tmp_path).out
    assert out.startswith(
        "::warning title=mlflow-lint (MLF101),file=nb.ipynb,line=34,endLine=34::nb.ipynb:cell 3:4:5: MLF101"
    )


def test_standard_input_may_be_a_notebook(tmp_path: Path) -> None:
    data = written(SETUP, LOADER, LOOP)
    ran = mlflow_lint("--stdin-filename", "nb.ipynb", "--output-format", "concise", cwd=tmp_path, stdin=data)
    assert ran.out.startswith("nb.ipynb:cell 3:4:5: MLF101")


def test_exclusion_and_settings_hold_for_notebooks(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.mlflow-lint]\nextend-exclude = ["drafts/*.ipynb"]\nper-file-ignores = {"b.ipynb" = ["MLF2"]}\n'
    )
    for name in ("a.ipynb", "b.ipynb", "drafts/c.ipynb", ".ipynb_checkpoints/a.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(written(ROW))
    out = mlflow_lint("--output-format", "concise", cwd=tmp_path).out
    assert [line.partition(":")[0] for line in out.splitlines()] == [
        "a.ipynb",
        "Found 1 finding in 1 file (1 fixable with --fix).",
    ]
