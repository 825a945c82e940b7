"""The part of the ECS, EC2 and CloudWatch APIs that is used, as botocore's loader wants to have it.

botocore's own models of the first two describe hundreds of operations and cost some 20 MiB of
memory once they are parsed; these cost half a MiB. Member names and types are the API's, the tests
hold them against botocore's. What an answer holds beyond them is passed over, as botocore always
does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from fairlead.aws.autoscaling import AUTOSCALING
from fairlead.aws.autoscaling import FACTS as _AUTOSCALING_FACTS

Spec: TypeAlias = "str | list[Any] | dict[str, Any]"
"""A scalar's type, a list of one spec, or members by name (`Name=wireName` where they differ)."""

S, I, L, B, T, D = "string", "integer", "long", "boolean", "timestamp", "double"  # noqa: E741 - API types
_FAILURES: Spec = [{"arn": S, "reason": S, "detail": S}]
_TAGS: Spec = [{"key": S, "value": S}]
_PAIRS: Spec = [{"name": S, "value": S}]
_RESOURCES: Spec = [{"name": S, "type": S, "integerValue": I, "stringSetValue": [S]}]
_CONSTRAINTS: Spec = [{"type": S, "expression": S}]
_MESSAGES: Spec = [{"Code": S, "Value": S}]
_PAGED: dict[str, Spec] = {"nextToken": S, "maxResults": I}

_TASK: Spec = {
    "taskArn": S,
    "taskDefinitionArn": S,
    "containerInstanceArn": S,
    "group": S,
    "lastStatus": S,
    "desiredStatus": S,
    "healthStatus": S,
    "availabilityZone": S,
    "version": L,
    "createdAt": T,
    "startedAt": T,
    "stopCode": S,
    "stoppedReason": S,
    "tags": _TAGS,
    "attachments": [{"id": S, "type": S, "status": S, "details": _PAIRS}],
    "containers": [
        {
            "name": S,
            "lastStatus": S,
            "exitCode": I,
            "reason": S,
            "healthStatus": S,
            "networkBindings": [{"bindIP": S, "containerPort": I, "hostPort": I, "protocol": S}],
            "networkInterfaces": [{"attachmentId": S, "privateIpv4Address": S}],
        }
    ],
}
_CONTAINER: Spec = {
    "name": S,
    "image": S,
    "cpu": I,
    "memory": I,
    "memoryReservation": I,
    "essential": B,
    "stopTimeout": I,
    "portMappings": [{"containerPort": I, "hostPort": I, "protocol": S}],
    "dockerLabels": {"": S},
    "healthCheck": {"command": [S]},
    "mountPoints": [{"sourceVolume": S, "containerPath": S, "readOnly": B}],
}
_VOLUME: Spec = {
    "name": S,
    "host": {"sourcePath": S},
    "dockerVolumeConfiguration": {"scope": S, "driver": S, "driverOpts": {"": S}},
    "efsVolumeConfiguration": {"fileSystemId": S},
}
_DEFINITION: Spec = {
    "taskDefinitionArn": S,
    "family": S,
    "networkMode": S,
    "requiresCompatibilities": [S],
    "cpu": S,
    "memory": S,
    "containerDefinitions": [_CONTAINER],
    "volumes": [_VOLUME],
    "placementConstraints": _CONSTRAINTS,
}
_INSTANCE: Spec = {
    "containerInstanceArn": S,
    "ec2InstanceId": S,
    "status": S,
    "agentConnected": B,
    "remainingResources": _RESOURCES,
    "registeredResources": _RESOURCES,
    "attributes": _PAIRS,
}
_SERVICE: Spec = {
    "tags": _TAGS,
    "serviceArn": S,
    "serviceName": S,
    "status": S,
    "desiredCount": I,
    "runningCount": I,
    "pendingCount": I,
    "schedulingStrategy": S,
    "launchType": S,
    "capacityProviderStrategy": [{"capacityProvider": S}],
    "taskDefinition": S,
    "deploymentConfiguration": {"minimumHealthyPercent": I, "maximumPercent": I},
    "loadBalancers": [{"targetGroupArn": S, "containerName": S, "containerPort": I}],
    "networkConfiguration": {"awsvpcConfiguration": {"securityGroups": [S]}},
    "placementConstraints": _CONSTRAINTS,
    "placementStrategy": [{"type": S, "field": S}],
    "serviceRegistries": [{"registryArn": S}],
    "deployments": [
        {
            "id": S,
            "status": S,
            "serviceConnectConfiguration": {"enabled": B},
            "taskDefinition": S,
            "rolloutState": S,
            "rolloutStateReason": S,
        }
    ],
    "events": [{"id": S, "createdAt": T, "message": S}],
}
_PROTECTED: Spec = {
    "protectedTasks": [{"taskArn": S, "protectionEnabled": B, "expirationDate": T}],
    "failures": _FAILURES,
}

