"""How requests get to services: the proxies' targets, and what DNS names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fairlead.core.doctor.dns_rules import dns_single_target
from fairlead.core.doctor.finding import Finding
from fairlead.core.ecs.model import Instance
from fairlead.core.ecs.placement import fixed_ports
from fairlead.core.setup import Call, DnsRecord, ProxyTarget, ServiceSetup, Setup
from fairlead.core.whatif.given import Given, Notes
from fairlead.core.whatif.model import Kind, Naming, Target, Wanted, Way

EPHEMERAL = range(32768, 61000)
"""Where Docker takes dynamic ports from."""
_HERE = {"localhost", "127.0.0.1", "[::1]", "host.docker.internal", "172.17.0.1"}
_VARIABLE = re.compile(r"\$\{?\w+\}?")
_IP = re.compile(r"\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:]+\]")


@dataclass(frozen=True, slots=True)
class World:
    """What ways are made from. `groups` are the keys of the nodes' groups, one a node."""

    setup: Setup
    services: tuple[Wanted, ...]
    nodes: tuple[Instance, ...]
    groups: tuple[str, ...]
    given: Given
    notes: Notes

    def setup_of(self, name: str) -> ServiceSetup:
        return next(each for each in self.setup.services if each.name == name)


def ways_of(world: World) -> tuple[Way, ...]:
    found = {way.host: way for proxy in world.setup.proxies for way in _proxied(world, proxy)}
    led = {way.service for way in found.values()}
    balanced = (way for each in world.services for way in _balanced(world, each, led))
    return (*found.values(), *balanced)


def _proxied(world: World, proxy: ProxyTarget) -> Iterator[Way]:
    service = _meant(world, proxy)
    if service is None:
        if proxy.servers:
            world.notes.add(f"{proxy.at}: which service {proxy.servers[0]} is was not found")
        return
    kept = _follows(service, proxy)
    targets = kept or tuple(_target(world, proxy, text) for text in proxy.servers)
    if kept:
        world.notes.add(
            f"{proxy.at}: these servers are tasks' ports of a moment: taken as kept up to date"
        )
    for host in proxy.hosts or ("_",):
        path = "" if proxy.location == "/" else proxy.location
        way = Way(f"{host}{path}", service.name, Naming.UNSAID, targets, (), _proxy(world, proxy))
        yield _named(world, way, host)


def _follows(service: Wanted, proxy: ProxyTarget) -> tuple[Target, ...]:
    """Addresses with ports that Docker picked are no person's work: something writes them."""
    picked = any(not p.host for c in service.definition.containers for p in c.ports)
    there = [_IP.fullmatch(_host(t)) and _port(t) in EPHEMERAL for t in proxy.servers]
    if service.definition.network != "bridge" or not picked or not there or not all(there):
        return ()
    return (Target(Kind.KEPT, text=f"{proxy.upstream or service.name}, kept up to date"),)


def _meant(world: World, proxy: ProxyTarget) -> Wanted | None:
    """The service with one of those host ports; else the one of that name."""
    ports = {("tcp", _port(text)) for text in proxy.servers}
    for each in world.services:
        if ports & fixed_ports(each.definition):
            return each
    names = [proxy.upstream, *map(_host, proxy.servers), *proxy.hosts]
    labels = [re.split(r"[./]", name)[0].replace("_", "-") for name in names]
    found = (each for label in labels if label for each in world.services if _alike(label, each))
    return next(found, None)


def _alike(label: str, service: Wanted) -> bool:
    plain = re.sub(r"-(backend|upstream|servers?|service|svc|app)$", "", label)
    return plain == service.name or service.name.endswith(f"-{plain}")


def _target(world: World, proxy: ProxyTarget, text: str) -> Target:
    host, port = _host(text), _port(text)
    if host in _HERE:
        return Target(Kind.LOCAL, port, text=text)
    for node in world.nodes:
        if node.address == host:
            return Target(Kind.NODE, port, node.arn, text)
    if _IP.fullmatch(host):
        world.notes.add(f"{proxy.at}: whose address {host} is, is unknown (give --address)")
        return Target(Kind.UNKNOWN, port, text=text)
    return _by_name(world, proxy, text)


def _by_name(world: World, proxy: ProxyTarget, text: str) -> Target:
    """A name that the platform itself answers: of service discovery, or of Compose."""
    label = _host(text).split(".")[0]
    known = (each for each in world.services if _alike(label, each))
    service = next(known, None)
    said = world.setup_of(service.name) if service else None
    if said and (said.discovered or said.kind == "compose"):
        return Target(Kind.KEPT if proxy.resolved else Kind.ONCE, _port(text), text=text)
    world.notes.add(f"{proxy.at}: where {text} leads is unknown")
    return Target(Kind.UNKNOWN, _port(text), text=text)


