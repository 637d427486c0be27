"""MLF901 to MLF903: comments that silence nothing, no rule, or are not well-formed."""

from __future__ import annotations

import json
from pathlib import Path

import doors
import pytest
import test_cli
from linting import check
from notebooks import written
from test_cli import HOT, ROW, Lint, codes, configure, write
from test_flake8_plugin import places

from mlflow_lint.findings import Finding
from mlflow_lint.source.file import decode

lint, tree = test_cli.lint, test_cli.tree

UNUSED = ("MLF", "MLF901")


def found(code: str, folder: Path, *selected: str) -> list[Finding]:
    return [finding for finding in check(code, folder, *(selected or UNUSED)).findings if finding.code[:4] == "MLF9"]


def comment_fixed(comment: str, tree: Path, lint: Lint) -> str:
    """What `--fix` makes of a comment behind a line that has nothing to silence."""
    write(tree, {"a.py": f'import mlflow\n\nmlflow.set_tag("a", "b")  {comment}\nx = 1\n'})
    lint("--fix", "--extend-select", "MLF901")
    line = (tree / "a.py").read_text().splitlines()[2]
    return line.removeprefix('mlflow.set_tag("a", "b")')


# ------------------------------------------------------------------------------------------------------- unused
@pytest.mark.parametrize(
    ("comment", "after"),
    [
        ("# noqa: MLF101", ""),
        ("# noqa:MLF101,MLF203   ", ""),
        ("# noqa: MLF101 a reason", "  # a reason"),
        ("# noqa: MLF101, E501", "  # noqa: E501"),
        ("# noqa: E501,MLF101", "  # noqa: E501"),
        ("# noqa: E501 MLF101 MLF203 W291", "  # noqa: E501 W291"),
        ("# NOQA: MLF101, E501, MLF203", "  # NOQA: E501"),
        ("# type: ignore  # noqa: MLF101", "  # type: ignore"),
        ("# noqa: MLF101  # type: ignore", "  # type: ignore"),
        ("# why # noqa: MLF101 a reason", "  # why # a reason"),
        ("# mlflow-lint: ignore[MLF101]", ""),
        ("# mlflow-lint: ignore[ MLF101 , MLF203 ] twice", "  # twice"),
        ("# noqa: MLF999, MLF101, MLF1234", ""),
    ],
)
def test_what_is_left_of_a_comment(comment: str, after: str, tree: Path, lint: Lint) -> None:
    assert comment_fixed(comment, tree, lint) == after


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa: MLF101 type: ignore",
        "# noqa: MLF101 pragma: no cover",
        "# noqa: MLF101 nosec",
        "# noqa: MLF101 noqa",
        "# mlflow-lint: ignore[MLF101] pylint: disable=all",
    ],
)
def test_a_reason_never_becomes_an_order_to_another_tool(comment: str, tree: Path, lint: Lint) -> None:
    assert comment_fixed(comment, tree, lint) == f"  {comment}"
    assert "MLF901" in lint("--select", "MLF,MLF901").out


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "# noqa:",
        "# noqa: E501",
        "# mlflow-lint: ignore",
        "# noqa: MLF000",
        "# noqa: MLF902",
        "# noqa: MLF506",
        "# noqa: MLF209",
        "# noqa: MLF2",
        "# noqa: MLF",
        "# mlflow-lint: ignore[MLF]",
    ],
)
def test_what_is_not_called_unused(comment: str, tmp_path: Path) -> None:
    code = f'import mlflow\nmlflow.set_tag("a", "b")  {comment}\n'
    assert not found(code, tmp_path)


