"""Amazon Route 53. Reads are paged by name; each change is made by value, in one batch with others.

An update is DELETE and CREATE in one batch: a DELETE must match what is there to the letter, and a
batch is made whole or not at all (API reference of ChangeResourceRecordSets), so nothing changed
meanwhile is overwritten. One bad change fails its batch: then each name has a batch of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from fairlead.aws.client import Answer, Call
from fairlead.core.dns import SET, Change, Problem, Record, owner_name
from fairlead.core.errors import DnsError, PlatformError
from fairlead.dns.texts import KINDS, plain_name, plain_value, written_value
from fairlead.dns.zones import Zones
from fairlead.ports import Fence

RATE, BURST = 2.0, 5.0
"""Route 53 takes 5 calls a second an account (its quotas): others have to live there too."""
MOST_VALUES = 400
"""Of a batch; 1,000 and 32,000 characters are allowed, and values are sent up to twice."""
_REJECTED = {"InvalidChangeBatch", "InvalidInput", "NoSuchHealthCheck"}
_ROUTED_BY = ("Region", "GeoLocation", "Failover", "CidrRoutingConfig", "GeoProximityLocation")

Set = Mapping[str, Any]
"""A ResourceRecordSet as the API has it."""


class Calls(Call, Protocol):
    """As aws.client.Aws is. `once` makes one try: a write that waited would come late, when another
    may lead already."""

    def once(self, action: str, /, **parameters: Any) -> Awaitable[Answer]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Batch:
    """Changes of some hosts in one zone; those of a host stay together."""

    zone: str
    hosts: dict[str, list[Change]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(map(_size, self.hosts.values()))


class Rejected(DnsError):
    """The batch is of no use: one of its changes is wrong."""


class Route53Provider:
    """Implements ports.DnsProvider. `zone` is a hosted zone's id; empty: found by the names."""

    def __init__(self, aws: Calls, zone: str = "") -> None:
        self._aws = aws
        self._zones = Zones(zone, self._find_zone, _NO_ZONE)
        self._seen: dict[tuple[str, str, str], Set] = {}

    async def read(self, names: Collection[str]) -> tuple[Record, ...]:
        found = [each for name in names async for each in self._sets(name)]
        self._seen = {record(each).key: each for each in found}
        return tuple(map(record, found))

    async def apply(self, changes: Collection[Change], fence: Fence) -> tuple[Problem, ...]:
        problems: list[Problem] = []
        for batch in await self._batches(changes):
            try:
                await self._submit(batch, fence)
            except Rejected as error:
                problems += await self._apart(batch, error, fence)
        return tuple(problems)

    async def close(self) -> None:
        self._aws.close()

    async def _sets(self, name: str) -> AsyncIterator[Set]:
        zone = await self._zones.of(name)
        for wanted in (name, owner_name(name)):
            async for each in self._from(zone, wanted):
                if plain_name(each["Name"]) != wanted:
                    break
                if each["Type"] in KINDS:
                    yield each

    async def _from(self, zone: str, name: str) -> AsyncIterator[Set]:
        """All sets from that name on, in Route 53's order."""
        start: dict[str, str] = {"StartRecordName": name}
        while start:
            answer = await self._call("ListResourceRecordSets", HostedZoneId=zone, **start)
            for each in answer.get("ResourceRecordSets", ()):
                yield each
            start = _next(answer) if answer.get("IsTruncated") else {}

    async def _batches(self, changes: Collection[Change]) -> list[_Batch]:
        hosts: dict[str, list[Change]] = {}
        for change in changes:
            hosts.setdefault(change.host, []).append(change)
        batches: list[_Batch] = []
        for host, of_host in hosts.items():
            zone = await self._zones.of(host)
            fits = (b for b in batches if b.zone == zone and b.size + _size(of_host) <= MOST_VALUES)
            if (batch := next(fits, None)) is None:
                batches.append(batch := _Batch(zone))
            batch.hosts[host] = of_host
        return batches

    async def _submit(self, batch: _Batch, fence: Fence) -> None:
        made = [each for of_host in batch.hosts.values() for each in self._changes(of_host)]
        await fence()
        whole = {"Comment": "fairlead", "Changes": made}
        await _mapped(
            self._aws.once(
                "route53:ChangeResourceRecordSets", HostedZoneId=batch.zone, ChangeBatch=whole
            )
        )

    async def _apart(self, batch: _Batch, why: Rejected, fence: Fence) -> list[Problem]:
        if len(batch.hosts) == 1:
            return [Problem(host, str(why)) for host in batch.hosts]
        problems = []
        for host, changes in batch.hosts.items():
            try:
                await self._submit(_Batch(batch.zone, {host: changes}), fence)
            except Rejected as error:
                problems.append(Problem(host, str(error)))
        return problems

    def _changes(self, changes: Sequence[Change]) -> Iterator[dict[str, Any]]:
        """What goes comes first: a set of one routing cannot be beside one of another."""
        for change in changes:
            if change.before:
                yield {"Action": "DELETE", "ResourceRecordSet": self._as_seen(change.before)}
        for change in changes:
            if change.after:
                old = self._seen.get(change.after.key, {}) if change.before else {}
                kept = {name: old[name] for name in ("HealthCheckId",) if name in old}
                yield {"Action": "CREATE", "ResourceRecordSet": _set(change.after) | kept}

    def _as_seen(self, before: Record) -> Set:
        """With all that a record does not tell, a health check for one."""
        seen = self._seen.get(before.key)
        return seen if seen is not None and record(seen) == before else _set(before)

    async def _find_zone(self, name: str) -> str:
        answer = await self._call("ListHostedZonesByName", DNSName=name, MaxItems="10")
        ids = [z["Id"] for z in answer.get("HostedZones", ()) if plain_name(z["Name"]) == name]
        if len(ids) > 1:
            raise DnsError(f"Route 53 has {len(ids)} zones {name}: say which, in {_SETTING}")
        return str(ids[0]) if ids else ""

    async def _call(self, operation: str, **parameters: Any) -> Answer:
        return await _mapped(self._aws(f"route53:{operation}", **parameters))


