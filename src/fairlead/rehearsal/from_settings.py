"""The services of a fairlead.yaml as task definitions and services of the local ECS."""

from __future__ import annotations

from typing import Any

from fairlead.core.model import Cluster, Service
from fairlead.rehearsal.rehearsal import Rehearsal

PORT = 8080
"""The container port, where the file has none; where a process listens is its host port."""


def populate(ecs: Rehearsal, cluster: Cluster, memory: int) -> list[str]:
    """Creates what can run here, with so much memory (MiB) a task; the names of the ECS
    services."""
    chosen = [service for service in cluster.services if can_run(service, ecs.setting.docker)]
    for service in chosen:
        name = service_name(cluster, service)
        ecs.define(name, *service.run, **_container(service, memory))
        ecs.serve(name, name, service.replicas)
    return [service_name(cluster, service) for service in chosen]


def can_run(service: Service, docker: bool) -> bool:
    """With Docker what has an image; else what is a command of this machine."""
    image = bool(service.container.image)
    return image if docker else bool(service.run) and not image


def _container(service: Service, memory: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "memory": memory,
        "environment": [{"name": k, "value": v} for k, v in service.env],
        "dockerLabels": {"fairlead.service": service.name},
        "stopTimeout": max(2, round(service.stop_timeout)),
        "portMappings": [{"containerPort": service.container.port or PORT, "hostPort": 0}],
    }
    if service.container.image:
        return {**found, "image": service.container.image}
    return {**found, "workingDirectory": service.cwd} if service.cwd else found


def service_name(cluster: Cluster, service: Service) -> str:
    return service.container.task_service or f"{cluster.name}-{service.name}"
