"""The part of the Auto Scaling API that is used, in the form of aws.api."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

S, I, B = "string", "integer", "boolean"  # noqa: E741 - API types

FACTS: dict[str, Any] = {
    "apiVersion": "2011-01-01",
    "auth": ["aws.auth#sigv4"],
    "endpointPrefix": "autoscaling",
    "protocol": "query",
    "serviceFullName": "Auto Scaling",
    "serviceId": "Auto Scaling",
    "signatureVersion": "v4",
    "xmlNamespace": "http://autoscaling.amazonaws.com/doc/2011-01-01/",
}
AUTOSCALING: Mapping[str, tuple[Any, Any]] = {
    "DescribeAutoScalingGroups": (
        {"AutoScalingGroupNames": [S]},
        {
            "AutoScalingGroups": [
                {
                    "AutoScalingGroupName": S,
                    "MinSize": I,
                    "MaxSize": I,
                    "DesiredCapacity": I,
                    "Instances": [{"InstanceId": S, "LifecycleState": S}],
                }
            ]
        },
    ),
    "DescribePolicies": (
        {"AutoScalingGroupName": S},
        {"ScalingPolicies": [{"PolicyName": S, "Enabled": B}]},
    ),
    "SetDesiredCapacity": ({"AutoScalingGroupName": S, "DesiredCapacity": I}, {}),
    "TerminateInstanceInAutoScalingGroup": (
        {"InstanceId": S, "ShouldDecrementDesiredCapacity": B},
        {"Activity": {"ActivityId": S}},
    ),
}
