"""Who has the count: the scaler, a person, the settings file, or somebody else's scaler."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fairlead.commands import Commands
from fairlead.core.errors import BadInput
from fairlead.core.model import Cluster, Container, Decision, Route, Service
from fairlead.core.scaling.policy import Scale
from fairlead.decisions import DecisionFiles
from fairlead.service_pass import CONTEST, CONTESTS, NOTE
from tests.stub_edges import StubJournal, StubOrchestrator, StubWorld

CATALOG = Service(
    "catalog", (Route("catalog.localhost"),), replicas=2, run=("app",), scale=Scale(1, 10)
)
ON_ECS = replace(CATALOG, run=(), replicas=1, container=Container(task_service="shop-catalog"))


class EcsWorld(StubWorld):
    platform: StubOrchestrator


async def running(service: Service = CATALOG) -> StubWorld:
    world = StubWorld()
    Commands(world.loop).adopt(Cluster(services=(service,)))
    await ready(world)
    return world


async def on_ecs(count: int) -> EcsWorld:
    world = EcsWorld(platform=StubOrchestrator(counts={"catalog": count}))
    Commands(world.loop).adopt(Cluster(services=(ON_ECS,)))
    await placed(world)
    return world


async def placed(world: EcsWorld) -> None:
    """ECS starts what its count asks for, and all get ready."""
    await world.settle()
    while len(world.running("catalog")) < world.platform.counts["catalog"]:
        await world.platform.place(ON_ECS)
    await ready(world)


async def ready(world: StubWorld) -> None:
    world.loop.notify("catalog")
    await world.settle()
    world.pass_checks()
    await world.settle()


async def restarted(world: StubWorld, service: Service) -> None:
    world.loop = world.new_loop()
    Commands(world.loop).adopt(Cluster(services=(service,)))
    world.loop.restore(world.proxy.tables)
    await ready(world)


def count(world: StubWorld) -> int:
    return world.loop.tracked["catalog"].service.replicas


async def test_a_count_by_hand_pauses_the_scaler_until_it_is_resumed() -> None:
    world = await running()
    commands = Commands(world.loop)
    commands.scale("catalog", 4)
    commands.autoscale("catalog", 7, "requests")
    assert (count(world), world.loop.tracked["catalog"].steered) == (4, False)
    commands.resume("catalog")
    commands.autoscale("catalog", 7, "requests 300/s")
    assert count(world) == 7
    kinds = ["scale", "scale-paused", "scale-resumed", "autoscale"]
    assert [kind for kind in world.journal.kinds() if "scale" in kind] == kinds
    assert ("autoscale", "catalog", "from 4 to 7: requests 300/s", "") in world.journal.records


async def test_pause_and_count_survive_a_restart() -> None:
    world = await running()
    Commands(world.loop).scale("catalog", 4)
    await ready(world)
    await restarted(world, CATALOG)
    assert count(world) == 4
    assert world.loop.tracked["catalog"].paused == "scaled to 4 by command"


async def test_a_restart_holds_the_scalers_count_whatever_the_file_says_by_then() -> None:
    """Also the very count that the file said before, which is no decision of anybody else's."""
    world = await running()
    Commands(world.loop).autoscale("catalog", 6, "requests")
    Commands(world.loop).autoscale("catalog", 2, "requests")
    await ready(world)
    await restarted(world, replace(CATALOG, replicas=5))
    assert count(world) == 2


async def test_a_deploy_with_another_count_in_the_file_does_not_undo_the_scaler() -> None:
    world = await running()
    commands = Commands(world.loop)
    commands.autoscale("catalog", 6, "requests")
    await ready(world)
    commands.adopt(Cluster(services=(replace(CATALOG, replicas=3),)))
    await ready(world)
    assert (count(world), len(world.running("catalog"))) == (6, 6)
    assert "count-kept" in world.journal.kinds()


async def test_without_its_section_a_service_is_not_paused_and_cannot_be_resumed() -> None:
    world = await running()
    commands = Commands(world.loop)
    commands.scale("catalog", 4)
    commands.adopt(Cluster(services=(replace(CATALOG, scale=None),)))
    assert world.loop.tracked["catalog"].paused == ""
    with pytest.raises(BadInput, match="no scale section"):
        commands.resume("catalog")


def test_decisions_written_before_there_was_a_scaler_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "decisions"
    folder.mkdir()
    old = b'{"replicas":3,"filed":1,"failed":"","good":null,"leaving":[]}'
    (folder / "catalog.json").write_bytes(old)
    journal = StubJournal()
    assert DecisionFiles(folder, journal).get("catalog") == Decision(3, 1)
    DecisionFiles(folder, journal).put("catalog", Decision(3, 1, paused="by hand"))
    assert DecisionFiles(folder, journal).get("catalog").paused == "by hand"


