"""Which names a cluster has in DNS, and which nodes stand behind them."""

from __future__ import annotations

from collections.abc import Iterable

from fairlead.core.dns import OWNER, DnsNode, kind_of
from fairlead.core.dns_settings import Dns
from fairlead.core.model import Cluster, Node, Service

_LONGEST = 253 - len(OWNER)


def places_of(cluster: Cluster) -> tuple[Dns, ...]:
    """Each place where names of this cluster are kept, once."""
    all_of_them = (cluster.dns, *(s.dns for s in cluster.services if s.named))
    return tuple(dict.fromkeys(dns for dns in all_of_them if dns.provider))


def names_of(dns: Dns, cluster: Cluster) -> tuple[str, ...]:
    """The names that are kept in this place. Those of the settings; without them the hosts of all
    its services' routes that other machines can ask for: no wildcard, nothing of this machine's
    own, and nothing whose owner's name would be too long."""
    if dns.names:
        return dns.names
    kept = (s for s in cluster.services if s.named and _place(s, cluster) == dns)
    hosts = (route.host for service in kept for route in service.routes)
    return tuple(dict.fromkeys(host for host in hosts if _is_name(host)))


def _place(service: Service, cluster: Cluster) -> Dns:
    return service.dns if service.dns.provider else cluster.dns


def kept_twice(cluster: Cluster) -> str:
    """A name that two places of one provider would keep against one another, or nothing."""
    seen: set[tuple[str, str]] = set()
    for dns in places_of(cluster):
        for name in names_of(dns, cluster):
            if (dns.provider, name) in seen:
                return name
            seen.add((dns.provider, name))
    return ""


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
