"""What the doctor found, for people and for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import click

from fairlead.cli.text import count, painted, printable
from fairlead.core.doctor.finding import KINDS, Finding, Report
from fairlead.core.setup import Unknown

_COLOURS = {"error": "red", "warning": "yellow", "info": "cyan"}
_WIDEST = 110


def document(report: Report) -> dict[str, Any]:
    return {
        "findings": [_finding(each) for each in report.findings],
        "unknown": [
            {"what": each.what, "why": each.why, "file": each.at.file, "line": each.at.line}
            for each in report.unknown
        ],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "kind": finding.kind,
        "severity": finding.severity,
        "file": finding.at.file,
        "line": finding.at.line,
        "service": finding.service,
        "message": finding.message,
        "fix": finding.fix,
    }


def show(report: Report, files: int) -> None:
    for line in (*_findings(report.findings), *_unknown(report.unknown), _sum(report, files)):
        click.echo(line)


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    """By kind; why and how to mend it once for those of which the same is said."""
    ordered = sorted(findings, key=lambda f: KINDS.index(f.kind))
    for kind, of_kind in groupby(ordered, key=lambda f: f.kind):
        yield _paint(kind, "bold")
        for (why, fix), alike in groupby(of_kind, key=lambda f: (f.why, f.fix)):
            for each in alike:
                yield from _one(each)
            yield f"    why: {printable(why)}"
            yield f"    fix: {printable(fix)}"
        yield ""


def _one(finding: Finding) -> Iterator[str]:
    severity = _paint(finding.severity, _COLOURS[finding.severity])
    yield f"  {printable(finding.at)}  {severity}  {printable(finding.message)}"
    if finding.evidence:
        yield _paint(f"    | {printable(finding.evidence)[:_WIDEST]}", "dim")
    steps = dict.fromkeys(at for at in finding.origin if at != finding.at)
    if steps:
        yield _paint(f"    from {', '.join(printable(at) for at in steps)}", "dim")


def _unknown(unknown: Sequence[Unknown]) -> Iterator[str]:
    if unknown:
        yield _paint("unknown", "bold")
        for each in unknown:
            yield f"  {printable(each.at)}  {printable(each.what)}: {printable(each.why)}"
        yield ""


def _sum(report: Report, files: int) -> str:
    errors = sum(each.severity == "error" for each in report.findings)
    others = len(report.findings) - errors
    found = (
        f"{count(errors, 'error')}, {count(others, 'warning')}" if report.findings else "nothing"
    )
    rest = f"; {count(len(report.unknown), 'thing')} unknown" if report.unknown else ""
    return f"{found} found in {count(files, 'file')}{rest}"


def _paint(text: str, colour: str) -> str:
    return painted(text, colour, sys.stdout)
