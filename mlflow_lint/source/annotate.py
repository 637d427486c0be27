"""Write `# noqa: MLF101` behind lines.

Invariant: nothing is changed but comments are made longer or begun, and only where Python reads a comment: never in a
string, nor behind a line that a backslash continues.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from mlflow_lint.findings import Edit
from mlflow_lint.source.directives import NOT_TOKENS, Directive, Form, directives, stretches
from mlflow_lint.source.file import Cell, LineIndex, SourceFile, split_lines


def noqa_edits(source: SourceFile, wanted: Mapping[tuple[int | None, int], Collection[str]]) -> list[Edit]:
    """The edits that silence codes by cell and line. What cannot be silenced where it stands is left out."""
    if source.cells is None:
        whole = Cell(0, source.text, source.text)
        return list(_edits(whole, {line: codes for (_, line), codes in wanted.items()}))
    edits: list[Edit] = []
    for number, cell in enumerate(source.cells, start=1):
        here = {line: codes for (of_cell, line), codes in wanted.items() if of_cell == number}
        edits += _edits(cell, here) if here else ()
    return edits


def _edits(cell: Cell, wanted: Mapping[int, Collection[str]]) -> Iterator[Edit]:
    lines = split_lines(cell.python)
    texts = split_lines(cell.text)
    index = LineIndex(cell.python)
    by_line = directives(cell.python).by_line
    try:
        found = list(stretches(lines))
    except NOT_TOKENS:
        return
    for stretch in found:
        asked = {code for line in range(stretch.first, stretch.line + 1) for code in wanted.get(line, ())}
        # What only IPython understands takes no comment.
        if not asked or texts[stretch.line - 1] != lines[stretch.line - 1]:
            continue
        noqa = next((one for one in by_line.get(stretch.line, ()) if _takes_codes(one)), None)
        if noqa is not None:
            new = sorted(asked.difference(selector.code for selector in noqa.selectors))
            at, text = noqa.end, "".join(f", {code}" for code in new)
        else:
            at = index.offset(stretch.line, 1) + stretch.column
            text = f"{'  ' if stretch.column else ''}# noqa: {', '.join(sorted(asked))}"
        yield Edit(cell.start + at, cell.start + at, text)


def _takes_codes(directive: Directive) -> bool:
    return directive.form is Form.NOQA and bool(directive.selectors)
