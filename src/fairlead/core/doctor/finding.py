"""What the doctor says: findings, each with its place, its reason and its fix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from fairlead.core.setup import NOWHERE, At, Setup, Unknown

ERROR, WARNING, INFO = "error", "warning", "info"
SEVERITIES = (ERROR, WARNING, INFO)

KINDS = (
    "fixed-host-port",
    "dns-single-target",
    "proxy-single-upstream",
    "security-group-ports",
    "no-health-check",
    "deploy-downtime",
    "dns-ttl",
    "stop-timeout",
    "memory-fit",
    "desired-count-drift",
    "local-state",
    "port-collision",
    "target-group-type",
    "eni-limit",
    "cross-node-proxy",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """`place` tells findings of a kind and service apart without lines, which move; `origin` has
    each step that led to the value, `evidence` the line itself. `old` is the value that a patch
    would change, empty where only a person can."""

    kind: str
    severity: str
    at: At
    service: str
    message: str
    why: str
    fix: str
    place: str = ""
    origin: tuple[At, ...] = ()
    evidence: str = ""
    old: str = ""
    number: int = 1

    @property
    def id(self) -> str:
        """The same from run to run, wherever the lines have moved."""
        parts = [self.kind, self.service or "-", self.at.file, self.place]
        return ":".join(part for part in parts if part) + (f"#{self.number}" * (self.number > 1))


@dataclass(frozen=True, slots=True)
class Report:
    """Errors first; what stood in a rule's way, or could not be read, is unknown."""

    findings: tuple[Finding, ...] = ()
    unknown: tuple[Unknown, ...] = ()

    @property
    def failed(self) -> bool:
        return any(each.severity == ERROR for each in self.findings)


Said = Iterator[Finding | Unknown]
Rule = Callable[[Setup], Said]


def line_at(setup: Setup, at: At) -> str:
    lines = setup.texts.get(at.file, ())
    return lines[at.line - 1].strip() if 0 < at.line <= len(lines) else ""


def evidence_at(setup: Setup, at: At) -> str:
    """The line itself; the next one where it only opens something."""
    line = line_at(setup, at)
    following = line_at(setup, At(at.file, at.line + 1)) if at.line else ""
    return f"{line} {following}" if line and not line.strip("{[( ") else line


def numbered(findings: Iterable[Finding]) -> Iterator[Finding]:
    """With ids that no two of them share."""
    seen: dict[str, int] = {}
    for each in findings:
        seen[each.id] = seen.get(each.id, 0) + 1
        yield replace(each, number=seen[each.id])


def first(*places: Sequence[At] | At) -> At:
    """The first of them that is one."""
    for each in places:
        if isinstance(each, At):
            if each != NOWHERE:
                return each
        elif each:
            return each[0]
    return NOWHERE