async def test_on_ecs_the_kept_count_is_taken_over_and_held() -> None:
    world = await on_ecs(3)
    assert (count(world), world.platform.resizes) == (3, [])
    Commands(world.loop).autoscale("catalog", 6, "requests")
    await placed(world)
    await restarted(world, ON_ECS)
    assert (count(world), world.platform.counts["catalog"]) == (6, 6)
    assert world.platform.resizes == [6]


@pytest.mark.parametrize("foreign", [2, 9])
async def test_a_deploy_that_carries_an_old_count_is_told_and_set_back(foreign: int) -> None:
    world = await on_ecs(6)
    world.platform.counts["catalog"] = foreign
    await placed(world)
    await placed(world)
    assert (count(world), world.platform.counts["catalog"]) == (6, 6)
    told = [m for kind, _, m, _ in world.journal.records if kind == "count-foreign"]
    assert len(told) == 1
    assert f"to {foreign} by somebody else" in told[0]
    assert "ignore_changes = [desired_count]" in told[0]


async def test_a_count_that_cannot_be_set_back_yet_is_one_foreign_change() -> None:
    world = await on_ecs(6)
    world.platform.broken = "throttled"
    world.platform.counts["catalog"] = 4
    world.loop.notify("catalog")
    for _ in range(5):
        world.clock.time += 1
        await world.settle()
    assert world.journal.kinds().count("count-foreign") == 1
    world.platform.broken = ""
    world.clock.time += 1
    await placed(world)
    assert world.platform.counts["catalog"] == 6


async def insisted(world: EcsWorld, times: int, pause: float) -> None:
    for _ in range(times):
        world.platform.counts["catalog"] = 3
        await placed(world)
        world.clock.time += pause


async def test_the_scaler_gives_way_to_another_one_that_insists() -> None:
    world = await on_ecs(6)
    await insisted(world, CONTESTS + 1, 60)
    assert (count(world), world.platform.counts["catalog"]) == (3, 3)
    assert not world.loop.tracked["catalog"].steered
    told = next(m for kind, _, m, _ in world.journal.records if kind == "scale-paused")
    assert "deregister-scalable-target" in told
    assert "fairlead scale catalog --resume" in told
    Commands(world.loop).resume("catalog")
    Commands(world.loop).autoscale("catalog", 6, "requests")
    await placed(world)
    assert world.platform.counts["catalog"] == 6


async def test_a_deploy_now_and_then_is_no_fight() -> None:
    world = await on_ecs(6)
    await insisted(world, CONTESTS + 3, CONTEST)
    assert world.platform.counts["catalog"] == 6
    assert world.loop.tracked["catalog"].steered


async def test_a_paused_service_follows_ecs_as_one_without_a_scaler() -> None:
    world = await on_ecs(3)
    Commands(world.loop).scale("catalog", 4)
    await placed(world)
    world.platform.counts["catalog"] = 2
    await placed(world)
    assert (count(world), world.platform.counts["catalog"]) == (2, 2)


async def taken_over(world: EcsWorld) -> None:
    """Another controller, which knows nothing but what is in the cluster."""
    world.decisions.kept.clear()
    await restarted(world, ON_ECS)


async def test_another_controller_keeps_count_and_pause() -> None:
    world = await on_ecs(3)
    Commands(world.loop).scale("catalog", 4)
    await placed(world)
    await taken_over(world)
    assert (count(world), world.loop.tracked["catalog"].paused) == (4, "scaled to 4 by command")
    Commands(world.loop).resume("catalog")
    await placed(world)
    await taken_over(world)
    assert (count(world), world.loop.tracked["catalog"].steered) == (4, True)
    assert world.platform.resizes == [4]


async def test_a_pause_that_somebody_takes_out_of_the_cluster_is_put_back() -> None:
    """Terraform takes away tags that it does not know."""
    world = await on_ecs(3)
    Commands(world.loop).scale("catalog", 4)
    await placed(world)
    world.platform.notes.clear()
    world.clock.time += NOTE
    await placed(world)
    assert world.platform.notes == {"catalog": "scaled to 4 by command"}
    assert not world.loop.tracked["catalog"].steered


async def test_a_pause_that_the_cluster_cannot_remember_is_told_and_tried_again() -> None:
    world = await on_ecs(3)
    Commands(world.loop).scale("catalog", 3)
    world.platform.broken = "not authorized"
    await placed(world)
    told = [m for kind, _, m, _ in world.journal.records if kind == "problem"]
    assert told == [
        "another controller would not know whether its scaler is paused: not authorized"
    ]
    assert not world.loop.tracked["catalog"].steered
    world.platform.broken = ""
    world.clock.time += NOTE
    await placed(world)
    assert world.platform.notes == {"catalog": "scaled to 3 by command"}
