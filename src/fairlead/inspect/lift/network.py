"""Security groups with their rules, and target groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fairlead.core.setup import Fact, Ingress, SecurityGroup, TargetGroup
from fairlead.inspect.hcl.results import refers_of
from fairlead.inspect.lift.links import Links, block, blocks, flat
from fairlead.inspect.lift.services import GROUPS, SECURITY
from fairlead.inspect.values import Resource, Value

_RULE = "aws_security_group_rule"
_INGRESS = "aws_vpc_security_group_ingress_rule"
_ALL = ("-1", "all")


def security_groups(links: Links) -> tuple[SecurityGroup, ...]:
    return tuple(_group(resource, links) for resource in links.of(*SECURITY))


def _group(of: Resource, links: Links) -> SecurityGroup:
    rules = [*blocks(of.settings.get("ingress")), *_apart(of, links)]
    found = [_ingress(rule, links) for rule in rules if not rule.unknown]
    ingress = tuple(one for each in found for one in each)
    whole = not any(rule.unknown or rule.get("count").unknown for rule in rules)
    whole = whole and all(one.source for one in ingress) and not _elsewhere(of, links)
    return SecurityGroup(links.key(of.address), ingress, whole, of.at)


def _apart(group: Resource, links: Links) -> Iterator[Value]:
    """Rules that are resources of their own."""
    for rule in links.of(_RULE, _INGRESS):
        if group in links.found(rule.settings.get("security_group_id"), *SECURITY):
            kind = rule.settings.get("type")
            if rule.kind == _INGRESS or kind.unknown or kind.text().value == "ingress":
                yield replace(rule.settings, origin=(rule.at,))


def _elsewhere(group: Resource, links: Links) -> bool:
    """A module that is not read is given the group, and may add rules to it."""
    given = (refers_of([call.settings]) for call in links.of("module"))
    return any(group in links.referred(refers, *SECURITY) for refers in given)


def _ingress(of: Value, links: Links) -> list[Ingress]:
    """One for each source."""
    protocol = (of.get("protocol", "ip_protocol").text().value or "-1").lower()
    first, last = of.get("from_port").number(), of.get("to_port").number()
    if protocol in _ALL:
        protocol, first, last = "-1", Fact(0, of.origin), Fact(65535, of.origin)
    return [Ingress(first, last, protocol, source, of.at) for source in _sources(of, links)]


def _sources(of: Value, links: Links) -> list[str]:
    """An empty one stands for what is not known."""
    sources = ["self"] if of.get("self").flag().value else []
    for name in ("cidr_blocks", "ipv6_cidr_blocks", "cidr_ipv4", "cidr_ipv6", "prefix_list_ids"):
        sources += [item.text().value or "" for item in blocks(of.get(name))]
    for name in ("security_groups", "source_security_group_id", "referenced_security_group_id"):
        for item in flat(of.get(name)) or blocks(of.get(name)):
            sources.append(links.key_of(item, *SECURITY) or item.text().value or "")
    return sources or [""]


def target_groups(links: Links) -> tuple[TargetGroup, ...]:
    return tuple(_target_group(resource, links) for resource in links.of(*GROUPS))


def _target_group(of: Resource, links: Links) -> TargetGroup:
    settings = of.settings
    return TargetGroup(
        links.key(of.address),
        settings.get("target_type").text(),
        settings.get("port").number(),
        block(settings, "health_check").get("path").text(),
        settings.get("deregistration_delay").number(),
        of.at,
    )
