"""What the editor offers to do: fix a finding, silence it, or make all safe fixes.

Invariant: a fix is offered only if its result stands up to the checks that the command makes before it keeps one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsprotocol import types
from pygls.workspace import PositionCodec

from mlflow_lint.findings import Applicability, Finding
from mlflow_lint.lsp.checking import Checker, Result, Workspace
from mlflow_lint.lsp.diagnostics import Diagnostics
from mlflow_lint.lsp.documents import Part
from mlflow_lint.lsp.edits import line_edits
from mlflow_lint.lsp.positions import Positions
from mlflow_lint.rules.registry import by_code

FIX_ALL = f"{types.CodeActionKind.SourceFixAll.value}.mlflow-lint"
KINDS = (types.CodeActionKind.QuickFix.value, FIX_ALL)
"""Kinds of actions there are."""


class Actions:
    """The actions for one checked document; what is worked out for a finding is kept."""

    def __init__(
        self, result: Result, checker: Checker, workspace: Workspace, codec: PositionCodec, *, versioned: bool
    ) -> None:
        self._result = result
        self._checker = checker
        self._workspace = workspace
        self._codec = codec
        self._versioned = versioned
        """Whether the editor takes edits that name the version of the text that they are for."""
        self._of_findings: dict[Finding, list[types.CodeAction]] = {}
        self._all: list[types.CodeAction] | None = None

    def at(
        self, uri: str, where: types.Range, only: Sequence[str] | None, shown: Diagnostics
    ) -> list[types.CodeAction]:
        """The actions for a stretch of a text; `only` has kinds, with all that begins with them."""
        found: list[types.CodeAction] = []
        if _wanted(types.CodeActionKind.QuickFix.value, only):
            for finding in self._result.new:
                place = shown.range(finding)
                if shown.uri(finding) == uri and place.start.line <= where.end.line and where.start <= place.end:
                    found += self._of(finding, shown)
        # Editors ask whenever the cursor moves: all fixes at once are made only where they were asked for.
        if only and _wanted(FIX_ALL, only):
            found += self._fix_all()
        return found

    def _of(self, finding: Finding, shown: Diagnostics) -> list[types.CodeAction]:
        if finding not in self._of_findings:
            diagnostic = shown.of(finding)
            self._of_findings[finding] = [*self._fix(finding, diagnostic), *self._silence(finding, diagnostic)]
        return self._of_findings[finding]

    def _fix(self, finding: Finding, diagnostic: types.Diagnostic) -> Iterator[types.CodeAction]:
        if finding.fix is None or finding.fix.applicability is Applicability.DISPLAY:
            return
        texts = self._checker.fixed(self._result, finding, self._workspace)
        if texts is None:
            return
        safe = finding.fix.applicability is Applicability.SAFE
        yield types.CodeAction(
            f"{finding.code}: {finding.fix.title}{'' if safe else ' (unsafe: may change what is recorded, or when)'}",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[diagnostic],
            is_preferred=safe,
            edit=self._edit(texts),
        )

    def _silence(self, finding: Finding, diagnostic: types.Diagnostic) -> Iterator[types.CodeAction]:
        rule = by_code().get(finding.code)
        if rule is None or rule.check_comments is not None:  # no Python, or about a comment: one more mends nothing
            return
        texts = self._checker.silenced(self._result, finding)
        if texts is None:
            return
        yield types.CodeAction(
            f"Disable {finding.code} for this line",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[diagnostic],
            edit=self._edit(texts),
        )

    def _fix_all(self) -> list[types.CodeAction]:
        if self._all is None:
            texts = self._checker.fixed_all(self._result.document, self._workspace)
            self._all = []
            if texts is not None:
                title = "mlflow-lint: make all safe fixes"
                self._all.append(types.CodeAction(title, kind=FIX_ALL, edit=self._edit(texts)))
        return self._all

    def _edit(self, texts: Sequence[str]) -> types.WorkspaceEdit:
        """What gives the parts of the document these texts."""
        pairs = zip(self._result.document.parts, texts, strict=True)
        edits = [(part, self._line_edits(part, text)) for part, text in pairs if part.text != text]
        if not self._versioned:
            return types.WorkspaceEdit(changes={part.uri: each for part, each in edits})
        return types.WorkspaceEdit(
            document_changes=[
                types.TextDocumentEdit(
                    types.OptionalVersionedTextDocumentIdentifier(part.uri, part.version), list(each)
                )
                for part, each in edits
            ]
        )

    def _line_edits(self, part: Part, text: str) -> list[types.TextEdit]:
        return line_edits(part.text, text, Positions(part.text, self._codec))


def _wanted(kind: str, only: Sequence[str] | None) -> bool:
    return not only or any(kind == each or kind.startswith(f"{each}.") for each in only)
