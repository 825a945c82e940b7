"""Proxies that know one copy only, or look for it on their own node."""

from __future__ import annotations

import re

from fairlead.core.doctor.finding import ERROR, WARNING, Finding, Said, line_at
from fairlead.core.doctor.images import is_aside
from fairlead.core.doctor.reach import (
    beside_it,
    by_port,
    host_of,
    is_address,
    is_here,
    locals_of,
    meant,
    name_of,
    no_app,
)
from fairlead.core.doctor.workloads import Workload, nodes_of, workloads
from fairlead.core.setup import ProxyTarget, Setup, Unknown


def proxy_single_upstream(setup: Setup) -> Said:
    told: set[tuple[str, str, str]] = set()
    for proxy in setup.proxies:
        if len(set(proxy.servers)) != 1 or proxy.resolved:
            continue
        key = (proxy.at.file, proxy.servers[0], proxy.upstream or " ".join(proxy.hosts))
        if key in told:
            continue
        told.add(key)
        if _one_copy(setup, proxy):
            yield _single(setup, proxy)
        elif is_here(proxy.servers[0]) and not meant(setup, proxy) and not _ports_known(setup):
            why = "host ports of services are not all known"
            yield Unknown(f"which service {proxy.servers[0]} is", why, proxy.at)


def _one_copy(setup: Setup, proxy: ProxyTarget) -> bool:
    """Its only target is one copy of an application of this set-up."""
    server, found = proxy.servers[0], meant(setup, proxy)
    if is_aside(proxy.location, proxy.upstream, host_of(server)) or _own_process(setup, proxy):
        return False
    if beside_it(setup, server) or (found and all(no_app(each) for each in found)):
        return False
    if is_here(server) or is_address(server):
        return bool(found) or not setup.tasks
    return bool(found) and not any((each.desired() or 0) > 1 for each in found)


def _own_process(setup: Setup, proxy: ProxyTarget) -> bool:
    """A process manager of the proxy's own machine (PHP-FPM, uWSGI) comes with every copy of it."""
    own = re.search(r"\b(fastcgi|uwsgi|scgi)_pass\b", line_at(setup, proxy.at))
    return bool(own) and is_here(proxy.servers[0])


def _ports_known(setup: Setup) -> bool:
    """No service has a port of a node that could not be read."""
    found = [each for each in workloads(setup) if each.mode in ("", "bridge", "host")]
    return all(
        each.mode and each.task.whole and not port.host.unknown
        for each in found
        for _, port in each.ports()
    )


def _single(setup: Setup, proxy: ProxyTarget) -> Finding:
    server, service = proxy.servers[0], name_of(setup, proxy)
    named = not (is_here(server) or is_address(server))
    how = f"upstream {proxy.upstream} has one server" if proxy.upstream else "no other is named"
    once = "the name is looked up once, when nginx starts: copies that come later are not known"
    return Finding(
        "proxy-single-upstream",
        WARNING if named else ERROR,
        proxy.at,
        service,
        f"every request for {service or 'this location'} goes to {server} ({how})",
        f"A second copy gets no request, and when {server} fails nothing takes its place"
        + (f": {once}." if named else "."),
        "use an upstream with every copy in it, kept up to date (fairlead does it; for names:"
        " a resolver and a variable)"
        if named
        else "use an upstream with every copy in it, kept up to date as copies come and go"
        " (fairlead)",
        f"{proxy.upstream or ' '.join(proxy.hosts)}/{server}",
        (proxy.at,),
    )


def cross_node_proxy(setup: Setup) -> Said:
    told: set[tuple[str, str, str]] = set()
    for proxy, server in locals_of(setup):
        for each in by_port(setup, server):
            key = (proxy.at.file, each.name, server)
            if key in told or each.compose or each.daemon or beside_it(setup, server):
                continue
            told.add(key)
            yield from _elsewhere(setup, proxy, server, each)


def _elsewhere(setup: Setup, proxy: ProxyTarget, server: str, each: Workload) -> Said:
    nodes = nodes_of(setup, each)
    if nodes.most is None:
        yield nodes.unknown(f"whether {each.name} may run on another node than its proxy", proxy.at)
        return
    covered = each.service and each.service.distinct and (each.desired() or 0) >= nodes.most
    if nodes.most < 2 or covered:
        return
    names = f"upstream {proxy.upstream}" if proxy.upstream else "nginx"
    yield Finding(
        "cross-node-proxy",
        ERROR,
        proxy.at,
        each.name,
        f"{names} sends requests for {each.name} to {server} of its own node, and {each.name} may"
        f" run on any of {nodes.most} nodes",
        "On a node without a copy nothing listens there: every request that DNS sends to that node"
        " fails with 502.",
        "let each node's nginx know the copies of all nodes (fairlead agent), or run the service as"
        " a DAEMON, one a node",
        f"{host_of(server)}/{server}",
        (proxy.at,),
    )
