"""What `verify` found, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fairlead.api.document import ServiceDoc
from fairlead.cli.text import console, count, echo, printable, span
from fairlead.cli.trial import Answer, Goal, Tally, quantile, tally


@dataclass(frozen=True, slots=True)
class Line:
    """One endpoint's part. `id` is its address when the daemon knows it no more."""

    id: str
    address: str
    share: float
    tally: Tally

    def as_json(self) -> dict[str, Any]:
        seconds = self.tally.seconds
        return {
            "id": self.id,
            "address": self.address,
            "answers": len(seconds),
            "share": round(self.share, 4),
            "p50": quantile(seconds, 0.5),
            "p99": quantile(seconds, 0.99),
            "failures": self.tally.failures.total(),
            "retried": self.tally.broken,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    service: str
    goal: Goal
    answers: Sequence[Answer]
    lines: Sequence[Line]

    @classmethod
    def of(cls, service: ServiceDoc, goal: Goal, answers: Sequence[Answer]) -> Verdict:
        ids = {_address(e["address"], e["port"]): e["id"] for e in service["endpoints"]}
        silent = {_address(e["address"], e["port"]) for e in _ready(service)}
        tallies = {**{address: Tally() for address in sorted(silent)}, **tally(answers)}
        good = sum(len(t.seconds) for t in tallies.values()) or 1
        lines = [
            Line(ids.get(address, address), address, len(t.seconds) / good, t)
            for address, t in tallies.items()
        ]
        return cls(service["name"], goal, answers, sorted(lines, key=lambda line: line.id))

    @property
    def failed(self) -> int:
        return sum(bool(answer.failure) for answer in self.answers)

    @property
    def seconds(self) -> list[float]:
        return [answer.seconds for answer in self.answers if not answer.failure]

    @property
    def reasons(self) -> Counter[str]:
        return Counter(answer.failure for answer in self.answers if answer.failure)

    def as_json(self) -> dict[str, Any]:
        goal = self.goal
        return {
            "service": self.service,
            "url": f"http://{_address(goal.address, goal.port)}{goal.path}",
            "host": goal.host,
            "requests": len(self.answers),
            "answered": len(self.seconds),
            "failed": self.failed,
            "statuses": dict(Counter(str(a.status) for a in self.answers if a.status)),
            "p50": quantile(self.seconds, 0.5),
            "p99": quantile(self.seconds, 0.99),
            "endpoints": [line.as_json() for line in self.lines if line.id],
            "failures": [{"reason": r, "count": n} for r, n in self.reasons.most_common()],
        }

    def show(self) -> None:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for name in ("ENDPOINT", "ADDRESS"):
            table.add_column(name, no_wrap=True)
        for name in ("ANSWERS", "SHARE", "P50", "P99", "FAILED", "RETRIED"):
            table.add_column(name, justify="right", no_wrap=True)
        for line in self.lines:
            table.add_row(*map(Text, _cells(line)))
        out = console()
        out.print(f"{count(len(self.answers), 'request')} to {self._place()}", style="dim")
        echo(table)
        for reason, number in self.reasons.most_common():
            out.print(f"{number} failed: {printable(reason)}", style="red")
        out.print(self._sum(), style="red" if self.failed else "green")

    def _place(self) -> str:
        where = _address(self.goal.address, self.goal.port)
        return printable(f"{self.goal.host}{self.goal.path} through {where}")

    def _sum(self) -> str:
        seconds, statuses = self.seconds, Counter(a.status for a in self.answers if a.status)
        parts = [f"{len(seconds)} of {len(self.answers)} answered"]
        parts += [f"{n} with {status}" for status, n in sorted(statuses.items())]
        if seconds:
            parts.append(f"p50 {span(quantile(seconds, 0.5))}, p99 {span(quantile(seconds, 0.99))}")
        return f"{self.service}: {', '.join(parts)}"


def _ready(service: ServiceDoc) -> list[Any]:
    return [endpoint for endpoint in service["endpoints"] if endpoint["state"] == "ready"]


def _address(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _cells(line: Line) -> list[str]:
    seconds = line.tally.seconds
    times = [span(quantile(seconds, q)) if seconds else "-" for q in (0.5, 0.99)]
    failed = line.tally.failures.total()
    return [
        printable(line.id or "no endpoint"),
        printable(line.address or "-"),
        str(len(seconds)),
        f"{line.share:.1%}",
        *times,
        str(failed),
        str(line.tally.broken),
    ]
