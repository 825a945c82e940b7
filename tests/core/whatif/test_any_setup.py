"""Whatever a set-up says or leaves out: a prediction that adds up, or a word on what is missing."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as some

from fairlead.core.costs.prices import Machine
from fairlead.core.ecs.placement import fixed_ports
from fairlead.core.errors import BadInput
from fairlead.core.setup import (
    Container,
    DnsRecord,
    Fact,
    NodeGroup,
    Port,
    ProxyTarget,
    ServiceSetup,
    Setup,
    Target,
    TaskDefinition,
)
from fairlead.core.whatif.build import model_of
from fairlead.core.whatif.given import Given
from fairlead.core.whatif.model import Model, Naming, balanced, dynamic
from fairlead.core.whatif.predict import Prediction, predict

MACHINES = {"t3.micro": Machine(2, 1024, "x86_64", 916)}
NAMES = ("catalog", "shop-catalog", "alerts")
HOSTS = ("catalog.example.com", "alerts.example.com", "_", "*.example.com")
SERVERS = (
    "localhost:8083",
    "10.0.1.1:8083",
    "10.0.1.1:32768",
    "catalog:8080",
    "alerts",
    "[::1]:80",
)


def facts(values: some.SearchStrategy) -> some.SearchStrategy:  # type: ignore[type-arg]
    """Known, not said, and not to be resolved."""
    return some.one_of(
        some.just(Fact()), some.just(Fact(None, (), "var.x has no value")), values.map(Fact)
    )


PORTS = some.builds(Port, facts(some.just(8080)), facts(some.sampled_from((0, 80, 8083))))
CONTAINERS = some.builds(
    Container, some.just("app"), ports=some.lists(PORTS, max_size=2).map(tuple),
    memory=facts(some.integers(4, 600)), cpu=facts(some.integers(0, 2500)),
)  # fmt: skip
TASKS = some.builds(
    TaskDefinition, some.sampled_from(NAMES), some.just("f"),
    facts(some.sampled_from(("bridge", "host", "awsvpc", "none"))), facts(some.booleans()),
    containers=some.lists(CONTAINERS, max_size=2).map(tuple), whole=some.booleans(),
)  # fmt: skip
SERVICES = some.builds(
    ServiceSetup, some.sampled_from(NAMES), some.sampled_from(("ecs", "compose")),
    some.sampled_from((*NAMES, "")), some.sampled_from(("", "c")), facts(some.integers(0, 4)),
    facts(some.sampled_from(("EC2", "FARGATE"))), some.booleans(),
    facts(some.sampled_from((0, 50, 100))), facts(some.sampled_from((100, 200))),
    targets=some.sampled_from(((), (Target("g"),))), distinct=some.booleans(),
    discovered=some.booleans(),
)  # fmt: skip
NODES = some.builds(
    NodeGroup, some.just("asg"), facts(some.sampled_from(("t3.micro", "x9.odd"))),
    facts(some.integers(0, 3)), cluster=some.sampled_from(("", "c")),
)  # fmt: skip
RECORDS = some.builds(
    DnsRecord, some.sampled_from(("*.example.com", "$S.example.com", HOSTS[0])), some.just("A"),
    addresses=some.sampled_from(((), ("10.0.1.1",), ("$IP",))),
    nodes=some.sampled_from(((), ("asg",))), alias=some.booleans(), whole=some.booleans(),
)  # fmt: skip
PROXIES = some.builds(
    ProxyTarget, some.lists(some.sampled_from(HOSTS), max_size=2).map(tuple),
    some.lists(some.sampled_from(SERVERS), max_size=3).map(tuple),
    some.sampled_from(("", "catalog_backend", "x")), resolved=some.booleans(),
    listen=some.sampled_from(((), (80,), (443,))),
)  # fmt: skip
SETUPS = some.builds(
    Setup,
    some.lists(TASKS, max_size=3).map(tuple),
    some.lists(SERVICES, max_size=3, unique_by=lambda each: each.name).map(tuple),
    some.lists(NODES, max_size=2).map(tuple),
    records=some.lists(RECORDS, max_size=2).map(tuple),
    proxies=some.lists(PROXIES, max_size=3).map(tuple),
)
KINDS = some.sampled_from(("", "t3.micro", "t3.micro"))
GIVEN = some.builds(
    Given, some.sampled_from((None, 0, 1, 2, 3, 3)), KINDS,
    some.sampled_from((0, 500)), addresses=some.sampled_from(((), ("10.0.1.1",))),
    naming=some.none() | some.sampled_from([n for n in Naming if n is not Naming.FIXED]),
    machines=some.just(MACHINES),
)  # fmt: skip


@settings(max_examples=300)
@given(SETUPS, some.sampled_from(NAMES), some.integers(0, 6), GIVEN)
def test_it_adds_up_or_says_what_is_missing(
    setup: Setup, name: str, count: int, given_: Given
) -> None:
    try:
        model = model_of(setup, {name: count}, given_)
    except BadInput:
        event("something is missing")
        return
    for made in (model, dynamic(model), balanced(model)):
        adds_up(predict(made))


def adds_up(found: Prediction) -> None:
    for outcome in found.outcomes:
        fits(found.model, Counter((t.service, t.node) for t in outcome.scene.tasks))
    for service in found.model.services:
        there = len(found.scene.of(service.name)) + found.scene.missing.get(service.name, 0)
        assert service.daemon or there == service.count
    flows = [*found.flows, *(f for each in found.losses for f in (*each.before, *each.after))]
    for flow in flows:
        whole = sum(flow.shares.values()) + flow.failing + flow.unknown
        assert whole == pytest.approx(1.0)
        assert flow.reasons or flow.failing == flow.unknown == 0


def fits(model: Model, tasks: Counter[tuple[str, str]]) -> None:
    """No node has more than it can hold, and no port twice."""
    for node in model.nodes:
        held = [model.service(s) for (s, n), k in tasks.items() for _ in range(k) if n == node.arn]
        assert sum(each.definition.memory for each in held) <= node.memory
        ports = [port for each in held for port in fixed_ports(each.definition)]
        assert len(ports) == len(set(ports))
