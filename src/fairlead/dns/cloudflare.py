"""Cloudflare. There is no record set: each address is a record of its own, with an id.

Changes go in batches, which are made whole or not at all (Cloudflare's documentation of batch
record changes). Exactness: what is to be changed is read again right before, and what is deleted is
named by its id; an address that somebody adds between the two stays, and the next pass sees it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from fairlead.core.dns import Change, Problem, Record, owner_name
from fairlead.dns.cloudflare_api import Api, Refused
from fairlead.dns.texts import KINDS, plain_name, plain_value, written_value
from fairlead.dns.zones import Zones
from fairlead.ports import Fence

AUTOMATIC = 1
"""The TTL of proxied records: clients see Cloudflare's own addresses."""
PROXIED = "proxied"
MOST = 200
"""Of records in a batch, on the free plan."""
_MIXED = "mixed"
_NO_ZONE = (
    "Cloudflare shows this token no zone for {name}: correct dns.names, give the token Zone Read, "
    "or set the zone's id"
)

Operation = tuple[str, dict[str, Any]]
"""`deletes`, `patches` or `posts`, and what to do."""


class Zone(msgspec.Struct, frozen=True):
    id: str


class Item(msgspec.Struct, frozen=True):
    """A DNS record as the API has it."""

    id: str
    name: str
    type: str
    content: str
    ttl: int
    proxied: bool | None = None


@dataclass(frozen=True, slots=True)
class _Batch:
    zone: str
    hosts: dict[str, list[Operation]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(map(len, self.hosts.values()))

    def body(self) -> dict[str, list[dict[str, Any]]]:
        made: dict[str, list[dict[str, Any]]] = {}
        for kind, what in (each for of_host in self.hosts.values() for each in of_host):
            made.setdefault(kind, []).append(what)
        return made


class CloudflareProvider:
    """Implements ports.DnsProvider. `zone` is a zone's id; empty: found by the names."""

    def __init__(self, api: Api, zone: str = "") -> None:
        self._api = api
        self._zones = Zones(zone, self._find_zone, _NO_ZONE)

    async def read(self, names: Collection[str]) -> tuple[Record, ...]:
        return tuple(_gathered([item for name in names for item in await self._items(name)]))

    async def apply(self, changes: Collection[Change], fence: Fence) -> tuple[Problem, ...]:
        problems: list[Problem] = []
        batches: list[_Batch] = []
        for host in dict.fromkeys(change.host for change in changes):
            await self._prepare(host, [c for c in changes if c.host == host], batches, problems)
        for batch in batches:
            problems += await self._submit(batch, fence)
        return tuple(problems)

    async def close(self) -> None:
        self._api.close()

    async def _prepare(
        self,
        host: str,
        changes: Sequence[Change],
        batches: list[_Batch],
        problems: list[Problem],
    ) -> None:
        """Into a batch, when what is there is what the changes begin with."""
        items = await self._items(host)
        there = {record.key: record for record in _gathered(items)}
        stale = next((c for c in changes if there.get(c.record.key) != c.before), None)
        if stale:
            told = f"{stale.record.name} {stale.record.kind} has changed since it was read"
            problems.append(Problem(host, told))
            return
        zone = await self._zones.of(host)
        made = [each for change in changes for each in _operations(change, items)]
        fits = (b for b in batches if b.zone == zone and b.size + len(made) <= MOST)
        if (batch := next(fits, None)) is None:
            batches.append(batch := _Batch(zone))
        batch.hosts[host] = made

    async def _submit(self, batch: _Batch, fence: Fence) -> list[Problem]:
        """One that is refused is parted, name by name."""
        await fence()
        try:
            await self._api.post(f"/zones/{batch.zone}/dns_records/batch", batch.body())
        except Refused as error:
            if len(batch.hosts) == 1:
                return [Problem(host, str(error)) for host in batch.hosts]
            parts = [_Batch(batch.zone, {host: made}) for host, made in batch.hosts.items()]
            return [problem for part in parts for problem in await self._submit(part, fence)]
        return []

    async def _items(self, name: str) -> list[Item]:
        path = f"/zones/{await self._zones.of(name)}/dns_records"
        return [
            item
            for wanted in (name, owner_name(name))
            async for item in self._api.pages(path, Item, name_exact=wanted)
            if item.type in KINDS
        ]

    async def _find_zone(self, name: str) -> str:
        async for zone in self._api.pages("/zones", Zone, name=name):
            return zone.id
        return ""


def _operations(change: Change, items: Collection[Item]) -> Iterator[Operation]:
    record, after = change.record, change.after
    of_record = [i for i in items if (plain_name(i.name), i.type) == (record.name, record.kind)]
    there = {plain_value(item.content): item for item in of_record}
    for value, item in there.items():
        if after is None or value not in after.values:
            yield "deletes", {"id": item.id}
        elif _settings(item) != (wanted := _wanted(after)):
            yield "patches", {"id": item.id, **wanted}
    for value in after.values if after else ():
        if after and value not in there:
            content = written_value(after.kind, value)
            named = {"name": after.name, "type": after.kind, "content": content}
            yield "posts", {**named, **_wanted(after), "comment": "kept by fairlead"}


def _wanted(record: Record) -> dict[str, Any]:
    return {"ttl": record.ttl, "proxied": record.routing == PROXIED}


def _settings(item: Item) -> dict[str, Any]:
    return {"ttl": item.ttl, "proxied": bool(item.proxied)}


def _gathered(items: Iterable[Item]) -> list[Record]:
    """One record a name and kind; one whose parts differ is like none that anybody wants."""
    sets: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        sets.setdefault((plain_name(item.name), item.type), []).append(item)
    return [_record(name, kind, of_set) for (name, kind), of_set in sets.items()]


def _record(name: str, kind: str, items: Sequence[Item]) -> Record:
    values = tuple(sorted(plain_value(item.content) for item in items))
    first = _settings(items[0])
    if any(_settings(item) != first for item in items):
        return Record(name, kind, values, 0, "", _MIXED)
    return Record(name, kind, values, first["ttl"], "", PROXIED if first["proxied"] else "")
