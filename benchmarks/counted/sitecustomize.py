"""Makes a Python process write "S" for each SQL statement and "C" for each commit into $COUNTED_SQL.

Python imports a module of this name when it starts, wherever it is found first. This folder is put on the path of the
tracking server alone, so that what is measured is `mlflow server` as it is. PRAGMAs, which only SQLite has, do not
count. Every letter is there before the request that caused it is answered: nothing is buffered.
"""

import os
from typing import Any

import sqlalchemy

_counted = os.open(os.environ["COUNTED_SQL"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


@sqlalchemy.event.listens_for(sqlalchemy.Engine, "before_cursor_execute")
def _statement(_connection: Any, _cursor: Any, sql: str, *_: object) -> None:
    if not sql.lstrip().upper().startswith("PRAGMA"):
        os.write(_counted, b"S")


@sqlalchemy.event.listens_for(sqlalchemy.Engine, "commit")
def _commit(_connection: Any) -> None:
    os.write(_counted, b"C")
