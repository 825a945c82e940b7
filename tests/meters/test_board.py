from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from fairlead.core.errors import FairleadError, MeterError, Missing
from fairlead.core.scaling.policy import Metric, Scale, Source, Target
from fairlead.core.scaling.verdict import Reading
from fairlead.meters import board as board_module
from fairlead.meters.board import MeterBoard
from fairlead.meters.proxy import ProxyMeter
from fairlead.ports import Meter
from tests.ground import until
from tests.meters.test_proxy import SHOP, Nodes

DEPTH = Target("depth", Metric(Source.SQS, url="https://sqs/q"), 10.0)
QUEUE = Target("queue", Metric(Source.HTTP, url="http://q"), 10.0)
RATE = Target("rate", Metric(Source.REQUESTS), 10.0)


@dataclass
class Script:
    """A meter that does what a test says. `hold` keeps reads waiting until it is set."""

    now: Callable[[], float]
    value: float = 3.0
    late: float = 0.0
    error: Exception | None = None
    every: float = 0.0
    reads: int = 0
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    def period(self, metric: Metric) -> float:
        return self.every

    async def read(self, service: str, metric: Metric) -> Reading:
        self.reads += 1
        await self.hold.wait()
        if self.error:
            raise self.error
        return Reading(self.value, self.now() - self.late)


class World:
    def __init__(self) -> None:
        self.nodes = Nodes()
        self.clock = self.nodes.clock
        self.meters: dict[Source, Script] = {}
        self.refused: FairleadError | None = None
        self.closed = False
        proxy = ProxyMeter(self.nodes, self.clock)
        self.board = MeterBoard(proxy, self.opened, self.clock, self.close)

    def close(self) -> None:
        self.closed = True

    def opened(self, metric: Metric) -> Meter:
        if self.refused:
            raise self.refused
        return self.meter(metric.source)

    def meter(self, source: Source) -> Script:
        if source not in self.meters:
            self.meters[source] = made = Script(self.clock.wall)
            made.hold.set()
        return self.meters[source]

    async def tick(self, *targets: Target, seconds: float = 5.0) -> board_module.Look:
        self.clock.time += seconds
        self.nodes.tell()
        return await self.board.look(SHOP, Scale(targets=targets))


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(board_module, "WAIT", 0.05)
    made = World()
    yield made
    await made.board.close()
    assert made.closed


async def test_a_look_holds_load_readings_and_what_is_missing(world: World) -> None:
    first = await world.tick(RATE, DEPTH)
    assert first.load is None
    assert "read once" in first.blind
    assert "read once" in first.missing["rate"]
    assert first.readings == {"depth": Reading(3.0, world.clock.wall())}
    world.nodes.serve(100)
    second = await world.tick(RATE, DEPTH)
    assert second.load is not None
    assert second.load.arrivals == pytest.approx(100)
    assert second.readings["rate"].value == pytest.approx(20)
    assert (second.missing, second.blind) == ({}, "")


async def test_without_targets_there_is_the_load(world: World) -> None:
    await world.tick()
    look = await world.tick()
    assert look.load is not None
    assert (look.readings, look.missing) == ({}, {})


async def test_a_slow_meter_holds_up_no_other_and_is_read_once(world: World) -> None:
    slow = world.meter(Source.SQS)
    slow.hold.clear()
    for _ in range(3):
        look = await world.tick(QUEUE, DEPTH)
        assert look.readings.keys() == {"queue"}
        assert look.missing == {"depth": "it has not been read yet"}
    assert slow.reads == 1
    slow.hold.set()
    await until(lambda: world.board.known(SHOP)["depth"].reading)
    assert (await world.tick(QUEUE, DEPTH)).readings.keys() == {"queue", "depth"}


async def test_a_meter_that_hangs_is_waited_for_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.meter(Source.SQS).hold.clear()
    await world.tick(DEPTH)
    monkeypatch.setattr(board_module, "WAIT", 60.0)
    async with asyncio.timeout(30.0):
        await world.tick(DEPTH)


async def test_a_meter_that_never_answers_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_module, "LIMIT", 0.01)
    world.meter(Source.SQS).hold.clear()
    look = await world.tick(DEPTH)
    assert look.missing == {"depth": "no answer within 0.01 s"}
    await world.tick(DEPTH)
    assert world.meter(Source.SQS).reads == 2


async def test_a_failed_read_leaves_the_last_value_until_it_is_stale(world: World) -> None:
    await world.tick(DEPTH)
    world.meter(Source.SQS).error = MeterError("the queue is gone")
    look = await world.tick(DEPTH, seconds=55.0)
    assert look.readings["depth"].at == world.clock.wall() - 55.0
    look = await world.tick(DEPTH, seconds=10.0)
    why = "the last value is 65 s old, 60 s are allowed: the queue is gone"
    assert (look.readings, look.missing) == ({}, {"depth": why})
    known = world.board.known(SHOP)["depth"]
    assert (known.age, known.problem) == (pytest.approx(65.0), why)


