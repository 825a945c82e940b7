"""The auto scaling group that an ECS cluster's nodes are of: how it stands, and how it is moved.

A node is given up by draining it: ECS moves its tasks, daemons last. That this was fairlead's doing
is written down as an attribute of the container instance, so that another controller goes on with
it, and a node that a person drains is never terminated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairlead.aws.client import Aws
from fairlead.aws.paging import MOST_PAGES
from fairlead.core.ecs.model import DRAINING, INACTIVE
from fairlead.core.errors import PlatformError
from fairlead.core.scaling.nodes import LATE
from fairlead.core.scaling.nodes_model import Group, NodeSight, NodesSight
from fairlead.platforms.ecs.memory import Memory
from fairlead.platforms.ecs.nodes import Instance
from fairlead.platforms.ecs.poller import Poller
from fairlead.platforms.ecs.room import demands, held
from fairlead.platforms.ecs.shapes import number, part, parts, text

GIVEN_UP = "fairlead.given-up"
AT_REST, IN_MOTION = 60.0, 5.0
"""Seconds between two reads of the group; what moves for longer than LATE is stuck."""
CONFLICTS_EVERY = 600.0
_SERVING = ("InService", "Pending", "Pending:Wait", "Pending:Proceed")


class EcsGroup:
    """Implements ports.NodeGroup."""

    def __init__(self, aws: Aws, memory: Memory, poller: Poller, cluster: str, name: str) -> None:
        self._aws, self._memory, self._poller = aws, memory, poller
        self._cluster, self._name = cluster, name
        self._group: Mapping[str, Any] = {}
        self._members: set[str] = set()
        self._conflict = ""
        self._due = self._conflicts_due = 0.0
        self._moving: float | None = None

    async def look(self, now: float) -> NodesSight:
        if self._memory.problem:
            raise PlatformError(self._memory.problem)
        if now < self._due:
            return self._sight(now)
        self._group = await self._read()
        sight = self._sight(now)
        moves = self._moves(sight)
        since = now if self._moving is None else self._moving
        self._moving = since if moves else None
        self._due = now + (IN_MOTION if moves and now - since < LATE else AT_REST)
        return sight

    async def conflict(self, now: float) -> str:
        if now >= self._conflicts_due:
            self._conflict = await self._policies() or await self._managed()
            self._conflicts_due = now + CONFLICTS_EVERY
        return self._conflict

    async def grow(self, desired: int) -> None:
        wanted = {"AutoScalingGroupName": self._name, "DesiredCapacity": desired}
        await self._aws("autoscaling:SetDesiredCapacity", **wanted)
        self._due = 0.0

    async def give_up(self, node: str) -> None:
        await self._note(node, "yes")
        await self._set_state(node, "DRAINING")

    async def take_back(self, node: str) -> None:
        await self._set_state(node, "ACTIVE")
        await self._note(node, "no")

    async def terminate(self, node: str) -> None:
        """Once only: a second try could take another node off the group's size."""
        machine = self._instance(node).machine
        leaving = {"InstanceId": machine, "ShouldDecrementDesiredCapacity": True}
        await self._aws.once("autoscaling:TerminateInstanceInAutoScalingGroup", **leaving)
        self._due = 0.0

    async def _read(self) -> Mapping[str, Any]:
        named = {"AutoScalingGroupNames": [self._name]}
        answer = await self._aws("autoscaling:DescribeAutoScalingGroups", **named)
        for group in parts(answer, "AutoScalingGroups"):
            if text(group, "AutoScalingGroupName") == self._name:
                return group
        raise PlatformError(
            f"there is no auto scaling group {self._name} here: correct ecs.nodes.asg or ecs.region"
        )

    def _sight(self, now: float) -> NodesSight:
        states = self._states()
        self._members |= states.keys()
        seen = (self._seen(i, states) for i in self._memory.instances.values())
        return NodesSight(
            now,
            Group(
                number(self._group, "DesiredCapacity") or 0,
                number(self._group, "MinSize") or 0,
                number(self._group, "MaxSize") or 0,
            ),
            tuple(node for node in seen if node),
            tuple(held(self._memory)),
            tuple(demands(self._memory)),
        )

    def _states(self) -> dict[str, str]:
        """Of the group's machines: where they are in their life."""
        listed = parts(self._group, "Instances")
        return {text(each, "InstanceId"): text(each, "LifecycleState") for each in listed}

    def _seen(self, instance: Instance, states: Mapping[str, str]) -> NodeSight | None:
        """None for one that is on its way out, or has gone while the cluster still lists it."""
        state = states.get(instance.machine)
        if state is None and instance.machine in self._members:
            return None
        if instance.place is None or (state is not None and state not in _SERVING):
            return None
        if state is None and instance.place.status == INACTIVE:
            return None
        marked = dict(instance.place.attributes).get(GIVEN_UP) == "yes"
        given_up = marked and instance.place.status == DRAINING
        return NodeSight(instance.place, member=state is not None, given_up=given_up)

    def _moves(self, sight: NodesSight) -> bool:
        """Nodes come or go. One that AWS has started, or ended, is looked for in the cluster."""
        known, states = {i.machine for i in self._memory.instances.values()}, self._states()
        begun = {machine for machine, state in states.items() if state == _SERVING[0]}
        if not begun <= known or known & self._members - states.keys():
            self._poller.poke(nodes=True)
        registered = sum(node.member for node in sight.nodes)
        leaving = any(node.given_up for node in sight.nodes)
        return leaving or registered != sight.group.desired

    async def _policies(self) -> str:
        answer = await self._aws("autoscaling:DescribePolicies", AutoScalingGroupName=self._name)
        for policy in parts(answer, "ScalingPolicies"):
            if policy.get("Enabled") is not False:
                return (
                    f"auto scaling group {self._name} has the scaling policy"
                    f" {text(policy, 'PolicyName')}, and the two would work against each other:"
                    " delete it, or remove ecs.nodes from the settings"
                )
        return ""

    async def _managed(self) -> str:
        token: dict[str, Any] = {}
        for _ in range(MOST_PAGES):
            answer = await self._aws("ecs:DescribeCapacityProviders", **token)
            for provider in parts(answer, "capacityProviders"):
                if self._is_managed(part(provider, "autoScalingGroupProvider")):
                    return (
                        f"capacity provider {text(provider, 'name')} has managed scaling of auto"
                        f" scaling group {self._name}, and the two would work against each other:"
                        " set its managedScaling to DISABLED, or remove ecs.nodes from the settings"
                    )
            token = {"nextToken": text(answer, "nextToken")}
            if not token["nextToken"]:
                break
        return ""

    def _is_managed(self, provider: Mapping[str, Any]) -> bool:
        named = text(provider, "autoScalingGroupArn").rpartition("/")[2] == self._name
        return named and text(part(provider, "managedScaling"), "status") == "ENABLED"

    async def _set_state(self, node: str, status: str) -> None:
        given = {"cluster": self._cluster, "containerInstances": [node], "status": status}
        answer = await self._aws("ecs:UpdateContainerInstancesState", **given)
        for failure in parts(answer, "failures"):
            raise PlatformError(f"{self._told(node)} cannot be {status}: {text(failure, 'reason')}")
        self._due = 0.0
        self._poller.poke(nodes=True)

    async def _note(self, node: str, given_up: str) -> None:
        attribute = {"name": GIVEN_UP, "value": given_up, "targetId": node}
        await self._aws("ecs:PutAttributes", cluster=self._cluster, attributes=[attribute])

    def _instance(self, node: str) -> Instance:
        found = self._memory.instances.get(node)
        if found is None or not found.machine:
            raise PlatformError(f"node {node.rpartition('/')[2]} is known no more")
        return found

    def _told(self, node: str) -> str:
        found = self._memory.instances.get(node)
        return found.node if found else node.rpartition("/")[2]
