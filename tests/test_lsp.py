"""Sessions of a real editor with the language server, over its standard streams."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any

import doors
import pytest
from editor import editing, everything
from lsprotocol import types
from test_cli import BROKEN, HOT, ROW, ROW_FIXED, UNSAFE
from test_library import BASELINE, MORE, USER, WRAPPER, known, write

from mlflow_lint.rules.pages import page
from mlflow_lint.rules.registry import by_code

HARMLESS = WRAPPER.replace("    mlflow.log_metric('loss', value)\n", "    print(value)\n")
TABLE = "[tool.mlflow-lint]\n"


def session(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test that awaits."""

    @wraps(test)
    def run(**fixtures: Any) -> None:
        asyncio.run(test(**fixtures))

    return run


def texts(found: list[types.CodeAction]) -> list[str]:
    return [action.title for action in found]


# --- one document ----------------------------------------------------------------------------------------


@session
async def test_a_file_is_opened_mended_and_closed(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": HOT + ROW})
    async with editing(tmp_path) as editor:
        editor.open("a.py")
        hot, row = await editor.settled("a.py")
        assert (hot.code, hot.severity, hot.source) == ("MLF101", types.DiagnosticSeverity.Warning, "mlflow-lint")
        assert (hot.range.start, hot.range.end) == (types.Position(5, 8), types.Position(5, 51))
        assert "once per batch" in hot.message
        places = [(place.location.range.start.line, place.message) for place in hot.related_information or ()]
        assert [line for line, _ in places] == [3, 5]
        assert places[1] == (5, "log_metric")
        assert row.severity is types.DiagnosticSeverity.Information

        fix, silence = await editor.actions("a.py", 9)
        assert texts([fix, silence]) == [
            "MLF201: Merge the 2 calls into one log_metrics",
            "Disable MLF201 for this line",
        ]
        assert (fix.kind, fix.is_preferred) == (types.CodeActionKind.QuickFix, True)
        assert [each.code for each in fix.diagnostics or ()] == ["MLF201"]
        assert silence.is_preferred is None
        editor.apply(fix.edit)
        uri = editor.uri("a.py")
        assert editor.texts[uri] == HOT + ROW_FIXED
        editor.type("a.py", editor.texts[uri])
        assert [each.code for each in await editor.settled("a.py")] == ["MLF101"]

        fix, silence = await editor.actions("a.py", 6)
        assert fix.title.startswith("MLF101: ")
        assert fix.title.endswith(" (unsafe: may change what is recorded, or when)")
        assert not fix.is_preferred
        editor.apply(silence.edit)
        assert editor.texts[uri] == HOT.replace("step=batch)", "step=batch)  # noqa: MLF101") + ROW_FIXED
        editor.type("a.py", editor.texts[uri])
        assert await editor.settled("a.py") == []
        assert await editor.actions("a.py", 6) == []

        editor.close("a.py")
        await editor.until(
            lambda: editor.published[uri].version is not None and editor.published[uri].diagnostics == ()
        )
        assert await editor.actions("a.py", 6) == []
    assert (tmp_path / "a.py").read_text() == HOT + ROW


@session
async def test_findings_and_safe_fixes_are_those_of_the_command(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("mlruns", "*.db", "__pycache__")
    shutil.copytree(doors.FIXTURES, tmp_path, ignore=ignored, dirs_exist_ok=True)
    (tmp_path / "crlf.py").write_bytes((HOT + ROW + UNSAFE).replace("\n", "\r\n").encode())
    names = [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*.py"))]
    printed = json.loads(doors.mlflow_lint("--output-format", "json", cwd=tmp_path).out)
    assert len(printed) > 40
    made: dict[str, str] = {}
    async with editing(tmp_path) as editor:
        for name in names:
            editor.open(name)
            # In between it was something else, which must leave no trace.
            editor.type(name, editor.texts[editor.uri(name)] + "\nimport mlflow\nmlflow.log_param('x', 1)\n(")
            await editor.settled(name)
            editor.type(name, (tmp_path / name).read_bytes().decode())
            shown = await editor.settled(name)
            assert [(each.code, each.range.start.line + 1, each.message) for each in shown] == [
                (item["code"], item["location"]["row"], item["message"]) for item in printed if item["filename"] == name
            ]
            found = await editor.actions(name, 1, "source.fixAll")
            assert {action.kind for action in found} <= {"source.fixAll.mlflow-lint"}
            for action in found:
                editor.apply(action.edit)
            made[name] = editor.texts[editor.uri(name)]
        assert await editor.actions(names[0], 1, "source.fixAll.other", "refactor") == []
        assert texts(await editor.actions("crlf.py", 1, "source")) == ["mlflow-lint: make all safe fixes"]
    # Once: the command goes on until what one file's fix lays bare in another is mended as well.
    for name in names:
        doors.mlflow_lint("--fix", name, cwd=tmp_path)
        assert made[name] == (tmp_path / name).read_bytes().decode(), name
    assert (
        sum((doors.FIXTURES / name).exists() and made[name] != (doors.FIXTURES / name).read_text() for name in names)
        > 3
    )


@session
async def test_while_a_line_is_typed(tmp_path: Path) -> None:
    text = ROW + "\n\ndef f():\n    pass\n\n\n" + HOT
    async with editing(tmp_path) as editor:
        editor.open("a.py", text)
        await editor.settled("a.py")
        assert editor.shown("a.py") == [("MLF201", 3), ("MLF101", 16)]
        before = editor.count
        for typed in ("m", "mlflow.log_", "mlflow.log_metric(", 'mlflow.log_metric("x', 'mlflow.log_metric("x", 1'):
            editor.type("a.py", text.replace("    pass\n", f"    pass\n    {typed}\n"))
        await editor.settled("a.py")
        # Neither a flood while keys are pressed, nor an empty file because of an open bracket.
        assert editor.count - before == 1
        assert editor.shown("a.py")[0][0] == "MLF000"
        assert editor.shown("a.py")[1:] == [("MLF201", 3), ("MLF101", 17)]
        assert texts(await editor.actions("a.py", 3)) == []
        editor.type("a.py", text.replace("    pass\n", '    pass\n    mlflow.log_metric("x", 1)\n'))
        await editor.settled("a.py")
        assert editor.shown("a.py") == [("MLF201", 3), ("MLF101", 17)]

        editor.open("b.py", "x = (")
        assert await editor.settled("b.py") == []  # as for the command: the file does not name MLflow
        editor.open("c.py", BROKEN)
        (broken,) = await editor.settled("c.py")
        assert (broken.code, broken.severity) == ("MLF000", types.DiagnosticSeverity.Error)
        assert await editor.actions("c.py", 2, "source.fixAll") == []


@session
async def test_asked_at_once_after_a_key(tmp_path: Path) -> None:
    async with editing(tmp_path) as editor:
        uri = editor.open("a.py", "import mlflow\n")
        editor.type("a.py", ROW)
        found = await editor.actions("a.py", 3)
        assert texts(found)[0] == "MLF201: Merge the 2 calls into one log_metrics"
        editor.apply(found[0].edit)
        assert editor.texts[uri] == ROW_FIXED


@pytest.mark.parametrize("encoding", [None, "utf-8", "utf-16", "utf-32"])
@session
async def test_columns_are_counted_as_the_editor_does(encoding: str | None, tmp_path: Path) -> None:
    line = 'x = "😀𝒳é"; mlflow.log_metric("😀", 1.0)\n'
    text = "import mlflow\n\x0c\n" + line + 'mlflow.log_metric("b", 2.0)\n'
    encodings = [types.PositionEncodingKind(encoding)] if encoding else None
    general = types.GeneralClientCapabilities(position_encodings=encodings)
    only = {"select": ["MLF201"]}
    async with editing(tmp_path, capabilities=everything(general=general), options=only) as editor:
        uri = editor.open("a.py", text)
        (row,) = await editor.settled("a.py")
        name, size = {"utf-8": ("utf-8", 1), "utf-32": ("utf-32-le", 4)}.get(encoding or "", ("utf-16-le", 2))
        before = line[: line.index("mlflow")]
        assert row.range.start == types.Position(2, len(before.encode(name)) // size)
        whole = line[: line.index(")") + 1]
        assert row.range.end == types.Position(2, len(whole.encode(name)) // size)
        if encoding in (None, "utf-16"):
            editor.apply((await editor.actions("a.py", 3))[-1].edit)
            assert editor.texts[uri] == text.replace("1.0)", "1.0)  # noqa: MLF201")


@session
async def test_hover_shows_the_page_of_the_rule(tmp_path: Path) -> None:
    async with editing(tmp_path) as editor:
        editor.open("a.py", ROW + "x = 1  # noqa: E501, MLF305, MLF101 why\nMLF101 = 2\n")
        shown = await editor.hover("a.py", 3, 8)
        assert shown is not None
        assert isinstance(shown.contents, types.MarkupContent)
        assert shown.contents == types.MarkupContent(types.MarkupKind.Markdown, page(by_code()["MLF201"]))
        assert shown.range == types.Range(types.Position(2, 0), types.Position(2, 27))
        in_comment = await editor.hover("a.py", 5, 31)
        assert in_comment is not None
        assert in_comment.range == types.Range(types.Position(4, 29), types.Position(4, 35))
        assert "MLF101" in str(in_comment.contents)
        unknown = await editor.hover("a.py", 5, 22)
        assert unknown is not None
        assert "MLF902" in str(unknown.contents)
        for line, character in ((1, 3), (5, 0), (6, 2), (70, 1)):
            assert await editor.hover("a.py", line, character) is None


@session
async def test_a_plain_editor_gets_plain_answers(tmp_path: Path) -> None:
    async with editing(tmp_path, capabilities=types.ClientCapabilities()) as editor:
        uri = editor.open("a.py", ROW)
        (row,) = await editor.settled("a.py")
        assert row.related_information is None
        (fix, _) = await editor.actions("a.py", 3)
        assert fix.edit is not None
        assert list(fix.edit.changes or ()) == [uri]
        assert fix.edit.document_changes is None
        assert editor.watched == []
        plain = types.TextDocumentClientCapabilities(
            hover=types.HoverClientCapabilities(content_format=[types.MarkupKind.PlainText])
        )
    async with editing(tmp_path, capabilities=types.ClientCapabilities(text_document=plain)) as editor:
        editor.open("a.py", ROW)
        shown = await editor.hover("a.py", 3, 8)
        assert shown is not None
        assert isinstance(shown.contents, types.MarkupContent)
        assert shown.contents.kind is types.MarkupKind.PlainText


# --- several files ---------------------------------------------------------------------------------------


@session
async def test_a_wrapper_changes_in_the_editor_and_on_disk(tmp_path: Path) -> None:
    write(tmp_path, {"tracking.py": HARMLESS, "train.py": USER})
    both = (("MLF101", 4), ("MLF402", 4))
    async with editing(tmp_path) as editor:
        editor.open("train.py")
        await editor.until_shown("train.py")
        assert editor.watched == ["workspace/didChangeWatchedFiles"]
        # In the editor, unsaved.
        editor.open("tracking.py")
        await editor.settled("tracking.py")
        editor.type("tracking.py", WRAPPER)
        await editor.until_shown("train.py", *both)
        (place,) = [
            place
            for place in editor.published[editor.uri("train.py")].diagnostics[0].related_information or ()
            if place.location.uri == editor.uri("tracking.py")
        ]
        assert place.location.range.start.line == 4
        # Closed without saving: the disk counts.
        editor.close("tracking.py")
        await editor.until_shown("train.py")
        # On disk.
        write(tmp_path, {"tracking.py": WRAPPER})
        editor.changed_on_disk("tracking.py")
        await editor.until_shown("train.py", *both)
        (tmp_path / "tracking.py").unlink()
        editor.changed_on_disk("tracking.py", how=types.FileChangeType.Deleted)
        await editor.until_shown("train.py")
        write(tmp_path, {"tracking/__init__.py": "from .metrics import log_it\n", "tracking/metrics.py": WRAPPER})
        editor.changed_on_disk("tracking/metrics.py", how=types.FileChangeType.Created)
        await editor.until_shown("train.py", *both)
        # Through a file between them, and with an import that was not there before.
        editor.open("tracking/metrics.py", HARMLESS)
        await editor.until_shown("train.py")
        editor.type("tracking/metrics.py", WRAPPER)
        await editor.until_shown("train.py", *both)
        editor.type("train.py", USER.replace("from tracking import log_it", "import tracking"))
        await editor.until_shown("train.py")
        editor.type("train.py", editor.texts[editor.uri("train.py")].replace("    log_it", "    tracking.log_it"))
        await editor.until_shown("train.py", *both)


@session
async def test_settings_of_the_project_and_of_the_editor(tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": TABLE + 'ignore = ["MLF1"]\n', "a.py": HOT + ROW})
    hot, row = ("MLF101", 6), ("MLF201", 9)
    async with editing(tmp_path, settings={"extend-select": [], "preview": None}) as editor:
        editor.open("a.py")
        await editor.until_shown("a.py", row)
        write(tmp_path, {"pyproject.toml": TABLE})
        editor.changed_on_disk("pyproject.toml")
        await editor.until_shown("a.py", hot, row)
        editor.settings = {"ignore": ["MLF2"]}
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
        await editor.until_shown("a.py", hot)
        changed = types.DidChangeConfigurationParams({"mlflow-lint": {"select": ["MLF2"]}})
        editor.client.workspace_did_change_configuration(changed)
        await editor.until_shown("a.py", row)
        assert editor.messages == []
        # Mistakes are told once, and leave the rest as it is.
        wrong = types.DidChangeConfigurationParams({"mlflow-lint": {"selct": ["MLF2"]}})
        editor.client.workspace_did_change_configuration(wrong)
        await editor.until_shown("a.py", hot, row)
        write(tmp_path, {"pyproject.toml": TABLE + "selct = []\n"})
        editor.changed_on_disk("pyproject.toml")
        await editor.until_shown("a.py")
        editor.changed_on_disk("pyproject.toml")
        write(tmp_path, {"pyproject.toml": TABLE})
        editor.changed_on_disk("pyproject.toml")
        await editor.until_shown("a.py", hot, row)
        assert editor.messages == [
            "mlflow-lint: settings of the editor: unknown key `selct`, did you mean `select`?",
            f"mlflow-lint: {tmp_path / 'pyproject.toml'}: unknown key `selct`, did you mean `select`?",
        ]
    async with editing(tmp_path, "--ignore", "MLF1", options={"min-group-size": 3}) as editor:
        editor.open("a.py")
        await editor.until_shown("a.py")


# --- known findings --------------------------------------------------------------------------------------


@session
async def test_what_a_baseline_knows_is_neither_shown_nor_fixed(tmp_path: Path) -> None:
    known(tmp_path, {"a.py": ROW, "b.py": HOT})
    async with editing(tmp_path) as editor:
        uri = editor.open("a.py")
        assert await editor.settled("a.py") == []
        assert await editor.actions("a.py", 3) == []
        assert await editor.actions("a.py", 3, "source.fixAll") == []
        assert await editor.hover("a.py", 3, 8) is None

        # One more of the same is new, also once the file is broken and while it is mended.
        editor.type("a.py", ROW + MORE)
        await editor.until_shown("a.py", ("MLF201", 8))
        editor.type("a.py", ROW + MORE + "x = (\n")
        await editor.settled("a.py")
        assert editor.shown("a.py") == [("MLF000", 10), ("MLF201", 8)]
        editor.type("a.py", ROW + MORE)
        await editor.until_shown("a.py", ("MLF201", 8))
        assert await editor.actions("a.py", 3) == []
        fix, silence = await editor.actions("a.py", 8)
        assert texts([fix, silence]) == [
            "MLF201: Merge the 2 calls into one log_metrics",
            "Disable MLF201 for this line",
        ]
        (everywhere,) = await editor.actions("a.py", 1, "source.fixAll")
        assert everywhere.edit == fix.edit
        editor.apply(fix.edit)
        assert editor.texts[uri] == ROW + "x = input()\n" + ROW_FIXED
        assert editor.messages == editor.log == []


@session
async def test_a_baseline_changes_on_disk_and_breaks(tmp_path: Path) -> None:
    file = tmp_path / "base.json"
    write(tmp_path, {"pyproject.toml": BASELINE, "base.json": '{"version": 1, "findings": []}', "a.py": ROW})
    missing = f"mlflow-lint: {file}: there is no such baseline (--update-baseline makes one)"
    async with editing(tmp_path) as editor:
        editor.open("a.py")
        await editor.until_shown("a.py", ("MLF201", 3))
        known(tmp_path, {})
        editor.changed_on_disk("base.json")
        await editor.until_shown("a.py")

        # Told once; what is found is shown, and nothing is fixed of which nobody can say that it is new.
        whole = file.read_bytes()
        file.unlink()
        editor.changed_on_disk("base.json", how=types.FileChangeType.Deleted)
        await editor.until_shown("a.py", ("MLF201", 3))
        editor.type("a.py", ROW + "x = 1\n")
        await editor.settled("a.py")
        assert editor.shown("a.py") == [("MLF201", 3)]
        assert editor.messages == [missing]
        assert await editor.actions("a.py", 3, "source.fixAll") == []
        assert len(await editor.actions("a.py", 3)) == 2
        file.write_bytes(b"<<<<<<< HEAD\n" + whole)
        editor.type("a.py", ROW)
        await editor.settled("a.py")
        assert editor.shown("a.py") == [("MLF201", 3)]
        assert len(editor.messages) == 2
        assert "base.json: the baseline cannot be read: it is not JSON" in editor.messages[1]

        # Without a word from the editor: each check reads what is there.
        file.write_bytes(whole)
        editor.type("a.py", ROW + "y = 1\n")
        assert await editor.settled("a.py") == []
        assert len(editor.messages) == 2
        assert editor.log == []


@session
async def test_the_baseline_of_the_editor(tmp_path: Path) -> None:
    known(tmp_path, {"a.py": ROW})
    async with editing(tmp_path, "--no-baseline") as editor:
        editor.open("a.py")
        await editor.until_shown("a.py", ("MLF201", 3))
    (tmp_path / "pyproject.toml").unlink()
    async with editing(tmp_path, settings={"baseline": "base.json"}) as editor:
        editor.open("a.py")
        await editor.until_shown("a.py")
        editor.open("untitled:Untitled-1", ROW)
        await editor.until_shown("untitled:Untitled-1", ("MLF201", 3))


@session
async def test_comments_about_comments_are_not_offered(tmp_path: Path) -> None:
    malformed = "x = 1  # mlflow-lint: ignore MLF203\n"
    text = "import mlflow\n\nx = 1  # noqa: MLF101\nx = 1  # noqa: MLF1010\n" + malformed
    async with editing(tmp_path, "--extend-select", "MLF901") as editor:
        editor.open("a.py", text)
        await editor.settled("a.py")
        assert editor.shown("a.py") == [("MLF901", 3), ("MLF902", 4), ("MLF903", 5)]
        offered = [title for line in (3, 4, 5) for title in texts(await editor.actions("a.py", line))]
        assert [title.partition(":")[0] for title in offered] == ["MLF901", "MLF902"]


@session
async def test_several_folders(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "one/pyproject.toml": TABLE + 'ignore = ["MLF402"]\n',
            "one/tracking.py": WRAPPER,
            "one/jobs/train.py": USER,
            "two/tracking.py": HARMLESS,
            "two/jobs/train.py": USER,
            "two/venv/a.py": HOT,
            "three/a.py": HOT,
            "three/site-packages/mlflow/a.py": HOT,
        },
    )
    async with editing(tmp_path, folders=("one", "two")) as editor:
        foreign = "three/site-packages/mlflow/a.py"
        for name in ("one/jobs/train.py", "two/jobs/train.py", "two/venv/a.py", "three/a.py", foreign):
            editor.open(name)
        await editor.until_shown("one/jobs/train.py", ("MLF101", 4))
        await editor.until_shown("two/jobs/train.py")
        await editor.until_shown("two/venv/a.py")  # excluded
        await editor.until_shown(foreign)  # somebody looks into an installed package
        await editor.until_shown("three/a.py", ("MLF101", 6))
        editor.open("two/tracking.py", WRAPPER)
        await editor.until_shown("two/jobs/train.py", ("MLF101", 4), ("MLF402", 4))


@session
async def test_an_editor_that_watches_no_files(tmp_path: Path) -> None:
    write(tmp_path, {"tracking.py": HARMLESS, "train.py": USER})
    async with editing(tmp_path, capabilities=types.ClientCapabilities()) as editor:
        uri = editor.open("train.py")
        await editor.until_shown("train.py")
        write(tmp_path, {"tracking.py": WRAPPER})
        saved = types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(uri))
        editor.client.text_document_did_save(saved)
        await editor.until_shown("train.py", ("MLF101", 4), ("MLF402", 4))


# --- notebooks -------------------------------------------------------------------------------------------


def cell_uri(number: int) -> str:
    return f"vscode-notebook-cell:/project/a.ipynb#W{number}"


@session
async def test_a_cell_that_is_opened_alone(tmp_path: Path) -> None:
    async with editing(tmp_path) as editor:
        uri = editor.open(cell_uri(1), "%pip install mlflow\n" + ROW)
        (row,) = await editor.settled(uri)
        assert (row.code, row.range.start.line) == ("MLF201", 3)
        editor.apply((await editor.actions(uri, 4))[0].edit)
        assert editor.texts[uri] == "%pip install mlflow\n" + ROW_FIXED
        editor.open(cell_uri(2), "%%bash\nmlflow (\n")
        assert await editor.settled(cell_uri(2)) == []


@session
async def test_a_notebook(tmp_path: Path) -> None:
    uri = (tmp_path / "a.ipynb").as_uri()

    def cell(number: int) -> types.NotebookCell:
        return types.NotebookCell(types.NotebookCellKind.Code, cell_uri(number))

    def text(number: int, source: str) -> types.TextDocumentItem:
        editor.texts[cell_uri(number)] = source
        editor.versions[cell_uri(number)] = 1
        return types.TextDocumentItem(cell_uri(number), "python", 1, source)

    def change(cells: types.NotebookDocumentCellChanges) -> None:
        identifier = types.VersionedNotebookDocumentIdentifier(1, uri)
        event = types.NotebookDocumentChangeEvent(cells=cells)
        editor.client.notebook_document_did_change(types.DidChangeNotebookDocumentParams(identifier, event))

    async with editing(tmp_path) as editor:
        notebook = types.NotebookDocument(uri, "jupyter-notebook", 0, [cell(1), cell(2)])
        opened = [text(1, "%pip install mlflow\nimport mlflow"), text(2, ROW.partition("\n")[2])]
        editor.client.notebook_document_did_open(types.DidOpenNotebookDocumentParams(notebook, opened))
        (row,) = await editor.settled(cell_uri(2))
        assert (row.code, row.range.start.line) == ("MLF201", 1)
        assert [place.location.uri for place in row.related_information or ()] == [cell_uri(2)] * 2
        assert await editor.settled(cell_uri(1)) == []

        # A line is typed in a cell, as a change of a range, and one cell is broken: the other keeps its finding.
        where = types.Range(types.Position(1, 0), types.Position(1, 0))
        partial = types.TextDocumentContentChangePartial(where, "# 😀\n")
        identifier = types.VersionedTextDocumentIdentifier(2, cell_uri(2))
        content = types.NotebookDocumentCellContentChanges(identifier, [partial])
        change(types.NotebookDocumentCellChanges(text_content=[content]))
        editor.texts[cell_uri(2)] = editor.texts[cell_uri(2)].replace("\n", "\n# 😀\n", 1)
        editor.versions[cell_uri(2)] = 2
        (row,) = await editor.settled(cell_uri(2))
        assert row.range.start.line == 2
        array = types.NotebookCellArrayChange(2, 0, [cell(3)])
        structure = types.NotebookDocumentCellChangeStructure(array, did_open=[text(3, HOT + "(")])
        change(types.NotebookDocumentCellChanges(structure=structure))
        (broken,) = await editor.settled(cell_uri(3))
        assert broken.code == "MLF000"
        assert [each.code for each in await editor.settled(cell_uri(2))] == ["MLF201"]

        (fix, silence) = await editor.actions(cell_uri(2), 3)
        assert texts([fix, silence])[1] == "Disable MLF201 for this line"
        editor.apply(fix.edit)
        assert editor.texts[cell_uri(2)] == ROW_FIXED.partition("\n")[2].replace("\n", "\n# 😀\n", 1)
        (everywhere,) = await editor.actions(cell_uri(3), 1, "source.fixAll")
        assert [each.text_document.uri for each in everywhere.edit.document_changes] == [cell_uri(2)]  # type: ignore
        hovered = await editor.hover(cell_uri(2), 3, 3)
        assert hovered is not None

        # The cell with the import goes: nothing is known to be MLflow any more.
        array = types.NotebookCellArrayChange(0, 1, [])
        closed = [types.TextDocumentIdentifier(cell_uri(1))]
        change(
            types.NotebookDocumentCellChanges(structure=types.NotebookDocumentCellChangeStructure(array, [], closed))
        )
        await editor.until(lambda: editor.shown(cell_uri(2)) == [])
        identifiers = [types.TextDocumentIdentifier(cell_uri(number)) for number in (2, 3)]
        closing = types.DidCloseNotebookDocumentParams(types.NotebookDocumentIdentifier(uri), identifiers)
        editor.client.notebook_document_did_close(closing)
        await editor.until(lambda: editor.shown(cell_uri(3)) == [])


# --- when things go wrong --------------------------------------------------------------------------------

CRASHING = """\
import sys
from mlflow_lint import __main__
from mlflow_lint.lsp import checking

real = checking.check_source

def check_source(project, file, source, settings):
    if "CRASH" in source.text:
        raise ZeroDivisionError("in the analysis")
    if "PANIC" in source.text:
        raise BaseException("in the parser")
    return real(project, file, source, settings)

checking.check_source = check_source
sys.argv = ["mlflow-lint", "--lsp"]
sys.exit(__main__.main())
"""


@session
async def test_a_defect_ends_a_check_and_not_the_server(tmp_path: Path) -> None:
    (tmp_path / "crashing.txt").write_text(CRASHING)
    async with editing(tmp_path, command=(sys.executable, "crashing.txt")) as editor:
        for number, word in enumerate(("CRASH", "PANIC"), start=1):
            editor.open(f"{word}.py", f"import mlflow  # {word}\n")
            assert await editor.actions(f"{word}.py", 1) == []
            assert len(editor.log) == number
        assert "ZeroDivisionError: in the analysis: a defect of mlflow-lint" in editor.log[0]
        editor.type("CRASH.py", ROW)
        assert [each.code for each in await editor.settled("CRASH.py")] == ["MLF201"]
        assert editor.messages == []


@session
async def test_any_text_has_an_answer(tmp_path: Path) -> None:
    write(tmp_path, {"a.ipynb": "{", "latin.py": "x = 1\n"})
    async with editing(tmp_path) as editor:
        hostile = {
            "nul.py": "import mlflow\0",
            "surrogate.py": "import mlflow\n'\ud83d'\n",
            "deep.py": "import mlflow\n" + "(" * 5000,
            "a.ipynb": ROW,
            "untitled:Untitled-1": ROW,
            "gone/away.py": ROW,
            "mark.py": "\ufeff" + ROW,
            "latin.py": "# coding: latin-1\n" + ROW.replace('"a"', '"é"'),
            "empty.py": "",
        }
        for name, text in hostile.items():
            editor.open(name, text)
        for name in hostile:
            codes = [each.code for each in await editor.settled(name)]
            expected = ["MLF000"] if name in ("nul.py", "surrogate.py", "deep.py") else ["MLF201"]
            assert codes == ([] if name == "empty.py" else expected), name
        editor.apply((await editor.actions("mark.py", 3))[0].edit)
        assert editor.texts[editor.uri("mark.py")] == "\ufeff" + ROW_FIXED
        editor.client.text_document_did_open(
            types.DidOpenTextDocumentParams(types.TextDocumentItem(editor.uri("b.json"), "json", 1, "{mlflow"))
        )
        assert await editor.actions("b.json", 1) == []
        assert editor.log == []
        assert editor.messages == []


def test_without_the_extra(tmp_path: Path) -> None:
    (tmp_path / "pygls.py").write_text("raise ModuleNotFoundError('No module named pygls', name='pygls')\n")
    path = f"{tmp_path}:{doors.environment().get('PYTHONPATH', '')}".rstrip(":")
    ran = doors.mlflow_lint("--lsp", cwd=tmp_path, env={"PYTHONPATH": path})
    expected = "mlflow-lint: error: --lsp needs pygls 2 or later: pip install 'mlflow-lint[lsp]'\n"
    assert ran == doors.Ran(2, "", expected)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.py"], "--lsp takes no paths"),
        (["--select", "MLF199"], "`select` names the unknown code `MLF199`"),
        (["--config", "missing.toml"], "missing.toml"),
    ],
    ids=str,
)
def test_usage_errors(arguments: list[str], said: str, tmp_path: Path) -> None:
    ran = doors.mlflow_lint("--lsp", *arguments, cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1


def test_an_editor_that_goes_away_takes_the_server_along(tmp_path: Path) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}})
    message = f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
    done = subprocess.run(
        [*doors.command(), "--lsp"],
        cwd=tmp_path,
        input=message,
        env=doors.environment(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b'"serverInfo"' in done.stdout
    assert b"Traceback" not in done.stderr


def test_nobody_else_pays_for_the_server(tmp_path: Path) -> None:
    program = (
        "import sys; from mlflow_lint import cli, flake8_plugin, library; print([m for m in sys.modules if 'lsp' in m])"
    )
    assert doors.run([sys.executable, "-c", program], tmp_path).out == "[]\n"
