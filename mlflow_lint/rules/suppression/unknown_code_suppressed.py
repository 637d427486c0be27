"""
## What it does
Finds `# noqa` and `# mlflow-lint: ignore[…]` with a code that begins with `MLF` and that no rule has. Codes count
letter for letter: `# noqa: mlf101` silences nothing either, in flake8 as here.

## Why it costs
The comment promises that something is silenced, and nothing is. Mostly it is a slip in the number, and the finding that
was meant is still reported.

## Fix safety
Safe: nothing but the code goes, and with the last code the comment, which had no effect. A reason behind it stays as a
comment of its own; no fix is offered where that could be taken for an order to another tool, nor for `# flake8: noqa`.

## Options
None.

## References
- Ruff: https://docs.astral.sh/ruff/rules/invalid-rule-code/
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

from mlflow_lint.config import PREFIX
from mlflow_lint.findings import SYNTAX_ERROR, Applicability, Finding
from mlflow_lint.rules.base import Example, Rule
from mlflow_lint.rules.comments import Comments, without


def check(rule: Rule, comments: Comments) -> Iterator[Finding]:
    """Codes of ours that are none."""
    from mlflow_lint.rules.registry import by_code

    known = (SYNTAX_ERROR, *by_code())
    for text in comments.texts():
        for directive in text.directives.each:
            strange = [selector for selector in directive.selectors if _is_strange(selector.code, known)]
            for selector in strange[:1]:
                listed = ", ".join(each.code for each in strange)
                message = f"no rule has the code {listed}, so that it silences nothing{_meant(selector.code, known)}"
                fix = without(text, directive, strange, f"Take {listed} out of the comment")
                yield comments.finding(rule, text, (selector.start, strange[-1].end), message, fix)


def _is_strange(code: str, known: Collection[str]) -> bool:
    return code.upper().startswith(PREFIX) and not any(each.startswith(code) for each in known)


def _meant(code: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(code.upper(), known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


EXAMPLES = (
    Example(
        "a slip in the number",
        """\
import mlflow

mlflow.log_metric("loss", loss)  # noqa: MLF1010  # MLF902
mlflow.set_tag("stage", "done")  # mlflow-lint: ignore[MLF110] shown on the board  # MLF902
""",
        fixed="""\
import mlflow

mlflow.log_metric("loss", loss)
mlflow.set_tag("stage", "done")  # shown on the board
""",
        applicability=Applicability.SAFE,
        setup="loss = 0.5",
    ),
    Example(
        "small letters, beside a code that counts",
        """\
import mlflow

mlflow.log_metric("loss", loss)  # noqa: E501, mlf202, MLF201  # MLF902
mlflow.log_metric("score", score)
""",
        fixed="""\
import mlflow

mlflow.log_metric("loss", loss)  # noqa: E501, MLF201
mlflow.log_metric("score", score)
""",
        applicability=Applicability.SAFE,
        setup="loss, score = 0.5, 0.75",
    ),
    Example(
        "codes of rules, and prefixes",
        """\
import mlflow

mlflow.log_metric("loss", loss)  # noqa: MLF201, E501
mlflow.log_metric("score", score)
# mlflow-lint: ignore[MLF2, MLF101]
mlflow.set_tag("stage", "done")
""",
        setup="loss, score = 0.5, 0.75",
    ),
    Example(
        "codes of other linters",
        """\
import mlflow

mlflow.set_tag("stage", "done")  # noqa: E501, ML999, XYZ123
""",
    ),
)

RULE = Rule(
    "MLF902",
    "unknown-code-suppressed",
    "a comment silences a code that no rule has",
    None,
    EXAMPLES,
    __doc__ or "",
    fixes=frozenset({Applicability.SAFE}),
    check_comments=check,
)
