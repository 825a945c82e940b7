"""The loop and a service that may sleep: what a waiting request starts, and what it does not."""

from __future__ import annotations

from dataclasses import replace

from fairlead.commands import Commands
from fairlead.core.model import Cluster, EntryState, Route, Service, Traffic
from fairlead.core.scaling.policy import Scale
from tests.stub_edges import StubWorld

ALERTS = Service(
    "alerts",
    (Route("alerts.localhost"),),
    run=("app",),
    traffic=Traffic(hold=40.0),
    scale=Scale(min=0, max=2),
)


async def running(service: Service = ALERTS) -> StubWorld:
    world = StubWorld()
    Commands(world.loop).adopt(Cluster(services=(service,)))
    await world.settle()
    world.pass_checks()
    await world.settle()
    return world


async def sleeping(service: Service = ALERTS) -> StubWorld:
    world = await running(service)
    Commands(world.loop).scale(service.name, 0)
    await world.settle()
    assert world.running(service.name) == set()
    return world


def kinds(world: StubWorld) -> list[str]:
    return [kind for kind, *_ in world.journal.records]


async def test_a_sleeping_service_holds_its_requests_and_is_told_to_be_asleep() -> None:
    world = await sleeping()
    table = world.proxy.tables["alerts"]
    assert (table.asleep, table.traffic.hold, table.entries) == (True, 40.0, ())


async def test_a_service_at_0_that_may_not_sleep_answers_at_once_and_is_not_woken() -> None:
    for scale in (None, Scale(min=1)):
        world = await sleeping(replace(ALERTS, scale=scale))
        table = world.proxy.tables["alerts"]
        assert (table.asleep, table.traffic.hold) == (False, 0.0)
        Commands(world.loop).wake("alerts")
        await world.settle()
        assert world.running("alerts") == set()
        assert "wake" not in kinds(world)


async def test_a_waiting_request_starts_one_endpoint_though_the_scaler_is_paused() -> None:
    world = await sleeping()
    assert world.loop.tracked["alerts"].paused
    for _ in range(3):
        Commands(world.loop).wake("alerts")
        await world.settle()
    assert len(world.running("alerts")) == 1
    table = world.proxy.tables["alerts"]
    assert (table.asleep, table.traffic.hold) == (False, 40.0)
    world.pass_checks()
    await world.settle()
    assert len(world.proxy.up("alerts")) == 1
    assert [r[2] for r in world.journal.records if r[0] == "wake"] == ["a request waits"]


async def test_a_request_that_comes_while_the_last_one_drains_gets_another() -> None:
    world = await running()
    world.proxy.in_flight["alerts-1"] = 1
    Commands(world.loop).scale("alerts", 0)
    await world.settle()
    assert [e.state for e in world.proxy.tables["alerts"].entries] == [EntryState.DRAINING]
    Commands(world.loop).wake("alerts")
    await world.settle()
    world.pass_checks("alerts-2")
    await world.settle()
    assert world.proxy.up("alerts") == {"alerts-2"}
    world.proxy.in_flight["alerts-1"] = 0
    await world.settle()
    assert world.running("alerts") == {"alerts-2"}


async def test_it_sleeps_on_after_a_restart_and_an_unknown_name_wakes_nobody() -> None:
    world = await sleeping()
    commands = Commands(world.loop)
    commands.adopt(Cluster(services=(ALERTS,)))
    commands.wake("strange")
    await world.settle()
    assert world.running("alerts") == set()
    assert world.proxy.tables["alerts"].asleep
