"""Places in a text as the protocol counts them: from 0, columns in the units that editor and server have agreed on.

Invariant: a place outside the text becomes the nearest one inside, and lines end where Python and the protocol say, at
`\\n`, `\\r\\n` and `\\r` and nowhere else.
"""

from __future__ import annotations

from lsprotocol import types
from pygls.workspace import PositionCodec

from mlflow_lint.findings import Region
from mlflow_lint.source.file import LineIndex


class Positions:
    """The positions of one text; `codec` counts the units of a string, UTF-16 unless the editor prefers others."""

    def __init__(self, text: str, codec: PositionCodec) -> None:
        self._text = text
        self._index = LineIndex(text)
        self._codec = codec

    def at(self, line: int, column: int) -> types.Position:
        """The position of a line and a column in code points, both from 1."""
        line = min(max(line, 1), self._index.line_count)
        before = self._index.line(line)[: max(column - 1, 0)]
        return types.Position(line - 1, self._codec.client_num_units(before))

    def position(self, offset: int) -> types.Position:
        """The position of an offset in code points."""
        return self.at(*self._index.position(min(max(offset, 0), len(self._text))))

    def range(self, start: int, end: int) -> types.Range:
        """The range between two offsets."""
        return types.Range(self.position(start), self.position(end))

    def region(self, region: Region) -> types.Range:
        """The range of a region of this text."""
        return types.Range(self.at(region.line, region.column), self.at(region.end_line, region.end_column))

    def whole_line(self, line: int) -> types.Range:
        """The range of a line, from 1, without its indentation and newline."""
        text = self._index.line(min(max(line, 1), self._index.line_count))
        indentation = len(text) - len(text.lstrip())
        return types.Range(self.at(line, indentation + 1), self.at(line, len(text) + 1))

    def offset(self, position: types.Position) -> int:
        """The offset of a position; of one inside a character, the character's end."""
        line = min(position.line + 1, self._index.line_count)
        units = position.character if position.line < self._index.line_count else 0
        text = self._index.line(line)
        column = 0
        while units > 0 and column < len(text):
            units -= self._codec.client_num_units(text[column])
            column += 1
        if position.line >= self._index.line_count:
            column = len(text)
        return self._index.offset(line, column + 1)
