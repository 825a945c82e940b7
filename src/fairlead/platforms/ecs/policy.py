"""The IAM policy that fairlead needs, no wider than what it calls. Pure.

Which actions can be bound to which resources: AWS's Service Authorization Reference.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from fairlead.core.errors import BadInput

CAPABILITIES = ("scaling", "metrics", "nodes", "events", "dns", "lease")
_ARN = re.compile(r"arn:(aws[a-z-]*):ecs:([a-z0-9-]+):([0-9]{12}):cluster/([A-Za-z0-9_-]{1,255})")


@dataclass(frozen=True, slots=True)
class Action:
    """`of` is the kind of resource that it can be bound to: cluster, task, service,
    container-instance; `in` for those that are bound by a condition only; empty for none."""

    name: str
    of: str = ""


READ = (
    Action("ecs:DescribeContainerInstances", "container-instance"),
    Action("ecs:DescribeServices", "service"),
    Action("ecs:DescribeTaskDefinition"),
    Action("ecs:DescribeTasks", "task"),
    Action("ecs:ListContainerInstances", "cluster"),
    Action("ecs:ListServices", "in"),
    Action("ecs:ListTasks", "in"),
    Action("ec2:DescribeInstances"),
)
MORE = {
    "scaling": (
        Action("ecs:GetTaskProtection", "task"),
        Action("ecs:StopTask", "task"),
        Action("ecs:TagResource", "task"),
        Action("ecs:UntagResource", "task"),
        Action("ecs:TagResource", "service"),
        Action("ecs:UntagResource", "service"),
        Action("ecs:UpdateService", "service"),
        Action("ecs:UpdateTaskProtection", "task"),
    ),
    "nodes": (
        Action("autoscaling:DescribeAutoScalingGroups"),
        Action("autoscaling:DescribePolicies"),
        Action("autoscaling:SetDesiredCapacity"),
        Action("autoscaling:TerminateInstanceInAutoScalingGroup"),
        Action("ecs:DescribeCapacityProviders"),
        Action("ecs:PutAttributes", "container-instance"),
        Action("ecs:UpdateContainerInstancesState", "container-instance"),
    ),
    "metrics": (Action("cloudwatch:GetMetricData"), Action("sqs:GetQueueAttributes")),
    "events": (Action("sqs:DeleteMessage"), Action("sqs:ReceiveMessage")),
    "dns": (
        Action("route53:ChangeResourceRecordSets"),
        Action("route53:ListHostedZonesByName"),
        Action("route53:ListResourceRecordSets"),
    ),
    "lease": (Action("dynamodb:GetItem"), Action("dynamodb:PutItem")),
}
PERMISSIONS = {"sqs:DeleteMessageBatch": "sqs:DeleteMessage"}
"""Calls that IAM knows by another name."""


def policy(capabilities: Collection[str] = (), cluster_arn: str = "") -> dict[str, Any]:
    """The document for reading, and for these capabilities; bound to a cluster where one is given.

    BadInput when the ARN is none of an ECS cluster.
    """
    chosen = [c for c in CAPABILITIES if c in capabilities]
    actions = [*READ, *(action for c in chosen for action in MORE[c])]
    return {"Version": "2012-10-17", "Statement": list(_statements(actions, cluster_arn))}


def _statements(actions: Collection[Action], cluster_arn: str) -> Iterator[dict[str, Any]]:
    for of in dict.fromkeys(action.of for action in actions):
        names = sorted(action.name for action in actions if action.of == of)
        statement = {"Effect": "Allow", "Action": names, "Resource": "*"}
        if cluster_arn and of == "in":
            yield statement | {"Condition": {"ArnEquals": {"ecs:cluster": cluster_arn}}}
        elif cluster_arn and of:
            yield statement | {"Resource": _resource(cluster_arn, of)}
        else:
            yield statement


def _resource(cluster_arn: str, of: str) -> str:
    match = _ARN.fullmatch(cluster_arn)
    if match is None:
        raise BadInput(
            f"{cluster_arn[:200]!a} is no ARN of an ECS cluster, such as"
            " arn:aws:ecs:eu-west-1:123456789012:cluster/shop"
        )
    partition, region, account, cluster = match.groups()
    name = cluster if of == "cluster" else f"{cluster}/*"
    return f"arn:{partition}:ecs:{region}:{account}:{of}/{name}"
