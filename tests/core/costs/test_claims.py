"""The two figures of the question, held against the prices."""

from __future__ import annotations

from decimal import Decimal

from fairlead.core.costs.claims import alb_claim, node_claim
from fairlead.core.costs.usage import Extras, Traffic, Usage
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
