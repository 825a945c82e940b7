"""From what is known of the cluster to the endpoints of a service. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from fairlead.core.errors import PlatformError
from fairlead.core.model import Endpoint, Phase, Service, Sighting
from fairlead.platforms.ecs.definitions import entrance, place
from fairlead.platforms.ecs.memory import Memory
from fairlead.platforms.ecs.tasks import Task

_ID_LENGTH = 12


def endpoint_id(service: str, task: Task) -> str:
    """Without hyphens of its own: in the ids of old accounts there are some."""
    return f"{service}-{task.id.replace('-', '')[:_ID_LENGTH]}"


@dataclass(slots=True)
class _Found:
    """Endpoints, and what kept others from being told truly."""

    endpoints: list[Endpoint] = field(default_factory=list)
    problems: dict[str, None] = field(default_factory=dict)


def sight(memory: Memory, service: Service, addresses: str = "private") -> Sighting:
    """`addresses` says which ones of the nodes are meant: private or public.

    A running task of which it cannot be said where it listens makes the sighting incomplete and is
    left out of it: so what was known of it before stays.
    """
    found = _Found()
    for task in memory.tasks(service.container.task_service):
        try:
            found.endpoints.append(_endpoint(memory, service, task, addresses))
        except PlatformError as error:
            found.problems[str(error)] = None
    count = memory.counts.get(service.container.task_service)
    if memory.problem:
        found.problems[memory.problem] = None
    if count and not count.active:
        found.problems[f"ECS service {count.name} is not active: create it anew"] = None
    return Sighting(
        tuple(found.endpoints),
        not found.problems,
        "; ".join(found.problems),
        count.desired if count else None,
        memory.departing(service.container.task_service),
        count.paused if count and count.active else None,
    )


def _endpoint(memory: Memory, service: Service, task: Task, addresses: str) -> Endpoint:
    phase = _phase(memory, task)
    address, port = "", 0
    if phase is not Phase.EXITED and task.phase is not Phase.PENDING:
        address, port = _place(memory, service, task, addresses) or ("", 0)
    if phase is Phase.RUNNING and not port:
        phase = Phase.PENDING
    instance = memory.instances.get(task.instance)
    return Endpoint(
        id=endpoint_id(service.name, task),
        service=service.name,
        node=instance.node if instance else task.instance.rpartition("/")[2],
        address=address,
        port=port,
        revision=service.revision,
        phase=phase,
        started=task.started,
        exit=(task.reason or "stopped") if phase is Phase.EXITED else "",
    )


def _phase(memory: Memory, task: Task) -> Phase:
    going = task.phase is not Phase.EXITED and memory.is_leaving(task.arn)
    return Phase.STOPPING if going else task.phase


def _place(memory: Memory, service: Service, task: Task, addresses: str) -> tuple[str, int] | None:
    definition = memory.definitions.get(task.definition)
    if definition is None:
        raise PlatformError(f"{service.name}: task definition {task.definition} is not read yet")
    door = entrance(definition, service.container)
    if definition.network == "awsvpc":
        return place(task, definition, door, "")
    return place(task, definition, door, _node_address(memory, task, addresses))


def _node_address(memory: Memory, task: Task, wanted: str) -> str:
    instance = memory.instances.get(task.instance)
    known = memory.addresses.get(instance.machine) if instance else None
    if known is None:
        node = instance.node if instance else task.instance.rpartition("/")[2] or "?"
        raise PlatformError(f"task {task.id}: the address of its node {node} is not known")
    if wanted == "public" and not known.public:
        raise PlatformError(f"task {task.id}: its node has no public address: `addresses: private`")
    return known.public if wanted == "public" else known.private
