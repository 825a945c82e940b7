"""What lets requests reach a copy: security groups, and the kind of a target group."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fairlead.core.doctor.finding import ERROR, Finding, Said, first
from fairlead.core.doctor.port_rules import DYNAMIC
from fairlead.core.doctor.reach import by_port, is_address, is_here, port_of
from fairlead.core.doctor.workloads import Workload, nodes_of, workloads
from fairlead.core.setup import At, NodeGroup, SecurityGroup, Setup, Target, Unknown

_ANY = ("-1", "all")


@dataclass(frozen=True, slots=True)
class Way:
    """Ports of nodes that must be open to `who` for the requests of a service."""

    workload: Workload
    first: int
    last: int
    who: str
    at: At

    @property
    def text(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"


def security_group_ports(setup: Setup) -> Said:
    told: set[tuple[str, str, str]] = set()
    for way in (*_balanced(setup), *_crossing(setup)):
        for group in nodes_of(setup, way.workload).groups:
            key = (way.workload.name, group.key, way.text)
            if key not in told:
                told.add(key)
                yield from _closed(setup, way, group)


def _balanced(setup: Setup) -> Iterator[Way]:
    """From a load balancer to the ports of nodes."""
    for each in workloads(setup):
        if each.mode not in ("bridge", "host") or each.fargate or not each.service:
            continue
        for target in each.service.targets:
            for low, high in _ports_of(each, target):
                yield Way(each, low, high, "the load balancer", first(target.at, each.at))


def _ports_of(each: Workload, target: Target) -> Iterator[tuple[int, int]]:
    for box, port in each.ports():
        known = {box.name, ""}
        if target.container not in known or not _same(target, port.container.value):
            continue
        fixed = port.container.value if each.mode == "host" else port.host.or_(0)
        if fixed is not None:
            yield (fixed, fixed) if fixed else DYNAMIC


def _same(target: Target, container: int | None) -> bool:
    return not target.port.value or not container or target.port.value == container


def _crossing(setup: Setup) -> Iterator[Way]:
    """From one node's proxy to ports of others."""
    for proxy in setup.proxies:
        for server in proxy.servers:
            number = port_of(server)
            if not number or is_here(server) or not is_address(server):
                continue
            for each in by_port(setup, server) or _dynamic(setup, number):
                low, high = DYNAMIC if number >= DYNAMIC[0] else (number, number)
                yield Way(each, low, high, "the proxies of other nodes", proxy.at)


def _dynamic(setup: Setup, number: int) -> list[Workload]:
    if not DYNAMIC[0] <= number <= DYNAMIC[1]:
        return []
    return [
        each
        for each in workloads(setup)
        if each.mode == "bridge" and not each.compose and not each.balanced
        if any(port.host.or_(0) == 0 for _, port in each.ports())
    ]


def _closed(setup: Setup, way: Way, nodes: NodeGroup) -> Said:
    groups = [group for group in setup.groups if group.key in nodes.security_groups]
    if _let_in(groups, way):
        return
    what = f"whether {way.text} is let in to {nodes.key}"
    if not nodes.whole or len(groups) < len(nodes.security_groups) or not groups:
        yield Unknown(what, "its security groups are not all known", nodes.at)
    elif not all(group.whole for group in groups):
        yield Unknown(what, "not all rules of its security groups are known", groups[0].at)
    else:
        yield _finding(way, groups)


def _let_in(groups: list[SecurityGroup], way: Way) -> bool:
    """Every port of the way is in one of the ranges; one that is not known may hold it."""
    needed = way.first
    for low, high in sorted(_ranges(groups)):
        if low <= needed <= high:
            needed = high + 1
    return needed > way.last


def _ranges(groups: list[SecurityGroup]) -> Iterator[tuple[int, int]]:
    for group in groups:
        for rule in group.ingress:
            if rule.protocol.lower() not in ("tcp", "6", *_ANY):
                continue
            low, high = rule.first.or_(0), rule.last.or_(65535)
            if low is None or high is None or rule.protocol in _ANY or low < 0:
                yield (0, 65535)
            else:
                yield (low, high)


def _finding(way: Way, groups: list[SecurityGroup]) -> Finding:
    each = way.workload
    dynamic = way.first != way.last
    has = ", ".join(f"{a}-{b}" if a != b else f"{a}" for a, b in sorted(set(_ranges(groups))))
    return Finding(
        "security-group-ports",
        ERROR,
        first(groups[0].at, way.at),
        each.name,
        f"the nodes' security group does not let {way.who} in to {way.text} of {each.name}"
        f" (it lets in: {has or 'nothing'})",
        (
            "Each copy gets a port of that range, a new one at every start: those outside of what"
            " is let in get no request, and fail their checks."
            if dynamic
            else "No request reaches the copies on that port."
        ),
        f"let in tcp {way.text} from {way.who}'s security group",
        f"{groups[0].key}/{way.text}",
        (groups[0].at, way.at),
    )


def target_group_type(setup: Setup) -> Said:
    kinds = {group.key: group for group in setup.target_groups}
    for each in workloads(setup):
        for target in each.service.targets if each.service else ():
            group = kinds.get(target.group)
            if group is None:
                continue
            kind = group.type.or_("instance")
            at = first(group.type.origin, group.at)
            if kind is None or not each.mode:
                yield Unknown(f"type of target group {group.key}", group.type.unknown, at)
            elif kind in ("ip", "instance") and each.mode in _WANTED and kind != _WANTED[each.mode]:
                yield _wrong(each, kind, group.key, at)


_WANTED = {"awsvpc": "ip", "bridge": "instance", "host": "instance"}


def _wrong(each: Workload, kind: str, group: str, at: At) -> Finding:
    right = _WANTED[each.mode]
    return Finding(
        "target-group-type",
        ERROR,
        at,
        each.name,
        f"{each.name} runs in network mode {each.mode}, and its target group has targets of type"
        f" {kind}",
        f"ECS refuses the service: {each.mode} tasks register as targets of type {right} only.",
        f'set target_type = "{right}" (the target group is made anew)',
        group,
        (at,),
    )


def open_to_dynamic(setup: Setup, service: str) -> bool:
    """Dynamic ports of this service would be let in to its nodes, as far as their groups are known;
    so is one that no load balancer sends to."""
    for each in workloads(setup):
        if each.name == service and each.balanced:
            if _classic(setup, each):
                return False
            for nodes in nodes_of(setup, each).groups:
                groups = [group for group in setup.groups if group.key in nodes.security_groups]
                if not _let_in(groups, Way(each, *DYNAMIC, "", each.at)):
                    return False
    return True


def _classic(setup: Setup, each: Workload) -> bool:
    """A Classic Load Balancer sends to one fixed port of every node."""
    for target in each.service.targets if each.service else ():
        lines = setup.texts.get(target.at.file, ())[max(0, target.at.line - 1) :][:8]
        if any(re.search(r"(?i)elb_name|loadbalancername", line) for line in lines):
            return True
    return False
