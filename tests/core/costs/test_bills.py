"""Bills worked out by hand, from prices that stand in the tests, and what must hold for all."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.costs.billing import bill, bills
from fairlead.core.costs.prices import FREE_TIERS, MISSING, TWELVE_MONTHS, Price
from fairlead.core.costs.strategies import NAMES, SINGLE, strategy
from fairlead.core.costs.usage import Extras, Tasks, Traffic, Usage
from fairlead.core.errors import BadInput
from fairlead.prices.read import builtin

BOOK = builtin()
US = BOOK.region("us-east-1")
QUIET = Traffic(requests=Decimal(0), dns_queries=Decimal(0))
BARE = Extras(images_gb=Decimal(0), dashboards=0)


def total(name: str, usage: Usage, tier: str = "none") -> Decimal:
    return bill(strategy(name), usage, US, tier).total


def test_the_five_services_of_the_analysis_on_one_t3_micro() -> None:
    """730 h x 0.0104 + 730 x 0.005 + 30 x 0.08 + a zone at 0.50."""
    usage = Usage(traffic=QUIET, extras=BARE)
    found = bill(SINGLE, usage, US)
    assert found.nodes == 1
    assert found.groups == {
        "instances": Decimal("7.592"),
        "addresses": Decimal("3.65"),
        "storage": Decimal("2.40"),
        "DNS": Decimal("0.50"),
    }
    assert found.total == Decimal("14.142")


def test_a_balancer_for_each_of_the_five() -> None:
    """Two nodes; 5 x 730 h x 0.0225; ten addresses of balancers beside the nodes' two."""
    found = bill(strategy("alb"), Usage(traffic=QUIET, extras=BARE), US)
    assert found.nodes == 2
    assert found.groups["balancers"] == Decimal("82.125")
    assert found.groups["addresses"] == 12 * Decimal("3.65")
    assert found.groups["instances"] == Decimal("15.184")


def test_capacity_units_are_charged_by_the_largest_dimension() -> None:
    """100 requests/s of 11,000 bytes are 3.96 GB an hour: 3.96 LCU x 730 h x 0.008 beside hours."""
    busy = replace(QUIET, requests=Decimal(100), connections=Decimal(1))
    found = bill(strategy("alb-shared"), Usage(traffic=busy, extras=BARE), US)
    assert found.groups["balancers"] == Decimal("16.425") + Decimal("3.96") * 730 * Decimal("0.008")


def test_one_balancer_for_all_is_cheaper_than_one_for_each() -> None:
    usage = Usage()
    assert total("alb", usage) - total("alb-shared", usage) == 4 * (
        Decimal("16.425") + 2 * Decimal("3.65")
    )


def test_fargate_rounds_up_to_its_smallest_size() -> None:
    """Ten tasks of 0.25 vCPU and 0.5 GB, an address each, beside a shared balancer with two."""
    found = bill(strategy("fargate"), Usage(traffic=QUIET, extras=BARE), US)
    vcpu, memory = Decimal("0.04048") / 4, Decimal("0.004445") / 2
    assert found.groups["instances"] == 10 * 730 * (vcpu + memory)
    assert found.groups["addresses"] == 12 * Decimal("3.65")


def test_an_arm_node_is_compared_with_fargate_on_arm() -> None:
    found = bill(strategy("fargate"), Usage(type="t4g.micro"), US)
    assert {i.key for i in found.items if i.group == "instances"} == {
        "fargate.arm_vcpu_hour",
        "fargate.arm_gb_hour",
    }


def test_service_connect_needs_a_node_more_for_its_proxies() -> None:
    """10 tasks of 128 + 64 MiB, 4 of them in the 916 - 16 of a t3.micro."""
    assert bill(strategy("service-connect"), Usage(), US).nodes == 3
    assert bill(strategy("dynamic"), Usage(), US).nodes == 2


def test_data_out_has_a_hundred_gigabytes_free() -> None:
    loaded = Usage(traffic=replace(QUIET, out_gb=Decimal(150)), extras=BARE)
    assert bill(SINGLE, loaded, US).groups["data"] == 50 * Decimal("0.09")


def test_data_that_crosses_zones_is_charged_out_and_in() -> None:
    """1 request/s of 11,000 bytes is 28.908 GB a month; half of it crosses, charged twice."""
    usage = Usage(nodes=2, traffic=replace(QUIET, requests=Decimal(1)), extras=BARE)
    found = bill(strategy("dynamic"), usage, US)
    crossing = next(item for item in found.items if item.key == "data.between_zones_gb")
    assert crossing.cost == Decimal("28.908") * Decimal("0.01")
    assert not [i for i in bill(strategy("fixed"), usage, US).items if i.key == crossing.key]


def test_the_first_twelve_months_pay_for_one_node() -> None:
    """750 h of t3.micro and of an address and 30 GB: of a single node the zone alone is left."""
    usage = Usage(traffic=QUIET, extras=BARE)
    assert total("single", usage, TWELVE_MONTHS) == Decimal("0.50")
    pair = bill(strategy("fixed"), usage, US, TWELVE_MONTHS)
    assert pair.groups["instances"] == (2 * 730 - 750) * Decimal("0.0104")


def test_what_is_free_is_taken_once_over_all_items() -> None:
    """The balancer's addresses share the 750 hours with those of the nodes."""
    found = bill(strategy("alb"), Usage(traffic=QUIET), US, TWELVE_MONTHS)
    assert sum(item.free for item in found.items if item.key == "ipv4.hour") == 750


def test_target_tracking_makes_two_alarms_a_service_of_which_ten_are_free() -> None:
    usage = Usage(tasks=Tasks(services=6), traffic=QUIET, extras=BARE)
    assert bill(strategy("alb-shared"), usage, US).groups["monitoring"] == 2 * Decimal("0.10")
    assert "monitoring" not in bill(SINGLE, usage, US).groups


