"""Clusters, nodes and task definitions as the API's structures, and what all views share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fairlead.core.ecs.model import BEGINNING, INACTIVE, RUNNING, Definition, Instance, Task
from fairlead.core.ecs.placement import Room, room
from fairlead.rehearsal.ledger import Cluster

Out = dict[str, Any]


def present(**members: Any) -> Out:
    """Without those that are None or empty texts: the API leaves them out."""
    return {name: value for name, value in members.items() if value is not None and value != ""}


def tag_list(tags: Mapping[str, str]) -> list[Out]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def failure(arn: str, reason: str = "MISSING", detail: str = "") -> Out:
    return present(arn=arn, reason=reason, detail=detail)


def cluster_view(cluster: Cluster, tags: Mapping[str, str]) -> Out:
    tasks = list(cluster.living())
    return {
        "clusterArn": cluster.arn,
        "clusterName": cluster.name,
        "status": cluster.status,
        "registeredContainerInstancesCount": len(cluster.instances),
        "runningTasksCount": sum(task.last == RUNNING for task in tasks),
        "pendingTasksCount": sum(task.last in BEGINNING for task in tasks),
        "activeServicesCount": sum(s.status != INACTIVE for s in cluster.services.values()),
        "statistics": [],
        "tags": tag_list(tags),
        "settings": [{"name": "containerInsights", "value": "disabled"}],
        "capacityProviders": [],
        "defaultCapacityProviderStrategy": [],
    }


def instance_view(instance: Instance, left: Room, tasks: Iterable[Task]) -> Out:
    here = [task for task in tasks if task.instance == instance.arn]
    return {
        "containerInstanceArn": instance.arn,
        "ec2InstanceId": instance.machine,
        "version": instance.version,
        "versionInfo": {"agentVersion": "1.0.0", "dockerVersion": "none"},
        "remainingResources": _resources(left),
        "registeredResources": _resources(room(instance)),
        "status": instance.status,
        "agentConnected": True,
        "runningTasksCount": sum(task.last == RUNNING for task in here),
        "pendingTasksCount": sum(task.last in BEGINNING for task in here),
        "attributes": [present(name=n, value=v) for n, v in instance.attributes],
        "registeredAt": instance.registered,
        "attachments": [],
    }


def _resources(left: Room) -> list[Out]:
    return [
        _amount("CPU", left.cpu),
        _amount("MEMORY", left.memory),
        _ports("PORTS", left, "tcp"),
        _ports("PORTS_UDP", left, "udp"),
    ]


def _amount(name: str, value: int) -> Out:
    whole = {"integerValue": value, "doubleValue": 0.0, "longValue": 0}
    return {"name": name, "type": "INTEGER", **whole}


def _ports(name: str, left: Room, protocol: str) -> Out:
    held = [str(number) for each, number in sorted(left.ports) if each == protocol]
    return {"name": name, "type": "STRINGSET", "stringSetValue": held}


def definition_view(definition: Definition) -> Out:
    wire = {k: v for k, v in definition.wire.items() if k != "tags"}
    compatible = ["EXTERNAL", "EC2"] if definition.network != "awsvpc" else ["EC2"]
    return {
        "placementConstraints": [],
        "volumes": [],
        **wire,
        "taskDefinitionArn": definition.arn,
        "revision": definition.revision,
        "status": definition.status,
        "requiresAttributes": [{"name": need} for need in definition.needs],
        "compatibilities": compatible,
    }
