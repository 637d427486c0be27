"""Workflow commands, which GitHub Actions turns into annotations on the changed lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlflow_lint.findings import Finding, Region, Severity
from mlflow_lint.report.headline import headline
from mlflow_lint.report.model import FileReport, Options
from mlflow_lint.report.on_disk import OnDisk
from mlflow_lint.report.visible import visible

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(results: Sequence[FileReport], options: Options) -> str:
    """Return one workflow command per finding."""
    return "".join(f"{line}\n" for report in results for line in _commands(report, options))


def _commands(report: FileReport, options: Options) -> Iterator[str]:
    disk = OnDisk(report)
    file = visible(options.from_base(report.path))
    for finding in report.findings:
        yield _command(file, disk.region(finding.region), report.path, finding)


def _command(file: str, region: Region, path: str, finding: Finding) -> str:
    properties = {"title": f"mlflow-lint ({finding.code})", "file": file}
    # GitHub rejects an annotation that has columns on more than one line; those of a notebook's JSON say nothing.
    if region.line == region.end_line and finding.region.cell is None:
        properties |= {"line": str(region.line), "col": str(region.column)}
        properties |= {"endLine": str(region.end_line), "endColumn": str(region.end_column)}
    else:
        properties |= {"line": str(region.line), "endLine": str(region.end_line)}
    written = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{_LEVELS[finding.severity]} {written}::{_data(_message(path, finding))}"


def _message(path: str, finding: Finding) -> str:
    place, code, _, message = headline(path, finding)
    lines = [f"{place}{code}{message}"]
    if finding.chain:
        steps = (f"{visible(step.place)} {visible(step.text)}" for step in finding.chain)
        lines.append(f"  why: {' → '.join(steps)}")
    if finding.fix is not None:
        lines.append(f"  help: {visible(finding.fix.title)}")
    return "\n".join(lines)


def _data(text: str) -> str:
    # The percent sign first, or it would be escaped twice.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
