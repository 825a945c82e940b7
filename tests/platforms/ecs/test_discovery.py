from __future__ import annotations

from typing import Any

from fairlead.core.model import CheckKind, Container, Route
from tests.ground import until
from tests.platforms.ecs.ground import World, running

LABELS = {
    "fairlead.service": "shop",
    "fairlead.host": "shop.example.com",
    "fairlead.path": "/api",
    "fairlead.port": "8080",
    "fairlead.health": "/health",
}


def labelled(**labels: str) -> list[dict[str, Any]]:
    mapped = [{"containerPort": 8080, "hostPort": 0}]
    return [
        {"name": "app", "portMappings": mapped, "dockerLabels": {**LABELS, **labels}},
        {"name": "hook"},
    ]


async def test_labels_make_a_service_that_can_be_scaled(world: World) -> None:
    world.ecs.add("shop-service", 2, containerDefinitions=labelled())
    world.ecs.add("plain", 1)
    platform = await world.opened()
    (found,) = await platform.services()
    assert found.name == "shop"
    assert found.routes == (Route("shop.example.com", "/api"),)
    assert found.container == Container(port=8080, task_service="shop-service", name="app")
    assert (found.health.kind, found.health.path) == (CheckKind.HTTP, "/health")
    assert found.orchestrated
    assert not found.fixed
    sighting = await platform.observe([found])
    assert len(sighting.endpoints) == sighting.desired == 2


async def test_a_new_service_is_notified_and_found_with_its_first_task(world: World) -> None:
    platform = await world.opened()
    assert await platform.services() == ()
    world.notified.clear()
    world.ecs.add("shop-service", 1, containerDefinitions=labelled())
    await until(lambda: "shop-service" in {n for _, n in world.notified}, "a notice", 5)
    (found,) = await until(platform.services, "it is read, some calls after its first notice", 5)
    assert found.name == "shop"


async def test_one_without_tasks_is_still_known(world: World) -> None:
    shop = world.ecs.add("shop-service", 1, containerDefinitions=labelled())
    platform = await world.opened()
    shop.desired = 0
    world.ecs.live()
    turns = world.ecs.count("DescribeServices")
    await until(lambda: world.ecs.count("DescribeServices") > turns, "a read")
    assert [s.name for s in await platform.services()] == ["shop"]


async def test_wrong_labels_are_told_once_and_make_none(world: World) -> None:
    bad = labelled(**{"fairlead.host": "a b; drop"})
    world.ecs.add("shop-service", 1, containerDefinitions=bad)
    platform = await world.opened()
    for _ in range(3):
        assert await platform.services() == ()
    (told,) = world.told.of("problem")
    assert "fairlead.host" in told


async def test_of_two_that_claim_one_name_the_first_keeps_it(world: World) -> None:
    for name in ("b-service", "a-service"):
        world.ecs.add(name, 1, containerDefinitions=labelled())
    platform = await world.opened()
    (found,) = await platform.services()
    assert found.container.task_service == "a-service"
    assert "a-service" in world.told.of("problem")[0]


async def test_it_can_be_turned_off(world: World) -> None:
    world.ecs.add("shop-service", 1, containerDefinitions=labelled())
    platform = await world.opened(discover=False)
    assert await platform.services() == ()
    assert world.ecs.count("ListServices") == 0


async def test_settings_may_name_the_same_service(world: World) -> None:
    world.ecs.add("shop-service", 1, containerDefinitions=labelled())
    platform = await world.opened("shop-service")
    assert len(await running(platform, 1, "shop-service")) == 1
