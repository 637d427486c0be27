"""
## What it does
Finds a user and password that stand in a tracking or registry URI, also joined from literals, and a literal that
becomes `MLFLOW_TRACKING_PASSWORD` or `MLFLOW_TRACKING_TOKEN`.

Placeholders, what comes from the environment or a file, and test code are left out.

## Why it costs
Whoever reads the code can write to the tracking store and delete from it: everyone with the repository, and everyone
who is sent the notebook. MLflow also prints the URI in messages, and the history of the repository keeps it.

## Fix safety
No fix is offered: the password has to be changed, and has to come from outside, as `MLFLOW_TRACKING_USERNAME` and
`MLFLOW_TRACKING_PASSWORD` of the environment or from `~/.mlflow/credentials`.

## Options
None.

## References
- MLflow: `mlflow/utils/credentials.py` (`read_mlflow_creds`)
"""

from __future__ import annotations

from collections.abc import Iterator

from mlflow_lint.analysis.context import Context
from mlflow_lint.analysis.store.credentials import credentials
from mlflow_lint.findings import Finding, Severity
from mlflow_lint.rules.base import Example, Rule


def check(rule: Rule, context: Context) -> Iterator[Finding]:
    """Credentials of a file."""
    for found in credentials(context.effects, context.unit):
        message = (
            f"{found.what} is spelled out ({found.taken}): whoever reads the code can write to the tracking store; "
            "change it, and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD outside the code"
        )
        yield rule.finding_at(context, found.span, found.statement, message, Severity.WARNING, found.chain)


EXAMPLES = (
    Example(
        "in the URI",
        """\
import mlflow

mlflow.set_tracking_uri("https://trainer:hunter2@tracking.example.org")  # MLF503
client = mlflow.MlflowClient("postgresql://trainer:hunter2@db/mlflow")  # MLF503
""",
    ),
    Example(
        "joined from literals",
        """\
import mlflow

USER = "trainer"
PASSWORD = "hunter2"
HOST = "tracking.example.org"
mlflow.set_tracking_uri(f"https://{USER}:{PASSWORD}@{HOST}")  # MLF503
""",
    ),
    Example(
        "in the environment",
        """\
import os

import mlflow

os.environ["MLFLOW_TRACKING_USERNAME"] = "trainer"
os.environ["MLFLOW_TRACKING_PASSWORD"] = "hunter2"  # MLF503
os.environ.setdefault("MLFLOW_TRACKING_TOKEN", "3f9a1c")  # MLF503
mlflow.set_tracking_uri("https://tracking.example.org")
""",
    ),
    Example(
        "from outside",
        """\
import getpass
import os

import mlflow

os.environ["MLFLOW_TRACKING_PASSWORD"] = getpass.getpass()
os.environ["MLFLOW_TRACKING_TOKEN"] = read_token()
user, password = os.environ["NAME"], os.environ["SECRET"]
mlflow.set_tracking_uri(f"https://{user}:{password}@tracking.example.org")
""",
    ),
    Example(
        "placeholders",
        """\
import os

import mlflow

os.environ["MLFLOW_TRACKING_PASSWORD"] = ""
os.environ["MLFLOW_TRACKING_TOKEN"] = "<your token>"
mlflow.set_tracking_uri("https://USER:PASSWORD@tracking.example.org")
""",
    ),
    Example(
        "keys of an object store",
        """\
import os

import mlflow

os.environ["AWS_SECRET_ACCESS_KEY"] = "minio123"
mlflow.set_tracking_uri("http://tracking:5000")
""",
    ),
)

RULE = Rule(
    "MLF503",
    "credentials-in-code",
    "a password or token of the tracking store stands in the code",
    check,
    EXAMPLES,
    __doc__ or "",
)
