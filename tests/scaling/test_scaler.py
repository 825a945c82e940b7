"""The scaler's loop: when it looks, what it tells, and what it never does, whatever is wrong."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from fairlead.core.errors import UnknownName
from fairlead.core.model import Cluster, Container, FixedEndpoint
from fairlead.core.scaling.policy import Scale
from fairlead.core.scaling.verdict import Load, Reading, Sight, Verdict
from fairlead.meters.board import Look
from fairlead.scaling.gather import believed
from fairlead.scaling.mind import CHANGES, Think
from fairlead.scaling.news import TOLD
from fairlead.scaling.scaler import SELDOM, TICK, TRIED
from tests.scaling.ground import CATALOG, Ground, scaled
from tests.stub_edges import StubOrchestrator, StubWorld


@pytest.fixture
async def ground(tmp_path: Path) -> Ground:
    ground = Ground(tmp_path)
    await ground.ready()
    return ground


async def test_the_count_follows_the_load_and_each_change_says_why(ground: Ground) -> None:
    await ground.tick(48)
    assert (ground.count, len(ground.world.running("catalog"))) == (5, 5)
    assert ground.told("autoscale") == ["from 2 to 5: requests 48 (target 10)"]
    await ground.tick(11)
    assert (ground.count, len(ground.world.running("catalog"))) == (2, 2)


async def test_a_refusal_is_told_when_it_changes_and_not_every_tick(ground: Ground) -> None:
    await ground.tick(500, times=20)
    assert ground.count == 10
    expected = "stays at 10: requests 500 (target 10); 50 wanted; held by max 10"
    assert ground.told("scale-held") == [expected]
    await ground.tick(510, times=20)
    assert len(ground.told("scale-held")) == 1
    await ground.tick(510, times=200)
    assert len(ground.told("scale-held")) == 2


async def test_what_is_wanted_and_not_placeable_is_told_with_what_is_in_the_way(
    ground: Ground,
) -> None:
    ground.room.most_of = 3
    await ground.tick(70, times=5)
    assert ground.count == 3
    expected = ["4 more are wanted than can be placed: memory on i-1"]
    assert ground.told("unplaceable") == expected


async def test_a_woken_service_is_looked_at_at_once(ground: Ground) -> None:
    running = asyncio.create_task(ground.scaler.run())
    await _until(lambda: ground.board.looks == ["catalog"])
    ground.scaler.wake("catalog")
    await _until(lambda: ground.board.looks == ["catalog", "catalog"])
    running.cancel()


async def _until(true: object) -> None:
    assert callable(true)
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0)


async def test_a_paused_service_is_thought_about_and_left_alone(ground: Ground) -> None:
    ground.commands.scale("catalog", 3)
    await ground.tick(80)
    assert ground.count == 3
    mind = ground.scaler.mind("catalog")
    assert mind
    assert mind.verdict
    assert mind.verdict.count == 8
    assert mind.block == "paused: scaled to 3 by command"
    assert [(c.before, c.after, c.done) for c in mind.changes] == [(3, 8, False)]
    ground.commands.resume("catalog")
    await ground.tick(80)
    assert ground.count == 8


async def test_lost_metrics_change_nothing(ground: Ground) -> None:
    await ground.tick(80)
    ground.board.blind = "the proxy does not answer"
    await ground.tick(times=200)
    assert ground.count == 8
    mind = ground.scaler.mind("catalog")
    assert mind
    assert mind.gaps == {"requests": "the proxy does not answer"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e308, -1e308])
def test_a_value_that_is_no_number_to_scale_by_is_a_gap(value: float) -> None:
    look = Look(Load(1.0, 5.0, value, 1.0), {"queue": Reading(value, 1.0), "x": Reading(1.0, 1.0)})
    kept = believed(look)
    assert (kept.load, set(kept.readings)) == (None, {"x"})
    assert "no number to scale by" in kept.blind
    assert "no number to scale by" in kept.missing["queue"]


async def test_a_fault_in_the_policy_or_a_meter_changes_nothing_and_is_told_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(_: str) -> Think:
        def think(_: Scale, sight: Sight) -> Verdict:
            raise OverflowError(f"of {sight.wanted}")

        return think

    ground = Ground(tmp_path, begin=broken)
    await ground.ready()
    await ground.tick(80, times=10)
    assert ground.count == 2
    assert [m for m in ground.told("problem") if "OverflowError" in m] == ground.told("problem")
    assert len(ground.told("problem")) == 1
    ground.board.fault = RuntimeError("a meter")
    await ground.tick(times=2)
    assert len(ground.told("problem")) == 2
    assert "OverflowError" in capfd.readouterr().err


async def test_a_verdict_that_is_no_count_is_a_fault(tmp_path: Path) -> None:
    ground = Ground(tmp_path, begin=lambda _: lambda *_: Verdict(10**9, 10**9))
    await ground.ready()
    await ground.tick(80)
    assert ground.count == 2


async def test_one_services_fault_spares_the_others(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    other = replace(CATALOG, name="alerts", routes=())
    ground.commands.adopt(Cluster(services=(CATALOG, other)))
    await ground.ready()
    ground.world.loop.notify("alerts")
    await ground.world.settle()
    looked = ground.board.look

    async def look(service: str, scale: Scale) -> Look:
        if service == "alerts":
            raise RuntimeError("of one")
        return await looked(service, scale)

    ground.board.look = look  # type: ignore[method-assign]
    await ground.tick(80)
    assert ground.count == 8


@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
async def test_a_clock_that_is_set_is_told_and_the_policy_begins_anew(
    tmp_path: Path, seconds: float
) -> None:
    begun: list[str] = []

    def begin(service: str) -> Think:
        begun.append(service)
        return lambda _, sight: Verdict(sight.wanted, sight.wanted)

    ground = Ground(tmp_path, begin=begin)
    await ground.ready()
    await ground.tick(times=3)
    wall = ground.world.clock.wall
    ground.world.clock.wall = lambda: wall() + seconds  # type: ignore[method-assign]
    await ground.tick(times=3)
    assert (ground.count, begun) == (2, ["catalog", "catalog"])
    way = "forward" if seconds > 0 else "back"
    assert [m for m in ground.told("clock") if f"set {way} by 3600 s" in m] == ground.told("clock")
    assert len(ground.told("clock")) == 1


async def test_crashing_endpoints_and_an_unread_platform_are_no_ground_to_decide_on(
    ground: Ground,
) -> None:
    tracked = ground.world.loop.tracked["catalog"]
    gone = replace(tracked.intent.backoff, given_up="5 starts failed")
    tracked.intent = replace(tracked.intent, backoff=gone)
    await ground.tick(80)
    assert ground.count == 2
    assert ground.told("scale-held") == ["its starts are given up: 5 starts failed"]
    tracked.intent = replace(tracked.intent, backoff=replace(gone, given_up=""))
    tracked.read = False
    ground.world.clock.time += TICK
    await ground.scaler.turn()
    assert ground.count == 2
    assert ground.told("scale-held")[1:] == ["its platform has not been read whole"]


async def test_the_surge_of_a_roll_is_told_apart(tmp_path: Path) -> None:
    seen: list[Sight] = []

    def begin(_: str) -> Think:
        def think(_: Scale, sight: Sight) -> Verdict:
            seen.append(sight)
            return Verdict(sight.wanted, sight.wanted)

        return think

    ground = Ground(tmp_path, begin=begin)
    await ground.ready()
    ground.commands.restart("catalog")
    await ground.world.settle()
    ground.world.clock.time += TICK
    await ground.scaler.turn()
    assert (seen[-1].wanted, seen[-1].ready, seen[-1].starting, seen[-1].surge) == (2, 2, 0, 1)
    await ground.ready()
    for _ in range(8):
        await ground.tick()
    assert all(sight.wanted == 2 for sight in seen)
    assert (seen[-1].ready, seen[-1].surge) == (2, 0)


async def test_a_count_that_changes_in_the_middle_of_a_roll_is_reached_with_all_replaced(
    ground: Ground,
) -> None:
    await ground.tick(20)
    old = ground.world.running("catalog")
    ground.commands.restart("catalog")
    await ground.world.settle()
    await ground.tick(50)
    for rate in (50, 50, 30, 30, 30, 30):
        await ground.tick(rate)
        assert len(ground.world.proxy.up("catalog")) >= 2
    running = ground.world.running("catalog")
    assert (ground.count, len(running), running & old) == (3, 3, set())


async def test_a_platform_that_keeps_no_count_is_not_scaled(tmp_path: Path) -> None:
    """Such as ECS for a daemon service, which runs once on each node."""
    service = replace(CATALOG, run=(), container=Container(task_service="shop-catalog"))
    world = StubWorld(platform=StubOrchestrator())
    ground = Ground(tmp_path, service, world)
    await ground.ready()
    await ground.tick(80)
    held = ["its platform keeps no count, or has not said it yet"]
    assert (ground.told("autoscale"), ground.told("scale-held")) == ([], held)


async def test_start_times_are_measured_from_launch_to_the_first_passed_check(
    tmp_path: Path,
) -> None:
    ground = Ground(tmp_path)
    await ground.world.settle()
    ground.world.clock.time += 30
    await ground.ready()
    await ground.tick(20)
    mind = ground.scaler.mind("catalog")
    assert mind
    assert mind.sight
    assert mind.sight.start_time == pytest.approx(30, abs=1)


async def test_all_that_is_kept_is_bounded(ground: Ground) -> None:
    for n in range(60):
        await ground.tick(20 + 10 * (n % 2))
    mind = ground.scaler.mind("catalog")
    assert mind
    for n in range(100):
        mind.news.is_new("x" * n, float(n))
    assert (len(mind.changes), len(mind.news)) == (CHANGES, TOLD)


async def test_what_nothing_scales_is_looked_at_seldom_and_on_trial_as_others(
    tmp_path: Path,
) -> None:
    ground = Ground(tmp_path, replace(CATALOG, scale=None))
    await ground.ready()
    await ground.tick(80, times=13)
    assert len(ground.board.looks) == 3  # 65 s: at once, and every 30 s
    assert ground.scaler.mind("catalog") is None
    ground.scaler.mind("catalog", trial=True)
    await ground.tick(80)
    mind = ground.scaler.mind("catalog", trial=True)
    assert mind
    assert mind.verdict
    assert mind.verdict.count == 8
    assert mind.policy == Scale()
    assert (ground.count, ground.told("autoscale")) == (2, [])
    await ground.tick(times=int(TRIED / TICK) + 1)
    assert ground.scaler.mind("catalog") is None
    assert SELDOM > TICK


async def test_services_that_go_are_forgotten(ground: Ground) -> None:
    await ground.tick(20)
    ground.commands.adopt(Cluster())
    await ground.world.settle()
    await ground.tick()
    await ground.tick()
    assert ground.board.forgotten == ["catalog"]
    with pytest.raises(UnknownName, match="no service 'catalog'"):
        ground.scaler.mind("catalog")


async def test_fixed_endpoints_are_not_scaled(tmp_path: Path) -> None:
    ground = Ground(tmp_path, replace(CATALOG, run=(), endpoints=(FixedEndpoint("127.0.0.1", 9),)))
    await ground.ready()
    await ground.tick(80)
    assert ground.told("autoscale") == []


async def test_bounds_that_change_are_followed(ground: Ground) -> None:
    await ground.tick(500)
    ground.commands.adopt(Cluster(services=(scaled(min=1, max=4),)))
    await ground.tick(500)
    assert ground.count == 4
