"""The task metadata endpoint, version 4, of which containers get the URL."""

from __future__ import annotations

from typing import Any

from fairlead.core.ecs.model import Container, Definition, Task
from fairlead.rehearsal.ledger import Cluster, Ledger


def find(ledger: Ledger, container_id: str) -> tuple[Cluster, Task, Container] | None:
    for cluster in ledger.clusters.values():
        for task in cluster.tasks.values():
            for container in task.containers:
                if container.id == container_id:
                    return cluster, task, container
    return None


def labels(task: Task, container: str) -> dict[str, str]:
    """What the ECS agent labels every container with."""
    family, _, revision = task.definition.rpartition("/")[2].partition(":")
    cluster = task.arn.split("/")[1]
    return {
        "com.amazonaws.ecs.cluster": cluster,
        "com.amazonaws.ecs.container-name": container,
        "com.amazonaws.ecs.task-arn": task.arn,
        "com.amazonaws.ecs.task-definition-family": family,
        "com.amazonaws.ecs.task-definition-version": revision,
    }


def of_task(ledger: Ledger, cluster: Cluster, task: Task) -> dict[str, Any]:
    definition = ledger.definition(task.definition)
    node = cluster.instances[task.instance]
    document = {
        "Cluster": cluster.arn,
        "TaskARN": task.arn,
        "Family": definition.family,
        "Revision": str(definition.revision),
        "DesiredStatus": task.desired,
        "KnownStatus": task.last,
        "AvailabilityZone": node.zone,
        "LaunchType": "EC2",
        "Containers": [of_container(task, each, definition) for each in task.containers],
    }
    return {**document, "ServiceName": task.service} if task.service else document


def of_container(task: Task, container: Container, definition: Definition) -> dict[str, Any]:
    known = next(each for each in definition.containers if each.name == container.name)
    document: dict[str, Any] = {
        "DockerId": container.id,
        "Name": container.name,
        "Image": known.image,
        "Labels": {**known.wire.get("dockerLabels", {}), **labels(task, container.name)},
        "DesiredStatus": task.desired,
        "KnownStatus": container.status,
        "Type": "NORMAL",
        "Ports": [
            {"ContainerPort": each.container, "HostPort": each.host, "Protocol": each.protocol}
            for each in container.bindings
        ],
    }
    if container.exit_code is not None:
        document["ExitCode"] = container.exit_code
    return document