async def test_a_value_that_is_stale_when_it_comes_is_missing(world: World) -> None:
    world.meter(Source.SQS).late = 61.0
    assert "61 s old" in (await world.tick(DEPTH)).missing["depth"]


async def test_a_value_of_the_future_is_missing(world: World) -> None:
    world.meter(Source.SQS).late = -3.0
    assert (await world.tick(DEPTH)).readings
    world.meter(Source.SQS).late = -3600.0
    assert "a clock is wrong" in (await world.tick(DEPTH)).missing["depth"]


async def test_a_clock_that_jumps_makes_values_missing_and_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The meter's server goes by a clock of its own, which is right."""
    await world.tick(DEPTH)
    real = world.clock.wall
    for jump in (86_400.0, -86_400.0):
        monkeypatch.setattr(world.clock, "wall", lambda jump=jump: real() + jump)
        assert world.board.known(SHOP)["depth"].problem
        assert (await world.tick(DEPTH)).readings == {}
    monkeypatch.setattr(world.clock, "wall", real)
    assert (await world.tick(DEPTH)).readings["depth"].at == real()


async def test_what_stands_for_a_period_is_read_once_a_period_and_may_be_older(
    world: World,
) -> None:
    meter = world.meter(Source.SQS)
    meter.every, meter.late = 60.0, 100.0
    for _ in range(12):
        assert "depth" in (await world.tick(DEPTH)).readings
    assert meter.reads == 1
    await world.tick(DEPTH)
    assert meter.reads == 2
    meter.late = 181.0
    look = await world.tick(DEPTH, seconds=60.0)
    assert "181 s old, 180 s are allowed" in look.missing["depth"]


async def test_looks_that_come_too_soon_do_not_read_again(world: World) -> None:
    for _ in range(10):
        await world.tick(DEPTH, seconds=0.1)
    assert world.meter(Source.SQS).reads == 1


@pytest.mark.parametrize(
    "error", [MeterError("it is broken"), Missing("it is broken: pip install it")]
)
async def test_a_meter_that_cannot_be_had(world: World, error: FairleadError) -> None:
    world.refused = error
    assert (await world.tick(DEPTH)).missing == {"depth": str(error)}


async def test_a_fault_of_ours_in_one_meter_spares_the_rest(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.meter(Source.SQS).error = ZeroDivisionError("oh")
    look = await world.tick(DEPTH, QUEUE)
    assert look.readings.keys() == {"queue"}
    assert "fairlead itself failed: ZeroDivisionError" in look.missing["depth"]
    assert "ZeroDivisionError" in capsys.readouterr().err


async def test_a_proxy_that_cannot_be_read(world: World) -> None:
    await world.tick(RATE)
    world.nodes.problem = "nginx could not be asked"
    look = await world.tick(RATE, QUEUE)
    assert (look.load, look.blind) == (None, "nginx could not be asked")
    assert look.missing == {"rate": "nginx could not be asked"}
    assert look.readings.keys() == {"queue"}


async def test_a_fault_of_ours_at_the_proxy_spares_the_rest(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.tick(RATE)
    with monkeypatch.context() as broken:
        broken.setattr(world.nodes, "tallies", lambda _: 1 // 0)
        look = await world.tick(RATE, QUEUE)
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert (look.load, look.readings.keys()) == (None, {"queue"})
    assert look.blind == look.missing["rate"] == "its counters could not be read"
    assert (await world.tick(RATE)).load is not None


async def test_a_proxy_that_hangs_is_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.tick(RATE)
    await world.tick(RATE)
    free, reads, real = asyncio.Event(), [], world.nodes.tallies

    async def hang(service: str) -> object:
        reads.append(service)
        await free.wait()
        return await real(service)

    monkeypatch.setattr(world.nodes, "tallies", hang)
    for _ in range(2):
        look = await world.tick(RATE)
        assert look.load is None
        assert look.missing == {"rate": "the proxy has not answered within 0.05 s"}
    assert reads == [SHOP]
    free.set()
    await until(world.board._takes[SHOP].done)
    assert (await world.tick(RATE)).load is not None


async def test_another_metric_of_the_same_name_has_no_value_yet(world: World) -> None:
    await world.tick(DEPTH)
    other = Target("depth", Metric(Source.SQS, url="https://sqs/other"), 10.0)
    world.meter(Source.SQS).hold.clear()
    assert (await world.tick(other)).missing == {"depth": "it has not been read yet"}


async def test_targets_and_services_that_are_gone_are_not_kept(world: World) -> None:
    slow = world.meter(Source.SQS)
    slow.hold.clear()
    await world.tick(DEPTH, QUEUE)
    await world.tick(QUEUE)
    assert world.board.known(SHOP).keys() == {"queue"}
    world.board.forget(SHOP)
    assert world.board.known(SHOP) == {}
    assert (await world.tick(QUEUE)).load is None
