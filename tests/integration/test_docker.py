"""The same promise on a real Docker engine, and containers that only carry labels."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.load import Call, Load
from tests.docker_engine import PrivateEngine, private_engine
from tests.integration.cluster import RunningCluster
from tests.integration.test_no_request_lost import assert_nothing_lost

pytestmark = pytest.mark.integration
Make = Callable[..., RunningCluster]
LABELS = ("-l", "fairlead.host=shop.localhost", "-l", "fairlead.health=/")
COMPOSE = ("-l", "com.docker.compose.project=shop", "-l", "com.docker.compose.service=catalog")
HEALTH = {"path": "/", "interval": "500ms"}


@pytest.fixture(scope="module")
def running_engine() -> Iterator[PrivateEngine]:
    with private_engine(live_restore=True) as engine:
        yield engine


@pytest.fixture
async def engine(running_engine: PrivateEngine) -> AsyncIterator[PrivateEngine]:
    yield running_engine
    await running_engine.clear()


def app(engine: PrivateEngine, **more: Any) -> dict[str, Any]:
    service = {"image": engine.image, "routes": ["app.localhost"], "replicas": 1}
    return {**service, "health": HEALTH, **more}


def docker(cluster: Make, engine: PrivateEngine, services: dict[str, Any]) -> RunningCluster:
    return cluster(services, platform="docker", docker={"host": engine.host})


def gets(shop: RunningCluster, host: str = "app.localhost") -> Load:
    return shop.load(clients=6, host=host, calls=(Call("GET", "/"),))


async def test_scaling_and_rolling_containers_lose_no_request(
    cluster: Make, engine: PrivateEngine
) -> None:
    shop = docker(cluster, engine, {"app": app(engine)})
    await shop.start()
    await shop.ready(1)
    load = gets(shop)
    running = asyncio.create_task(load.run())
    await shop.scaled(4)
    await shop.scaled(1)
    await shop.scaled(2)
    before = {e["id"] for e in shop.endpoints()}
    shop.settings["services"]["app"]["env"] = {"VERSION": "2"}
    shop.write()
    await asyncio.to_thread(shop.client.apply)
    await shop.until(lambda: "rolled" in shop.event_kinds(), "the roll is done")
    await shop.ready(2)
    assert not before & {e["id"] for e in shop.endpoints()}
    await shop.served(load)
    load.stop()
    assert_nothing_lost(await running)


async def test_a_killed_container_is_replaced_and_costs_no_get(
    cluster: Make, engine: PrivateEngine
) -> None:
    shop = docker(cluster, engine, {"app": app(engine, replicas=3)})
    await shop.start()
    await shop.ready(3)
    load = gets(shop)
    running = asyncio.create_task(load.run())
    victim = shop.endpoints()[0]["id"]
    await shop.served(load)
    pid = await engine.docker("inspect", "-f", "{{.State.Pid}}", victim)
    os.kill(int(pid), signal.SIGKILL)
    await shop.until(lambda: "crash" in shop.event_kinds(), "the crash is told")
    await shop.until(lambda: victim not in {e["id"] for e in shop.endpoints()}, "it is forgotten")
    await shop.ready(3)
    await shop.served(load)
    load.stop()
    assert_nothing_lost(await running)


async def test_an_engine_that_is_away_costs_nothing_and_is_followed_again(
    cluster: Make, engine: PrivateEngine
) -> None:
    """On a network: published ports are served by processes that die with the engine."""
    shop = docker(cluster, engine, {"app": app(engine, replicas=2, network="bridge")})
    await shop.start()
    await shop.ready(2)
    load = gets(shop)
    running = asyncio.create_task(load.run())
    before = {e["id"] for e in shop.endpoints()}
    await asyncio.to_thread(engine.stop)
    await shop.until(lambda: shop.service()["problem"], "the problem is shown")
    await shop.served(load, 500)
    assert {e["id"] for e in shop.endpoints() if e["state"] == "ready"} == before
    await asyncio.to_thread(engine.start)
    await shop.until(lambda: not shop.service()["problem"], "the engine is followed again")
    await shop.ready(2)
    assert {e["id"] for e in shop.endpoints()} == before
    await shop.scaled(3)
    load.stop()
    assert_nothing_lost(await running)


async def test_containers_of_a_killed_fairlead_are_taken_over(
    cluster: Make, engine: PrivateEngine
) -> None:
    shop = docker(cluster, engine, {"app": app(engine, replicas=2)})
    await shop.start()
    await shop.ready(2)
    before = {e["id"] for e in shop.endpoints()}
    load = gets(shop)
    running = asyncio.create_task(load.run())
    shop.kill_daemon()
    await shop.served(load)
    await shop.start()
    await shop.ready(2)
    assert {e["id"] for e in shop.endpoints()} == before
    load.stop()
    assert_nothing_lost(await running)


async def test_what_compose_scales_is_served_by_its_labels_alone(
    cluster: Make, engine: PrivateEngine
) -> None:
    shop = docker(cluster, engine, {})
    await shop.start()
    copy = (*LABELS, *COMPOSE, "-p", "127.0.0.1::8080", engine.image)
    await engine.run("--name", "shop-catalog-1", *copy)
    await shop.until(lambda: shop.client.status()["services"], "the service is discovered")
    await shop.ready(1, "catalog")
    assert shop.service("catalog")["routes"] == ["shop.localhost"]
    load = gets(shop, "shop.localhost")
    running = asyncio.create_task(load.run())
    for number in (2, 3):
        await engine.run("--name", f"shop-catalog-{number}", *copy)
    await shop.ready(3, "catalog")
    await shop.served(load)
    for number in (2, 3):
        await engine.docker("stop", f"shop-catalog-{number}")
    await shop.ready(1, "catalog")
    await shop.served(load)
    load.stop()
    assert_nothing_lost(await running)


async def test_down_takes_its_own_containers_along_and_leaves_the_others(
    cluster: Make, engine: PrivateEngine
) -> None:
    other = await engine.run(*LABELS, *COMPOSE, "-p", "127.0.0.1::8080", engine.image)
    shop = docker(cluster, engine, {"app": app(engine, replicas=2)})
    await shop.start()
    await shop.ready(2)
    await shop.ready(1, "catalog")
    await shop.down()
    assert (await engine.docker("ps", "-aq", "--no-trunc")).split() == [other]


async def test_logs_of_containers_are_shown(cluster: Make, engine: PrivateEngine) -> None:
    command = ["sh", "-c", "echo here I am; exec busybox httpd -f -p 8080 -h /www"]
    shop = docker(cluster, engine, {"app": app(engine, run=command)})
    await shop.start()
    await shop.ready(1)
    shown = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("fairlead"), "logs", "app", "-f", str(shop.file),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await shown.communicate()
    assert shown.returncode == 0
    assert f"{shop.endpoints()[0]['id']} | here I am" in output.decode()
