"""What the language server is made of: positions, edits, silencing comments, findings kept while code is broken."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from editor import applied
from hypothesis import given, settings
from hypothesis import strategies as st
from linting import check
from lsprotocol import types
from pygls.workspace import PositionCodec
from test_cli import HOT, ROW

from mlflow_lint.config import default_settings
from mlflow_lint.engine import Checked, Project, check_files
from mlflow_lint.findings import Finding
from mlflow_lint.lsp.checking import Checker, Result, Workspace
from mlflow_lint.lsp.documents import Document, Documents, Part, changed
from mlflow_lint.lsp.edits import line_edits
from mlflow_lint.lsp.keeping import kept
from mlflow_lint.lsp.positions import Positions

UNITS = {
    types.PositionEncodingKind.Utf8: ("utf-8", 1),
    types.PositionEncodingKind.Utf16: ("utf-16-le", 2),
    types.PositionEncodingKind.Utf32: ("utf-32-le", 4),
}
CHARACTERS = st.sampled_from("ab é\t\f\v\x85\u2028\u2029日😀𝒳\U0010ffff\r\n")
TEXTS = st.lists(st.one_of(CHARACTERS, st.just("\r\n")), max_size=40).map("".join)
encodings = pytest.mark.parametrize("encoding", UNITS, ids=lambda encoding: encoding.value)


def position_by_bytes(text: str, offset: int, encoding: types.PositionEncodingKind) -> types.Position:
    """The position of an offset, counted in encoded bytes; the text before it is all that is looked at."""
    name, size = UNITS[encoding]
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    if text[offset - 1 : offset + 1] == "\r\n":  # between the two, where nothing can be
        before = text[: offset - 1].replace("\r\n", "\n").replace("\r", "\n")
    line = before.rpartition("\n")[2]
    return types.Position(before.count("\n"), len(line.encode(name)) // size)


@encodings
@given(text=TEXTS, data=st.data())
def test_positions_agree_with_the_bytes_of_the_encoding(
    encoding: types.PositionEncodingKind, text: str, data: st.DataObject
) -> None:
    positions = Positions(text, PositionCodec(encoding))
    offset = data.draw(st.integers(0, len(text)))
    position = positions.position(offset)
    assert position == position_by_bytes(text, offset, encoding)
    back = positions.offset(position)
    assert back == (offset - 1 if text[offset - 1 : offset + 1] == "\r\n" and offset else offset)


@given(text=TEXTS, line=st.integers(0, 60), character=st.integers(0, 200))
def test_places_outside_are_taken_for_the_nearest_inside(text: str, line: int, character: int) -> None:
    positions = Positions(text, PositionCodec())
    offset = positions.offset(types.Position(line, character))
    assert 0 <= offset <= len(text)
    assert positions.position(offset).line == min(line, positions.position(len(text)).line)
    assert positions.at(line, character).line <= positions.position(len(text)).line


@given(before=TEXTS, after=TEXTS)
def test_edits_give_the_other_text(before: str, after: str) -> None:
    edits = line_edits(before, after, Positions(before, PositionCodec()))
    assert applied(before, edits) == after
    assert (before == after) == (edits == [])


@given(text=TEXTS, data=st.data())
def test_changes_are_those_of_the_editor(text: str, data: st.DataObject) -> None:
    positions = Positions(text, PositionCodec())
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    where, new = positions.range(start, end), data.draw(TEXTS)
    change = types.TextDocumentContentChangePartial(where, new)
    assert changed(text, [change], PositionCodec()) == applied(text, [types.TextEdit(where, new)])
    whole = types.TextDocumentContentChangeWholeDocument(new)
    assert changed(text, [change, whole], PositionCodec()) == new


def test_paths_of_documents(tmp_path: Path) -> None:
    documents = Documents(tmp_path)

    def file(uri: str, *, notebook: bool = False) -> str:
        return documents.put(uri, [Part(uri, "", 1)], notebook=notebook).file

    assert file((tmp_path / "a b é.py").as_uri()) == str(tmp_path / "a b é.py")
    assert file("untitled:Untitled-1") == str(tmp_path / "Untitled-1")
    assert file("untitled:Untitled-1", notebook=True) == str(tmp_path / "Untitled-1.ipynb")
    assert file("untitled:Untitled-2.ipynb?jupyter-notebook", notebook=True) == str(tmp_path / "Untitled-2.ipynb")
    assert file("vscode-notebook-cell:/home/ada/a%20b.ipynb#W0sZmlsZQ%3D%3D") == "/home/ada/a b.ipynb"


# --- silencing -------------------------------------------------------------------------------------------

CONTINUED = """\
import mlflow

