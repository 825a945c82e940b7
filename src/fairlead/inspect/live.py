"""A cluster as it runs: what ECS itself says of it. Only reads.

Places are what stands for files here: `ecs:shop/service/catalog`. What lies behind a service in
other services of AWS (load balancers, DNS, scaling policies, security groups) is not asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fairlead.aws.client import Call
from fairlead.aws.paging import listed
from fairlead.core.errors import PlatformError
from fairlead.core.setup import At, Fact, NodeGroup, Setup, Unknown
from fairlead.inspect.aws_words import in_words
from fairlead.inspect.hcl.results import known
from fairlead.inspect.lift.terraform import lifted
from fairlead.inspect.values import Resource, Value

SERVICES_BATCH = 10
INSTANCES_BATCH = 100
_TYPE = "ecs.instance-type"  # each agent on EC2 tells it, so that EC2 need not be asked
_BEHIND = "only ECS was asked: security groups, load balancers, DNS and scaling are not known"


async def read_cluster(call: Call, cluster: str) -> Setup:
    """Its services, their task definitions, and its nodes. PlatformError when one of these cannot
    be read: less than all of them would mislead."""
    services = await _described(
        call, cluster, ("Services", "serviceArns", "services"), SERVICES_BATCH
    )
    instances = await _described(
        call,
        cluster,
        ("ContainerInstances", "containerInstanceArns", "containerInstances"),
        INSTANCES_BATCH,
    )
    arns = sorted({str(of.get("taskDefinition")) for of in services if of.get("taskDefinition")})
    tasks = await asyncio.gather(*(_definition(call, arn) for arn in arns))
    resources = [*_tasks(cluster, tasks), *_services(cluster, services)]
    nodes = tuple(_node(cluster, of) for of in instances if of.get("status") != "INACTIVE")
    behind = Unknown(f"cluster {cluster}", _BEHIND, At(f"ecs:{cluster}"))
    return replace(lifted(resources), nodes=nodes, unknown=(behind,))


async def _described(
    call: Call, cluster: str, names: tuple[str, str, str], size: int
) -> list[Mapping[str, Any]]:
    kind, arns_key, key = names
    arns = await listed(call, f"ecs:List{kind}", arns_key, cluster=cluster)
    found: list[Mapping[str, Any]] = []
    for start in range(0, len(arns), size):
        batch = arns[start : start + size]
        answer = await call(f"ecs:Describe{kind}", cluster=cluster, **{key: batch})
        if not isinstance(answer.get(key), list):
            raise PlatformError(f"ecs:Describe{kind}: the answer holds no {key}")
        found += [of for of in answer[key] if isinstance(of, Mapping)]
    return found


async def _definition(call: Call, arn: str) -> Mapping[str, Any]:
    answer = await call("ecs:DescribeTaskDefinition", taskDefinition=arn)
    found = answer.get("taskDefinition")
    if not isinstance(found, Mapping):
        raise PlatformError(f"the answer holds no task definition {arn}")
    return found


def _tasks(cluster: str, found: Sequence[Mapping[str, Any]]) -> Iterator[Resource]:
    for of in found:
        arn = str(of.get("taskDefinitionArn"))
        at = At(f"ecs:{cluster}/task-definition/{arn.rpartition('/')[2]}")
        yield from in_words("AWS::ECS::TaskDefinition", arn, known(dict(of), at), at)


def _services(cluster: str, found: Sequence[Mapping[str, Any]]) -> Iterator[Resource]:
    for of in found:
        name = str(of.get("serviceName"))
        at = At(f"ecs:{cluster}/service/{name}")
        for resource in in_words("AWS::ECS::Service", name, known(dict(of), at), at):
            more = _links(cluster, of, at)
            members = dict(resource.settings.members()) | more
            yield replace(resource, settings=replace(resource.settings, data=members))


def _links(cluster: str, of: Mapping[str, Any], at: At) -> dict[str, Value]:
    """What an answer says in another place than a request does."""
    arn = str(of.get("taskDefinition"))
    found = {
        "cluster": Value(cluster, (at,)),
        "task_definition": Value(arn, (at,), refers=(arn,)),
    }
    deployments = [d for d in of.get("deployments") or () if isinstance(d, Mapping)]
    connected = [d.get("serviceConnectConfiguration") or {} for d in deployments]
    if any(each.get("enabled") for each in connected):
        found["service_connect_configuration"] = Value(True, (at,))
    return found


def _node(cluster: str, of: Mapping[str, Any]) -> NodeGroup:
    key = str(of.get("ec2InstanceId") or of.get("containerInstanceArn"))
    at = At(f"ecs:{cluster}/node/{key}")
    attributes = (a for a in of.get("attributes") or () if isinstance(a, Mapping))
    kind = next((str(a.get("value")) for a in attributes if a.get("name") == _TYPE), None)
    one = Fact(1, (at,))
    said = Fact(kind, (at,), "" if kind else "its agent does not tell it")
    return NodeGroup(key, said, one, one, cluster, whole=False, at=at)
