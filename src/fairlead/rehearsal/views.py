"""The ledger's types as the API's structures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fairlead.rehearsal.ledger import Cluster, Ledger
from fairlead.rehearsal.model import (
    BEGINNING,
    INACTIVE,
    RUNNING,
    STOPPED,
    UNKNOWN,
    Container,
    Definition,
    Deployment,
    Instance,
    Service,
    Task,
)
from fairlead.rehearsal.placement import Room, room

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


def task_view(task: Task, cluster: Cluster, definition: Definition) -> Out:
    node = cluster.instances[task.instance]
    names = [{"name": each.name} for each in definition.containers]
    overrides = {"containerOverrides": names, "inferenceAcceleratorOverrides": []}
    return present(
        attachments=_attachments(task),
        attributes=[{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        availabilityZone=node.zone,
        clusterArn=cluster.arn,
        connectivity=None if task.last in BEGINNING else "CONNECTED",
        containerInstanceArn=task.instance,
        containers=[_container(task, each, definition) for each in task.containers],
        cpu=str(definition.cpu),
        createdAt=task.created,
        desiredStatus=task.desired,
        enableExecuteCommand=False,
        group=task.group,
        healthStatus=task.health,
        lastStatus=task.last,
        launchType="EC2",
        memory=str(definition.memory),
        overrides={**overrides, **task.overrides},
        startedAt=task.started,
        startedBy=task.started_by,
        stopCode=task.stop_code,
        stoppedAt=task.stopped,
        stoppedReason=task.reason,
        stoppingAt=task.stopping,
        taskArn=task.arn,
        taskDefinitionArn=task.definition,
        version=task.version,
    )


def _container(task: Task, container: Container, definition: Definition) -> Out:
    """The agent tells of containers with the task's own changes: until it runs, of none."""
    known = next(each for each in definition.containers if each.name == container.name)
    early = task.last in BEGINNING
    bindings = () if early else container.bindings
    cluster, _, identity = task.arn.partition(":task/")
    return present(
        containerArn=f"{cluster}:container/{identity}/{container.id}",
        taskArn=task.arn,
        name=container.name,
        image=known.image,
        runtimeId=None if early else container.id,
        lastStatus="PENDING" if early else container.status,
        exitCode=container.exit_code,
        reason=container.reason,
        networkBindings=[_binding(b.container, b.host, b.protocol) for b in bindings],
        networkInterfaces=_interfaces(task),
        healthStatus=container.health or UNKNOWN,
        cpu=str(known.cpu),
        memory=str(known.memory) if known.memory else None,
    )


def _binding(inside: int, outside: int, protocol: str) -> Out:
    return {
        "bindIP": "0.0.0.0",  # noqa: S104 - what ECS says; nothing listens by it
        "containerPort": inside,
        "hostPort": outside,
        "protocol": protocol,
    }


def _interfaces(task: Task) -> list[Out]:
    if not task.interface or task.interface.status == "PRECREATED":
        return []
    address = task.interface.address
    return [{"attachmentId": task.interface.id, "privateIpv4Address": address}]


def _attachments(task: Task) -> list[Out]:
    if not task.interface:
        return []
    details = {"subnetId": "subnet-0rehearse", "networkInterfaceId": f"eni-{task.id[:17]}"}
    if task.interface.status != "PRECREATED":
        details["privateIPv4Address"] = task.interface.address
    return [
        {
            "id": task.interface.id,
            "type": "ElasticNetworkInterface",
            "status": task.interface.status,
            "details": [{"name": name, "value": value} for name, value in details.items()],
        }
    ]


def service_view(service: Service, cluster: Cluster) -> Out:
    tasks = cluster.of_service(service.name)
    return {
        "loadBalancers": [],
        "serviceRegistries": [],
        "healthCheckGracePeriodSeconds": 0,
        **service.wire,
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": cluster.arn,
        "status": service.status,
        "desiredCount": service.desired,
        "runningCount": _running(tasks),
        "pendingCount": _pending(tasks),
        "launchType": "EC2",
        "taskDefinition": service.primary.definition,
        "deploymentConfiguration": _deployment_configuration(service),
        "deployments": [_deployment(each, service, tasks) for each in service.deployments],
        "events": [
            {"id": each.id, "createdAt": each.at, "message": each.message}
            for each in service.events
        ],
        "createdAt": service.created,
        "placementConstraints": [
            present(type=each.kind, expression=each.expression) for each in service.constraints
        ],
        "placementStrategy": [
            present(type=each.kind, field=each.field) for each in service.strategies
        ],
        "schedulingStrategy": "DAEMON" if service.daemon else "REPLICA",
        "deploymentController": {"type": "ECS"},
        "enableECSManagedTags": False,
        "propagateTags": "NONE",
        "enableExecuteCommand": False,
    }


def _running(tasks: Iterable[Task]) -> int:
    return sum(task.last == RUNNING and task.desired != STOPPED for task in tasks)


def _pending(tasks: Iterable[Task]) -> int:
    return sum(task.last in BEGINNING and task.desired != STOPPED for task in tasks)


def _deployment_configuration(service: Service) -> Out:
    configuration: Out = {
        "maximumPercent": service.maximum,
        "minimumHealthyPercent": service.minimum,
        "strategy": "ROLLING",
    }
    breaker = {"enable": service.breaker, "rollback": service.rollback}
    return {**configuration, "deploymentCircuitBreaker": breaker}


def _deployment(deployment: Deployment, service: Service, tasks: Iterable[Task]) -> Out:
    own = [task for task in tasks if task.deployment == deployment.id]
    primary = deployment.status == "PRIMARY"
    return {
        "id": deployment.id,
        "status": deployment.status,
        "taskDefinition": deployment.definition,
        "desiredCount": service.desired if primary else 0,
        "runningCount": _running(own),
        "pendingCount": _pending(own),
        "failedTasks": deployment.failed,
        "createdAt": deployment.created,
        "updatedAt": deployment.updated,
        "launchType": "EC2",
        "rolloutState": deployment.rollout,
        "rolloutStateReason": deployment.reason,
    }


def rooms(ledger: Ledger, cluster: Cluster) -> dict[str, Room]:
    """What is left on each node, by ARN. Tasks that are stopping hold what they have to the end."""
    held: dict[str, list[Definition]] = {arn: [] for arn in cluster.instances}
    for task in cluster.living():
        held[task.instance].append(ledger.definition(task.definition))
    return {arn: room(cluster.instances[arn], found) for arn, found in held.items()}
