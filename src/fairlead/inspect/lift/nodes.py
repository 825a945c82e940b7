"""Instances and auto scaling groups, with what their templates say of them."""

from __future__ import annotations

from fairlead.core.setup import Fact, NodeGroup
from fairlead.inspect.hcl.texts import shown
from fairlead.inspect.lift.clusters import CAPACITY, CLUSTER, cluster_key, joined_cluster
from fairlead.inspect.lift.links import Links, block, blocks
from fairlead.inspect.lift.services import SECURITY
from fairlead.inspect.values import Resource, Value

INSTANCE = "aws_instance"
SPOT = "aws_spot_instance_request"
GROUP = "aws_autoscaling_group"
_LISTS = ("vpc_security_group_ids", "security_groups")
TEMPLATES = ("aws_launch_template", "aws_launch_configuration")


def nodes(links: Links) -> tuple[NodeGroup, ...]:
    alone = (_instance(resource, links) for resource in links.of(INSTANCE, SPOT))
    grouped = (_group(resource, links) for resource in links.of(GROUP))
    return (*alone, *grouped)


def _instance(of: Resource, links: Links) -> NodeGroup:
    template = links.one(block(of.settings, "launch_template").get("id", "name"), *TEMPLATES)
    count = of.settings.get("count")
    one = Fact(None, count.origin, count.unknown) if count.unknown else Fact(1, (of.at,))
    return _nodes(of, template, one, one, links)


def _group(of: Resource, links: Links) -> NodeGroup:
    settings = of.settings
    desired = settings.get("desired_capacity")
    desired = desired if desired.given else settings.get("min_size")
    template = links.one(_template(settings), *TEMPLATES)
    return _nodes(of, template, desired.number(), settings.get("max_size").number(), links)


def _template(settings: Value) -> Value:
    """What names the launch template or configuration of a group."""
    named = settings.get("launch_configuration")
    if named.given:
        return named
    mixed = block(settings, "mixed_instances_policy", "launch_template")
    inner = block(mixed, "launch_template_specification").get(
        "launch_template_id", "launch_template_name"
    )
    return inner if inner.given else block(settings, "launch_template").get("id", "name")


def _nodes(
    of: Resource, template: Resource | None, desired: Fact[int], maximum: Fact[int], links: Links
) -> NodeGroup:
    said = (of.settings, template.settings if template else Value())
    data = _first(said, "user_data", "user_data_base64", "user_data_base_64")
    groups, whole = _security(said, links)
    return NodeGroup(
        links.key(of.address),
        _type(said),
        desired,
        maximum,
        joined_cluster(data, links) or _by_capacity(of, links),
        groups,
        whole,
        shown(data) if data.given else "",
        of.at,
    )


def _first(said: tuple[Value, ...], *names: str) -> Value:
    found = (value for settings in said for name in names if (value := settings.get(name)).given)
    return next(found, Value())


def _type(said: tuple[Value, ...]) -> Fact[str]:
    """The first override of a group with mixed ones, where there is only one."""
    mixed = block(said[0], "mixed_instances_policy", "launch_template")
    kinds = [item.get("instance_type").text() for item in blocks(mixed.get("override"))]
    if len(kinds) > 1:
        return Fact(None, kinds[0].origin, "it is one of several types")
    return kinds[0] if kinds else _first(said, "instance_type").text()


def _security(said: tuple[Value, ...], links: Links) -> tuple[tuple[str, ...], bool]:
    keys: dict[str, None] = {}
    whole, given = True, False
    for value in _group_lists(said):
        if value.given:
            found, all_found = links.keys_of(value, *SECURITY)
            keys |= dict.fromkeys(found)
            whole, given = whole and all_found, True
    return tuple(keys), whole and given


def _group_lists(said: tuple[Value, ...]) -> list[Value]:
    interfaces = [i for settings in said for i in blocks(settings.get("network_interfaces"))]
    lists = [settings.get(name) for settings in said for name in _LISTS]
    return [*lists, *(interface.get("security_groups") for interface in interfaces)]


def _by_capacity(group: Resource, links: Links) -> str:
    """The cluster whose capacity provider the group is."""
    providers = [p for p in links.of(CAPACITY) if group in links.found(_backing(p), GROUP)]
    clusters = {
        _cluster(of, links)
        for of in links.of("aws_ecs_cluster_capacity_providers", CLUSTER)
        if any(provider in _provided(of, links) for provider in providers)
    }
    return clusters.pop() if len(clusters) == 1 else ""


def _cluster(of: Resource, links: Links) -> str:
    if of.kind == CLUSTER:
        return links.key(of.address)
    return cluster_key(of.settings.get("cluster_name"), links)


def _provided(of: Resource, links: Links) -> list[Resource]:
    named = of.settings.get("capacity_providers")
    return [p for item in (named, *named.items()) for p in links.found(item, CAPACITY)]


def _backing(provider: Resource) -> Value:
    return block(provider.settings, "auto_scaling_group_provider").get("auto_scaling_group_arn")
