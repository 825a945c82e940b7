"""The settings of DNS: each provider with its own, and what is wrong by its line."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from fairlead.core.dns_settings import Cloudflare, Dns, HostsFile, Route53, Updates, ZoneFile
from fairlead.core.errors import SettingsError
from fairlead.settings import parse

PAGE = Path(__file__).parents[2] / "docs" / "dns.md"
SERVICE = "services: {a: {run: [a], dns: false, routes: [a.example.com]}}\n"
OWN = "address: 10.0.1.1"


def dns(text: str, head: str = "") -> Dns:
    return parse(f"{head}dns: {{{text}}}\n{SERVICE}", "x", Path("/srv")).dns


def test_without_it_nothing_is_kept() -> None:
    cluster = parse(SERVICE)
    assert cluster.dns == Dns()
    assert not cluster.services[0].named


def test_a_service_has_a_section_of_its_own() -> None:
    own = f"dns: {{{OWN}, provider: zone, zone: {{file: db, origin: example.org}}}}"
    text = f"services: {{a: {{run: [a], {own}, routes: [a.example.org]}}}}"
    service = parse(text, "x", Path("/srv")).services[0]
    assert service.named
    assert (service.dns.provider, service.dns.address) == ("zone", "10.0.1.1")
    assert service.dns.zone == ZoneFile("/srv/db", "example.org")


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ("{}", "services.a.dns: address is missing"),
        ("{adress: 10.0.1.1}", 'did you mean "address"?'),
        ("1", "expected true or false or a mapping"),
        (f"{{{OWN}, ttl: 5s}}", "both keep a.example.com; name it in one of them"),
    ],
)
def test_what_is_wrong_with_it_is_told(own: str, told: str) -> None:
    a = f"a: {{run: [a], dns: {own}, routes: [a.example.com]}}"
    b = "b: {run: [b], routes: [a.example.com/b]}"
    with pytest.raises(SettingsError, match=re.escape(told)):
        parse(f"dns: {{{OWN}}}\nservices: {{{a}, {b}}}")


def test_the_embedded_default_is_a_hosts_file_beside_the_settings() -> None:
    assert dns(OWN) == Dns("hosts", address="10.0.1.1", hosts=HostsFile("/srv/fairlead.hosts"))


def test_all_of_it() -> None:
    names = "names: [Shop.example.com, b.example.com]"
    text = "ttl: 5s, addresses: public, most: 0.2, adopt: true"
    assert dns(f"{names}, {text}, {OWN}") == replace(
        dns(OWN),
        names=("shop.example.com", "b.example.com"),
        ttl=5.0,
        addresses="public",
        most=0.2,
        adopt=True,
    )


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("zone: {file: db, origin: example.com, reload: [rndc, reload]}",
         ZoneFile("/srv/db", "example.com", ("rndc", "reload"))),
        ("rfc2136: {server: 10.0.0.2, key_file: key}", Updates("10.0.0.2", "/srv/key")),
        ("rfc2136: {server: '10.0.0.2:5353'}", Updates("10.0.0.2:5353")),
        ("route53: {zone: Z01ABC, policy: weighted, region: cn-north-1, profile: p}",
         Route53("Z01ABC", "weighted", "cn-north-1", "p")),
        (f"cloudflare: {{zone: {'0a' * 16}, token_file: /run/token, proxied: true}}",
         Cloudflare("0a" * 16, "/run/token", proxied=True)),
    ],
)  # fmt: skip
def test_each_provider_has_its_block(text: str, block: object) -> None:
    provider = text.partition(":")[0]
    assert getattr(dns(f"provider: {provider}, {OWN}, {text}"), provider) == block


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "address is missing: platform process"),
        (f"{OWN}, route53: {{policy: simple}}", "route53 is of use only with provider: route53"),
        (f"{OWN}, provider: zone", '"zone" is missing'),
        (f"{OWN}, provider: rfc2136", '"rfc2136" is missing'),
        (f"{OWN}, provider: zone, zone: {{file: db}}", '"origin" is missing'),
        (f"{OWN}, provider: bind", "expected hosts, zone, rfc2136, route53 or cloudflare"),
        (f"{OWN}, provider: cloudflare, ttl: 30s", "Cloudflare takes one minute or more"),
        (f"{OWN}, most: 50%", "expected a number from 0 to 1"),
        (f"{OWN}, names: ['*.example.com']", "wildcards are not kept in DNS"),
        (f"{OWN}, names: [localhost]", "expected a name such as"),
        (f"{OWN}, names: [example.com.]", "leave out the last dot"),
        (f"{OWN}, names: [a.example.com, a.example.com]", "already at"),
        (f"{OWN}, names: [{'a.' * 122}com]", "at most 243 characters"),
        ("address: db.example.com", "expected an IPv4 address"),
        (f"{OWN}, provider: rfc2136, rfc2136: {{server: ns.example.com}}", "not its name"),
    ],
)
def test_what_is_refused(text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=r"^x:1: ") as caught:
        dns(text)
    assert told in str(caught.value)


def test_an_own_address_is_of_no_use_where_the_platform_knows_its_nodes() -> None:
    with pytest.raises(SettingsError, match="of no use on platform ecs"):
        parse(f"platform: ecs\ndns: {{{OWN}}}\n")
    assert parse("platform: ecs\ndns: {}\n").dns.provider == "hosts"


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL))
def test_the_examples_of_the_page_load(text: str) -> None:
    assert parse(text, "docs/dns.md").dns.provider
