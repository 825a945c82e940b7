from __future__ import annotations

import pytest

from fairlead.core.dns import DnsNode
from fairlead.core.dns_names import kept_twice, names_of, nodes_of, places_of
from fairlead.core.dns_settings import Dns
from fairlead.core.model import Cluster, Node, Route, Service

ZONE = Dns("zone", ttl=5.0)


def service(*hosts: str, named: bool = True, dns: Dns | None = None) -> Service:
    return Service("a", tuple(Route(host) for host in hosts), named=named, dns=dns or Dns())


def of(*services: Service, dns: Dns | None = None) -> Cluster:
    return Cluster(dns=dns or Dns("hosts"), services=services)


def test_the_names_are_the_hosts_that_others_can_ask_for() -> None:
    long = ".".join(["a" * 61] * 4)
    cluster = of(
        service("shop.example.com", "*.example.com", "*", "shop.localhost", "printer.local"),
        service("localhost", "shop", "10.0.0.1", long, "shop.example.com", "api.example.com"),
        service("inner.example.com", named=False),
    )
    assert names_of(cluster.dns, cluster) == ("shop.example.com", "api.example.com")
    assert names_of(Dns(names=("x.example.com",)), cluster) == ("x.example.com",)


def test_a_service_may_have_its_names_kept_elsewhere() -> None:
    cluster = of(
        service("shop.example.com"),
        service("api.example.org", dns=ZONE),
        service("inner.example.com", named=False, dns=Dns("zone")),
        service("img.example.org", dns=ZONE),
    )
    assert places_of(cluster) == (cluster.dns, ZONE)
    assert names_of(cluster.dns, cluster) == ("shop.example.com",)
    assert names_of(ZONE, cluster) == ("api.example.org", "img.example.org")
    assert kept_twice(cluster) == ""


def test_where_the_cluster_keeps_none_a_service_still_may() -> None:
    cluster = of(service("shop.example.com"), service("api.example.org", dns=ZONE), dns=Dns(ttl=9))
    assert places_of(cluster) == (ZONE,)


@pytest.mark.parametrize(("provider", "told"), [("hosts", "shop.example.com"), ("zone", "")])
def test_two_places_of_one_provider_must_not_keep_the_same_name(provider: str, told: str) -> None:
    both = service("shop.example.com"), service("shop.example.com", dns=Dns(provider, ttl=5.0))
    assert kept_twice(of(*both)) == told


def test_nodes_are_named_by_the_addresses_that_are_chosen_and_by_their_state() -> None:
    nodes = [
        Node("a", "10.0.1.1", "ready", "192.0.2.1"),
        Node("b", "10.0.1.2", "draining"),
        Node("c", "10.0.1.3", "away"),
    ]
    assert nodes_of(Dns(), nodes) == [
        DnsNode("a", "10.0.1.1"),
        DnsNode("b", "10.0.1.2", leaving=True),
        DnsNode("c", "10.0.1.3", serving=False),
    ]
    public = nodes_of(Dns(addresses="public"), nodes)
    assert [node.address for node in public] == ["192.0.2.1", "", ""]
