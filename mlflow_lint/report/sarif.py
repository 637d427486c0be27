"""SARIF 2.1.0, as GitHub code scanning and other viewers of analysis results take it.

Invariant: what the standard and GitHub require is there whatever was found: rules, relative addresses, regions with all
four numbers, and the fingerprint by which GitHub follows an alert from commit to commit.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mlflow_lint import __version__
from mlflow_lint.findings import SYNTAX_ERROR, Applicability, Fix, Region, Severity, Step
from mlflow_lint.report.headline import message
from mlflow_lint.report.json_text import json_object, json_text
from mlflow_lint.report.line_hash import line_hashes
from mlflow_lint.report.model import FileReport, Options, is_absolute
from mlflow_lint.report.on_disk import OnDisk
from mlflow_lint.report.visible import visible, without_surrogates
from mlflow_lint.source.places import Places

if TYPE_CHECKING:
    from mlflow_lint.rules.base import Rule

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_GRAVITY = (Severity.ERROR, Severity.WARNING, Severity.INFO)
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_PROBLEM = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}
_TAGS = {"1": "performance", "2": "performance", "3": "performance", "4": "correctness", "7": "maintainability"}
"""By the first digit of a code."""
_SECRETS = "MLF503"
_LINK = re.compile(r"\[(?=[^\]]*\]\()")
"""What a viewer would take for the beginning of a link."""

_Object = dict[str, Any]


def render(results: Sequence[FileReport], options: Options) -> str:
    """Return the log with one run."""
    gravest: dict[str, Severity] = {}
    for finding in (finding for report in results for finding in report.findings):
        gravest[finding.code] = min(gravest.get(finding.code, finding.severity), finding.severity, key=_GRAVITY.index)
    codes = sorted(gravest)
    driver: _Object = {
        "name": "mlflow-lint",
        "semanticVersion": __version__,
        "rules": list(_rules(gravest, options)),
    }
    run: _Object = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
    }
    if options.base:
        run["originalUriBaseIds"] = {_ROOT: {"uri": f"{_file_address(options.base)}/"}}
    found = json_object(run, "results", (each for report in results for each in _results(report, codes, options)))
    return f'{json_text({"$schema": _SCHEMA, "version": "2.1.0"})[:-1]}, "runs": [{found}]}}\n'


def _rules(gravest: dict[str, Severity], options: Options) -> Iterator[_Object]:
    if not gravest:
        return
    from mlflow_lint.rules.registry import by_code  # only where there are findings

    rules = by_code()
    for code, severity in sorted(gravest.items()):
        described = _SYNTAX_ERROR if code == SYNTAX_ERROR else _described(rules[code])
        properties: _Object = {
            "tags": [_TAGS.get(code[3:4], "reliability")],
            "precision": "high",
            "problem.severity": _PROBLEM[severity],
        }
        if code == _SECRETS:
            # With these two, GitHub lists it among what endangers security.
            properties |= {"tags": ["security"], "security-severity": "7.5"}
        address = options.address(code)
        yield {
            "id": code,
            **described,
            **({} if address is None else {"helpUri": address}),
            "defaultConfiguration": {"level": _LEVELS[severity]},
            "properties": properties,
        }


def _described(rule: Rule) -> _Object:
    documentation = rule.documentation.strip()
    return {
        "name": rule.name,
        "shortDescription": {"text": f"{rule.summary[:1].upper()}{rule.summary[1:]}."},
        "fullDescription": {"text": _first_paragraph(documentation)},
        "help": {"text": documentation, "markdown": documentation},
    }


_SYNTAX_ERROR: _Object = {
    "name": "syntax-error",
    "shortDescription": {"text": "The file cannot be read as Python."},
    "fullDescription": {"text": "The file cannot be read as Python, and nothing else can be said about it."},
    "help": {
        "text": "A syntax error, bytes that are no text in the file's encoding, or nesting that is too deep. "
        "This is not a rule: it is always reported, unless exactly MLF000 is ignored."
    },
}


def _first_paragraph(markdown: str) -> str:
    """The first text below the headings, on one line; GitHub takes 1,024 characters of it."""
    paragraphs = (part for part in markdown.split("\n\n") if not part.startswith("#"))
    return " ".join(next(paragraphs, markdown).split())[:1024]


def _results(report: FileReport, codes: Sequence[str], options: Options) -> Iterator[_Object]:
    if not report.findings:
        return
    disk = OnDisk(report)
    places = Places(report.text, None)
    hashes = line_hashes(disk.text) if disk.text else []
    for finding in report.findings:
        region = disk.region(finding.region)
        result: _Object = {
            "ruleId": finding.code,
            "ruleIndex": codes.index(finding.code),
            "level": _LEVELS[finding.severity],
            "message": {"text": _plain(message(finding))},
            "locations": [{"physicalLocation": _location(report.path, region, options)}],
        }
        if region.line <= len(hashes):
            result["partialFingerprints"] = {"primaryLocationLineHash": hashes[region.line - 1]}
        if finding.chain:
            result["relatedLocations"] = [
                _related(number, step, report.path, disk, options) for number, step in enumerate(finding.chain, 1)
            ]
        if finding.fix is not None and _is_offered(finding.fix, report):
            result["fixes"] = [_fix(finding.fix, report.path, places, options)]
        yield result


def _location(path: str, region: Region, options: Options) -> _Object:
    return {
        "artifactLocation": _artifact(path, options),
        "region": _region((region.line, region.column), (region.end_line, region.end_column)),
    }


def _region(start: tuple[int, int], end: tuple[int, int]) -> _Object:
    return {"startLine": start[0], "startColumn": start[1], "endLine": end[0], "endColumn": end[1]}


def _related(number: int, step: Step, path: str, disk: OnDisk, options: Options) -> _Object:
    location: _Object = {"artifactLocation": _artifact(step.path, options)}
    if step.path == path:
        location["region"] = {"startLine": disk.line_of(step.cell, step.line)}
    elif step.cell is None:
        location["region"] = {"startLine": step.line}
    return {"id": number, "physicalLocation": location, "message": {"text": _plain(visible(step.text))}}


def _is_offered(fix: Fix, report: FileReport) -> bool:
    """Whether the edits of a fix can be told: those in a notebook are not edits of its JSON."""
    in_text = all(edit.end <= len(report.text) for edit in fix.edits)
    return report.cells is None and in_text and fix.applicability is not Applicability.DISPLAY


def _fix(fix: Fix, path: str, places: Places, options: Options) -> _Object:
    unsafe = " (unsafe)" if fix.applicability is Applicability.UNSAFE else ""
    replacements = [
        {
            "deletedRegion": _region(places.position(edit.start), places.position(edit.end)),
            "insertedContent": {"text": edit.text},
        }
        for edit in fix.edits
    ]
    return {
        "description": {"text": _plain(visible(fix.title)) + unsafe},
        "artifactChanges": [{"artifactLocation": _artifact(path, options), "replacements": replacements}],
    }


@lru_cache(maxsize=64)
def _artifact(path: str, options: Options) -> _Object:
    seen = options.from_base(path)
    if is_absolute(seen):
        return {"uri": _file_address(seen)}
    return {"uri": _quoted(seen), "uriBaseId": _ROOT}


def _file_address(path: str) -> str:
    return f"file:///{_quoted(path.lstrip('/'))}"


def _quoted(path: str) -> str:
    """A path as part of an address: byte by byte, also where its bytes are no text."""
    try:
        return quote(os.fsencode(path))
    except UnicodeEncodeError:  # names that no file has, as of standard input
        return quote(without_surrogates(path))


def _plain(text: str) -> str:
    """A text in which nothing is taken for a link."""
    return _LINK.sub(r"\\[", text)
