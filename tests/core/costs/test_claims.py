"""The two figures of the question, held against the prices."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from fairlead.core.costs.claims import alb_claim, claims, copies_claim, each_claim, node_claim
from fairlead.core.costs.usage import Extras, Tasks, Traffic, Usage
from fairlead.prices.read import builtin

US = builtin().region("us-east-1")
QUIET = Usage(
    traffic=Traffic(requests=Decimal(0), dns_queries=Decimal(0)),
    extras=Extras(images_gb=Decimal(0), dashboards=0),
)


def test_three_to_five_dollars_are_no_t3_micro_on_demand() -> None:
    lines = node_claim(QUIET, US)
    assert [(line.usd, line.within) for line in lines] == [
        (Decimal("14.142"), False),
        (Decimal("0.50"), False),
        (Decimal("7.592"), False),
        (Decimal("6.55"), False),
        (Decimal("3.796") + Decimal("0.64"), True),
    ]


def test_eighteen_dollars_are_hours_and_a_little_traffic_without_addresses() -> None:
    lines = alb_claim(QUIET, US)
    assert [(line.usd, line.within) for line in lines] == [
        (Decimal("16.425"), False),
        (Decimal(18), True),
        (Decimal("23.725"), False),
        (Decimal("23.725"), False),
    ]
    assert "0.27 LCU" in lines[1].text


def test_where_hours_cost_more_than_eighteen_nothing_is_left_for_traffic() -> None:
    brazil = alb_claim(QUIET, builtin().region("sa-east-1"))
    assert brazil[1].usd == brazil[0].usd == 730 * Decimal("0.034")


def test_five_balancers_are_more_than_ninety_dollars() -> None:
    """5 x (16.425 + 2 x 3.65); one for all is a fifth of it."""
    each, shared = each_claim(QUIET, US)
    assert (each.usd, each.within) == (Decimal("118.625"), False)
    assert (shared.usd, shared.within) == (Decimal("23.725"), False)


def test_more_copies_with_nginx_take_a_second_node() -> None:
    """A t3.micro, its address and its disk: 7.592 + 3.65 + 2.40; and the lease, 13,000 writes of
    0.625 a million on 365/12 days."""
    now, then, nodes = copies_claim(QUIET, US)
    assert now.usd == Decimal("14.142")
    assert nodes.usd == Decimal("13.642")
    assert then.usd - now.usd == nodes.usd + Decimal("0.247135417")
    assert not then.within


def test_copies_that_fit_on_the_nodes_there_are_cost_no_more() -> None:
    small = replace(QUIET, tasks=Tasks(memory=16), nodes=2)
    assert copies_claim(small, US)[1].within


def test_all_are_held_against_the_number_of_services() -> None:
    assert list(claims(replace(QUIET, tasks=Tasks(services=3)), US)) == [
        "$3-5 a month",
        "the same for several copies with nginx",
        "$18 a month for an ALB",
        "$54 a month for 3 of them",
    ]
    assert len(claims(replace(QUIET, tasks=Tasks(services=1)), US)) == 3
