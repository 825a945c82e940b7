"""aws_ecs_task_definition and aws_ecs_service."""

from __future__ import annotations

import re

from fairlead.core.setup import Fact, ServiceSetup, Target, TaskDefinition, Unknown
from fairlead.inspect.hcl.documents import document
from fairlead.inspect.hcl.texts import shown
from fairlead.inspect.lift.clusters import cluster_key, default_launch
from fairlead.inspect.lift.containers import all_known, containers
from fairlead.inspect.lift.links import Links, block, blocks
from fairlead.inspect.values import Resource, Value

TASK = "aws_ecs_task_definition"
SERVICE = "aws_ecs_service"
GROUPS = ("aws_lb_target_group", "aws_alb_target_group")
SECURITY = ("aws_security_group", "aws_default_security_group")
_GIGABYTES = re.compile(r"(?i)\s*([\d.]+)\s*gb\s*$")
_CORES = re.compile(r"(?i)\s*([\d.]+)\s*vcpu\s*$")


def tasks(links: Links) -> tuple[TaskDefinition, ...]:
    return tuple(_task(resource, links) for resource in links.of(TASK))


def _task(of: Resource, links: Links) -> TaskDefinition:
    settings = of.settings
    definitions = document(settings.get("container_definitions"))
    return TaskDefinition(
        links.key(of.address),
        shown(settings.get("family")),
        settings.get("network_mode").text(),
        _fargate(settings.get("requires_compatibilities")),
        _sized(settings.get("memory"), _GIGABYTES),
        _sized(settings.get("cpu"), _CORES),
        containers(definitions, settings.get("volume")),
        all_known(definitions) and not settings.get("volume").unknown,
        of.at,
        _chosen(settings.get("placement_constraints")),
    )


def unread_tasks(links: Links) -> tuple[Unknown, ...]:
    """Task definitions whose containers are not known, and why."""
    found = []
    for of in links.of(TASK):
        definitions = document(of.settings.get("container_definitions"))
        if not all_known(definitions):
            why = definitions.unknown or "its containers are not known"
            found.append(Unknown(f"{of.address} container_definitions", why, definitions.at))
    return tuple(found)


def _sized(of: Value, unit: re.Pattern[str]) -> Fact[int]:
    """MiB, or units of 1/1024 core, also where they are written as `1 GB` or `.5 vCPU`."""
    amount = unit.match(of.data) if isinstance(of.data, str) else None
    try:
        return Fact(int(float(amount.group(1)) * 1024), of.origin) if amount else of.number()
    except ValueError:
        return Fact(None, of.origin, "it is not a number")


def _fargate(of: Value) -> Fact[bool]:
    if of.unknown:
        return Fact(None, of.origin, of.unknown)
    kinds = [item.text().value for item in of.items()]
    return Fact("FARGATE" in kinds and "EC2" not in kinds, of.origin) if kinds else Fact()


def services(links: Links) -> tuple[ServiceSetup, ...]:
    return tuple(_service(resource, links) for resource in links.of(SERVICE))


def _service(of: Resource, links: Links) -> ServiceSetup:
    settings = of.settings
    network = block(settings, "network_configuration")
    cluster = cluster_key(settings.get("cluster"), links)
    return ServiceSetup(
        shown(settings.get("name")),
        "ecs",
        _task_key(settings.get("task_definition"), links),
        cluster,
        settings.get("desired_count").number(),
        _launch(settings, links),
        settings.get("scheduling_strategy").text().value == "DAEMON",
        settings.get("deployment_minimum_healthy_percent").number(),
        settings.get("deployment_maximum_percent").number(),
        tuple(_target(item, links) for item in blocks(settings.get("load_balancer"))),
        links.keys_of(network.get("security_groups"), *SECURITY)[0],
        _distinct(settings.get("placement_constraints")),
        any(settings.get(name).given for name in _DISCOVERY),
        _ignored(settings),
        _scaled(of, links),
        links.key(of.address),
        of.at,
        _chosen(settings.get("placement_constraints")),
        _strategies(settings.get(*_STRATEGIES)),
    )


_STRATEGIES = ("ordered_placement_strategy", "placement_strategies", "placement_strategy")
"""As Terraform, CloudFormation and the API call it."""
_DISCOVERY = ("service_registries", "service_connect_configuration")


def _task_key(of: Value, links: Links) -> str:
    """By reference, or by family and revision where that is written out."""
    if key := links.key_of(of, TASK):
        return key
    family = (of.text().value or "").rpartition("task-definition/")[2].partition(":")[0]
    named = [t for t in links.of(TASK) if family and t.settings.get("family").data == family]
    return links.key(named[0].address) if len(named) == 1 else ""


def _launch(settings: Value, links: Links) -> Fact[str]:
    """EC2 or FARGATE: as it says, by its capacity providers, or by the cluster's."""
    said = settings.get("launch_type").text()
    if said.value or said.unknown:
        return said
    strategies = blocks(settings.get("capacity_provider_strategy"))
    return default_launch(settings.get("cluster"), strategies, links)


def _target(of: Value, links: Links) -> Target:
    group = links.key_of(of.get("target_group_arn"), *GROUPS)
    return Target(group, shown(of.get("container_name")), of.get("container_port").number(), of.at)


def _chosen(of: Value) -> tuple[str, ...]:
    """Expressions of memberOf; an empty one where there may be one that is not known."""
    if of.unknown:
        return ("",)
    members = (i for i in blocks(of) if i.unknown or i.get("type").data == "memberOf")
    return tuple(shown(item.get("expression")) for item in members)


def _strategies(of: Value) -> tuple[tuple[str, str], ...]:
    if of.unknown:
        return (("", ""),)
    return tuple(_strategy(item) for item in blocks(of))


def _strategy(of: Value) -> tuple[str, str]:
    kind, by = of.get("type").text(), of.get("field").text()
    return ("", "") if of.unknown or by.unknown else (kind.value or "", by.value or "")


def _distinct(of: Value) -> bool:
    return any(item.get("type").data == "distinctInstance" for item in of.items())


def ignores(settings: Value, *names: str) -> bool:
    """Its lifecycle says that these are somebody else's to change."""
    ignored = block(settings, "lifecycle").get("ignore_changes").items()
    return any(item.data in (*names, "all") for item in ignored)


def _ignored(settings: Value) -> bool:
    return ignores(settings, "desired_count")


def _scaled(service: Resource, links: Links) -> bool:
    name = service.settings.get("name").text().value
    for target in links.of("aws_appautoscaling_target"):
        scaled = target.settings.get("resource_id")
        if service in links.found(scaled, SERVICE):
            return True
        if name and shown(scaled).endswith(f"/{name}") and not links.found(scaled, SERVICE):
            return True
    return False
