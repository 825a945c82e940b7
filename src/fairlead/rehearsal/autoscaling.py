"""One auto scaling group of the local ECS's nodes, and the part of its API that moves it.

An instance that the group starts registers with the cluster `boot` seconds later. One that it
ends has its tasks stopped, as by the shutdown of a machine, and is gone when the last one has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from fairlead.core.ecs.model import INACTIVE, Instance, Wire
from fairlead.rehearsal.ledger import ACCOUNT, Cluster
from fairlead.rehearsal.plane import Plane
from fairlead.rehearsal.query import validation

Out = dict[str, Any]
EMPTY_POLL = 0.05
_ENDING = "EC2 instance terminated"


@dataclass(slots=True)
class Group:
    """`make` registers one more node; `members` are the nodes that it has, by machine. `policies`
    are told and followed by nobody."""

    name: str
    min: int
    max: int
    boot: float
    make: Callable[[], Instance]
    desired: int = 0
    members: dict[str, Instance] = field(default_factory=dict)
    policies: list[Wire] = field(default_factory=list)


class AutoScaling:
    """`cluster` is that of the group's nodes."""

    def __init__(self, plane: Plane, cluster: Cluster, group: Group) -> None:
        self._plane, self._cluster, self._group = plane, cluster, group
        self._running: set[asyncio.Task[None]] = set()
        self._starting = 0
        self._ending: set[str] = set()
        self._created = plane.ledger.now()

    def answer(self, action: str, request: Wire) -> Out:
        """Refusal for what the API refuses, and for actions that nothing is done about."""
        operation = _OPERATIONS.get(action)
        if operation is None:
            raise validation(f"fairlead rehearse does not know {action}.")
        return operation(self, request)

    def fill(self, nodes: int) -> None:
        """Have the first nodes, at once."""
        self._group.desired = nodes
        for _ in range(nodes):
            self._register()

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def describe(self, request: Wire) -> Out:
        asked = request.get("AutoScalingGroupNames") or [self._group.name]
        return {"AutoScalingGroups": [self._view()] if self._group.name in asked else []}

    def set_desired(self, request: Wire) -> Out:
        self._named(request["AutoScalingGroupName"])
        wanted, group = request["DesiredCapacity"], self._group
        told = f"New SetDesiredCapacity value {wanted} is"
        if wanted > group.max:
            limit = f"above max value {group.max} for the AutoScalingGroup."
            raise validation(f"{told} {limit}")
        if wanted < group.min:
            limit = f"below min value {group.min} for the AutoScalingGroup."
            raise validation(f"{told} {limit}")
        group.desired = wanted
        for machine in list(group.members)[: max(0, self._alive() - wanted)]:
            self._end(machine)
        self._launch()
        return {}

    def terminate(self, request: Wire) -> Out:
        machine, group = request.get("InstanceId", ""), self._group
        if machine not in group.members:
            told = "Instance Id not found - No managed instance found for instance ID: "
            raise validation(f"{told}{machine}")
        if request["ShouldDecrementDesiredCapacity"]:
            if group.desired <= group.min:
                raise validation(
                    f"Currently, desiredSize equals minSize ({group.min}). Terminating instance"
                    " without replacement will violate group's min size constraint. Either set"
                    " shouldDecrementDesiredCapacity flag to false or lower group's min size."
                )
            group.desired -= 1
        self._end(machine)
        self._launch()
        return {"Activity": self._activity(machine)}

    def describe_policies(self, request: Wire) -> Out:
        if request.get("AutoScalingGroupName", self._group.name) != self._group.name:
            return {"ScalingPolicies": []}
        return {"ScalingPolicies": list(self._group.policies)}

    @property
    def arn(self) -> str:
        region, name = self._plane.ledger.region, self._group.name
        return (
            f"arn:aws:autoscaling:{region}:{ACCOUNT}:autoScalingGroup:1:autoScalingGroupName/{name}"
        )

    def _named(self, name: str) -> None:
        if name != self._group.name:
            raise validation("AutoScalingGroup name not found - null")

    def _alive(self) -> int:
        return len(self._group.members) - len(self._ending) + self._starting

    def _launch(self) -> None:
        while self._alive() < self._group.desired:
            self._starting += 1
            self._begin(self._boot())

    async def _boot(self) -> None:
        await asyncio.sleep(self._group.boot)
        self._starting -= 1
        self._register()

    def _register(self) -> None:
        node = self._group.make()
        self._group.members[node.machine] = node

    def _end(self, machine: str) -> None:
        if machine not in self._ending:
            self._ending.add(machine)
            self._begin(self._ended(machine))

    async def _ended(self, machine: str) -> None:
        node = self._group.members[machine]
        there = self._cluster.instances[node.arn]
        changed = replace(there, status=INACTIVE, version=there.version + 1)
        self._plane.ledger.put(self._cluster, changed)
        while left := [t for t in self._cluster.living() if t.instance == node.arn]:
            for task in left:
                self._plane.stop(task.arn, "TerminationNotice", _ENDING)
            await asyncio.sleep(EMPTY_POLL)
        self._cluster.gone[node.arn] = self._cluster.instances.pop(node.arn)
        del self._group.members[machine]
        self._ending.discard(machine)
        self._plane.wake()

    def _begin(self, work: Any) -> None:
        task = asyncio.create_task(work, name="auto scaling")
        self._running.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (fault := task.exception()):
            self._plane.faults.append(fault)

    def _view(self) -> Out:
        group = self._group
        nodes = list(group.members.values())
        return {
            "AutoScalingGroupName": group.name,
            "AutoScalingGroupARN": self.arn,
            "MinSize": group.min,
            "MaxSize": group.max,
            "DesiredCapacity": group.desired,
            "DefaultCooldown": 300,
            "AvailabilityZones": sorted({node.zone for node in nodes}) or ["us-east-1a"],
            "HealthCheckType": "EC2",
            "CreatedTime": self._created,
            "Instances": [self._member(node) for node in nodes],
            "NewInstancesProtectedFromScaleIn": False,
        }

    def _member(self, node: Instance) -> Out:
        ending = node.machine in self._ending
        return {
            "InstanceId": node.machine,
            "AvailabilityZone": node.zone,
            "LifecycleState": "Terminating" if ending else "InService",
            "HealthStatus": "Healthy",
            "ProtectedFromScaleIn": False,
        }

    def _activity(self, machine: str) -> Out:
        return {
            "ActivityId": f"terminate-{machine}",
            "AutoScalingGroupName": self._group.name,
            "Cause": "instance was taken out of service in response to a user request",
            "StartTime": self._plane.ledger.now(),
            "StatusCode": "InProgress",
        }


_OPERATIONS: dict[str, Callable[[AutoScaling, Wire], Out]] = {
    "DescribeAutoScalingGroups": AutoScaling.describe,
    "SetDesiredCapacity": AutoScaling.set_desired,
    "TerminateInstanceInAutoScalingGroup": AutoScaling.terminate,
    "DescribePolicies": AutoScaling.describe_policies,
}
