"""Waits until the daemon's services are as wanted, and says what is missing when they are not."""

from __future__ import annotations

import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import click

from fairlead.api.document import ServiceDoc
from fairlead.cli.text import count, printable

PAUSE = 0.1

Read = Callable[[], Sequence[ServiceDoc]]
Lack = Callable[[Sequence[ServiceDoc]], str]
InVain = Callable[[Sequence[ServiceDoc]], bool]


def lacking(service: ServiceDoc, replicas: int | None = None) -> str:
    """Empty when exactly the wanted endpoints are left and ready, else what is missing and why.

    Endpoints that drain or stop are still there: a scale-in is done when they are gone.
    """
    wanted = service["desired"] if replicas is None else replicas
    living = [e for e in service["endpoints"] if e["state"] != "stopped"]
    if service["ready"] == wanted == len(living) == service["desired"]:
        return ""
    others = Counter(e["state"] for e in living if e["state"] != "ready")
    parts = [f"{service['ready']} of {wanted} ready", *(f"{n} {s}" for s, n in others.items())]
    if service["desired"] != wanted:
        parts.append(f"{service['desired']} wanted by a later command")
    why = service.get("problem") or _first_reason(service)
    return f"{service['name']}: {', '.join(parts)}{': ' + why if why else ''}"


def lacking_ready(services: Iterable[ServiceDoc]) -> list[str]:
    """What is missing until every service has its count ready, one text a service."""
    return [lacking(s) for s in services if s["ready"] < s["desired"]]


@dataclass(frozen=True, slots=True)
class End:
    """How a wait ended: `word` says what is missing, and is empty when nothing is."""

    services: Sequence[ServiceDoc]
    word: str
    seconds: float
    in_vain: bool

    @property
    def told(self) -> str:
        if self.in_vain:
            return f"given up: {self.word}"
        return f"not done after {count(int(self.seconds), 'second')}: {self.word}"


def given_up(services: Sequence[ServiceDoc]) -> bool:
    """Whether one of them has too few ready, and starts no more."""
    return any(s.get("given_up") and s["ready"] < s["desired"] for s in services)


def until(read: Read, lack: Lack, timeout: float, in_vain: InVain = given_up) -> End:
    """Reads until nothing is missing, waiting is in vain, or `timeout` seconds are over."""
    begin = time.monotonic()
    while True:
        services = read()
        end = End(services, lack(services), time.monotonic() - begin, in_vain(services))
        if not end.word or end.in_vain or end.seconds >= timeout:
            _show_progress("")
            return end
        _show_progress(end.word)
        time.sleep(PAUSE)


def _show_progress(word: str) -> None:
    """One line on a terminal, which the next word replaces."""
    if sys.stderr.isatty():
        room = shutil.get_terminal_size().columns - 1
        click.echo(f"\r\x1b[K{printable(word)[:room]}", err=True, nl=False)


def _first_reason(service: ServiceDoc) -> str:
    reasons = (endpoint.get("reason", "") for endpoint in service["endpoints"])
    return next(filter(None, reasons), "")