ECS: Mapping[str, tuple[Spec, Spec]] = {
    "ListTasks": (
        {"cluster": S, "serviceName": S, "desiredStatus": S, **_PAGED},
        {"taskArns": [S], "nextToken": S},
    ),
    "DescribeTasks": (
        {"cluster": S, "tasks": [S], "include": [S]},
        {"tasks": [_TASK], "failures": _FAILURES},
    ),
    "DescribeTaskDefinition": ({"taskDefinition": S}, {"taskDefinition": _DEFINITION}),
    "ListContainerInstances": (
        {"cluster": S, "status": S, **_PAGED},
        {"containerInstanceArns": [S], "nextToken": S},
    ),
    "DescribeContainerInstances": (
        {"cluster": S, "containerInstances": [S]},
        {"containerInstances": [_INSTANCE], "failures": _FAILURES},
    ),
    "ListServices": ({"cluster": S, **_PAGED}, {"serviceArns": [S], "nextToken": S}),
    "DescribeServices": (
        {"cluster": S, "services": [S], "include": [S]},
        {"services": [_SERVICE], "failures": _FAILURES},
    ),
    "UpdateService": ({"cluster": S, "service": S, "desiredCount": I}, {"service": _SERVICE}),
    "StopTask": ({"cluster": S, "task": S, "reason": S}, {}),
    "GetTaskProtection": ({"cluster": S, "tasks": [S]}, _PROTECTED),
    "UpdateTaskProtection": (
        {"cluster": S, "tasks": [S], "protectionEnabled": B, "expiresInMinutes": I},
        _PROTECTED,
    ),
    "TagResource": ({"resourceArn": S, "tags": _TAGS}, {}),
    "UntagResource": ({"resourceArn": S, "tagKeys": [S]}, {}),
    "UpdateContainerInstancesState": (
        {"cluster": S, "containerInstances": [S], "status": S},
        {"failures": _FAILURES},
    ),
    "PutAttributes": ({"cluster": S, "attributes": [{"name": S, "value": S, "targetId": S}]}, {}),
    "DescribeCapacityProviders": (
        _PAGED,
        {
            "capacityProviders": [
                {
                    "name": S,
                    "autoScalingGroupProvider": {
                        "autoScalingGroupArn": S,
                        "managedScaling": {"status": S},
                    },
                }
            ],
            "nextToken": S,
        },
    ),
}
EC2: Mapping[str, tuple[Spec, Spec]] = {
    "DescribeInstances": (
        {"Filters=Filter": [{"Name": S, "Values=Value": [S]}], "NextToken=nextToken": S},
        {
            "Reservations=reservationSet": [
                {
                    "Instances=instancesSet": [
                        {
                            "InstanceId=instanceId": S,
                            "PrivateIpAddress=privateIpAddress": S,
                            "PublicIpAddress=ipAddress": S,
                            "Placement=placement": {"AvailabilityZone=availabilityZone": S},
                        }
                    ]
                }
            ],
            "NextToken=nextToken": S,
        },
    ),
}
CLOUDWATCH: Mapping[str, tuple[Spec, Spec]] = {
    "GetMetricData": (
        {
            "MetricDataQueries": [
                {
                    "Id": S,
                    "Expression": S,
                    "Period": I,
                    "ReturnData": B,
                    "MetricStat": {
                        "Metric": {
                            "Namespace": S,
                            "MetricName": S,
                            "Dimensions": [{"Name": S, "Value": S}],
                        },
                        "Period": I,
                        "Stat": S,
                    },
                }
            ],
            "StartTime": T,
            "EndTime": T,
            "ScanBy": S,
        },
        {
            "MetricDataResults": [
                {
                    "Id": S,
                    "Timestamps": [T],
                    "Values": [D],
                    "StatusCode": S,
                    "Messages": _MESSAGES,
                }
            ],
            "Messages": _MESSAGES,
        },
    ),
}

