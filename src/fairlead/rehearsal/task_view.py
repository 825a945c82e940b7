"""A task as the API's structure, with its containers and its network interface."""

from __future__ import annotations

from fairlead.core.ecs.model import BEGINNING, UNKNOWN, Container, Definition, Task
from fairlead.rehearsal.ledger import Cluster
from fairlead.rehearsal.views import Out, present


def task_view(task: Task, cluster: Cluster, definition: Definition) -> Out:
    node = cluster.node(task.instance)
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
