"""Which names a cluster has in DNS, and which nodes stand behind them."""

from __future__ import annotations

from collections.abc import Iterable

from fairlead.core.dns import OWNER, DnsNode, kind_of
from fairlead.core.dns_settings import Dns
from fairlead.core.model import Node, Service

_LONGEST = 253 - len(OWNER)


def names_of(dns: Dns, services: Iterable[Service]) -> tuple[str, ...]:
    """Those of the settings; without them the hosts of all routes that other machines can ask for:
    no wildcard, nothing of this machine's own, and nothing whose owner's name would be too long."""
    if dns.names:
        return dns.names
    hosts = (route.host for s in services if s.dns for route in s.routes)
    return tuple(dict.fromkeys(host for host in hosts if _is_name(host)))


def nodes_of(dns: Dns, nodes: Iterable[Node]) -> list[DnsNode]:
    """As the platform alone sees them: a node that is away cannot serve; one that is drained can,
    and leaves."""
    return [
        DnsNode(
            node.id,
            node.public if dns.addresses == "public" else node.address,
            serving=node.state != "away",
            leaving=node.state == "draining",
        )
        for node in nodes
    ]


def this_machine(dns: Dns) -> Node:
    """Whose address no platform can tell."""
    return Node("local", dns.address, public=dns.address)


def _is_name(host: str) -> bool:
    labels = host.split(".")
    local = labels[-1] in {"localhost", "local"} or len(labels) < 2
    return not (local or "*" in host or kind_of(host) or len(host) > _LONGEST)
