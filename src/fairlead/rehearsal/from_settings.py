"""The services of a fairlead.yaml as task definitions and services of the local ECS."""

from __future__ import annotations

from typing import Any

from fairlead.core.model import Cluster, Service
from fairlead.rehearsal.rehearsal import Rehearsal

PORT = 8080
"""The container port of every service here; where it listens is its host port."""


def populate(ecs: Rehearsal, cluster: Cluster, memory: int) -> list[str]:
    """Creates what has a `run`, with so much memory (MiB) a task; the names of the ECS services."""
    runnable = [service for service in cluster.services if service.run]
    for service in runnable:
        name = service_name(cluster, service)
        labels = {"fairlead.service": service.name}
        container: dict[str, Any] = {
            "memory": memory,
            "environment": [{"name": k, "value": v} for k, v in service.env],
            "dockerLabels": labels,
            "stopTimeout": max(2, round(service.stop_timeout)),
        }
        if service.cwd:
            container["workingDirectory"] = service.cwd
        ecs.define(name, *service.run, **container)
        ecs.serve(name, name, service.replicas)
    return [service_name(cluster, service) for service in runnable]


def service_name(cluster: Cluster, service: Service) -> str:
    return service.container.task_service or f"{cluster.name}-{service.name}"
