"""The loop over a platform that keeps the count of copies by itself, as ECS does."""

from __future__ import annotations

from dataclasses import replace

from fairlead.commands import Commands
from fairlead.core.model import Cluster, Container, Phase, Route, Service
from tests.stub_edges import StubOrchestrator, StubWorld

CATALOG = Service(
    "catalog", (Route("catalog.localhost"),), container=Container(task_service="shop-catalog")
)


class World(StubWorld):
    platform: StubOrchestrator


async def running(count: int = 2) -> World:
    """A world in which ECS keeps so many copies, all ready."""
    world = World(platform=StubOrchestrator(counts={"catalog": count}))
    Commands(world.loop).adopt(Cluster(services=(CATALOG,)))
    for _ in range(count):
        await world.platform.place(CATALOG)
    await world.settle()
    world.pass_checks()
    await world.settle()
    assert len(world.proxy.up("catalog")) == count
    return world


async def test_it_follows_the_count_that_the_platform_keeps() -> None:
    world = await running(2)
    world.platform.counts["catalog"] = 3
    await world.platform.place(CATALOG)
    await world.settle()
    assert world.loop.tracked["catalog"].service.replicas == 3
    assert world.platform.counts["catalog"] == 3
    assert world.platform.retired == []


async def test_more_copies_than_the_count_are_the_platforms_own_business() -> None:
    world = await running(2)
    await world.platform.place(CATALOG)
    await world.settle()
    world.pass_checks()
    await world.settle()
    assert world.proxy.up("catalog") == {"catalog-1", "catalog-2", "catalog-3"}
    assert world.platform.retired == []


async def test_scaling_out_asks_for_the_count_and_starts_nothing_itself() -> None:
    world = await running(2)
    Commands(world.loop).scale("catalog", 4)
    await world.settle()
    assert world.platform.counts["catalog"] == 4
    assert world.platform.number == 2
    assert not world.loop.tracked["catalog"].asked


async def test_a_pending_copy_is_neither_probed_nor_routed_to_until_it_has_a_place() -> None:
    world = await running(1)
    new = await world.platform.place(CATALOG, pending=True)
    await world.settle()
    assert new.id not in world.checks.watched
    assert new.id not in {e.id for e in world.proxy.tables["catalog"].entries}
    world.platform.change(new.id, phase=Phase.RUNNING, address="10.0.1.100", port=32768)
    await world.settle()
    assert new.id in world.checks.watched
    world.pass_checks(new.id)
    await world.settle()
    assert new.id in world.proxy.up("catalog")


async def test_a_copy_that_moves_to_another_port_is_checked_anew() -> None:
    world = await running(2)
    world.platform.change("catalog-2", port=32999)
    await world.settle()
    assert world.proxy.up("catalog") == {"catalog-1"}
    world.pass_checks("catalog-2")
    await world.settle()
    ports = {e.id: e.port for e in world.proxy.tables["catalog"].entries}
    assert ports["catalog-2"] == 32999


async def test_scaling_in_drains_the_victim_marks_it_and_retires_it_when_nothing_is_in_flight() -> (
    None
):
    world = await running(3)
    world.proxy.in_flight["catalog-3"] = 1
    Commands(world.loop).scale("catalog", 2)
    await world.settle()
    assert world.proxy.up("catalog") == {"catalog-1", "catalog-2"}
    assert world.platform.marks == {"catalog-3": "scale to 2"}
    assert (world.platform.retired, world.platform.counts["catalog"]) == ([], 3)
    world.proxy.in_flight["catalog-3"] = 0
    await world.settle()
    assert (world.platform.retired, world.platform.counts["catalog"]) == (["catalog-3"], 2)
    assert world.loop.tracked["catalog"].service.replicas == 2


async def test_a_count_that_fell_is_left_alone_however_long_the_retired_ones_take_to_stop() -> None:
    world = await running(4)
    world.platform.slow = True
    Commands(world.loop).scale("catalog", 2)
    await world.settle()
    assert sorted(world.platform.departing) == ["catalog-3", "catalog-4"]
    assert world.loop.tracked["catalog"].asked
    for retired in ("catalog-3", "catalog-4"):
        world.platform.lower(retired)
        world.loop.notify("catalog")
        await world.settle()
    assert (world.platform.counts["catalog"], world.platform.resizes) == (2, [])
    assert not world.loop.tracked["catalog"].asked
    for retired in ("catalog-3", "catalog-4"):
        world.platform.end(retired, "Scaling activity initiated by (deployment ecs-svc/1)")
        await world.settle()
    assert (world.platform.counts["catalog"], world.platform.resizes) == (2, [])


async def test_a_count_that_others_move_while_retired_ones_stop_is_followed() -> None:
    world = await running(3)
    world.platform.slow = True
    Commands(world.loop).scale("catalog", 2)
    await world.settle()
    world.platform.lower("catalog-3")
    world.loop.notify("catalog")
    await world.settle()
    world.platform.counts["catalog"] = 5
    world.loop.notify("catalog")
    await world.settle()
    assert (world.platform.counts["catalog"], world.platform.resizes) == (5, [])
    assert world.loop.tracked["catalog"].service.replicas == 5


