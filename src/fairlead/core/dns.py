"""The words of DNS: nodes that can be named, record sets, changes of them. Pure.

A name's records are its addresses (A, AAAA); its owner is the TXT record at `_fairlead.NAME`, an
idea of external-dns: without it nothing tells our records from a person's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Literal

OWNER = "_fairlead."
SET = "fairlead:"
ADDRESSES = ("A", "AAAA")
IMMOVABLE = ("CNAME", "ALIAS")
"""Kinds beside which no address can be: a provider reports an alias of its own as ALIAS."""

Action = Literal["create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class DnsNode:
    """A node as DNS sees it; named while it is `serving` and not `leaving`."""

    id: str
    address: str
    serving: bool = True
    leaving: bool = False

    @property
    def named(self) -> bool:
        return self.serving and not self.leaving


@dataclass(frozen=True, slots=True)
class Record:
    """A record set: all values of a name and kind, or of one of its sets where it has several.

    `name` is lower case without the last dot, `values` are sorted, `ttl` is in seconds. `routing`
    is the provider's own word for how the set answers (`multivalue`, `weighted 1`, `proxied`).
    """

    name: str
    kind: str
    values: tuple[str, ...]
    ttl: int
    set_id: str = ""
    routing: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.name, self.kind, self.set_id


@dataclass(frozen=True, slots=True)
class Change:
    """`before` is what must be there for it to be made, None for nothing; `after` likewise.

    `host` is the name that it serves: that of the addresses, also for the owner's record.
    """

    host: str
    before: Record | None
    after: Record | None

    @property
    def action(self) -> Action:
        if self.before is None:
            return "create"
        return "delete" if self.after is None else "update"

    @property
    def record(self) -> Record:
        """The one it is about: as it will be, or as it was."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a change of nothing into nothing")
        return found

    def __str__(self) -> str:
        record = self.record
        subject = f"{self.action} {record.name} {record.kind}"
        if self.before and self.after:
            return f"{subject} {said(self.before)} -> {said(self.after)}"
        return f"{subject} {said(record)}"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a name is not, or not all, as it should be."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Form:
    """How a provider lays out a name: one set with all addresses, or a set for each address."""

    routing: str = ""
    each: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """`most` is the share (0 to 1) of a name's addresses that one pass may take away.

    `ttl` is that of records that are made, in seconds.
    """

    cluster: str
    ttl: int = 60
    most: float = 0.5
    adopt: bool = False
    form: Form = field(default_factory=Form)


def owner_name(name: str) -> str:
    return OWNER + name


def owner_text(cluster: str) -> str:
    return f"heritage=fairlead,cluster={cluster}"


def kind_of(address: str) -> str:
    """`A` or `AAAA`; empty when it is no address that a record can hold."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address):
        return "" if parsed.scope_id or parsed.ipv4_mapped else "AAAA"
    return "" if parsed.is_unspecified else "A"


def listed(values: Collection[str]) -> str:
    shown = sorted(values)
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")


def said(record: Record) -> str:
    routing = f" {record.routing}" if record.routing else ""
    return f"{listed(record.values)} ttl {record.ttl}{routing}"