def test_a_prefix_is_judged_once_all_its_rules_are_on(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": 'import mlflow\nmlflow.set_tag("a", "b")  # noqa: MLF2\n'})
    assert lint("--extend-select", "MLF901").code == 0
    assert codes(lint("--extend-select", "MLF901", "--preview", "--output-format", "concise")) == ["a.py:MLF901"]


def test_a_rule_that_is_off_is_not_judged(tree: Path, lint: Lint) -> None:
    write(tree, {"tests/a.py": 'import mlflow\nmlflow.set_tag("a", "b")  # noqa: MLF101\n'})
    assert lint().code == 0
    assert lint("--select", "MLF2,MLF901").code == 0
    assert lint("--ignore", "MLF1", "--extend-select", "MLF901").code == 0
    assert lint("--extend-select", "MLF901").code == 1
    configure(tree, 'extend-select = ["MLF901"]\n[tool.mlflow-lint.per-file-ignores]\n"tests/" = ["MLF101"]')
    assert lint().code == 0


def test_places_that_a_comment_reaches(tmp_path: Path) -> None:
    code = """\
    import mlflow

    # mlflow-lint: file-ignore[MLF203]
    # mlflow-lint: file-ignore[MLF501]
    # mlflow-lint: ignore[MLF201]
    mlflow.log_metric(
        "a",
        1.0,
    )
    mlflow.log_metric(
        "b",  # noqa: MLF201
        2.0,
    )  # mlflow-lint: ignore[MLF201]
    # mlflow-lint: ignore[MLF201]

    mlflow.set_tag("a", "b")
    mlflow.set_tag("c", "d")
    # flake8: noqa: MLF101
    """
    assert [finding.region.line for finding in found(code, tmp_path)] == [4, 11, 13, 14]


def test_a_line_of_its_own_goes_with_its_newline(tree: Path, lint: Lint) -> None:
    before = b"import mlflow\r\n\r\n    # mlflow-lint: ignore[MLF101]\r\n# mlflow-lint: file-ignore[MLF2]\r\nx = 1"
    (tree / "a.py").write_bytes(before)
    lint("--fix", "--select", "MLF,MLF901", "--preview")
    assert (tree / "a.py").read_bytes() == b"import mlflow\r\n\r\nx = 1"
    (tree / "a.py").write_bytes(b"import mlflow\n# mlflow-lint: ignore[MLF101]")
    lint("--fix", "--select", "MLF,MLF901")
    assert (tree / "a.py").read_bytes() == b"import mlflow"


def test_comments_silence_these_findings_too(tmp_path: Path) -> None:
    line = 'mlflow.set_tag("a", "b")'
    assert not found(f"import mlflow\n{line}  # noqa: MLF101, MLF901\n", tmp_path)
    assert not found(f"import mlflow\n{line}  # noqa: MLF999, MLF9\n", tmp_path)
    assert not found(f"# mlflow-lint: file-ignore[MLF9]\nimport mlflow\n{line}  # noqa: MLF101, MLF999\n", tmp_path)
    assert not found(f"import mlflow\n{line}  # mlflow-lint: disable  # noqa: MLF903\n", tmp_path)


def test_in_a_notebook(tree: Path, lint: Lint) -> None:
    row = ROW.partition("\n\n")[2]
    cells = ["import mlflow", f"%%time\n# noqa: MLF101\n{row}", row.replace("1.0)", "1.0)  # noqa: MLF201")]
    (tree / "a.ipynb").write_bytes(written(*cells, "# mlflow-lint: file-ignore[MLF203]\n!ls  # noqa: MLF101"))
    ran = lint("--fix", "--extend-select", "MLF901", "--output-format", "json")
    assert json.loads(ran.out) == []
    texts = [cell.text for cell in decode("a.ipynb", (tree / "a.ipynb").read_bytes()).cells or ()]
    merged = 'mlflow.log_metrics({"a": 1.0, "b": 2.0})\n'
    assert texts == ["import mlflow", f"%%time\n{merged}", cells[2], "!ls  # noqa: MLF101"]


def test_a_cell_that_was_not_read_may_be_the_reason(tree: Path, lint: Lint) -> None:
    (tree / "a.ipynb").write_bytes(written("import mlflow as m\nx = (", 'm.set_tag("a", "b")  # noqa: MLF101'))
    assert "MLF901" not in lint("--extend-select", "MLF901").out


# ------------------------------------------------------------------------------------- unknown codes, and slips
def test_the_code_that_was_meant_is_named(tmp_path: Path) -> None:
    (finding,) = found('import mlflow\nmlflow.set_tag("a", "b")  # noqa: mlf203\n', tmp_path, "MLF902")
    assert finding.message.endswith("did you mean MLF203?")
    assert (finding.region.line, finding.region.column, finding.region.end_column) == (2, 35, 41)


def test_flake8_noqa_is_left_alone(tree: Path, lint: Lint) -> None:
    write(tree, {"a.py": "import mlflow\n# flake8: noqa: MLF999, MLF101\n"})
    ran = lint("--fix", "--select", "MLF,MLF901", "--output-format", "concise")
    assert codes(ran) == ["a.py:MLF902"]
    assert (tree / "a.py").read_text() == "import mlflow\n# flake8: noqa: MLF999, MLF101\n"


@pytest.mark.parametrize(
    "comment",
    ["# mlflow-lint: ignore MLF101", "# MLFLOW-LINT : ignore", "#mlflow_lint: ignore", "# x # mlflow-lint: noqa"],
)
def test_slips(comment: str, tmp_path: Path) -> None:
    (finding,) = found(f'import mlflow\nmlflow.set_tag("a", "b")  {comment}\n', tmp_path)
    assert finding.code == "MLF903"
    assert found(f'import mlflow\nmlflow.set_tag("a", "{comment}")\n', tmp_path) == []


# ------------------------------------------------------------------------------------------------------- flake8
def test_flake8_says_the_same(tmp_path: Path) -> None:
    silenced = HOT.replace("step=batch)", "step=batch)  # noqa: MLF101, MLF203, MLF999")
    write(tmp_path, {"a.py": silenced, "b.py": HOT + "    x = 1  # noqa: MLF101\n# mlflow-lint: ignore\n"})
    configure(tmp_path, 'extend-select = ["MLF901"]')
    plugin = doors.flake8("--select", "MLF9", ".", cwd=tmp_path)
    command = doors.mlflow_lint("--output-format", "concise", cwd=tmp_path)
    expected = [("a.py", 6, 70, "MLF901"), ("a.py", 6, 78, "MLF902"), ("b.py", 7, 20, "MLF901")]
    assert sorted(places(plugin)) == expected
    assert [place for place in places(command) if place[3].startswith("MLF9")] == expected


def test_flake8_without_noqa_does_not_judge_it(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": 'import mlflow\nmlflow.set_tag("a", "b")  # noqa: MLF101, MLF999\n'})
    configure(tmp_path, 'extend-select = ["MLF901"]')
    assert doors.flake8("--select", "MLF9", "--disable-noqa", ".", cwd=tmp_path).out == ""