async def test_a_restart_that_fairlead_is_killed_in_leaves_the_count_as_it_was() -> None:
    world = await running(2)
    Commands(world.loop).restart("catalog")
    await world.settle()
    assert world.platform.counts["catalog"] == 3
    world.loop = world.new_loop()
    Commands(world.loop).adopt(Cluster(services=(CATALOG,)))
    world.loop.restore(world.proxy.tables)
    for _ in range(8):
        while len(world.running("catalog")) < world.platform.counts["catalog"]:
            await world.platform.place(CATALOG)
        await world.settle()
        world.pass_checks()
        await world.settle()
    assert len(world.platform.retired) == 2
    assert world.platform.counts["catalog"] == 2
    assert not world.loop.tracked["catalog"].asked


async def test_a_scale_survives_a_restart_of_fairlead() -> None:
    world = await running(3)
    world.proxy.in_flight["catalog-3"] = 1
    Commands(world.loop).scale("catalog", 2)
    await world.settle()
    world.loop = world.new_loop()
    Commands(world.loop).adopt(Cluster(services=(CATALOG,)))
    world.loop.restore(world.proxy.tables)
    world.proxy.in_flight["catalog-3"] = 0
    await world.settle(12)
    assert world.platform.counts["catalog"] == 2
    assert world.platform.retired == ["catalog-3"]


async def test_what_the_platform_stops_is_withdrawn_and_is_no_crash() -> None:
    world = await running(2)
    world.platform.change("catalog-1", phase=Phase.STOPPING)
    await world.settle()
    assert world.proxy.up("catalog") == {"catalog-2"}
    world.platform.end("catalog-1", "Scaling activity initiated by (deployment ecs-svc/1)")
    await world.settle()
    assert "crash" not in world.journal.kinds()
    assert "stopped" in world.journal.kinds()


async def test_crashes_never_give_it_up() -> None:
    world = await running(1)
    for number in range(1, 12):
        world.platform.end(f"catalog-{number}", "Essential container in task exited")
        await world.platform.place(CATALOG)
        await world.settle()
    assert world.loop.tracked["catalog"].intent.backoff.given_up == ""
    world.pass_checks()
    await world.settle()
    assert world.proxy.up("catalog") == {"catalog-12"}


async def test_a_task_that_asks_to_leave_is_withdrawn_and_told_when_nothing_is_in_flight() -> None:
    world = await running(2)
    task = "11111111aaaabbbbcccc"
    world.platform.of("catalog")["catalog-11111111"] = replace(
        world.platform.of("catalog").pop("catalog-1"), id="catalog-11111111"
    )
    world.loop.notify("catalog")
    await world.settle()
    world.pass_checks()
    await world.settle()
    commands = Commands(world.loop)
    assert commands.leave("99999999aaaa") is None
    world.proxy.in_flight["catalog-11111111"] = 1
    found = commands.leave(task)
    assert found is not None
    await world.settle()
    assert "catalog-11111111" not in world.proxy.up("catalog")
    world.platform.change("catalog-11111111", phase=Phase.STOPPING)
    await world.settle()
    found = commands.leave(task)
    assert found is not None
    assert found.in_flight == 1
    world.proxy.in_flight["catalog-11111111"] = 0
    await world.settle()
    found = commands.leave(task)
    assert found is not None
    assert found.in_flight == 0
    assert world.platform.retired == []
    assert world.platform.counts["catalog"] == 2


async def test_a_service_that_leaves_the_settings_goes_on_running() -> None:
    world = await running(2)
    Commands(world.loop).adopt(Cluster())
    world.platform.endpoints["catalog"] = {}
    await world.settle(20)
    assert world.platform.counts["catalog"] == 2
    assert world.platform.retired == []
    assert "catalog" not in world.proxy.tables


async def test_an_unreadable_platform_moves_no_count() -> None:
    world = await running(2)
    world.platform.away = True
    Commands(world.loop).scale("catalog", 1)
    world.proxy.in_flight["catalog-2"] = 1
    await world.settle()
    assert world.platform.counts["catalog"] == 2


async def test_a_fairlead_that_starts_while_nothing_can_be_read_leaves_the_table_as_it_is() -> None:
    world = await running(2)
    before = dict(world.proxy.tables)
    world.platform.away = True
    world.loop = world.new_loop()
    Commands(world.loop).adopt(Cluster(services=(CATALOG,)))
    world.loop.restore(world.proxy.tables)
    await world.settle()
    assert world.proxy.tables == before
    world.platform.away = False
    world.platform.end("catalog-1", "Essential container in task exited")
    await world.settle(12)
    assert {e.id for e in world.proxy.tables["catalog"].entries} == {"catalog-2"}


async def test_a_refused_count_is_told_and_tried_again() -> None:
    world = await running(2)
    world.platform.broken = "AccessDenied: ecs:UpdateService"
    Commands(world.loop).scale("catalog", 3)
    await world.settle()
    assert any("ecs:UpdateService" in text for _, _, text, _ in world.journal.records)
    world.platform.broken = ""
    world.clock.time += 5
    await world.settle()
    assert world.platform.counts["catalog"] == 3
