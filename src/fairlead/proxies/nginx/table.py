"""A service's table as nginx's Lua reads it: the DOC of docs/dataplane.md."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from fairlead.core.errors import ProxyError
from fairlead.core.model import Entry, EntryState, Route, ServiceTable, Traffic
from fairlead.proxies.naming import checked_name

MOST_BYTES = 4 << 20


class SlottedEntry(msgspec.Struct, frozen=True):
    """An entry and the slot of its counters."""

    id: str
    address: str
    port: int
    slot: int
    state: EntryState
    weight: int
    ready_at: float
    node: str = ""
    near: bool = True


class Doc(msgspec.Struct, frozen=True):
    """One service's table with slots."""

    service: str
    routes: tuple[Route, ...]
    entries: tuple[SlottedEntry, ...]
    traffic: Traffic
    asleep: bool = False

    @property
    def table(self) -> ServiceTable:
        entries = tuple(
            Entry(e.id, e.address, e.port, e.state, e.weight, e.ready_at, e.node, e.near)
            for e in self.entries
        )
        return ServiceTable(self.service, self.routes, entries, self.traffic, self.asleep)

    @property
    def slots(self) -> dict[str, int]:
        return {entry.id: entry.slot for entry in self.entries}


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Doc)


def encode(table: ServiceTable, slots: Mapping[str, int]) -> bytes:
    """ProxyError when the table is too large for nginx."""
    entries = tuple(
        SlottedEntry(
            e.id, e.address, e.port, slots[e.id], e.state, e.weight, e.ready_at, e.node, e.near
        )
        for e in table.entries
    )
    name = checked_name(table.service)
    body = _encoder.encode(Doc(name, table.routes, entries, table.traffic, table.asleep))
    if len(body) > MOST_BYTES:
        raise ProxyError(
            f"the table of {table.service} has {len(body)} bytes, nginx takes {MOST_BYTES}: "
            "give it fewer routes or endpoints"
        )
    return body


def decode(body: bytes) -> Doc:
    """ProxyError when the bytes are no table."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProxyError(f"not a service's table: {error}") from error
