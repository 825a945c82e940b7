"""DNS records as scripts write them: batches for Route 53, and bodies for Cloudflare's API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fairlead.core.setup import DnsRecord, Fact
from fairlead.inspect.hcl.texts import shown
from fairlead.inspect.markup import documents
from fairlead.inspect.values import Value

CLOUDFLARE_AUTO = 300
"""Seconds: what Cloudflare makes of a TTL of 1
(https://developers.cloudflare.com/dns/manage-dns-records/reference/ttl/)."""

_ADDRESS = re.compile(r"[\d.]+|[\da-fA-F:.]*:[\da-fA-F:.]*")
_ROUTING = {
    "Weight": "weighted",
    "Failover": "failover",
    "Region": "latency",
    "GeoLocation": "geolocation",
}


def route53_records(file: str, text: str, first_line: int = 1) -> tuple[DnsRecord, ...]:
    """Those that a change batch creates or changes. An address that a variable holds is as it is
    written there (`$IP`): it is one all the same."""
    found = documents(file, "\n" * (first_line - 1) + text)
    return tuple(record for whole in found for record in batch_records(whole))


def batch_records(whole: Value) -> tuple[DnsRecord, ...]:
    return tuple(_batch(whole))


def _batch(whole: Value) -> Iterator[DnsRecord]:
    changes = whole.get("ChangeBatch") if whole.get("ChangeBatch").given else whole
    for change in changes.get("Changes").items():
        of = change.get("ResourceRecordSet")
        if shown(change.get("Action")).upper() != "DELETE" and of.get("Type").given:
            yield _record(of)


def _record(of: Value) -> DnsRecord:
    answers = of.get("ResourceRecords").items()
    kind = shown(of.get("Type")).upper()
    values = [_gap(shown(answer.get("Value")), kind) for answer in answers]
    alias = of.get("AliasTarget").given
    known = tuple(value for value in values if value)
    return DnsRecord(
        shown(of.get("Name")).rstrip("."),
        kind,
        of.get("TTL").number(),
        known,
        alias=alias,
        routing=_routing(of),
        at=of.at,
        whole=alias or (bool(known) and len(known) == len(answers)),
    )


def _gap(text: str, kind: str) -> str:
    """What stands for an address that a script fills in (`IPADDRESS`, `%IP%`) is a variable."""
    gap = text and kind in ("A", "AAAA") and not _ADDRESS.fullmatch(text) and "$" not in text
    return f"${text}" if gap else text


def _routing(of: Value) -> str:
    if of.get("MultiValueAnswer").flag().value:
        return "multivalue"
    return next((word for name, word in _ROUTING.items() if of.get(name).given), "simple")


def cloudflare_record(file: str, text: str, first_line: int, several: bool) -> DnsRecord | None:
    """The one that the body of a request describes, None where it is no record. `several`: the
    script makes one for each of several answers."""
    found = documents(file, "\n" * (first_line - 1) + text)
    of = found[0] if found else Value()
    content = shown(of.get("content"))
    if not content:
        return None
    ttl = of.get("ttl").number()
    if of.get("proxied").flag().value:
        ttl = Fact()  # what is kept then are Cloudflare's own addresses
    return DnsRecord(
        shown(of.get("name")),
        shown(of.get("type")).upper() or "A",
        replace(ttl, value=CLOUDFLARE_AUTO) if ttl.value == 1 else ttl,
        (content,),
        routing="multivalue" if several else "simple",
        at=of.at,
        whole=not several,
    )
