"""A set-up as a model, with the counts that are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from fairlead.core.ecs.model import ContainerDefinition, Definition, Instance, PortMapping
from fairlead.core.model import Cluster, Service
from fairlead.core.setup import Setup
from fairlead.core.whatif.given import Given, Notes
from fairlead.core.whatif.machines import BOUNDLESS, size_of
from fairlead.core.whatif.model import Kind, Model, Naming, Target, Wanted, Way, node
from fairlead.core.whatif.nodes import nodes_of
from fairlead.core.whatif.services import asked_of, beside, wanted
from fairlead.core.whatif.ways import World, ways_of

KEPT = Target(Kind.KEPT, text="kept by fairlead")


def model_of(
    setup: Setup, counts: Mapping[str, int], given: Given, cluster: Cluster | None = None
) -> Model:
    """`cluster` are fairlead's own settings, which lead to the services that they name. BadInput
    when what has to be known is neither in the files nor given."""
    if cluster and not setup.services:
        return of_settings(cluster, counts, given)
    asked = asked_of((each.name for each in setup.services), counts)
    notes = Notes()
    near = beside(setup, asked)
    services = tuple(wanted(setup, each, asked, given, notes) for each in near)
    nodes, groups = nodes_of(setup, near, given)
    ways = ways_of(World(setup, services, nodes, groups, given, notes))
    if cluster:
        ways = _with_settings(ways, services, cluster)
    _tell_unled(asked, ways, notes)
    return Model(nodes, services, ways, tuple(asked), tuple(notes.said))


def _with_settings(
    ways: tuple[Way, ...], services: tuple[Wanted, ...], cluster: Cluster
) -> tuple[Way, ...]:
    """Hosts that fairlead routes are fairlead's."""
    names = {each.name for each in services}
    own = [way for each in cluster.services for way in _routed(each, names)]
    kept = {way.host for way in own}
    return (*(way for way in ways if way.host not in kept), *own)


def _routed(service: Service, names: set[str]) -> Iterator[Way]:
    told = service.container.task_service
    name = next((n for n in (told, service.name) if n in names), "")
    if name:
        yield from (Way(str(r), name, Naming.SERVING, (KEPT,)) for r in service.routes)


def _tell_unled(asked: Mapping[str, int], ways: tuple[Way, ...], notes: Notes) -> None:
    led = {way.service for way in ways}
    for name in asked:
        if name not in led:
            notes.add(f"nothing that was read leads requests to {name}: no proxy and no balancer")


def of_settings(cluster: Cluster, counts: Mapping[str, int], given: Given) -> Model:
    """From fairlead.yaml alone: ports are dynamic, and fairlead keeps the proxies and DNS."""
    asked = asked_of((each.name for each in cluster.services), counts)
    notes = Notes()
    services = tuple(_copied(each, asked, given) for each in cluster.services)
    if not all(given.memory.get(each.name) for each in cluster.services):
        notes.add("the settings do not say what a copy takes: it fits everywhere (give --memory)")
    names = {each.name for each in services}
    ways = tuple(way for each in cluster.services for way in _routed(each, names))
    nodes = tuple(_plain_node(n, given) for n in range(1, (given.nodes or 1) + 1))
    return Model(nodes, services, ways, tuple(asked), tuple(notes.said))


def _copied(service: Service, asked: Mapping[str, int], given: Given) -> Wanted:
    port = PortMapping(service.container.port or 8080)
    container = ContainerDefinition(service.name, ports=(port,))
    memory = given.memory.get(service.name, 0)
    definition = Definition(service.name, service.name, 1, "bridge", (container,), 0, memory)
    before = service.replicas
    return Wanted(service.name, definition, before, asked.get(service.name, before))


def _plain_node(number: int, given: Given) -> Instance:
    memory, cpu, kind = given.node_memory, given.node_cpu, given.kind
    if kind and not memory:
        size = size_of(kind, given.machines)
        memory, cpu = size.memory, size.cpu
    made = node(number, cpu or BOUNDLESS, memory or BOUNDLESS, given.interfaces or 2, kind)
    return replace(made, address=dict(enumerate(given.addresses, 1)).get(number, ""))
