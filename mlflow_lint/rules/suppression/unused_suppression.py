"""
## What it does
Finds `# noqa: MLF…`, `# mlflow-lint: ignore[…]` and `# mlflow-lint: file-ignore[…]` with a code that has nothing to
silence there. A code is judged only if its rule is on for the file; a prefix, only if all rules that it stands for are.
A comment without codes is never reported, and neither are `# flake8: noqa` and the codes of other linters. Opt-in: a
repository whose runs select different rules would otherwise hear of comments that another run needs.

## Why it costs
The comment says that something is wrong with the line and accepted. When that is no longer so, it misleads those who
read it, and silences the next finding that comes to the line.

## Fix safety
Safe: nothing but the code goes, and with the last code the comment. A reason behind it stays as a comment of its own;
no fix is offered where that could be taken for an order to another tool.

## Options
None.

## References
- Ruff: https://docs.astral.sh/ruff/rules/unused-noqa/
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.findings import Applicability, Finding
from mlflow_lint.rules.base import Example, Rule, Status
from mlflow_lint.rules.comments import Comments, without
from mlflow_lint.source.directives import Directive, Form, Selector


def check(rule: Rule, comments: Comments) -> Iterator[Finding]:
    """Codes that nothing answers to where their comment silences."""
    from mlflow_lint.rules.registry import by_code

    # Of the comments themselves, the findings are yet to come.
    codes = [code for code, other in by_code().items() if other.check_comments is None]
    for text in comments.texts():
        for directive in text.directives.each:
            if directive.form is Form.NOQA_FILE:
                continue
            here = {finding.code for finding in comments.reached(text, directive)}
            unused = [
                selector
                for selector in directive.selectors
                if _is_judged(selector.code, codes, comments) and not _names_one(selector, here)
            ]
            if unused:
                listed = ", ".join(selector.code for selector in unused)
                message = f"{listed} silences nothing {_where(directive)}: the comment has outlived its reason"
                fix = without(text, directive, unused, f"Take {listed} out of the comment")
                yield comments.finding(rule, text, (unused[0].start, unused[-1].end), message, fix)


def _is_judged(prefix: str, codes: list[str], comments: Comments) -> bool:
    """Whether there are rules of the prefix, and all of them have spoken."""
    meant = [code for code in codes if code.startswith(prefix)]
    return bool(meant) and comments.judged.issuperset(meant)


def _names_one(selector: Selector, codes: set[str]) -> bool:
    return any(code.startswith(selector.code) for code in codes)


def _where(directive: Directive) -> str:
    if directive.is_for_file:
        return "in this file"
    return "in the statement below" if directive.form is Form.ABOVE else "on this line"


EXAMPLES = (
    Example(
        "a write that is no longer hot",
        """\
import mlflow

for epoch in range(epochs):
    for batch in loader:
        loss = train_step(batch)
    mlflow.log_metric("loss", loss, step=epoch)  # noqa: MLF101  # MLF901
""",
        fixed="""\
import mlflow

for epoch in range(epochs):
    for batch in loader:
        loss = train_step(batch)
    mlflow.log_metric("loss", loss, step=epoch)
""",
        applicability=Applicability.SAFE,
        setup="epochs, loader, train_step = 2, [0.5, 0.25], abs",
    ),
    Example(
        "above a row that is merged, with a reason, and beside the code of another linter",
        """\
import mlflow

# mlflow-lint: ignore[MLF201] both are wanted at once  # MLF901
mlflow.log_metrics({"loss": loss, "score": score})
mlflow.set_tag("stage", "done")  # noqa: E501, MLF203  # MLF901
""",
        fixed="""\
import mlflow

# both are wanted at once
mlflow.log_metrics({"loss": loss, "score": score})
mlflow.set_tag("stage", "done")  # noqa: E501
""",
        applicability=Applicability.SAFE,
        setup="loss, score = 0.5, 0.75",
    ),
    Example(
        "comments that silence something",
        """\
import mlflow

mlflow.log_metric("loss", loss)  # noqa: MLF201
mlflow.log_metric("score", score)
# mlflow-lint: ignore[MLF203] two tags
mlflow.set_tag("stage", "done")
mlflow.set_tag("owner", "ada")
""",
        setup="loss, score = 0.5, 0.75",
    ),
    Example(
        "no code, and codes of other linters",
        """\
import mlflow

mlflow.set_tag("stage", "done")  # noqa
mlflow.set_tags({"owner": "ada"})  # noqa: E501, F821
""",
    ),
)

RULE = Rule(
    "MLF901",
    "unused-suppression",
    "a comment silences a rule that has nothing to say there",
    None,
    EXAMPLES,
    __doc__ or "",
    Status.OPT_IN,
    fixes=frozenset({Applicability.SAFE}),
    check_comments=check,
)
