"""What holds for every meter."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fairlead.core.errors import MeterError
from fairlead.meters.values import MOST
from tests.meters.worlds import FOREIGN, OWN, World


@pytest.fixture(params=OWN | FOREIGN)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with (OWN | FOREIGN)[request.param]() as made:
        yield made


@pytest.fixture(params=FOREIGN)
async def foreign(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with FOREIGN[request.param]() as made:
        yield made


async def why(world: World) -> str:
    with pytest.raises(MeterError) as caught:
        await world.read()
    told = str(caught.value)
    assert told
    assert told.isprintable()
    assert len(told) < 400
    return told


async def test_a_value_has_the_time_at_which_it_was_true(world: World) -> None:
    for value in (3, 0, 12):
        await world.publish(value)
        reading = await world.read()
        assert reading.value == pytest.approx(value)
        assert 0 <= world.now() - reading.at <= world.late


async def test_a_period_is_no_less_than_nothing(world: World) -> None:
    assert 0 <= world.meter.period(world.metric) < 3600


async def test_a_source_that_is_away_has_no_value_and_comes_back(world: World) -> None:
    await world.publish(5)
    world.away(True)
    await why(world)
    await why(world)
    world.away(False)
    await world.publish(7)
    assert (await world.read()).value == pytest.approx(7)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, -1, 1e308, 10 * MOST, "many", None, True]
)
async def test_what_is_no_value_is_told(foreign: World, value: Any) -> None:
    await foreign.publish(4)
    await foreign.read()
    await foreign.publish(value)
    await why(foreign)
    await foreign.publish(6)
    assert (await foreign.read()).value == pytest.approx(6)
