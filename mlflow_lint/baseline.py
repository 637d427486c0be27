"""Baselines: findings that are known, so that only new ones are told.

A known finding is named by the file's path, the rule's code and a hash of the lines that it stands on, without blanks
at their ends and comments, and with the number of times that the three occur. So it stays known where lines are moved,
and one more of the same is new. Invariant: what is written reads back the same; what cannot be read is a
`BaselineError`, and never an empty baseline.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from mlflow_lint.engine import Checked
from mlflow_lint.findings import Finding
from mlflow_lint.record import record
from mlflow_lint.source.directives import read_comments
from mlflow_lint.source.file import split_lines

_VERSION = 1
_HASH_DIGITS = 16
_MOST = 10**9


class BaselineError(Exception):
    """A baseline that cannot be read; the message is one line and says why."""


class Known(NamedTuple):
    """One kind of finding in one file."""

    code: str
    lines: str
    """Hash of the lines that it stands on."""


Counts = Mapping[Known, int]

Baseline = Mapping[str, Counts]
"""How often each kind is known, by path: relative to the baseline's folder, with forward slashes."""


@record
class Compared:
    """The findings of a file beside those that are known."""

    new: tuple[Finding, ...]
    counts: Counts
    """Of all findings, known or not."""
    gone: Counts
    """What is known and was not found."""


def compare(checked: Checked, known: Counts) -> Compared:
    """Tell new findings from known ones. Of several of one kind the first are taken for the known ones."""
    left = Counter(known)
    counts: Counter[Known] = Counter()
    new: list[Finding] = []
    for finding, kind in zip(checked.findings, _kinds(checked), strict=True):
        counts[kind] += 1
        if left[kind] > 0:
            left[kind] -= 1
        else:
            new.append(finding)
    return Compared(tuple(new), counts, +left)


def _kinds(checked: Checked) -> Iterable[Known]:
    texts = [checked.text] if checked.cells is None else [cell.text for cell in checked.cells]
    pythons = [checked.text] if checked.cells is None else [cell.python for cell in checked.cells]
    lines = [split_lines(text) for text in texts]
    comments: dict[int, dict[int, int]] = {}
    for finding in checked.findings:
        number = (finding.region.cell or 1) - 1
        if number >= len(texts):
            # A notebook that could not be read has no cells.
            yield Known(finding.code, _hash(()))
            continue
        if number not in comments:
            found = read_comments(split_lines(pythons[number]))
            comments[number] = {comment.line: comment.column for comment in found}
        yield Known(finding.code, _hash(_told(finding, lines[number], comments[number])))


def _told(finding: Finding, lines: list[str], comments: Mapping[int, int]) -> Iterable[str]:
    """The lines of a finding, without comments unless the finding is about one."""
    region = finding.region
    about_comment = comments.get(region.line, region.column) < region.column
    for number in range(region.line, min(region.end_line, len(lines)) + 1):
        line = lines[number - 1]
        text = (line if about_comment else line[: comments.get(number)]).strip()
        if text:
            yield text


def _hash(lines: Iterable[str]) -> str:
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:_HASH_DIGITS]


def rendered(baseline: Baseline) -> bytes:
    """The bytes of a baseline: JSON, sorted, one line for each kind of finding."""
    entries = [
        {"path": path, "code": kind.code, "lines": kind.lines, "count": count}
        for path, counts in sorted(baseline.items())
        for kind, count in sorted(counts.items())
    ]
    rows = ",\n".join(f"    {_json(entry)}" for entry in entries)
    listed = f"[\n{rows}\n  ]" if rows else "[]"
    return f'{{\n  "version": {_VERSION},\n  "findings": {listed}\n}}\n'.encode()


def _json(entry: Mapping[str, object]) -> str:
    # A path may hold bytes that are no text; escaped, they are JSON all the same.
    text = json.dumps(entry, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(entry)


@lru_cache(maxsize=8)  # an editor asks with every pause in the typing, and parsing a large one would be felt
def parse(data: bytes) -> Baseline:
    """Read a baseline. Raises `BaselineError`."""
    try:
        whole = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BaselineError("it is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise BaselineError(f"it is not JSON: {error.msg} (line {error.lineno})") from error
    except (RecursionError, ValueError) as error:
        raise BaselineError("it is JSON that cannot be read") from error
    if not isinstance(whole, dict) or not isinstance(whole.get("findings"), list) or "version" not in whole:
        raise BaselineError("it is JSON, but no baseline of mlflow-lint")
    if whole["version"] != _VERSION or whole["version"] is True:
        raise BaselineError(f"its version is {whole['version']!r:.40}; this mlflow-lint reads version {_VERSION}")
    baseline: dict[str, Counter[Known]] = {}
    for number, entry in enumerate(whole["findings"], start=1):
        path, kind, count = _entry(entry, number)
        counts = baseline.setdefault(path, Counter())
        # Twice the same comes of merging two branches that both have it.
        counts[kind] = max(counts[kind], count)
    return baseline


def _entry(entry: Any, number: int) -> tuple[str, Known, int]:
    if isinstance(entry, dict) and entry.keys() == {"path", "code", "lines", "count"}:
        path, code, lines, count = entry["path"], entry["code"], entry["lines"], entry["count"]
        texts = all(isinstance(value, str) for value in (path, code, lines))
        if texts and type(count) is int and 0 < count < _MOST:
            return path, Known(code, lines), count
    raise BaselineError(f"its entry {number} is not one of a baseline")