for batch in train_loader:
    with open(\\
        mlflow.log_metric("loss", train_step(batch), step=batch)) as file, \\
        open("b"):
        pass
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (ROW, 'mlflow.log_metric("a", 1.0)  # noqa: MLF201\n'),
        (ROW.replace("1.0)", "1.0)  # note"), 'mlflow.log_metric("a", 1.0)  # note  # noqa: MLF201\n'),
        (ROW.replace("1.0)", "1.0) # noqa: E501"), 'mlflow.log_metric("a", 1.0) # noqa: E501, MLF201\n'),
        (ROW.replace("1.0)", "1.0) # noqa:E501,W1 why"), 'mlflow.log_metric("a", 1.0) # noqa:E501,W1, MLF201 why\n'),
        (ROW.replace("1.0)", "1.0)  \t"), 'mlflow.log_metric("a", 1.0)  # noqa: MLF201  \t\n'),
        (ROW.replace('"a"', '"""a\n"""'), '""", 1.0)  # noqa: MLF201\n'),
        (HOT.replace("\n", "\r\n"), 'step=batch)  # noqa: MLF101\r\n'),
        (CONTINUED, '        open("b"):  # noqa: MLF101\n'),
        (ROW.rstrip(), 'mlflow.log_metric("a", 1.0)  # noqa: MLF201\n'),
    ],
    ids=["plain", "comment", "noqa", "several", "blanks", "string", "crlf", "backslash", "no newline"],
)  # fmt: skip
def test_a_silenced_finding_is_gone_and_no_code_changed(code: str, expected: str, tmp_path: Path) -> None:
    finding = found(code, tmp_path)
    text = silenced(code, finding, tmp_path / "code.py")
    assert text is not None
    assert expected in text
    assert finding.code not in {other.code for other in check(text, tmp_path).findings}
    assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(code))


def test_in_a_cell_magics_are_no_python(tmp_path: Path) -> None:
    finding = found(ROW, tmp_path)
    in_cell = replace(finding, region=replace(finding.region, cell=1))
    magic = "%pip install 'mlflow\n"
    text = silenced(ROW + magic, in_cell, tmp_path / "code.ipynb")
    assert text == ROW.replace("1.0)", "1.0)  # noqa: MLF201") + magic
    assert silenced("%%bash\n" + ROW, in_cell, tmp_path / "code.ipynb") is None


def silenced(code: str, finding: Finding, file: Path) -> str | None:
    document = Document("", str(file), (Part("", code, None),), 0)
    texts = Checker().silenced(Result(document, Checked("", ()), file.parent), finding)
    return None if texts is None else texts[0]


def found(code: str, folder: Path) -> Finding:
    """The one finding that is asked about."""
    return next(finding for finding in check(code, folder).findings if finding.code in ("MLF101", "MLF201"))


# --- keeping ---------------------------------------------------------------------------------------------


def test_what_is_kept_stands_on_its_line(tmp_path: Path) -> None:
    text = HOT + "\n\ndef f():\n    pass\n\n\n" + ROW
    findings = check(text, tmp_path).findings
    assert [(finding.code, finding.region.line) for finding in findings] == [("MLF101", 6), ("MLF201", 15)]

    def lines(now: str) -> list[tuple[str, int, bool]]:
        return [(each.code, each.region.line, each.fix is None) for each in kept(findings, text, now)]

    both = [("MLF101", 6, True), ("MLF201", 15, True)]
    assert lines(text) == both
    assert lines(text.replace("    pass", "    pass(")) == both
    assert lines(text.replace("    pass", "    pass(\n\n")) == [both[0], ("MLF201", 17, True)]
    assert lines("x = (\n" + text) == [("MLF101", 7, True), ("MLF201", 16, True)]
    assert lines(text.replace('"loss"', '"loss')) == [both[1]]
    assert lines(text + "x = (") == both
    assert lines("") == []


# --- checking --------------------------------------------------------------------------------------------

HELPER = "def log_it(value):\n    {}\n"
VARIANTS = {
    "tracking.py": [
        "import mlflow\n\n\n" + HELPER.format("mlflow.log_metric('loss', value)"),
        "import mlflow\n\n\n" + HELPER.format("print(value)"),
        "import mlflow\n\n\n" + HELPER.format("mlflow.log_metric('loss'"),
        "x = 1\n",
    ],
    "middle.py": ["from tracking import log_it\n", "from tracking import *\n", HELPER.format("pass"), "from trac"],
    "train.py": [
        f"{imports}\n\nfor batch in train_loader:\n    {name}(train_step(batch))\n"
        for imports, name in (
            ("from middle import log_it", "log_it"),
            ("from tracking import log_it", "log_it"),
            ("import middle", "middle.log_it"),
            ("import middle", "print"),
        )
    ],
}
EDITS = st.lists(
    st.sampled_from([(name, number, saved) for name in VARIANTS for number in range(4) for saved in (True, False)]),
    min_size=1,
    max_size=8,
)


@settings(max_examples=30, deadline=None)
@given(edits=EDITS)
def test_what_was_checked_before_leaves_no_trace(edits: list[tuple[str, int, bool]]) -> None:
    with TemporaryDirectory() as in_editor, TemporaryDirectory() as on_disk:
        folder, saved_folder = Path(in_editor), Path(on_disk)
        checker, documents = Checker(), Documents(folder)
        for name, texts in VARIANTS.items():
            for place in (folder, saved_folder):
                (place / name).write_text(texts[0])
        for name, number, saved in edits:
            text = VARIANTS[name][number]
            (saved_folder / name).write_text(text)
            uri = (folder / name).as_uri()
            if saved:
                documents.remove(uri)
                (folder / name).write_text(text)
            else:
                documents.put(uri, [Part(uri, text, None)])
            for seen in VARIANTS:
                text = (saved_folder / seen).read_text()
                document = Document("", str(folder / seen), (Part("", text, None),), 0)
                shown = checker.check(document, Workspace((folder,), documents.texts())).checked
                fresh = check_files(
                    Project(saved_folder, saved_folder), [(saved_folder / seen, default_settings(saved_folder))]
                )
                assert shown.findings == fresh[0].findings
