"""Proxies that know one copy only, or look for it on their own node."""

from __future__ import annotations

from fairlead.core.doctor.finding import ERROR, WARNING, Finding, Said
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
from fairlead.core.setup import ProxyTarget, Setup


def proxy_single_upstream(setup: Setup) -> Said:
    told: set[tuple[str, str, str]] = set()
    for proxy in setup.proxies:
        if len(set(proxy.servers)) != 1 or proxy.resolved:
            continue
        key = (proxy.at.file, proxy.servers[0], proxy.upstream or " ".join(proxy.hosts))
        if key not in told and _one_copy(setup, proxy):
            told.add(key)
            yield _single(setup, proxy)


def _one_copy(setup: Setup, proxy: ProxyTarget) -> bool:
    """Its only target is one copy of an application of this set-up."""
    server, found = proxy.servers[0], meant(setup, proxy)
    if beside_it(setup, server) or (found and all(no_app(each) for each in found)):
        return False
    if is_here(server) or is_address(server):
        return bool(found) or not _ports_known(setup)
    return bool(found)


def _ports_known(setup: Setup) -> bool:
    """Every service of the nodes was read: what none of them has is not one of theirs."""
    found = [each for each in workloads(setup) if not each.fargate]
    sure = all(
        p.host.value is not None or each.mode != "bridge" for each in found for _, p in each.ports()
    )
    return bool(found) and all(each.task.whole for each in found) and sure


def _single(setup: Setup, proxy: ProxyTarget) -> Finding:
    server, service = proxy.servers[0], name_of(setup, proxy)
    named = not (is_here(server) or is_address(server))
    how = f"upstream {proxy.upstream} has one server" if proxy.upstream else "proxy_pass names one"
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
