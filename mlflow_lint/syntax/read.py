"""From decoded text to facts: a file of Python as a whole, a notebook, in whatever form it is kept, cell by cell.

Invariant: a cell is read by itself, so that one that is no Python takes nothing from the others; the facts are those of
one module all the same.
"""

from __future__ import annotations

import contextlib

from mlflow_lint.facts import model as facts
from mlflow_lint.record import record
from mlflow_lint.regex import regex
from mlflow_lint.source.cells import cells_of
from mlflow_lint.source.file import Cell, LineIndex, SourceFile, is_databricks
from mlflow_lint.syntax.lower import lower
from mlflow_lint.syntax.parse import SyntaxFailure, parse
from mlflow_lint.syntax.stretches import stretches
from mlflow_lint.timings import phase

_NO_TEXT = regex("[\0\ud800-\udfff]")
# Notebooks take a cell that is indented as a whole; under a header, so does Python.
_INDENTED = regex(r"(?:[ \t]*(?:#[^\r\n]*)?[\r\n])*[ \t]+[^\s#]")
_HEADER = "if 1:\n"


@record
class BrokenCell:
    """A cell of a notebook that is not Python.

    Line and column are those in the cell, or, where `number` is None, those in a file of Python.
    """

    number: int | None
    message: str
    line: int
    column: int


def read(source: SourceFile) -> tuple[facts.Module, tuple[BrokenCell, ...]]:
    """The facts of a source, and what cells of a notebook they do without; to be called within `with_deep_stack`.

    Raises `SyntaxFailure` for a file that is not Python.
    """
    if source.cells is None and not is_databricks(source.text):
        return facts.Module(_block(source.text, 0)), ()
    from mlflow_lint.source.included import included  # most runs meet no notebook

    lines = LineIndex(source.text)
    statements: list[facts.Statement] = []
    broken: list[BrokenCell] = []
    paths: list[str] = []
    for number, cell in enumerate(cells_of(source), start=1):
        try:
            statements += _block_of_python(cell)
        except SyntaxFailure as error:
            if source.cells is not None:
                broken.append(BrokenCell(number, error.message, error.line, error.column))
            else:
                above = lines.position(cell.start)[0] - 1
                broken.append(BrokenCell(None, error.message, above + error.line, error.column))
        paths += included(cell.text) if cell.python else ()
    return facts.Module(tuple(statements), tuple(dict.fromkeys(paths))), tuple(broken)


def _block_of_python(cell: Cell) -> facts.Block:
    unknown = _NO_TEXT.search(cell.python)
    if unknown:
        raise SyntaxFailure("NUL or lone surrogate in the text", *LineIndex(cell.text).position(unknown.start()))
    if not _INDENTED.match(cell.python):
        return _block(cell.python, cell.start)
    try:
        header, *rest = _block(_HEADER + cell.python, cell.start - len(_HEADER))
    except SyntaxFailure as error:
        raise SyntaxFailure(error.message, max(1, error.line - 1), error.column) from None
    assert isinstance(header, facts.If)
    return (*header.body, *rest)


def _block(text: str, start: int) -> facts.Block:
    """The facts of a text that begins at an offset of the source."""
    parts = stretches(text)
    if len(parts) > 1:
        with contextlib.suppress(SyntaxFailure):  # which says where in a stretch, and may only be about where it ends
            blocks = [_whole(text[begin:end], start + begin) for begin, end in parts]
            return tuple([statement for block in blocks for statement in block])
    return _whole(text, start)


def _whole(text: str, start: int) -> facts.Block:
    with phase("parse"):
        tree = parse(text)
    with phase("lower"):
        block = lower(tree, text, start).body
        del tree  # takes as long as to make some of it
    return block
