"""What a set-up's own files say of usage: so much of it as is plainly there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from fairlead.core.setup import At, Container, Fact, ServiceSetup, Setup, TaskDefinition


@dataclass(frozen=True, slots=True)
class Known:
    """None where the files do not say it, or where it cannot be resolved. `copies` is the largest
    count of a service, `cpu` and `memory` those of the largest task; `nodes`: there already.
    `told` says for people what was read, and where; `service` is one's name."""

    type: str | None = None
    services: int | None = None
    copies: int | None = None
    cpu: int | None = None
    memory: int | None = None
    nodes: int | None = None
    told: tuple[str, ...] = ()
    service: str = ""


def known(setup: Setup) -> Known:
    services = [each for each in setup.services if not each.daemon]
    tasks = [task for each in services if (task := setup.task_of(each))]
    kinds = {value for group in setup.nodes if (value := group.instance_type.value)}
    kind = kinds.pop() if len(kinds) == 1 else None
    memory, cpu = _largest(map(memory_of, tasks)), _largest(map(cpu_of, tasks))
    copies = _largest(service.desired.value for service in services)
    nodes = sum(group.desired.value or 0 for group in setup.nodes) or None
    found = Known(kind, len(services) or None, copies, cpu, memory, nodes)
    name = services[0].name if services else ""
    return replace(found, told=tuple(_told(found, services, setup)), service=name)


def memory_of(task: TaskDefinition) -> int | None:
    """MiB that ECS sets aside for a task: its own, or what its containers reserve."""
    return task.memory.value or _sum(task, _reserved)


def cpu_of(task: TaskDefinition) -> int | None:
    """CPU units of a task."""
    return task.cpu.value or _sum(task, lambda container: container.cpu)


def _reserved(container: Container) -> Fact[int]:
    said = container.reservation.value is not None or container.reservation.unknown
    return container.reservation if said else container.memory


def _sum(task: TaskDefinition, of: Callable[[Container], Fact[int]]) -> int | None:
    """None as soon as one of the containers does not say."""
    values = [of(container).value for container in task.containers]
    said = [value for value in values if value is not None]
    return sum(said) if values and task.whole and len(said) == len(values) else None


def _largest(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value), default=None)


def _told(found: Known, services: list[ServiceSetup], setup: Setup) -> Iterator[str]:
    if found.services:
        places = _places(service.at for service in services)
        yield f"{_count(found.services, 'service', 'services')} ({places})"
    if found.copies:
        yield f"at most {_count(found.copies, 'copy', 'copies')} of one"
    if found.type:
        yield f"nodes of {found.type} ({_places(group.at for group in setup.nodes)})"
    if found.nodes:
        yield _count(found.nodes, "node", "nodes")
    if found.memory:
        yield f"tasks of up to {found.memory} MiB"
    if found.cpu:
        yield f"tasks of up to {found.cpu} CPU units"
    missing = [
        name
        for name in ("type", "services", "copies", "memory", "nodes")
        if getattr(found, name) is None
    ]
    if missing:
        yield f"not told, or not to be resolved: {', '.join(missing)}"


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _places(places: Iterable[At]) -> str:
    names = [str(place) for place in places]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
