"""Closed forms of the four dimensions, and AWS's own examples of them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from fairlead.core.costs.lcu import lcus
from fairlead.core.costs.usage import Traffic

NOTHING = Traffic(requests=Decimal(0), connections=Decimal(0))


@pytest.mark.parametrize(
    ("traffic", "rules", "dimension", "units"),
    [
        (replace(NOTHING, connections=Decimal(25)), 0, "new connections", "1"),
        (
            replace(NOTHING, connections=Decimal(25), connection_seconds=Decimal(240)),
            0,
            "active connections",
            "2",
        ),
        (
            replace(
                NOTHING,
                requests=Decimal(1000),
                request_bytes=Decimal(0),
                response_bytes=Decimal(1000),
            ),
            0,
            "processed bytes",
            "3.6",
        ),
        (
            replace(
                NOTHING,
                requests=Decimal(1000),
                request_bytes=Decimal(0),
                response_bytes=Decimal(0),
            ),
            30,
            "rule evaluations",
            "20",
        ),
    ],
)
def test_each_dimension_alone(traffic: Traffic, rules: int, dimension: str, units: str) -> None:
    found = lcus(traffic, rules)
    assert found.dimension == dimension
    assert found.billed == Decimal(units)


def test_ten_rules_are_free() -> None:
    busy = replace(NOTHING, requests=Decimal(5000))
    assert lcus(busy, 10).rule_evaluations == 0
    assert lcus(busy, 11).rule_evaluations == 5


def test_without_traffic_nothing_is_used() -> None:
    assert lcus(NOTHING, 100).billed == 0


def test_connections_that_are_not_given_are_a_tenth_of_the_requests() -> None:
    assert lcus(Traffic(requests=Decimal(250)), 0).new_connections == 1
