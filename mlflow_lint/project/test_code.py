"""Which files hold test code, told from their paths.

Invariant: only the path below the project's root counts, so that the answer does not depend on where a checkout lies.
"""

from __future__ import annotations

from mlflow_lint.regex import regex

_FOLDERS = frozenset(("test", "tests", "testing", "unit_tests", "integration_tests", "e2e"))
_FILE = regex(r"test_.*|.*_tests?\.(py|ipynb)|conftest\.py|tests?\.py")


def is_test_code(path: str) -> bool:
    """Whether a path below the root is that of test code: in a folder of tests, or named as pytest wants it."""
    *folders, name = path.replace("\\", "/").split("/")
    return not _FOLDERS.isdisjoint(folder.lower() for folder in folders) or bool(_FILE.fullmatch(name))
