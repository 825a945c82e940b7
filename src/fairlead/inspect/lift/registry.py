"""Modules of the public registry that many set-ups are made of, as the resources that they make.

Their inputs and defaults: https://registry.terraform.io/namespaces/terraform-aws-modules
What such a module is not told, and has no fixed default for, is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from fairlead.inspect.hcl.results import AFTER_APPLY
from fairlead.inspect.lift.cloudposse import service_task
from fairlead.inspect.lift.links import block, flat
from fairlead.inspect.values import Resource, Scalar, Value

_SOURCE = re.compile(
    r"(?:registry\.\w+\.\w+/)?(?:terraform-aws-modules/|(cloudposse/))([\w-]+)/aws(//[\w/-]+)?$"
)
_CONTAINER = {"portMappings": "port_mappings", "mountPoints": "mount_points"}
_CONTAINER |= {"memoryReservation": "memory_reservation", "stopTimeout": "stop_timeout"}
_CONTAINER |= {"healthCheck": "health_check"}
_KEPT = ("name", "image", "cpu", "memory", "essential", "environment")
_NAMED = re.compile(r"[a-z0-9-]*?-(\d+)-(tcp|udp)$")
_RULES = {"ssh-tcp": (22, 22, "tcp"), "all-tcp": (0, 65535, "tcp"), "all-all": (0, 0, "-1")}


def made_by(call: Resource) -> list[Resource]:
    """What a call of one of these modules makes; nothing where it is of another."""
    source = _SOURCE.match(call.settings.get("source").text().value or "")
    maker = _MAKERS.get("".join(part or "" for part in source.groups())) if source else None
    return list(maker(call)) if maker else []


def _resource(call: Resource, kind: str, name: str, settings: Mapping[str, Value]) -> Resource:
    return Resource(kind, f"{call.address}.{kind}.{name}", Value(settings, (call.at,)), call.at)


def _default(of: Value, *names: str, default: Scalar | tuple[Value, ...] = None) -> Value:
    """What is given by the first of these names, else the module's default."""
    given = of.get(*names)
    return given if given.given else Value(default, of.origin[:1])


def _later(*refers: str) -> Value:
    return Value(unknown=AFTER_APPLY, refers=refers)


def _each(of: Value) -> Iterator[tuple[str, Value]]:
    """The entries of a map, or of a list, which are told apart by their position."""
    if isinstance(of.data, Mapping):
        yield from of.data.items()
    else:
        yield from ((str(number), item) for number, item in enumerate(of.items()))


def _service(call: Resource, of: Value, name: str, cluster: Value) -> Iterator[Resource]:
    task = _resource(call, "aws_ecs_task_definition", name, _task(of, name))
    service = _resource(call, "aws_ecs_service", name, _scheduled(of, name, task, cluster))
    yield from (task, service)
    scaled = of.get("enable_autoscaling").flag()
    if scaled.or_(True):
        target = {"resource_id": _later(service.address)}
        yield _resource(call, "aws_appautoscaling_target", name, target)


def _task(of: Value, name: str) -> dict[str, Value]:
    fargate = (Value("FARGATE", of.origin[:1]),)
    return {
        "family": _default(of, "family", "name", default=name),
        "network_mode": _default(of, "network_mode", default="awsvpc"),
        "requires_compatibilities": _default(of, "requires_compatibilities", default=fargate),
        "cpu": _default(of, "cpu", default=1024),
        "memory": _default(of, "memory", default=2048),
        "container_definitions": _containers(of.get("container_definitions")),
        "volume": _volumes(of.get("volume")),
    }


def _containers(of: Value) -> Value:
    if not isinstance(of.data, Mapping):
        return of
    return Value(tuple(_container(name, item) for name, item in of.data.items()), of.origin)


def _container(name: str, of: Value) -> Value:
    if of.unknown:
        return of
    members = {word: of.get(word, other) for word, other in _CONTAINER.items()}
    members |= {word: of.get(word) for word in _KEPT}
    members["name"] = _default(of, "name", default=name)
    return Value({word: value for word, value in members.items() if value.given}, of.origin)


def _volumes(of: Value) -> Value:
    if not isinstance(of.data, Mapping):
        return of
    named = (
        Value({**dict(item.members()), "name": _default(item, "name", default=name)}, item.origin)
        for name, item in of.data.items()
    )
    return Value(tuple(named), of.origin)


def _scheduled(of: Value, name: str, task: Resource, cluster: Value) -> dict[str, Value]:
    strategies = of.get("capacity_provider_strategy")
    launch = None if strategies.given else "FARGATE"
    groups = Value({"security_groups": of.get("security_group_ids")}, of.origin)
    ignored = Value({"ignore_changes": Value((Value("desired_count"),))})
    return {
        "name": _default(of, "name", default=name),
        "cluster": cluster,
        "task_definition": _later(task.address),
        "desired_count": _default(of, "desired_count", default=1),
        "launch_type": _default(of, "launch_type", default=launch),
        "capacity_provider_strategy": _listed(strategies),
        "load_balancer": _listed(of.get("load_balancer")),
        "scheduling_strategy": of.get("scheduling_strategy"),
        "service_registries": of.get("service_registries"),
        "placement_constraints": _listed(of.get("placement_constraints")),
        "deployment_minimum_healthy_percent": _default(
            of, "deployment_minimum_healthy_percent", default=66
        ),
        "deployment_maximum_percent": _default(of, "deployment_maximum_percent", default=200),
        "network_configuration": Value((groups,)),
        "lifecycle": Value((ignored,)),
    }