def test_with_nat_nodes_behind_a_balancer_have_no_address() -> None:
    extras = replace(BARE, nat=2, nat_gb=Decimal(10))
    found = bill(strategy("alb-shared"), Usage(traffic=QUIET, extras=extras), US)
    assert found.groups["NAT"] == 2 * 730 * Decimal("0.045") + 10 * Decimal("0.045")
    assert found.groups["addresses"] == 2 * Decimal("3.65")
    own = bill(SINGLE, Usage(traffic=QUIET, extras=extras), US)
    assert "NAT" not in own.groups
    assert own.groups["addresses"] == Decimal("3.65")


def test_a_missing_price_is_named_and_left_out() -> None:
    ireland = BOOK.region("eu-west-1")
    found = bill(strategy("dynamic"), Usage(), ireland)
    assert [item.key for item in found.unpriced] == ["dynamodb.write_million"]
    assert found.unpriced[0].cost == 0


def test_recalled_and_derived_prices_are_told() -> None:
    brazil = BOOK.region("sa-east-1")
    keys = {item.key for item in bill(strategy("fargate"), Usage(), brazil).unsure}
    assert {"fargate.x86_vcpu_hour", "route53.alias_query_million"} <= keys
    nano = bill(SINGLE, Usage(type="t3.nano"), brazil)
    assert "ec2.t3.nano.hour" in {item.key for item in nano.unsure}


def test_nodes_too_few_for_the_memory_are_a_problem() -> None:
    found = bill(strategy("dynamic"), Usage(nodes=1), US)
    assert found.problems == ("10 tasks of 136 MiB need 2 nodes of t3.micro (5 fit on one), not 1",)
    assert bill(strategy("dynamic"), Usage(nodes=2), US).problems == ()


def test_a_task_larger_than_a_node_is_a_problem() -> None:
    found = bill(SINGLE, Usage(tasks=Tasks(memory=2048)), US)
    assert found.problems[0].startswith("a task of 2048 MiB fits on no t3.micro: it has 916 MiB")


def test_a_task_larger_than_any_of_fargate_is_a_problem() -> None:
    found = bill(strategy("fargate"), Usage(tasks=Tasks(memory=40_000)), US)
    assert found.problems == ("a task of this size does not exist on Fargate",)
    assert not [item for item in found.items if item.key.startswith("fargate")]


def test_an_unknown_type_or_region_names_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"did you mean 't3\.micro'"):
        bill(SINGLE, Usage(type="t3.mikro"), US)
    with pytest.raises(BadInput, match="did you mean 'eu-west-1'"):
        BOOK.region("eu-wst-1")
    with pytest.raises(BadInput, match="no strategy 'abl'"):
        strategy("abl")


whole = st.integers(0, 10**6).map(Decimal)
traffics = st.builds(
    Traffic,
    requests=whole,
    request_bytes=whole,
    response_bytes=whole,
    connections=st.none() | whole,
    connection_seconds=whole,
    out_gb=st.none() | whole,
    dns_queries=whole,
)
extras = st.builds(
    Extras,
    disk_gb=whole,
    images_gb=whole,
    logs_gb=whole,
    metrics=st.integers(0, 100),
    alarms=st.integers(0, 100),
    dashboards=st.integers(0, 10),
    nat=st.integers(0, 3),
    nat_gb=whole,
)
usages = st.builds(
    Usage,
    type=st.sampled_from(sorted(US.machines)),
    nodes=st.none() | st.integers(1, 50),
    tasks=st.builds(
        Tasks,
        services=st.integers(1, 100),
        copies=st.integers(1, 20),
        cpu=st.integers(1, 5000),
        memory=st.integers(4, 40_000),
    ),
    traffic=traffics,
    extras=extras,
)
regions = st.sampled_from(sorted(BOOK.regions)).map(BOOK.region)
tiers = st.sampled_from(FREE_TIERS)


@given(usages, regions, tiers)
def test_items_add_up_to_the_total_and_are_never_negative(
    usage: Usage, prices: Any, tier: str
) -> None:
    found = bills(usage, prices, tier)
    assert tuple(each.strategy for each in found) == NAMES
    for each in found:
        assert sum(item.cost for item in each.items) == each.total == sum(each.groups.values())
        assert all(item.cost >= 0 and item.free >= 0 for item in each.items)


@given(usages, regions, tiers, st.sampled_from(NAMES), whole)
def test_more_traffic_never_costs_less(
    usage: Usage, prices: Any, tier: str, name: str, more: Decimal
) -> None:
    before = bill(strategy(name), usage, prices, tier).total
    traffic = usage.traffic
    for grown in (
        replace(traffic, requests=traffic.requests + more),
        replace(traffic, response_bytes=traffic.response_bytes + more),
        replace(traffic, connection_seconds=traffic.connection_seconds + more),
        replace(traffic, dns_queries=traffic.dns_queries + more),
    ):
        assert bill(strategy(name), replace(usage, traffic=grown), prices, tier).total >= before


@given(usages, regions, st.sampled_from(NAMES))
def test_a_free_tier_never_costs_more(usage: Usage, prices: Any, name: str) -> None:
    full = bill(strategy(name), usage, prices).total
    assert bill(strategy(name), usage, prices, TWELVE_MONTHS).total <= full


@given(usages)
def test_a_price_that_is_missing_is_never_charged(usage: Usage) -> None:
    bare = replace(US, of={key: Price(how=MISSING) for key in US.of})
    for each in bills(usage, bare):
        assert each.total == 0
        assert {i.key for i in each.unpriced} == {i.key for i in each.items if i.billed}
