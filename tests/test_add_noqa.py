"""`--add-noqa`: comments that silence what is there, and nothing else changed."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import doors
import pytest
import test_cli
from example_cases import everything
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notebooks import validate, written
from test_cli import BROKEN, HOT, ROW, Lint, write

from mlflow_lint.engine import Project
from mlflow_lint.fixing import everything as all_of_them
from mlflow_lint.silencing import silence_file
from mlflow_lint.source.file import decode

lint, tree = test_cli.lint, test_cli.tree


def silenced(code: str, tree: Path, lint: Lint) -> str:
    """What becomes of a file, once silenced: it has no findings, means the same, and stays as it then is."""
    path = tree / "a.py"
    path.write_bytes(code.encode())
    ran = lint("--add-noqa", "--select", "MLF", "--preview")
    assert (ran.code, ran.out) == (0, "No findings in 1 file.\n"), ran
    after = path.read_bytes().decode()
    assert ast.dump(ast.parse(after)) == ast.dump(ast.parse(code))
    assert lint("--select", "MLF", "--preview").code == 0
    assert lint("--add-noqa", "--select", "MLF", "--preview").err == ""
    assert path.read_bytes().decode() == after
    return after


def test_what_it_says(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": HOT, "b.py": ROW, "c.py": "x = 1\n"})
    ran = lint("--add-noqa", "--output-format", "json")
    assert json.loads(ran.out) == []
    assert ran.code == 0
    assert ran.err.splitlines() == [
        "Silenced 2 findings in 2 files: MLF101 ×1, MLF201 ×1.",
        "  a.py: MLF101 ×1",
        "  b.py: MLF201 ×1",
    ]
    assert (tree / "a.py").read_text() == HOT.replace("step=batch)", "step=batch)  # noqa: MLF101")
    assert lint().code == 0


ROW_OF = "import mlflow\n{}\nmlflow.log_metric('b', 2)\n"


@pytest.mark.parametrize(
    ("first", "after"),
    [
        ("mlflow.log_metric('a', 1)", "mlflow.log_metric('a', 1)  # noqa: MLF201"),
        ("mlflow.log_metric('a', 1)   ", "mlflow.log_metric('a', 1)  # noqa: MLF201   "),
        ("mlflow.log_metric('a', 1);", "mlflow.log_metric('a', 1);  # noqa: MLF201"),
        ("mlflow.log_metric('a', 1)# why", "mlflow.log_metric('a', 1)# why  # noqa: MLF201"),
        ("mlflow.log_metric('a', 1)  # noqa: E501", "mlflow.log_metric('a', 1)  # noqa: E501, MLF201"),
        ("mlflow.log_metric('a', 1)  # NOQA:E501,W1 why", "mlflow.log_metric('a', 1)  # NOQA:E501,W1, MLF201 why"),
        ("mlflow.log_metric('a', 1)  # noqa: E501  # x", "mlflow.log_metric('a', 1)  # noqa: E501, MLF201  # x"),
        (
            "mlflow.log_metric('a', 1)  # mlflow-lint: ignore[MLF101] why",
            "mlflow.log_metric('a', 1)  # mlflow-lint: ignore[MLF101] why  # noqa: MLF201",
        ),
        ("mlflow.log_metric(\n    'a',\n    1,\n)", "mlflow.log_metric(  # noqa: MLF201\n    'a',\n    1,\n)"),
        ("mlflow.log_metric('a', len('# noqa'))", "mlflow.log_metric('a', len('# noqa'))  # noqa: MLF201"),
        ("mlflow.log_metric('a', \\\n    1)", "mlflow.log_metric('a', \\\n    1)  # noqa: MLF201"),
        ("mlflow.log_metric('a', len('''a\nb'''))", "mlflow.log_metric('a', len('''a\nb'''))  # noqa: MLF201"),
        ("mlflow.log_metric(f'''a{\n1}b''',\n 1)", "mlflow.log_metric(f'''a{\n1}b''',  # noqa: MLF201\n 1)"),
        ("mlflow \\\n    .log_metric('a', 1)", "mlflow \\\n    .log_metric('a', 1)  # noqa: MLF201"),
        ("if 1: mlflow.log_metric('a', 1); mlflow.log_metric('c', 1)", None),
        ("x = '''\n'''; mlflow.log_metric('a', 1)", "x = '''\n'''; mlflow.log_metric('a', 1)  # noqa: MLF201"),
    ],
)
def test_where_the_comment_goes(first: str, after: str | None, tree: Path, lint: Lint) -> None:
    expected = ROW_OF.format(after or f"{first}  # noqa: MLF201")
    assert silenced(ROW_OF.format(first), tree, lint) == expected


def test_several_codes_are_one_comment(tree: Path, lint: Lint) -> None:
    code = HOT + '        mlflow.log_metric("b", loss, step=batch)\n'
    assert "step=batch)  # noqa: MLF101, MLF201\n" in silenced(code, tree, lint)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1251", "shift_jis"])
def test_bytes_stay(newline: str, encoding: str, tree: Path, lint: Lint) -> None:
    cookie = "" if encoding.startswith("utf-8") else f"# coding: {encoding}\n"
    word = {"latin-1": "é", "cp1251": "ж", "shift_jis": "表"}.get(encoding, "é表")
    code = f"{cookie}x = '{word}'\n\x0c\n{ROW.rstrip()}"
    path = tree / "a.py"
    path.write_bytes(code.replace("\n", newline).encode(encoding))
    path.chmod(0o640)
    assert lint("--add-noqa").code == 0
    after = code.replace('"a", 1.0)', '"a", 1.0)  # noqa: MLF201')
    assert path.read_bytes() == after.replace("\n", newline).encode(encoding)
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(tree.iterdir()) == [path]


def test_notebooks(tree: Path, lint: Lint) -> None:
    row = ROW.partition("\n\n")[2].rstrip()
    data = written("import mlflow", f"%%time\n!ls\n{row}", "x = (", row, "%%bash\necho")
    path = tree / "a.ipynb"
    path.write_bytes(data)
    ran = lint("--add-noqa", "--output-format", "concise")
    assert ran.code == 1
    assert ran.out.startswith("a.ipynb:cell 3:1:")
    assert ran.out.count("MLF") == ran.out.count("MLF000") == 1
    after = path.read_bytes()
    assert after == data.replace(rb"1.0)", rb"1.0)  # noqa: MLF201")
    validate(json.loads(after))
    assert "MLF201" not in lint().out


def test_a_masked_line_takes_no_comment(tree: Path, lint: Lint) -> None:
    cell = "import mlflow\nx = '''\n'''; mlflow.log_metric('a', 1); y = !ls\nmlflow.log_metric('b', 2)"
    path = tree / "a.ipynb"
    path.write_bytes(written(cell))
    before = path.read_bytes()
    lint("--add-noqa")
    assert path.read_bytes() == before


def test_a_file_that_is_not_python_is_left_alone(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": BROKEN, "b.py": b"import mlflow\nx = '\xe9'\n", "c.ipynb": '{"mlflow"', "d.py": ROW})
    ran = lint("--add-noqa", "--output-format", "concise")
    assert ran.code == 1
    assert ran.out.count("MLF000") == 3
    assert (tree / "a.py").read_text() == BROKEN
    assert "# noqa: MLF201" in (tree / "d.py").read_text()


def test_encodings_that_cannot_be_written_back(tree: Path, lint: Lint) -> None:
    data = b"# coding: utf-7\nx = '+AGE-'\n" + ROW.encode()
    (tree / "a.py").write_bytes(data)
    ran = lint("--add-noqa")
    assert ran.code == 2
    assert "a.py: not fixed: " in ran.err
    assert (tree / "a.py").read_bytes() == data


def test_read_only_files_are_told(tree: Path, lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tree, {"a.py": ROW})
    monkeypatch.setattr("os.access", lambda *_, **__: False)
    ran = lint("--add-noqa")
    assert ran.code == 2
    assert ran.err.startswith("mlflow-lint: error: a.py: not fixed: Permission denied")
    assert "MLF201" in ran.out
    assert (tree / "a.py").read_text() == ROW


@pytest.mark.parametrize("other", [["--fix"], ["--diff"], ["-"]])
def test_it_goes_alone(other: list[str], lint: Lint) -> None:
    ran = lint("--add-noqa", *other)
    assert ran.code == 2
    assert "--add-noqa does not go with" in ran.err


def test_flake8_honours_what_was_written(tmp_path: Path) -> None:
    rows = [
        ROW,
        HOT,
        ROW_OF.format("mlflow.log_metric(\n    'a',\n    1,\n)"),
        ROW_OF.format("mlflow.log_metric('a', \\\n    1)"),
        ROW_OF.format("mlflow.log_metric('a', len('''a\nb'''))  # noqa: E501"),
    ]
    write(tmp_path, {f"{number}.py": code for number, code in enumerate(rows)})
    assert doors.flake8("--select", "MLF", ".", cwd=tmp_path).out.count("MLF") == len(rows)
    assert doors.mlflow_lint("--add-noqa", cwd=tmp_path).code == 0
    assert doors.flake8("--select", "MLF", ".", cwd=tmp_path).out == ""


def test_the_fixtures(tmp_path: Path) -> None:
    for path in sorted(doors.FIXTURES.rglob("*.py")):
        copy = tmp_path / path.relative_to(doors.FIXTURES)
        copy.parent.mkdir(exist_ok=True, parents=True)
        copy.write_bytes(path.read_bytes())
    before = {path: path.read_text() for path in tmp_path.rglob("*.py")}
    assert doors.mlflow_lint("--add-noqa", cwd=tmp_path).code == 0
    assert doors.mlflow_lint(cwd=tmp_path).code == 0
    for path, text in before.items():
        pairs = zip(text.splitlines(), path.read_text().splitlines(), strict=True)
        assert all(old == new or new.startswith(f"{old}  # noqa: MLF") for old, new in pairs)


# ------------------------------------------------------------------------------------------------ any program
STATEMENTS = [
    "mlflow.log_metric('a', 1)",
    "mlflow.log_metric('b', 2)  # noqa: E501",
    "mlflow.log_metric(\n    'c',\n    3,  # why\n)",
    "mlflow.log_metric('''d\n# e''', 4)",
    "mlflow.log_metric('f', \\\n    5)",
    "mlflow.set_tag('a', f'{x}')",
    "mlflow.set_tag('b', '# noqa')  # noqa",
    "for k in d: mlflow.log_param(k, d[k])",
    "for batch in loader:\n    optimizer.step()\n    mlflow.log_metric('l', batch, step=batch)",
    "x = '''\n'''; mlflow.log_param('a', 1); mlflow.log_param('b', 2)",
    "# mlflow-lint: ignore[MLF201] why",
    "# mlflow-lint: ignore MLF2",
    "y = 1  # noqa: MLF999",
    "",
]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["a.py", "a.ipynb"]),
)
def test_any_program_is_silent_afterwards(tmp_path: Path, statements: list[str], newline: str, name: str) -> None:
    code = newline.join(["import mlflow", *statements]).replace("\n", newline).replace("\r\r", "\r")
    path = tmp_path / name
    path.write_bytes(code.encode() if name == "a.py" else written("%pip install x", code))
    before = decode(name, path.read_bytes())
    options = everything(tmp_path)
    result = silence_file(Project(tmp_path, tmp_path), path, options, all_of_them)
    assert (result.problems, result.remaining.findings) == ((), ())
    after = decode(name, path.read_bytes())
    for old, new in zip(before.cells or (before,), after.cells or (after,), strict=True):
        if not old.text.startswith("%"):
            assert ast.dump(ast.parse(new.text)) == ast.dump(ast.parse(old.text))
    again = silence_file(Project(tmp_path, tmp_path), path, options, all_of_them)
    assert (again.applied, again.before) == ((), again.after)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="comments in f-strings are new")
def test_an_f_string_is_one_stretch(tree: Path, lint: Lint) -> None:
    first = "mlflow.log_metric(f'''a{\n1  # x\n}b''', 1)"
    assert silenced(ROW_OF.format(first), tree, lint) == ROW_OF.format(f"{first}  # noqa: MLF201")