def _proxy(world: World, proxy: ProxyTarget) -> str:
    """The service whose task it is: the one that has the port that it listens on."""
    ports = {("tcp", port) for port in proxy.listen or (80,)}
    return next((s.name for s in world.services if ports & fixed_ports(s.definition)), "")


def _named(world: World, way: Way, host: str) -> Way:
    if world.given.naming:
        return replace(way, naming=world.given.naming)
    record = _record(world.setup, host)
    if record and _written(record):
        return _by_record(world, way, record)
    if naming := _by_script(world, way):
        return replace(way, naming=naming)
    if record:
        return _as_many(world, way, record)
    if len(world.nodes) > 1:
        world.notes.add(
            f"which nodes {host} names is not known: taken as all of them (say it with --dns)"
        )
    return way


def _written(record: DnsRecord) -> bool:
    """It says what it names; else whoever makes it does."""
    plain = [each for each in record.addresses if "$" not in each]
    return record.alias or bool(record.nodes or plain)


def _record(setup: Setup, host: str) -> DnsRecord | None:
    """The record of that very name before one of a pattern."""
    kinds = [record for record in setup.records if record.type in ("A", "AAAA", "CNAME")]
    same = [record for record in kinds if record.name.rstrip(".").lower() == host]
    return next(iter([*same, *(record for record in kinds if _covers(record, host))]), None)


def _covers(record: DnsRecord, host: str) -> bool:
    """A record for every name below one, or one whose name a script makes of variables."""
    name = record.name.rstrip(".").lower()
    parts = _VARIABLE.split(name.replace("*.", "$any.", 1) if name[:2] == "*." else name)
    return len(parts) > 1 and bool(re.fullmatch(".+".join(map(re.escape, parts)), host))


def _by_record(world: World, way: Way, record: DnsRecord) -> Way:
    if record.alias:
        return _by_alias(world, way, record)
    by_address = {each.address: each.arn for each in world.nodes if each.address}
    by_group = zip(world.nodes, world.groups, strict=True)
    found = [n.arn for n, key in by_group if key in record.nodes]
    found += [by_address[a] for a in record.addresses if a in by_address]
    if not record.whole:
        world.notes.add(f"{record.at}: not all that {way.host} names is known")
    if found:
        return replace(way, naming=Naming.FIXED, nodes=tuple(dict.fromkeys(found)))
    return _as_many(world, way, record)


def _by_alias(world: World, way: Way, record: DnsRecord) -> Way:
    """A load balancer before the service's tasks, or before the proxies."""
    if world.setup_of(way.service).targets:
        return replace(way, naming=Naming.BALANCER, targets=())
    world.notes.add(f"{record.at}: taken as a load balancer before the proxies of all nodes")
    return replace(way, naming=Naming.SERVING)


def _as_many(world: World, way: Way, record: DnsRecord) -> Way:
    """Addresses that are no known node's: as many nodes."""
    count = len(record.addresses)
    if not count:
        world.notes.add(f"{record.at}: which nodes {way.host} names is unknown: taken as all")
        return way
    named = tuple(each.arn for each in world.nodes[:count])
    if len(world.nodes) > 1:
        told = ", ".join(record.addresses)
        world.notes.add(f"{record.at}: {told} taken as {', '.join(named)} (give --address)")
    return replace(way, naming=Naming.FIXED, nodes=named)


def _by_script(world: World, way: Way) -> Naming | None:
    """What a script that writes records names, by the tasks that it asks ECS for."""
    single = (each for each in dns_single_target(world.setup) if isinstance(each, Finding))
    for each in single:
        if "-tasks/" in each.place and each.service in ("", way.service):
            return Naming.FIRST
    writers = {c.at.file for c in world.setup.calls if c.operation == "change-resource-record-sets"}
    asks = (c for c in world.setup.calls if c.at.file in writers and _lists(c, way.service))
    return Naming.TASKS if any(asks) else None


def _lists(call: Call, service: str) -> bool:
    said = call.options.get("service-name") or call.options.get("service", "")
    open_ = not said or "$" in said or "{" in said
    return call.operation == "list-tasks" and (open_ or said == service)


def _balanced(world: World, service: Wanted, led: set[str]) -> Iterator[Way]:
    """A service with target groups has a way over their load balancer."""
    if service.name in led or not world.setup_of(service.name).targets:
        return
    names = [r.name.rstrip(".") for r in world.setup.records if r.alias]
    own = [name for name in names if _alike(name.split(".")[0], service)]
    only = names if sum(1 for s in world.setup.services if s.targets) == 1 else []
    host = next(iter([*own, *only]), f"{service.name}'s load balancer")
    yield Way(host, service.name, Naming.BALANCER)


def _host(text: str) -> str:
    return _split(text)[0].lower()


def _port(text: str) -> int:
    return _split(text)[1]


def _split(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if colon and port.isascii() and port.isdigit() and not host.endswith(":"):
        return host, int(port[:6])
    return text, 80
