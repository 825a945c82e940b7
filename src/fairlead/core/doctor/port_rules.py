"""Ports of nodes: those that only one copy can have, and those that two services want."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from fairlead.core.doctor.finding import ERROR, WARNING, Finding, Said, first, line_at
from fairlead.core.doctor.images import is_proxy
from fairlead.core.doctor.workloads import Workload, fronts, nodes_of, workloads
from fairlead.core.ecs.model import RESERVED_PORTS
from fairlead.core.setup import At, Container, Fact, Port, ProxyTarget, Setup, Unknown

DYNAMIC = (32768, 60999)
"""Linux's ephemeral range, which ECS takes host ports from (ip_local_port_range)."""
_NAMED = re.compile(r"(?i)host_?port")
_STAGE = re.compile(
    r"(?i)(^|[-_./])(dev|devel|development|stag|staging|stage|prod|production|test|testing|qa|uat|"
    r"int|local|sandbox|demo|blue|green|canary|preprod|example|sample)(?=$|[-_./])"
)


def fixed_host_port(setup: Setup) -> Said:
    for each in workloads(setup):
        alone = bool(each.service and each.service.distinct)
        if each.fargate or each.daemon or alone or not each.app:
            continue
        yield from _unread(each)
        for box, port, fact in each.fixed():
            if not _is_edge(setup, each, box, fact):
                yield _fixed(setup, each, box, port, fact)


def _is_edge(setup: Setup, each: Workload, box: Container, fact: Fact[int]) -> bool:
    """Where the requests of others come in: in Compose any port of a proxy, in ECS a usual one of
    a proxy that has others behind it."""
    if each.compose:
        return each.edge or any(fact.value == 443 for _, _, fact in each.fixed())
    if not is_proxy(box):
        return False
    return fact.value in (80, 443, 8080, 8443) and fronts(setup, each)


def _unread(each: Workload) -> Iterator[Unknown]:
    for box, port in each.ports():
        if not each.mode and port.host.value and port.host.value != port.container.value:
            why = each.task.network_mode.unknown
            yield Unknown(f"network mode of {each.name} ({box.name})", why, port.at)
        if port.host.unknown and each.mode in ("", "bridge", "host"):
            at = first(port.host.origin, port.at)
            yield Unknown(f"host port of {each.name} ({box.name})", port.host.unknown, at)


def _own_line(setup: Setup, fact: Fact[int]) -> tuple[At, ...]:
    """Where the number itself stands, as long as it is called a host port there: a module's caller
    is more to the point than the module."""
    named = [at for at in fact.origin if _NAMED.search(line_at(setup, at))]
    return tuple(named[-1:]) or fact.origin


def _fixed(setup: Setup, each: Workload, box: Container, port: Port, fact: Fact[int]) -> Finding:
    copies = (each.service.desired.value if each.service else None) or 1
    host = each.mode == "host"
    where = "in network mode host" if host else f"for container port {port.container.value or '?'}"
    engine = f"the ports of {each.name} are fixed" if each.compose else "it stays PENDING"
    return Finding(
        "fixed-host-port",
        WARNING if each.compose and copies < 2 else ERROR,
        first(_own_line(setup, fact), port.at, each.at),
        each.name,
        f"{each.name} takes host port {fact.value} {where}: a node has room for one copy",
        f"The second copy on a node finds port {fact.value} taken: {engine}. A copy on another node"
        " is reached only if DNS and the proxy know that node.",
        _dynamic_fix(each, port, host),
        f"{box.name}/{fact.value}/{port.protocol}",
        fact.origin,
        old="" if host else str(fact.value),
    )


def _dynamic_fix(each: Workload, port: Port, host: bool) -> str:
    if each.compose:
        inside = port.container.value or "PORT"
        return f'publish "{inside}" without a host port, and let the proxy find the copies'
    if host:
        return "use network mode bridge with hostPort 0, and let the proxy or a target group follow"
    return "set hostPort to 0, and let the proxy (fairlead) or a target group follow the ports"


def port_collision(setup: Setup) -> Said:
    found = workloads(setup)
    for each in found:
        yield from _within(each)
        yield from _reserved(each)
    for one, other in combinations(found, 2):
        if _share_nodes(one, other):
            yield from _between(setup, one, other)
    yield from _proxied_twice(setup)


