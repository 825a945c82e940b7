"""Findings as SARIF 2.1.0, for code scanning (https://docs.oasis-open.org/sarif/sarif/v2.1.0/)."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from fairlead.core.doctor.finding import KINDS, Finding, Report

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def sarif(report: Report) -> dict[str, Any]:
    """One run, with a rule for each kind that was found."""
    kinds = [kind for kind in KINDS if any(f.kind == kind for f in report.findings)]
    driver = {
        "name": "fairlead doctor",
        "version": version("fairlead"),
        "rules": [_rule(next(f for f in report.findings if f.kind == kind)) for kind in kinds],
    }
    results = [_result(finding, kinds.index(finding.kind)) for finding in report.findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(example: Finding) -> dict[str, Any]:
    return {
        "id": example.kind,
        "shortDescription": {"text": example.kind.replace("-", " ")},
        "fullDescription": {"text": example.why},
        "help": {"text": example.fix},
        "defaultConfiguration": {"level": _LEVELS[example.severity]},
    }


def _result(finding: Finding, index: int) -> dict[str, Any]:
    return {
        "ruleId": finding.kind,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message}. {finding.why} Fix: {finding.fix}."},
        "locations": [{"physicalLocation": _place(finding)}],
        "partialFingerprints": {"fairlead/v1": finding.id},
    }


def _place(finding: Finding) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.at.file.removeprefix("./"))}}
    if finding.at.line:
        place["region"] = {"startLine": finding.at.line}
    return place
