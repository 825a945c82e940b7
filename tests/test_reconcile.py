"""The loop over edges in memory: what it does when edges fail, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fairlead.commands import Commands
from fairlead.core.backoff import TRIES
from fairlead.core.errors import BadInput, FairleadError, UnknownName
from fairlead.core.model import (
    Cluster,
    Entry,
    EntryState,
    FixedEndpoint,
    HealthCheck,
    Phase,
    Route,
    Service,
    ServiceTable,
)
from fairlead.platforms.fixed import FixedPlatform
from fairlead.reconcile import Reconciler
from tests.stub_edges import StubWorld

CATALOG = Service("catalog", (Route("catalog.localhost"),), replicas=2, run=("app",))


def cluster(*services: Service) -> Cluster:
    return Cluster(services=services)


async def running(service: Service = CATALOG) -> StubWorld:
    """A world in which the service is ready."""
    world = StubWorld()
    Commands(world.loop).adopt(cluster(service))
    await world.settle()
    world.pass_checks()
    await world.settle()
    return world


async def test_an_endpoint_gets_traffic_after_its_first_passed_check_only() -> None:
    world = StubWorld()
    Commands(world.loop).adopt(cluster(CATALOG))
    await world.settle()
    assert world.proxy.up("catalog") == set()
    assert world.running("catalog") == {"catalog-1", "catalog-2"}
    world.pass_checks("catalog-1")
    await world.settle()
    assert world.proxy.up("catalog") == {"catalog-1"}


async def test_a_crashed_endpoint_leaves_the_table_and_is_replaced() -> None:
    world = await running()
    world.clock.time += 60
    world.platform.end("catalog-1", "signal 9")
    await world.settle()
    assert world.proxy.up("catalog") == {"catalog-2"}
    assert world.running("catalog") == {"catalog-2", "catalog-3"}
    assert ("crash", "catalog", "signal 9", "catalog-1") in world.journal.records


async def test_a_drained_endpoint_stops_only_when_nothing_is_in_flight() -> None:
    world = await running()
    world.proxy.in_flight["catalog-2"] = 1
    Commands(world.loop).scale("catalog", 1)
    await world.settle()
    assert world.proxy.up("catalog") == {"catalog-1"}
    assert world.running("catalog") == {"catalog-1", "catalog-2"}
    world.proxy.in_flight["catalog-2"] = 0
    await world.settle()
    assert world.running("catalog") == {"catalog-1"}
    assert "catalog-2" not in {e.id for e in world.proxy.tables["catalog"].entries}


async def test_a_failed_read_withdraws_nothing() -> None:
    world = await running()
    world.platform.away = True
    world.loop.notify("catalog")
    await world.settle()
    assert world.proxy.up("catalog") == {"catalog-1", "catalog-2"}
    assert ("problem", "catalog", "the platform is away", "") in world.journal.records


async def test_a_platform_that_suddenly_shows_nothing_is_asked_twice() -> None:
    world = await running()
    world.platform.endpoints = {}
    world.loop.notify("catalog")
    await world.loop.run_once()
    assert world.proxy.up("catalog") == {"catalog-1", "catalog-2"}
    world.clock.time += 1
    await world.settle()
    assert world.proxy.up("catalog") == set()


async def test_a_dead_proxy_stops_no_drain_early_and_gets_its_table_when_it_is_back() -> None:
    world = await running()
    world.proxy.dead = True
    Commands(world.loop).scale("catalog", 1)
    await world.settle()
    assert world.running("catalog") == {"catalog-1", "catalog-2"}
    world.proxy.dead = False
    world.clock.time += 1
    await world.settle()
    assert world.proxy.up("catalog") == {"catalog-1"}
    assert world.running("catalog") == {"catalog-1"}


async def test_a_drain_ends_at_its_timeout_though_requests_hang() -> None:
    world = await running()
    world.proxy.in_flight["catalog-2"] = 1
    Commands(world.loop).scale("catalog", 1)
    await world.settle()
    world.clock.time += CATALOG.drain_timeout
    await world.settle()
    assert world.running("catalog") == {"catalog-1"}


async def test_a_restart_of_fairlead_changes_nothing_and_goes_on_with_drains() -> None:
    world = await running(replace(CATALOG, replicas=3))
    world.proxy.in_flight["catalog-3"] = 1
    Commands(world.loop).scale("catalog", 2)
    await world.settle()
    before = len(world.proxy.pushes)
    world.loop = world.new_loop()
    Commands(world.loop).adopt(cluster(replace(CATALOG, replicas=3)))
    world.loop.restore(await world.proxy.read())
    await world.settle()
    assert world.proxy.up("catalog") == {"catalog-1", "catalog-2"}
    assert world.running("catalog") == {"catalog-1", "catalog-2", "catalog-3"}
    assert len(world.proxy.pushes) == before
    world.proxy.in_flight["catalog-3"] = 0
    await world.settle()
    assert world.running("catalog") == {"catalog-1", "catalog-2"}


async def test_a_crash_loop_is_given_up_loudly_and_spares_the_others() -> None:
    other = Service("alerts", replicas=1, run=("other",))
    world = StubWorld()
    Commands(world.loop).adopt(cluster(CATALOG, other))
    for _ in range(40):
        await world.settle(2)
        world.pass_checks(*world.running("alerts"))
        for endpoint_id in world.running("catalog"):
            world.platform.end(endpoint_id, "exit 1")
        world.clock.time += 40
        world.loop.notify("catalog")
    assert world.running("catalog") == set()
    assert world.journal.kinds().count("given-up") == 1
    assert world.platform.number <= 2 * 8 + 1
    assert len(world.running("alerts")) == 1
    Commands(world.loop).restart("catalog")
    await world.settle()
    assert len(world.running("catalog")) == 2


async def test_a_command_that_cannot_be_started_backs_off_and_says_why() -> None:
    world = StubWorld()
    world.platform.broken = "no such program: app"
    Commands(world.loop).adopt(cluster(CATALOG))
    await world.settle()
    assert ("start-failed", "catalog", "no such program: app", "") in world.journal.records
    world.platform.broken = ""
    world.clock.time += 60
    await world.settle()
    assert len(world.running("catalog")) == 2


async def test_a_start_that_fails_is_tried_once_a_pass_however_many_are_missing() -> None:
    world = await running()
    world.platform.broken = "no free port"
    Commands(world.loop).scale("catalog", 40)
    await world.settle(1)
    assert world.journal.kinds().count("start-failed") == 1
    assert world.loop.tracked["catalog"].intent.backoff.failures == 1


async def test_a_full_disk_keeps_nobody_from_scaling_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(service: str, decision: object) -> None:
        raise FairleadError(f"cannot write {service}.json: No space left on device")

    world = await running()
    monkeypatch.setattr(world.decisions, "put", full)
    Commands(world.loop).scale("catalog", 1)
    for _ in range(8):
        world.clock.time += 1
        await world.settle()
    assert len(world.running("catalog")) == 1
    assert "No space left" in world.loop.tracked["catalog"].problem
    assert world.journal.kinds().count("problem") == 1


async def test_a_new_revision_rolls_and_a_broken_one_is_rolled_back_and_told() -> None:
    world = await running()
    Commands(world.loop).adopt(cluster(replace(CATALOG, run=("app", "v2"))))
    for _ in range(6):
        await world.settle(3)
        world.pass_checks()
    assert world.proxy.up("catalog") == {"catalog-3", "catalog-4"}
    assert "rolled" in world.journal.kinds()
    Commands(world.loop).adopt(cluster(replace(CATALOG, run=("app", "broken"))))
    for _ in range(8):
        await world.settle(2)
        for endpoint_id in world.running("catalog") - {"catalog-3", "catalog-4"}:
            world.platform.end(endpoint_id, "exit 3")
        world.clock.time += 5
        world.loop.notify("catalog")
        assert world.proxy.up("catalog") == {"catalog-3", "catalog-4"}
    assert "roll-failed" in world.journal.kinds()
    started = world.platform.number
    world.clock.time += 300
    world.loop.notify("catalog")
    await world.settle()
    assert world.platform.number == started
    assert world.decisions.kept["catalog"].failed


async def test_a_service_that_left_the_settings_drains_and_is_dropped() -> None:
    world = await running()
    world.proxy.in_flight["catalog-1"] = 1
    Commands(world.loop).adopt(cluster())
    await world.settle()
    assert world.proxy.tables["catalog"].routes == ()
    assert world.running("catalog") == {"catalog-1"}
    world.proxy.in_flight.clear()
    await world.settle(12)
    assert "catalog" not in world.loop.tracked
    assert "catalog" not in world.proxy.tables
    with pytest.raises(UnknownName):
        Commands(world.loop).scale("catalog", 1)


async def test_a_scaled_count_stands_until_the_file_asks_for_another() -> None:
    world = await running()
    Commands(world.loop).scale("catalog", 4)
    Commands(world.loop).adopt(cluster(replace(CATALOG, run=("app", "v2"))))
    assert world.loop.tracked["catalog"].service.replicas == 4
    Commands(world.loop).adopt(cluster(replace(CATALOG, replicas=3)))
    assert world.loop.tracked["catalog"].service.replicas == 3


async def test_changed_traffic_settings_are_pushed_and_changed_checks_are_followed() -> None:
    world = await running()
    slower = replace(CATALOG, health=HealthCheck(interval=9), drain_timeout=1)
    traffic = replace(slower, traffic=replace(CATALOG.traffic, hold=3.0))
    Commands(world.loop).adopt(cluster(traffic))
    await world.settle()
    assert world.proxy.tables["catalog"].traffic.hold == 3.0
    assert world.checks.watched["catalog-1"].interval == 9
    assert world.platform.number == 2


async def test_an_unhealthy_endpoint_gets_nothing_until_it_passes_again() -> None:
    world = await running()
    world.fail_checks("catalog-1")
    await world.settle()
    assert world.proxy.up("catalog") == {"catalog-2"}
    world.fail_checks("catalog-2")
    await world.settle()
    assert world.proxy.up("catalog") == {"catalog-1", "catalog-2"}
    world.pass_checks("catalog-1")
    await world.settle()
    assert world.proxy.up("catalog") == {"catalog-1"}


async def test_what_the_proxy_lost_is_pushed_again_and_what_is_not_ours_is_dropped() -> None:
    world = await running()
    stray = replace(world.proxy.tables["catalog"], service="stray")
    world.proxy.tables = {"stray": stray}
    world.loop.notify("")
    await world.loop._resync()
    await world.settle()
    assert world.proxy.up("catalog") == {"catalog-1", "catalog-2"}
    assert set(world.proxy.tables) == {"catalog"}


async def test_commands_refuse_what_makes_no_sense_and_change_nothing() -> None:
    world = await running()
    commands = Commands(world.loop)
    with pytest.raises(UnknownName):
        commands.drain("catalog", "catalog-99")
    with pytest.raises(BadInput):
        commands.scale("catalog", -1)
    with pytest.raises(UnknownName, match="catalog"):
        commands.restart("catalogue")
    await world.settle()
    assert world.running("catalog") == {"catalog-1", "catalog-2"}


async def test_a_drain_command_replaces_the_endpoint() -> None:
    world = await running()
    Commands(world.loop).drain("catalog", "catalog-1")
    await world.settle()
    world.pass_checks()
    await world.settle()
    assert world.proxy.up("catalog") == {"catalog-2", "catalog-3"}


async def test_a_restart_rolls_every_endpoint_and_never_serves_with_fewer() -> None:
    world = await running()
    Commands(world.loop).restart("catalog")
    for _ in range(8):
        await world.settle(1)
        assert len(world.proxy.up("catalog")) >= 2
        world.pass_checks()
    assert world.running("catalog") == {"catalog-3", "catalog-4"}
    assert all(e.phase is Phase.RUNNING for e in world.platform.of("catalog").values())
    assert {e.state for e in world.proxy.tables["catalog"].entries} == {EntryState.UP}


async def test_what_ended_while_no_fairlead_ran_is_no_crash_loop() -> None:
    world = await running(replace(CATALOG, replicas=TRIES + 2))
    for endpoint_id in sorted(world.running("catalog")):
        world.platform.end(endpoint_id, "ended (the machine was restarted)")
    world.loop = world.new_loop()
    Commands(world.loop).adopt(cluster(replace(CATALOG, replicas=TRIES + 2)))
    world.loop.restore(world.proxy.tables)
    await world.settle()
    assert len(world.running("catalog")) == TRIES + 2
    assert world.loop.tracked["catalog"].intent.backoff.failures == 0


async def test_a_service_that_is_wanted_back_while_the_proxy_forgets_it_is_kept() -> None:
    world = await running()
    commands = Commands(world.loop)
    drop = world.proxy.drop

    async def wanted_back(service: str) -> int:
        commands.adopt(cluster(CATALOG))
        return await drop(service)

    world.proxy.drop = wanted_back  # type: ignore[method-assign]
    commands.adopt(cluster())
    await world.settle()
    world.pass_checks()
    await world.settle()
    assert len(world.proxy.up("catalog")) == 2


async def test_a_fixed_endpoint_that_is_listed_again_while_it_drains_stays() -> None:
    world = StubWorld()
    fixed = FixedPlatform(world.loop.notify, world.clock)
    edges = world.loop.edges
    world.loop = Reconciler(replace(edges, platforms=(*edges.platforms, fixed)))
    one, two = (FixedEndpoint("10.0.0.5", port) for port in (8080, 8081))
    both = Service("catalog", (Route("catalog.localhost"),), endpoints=(one, two))
    commands = Commands(world.loop)
    commands.adopt(cluster(both))
    await world.settle()
    world.pass_checks()
    await world.settle()
    busy = "catalog-10.0.0.5-8081"
    world.proxy.in_flight[busy] = 1
    for removed in (replace(both, endpoints=(one,)), None):
        commands.adopt(cluster(*[removed] if removed else []))
        await world.settle()
        assert busy not in world.proxy.up("catalog")
        commands.adopt(cluster(both))
        await world.settle()
        assert busy in world.proxy.up("catalog")
    world.proxy.in_flight[busy] = 0
    await world.settle()
    assert busy in world.proxy.up("catalog")
    await fixed.close()


async def test_a_fixed_endpoint_that_is_listed_again_after_a_restart_is_used() -> None:
    """It was draining when fairlead was killed; the next one knows of that from the proxy only."""
    one, two = (FixedEndpoint("10.0.0.5", port) for port in (8080, 8081))
    world = StubWorld()
    fixed = FixedPlatform(world.loop.notify, world.clock)
    world.loop = Reconciler(replace(world.loop.edges, platforms=(world.platform, fixed)))
    commands = Commands(world.loop)
    commands.adopt(cluster(Service("catalog", endpoints=(one,))))
    draining = Entry("catalog-10.0.0.5-8081", "10.0.0.5", 8081, EntryState.DRAINING)
    world.loop.restore({"catalog": ServiceTable("catalog", entries=(draining,))})
    await world.settle()
    commands.adopt(cluster(Service("catalog", endpoints=(two,))))
    await world.settle()
    world.pass_checks()
    await world.settle()
    assert world.proxy.up("catalog") == {draining.id}
    await fixed.close()