def _within(each: Workload) -> Iterator[Finding]:
    """Containers of one task share a network in modes awsvpc and host, and the node's in bridge."""
    seen: dict[tuple[int, str], tuple[str, Port]] = {}
    for box, port in each.ports():
        own = port.host.value if each.mode == "bridge" else port.container.value
        if not own or not each.mode:
            continue
        before, held = seen.setdefault((own, port.protocol), (box.name, port))
        if held is not port and (before != box.name or each.mode == "bridge"):
            fact = port.host if each.mode == "bridge" else port.container
            message = f"{before} and {box.name} of {each.name} both want port {own}"
            yield _collision(each, first(fact.origin, port.at), message, f"within/{own}")


def _reserved(each: Workload) -> Iterator[Finding]:
    if each.compose or each.fargate:
        return
    for box, port, fact in each.fixed():
        number = fact.value or 0
        at = first(fact.origin, port.at)
        if number in RESERVED_PORTS and port.protocol == "tcp" and not each.daemon:
            message = f"{each.name} wants host port {number}, which the node keeps for itself"
            yield _collision(each, at, message, f"{box.name}/{number}")
        elif DYNAMIC[0] <= number <= DYNAMIC[1] and each.mode == "bridge":
            message = (
                f"{each.name} fixes host port {number}, which ECS may give to another task"
                f" ({DYNAMIC[0]} to {DYNAMIC[1]} are the dynamic ports)"
            )
            yield _collision(each, at, message, f"{box.name}/{number}", WARNING)


def _share_nodes(one: Workload, other: Workload) -> bool:
    if one.fargate or other.fargate or one.chosen != other.chosen:
        return False
    if one.service and other.service:
        same_kind = one.compose == other.compose
        same = bool(one.cluster) and one.cluster == other.cluster
        return same_kind and same and one.service.name != other.service.name
    if one.service or other.service:
        return False
    return _folder(one.task.at) == _folder(other.task.at) and _unlike(one, other)


def _folder(at: At) -> str:
    return at.file.rpartition("/")[0]


def _unlike(one: Workload, other: Workload) -> bool:
    """Two services, not two stages of one."""
    first_name, second = (_STAGE.sub("", each.task.family.lower()) for each in (one, other))
    staged = _STAGE.search(one.task.family) or _STAGE.search(one.task.at.file.rpartition("/")[2])
    return bool(first_name and second) and first_name != second and not staged


def _between(setup: Setup, one: Workload, other: Workload) -> Iterator[Finding]:
    held = {(f.value, p.protocol): p for _, p, f in one.fixed()}
    for box, port, fact in other.fixed():
        if (fact.value, port.protocol) not in held:
            continue
        message = f"{one.name} and {other.name} both take host port {fact.value} of a node"
        place = f"{box.name}/{fact.value}/{one.name}"
        severity = ERROR if _too_many(setup, one, other) else WARNING
        yield _collision(other, first(fact.origin, port.at), message, place, severity)


def _too_many(setup: Setup, one: Workload, other: Workload) -> bool:
    """There are not nodes enough for each to have one of its own."""
    if one.compose or one.daemon or other.daemon:
        return True
    counts = [each.desired() for each in (one, other)]
    nodes = nodes_of(setup, other).most
    return nodes is not None and None not in counts and sum(c or 0 for c in counts) > nodes


def _collision(each: Workload, at: At, message: str, place: str, severity: str = ERROR) -> Finding:
    return Finding(
        "port-collision",
        severity,
        at,
        each.name,
        message,
        "Only one of them can be on a node: the other finds the port taken, and each further copy"
        " makes it likelier.",
        "set hostPort to 0, or give each service a range of its own",
        place,
    )


def _proxied_twice(setup: Setup) -> Iterator[Finding]:
    """Two services' ranges of local ports that run into one another."""
    several = [p for p in setup.proxies if len(set(p.servers)) > 1]
    for one, other in combinations(several, 2):
        ours, theirs = set(one.servers), set(other.servers)
        shared = sorted(ours & theirs)
        if shared and ours - theirs and theirs - ours and one.at.file == other.at.file:
            yield _ranges(one, other, shared)


def _ranges(one: ProxyTarget, other: ProxyTarget, shared: list[str]) -> Finding:
    mine, theirs = (each.upstream or ", ".join(each.hosts) for each in (one, other))
    return Finding(
        "port-collision",
        ERROR,
        other.at,
        theirs,
        f"{mine} and {theirs} are both sent to {', '.join(shared)}",
        "Only one of them can listen there: requests for the other reach the wrong service.",
        "give each service ports of its own (see the port plan in docs/doctor.md)",
        f"{mine}/{shared[0]}",
    )
