"""The services of a set-up, and what their tasks need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from fairlead.core.costs.from_setup import cpu_of, memory_of
from fairlead.core.ecs.expressions import Unreadable, compiled
from fairlead.core.ecs.model import (
    Constraint,
    ContainerDefinition,
    Definition,
    PortMapping,
    Strategy,
)
from fairlead.core.errors import BadInput, UnknownName
from fairlead.core.setup import Container, Fact, Port, ServiceSetup, Setup, TaskDefinition
from fairlead.core.whatif.given import Given, Notes
from fairlead.core.whatif.model import Wanted

_KNOWN = re.compile(r"\s*attribute:ecs\.instance-type\s*(==|!=|=~|!~)\s*[^\s()]+\s*")
"""Expressions that ask for nothing else than nodes' type."""


def asked_of(names: Iterable[str], counts: Mapping[str, int]) -> dict[str, int]:
    """The counts by the services' own names: `catalog` may be given for `shop-catalog`.
    UnknownName when there is no such service, BadInput when several are meant."""
    known = list(names)
    return {_meant(name, known): count for name, count in counts.items()}


def _meant(name: str, known: list[str]) -> str:
    found = [each for each in known if each == name] or [
        each for each in known if each.endswith(f"-{name}") or each.startswith(f"{name}-")
    ]
    if len(set(found)) == 1 and len(found) == 1:
        return found[0]
    if found:
        raise BadInput(f"{name!r} may be {' or '.join(found)}: give its whole name, or its files")
    near = get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UnknownName(f"no service {name!r}{hint} (services: {', '.join(known) or 'none'})")


def beside(setup: Setup, asked: Iterable[str]) -> tuple[ServiceSetup, ...]:
    """The services that share nodes with those that are asked for."""
    names = set(asked)
    clusters = {each.cluster for each in setup.services if each.name in names}
    if "" in clusters:
        return setup.services
    return tuple(each for each in setup.services if each.cluster in clusters | {""})


def wanted(
    setup: Setup, service: ServiceSetup, counts: Mapping[str, int], given: Given, notes: Notes
) -> Wanted:
    task = setup.task_of(service)
    before = _count(service, notes)
    definition = _definition(service, task, given, notes)
    fargate = service.launch_type.value == "FARGATE" or bool(task and task.fargate.value)
    return Wanted(
        service.name,
        definition,
        before,
        counts.get(service.name, before),
        service.daemon,
        fargate,
        tuple(_constraints(service, task, notes)),
        tuple(_strategies(service, notes)),
        _percent(service.minimum_percent, 0 if service.daemon else 100, service, notes),
        _percent(service.maximum_percent, 100 if service.daemon else 200, service, notes),
        service.kind == "compose",
    )


def _constraints(
    service: ServiceSetup, task: TaskDefinition | None, notes: Notes
) -> Iterator[Constraint]:
    """An expression is only looked at where all that it asks for is known of the nodes."""
    if service.distinct:
        yield Constraint("distinctInstance")
    for text in (*service.constraints, *(task.constraints if task else ())):
        if _KNOWN.fullmatch(text) and _readable(text):
            yield Constraint("memberOf", text)
        else:
            told = text or "a constraint that is not known"
            notes.add(f"{service.name}: which nodes {told} chooses is unknown: taken as all")


def _readable(text: str) -> bool:
    try:
        compiled(text)
    except Unreadable:
        return False
    return True


def _strategies(service: ServiceSetup, notes: Notes) -> Iterator[Strategy]:
    for kind, field in service.strategies:
        if kind:
            yield Strategy(kind, field)
        else:
            notes.add(f"{service.name}: a placement strategy is unknown: left out")


def _count(service: ServiceSetup, notes: Notes) -> int:
    if service.desired.value is not None or service.daemon:
        return service.desired.value or 0
    why = service.desired.unknown or "nothing is said"
    if service.kind != "compose" or service.desired.unknown:
        notes.add(f"how many copies {service.name} has now is not known ({why}): taken as 1")
    return 1


def _percent(fact: Fact[int], default: int, service: ServiceSetup, notes: Notes) -> int:
    if fact.unknown:
        notes.add(f"{service.name}: a percentage of its deploys is unknown: taken as {default}")
    return default if fact.value is None else fact.value


def _definition(
    service: ServiceSetup, task: TaskDefinition | None, given: Given, notes: Notes
) -> Definition:
    if task is None:
        notes.add(f"{service.name}: its task definition was not read: taken as one without ports")
        return Definition(service.name, service.name, 1, "bridge", (), 0, 0)
    if not task.whole:
        notes.add(f"{service.name}: not all of its containers could be read")
    network = _network(service, task, notes)
    containers = tuple(_container(each, network, service, notes) for each in task.containers)
    memory = _memory(service, task, given, notes)
    return Definition(task.key, task.family, 1, network, containers, cpu_of(task) or 0, memory)


def _network(service: ServiceSetup, task: TaskDefinition, notes: Notes) -> str:
    if task.network_mode.unknown:
        notes.add(f"{service.name}: its network mode is unknown: taken as bridge")
    return task.network_mode.value or ("awsvpc" if task.fargate.value else "bridge")


def _memory(service: ServiceSetup, task: TaskDefinition, given: Given, notes: Notes) -> int:
    found = given.memory.get(service.name) or memory_of(task)
    if found is None and service.kind != "compose":
        notes.add(
            f"{service.name}: the memory of its task is unknown: taken as none"
            f" (give --memory {service.name}=MIB)"
        )
    return found or 0


def _container(
    container: Container, network: str, service: ServiceSetup, notes: Notes
) -> ContainerDefinition:
    ports = (_port(each, network, service, notes) for each in container.ports)
    return ContainerDefinition(container.name, ports=tuple(p for p in ports if p))


def _port(port: Port, network: str, service: ServiceSetup, notes: Notes) -> PortMapping | None:
    inside, outside = port.container.value, port.host.value
    if port.host.unknown and network == "bridge":
        notes.add(f"{service.name}: a host port is unknown ({port.host.unknown}): taken as dynamic")
    if inside is None and not outside:
        notes.add(f"{service.name}: a container port is unknown: left out")
        return None
    return PortMapping(inside or outside or 0, outside or 0, port.protocol)