def _listed(of: Value) -> Value:
    return of if of.unknown or not of.given else Value(tuple(v for _, v in _each(of)), of.origin)


def _service_alone(call: Resource) -> Iterator[Resource]:
    yield from _service(call, call.settings, "this", call.settings.get("cluster_arn"))


def _cluster(call: Resource) -> Iterator[Resource]:
    """The cluster, its capacity providers, and the services that are given with it."""
    of = call.settings
    cluster = _resource(call, "aws_ecs_cluster", "this", {"name": of.get("cluster_name", "name")})
    yield cluster
    names = []
    for name, item in _each(of.get("autoscaling_capacity_providers", "capacity_providers")):
        given = block(item, "auto_scaling_group_provider")
        backing = (given if given.given else item).get("auto_scaling_group_arn")
        inner = Value({"auto_scaling_group_arn": backing})
        provider = {"auto_scaling_group_provider": Value((inner,))}
        yield (made := _resource(call, "aws_ecs_capacity_provider", name, provider))
        names.append(_later(made.address))
    held = {"cluster_name": _later(cluster.address), "capacity_providers": Value(tuple(names))}
    yield _resource(call, "aws_ecs_cluster_capacity_providers", "this", held)
    for name, item in _each(of.get("services")):
        yield from _service(call, item, name, _later(cluster.address))


def _autoscaling(call: Resource) -> Iterator[Resource]:
    of = call.settings
    template = {name: of.get(name) for name in ("instance_type", "user_data", "network_interfaces")}
    template["vpc_security_group_ids"] = of.get("security_groups")
    yield (made := _resource(call, "aws_launch_template", "this", template))
    group = {name: of.get(name) for name in ("desired_capacity", "min_size", "max_size")}
    group["launch_template"] = Value((Value({"id": _later(made.address)}),))
    yield _resource(call, "aws_autoscaling_group", "this", group)


def _instance(call: Resource) -> Iterator[Resource]:
    settings = {**dict(call.settings.members())}
    settings["instance_type"] = _default(call.settings, "instance_type", default="t3.micro")
    yield _resource(call, "aws_instance", "this", settings)


def _security_group(call: Resource) -> Iterator[Resource]:
    of = call.settings
    rules = [*_named_rules(of), *_written_rules(of)]
    yield _resource(call, "aws_security_group", "this", {"ingress": Value(tuple(rules))})


def _named_rules(of: Value) -> Iterator[Value]:
    """`ingress_rules` are names, such as https-443-tcp, for all of `ingress_cidr_blocks`."""
    for name in _parts(of.get("ingress_rules")):
        yield _rule(name, {"cidr_blocks": of.get("ingress_cidr_blocks")})


def _parts(of: Value) -> Iterable[Value]:
    return (of,) if of.unknown else flat(of)


def _written_rules(of: Value) -> Iterator[Value]:
    for source in ("cidr_blocks", "source_security_group_id", "self"):
        for name in (f"ingress_with_{source}", f"computed_ingress_with_{source}"):
            for rule in _parts(of.get(name)):
                yield _written(rule, source)


def _written(rule: Value, source: str) -> Value:
    members = {source: rule.get(source)}
    if source == "cidr_blocks" and isinstance(text := members[source].data, str):
        parts = (Value(part.strip(), rule.origin) for part in text.split(","))
        members[source] = Value(tuple(parts), rule.origin)
    if rule.get("rule").given:
        return _rule(rule.get("rule"), members)
    if rule.unknown:
        return rule
    ports = {name: rule.get(name) for name in ("from_port", "to_port", "protocol")}
    return Value({**ports, **members}, rule.origin)


def _rule(name: Value, members: Mapping[str, Value]) -> Value:
    """A rule by its name; unknown where the name does not say its port."""
    text = name.text().value or ""
    match = _NAMED.match(text)
    found = (int(match.group(1)),) * 2 + (match.group(2),) if match else _RULES.get(text)
    if not found:
        return Value(origin=name.origin, unknown=name.unknown or f"what {text} allows")
    parts = zip(("from_port", "to_port", "protocol"), found, strict=True)
    return Value({**{n: Value(v, name.origin) for n, v in parts}, **members}, name.origin)


def _balancer(call: Resource) -> Iterator[Resource]:
    yield _resource(call, "aws_lb", "this", {})
    for name, item in _each(call.settings.get("target_groups")):
        settings = dict(item.members())
        settings["port"] = item.get("port", "backend_port")
        checks = item.get("health_check")
        settings["health_check"] = Value((checks,)) if checks.given else Value()
        yield _resource(call, "aws_lb_target_group", name, settings)


_MAKERS: dict[str, Callable[[Resource], Iterator[Resource]]] = {
    "ecs": _cluster,
    "ecs//modules/cluster": _cluster,
    "ecs//modules/service": _service_alone,
    "autoscaling": _autoscaling,
    "ec2-instance": _instance,
    "security-group": _security_group,
    "alb": _balancer,
    "cloudposse/ecs-alb-service-task": service_task,
}
