"""DNS in a file of this machine: a hosts file, or a zone file of a name server.

Needs nothing beside Python. Exactness: the file is locked, read again and compared before it is
replaced; a person's editor is not kept out by that, and may undo what is put right minutes later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fairlead.core.dns import Change, Problem, Record, owner_name
from fairlead.core.errors import DnsError
from fairlead.dns.section import Parts, Section
from fairlead.ports import Fence
from fairlead.programs import run_program

OUTSIDE = "outside of fairlead's section"
"""The set id of records that others wrote into the file: they are seen, and never touched."""
_PATIENCE = 30.0


class Syntax(Protocol):
    """How records are written in a kind of file."""

    comment: str

    def parse(self, lines: Iterable[str]) -> Iterable[Record]:
        """One value a record; what is of no interest is passed over."""

    def write(self, record: Record) -> Iterable[str]: ...

    def refuse(self, record: Record) -> str:
        """Why this file cannot hold the record, or empty."""

    def renew(self, lines: Sequence[str]) -> tuple[str, ...]:
        """Lines outside of the section, after it changed: a zone's serial grows."""


@dataclass(frozen=True, slots=True)
class FilePlace:
    """`reload` is the command (argv) that makes the server read the file again; may be empty."""

    path: Path
    cluster: str
    reload: tuple[str, ...] = ()


class FileProvider:
    """Implements ports.DnsProvider."""

    def __init__(self, place: FilePlace, syntax: Syntax) -> None:
        self._place, self._syntax = place, syntax
        self._section = Section(place.path, place.cluster, syntax.comment)
        self._reload_due = False

    async def read(self, names: Collection[str]) -> tuple[Record, ...]:
        if self._reload_due:
            await self._reload()
        wanted = {*names, *map(owner_name, names)}
        parts = await asyncio.to_thread(self._section.read)
        inside, outside = self._inside(parts), (*parts.above, *parts.below)
        others = _gathered(self._syntax.parse(outside), OUTSIDE)
        return tuple(r for r in (*inside.values(), *others) if r.name in wanted)

    async def apply(self, changes: Collection[Change], fence: Fence) -> tuple[Problem, ...]:
        await fence()
        problems, written = await asyncio.to_thread(self._apply, changes)
        if written and self._place.reload:
            await self._reload()
        return problems

    async def close(self) -> None:
        """Nothing is held open."""

    def _apply(self, changes: Collection[Change]) -> tuple[tuple[Problem, ...], bool]:
        with self._section.locked():
            parts = self._section.read()
            before = self._inside(parts)
            after, problems = made(before, changes, self._syntax.refuse)
            if after != before:
                self._write(parts, after)
        return problems, after != before

    def _inside(self, parts: Parts) -> dict[tuple[str, str, str], Record]:
        return {record.key: record for record in _gathered(self._syntax.parse(parts.inside))}

    def _write(self, parts: Parts, records: Mapping[tuple[str, str, str], Record]) -> None:
        lines = [line for _, r in sorted(records.items()) for line in self._syntax.write(r)]
        renew = self._syntax.renew
        self._section.write(Parts(renew(parts.above), tuple(lines), renew(parts.below)))

    async def _reload(self) -> None:
        """Tried again with the next read, until it succeeds."""
        self._reload_due = True
        argv = self._place.reload
        failed = await _run(argv)
        if failed:
            told = f"{self._place.path} is written, but the server was not told: {argv[0]}"
            raise DnsError(f"{told} {failed}; correct dns reload")
        self._reload_due = False


def made(
    before: Mapping[tuple[str, str, str], Record],
    changes: Iterable[Change],
    refuse: Callable[[Record], str] = lambda _: "",
) -> tuple[dict[tuple[str, str, str], Record], tuple[Problem, ...]]:
    """The records after the changes, all or none of a host; and the hosts that failed."""
    records, problems = dict(before), []
    hosts: dict[str, list[Change]] = {}
    for change in changes:
        hosts.setdefault(change.host, []).append(change)
    for host, wanted in hosts.items():
        reasons = (_amiss(records, change, refuse) for change in wanted)
        if reason := next(filter(None, reasons), ""):
            problems.append(Problem(host, reason))
            continue
        for change in wanted:
            records.pop(change.record.key, None)
            records |= {change.after.key: change.after} if change.after else {}
    return records, tuple(problems)


def _amiss(
    records: Mapping[tuple[str, str, str], Record],
    change: Change,
    refuse: Callable[[Record], str],
) -> str:
    if records.get(change.record.key) != change.before:
        return f"{change.record.name} {change.record.kind} has changed since it was read"
    return refuse(change.after) if change.after else ""


def _gathered(records: Iterable[Record], set_id: str = "") -> list[Record]:
    """Single values put together into sets; a set has the smallest TTL of its values."""
    found: dict[tuple[str, str], tuple[set[str], int]] = {}
    for one in records:
        values, ttl = found.setdefault((one.name, one.kind), (set(), one.ttl))
        values.update(one.values)
        found[one.name, one.kind] = values, min(ttl, one.ttl)
    return [
        Record(name, kind, tuple(sorted(values)), ttl, set_id)
        for (name, kind), (values, ttl) in found.items()
    ]


async def _run(argv: Sequence[str]) -> str:
    """What went wrong, or empty."""
    try:
        ended = await run_program(argv, _PATIENCE)
    except TimeoutError:
        return f"did not end within {_PATIENCE:g}s"
    except OSError as error:
        return f"cannot be started: {error.strerror}"
    if not ended.status:
        return ""
    said = ended.told.strip().splitlines()
    return f"ended with {ended.status}: {said[-1][:200] if said else 'no message'}"
