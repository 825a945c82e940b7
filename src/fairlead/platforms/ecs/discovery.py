"""Services that the labels of their containers make known. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from fairlead.core.errors import BadInput
from fairlead.core.model import Container, Service
from fairlead.platforms.ecs.counts import Count
from fairlead.platforms.ecs.definitions import Definition, Mapped
from fairlead.platforms.labels import read_labels


@dataclass(slots=True)
class Discovered:
    """`problems` says by ECS service what is wrong with its labels."""

    services: dict[str, Service] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def discover(counts: Iterable[Count], definitions: dict[str, Definition]) -> Discovered:
    """The services by name, in order; of two that claim one name the first keeps it.

    They count as services of ECS (`container.task_service`), and not as `found`: fairlead may
    scale them as it does those of the settings.
    """
    found = Discovered()
    for count in sorted(counts, key=lambda c: c.name):
        definition = definitions.get(count.definition)
        for box in definition.containers if definition and count.active else ():
            _add(found, count, box)
    return found


def _add(found: Discovered, count: Count, box: Mapped) -> None:
    try:
        service = _service(count, box)
    except BadInput as error:
        found.problems[count.name] = f"container {box.name}: {error}"
        return
    if service is None:
        return
    known = found.services.setdefault(service.name, service)
    if known is not service:
        other = known.container.task_service
        found.problems[count.name] = f"label fairlead.service: {service.name} is {other}'s already"


def _service(count: Count, box: Mapped) -> Service | None:
    labelled = read_labels(dict(box.labels), count.name.lower().replace("_", "-"))
    if labelled is None:
        return None
    return Service(
        name=labelled.service,
        routes=labelled.routes,
        replicas=count.desired or 0,
        container=Container(port=labelled.port, task_service=count.name, name=box.name),
        health=labelled.health,
    )
