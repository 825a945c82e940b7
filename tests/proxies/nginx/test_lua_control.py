"""The control listener: what it takes, refuses and keeps."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import Any

import h11
import pytest

from tests.ground import until
from tests.proxies.nginx.front import Nginx, Start, doc, entry, fetch, ok, route

pytestmark = pytest.mark.integration


async def test_generation_grows_with_each_accepted_push(nginx: Nginx) -> None:
    status, info = await nginx.control("GET", "/info")
    assert (status, info) == (200, {"generation": 0, "workers": 1, "pid": nginx.pid})
    assert [await nginx.put(doc("a", [])), await nginx.put(doc("b", []))] == [1, 2]
    assert await nginx.control("DELETE", "/services/a") == (200, {"generation": 3})
    assert await nginx.control("DELETE", "/services/a") == (200, {"generation": 3})
    assert (await nginx.control("GET", "/info"))[1]["generation"] == 3


async def test_the_table_comes_back_as_it_was_pushed(nginx: Nginx) -> None:
    tables = {name: doc(name, [], route(f"{name}.localhost")) for name in ("a", "b", "c")}
    for table in tables.values():
        await nginx.put(table)
    assert await nginx.control("GET", "/table") == (200, {"generation": 3, "services": tables})


def broken(**changes: Any) -> dict[str, Any]:
    return {**doc("a", [entry("a-1", 9, 0)]), **changes}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"service": "a"}',
        b'{"service": "a", "service": "a"}',
        b"[" * 100,
        b'"\xff\\u12"',
        json.dumps(broken()).encode() + b"x",
        json.dumps(broken(service="b")).encode(),
        json.dumps(broken(entries=[entry("a-1", 9, 0), entry("a-2", 9, 0)])).encode(),
        json.dumps(broken(entries=[entry("a-1", 9, 0), entry("a-1", 9, 1)])).encode(),
        json.dumps(broken(entries=[entry("a-1", 9, 32768)])).encode(),
        json.dumps(broken(entries=[entry("a-1", 0, 1)])).encode(),
        json.dumps(broken(entries=[entry("a-1", 9, 1.5)])).encode(),
        json.dumps(broken(entries=[entry("a-1", 9, 1, address="x; rm")])).encode(),
        json.dumps(broken(entries=[entry("a-1", 9, 1, address=45 * "1")])).encode(),
        json.dumps(broken(entries=[entry("a-1", 9, 1, state="away")])).encode(),
        json.dumps(broken(entries=[entry("a-1", 9, 1, weight=0)])).encode(),
        json.dumps(broken(entries=[entry("a\n1", 9, 1)])).encode(),
        json.dumps(broken(routes=[route("Shop;")])).encode(),
        json.dumps(broken(routes=[route("shop", "api")])).encode(),
        json.dumps(broken(routes=[route("shop", "/api/")])).encode(),
        json.dumps(doc("a", [], balance="magic")).encode(),
        json.dumps(doc("a", [], sticky="a;b")).encode(),
        json.dumps(doc("a", [], hash_key="header:a b")).encode(),
        json.dumps(doc("a", [], retries=-1)).encode(),
        json.dumps(doc("a", [], hold=None)).encode(),
    ],
)
async def test_a_bad_table_is_refused_and_changes_nothing(nginx: Nginx, body: bytes) -> None:
    table = doc("a", [entry("a-1", 9, 0)])
    await nginx.put(table)
    status, answer = await nginx.control("PUT", "/services/a", body)
    assert status == 400
    assert answer["error"]
    assert (await nginx.control("GET", "/table"))[1] == {"generation": 1, "services": {"a": table}}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("POST", "/services/a"),
        ("PUT", "/services/A"),
        ("PUT", "/services/a/b"),
    ],
)
async def test_what_it_does_not_know_is_400(nginx: Nginx, method: str, path: str) -> None:
    status, answer = await nginx.control(method, path, doc("a", []))
    assert (status, list(answer)) == (400, ["error"])


async def test_a_table_over_4_mib_is_refused(nginx: Nginx) -> None:
    answer = await fetch(nginx.socket, "/services/a", method="PUT", body=b" " * ((4 << 20) + 1))
    assert answer.status in (400, 413)


async def test_a_large_table_is_taken_and_replaced(nginx: Nginx) -> None:
    for generation in range(1, 6):
        entries = [entry(f"a-{generation}-{n}", 1 + n, n) for n in range(10_000)]
        assert await nginx.put(doc("a", entries)) == generation
    assert len(await nginx.counters("a")) == 10_000


async def test_it_is_closed_to_others(nginx: Nginx) -> None:
    assert nginx.socket.stat().st_mode & 0o777 == 0o600
    assert (await nginx.get("/info")).status == 404


async def test_the_table_is_read_from_disk_and_broken_files_are_left_out(
    nginx: Nginx, upstream: Start
) -> None:
    server = await upstream("kept")
    await nginx.put(doc("gone", []))
    await nginx.stop()
    kept = doc("kept", [entry("k-1", server.port, 0)])
    (nginx.prefix / "table" / "kept.json").write_text(json.dumps(kept))
    (nginx.prefix / "table" / "bad.json").write_text("{")
    (nginx.prefix / "table" / "other.json").write_text(json.dumps(doc("bad", [])))
    (nginx.prefix / "table" / ".kept.json.tmp").write_text("{")
    await nginx.start()
    assert (await nginx.get()).text == "kept"
    assert (await nginx.control("GET", "/table"))[1] == {
        "generation": 1,
        "services": {"kept": kept},
    }
    assert "bad.json is left out" in nginx.errors()
    assert "other.json is left out" in nginx.errors()


async def test_a_reload_keeps_table_and_counters(nginx: Nginx, upstream: Start) -> None:
    server = await upstream()
    await nginx.put(doc("a", [entry("a-1", server.port, 0)]))
    await nginx.get()
    before = nginx.workers()
    nginx.signal(signal.SIGHUP)

    async def renewed() -> bool:
        assert (await nginx.get()).status == 200
        return not set(before) & set(nginx.workers())

    await until(renewed)
    assert (await nginx.control("GET", "/info"))[1]["generation"] == 1
    assert (await nginx.counters("a"))["a-1"]["requests"] == len(server.requests)


async def test_counters_survive_a_kill_and_a_foreign_file_does_not(
    nginx: Nginx, upstream: Start
) -> None:
    server = await upstream()
    table = doc("a", [entry("a-1", server.port, 0)])
    (nginx.prefix / "table" / "a.json").write_text(json.dumps(table))
    await nginx.put(table)
    await nginx.get()
    await nginx.stop()
    await nginx.start()
    assert (await nginx.counters("a"))["a-1"]["requests"] == 1
    assert (await nginx.control("GET", "/info"))[1]["generation"] == 1
    await nginx.stop()
    (nginx.prefix / "counters.shm").write_bytes(b"something else")
    await nginx.start()
    assert (await nginx.get()).status == 200
    assert (await nginx.counters("a"))["a-1"]["requests"] == 1


async def test_a_dead_worker_leaves_nothing_in_flight(nginx: Nginx, upstream: Start) -> None:
    gate = asyncio.Event()

    async def slow(_request: object, _writer: object) -> bytes:
        await gate.wait()
        return ok("late")

    server = await upstream("a", slow)
    await nginx.put(doc("a", [entry("a-1", server.port, 0)], retries=0))
    waiting = asyncio.create_task(nginx.get())
    await nginx.in_flight("a-1", 1)
    os.kill(nginx.workers()[0], signal.SIGKILL)
    await nginx.in_flight("a-1", 0)
    gate.set()
    with pytest.raises((ConnectionError, h11.RemoteProtocolError)):
        await waiting
