"""Findings as the editor shows them: a range, a message, and the chain of reasons as related places.

Invariant: each diagnostic is made of one finding and of the text that it was found in.
"""

from __future__ import annotations

from lsprotocol import types
from pygls.uris import from_fs_path
from pygls.workspace import PositionCodec

from mlflow_lint.findings import Finding, Severity, Step
from mlflow_lint.lsp.checking import Result
from mlflow_lint.lsp.positions import Positions

SOURCE = "mlflow-lint"

_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.INFO: types.DiagnosticSeverity.Information,
}


class Diagnostics:
    """Makes the diagnostics of one checked document."""

    def __init__(self, result: Result, codec: PositionCodec, *, related: bool) -> None:
        self._result = result
        self._document = result.document
        self._related = related
        """Whether the editor can show related places."""
        self._positions = {part.uri: Positions(part.text, codec) for part in result.document.parts}

    def of(self, finding: Finding) -> types.Diagnostic:
        """The diagnostic of one finding."""
        return types.Diagnostic(
            range=self.range(finding),
            message=finding.message,
            severity=_SEVERITIES[finding.severity],
            code=finding.code,
            source=SOURCE,
            related_information=[self._place(step) for step in finding.chain] if self._related else None,
        )

    def uri(self, finding: Finding) -> str:
        """The text that a finding is in."""
        return self._document.part(finding.region.cell).uri

    def range(self, finding: Finding) -> types.Range:
        """Where a finding is in its text."""
        return self._positions[self.uri(finding)].region(finding.region)

    def _place(self, step: Step) -> types.DiagnosticRelatedInformation:
        file = str(self._result.folder / step.path)
        if file == self._document.file:
            uri = self._document.part(step.cell).uri
            where = self._positions[uri].whole_line(step.line)
        else:
            start = types.Position(step.line - 1, 0)
            uri, where = from_fs_path(file) or "", types.Range(start, start)
        return types.DiagnosticRelatedInformation(types.Location(uri, where), step.text)
