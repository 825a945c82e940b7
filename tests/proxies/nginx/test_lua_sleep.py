"""A service that is asleep: its requests wait, fairlead is told, nobody waits beyond the bounds."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from tests.ground import free_port, until
from tests.proxies.nginx.front import Nginx, Start, doc, entry, fetch, ok

pytestmark = pytest.mark.integration

BODY = b"b" * 300_000


@pytest.fixture
async def calls(nginx: Nginx) -> AsyncIterator[list[str]]:
    """What nginx says at the socket that fairlead listens on."""
    async with listening(nginx) as heard:
        yield heard


@asynccontextmanager
async def listening(nginx: Nginx) -> AsyncIterator[list[str]]:
    heard: list[str] = []
    path = nginx.prefix / "wake.sock"
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    ear.bind(str(path))
    loop = asyncio.get_running_loop()
    loop.add_reader(ear, lambda: heard.append(ear.recv(256).decode()))
    try:
        yield heard
    finally:
        loop.remove_reader(ear)
        ear.close()
        path.unlink()


def asleep(**traffic: Any) -> dict[str, Any]:
    return {**doc("a", [], **{"hold": 30.0, **traffic}), "asleep": True}


async def waits(nginx: Nginx, service: str = "a") -> dict[str, Any]:
    status, answer = await nginx.control("GET", f"/waits?service={service}")
    assert status == 200
    return dict(answer)


async def waiting(nginx: Nginx, number: int) -> None:
    async def so_many() -> bool:
        with suppress(ConnectionError):
            return bool((await waits(nginx))["waiting"] == number)
        return False

    await until(so_many)


@pytest.mark.parametrize("workers", [1, 2])
async def test_requests_to_a_sleeping_service_are_told_of_at_once_and_answered(
    nginx: Nginx, calls: list[str], upstream: Start, workers: int
) -> None:
    if workers > 1:
        await nginx.stop()
        await nginx.start(workers)
    server = await upstream("awake")
    await nginx.put(asleep())
    begun = time.monotonic()
    posts = [asyncio.create_task(nginx.get(method="POST", body=BODY)) for _ in range(25)]
    gets = [asyncio.create_task(nginx.get()) for _ in range(25)]
    await until(lambda: _has(calls))
    assert time.monotonic() - begun < 2
    await waiting(nginx, 50)
    assert set(calls) == {"a"}
    assert not any(task.done() for task in (*posts, *gets))
    await nginx.put(doc("a", [entry("a-1", server.port, 0)], hold=30.0))
    answers = [await task for task in (*posts, *gets)]
    assert [(a.status, a.text) for a in answers] == [(200, "awake")] * 50
    bodies = [request.body for request in server.requests]
    assert sorted(map(len, bodies)) == [0] * 25 + [len(BODY)] * 25
    counted = await waits(nginx)
    assert (counted["waiting"], counted["held"], counted["refused"]) == (0, 50, 0)
    assert abs(counted["last"] - time.time()) < 60


async def _has(calls: list[str]) -> bool:
    return bool(calls)


async def test_a_service_that_only_starts_wakes_nobody(nginx: Nginx, calls: list[str]) -> None:
    await nginx.put(doc("a", [], hold=0.5))
    assert (await nginx.get()).status == 503
    assert not calls


async def test_fairlead_is_told_again_while_a_request_waits(nginx: Nginx, calls: list[str]) -> None:
    """It may have been away, or restarted meanwhile."""
    await nginx.put(asleep())
    task = asyncio.create_task(nginx.get())
    await until(lambda: _so_often(calls, 3))
    task.cancel()
    await waiting(nginx, 0)


async def _so_often(calls: list[str], number: int) -> bool:
    return len(calls) >= number


async def test_without_fairlead_the_wait_ends_in_503(nginx: Nginx) -> None:
    await nginx.put(asleep(hold=1.2))
    begun = time.monotonic()
    for method in ("GET", "POST"):
        answer = await nginx.get(method=method, body=BODY if method == "POST" else b"")
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) > 0
    assert 2.4 <= time.monotonic() - begun < 30
    counted = await waits(nginx)
    assert (counted["waiting"], counted["held"], counted["refused"]) == (0, 2, 2)


async def test_one_that_is_not_held_wakes_all_the_same(nginx: Nginx, calls: list[str]) -> None:
    await nginx.put(asleep(hold=0.0))
    assert (await nginx.get()).status == 503
    await until(lambda: _has(calls))


async def test_no_more_wait_than_the_bound_and_those_who_leave_make_room(nginx: Nginx) -> None:
    await nginx.stop()
    await nginx.start(2)
    await nginx.put(asleep())

    async def wait(head: bytes) -> asyncio.StreamWriter:
        _, writer = await asyncio.open_connection("127.0.0.1", nginx.port)
        writer.write(head)
        return writer

    get = b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n"
    post = b"POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 5\r\n\r\n12345"
    clients = [await wait(post if n % 2 else get) for n in range(1024)]
    await waiting(nginx, 1024)
    answer = await nginx.get()
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert (await waits(nginx))["waiting"] == 1024
    for writer in clients:
        writer.transport.abort()
    await waiting(nginx, 0)
    assert (await waits(nginx))["refused"] == 1


async def test_all_services_together_have_a_bound_too(nginx: Nginx) -> None:
    for name in ("a", "b", "c"):
        routes = [{"host": f"{name}.localhost", "path": "/", "strip": False}]
        await nginx.put({**asleep(), "service": name, "routes": routes})
    clients = []
    for n in range(2048):
        _, writer = await asyncio.open_connection("127.0.0.1", nginx.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: %s.localhost\r\n\r\n" % (b"a" if n % 2 else b"b"))
        clients.append(writer)
    await waiting(nginx, 1024)

    async def full() -> bool:
        return bool((await waits(nginx, "b"))["waiting"] == 1024)

    await until(full)
    answer = await nginx.get(headers={"Host": "c.localhost"})
    assert answer.status == 503
    for writer in clients:
        writer.transport.abort()
    await waiting(nginx, 0)


async def test_places_of_a_worker_that_was_killed_are_free(nginx: Nginx) -> None:
    await nginx.put(asleep())
    tasks = [asyncio.create_task(nginx.get()) for _ in range(20)]
    await waiting(nginx, 20)
    before = nginx.workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    await asyncio.gather(*tasks, return_exceptions=True)
    await waiting(nginx, 0)


async def test_a_reload_loses_nobody_who_waits(nginx: Nginx, upstream: Start) -> None:
    server = await upstream("awake")
    await nginx.put(asleep())
    tasks = [asyncio.create_task(nginx.get(method="POST", body=BODY)) for _ in range(10)]
    await waiting(nginx, 10)
    before = nginx.workers()
    nginx.signal(signal.SIGHUP)

    async def renewed() -> bool:
        return bool(set(nginx.workers()) - set(before))

    await until(renewed)
    tasks += [asyncio.create_task(nginx.get()) for _ in range(10)]
    await waiting(nginx, 20)
    await nginx.put(doc("a", [entry("a-1", server.port, 0)], hold=30.0))
    assert [(await task).text for task in tasks] == ["awake"] * 20


async def test_they_wait_no_longer_once_nobody_is_expected(nginx: Nginx) -> None:
    """Its start was given up, or somebody wants it to be at 0."""
    await nginx.put(asleep())
    task = asyncio.create_task(nginx.get())
    await waiting(nginx, 1)
    await nginx.put(doc("a", [], hold=0.0))
    async with asyncio.timeout(10):
        assert (await task).status == 503


async def test_those_who_waited_do_not_come_all_at_once(nginx: Nginx) -> None:
    """A listener with a short backlog would drop what it cannot take."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ok("small", extra="Connection: close\r\n"))
        writer.close()

    port = free_port()
    await nginx.put(asleep())
    tasks = [asyncio.create_task(fetch(nginx.port)) for _ in range(200)]
    await waiting(nginx, 200)
    async with await asyncio.start_server(serve, "127.0.0.1", port, backlog=5):
        await nginx.put(doc("a", [entry("a-1", port, 0)], hold=30.0))
        assert {(await task).status for task in tasks} == {200}
