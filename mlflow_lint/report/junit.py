"""JUnit's XML, in which each finding is a test case that failed."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from mlflow_lint.findings import Finding
from mlflow_lint.report.headline import position
from mlflow_lint.report.model import FileReport, Options
from mlflow_lint.report.visible import visible

_TOOL = "mlflow-lint"


def render(results: Sequence[FileReport], options: Options) -> str:
    """Return a suite per file with findings; without any, one case that passed, as servers take none for a failure."""
    found = [report for report in results if report.findings]
    count = sum(len(report.findings) for report in found)
    root = ElementTree.Element("testsuites", {"name": _TOOL, **_counts(count or 1, count)})
    for report in found:
        _suite(root, report)
    if not found:
        suite = ElementTree.SubElement(root, "testsuite", {"name": _TOOL, **_counts(1, 0)})
        ElementTree.SubElement(suite, "testcase", name="no findings", classname=_TOOL, time="0")
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _suite(root: ElementTree.Element, report: FileReport) -> None:
    path = visible(report.path)
    count = len(report.findings)
    suite = ElementTree.SubElement(root, "testsuite", {"name": path, **_counts(count, count)})
    for finding in report.findings:
        # Servers tell cases by class and name, so the place is part of it.
        case = ElementTree.SubElement(
            suite,
            "testcase",
            name=f"{finding.code} {finding.name} at {position(finding)}",
            classname=path,
            file=path,
            time="0",
        )
        message = visible(finding.message)
        failure = ElementTree.SubElement(case, "failure", message=message, type=finding.code)
        failure.text = "\n".join([f"{path}:{position(finding)}: {message}", *_details(finding)])


def _details(finding: Finding) -> list[str]:
    lines = [f"why: {visible(step.place)} {visible(step.text)}" for step in finding.chain]
    return lines if finding.fix is None else [*lines, f"help: {visible(finding.fix.title)}"]


def _counts(tests: int, failures: int) -> dict[str, str]:
    return {"tests": str(tests), "failures": str(failures), "errors": "0", "skipped": "0", "time": "0"}
