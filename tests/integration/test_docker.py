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

from bench.load import Call
from tests.docker_engine import PrivateEngine, private_engine
from tests.integration.asking import assert_nothing_lost
from tests.integration.cluster import APP, RunningCluster
from tests.python_image import python_changes, python_files

pytestmark = pytest.mark.integration
Make = Callable[..., RunningCluster]
LABELS = ("-l", "fairlead.host=shop.localhost", "-l", "fairlead.health=/")
COMPOSE = ("-l", "com.docker.compose.project=shop", "-l", "com.docker.compose.service=catalog")
IMAGE = "fairlead-test-app:1"


@pytest.fixture(scope="module")
def running_engine() -> Iterator[PrivateEngine]:
    with private_engine(live_restore=True) as engine:
        engine.import_image(IMAGE, python_files(APP), *python_changes(8080))
        yield engine


@pytest.fixture
async def engine(running_engine: PrivateEngine) -> AsyncIterator[PrivateEngine]:
    yield running_engine
    await running_engine.clear()


@pytest.fixture
def cluster(engine: PrivateEngine, cluster: Make) -> Make:
    """Ended before the engine is cleared: a fairlead that lives replaces what is taken from it."""
    return cluster


def app(**more: Any) -> dict[str, Any]:
    """The test application in a container: it answers GETs and POSTs."""
    health = {"path": "/health", "interval": "500ms"}
    return {"image": IMAGE, "routes": ["app.localhost"], "replicas": 1, "health": health, **more}


def docker(cluster: Make, engine: PrivateEngine, services: dict[str, Any]) -> RunningCluster:
    return cluster(services, platform="docker", docker={"host": engine.host})


def gone(shop: RunningCluster, ids: set[str]) -> bool:
    return not ids & {e["id"] for e in shop.endpoints()}


async def test_scaling_rolling_and_draining_containers_lose_no_request(
    cluster: Make, engine: PrivateEngine
) -> None:
    shop = docker(cluster, engine, {"app": app()})
    await shop.start()
    await shop.ready(1)
    load = shop.load(clients=6)
    running = asyncio.create_task(load.run())
    for count in (4, 1, 3):
        await shop.scaled(count)
    before = {e["id"] for e in shop.endpoints()}
    shop.settings["services"]["app"]["env"] = {"VERSION": "2"}
    shop.write()
    await asyncio.to_thread(shop.client.apply)
    await shop.until(lambda: "rolled" in shop.event_kinds(), "the roll is done")
    await shop.ready(3)
    assert gone(shop, before)
    assert (await shop.get()).headers["x-version"] == "2"
    victim = shop.endpoints()[0]["id"]
    await asyncio.to_thread(shop.client.drain, "app", victim)
    await shop.until(lambda: gone(shop, {victim}), "the drained one is gone")
    await shop.ready(3)
    before = {e["id"] for e in shop.endpoints()}
    await asyncio.to_thread(shop.client.restart, "app")
    await shop.until(lambda: gone(shop, before), "every container was restarted")
    await shop.ready(3)
    await shop.served(load)
    load.stop()
    assert_nothing_lost(await running)


@pytest.mark.parametrize("reach", [{"network": "bridge"}, {}], ids=["network", "published"])
async def test_a_killed_container_is_replaced_and_costs_no_get(
    cluster: Make, engine: PrivateEngine, reach: dict[str, str]
) -> None:
    """And of POSTs, which nobody may send twice, only those that it was working on. Where its port
    is published, Docker's own proxy goes on accepting others until Docker knows of the death."""
    shop = docker(cluster, engine, {"app": app(replicas=3, **reach)})
    await shop.start()
    await shop.ready(3)
    gets = shop.load(clients=6, calls=(Call("GET", "/a"),))
    posts = shop.load(clients=6, calls=(Call("POST", "/b", b"body"),))
    running = [asyncio.create_task(load.run()) for load in (gets, posts)]
    victim = shop.endpoints()[0]["id"]
    await shop.served(gets)
    pid = await engine.docker("inspect", "-f", "{{.State.Pid}}", victim)
    os.kill(int(pid), signal.SIGKILL)
    await shop.until(lambda: "crash" in shop.event_kinds(), "the crash is told")
    await shop.until(lambda: gone(shop, {victim}), "it is forgotten")
    await shop.ready(3)
    await shop.served(gets)
    await shop.served(posts)
    gets.stop()
    posts.stop()
    got, posted = [await task for task in running]
    assert_nothing_lost(got)
    if reach:
        assert posted.failed <= 6
    assert set(posted.reasons) <= {"POST: status 502"}
    assert posted.connections_broken == 0


async def test_an_engine_that_is_away_costs_nothing_and_is_followed_again(
    cluster: Make, engine: PrivateEngine
) -> None:
    """On a network: published ports are served by processes that die with the engine."""
    shop = docker(cluster, engine, {"app": app(replicas=2, network="bridge")})
    await shop.start()
    await shop.ready(2)
    load = shop.load(clients=6)
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
    shop = docker(cluster, engine, {"app": app(replicas=2)})
    await shop.start()
    await shop.ready(2)
    before = {e["id"] for e in shop.endpoints()}
    load = shop.load(clients=6)
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
    copy = (*LABELS, *COMPOSE, "-p", "127.0.0.1::8080", IMAGE)
    await engine.run("--name", "shop-catalog-1", *copy)
    await shop.until(lambda: shop.client.status()["services"], "the service is discovered")
    await shop.ready(1, "catalog")
    assert shop.service("catalog")["routes"] == ["shop.localhost"]
    load = shop.load(clients=6, host="shop.localhost", calls=(Call("GET", "/"),))
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
    shop = docker(cluster, engine, {"app": app(replicas=2)})
    await shop.start()
    await shop.ready(2)
    await shop.ready(1, "catalog")
    await shop.down()
    assert (await engine.docker("ps", "-aq", "--no-trunc")).split() == [other]


async def test_logs_of_containers_are_shown(cluster: Make, engine: PrivateEngine) -> None:
    serve = "trap 'exit 0' TERM; busybox httpd -f -p 8080 -h /www & wait"
    command = ["sh", "-c", f"echo here I am; {serve}"]
    shop = docker(
        cluster, engine, {"app": app(image=engine.image, run=command, health={"path": "/"})}
    )
    await shop.start()
    await shop.ready(1)
    shown = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("fairlead"), "logs", "app", "-f", str(shop.file),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await shown.communicate()
    assert shown.returncode == 0
    assert f"{shop.endpoints()[0]['id']} | here I am" in output.decode()
