"""The module cloudposse/ecs-alb-service-task: a task definition and its service.

Inputs and defaults: https://registry.terraform.io/modules/cloudposse/ecs-alb-service-task
"""

from __future__ import annotations

from collections.abc import Iterator

from fairlead.inspect.hcl.results import AFTER_APPLY
from fairlead.inspect.values import Resource, Scalar, Value


def service_task(call: Resource) -> Iterator[Resource]:
    """What a call of it makes."""
    task = Resource(
        "aws_ecs_task_definition", f"{call.address}.task", Value(_task(call.settings)), call.at
    )
    yield task
    settings = Value(_service(call.settings, task))
    yield Resource("aws_ecs_service", f"{call.address}.service", settings, call.at)


def _or(of: Value, name: str, default: Scalar) -> Value:
    given = of.get(name)
    return given if given.given else Value(default, of.origin[:1])


def _task(of: Value) -> dict[str, Value]:
    launch = _or(of, "launch_type", "FARGATE")
    return {
        "family": of.get("name"),
        "network_mode": _or(of, "network_mode", "awsvpc"),
        "requires_compatibilities": Value((launch,), launch.origin),
        "cpu": _or(of, "task_cpu", 256),
        "memory": _or(of, "task_memory", 512),
        "container_definitions": of.get("container_definition_json"),
        "volume": of.get("volumes", "docker_volumes", "efs_volumes"),
    }


def _service(of: Value, task: Resource) -> dict[str, Value]:
    groups = Value({"security_groups": of.get("security_group_ids", "security_groups")})
    ignored = Value((Value("desired_count"),)) if _ignores(of) else Value(())
    return {
        "name": of.get("name"),
        "cluster": of.get("ecs_cluster_arn"),
        "task_definition": Value(unknown=AFTER_APPLY, refers=(task.address,)),
        "desired_count": _or(of, "desired_count", 1),
        "launch_type": _or(of, "launch_type", "FARGATE"),
        "capacity_provider_strategy": of.get("capacity_provider_strategies"),
        "scheduling_strategy": of.get("scheduling_strategy"),
        "load_balancer": of.get("ecs_load_balancers"),
        "service_registries": of.get("service_registries"),
        "deployment_minimum_healthy_percent": _or(of, "deployment_minimum_healthy_percent", 100),
        "deployment_maximum_percent": _or(of, "deployment_maximum_percent", 200),
        "network_configuration": Value((groups,)),
        "lifecycle": Value((Value({"ignore_changes": ignored}),)),
    }


def _ignores(of: Value) -> bool:
    return bool(of.get("ignore_changes_desired_count").flag().value)
