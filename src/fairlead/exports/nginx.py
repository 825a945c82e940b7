"""Configuration for an nginx without fairlead beside it, or with a fairlead that keeps upstreams.

static: one upstream a service with the endpoints that are known now, and the servers.
dynamic: the servers alone; the upstreams are in the file that fairlead writes (`proxy: {kind:
plain, servers: false}`, docs/plain-nginx.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from fairlead.core.errors import BadInput
from fairlead.core.model import Cluster, Entry, EntryState, Service, ServiceTable
from fairlead.exports.ports import Ports
from fairlead.proxies.plain.config import check, upstream
from fairlead.proxies.plain.servers import servers

_SOME = ("127.0.0.1", 9)
"""Servers lead to upstreams by name: which endpoints those have is nothing to them."""

_STATIC = "# One upstream a service. An endpoint that comes or goes is an edit and a reload."
_DYNAMIC = "# The upstreams of these names are in the file that fairlead keeps."


def nginx(cluster: Cluster, nodes: Sequence[str], ports: Ports, *, dynamic: bool) -> str:
    """For nginx's http block. BadInput where a service's endpoints are not known."""
    if dynamic:
        tables = [_whole(service, [_SOME]) for service in cluster.services]
    else:
        tables = [_whole(s, _places(s, nodes, ports)) for s in cluster.services]
    for table in tables:
        check(table, cluster.front)
    lines = [_DYNAMIC if dynamic else _STATIC]
    for table in () if dynamic else tables:
        lines += upstream(table, cluster.front)
    return "\n".join([*lines, *servers(tables, cluster.front)]) + "\n"


def _places(service: Service, nodes: Sequence[str], ports: Ports) -> list[tuple[str, int]]:
    places = [(e.host, e.port) for e in service.endpoints]
    places += [(node, port) for node in nodes for port in ports.get(service.name, ())]
    if not places:
        raise BadInput(
            f"{service.name}: its endpoints are not known; give --node ADDRESS and "
            f"--ports {service.name}=8083,8086, or --strategy dynamic"
        )
    return places


def _whole(service: Service, places: Sequence[tuple[str, int]]) -> ServiceTable:
    entries = tuple(Entry(f"{host}:{port}", host, port, EntryState.UP) for host, port in places)
    return ServiceTable(service.name, service.routes, entries, service.traffic)