async def _mapped(call: Awaitable[Answer]) -> Answer:
    from fairlead.aws.faults import code

    try:
        return await call
    except PlatformError as error:
        if code(error.__cause__) in _REJECTED:
            raise Rejected(f"Route 53 refuses it: {error}") from error
        if code(error.__cause__) == "NoSuchHostedZone":
            raise DnsError(f"Route 53 has no such zone: correct {_SETTING}") from error
        raise DnsError(str(error)) from error


_SETTING = "dns.route53.zone"
_NO_ZONE = "Route 53 has no zone for {name} in this account: correct dns.names"


def record(each: Set) -> Record:
    """A set as the plan sees it; an alias has the kind ALIAS."""
    name, set_id = plain_name(each["Name"]), str(each.get("SetIdentifier", ""))
    if alias := each.get("AliasTarget"):
        return Record(name, "ALIAS", (plain_name(alias["DNSName"]),), 0, set_id, _routing(each))
    values = tuple(sorted(plain_value(item["Value"]) for item in each.get("ResourceRecords", ())))
    return Record(name, each["Type"], values, int(each.get("TTL", 0)), set_id, _routing(each))


def _routing(each: Set) -> str:
    if each.get("MultiValueAnswer"):
        return "multivalue"
    if "Weight" in each:
        return f"weighted {each['Weight']}"
    return next((f"by {key}" for key in _ROUTED_BY if key in each), "")


def _set(wanted: Record) -> dict[str, Any]:
    """The set for a record of ours; its id begins with fairlead's mark, or there is none."""
    made: dict[str, Any] = {
        "Name": wanted.name,
        "Type": wanted.kind,
        "TTL": wanted.ttl,
        "ResourceRecords": [
            {"Value": written_value(wanted.kind, value)} for value in wanted.values
        ],
    }
    word, _, weight = wanted.routing.partition(" ")
    if wanted.set_id.startswith(SET):
        made["SetIdentifier"] = wanted.set_id
        made |= {"Weight": int(weight)} if word == "weighted" else {"MultiValueAnswer": True}
    return made


def _next(answer: Mapping[str, Any]) -> dict[str, str]:
    names = ("RecordName", "RecordType", "RecordIdentifier")
    return {f"Start{n}": str(answer[f"Next{n}"]) for n in names if answer.get(f"Next{n}")}


def _size(changes: Sequence[Change]) -> int:
    """Values that are sent."""
    sides = (side for change in changes for side in (change.before, change.after))
    return sum(len(side.values) for side in sides if side)
