"""DNS records: Route 53's and Cloudflare's."""

from __future__ import annotations

import ipaddress

from fairlead.core.setup import DnsRecord
from fairlead.inspect.hcl.texts import shown
from fairlead.inspect.lift.links import Links, blocks, flat
from fairlead.inspect.lift.nodes import GROUP, INSTANCE, SPOT
from fairlead.inspect.values import Resource, Value

_ROUTE53 = "aws_route53_record"
_CLOUDFLARE = ("cloudflare_record", "cloudflare_dns_record")
_BALANCERS = (
    "aws_lb",
    "aws_alb",
    "aws_elb",
    "aws_cloudfront_distribution",
    "aws_apigatewayv2_domain_name",
)
_ADDRESS = "aws_eip"
_ROUTING = {
    "weighted_routing_policy": "weighted",
    "failover_routing_policy": "failover",
    "latency_routing_policy": "latency",
    "geolocation_routing_policy": "geolocation",
    "geoproximity_routing_policy": "geolocation",
    "cidr_routing_policy": "geolocation",
}


def records(links: Links) -> tuple[DnsRecord, ...]:
    found = [(of, of.settings.get("records")) for of in links.of(_ROUTE53)]
    found += [(of, of.settings.get("content", "value")) for of in links.of(*_CLOUDFLARE)]
    return tuple(_record(of, answers, links) for of, answers in found)


def _record(of: Resource, answers: Value, links: Links) -> DnsRecord:
    settings = of.settings
    kind = (settings.get("type").text().value or "").upper()
    each = flat(answers) or blocks(answers)
    addresses = [text for item in each if (text := item.text().value) and _is_address(text)]
    nodes = [key for item in each for key in _nodes(item, links)]
    balanced = settings.get("alias").given or any(links.found(a, *_BALANCERS) for a in each)
    return DnsRecord(
        shown(settings.get("name")),
        kind,
        settings.get("ttl").number(),
        tuple(addresses),
        tuple(dict.fromkeys(nodes)),
        balanced,
        _routing(settings),
        at=of.at,
        whole=settings.get("alias").given or _whole(answers, links),
    )


def _whole(answers: Value, links: Links) -> bool:
    each = flat(answers)
    known = (i.text().value or _nodes(i, links) or links.found(i, *_BALANCERS) for i in each)
    return not answers.unknown and bool(each) and all(known)


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def _nodes(of: Value, links: Links) -> list[str]:
    """Instances, directly or by their elastic addresses."""
    found = links.found(of, INSTANCE, SPOT, GROUP)
    for address in links.found(of, _ADDRESS):
        found += links.found(address.settings.get("instance"), INSTANCE, SPOT)
        for joined in links.of("aws_eip_association"):
            if address in links.found(joined.settings.get("allocation_id", "public_ip"), _ADDRESS):
                found += links.found(joined.settings.get("instance_id"), INSTANCE, SPOT)
    return [links.key(node.address) for node in found]


def _routing(settings: Value) -> str:
    if settings.get("multivalue_answer_routing_policy").flag().value:
        return "multivalue"
    return next((word for name, word in _ROUTING.items() if settings.get(name).given), "simple")
