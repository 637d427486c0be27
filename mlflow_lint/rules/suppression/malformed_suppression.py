"""
## What it does
Finds comments that begin with `# mlflow-lint:`, go on with a word such as `ignore`, `disable` or `skip` or name a code,
and silence nothing, because they are not well-formed.

## Why it costs
The comment looks as if it silenced something. Whoever wrote it will wonder about the finding that is still there, or
believe that there is none.

## Fix safety
No fix is offered: only its author knows what was meant.

## Options
None.

## References
- mlflow-lint: `docs/suppression.md`
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.findings import Finding
from mlflow_lint.rules.base import Example, Rule
from mlflow_lint.rules.comments import Comments


def check(rule: Rule, comments: Comments) -> Iterator[Finding]:
    """Comments that are meant for us and that we do not understand."""
    message = (
        "this comment silences nothing: what does is `# mlflow-lint: ignore[MLF101] reason`, or `file-ignore[MLF101]` "
        "on a line of its own"
    )
    for text in comments.texts():
        for slip in text.directives.malformed:
            yield comments.finding(rule, text, (slip.start, slip.end), message)


EXAMPLES = (
    Example(
        "no brackets, and none at the other end",
        """\
import mlflow

# mlflow-lint: ignore MLF203  # MLF903
mlflow.set_tag("stage", "done")
mlflow.log_param("rate", rate)  # mlflow-lint: ignore[MLF202  # MLF903
""",
    ),
    Example(
        "another linter's words and codes",
        """\
import mlflow

mlflow.set_tag("stage", "done")  # mlflow-lint: disable=MLF203  # MLF903
mlflow.log_param("rate", rate)  # mlflow-lint: ignore[E501]  # MLF903
""",
    ),
    Example(
        "the whole file, behind code",
        """\
import mlflow

mlflow.set_tag("stage", "done")  # mlflow-lint: file-ignore[MLF203]  # MLF903
""",
    ),
    Example(
        "comments that silence",
        """\
import mlflow

# mlflow-lint: ignore[MLF202, MLF203] two of each
mlflow.set_tag("stage", "done")
mlflow.log_param("rate", rate)  # mlflow-lint: ignore
""",
    ),
    Example(
        "comments about the linter",
        """\
import mlflow

# we run mlflow-lint: it is quick
# mlflow-lint: the linter that we use
mlflow.set_tag("stage", "done")  # mlflow-lint is right
""",
    ),
)

RULE = Rule(
    "MLF903",
    "malformed-suppression",
    "a comment is meant to silence findings and is not well-formed",
    None,
    EXAMPLES,
    __doc__ or "",
    check_comments=check,
)
