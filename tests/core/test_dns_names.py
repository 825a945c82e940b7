from __future__ import annotations

from fairlead.core.dns import DnsNode
from fairlead.core.dns_names import names_of, nodes_of
from fairlead.core.dns_settings import Dns
from fairlead.core.model import Node, Route, Service


def service(*hosts: str, dns: bool = True) -> Service:
    return Service("a", tuple(Route(host) for host in hosts), dns=dns)


def test_the_names_are_the_hosts_that_others_can_ask_for() -> None:
    long = ".".join(["a" * 61] * 4)
    services = [
        service("shop.example.com", "*.example.com", "*", "shop.localhost", "printer.local"),
        service("localhost", "shop", "10.0.0.1", long, "shop.example.com", "api.example.com"),
        service("inner.example.com", dns=False),
    ]
    assert names_of(Dns(), services) == ("shop.example.com", "api.example.com")
    assert names_of(Dns(names=("x.example.com",)), services) == ("x.example.com",)


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
