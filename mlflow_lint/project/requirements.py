"""Which version of MLflow the files of a folder ask for: locks, pyproject.toml, requirements, conda environments.

Invariant: nothing in a file makes this raise. A file that is broken, too large or no regular file says nothing, as do
a requirement without bounds and one that admits the newest version and no oldest.
"""

from __future__ import annotations

import codecs
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from mlflow_lint.facts.releases import NEWEST, RELEASES, Release, release, written
from mlflow_lint.record import record
from mlflow_lint.regex import regex

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

_LARGEST = 16 * 1024 * 1024
"""Bytes; locks of large projects have some millions."""

_PACKAGES = ("mlflow", "mlflow-skinny")
_LOWER = (">=", ">", "==", "===", "~=")
_LONGEST = 500
"""Characters of a requirement."""

_TOML_LOCK = regex(r'^name = "(mlflow(?:-skinny)?)"\r?\nversion = "([^"\n]{1,60})"', re.MULTILINE)
_JSON_LOCK = regex(r'"(mlflow(?:-skinny)?)": ?\{[^{}]*?"version": ?"==([^"\n]{1,60})"')
_LINE = regex(r"^[ \t]*(mlflow\b[^#\r\n]*)", re.MULTILINE | re.IGNORECASE)
_CONDA_LINE = regex(r"""^[ \t]*-[ \t]*["']?(?:[\w.-]+::)?(mlflow\b[^#"'\r\n]*)""", re.MULTILINE)
_CONDA_PIN = regex(r"(mlflow(?:-skinny)?)(?: +| *= *)(\d[\w.]*\*?)(?:=.*)?")


@record
class Requested:
    """What a file says of MLflow."""

    release: Release
    """The oldest version that it admits."""
    file: str
    text: str
    """The requirement, as a message can show it."""


def requested_in(folder: str) -> Requested | None:
    """The oldest version of MLflow that a folder's files admit; what is locked counts before what is only bounded."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return None
    for reader_of in (_LOCKS.get, _reader_of_declarations):
        readers = [(name, read) for name in names if (read := reader_of(name)) is not None]
        found = [requested for name, read in readers for requested in _requested(os.path.join(folder, name), read)]
        if found:
            return min(found, key=lambda requested: requested.release)
    return None


_Reader = Callable[[str], Iterable[str]]
"""From the text of a file to requirements, in the form of PEP 508."""


def _requested(file: str, read: _Reader) -> Iterator[Requested]:
    try:
        requirements = [text for text in read(_text(file)) if len(text) <= _LONGEST]
    except (OSError, ValueError, RecursionError):  # not to be read, or neither TOML nor text
        return
    if not requirements:
        return
    from packaging.requirements import Requirement  # takes long to import, and most folders speak of no version
    from packaging.utils import canonicalize_name

    for text in requirements:
        try:
            requirement = Requirement(text)
            oldest = _oldest(requirement.specifier)
        except (ValueError, RecursionError):
            continue
        if oldest is not None and canonicalize_name(requirement.name) in _PACKAGES:
            yield Requested(oldest, file, text.partition(";")[0].strip())


def _text(file: str) -> str:
    """The text of a file, if it can be about MLflow at all."""
    if not os.path.isfile(file):
        return ""
    with open(file, "rb") as stream:
        data = stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        return ""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # `pip freeze >` of PowerShell
        return data.decode("utf-16")
    return data.decode("utf-8-sig", "replace") if b"mlflow" in data.lower() else ""


def _oldest(specifiers: SpecifierSet) -> Release | None:
    """The oldest version that is admitted; without a lower bound the newest, unless that is the newest of all."""
    from packaging.version import Version

    bounds = [
        release(Version(each.version.removesuffix(".*")).release) for each in specifiers if each.operator in _LOWER
    ]
    if bounds:
        return max(bounds)
    if specifiers.contains(written(NEWEST)):
        return None
    return max((each for each in RELEASES if specifiers.contains(written(each))), default=None)


# ------------------------------------------------------------------------------------------------------ locks
def _toml_lock(text: str) -> Iterator[str]:
    return (f"{name}=={version}" for name, version in _TOML_LOCK.findall(text))


def _json_lock(text: str) -> Iterator[str]:
    return (f"{name}=={version}" for name, version in _JSON_LOCK.findall(text))


# ----------------------------------------------------------------------------------------------- declarations
def _lines(text: str) -> Iterator[str]:
    """Requirements of pip's files, without the options that may follow them."""
    return (re.split(r"[ \t]--|\\", line)[0].strip() for line in _LINE.findall(text))


def _conda(text: str) -> Iterator[str]:
    for line in _CONDA_LINE.findall(text):
        pin = _CONDA_PIN.fullmatch(line.strip())
        yield f"{pin[1]}=={pin[2].removesuffix('*').removesuffix('.')}.*" if pin else line.strip()


def _pyproject(text: str) -> Iterator[str]:
    if not text:
        return
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    data = tomllib.loads(text)
    project = _table(data, "project")
    lists = [project.get("dependencies"), *_table(project, "optional-dependencies").values()]
    lists += _table(data, "dependency-groups").values()
    for requirements in lists:
        if isinstance(requirements, list):
            yield from (each for each in requirements if isinstance(each, str) and "mlflow" in each.lower())
    poetry = _table(_table(data, "tool"), "poetry")
    tables = [_table(poetry, "dependencies"), _table(poetry, "dev-dependencies")]
    tables += [_table(group, "dependencies") for group in _table(poetry, "group").values() if isinstance(group, dict)]
    for table in tables:
        for name in table.keys() & {*_PACKAGES}:
            yield from _poetry(name, table[name])


def _table(data: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _poetry(name: str, value: object) -> Iterator[str]:
    """Requirements for the constraint of a dependency: a string, a table with a `version`, or several tables."""
    if isinstance(value, list):
        for each in value:
            yield from _poetry(name, each)
    constraint = value.get("version") if isinstance(value, dict) else value
    if isinstance(constraint, str) and len(constraint) <= _LONGEST:
        for alternative in constraint.split("||"):
            bounds = re.findall(r"[^\s,\d]*\s*[\d*][^\s,]*", alternative)
            yield f"{name}{','.join(map(_poetry_bound, bounds))}"


def _poetry_bound(bound: str) -> str:
    if bound == "*":
        return ""
    if bound.startswith("^") or (bound.startswith("~") and not bound.startswith("~=")):
        return f">={bound[1:].strip()}"
    return f"=={bound}" if bound[0].isdigit() else bound


_LOCKS: dict[str, _Reader] = {
    **dict.fromkeys(("uv.lock", "poetry.lock", "pdm.lock"), _toml_lock),
    "Pipfile.lock": _json_lock,
}
_DECLARATIONS: dict[str, _Reader] = {
    "pyproject.toml": _pyproject,
    **{f"{name}.{suffix}": _conda for name in ("environment", "conda", "python_env") for suffix in ("yml", "yaml")},
}


def _reader_of_declarations(name: str) -> _Reader | None:
    return _lines if name.startswith("requirements") and name.endswith(".txt") else _DECLARATIONS.get(name)
