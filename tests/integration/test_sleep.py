"""Scale to zero live: whoever comes to a service that is asleep is answered."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bench.load import Answer, Call, Connection
from tests.ground import until
from tests.integration.asking import assert_nothing_lost
from tests.integration.cluster import RunningCluster, service
from tests.integration.fleet import Fleet

pytestmark = [pytest.mark.integration, pytest.mark.scaling]
Make = Callable[..., RunningCluster]

START = 3.0
CLIENTS = 50
LARGE = b"b" * 200_000


def sleeper(delay: float = START, **more: Any) -> dict[str, Any]:
    """Sleeps as soon as nobody has come for 6 s."""
    scale = {"min": 0, "max": 3, "keep_alive": "6s"}
    return service(env={"START_DELAY": str(delay)}, scale=scale, **more)


async def ask(shop: RunningCluster, call: Call) -> Answer:
    connection = await Connection.open("127.0.0.1", shop.port)
    try:
        return await connection.send(call.render("app.localhost"))
    finally:
        connection.close()


def crowd(shop: RunningCluster, clients: int = CLIENTS) -> list[asyncio.Task[Answer]]:
    """GET and POST, by turns."""
    calls = (Call("GET", "/a"), Call("POST", "/b", LARGE))
    return [asyncio.create_task(ask(shop, calls[n % 2])) for n in range(clients)]


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def told(shop: RunningCluster, kind: str) -> list[str]:
    return [event["message"] for event in shop.client.events() if event["kind"] == kind]


def _waiting(shop: RunningCluster) -> int:
    """Asked of nginx itself."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
        asked.connect(str(shop.state / "nginx" / "control.sock"))
        asked.sendall(b"GET /waits?service=app HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: asked.recv(4096), b""))
    return int(json.loads(answer.partition(b"\r\n\r\n")[2])["waiting"])


async def happened(shop: RunningCluster, kind: str, times: int) -> None:
    await shop.until(lambda: len(told(shop, kind)) >= times, f"{kind}, {times} times", 120)


async def asleep(shop: RunningCluster, times: int = 1) -> None:
    """Wait until it has fallen asleep so often, and nothing of it runs."""
    await happened(shop, "sleep", times)
    await shop.until(lambda: not shop.endpoints(), "nothing of it runs")
    assert shop.service()["asleep"] is True


async def test_fifty_clients_wake_it_and_all_are_answered_and_it_sleeps_again(
    cluster: Make,
) -> None:
    shop = cluster({"app": sleeper()}, proxy={"workers": 2})
    await shop.start()
    await asleep(shop)
    began = time.monotonic()
    answers = await asyncio.gather(*crowd(shop))
    assert statuses(answers) == {200: CLIENTS}
    assert START < time.monotonic() - began < START + 30
    assert {a.body for a in answers} == {b"GET /a ", b"POST /b " + LARGE}
    assert told(shop, "wake") == ["a request waits"]
    assert told(shop, "start")[-1].startswith("1 wanted")
    await asleep(shop, 2)
    assert all(message.startswith("no request for ") for message in told(shop, "sleep"))
    assert shop.client.status()["proxy"]["reloads"] == 0


async def test_who_comes_at_the_moment_it_falls_asleep_is_answered(cluster: Make) -> None:
    """By the scaler's own doing, and many times over by hand, under load."""
    shop = cluster({"app": sleeper(0.2)}, proxy={"workers": 2})
    await shop.start()
    for times in (1, 2):
        await happened(shop, "sleep", times)
        assert statuses(await asyncio.gather(*crowd(shop))) == {200: CLIENTS}
    load = shop.load(clients=8)
    running = asyncio.create_task(load.run())
    for times in range(3, 9):
        await shop.served(load)
        await asyncio.to_thread(shop.client.scale, "app", 0)
        await happened(shop, "wake", times)
    await shop.served(load)
    load.stop()
    assert_nothing_lost(await running)


async def test_by_hand_it_sleeps_too_and_without_min_0_it_does_not(cluster: Make) -> None:
    shop = cluster(
        {"app": sleeper(0.2), "stays": service(routes=["stays.localhost"], scale={"min": 1})}
    )
    await shop.start()
    for name in ("app", "stays"):
        await shop.ready(1, name)
        await shop.scaled(0, name)
    assert (await shop.get()).status == 200
    assert "asleep" not in shop.service("stays")
    answer = await shop.get(host="stays.localhost")
    assert (answer.status, int(answer.headers["retry-after"]) > 0) == (503, True)
    assert shop.service("stays")["desired"] == 0


async def test_with_fairlead_dead_a_wait_ends_and_a_restart_answers_who_still_waits(
    cluster: Make,
) -> None:
    shop = cluster({"app": sleeper(0.2, hold="4s")})
    await shop.start()
    await asleep(shop)
    shop.kill_daemon()
    began = time.monotonic()
    refused = await asyncio.gather(*crowd(shop, 10))
    assert statuses(refused) == {503: 10}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    assert 4.0 <= time.monotonic() - began < 20
    shop.settings["services"]["app"]["hold"] = "60s"
    shop.write()
    await shop.start()
    await asyncio.to_thread(shop.client.apply)
    await asleep(shop)
    shop.kill_daemon()
    waiting = crowd(shop, 10)
    await until(lambda: _waiting(shop) == 10)
    await shop.start()
    assert statuses(await asyncio.gather(*waiting)) == {200: 10}


async def test_beyond_the_bound_it_is_503_at_once(cluster: Make) -> None:
    shop = cluster({"app": sleeper(60.0)}, proxy={"workers": 1})
    await shop.start()
    await asleep(shop)
    crowded = [asyncio.create_task(ask(shop, Call("GET", "/a"))) for _ in range(1030)]
    await until(lambda: sum(task.done() for task in crowded) >= 6)
    refused = [task.result() for task in crowded if task.done()]
    assert statuses(refused) == {503: 6}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    for task in crowded:
        task.cancel()
    await asyncio.gather(*crowded, return_exceptions=True)


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    made = Fleet(tmp_path, {"app": sleeper(0.2)})
    yield made
    await made.down()
    shutil.rmtree(tmp_path, ignore_errors=True)


async def test_who_waits_at_any_node_of_a_cluster_wakes_it(fleet: Fleet) -> None:
    await fleet.start("n1", "n2")
    for load in fleet.loads(pause=0.01):
        await fleet.ready(1)
        await asyncio.to_thread(fleet.controller.client.scale, "app", 0)
        for daemon in fleet.there():
            await fleet.until(daemon, [])
        assert_nothing_lost(await load.run(3.0))
    kinds = Counter(event.kind for event in fleet.controller.events())
    assert kinds["wake"] >= 2
