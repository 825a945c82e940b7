"""What the running scaler never does, with the policy that is shipped: whatever becomes of its
eyes, its clock and its own process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fairlead.core.model import Container, Service
from fairlead.core.scaling.decide import Decider
from fairlead.core.scaling.objective import BACK
from fairlead.core.scaling.policy import Metric, Pace, Scale, Source, Target
from fairlead.core.scaling.verdict import Reading
from fairlead.scaling.scaler import TICK
from tests.scaling.ground import CATALOG, Ground
from tests.stub_edges import StubOrchestrator, StubWorld

WINDOW = 60.0
"""Seconds of fresh metrics without which nothing is taken away."""
SCALE = Scale(1, 10, capacity=10.0, inward=Pace(stabilisation=WINDOW))
SERVICE = replace(CATALOG, scale=SCALE)
QUEUE = Target("queue", Metric(Source.HTTP, url="http://127.0.0.1:1"), 10.0)
BY_QUEUE = replace(CATALOG, scale=replace(SCALE, objective=None, targets=(QUEUE,)))
LONG = 100
"""Looks, more than it takes to scale in."""


async def at(folder: Path, rate: float, service: Service = SERVICE) -> Ground:
    """A service whose count has followed that rate (or queue, of ten times as many)."""
    ground = Ground(folder, service, begin=lambda _: Decider())
    await ground.ready()
    ground.board.readings["queue"] = 10 * rate
    await ground.tick(rate, times=20)
    return ground


async def held(ground: Ground, count: int) -> None:
    """For as long as a whole window without a gap has not been seen, though nobody asks."""
    clock = ground.world.clock
    first = clock.time + TICK
    while clock.time + TICK - first < WINDOW:
        await ground.tick(0)
        assert ground.count == count


async def test_the_load_is_followed_out_and_in(tmp_path: Path) -> None:
    ground = await at(tmp_path, 40)
    most = ground.count
    assert most >= 4
    await ground.tick(2, times=LONG)
    assert ground.count < most
    assert all("requests" in message for message in ground.told("autoscale"))


@pytest.mark.parametrize("service", [SERVICE, BY_QUEUE], ids=["objective", "target"])
async def test_lost_metrics_never_scale_in(tmp_path: Path, service: Service) -> None:
    ground = await at(tmp_path, 4 if service is BY_QUEUE else 40, service)
    before = ground.count
    assert before > 2
    ground.board.blind, ground.board.readings = "the network is away", {}
    await ground.tick(0, times=LONG)
    assert ground.count == before
    mind = ground.scaler.mind("catalog")
    assert mind is not None
    assert mind.gaps["requests"] == "the network is away"
    ground.board.blind, ground.board.readings = "", {"queue": 0.0}
    await held(ground, before)
    await ground.tick(0, times=LONG)
    assert ground.count < before


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e308, -1e308])
async def test_a_metric_that_is_no_number_changes_nothing_and_is_told(
    tmp_path: Path, value: float
) -> None:
    ground = await at(tmp_path, 4, BY_QUEUE)
    before = ground.count
    ground.board.readings["queue"] = value
    await ground.tick(0, times=LONG)
    mind = ground.scaler.mind("catalog")
    assert mind is not None
    assert ground.count == before
    assert "no number to scale by" in mind.gaps["queue"]
    assert "queue" in "".join(ground.told("scale-held"))


async def test_a_load_that_is_no_number_changes_nothing(tmp_path: Path) -> None:
    ground = await at(tmp_path, 40)
    before = ground.count
    for rate in (float("nan"), 1e308, float("inf")):
        await ground.tick(rate, times=30)
        assert ground.count == before
    assert ground.told("problem") == []


async def test_a_roll_never_raises_the_count(tmp_path: Path) -> None:
    ground = await at(tmp_path, 40)
    await ground.tick(times=LONG)
    before, changes = ground.count, len(ground.told("autoscale"))
    old = ground.world.running("catalog")
    ground.commands.restart("catalog")
    for _ in range(60):
        await ground.tick()
    assert not old & ground.world.running("catalog")
    assert (ground.count, len(ground.told("autoscale"))) == (before, changes)


async def test_a_restart_holds_the_count_until_a_whole_window_has_been_seen(
    tmp_path: Path,
) -> None:
    ground = await at(tmp_path, 40)
    before = ground.count
    await ground.restart(replace(SERVICE, replicas=1))
    assert ground.count == before
    await held(ground, before)
    await ground.tick(0, times=LONG)
    assert ground.count < before


async def test_a_controller_that_takes_over_holds_the_count_that_ecs_keeps(
    tmp_path: Path,
) -> None:
    """It knows nothing of the one before, and nothing of the load yet."""
    service = replace(SERVICE, run=(), replicas=1, container=Container(task_service="shop"))
    platform = StubOrchestrator(counts={"catalog": 6})
    ground = Ground(tmp_path, service, StubWorld(platform=platform), begin=lambda _: Decider())
    for _ in range(6):
        await platform.place(service)
    await ground.ready()
    await held(ground, 6)
    assert platform.counts["catalog"] == 6
    await ground.tick(0, times=LONG)
    assert platform.counts["catalog"] < 6
    assert "count-foreign" not in ground.world.journal.kinds()


@pytest.mark.parametrize("seconds", [-7200.0, -60.0, 60.0, 7200.0, 3e9])
async def test_a_clock_that_is_set_changes_no_count_and_is_told(
    tmp_path: Path, seconds: float
) -> None:
    ground = await at(tmp_path, 40)
    before, wall = ground.count, ground.world.clock.wall
    ground.world.clock.wall = lambda: wall() + seconds  # type: ignore[method-assign]
    ground.board.now = ground.world.clock.wall
    await held(ground, before)
    assert len(ground.told("clock")) == 1
    await ground.tick(0, times=LONG)
    assert ground.count < before
    assert ground.told("problem") == []


async def test_what_finds_no_place_is_never_asked_for(tmp_path: Path) -> None:
    ground = await at(tmp_path, 20)
    before = ground.count
    ground.room.most_of = before + 1
    await ground.tick(95, times=10)
    assert ground.count == before + 1
    assert all("memory on i-1" in message for message in ground.told("unplaceable"))
    assert ground.told("unplaceable")
    ground.room.most_of = 1  # a node has gone: what runs is not taken away for it
    await ground.tick(95, times=10)
    assert ground.count == before + 1


async def test_a_stale_reading_is_none(tmp_path: Path) -> None:
    ground = await at(tmp_path, 4, BY_QUEUE)
    before = ground.count
    old = ground.world.clock.wall()
    ground.board.stamped = Reading(0.0, old)
    ground.world.clock.time += 1000
    await ground.tick(0, times=30)
    assert ground.count == before


UNKNOWN = replace(CATALOG, replicas=5, scale=replace(SCALE, capacity=0.0))
"""What an endpoint can take is to be learned, and never was: none has been at its end."""


async def test_what_nobody_uses_goes_though_nothing_was_learned_of_an_endpoint(
    tmp_path: Path,
) -> None:
    ground = Ground(tmp_path, UNKNOWN, begin=lambda _: Decider())
    await ground.ready()
    begun = ground.world.clock.time + TICK
    while ground.world.clock.time + TICK - begun < BACK:
        await ground.tick(1)
        assert ground.count == 5
    await ground.tick(1, times=LONG)
    assert ground.count == 1


async def test_what_has_requests_in_flight_stays_while_nothing_is_known_of_it(
    tmp_path: Path,
) -> None:
    ground = Ground(tmp_path, UNKNOWN, begin=lambda _: Decider())
    await ground.ready()
    ground.board.in_flight = 2.0
    await ground.tick(20, times=3 * LONG)
    assert ground.count == 4
