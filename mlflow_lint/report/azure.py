"""Logging commands, which Azure Pipelines turns into issues of the build."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlflow_lint.findings import Finding, Region, Severity
from mlflow_lint.report.headline import message
from mlflow_lint.report.model import FileReport, Options, is_absolute
from mlflow_lint.report.on_disk import OnDisk
from mlflow_lint.report.visible import visible

_TYPES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "warning"}
"""Azure knows no others."""


def render(results: Sequence[FileReport], options: Options) -> str:
    """Return one logging command per finding."""
    return "".join(f"{line}\n" for report in results for line in _commands(report, options))


def _commands(report: FileReport, options: Options) -> Iterator[str]:
    disk = OnDisk(report)
    # Azure wants whole paths and finds the repository in them itself.
    path = report.path if is_absolute(report.path) or not options.root else f"{options.root}/{report.path}"
    for finding in report.findings:
        yield _command(path, disk.region(finding.region), finding)


def _command(path: str, region: Region, finding: Finding) -> str:
    properties = {
        "type": _TYPES[finding.severity],
        "sourcepath": visible(path),
        "linenumber": str(region.line),
        "columnnumber": str(region.column),
        "code": finding.code,
    }
    written = "".join(f"{key}={_property(value)};" for key, value in properties.items())
    return f"##vso[task.logissue {written}]{_data(message(finding))}"


def _data(text: str) -> str:
    # The percent sign first, or it would be escaped twice. Text made visible has no newlines.
    return text.replace("%", "%AZP25")


def _property(text: str) -> str:
    return _data(text).replace(";", "%3B").replace("]", "%5D")