_ECS_FACTS = {
    "apiVersion": "2014-11-13",
    "auth": ["aws.auth#sigv4"],
    "endpointPrefix": "ecs",
    "jsonVersion": "1.1",
    "protocol": "json",
    "serviceFullName": "Amazon EC2 Container Service",
    "serviceId": "ECS",
    "signatureVersion": "v4",
    "targetPrefix": "AmazonEC2ContainerServiceV20141113",
}
_EC2_FACTS = {
    "apiVersion": "2016-11-15",
    "auth": ["aws.auth#sigv4"],
    "endpointPrefix": "ec2",
    "protocol": "ec2",
    "serviceFullName": "Amazon Elastic Compute Cloud",
    "serviceId": "EC2",
    "signatureVersion": "v4",
    "xmlNamespace": "http://ec2.amazonaws.com/doc/2016-11-15",
}
_CLOUDWATCH_FACTS = {
    "apiVersion": "2010-08-01",
    "auth": ["aws.auth#sigv4"],
    "awsQueryCompatible": {},
    "endpointPrefix": "monitoring",
    "jsonVersion": "1.0",
    "protocol": "json",
    "serviceFullName": "Amazon CloudWatch",
    "serviceId": "CloudWatch",
    "signatureVersion": "v4",
    "targetPrefix": "GraniteServiceVersion20100801",
}

_KNOWN: Mapping[str, tuple[dict[str, Any], Mapping[str, tuple[Spec, Spec]]]] = {
    "autoscaling": (_AUTOSCALING_FACTS, AUTOSCALING),
    "cloudwatch": (_CLOUDWATCH_FACTS, CLOUDWATCH),
    "ec2": (_EC2_FACTS, EC2),
    "ecs": (_ECS_FACTS, ECS),
}


def service_model(service: str) -> dict[str, Any] | None:
    """The model of a service in botocore's form; None for one that is not written down here."""
    known = _KNOWN.get(service)
    return _model(*known) if known else None


def _model(facts: dict[str, Any], operations: Mapping[str, tuple[Spec, Spec]]) -> dict[str, Any]:
    shapes: dict[str, Any] = {}
    described: dict[str, Any] = {}
    query = facts["protocol"] == "query"
    for name, (given, answer) in operations.items():
        described[name] = {
            "name": name,
            "http": {"method": "POST", "requestUri": "/"},
            "input": {"shape": _shape(shapes, f"{name}Request", given)},
            "output": {"shape": _shape(shapes, f"{name}Response", answer)},
        }
        if query:
            _wrap(described[name], answer)
    for shape in shapes.values() if query else ():
        if shape["type"] == "list":
            del shape["member"]["locationName"]
    return {"version": "2.0", "metadata": facts, "operations": described, "shapes": shapes}


def _wrap(operation: dict[str, Any], answer: Spec) -> None:
    """The query protocol has answers in an element of their own, and none for those that say
    nothing."""
    if answer:
        operation["output"]["resultWrapper"] = f"{operation['name']}Result"
    else:
        del operation["output"]


def _shape(shapes: dict[str, Any], name: str, spec: Spec) -> str:
    """Add the shape, and those that it is made of; its name."""
    if isinstance(spec, str):
        shapes[spec] = {"type": spec}
        return spec
    if isinstance(spec, list):
        member = {"shape": _shape(shapes, f"{name}Item", spec[0]), "locationName": "item"}
        shapes[name] = {"type": "list", "member": member}
    elif "" in spec:
        value = {"shape": _shape(shapes, f"{name}Value", spec[""])}
        shapes[name] = {"type": "map", "key": {"shape": S}, "value": value}
    else:
        members = dict(_member(shapes, name, key, inner) for key, inner in spec.items())
        shapes[name] = {"type": "structure", "members": members}
    return name


def _member(shapes: dict[str, Any], name: str, key: str, inner: Spec) -> tuple[str, dict[str, str]]:
    own, _, wire = key.partition("=")
    shape = {"shape": _shape(shapes, name + own[:1].upper() + own[1:], inner)}
    return own, shape | ({"locationName": wire} if wire else {})
