"""Things of AWS as its API and CloudFormation write them, in Terraform's words.

So that one lift (`inspect.lift`) makes a set-up of all three. The API writes `portMappings`,
CloudFormation `PortMappings`, Terraform `port_mappings`; where more differs it is listed here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from fairlead.core.setup import At
from fairlead.inspect.values import Resource, Value

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAMES = {
    "cidr_ip": "cidr_blocks",
    "group_set": "security_groups",
    "groups": "security_groups",
    "source_prefix_list_id": "prefix_list_ids",
    "source_security_group_name": "security_groups",
}
_LAUNCH_TEMPLATE = {
    "id": "launch_template.launch_template_id",
    "name": "launch_template.launch_template_name",
}
_DEPLOY = "deployment_configuration"
_MIXED = "mixed_instances_policy.launch_template"
Rename = str | Mapping[str, "Rename"]


def in_words(kind: str, address: str, given: Value, at: At) -> list[Resource]:
    """The resource of CloudFormation's kind as Terraform's; none for kinds that do not matter."""
    if kind == "AWS::Route53::RecordSetGroup":
        sets = enumerate(given.get("RecordSets").items())
        made = (in_words("AWS::Route53::RecordSet", f"{address}[{n}]", of, of.at) for n, of in sets)
        return [one for each in made for one in each]
    if kind not in _KINDS:
        return []
    name, renames = _KINDS[kind]
    return [Resource(name, address, _PREPARED.get(kind, _plain)(given, renames), at)]


def snake(value: Value) -> Value:
    """Names of members as Terraform writes them."""
    return _renamed(value, lambda name: _NAMES.get(found := _snake(name), found))


def camel(value: Value) -> Value:
    """Names of members as the API writes them."""
    return _renamed(value, _camel)


def _snake(name: str) -> str:
    return _HUMP.sub("_", name).lower()


def _camel(name: str) -> str:
    if name[:3] in ("EFS", "FSx"):
        return name[:3].lower() + name[3:]
    return name[:1].lower() + name[1:]


def _renamed(value: Value, name: Callable[[str], str]) -> Value:
    if isinstance(value.data, tuple):
        return replace(value, data=tuple(_renamed(item, name) for item in value.data))
    if isinstance(value.data, Mapping):
        return replace(value, data={name(k): _renamed(v, name) for k, v in value.members()})
    return value


def _plain(given: Value, renames: Mapping[str, Rename]) -> Value:
    settings = snake(given)
    more = {name: _picked(settings, where) for name, where in renames.items()}
    kept = {name: value for name, value in more.items() if value.given}
    return replace(settings, data=dict(settings.members()) | kept)


def _picked(settings: Value, where: Rename) -> Value:
    if isinstance(where, str):
        for name in where.split("."):
            settings = settings.get(name)
        return settings
    found = {name: value for name, w in where.items() if (value := _picked(settings, w)).given}
    origin = next((value.origin for value in found.values()), ())
    return Value(found or None, origin)


def _task(given: Value, renames: Mapping[str, Rename]) -> Value:
    settings = _plain(given, renames)
    own = {
        "container_definitions": camel(given.get("ContainerDefinitions", "containerDefinitions")),
        "volume": camel(given.get("Volumes", "volumes")),
    }
    return replace(settings, data=dict(settings.members()) | own)


def _template(given: Value, renames: Mapping[str, Rename]) -> Value:
    return _plain(given.get("LaunchTemplateData"), renames)


def _target_group(given: Value, renames: Mapping[str, Rename]) -> Value:
    settings = _plain(given, renames)
    found = dict(settings.members())
    for item in settings.get("target_group_attributes").items():
        if item.get("key").data == "deregistration_delay.timeout_seconds":
            found["deregistration_delay"] = item.get("value")
    return replace(settings, data=found)


_PREPARED: Mapping[str, Callable[[Value, Mapping[str, Rename]], Value]] = {
    "AWS::ECS::TaskDefinition": _task,
    "AWS::EC2::LaunchTemplate": _template,
    "AWS::ElasticLoadBalancingV2::TargetGroup": _target_group,
}
_KINDS: Mapping[str, tuple[str, Mapping[str, Rename]]] = {
    "AWS::ECS::TaskDefinition": ("aws_ecs_task_definition", {}),
    "AWS::ECS::Service": (
        "aws_ecs_service",
        {
            "name": "service_name",
            "load_balancer": "load_balancers",
            "deployment_minimum_healthy_percent": f"{_DEPLOY}.minimum_healthy_percent",
            "deployment_maximum_percent": f"{_DEPLOY}.maximum_percent",
            "network_configuration": "network_configuration.awsvpc_configuration",
        },
    ),
    "AWS::ECS::Cluster": ("aws_ecs_cluster", {"name": "cluster_name"}),
    "AWS::ECS::CapacityProvider": ("aws_ecs_capacity_provider", {}),
    "AWS::ECS::ClusterCapacityProviderAssociations": (
        "aws_ecs_cluster_capacity_providers",
        {"cluster_name": "cluster"},
    ),
    "AWS::ApplicationAutoScaling::ScalableTarget": ("aws_appautoscaling_target", {}),
    "AWS::EC2::Instance": (
        "aws_instance",
        {"vpc_security_group_ids": "security_group_ids", "launch_template": _LAUNCH_TEMPLATE},
    ),
    "AWS::EC2::LaunchTemplate": (
        "aws_launch_template",
        {"vpc_security_group_ids": "security_group_ids"},
    ),
    "AWS::AutoScaling::LaunchConfiguration": ("aws_launch_configuration", {}),
    "AWS::AutoScaling::AutoScalingGroup": (
        "aws_autoscaling_group",
        {
            "launch_configuration": "launch_configuration_name",
            "launch_template": _LAUNCH_TEMPLATE,
            "mixed_instances_policy": {
                "launch_template": {
                    "launch_template_specification": f"{_MIXED}.launch_template_specification",
                    "override": f"{_MIXED}.overrides",
                }
            },
        },
    ),
    "AWS::EC2::EIP": ("aws_eip", {"instance": "instance_id"}),
    "AWS::EC2::EIPAssociation": ("aws_eip_association", {"public_ip": "eip"}),
    "AWS::EC2::SecurityGroup": ("aws_security_group", {"ingress": "security_group_ingress"}),
    "AWS::EC2::SecurityGroupIngress": (
        "aws_vpc_security_group_ingress_rule",
        {"security_group_id": "group_id"},
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": (
        "aws_lb_target_group",
        {"health_check": {"path": "health_check_path"}},
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("aws_lb", {}),
    "AWS::ElasticLoadBalancing::LoadBalancer": ("aws_elb", {}),
    "AWS::CloudFront::Distribution": ("aws_cloudfront_distribution", {}),
    "AWS::Route53::RecordSet": (
        "aws_route53_record",
        {
            "records": "resource_records",
            "alias": "alias_target",
            "multivalue_answer_routing_policy": "multi_value_answer",
            "weighted_routing_policy": "weight",
            "failover_routing_policy": "failover",
            "latency_routing_policy": "region",
            "geolocation_routing_policy": "geo_location",
        },
    ),
}
