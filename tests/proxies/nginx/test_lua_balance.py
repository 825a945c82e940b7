"""Which endpoint gets a request: shares, weights, hashing, cookies, slow start."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import pytest

from tests.ground import until
from tests.proxies.nginx.front import Nginx, Request, Start, doc, entry, ok

pytestmark = pytest.mark.integration


async def place(nginx: Nginx, upstream: Start, count: int, **traffic: Any) -> list[dict[str, Any]]:
    entries = [entry(f"a-{n}", (await upstream(f"a-{n}")).port, n) for n in range(count)]
    await nginx.put(doc("a", entries, **traffic))
    return entries


async def shares(nginx: Nginx, requests: int, **how: Any) -> Counter[str]:
    """How often each endpoint answered."""
    answers: Counter[str] = Counter()
    for _ in range(requests):
        answers[(await nginx.get(**how)).text] += 1
    return answers


@pytest.mark.parametrize("balance", ["p2c", "round-robin", "least-time"])
async def test_every_endpoint_gets_requests(nginx: Nginx, upstream: Start, balance: str) -> None:
    await place(nginx, upstream, 4, balance=balance)
    got = await shares(nginx, 200)
    assert set(got) == {"a-0", "a-1", "a-2", "a-3"}
    assert balance == "least-time" or min(got.values()) > 15


async def test_round_robin_takes_turns(nginx: Nginx, upstream: Start) -> None:
    await place(nginx, upstream, 3, balance="round-robin")
    assert set((await shares(nginx, 30)).values()) == {10}


async def test_round_robin_weighs_and_mixes(nginx: Nginx, upstream: Start) -> None:
    entries = await place(nginx, upstream, 2)
    entries[1]["weight"] = 3
    await nginx.put(doc("a", entries, balance="round-robin"))
    order = [(await nginx.get()).text for _ in range(40)]
    assert Counter(order) == {"a-0": 10, "a-1": 30}
    assert "a-0a-0" not in "".join(order)


async def test_weights_shape_the_shares(nginx: Nginx, upstream: Start) -> None:
    entries = await place(nginx, upstream, 2)
    entries[1]["weight"] = 4
    await nginx.put(doc("a", entries, balance="p2c"))
    got = await shares(nginx, 300)
    assert got["a-1"] > 1.5 * got["a-0"]
    assert got["a-0"] > 5


async def test_p2c_avoids_the_busy_one(nginx: Nginx, upstream: Start) -> None:
    gate = asyncio.Event()

    async def stuck(_request: Request, _writer: asyncio.StreamWriter) -> bytes:
        await gate.wait()
        return ok("stuck")

    first, second = await upstream("stuck", stuck), await upstream("free")
    await nginx.put(doc("a", [entry("a-0", first.port, 0)]))
    waiting = [asyncio.create_task(nginx.get()) for _ in range(3)]
    await nginx.in_flight("a-0", 3)
    await nginx.put(doc("a", [entry("a-0", first.port, 0), entry("a-1", second.port, 1)]))
    assert await shares(nginx, 20) == {"free": 20}
    gate.set()
    assert {(await each).text for each in waiting} == {"stuck"}
    assert (await nginx.counters("a"))["a-0"]["in_flight"] == 0


async def test_least_time_prefers_the_quick(nginx: Nginx, upstream: Start) -> None:
    async def slow(_request: Request, _writer: asyncio.StreamWriter) -> bytes:
        await asyncio.sleep(0.05)
        return ok("slow")

    first, second = await upstream("slow", slow), await upstream("quick")
    entries = [entry("a-0", first.port, 0), entry("a-1", second.port, 1)]
    await nginx.put(doc("a", entries, balance="least-time"))
    got = await shares(nginx, 60)
    assert got["quick"] > 45


async def test_hash_keeps_a_key_and_moves_few(nginx: Nginx, upstream: Start) -> None:
    entries = await place(nginx, upstream, 5, balance="hash", hash_key="header:X-User")

    async def owners() -> dict[str, str]:
        users = [f"user-{n}" for n in range(150)]
        return {user: (await nginx.get(headers={"X-User": user})).text for user in users}

    before = await owners()
    assert await owners() == before
    assert min(Counter(before.values()).values()) > 10
    entries[2]["state"] = "down"
    await nginx.put(doc("a", entries, balance="hash", hash_key="header:X-User"))
    after = await owners()
    moved = {user for user in before if before[user] != after[user]}
    assert moved == {user for user in before if before[user] == "a-2"}


@pytest.mark.parametrize(
    ("key", "how"),
    [
        ("uri", {"target": "/one?x=1"}),
        ("cookie:session", {"headers": {"Cookie": "x=1; session=abc"}}),
        ("ip", {}),
        ("header:X-None", {}),
    ],
)
async def test_hash_keys(nginx: Nginx, upstream: Start, key: str, how: dict[str, Any]) -> None:
    await place(nginx, upstream, 4, balance="hash", hash_key=key)
    assert len(await shares(nginx, 12, **how)) == 1


async def test_a_cookie_leads_back_until_its_endpoint_leaves(nginx: Nginx, upstream: Start) -> None:
    entries = await place(nginx, upstream, 4, sticky="fl")
    first = await nginx.get()
    cookie, *attributes = first.headers["set-cookie"].split("; ")
    assert attributes == ["Path=/", "HttpOnly", "SameSite=Lax"]
    assert first.text not in cookie
    again = [await nginx.get(headers={"Cookie": f"a=b; {cookie}"}) for _ in range(20)]
    assert {answer.text for answer in again} == {first.text}
    assert not any("set-cookie" in answer.headers for answer in again)
    gone = [each for each in entries if each["id"] != first.text]
    await nginx.put(doc("a", gone, sticky="fl"))
    moved = await nginx.get(headers={"Cookie": cookie})
    assert moved.status == 200
    assert moved.headers["set-cookie"].split("; ")[0] != cookie


async def test_slow_start_begins_with_few(nginx: Nginx, upstream: Start) -> None:
    entries = await place(nginx, upstream, 2)
    entries[1]["ready_at"] = time.time()
    for balance in ("p2c", "round-robin", "least-time"):
        await nginx.put(doc("a", entries, balance=balance, slow_start=1000.0))
        cold = await shares(nginx, 100)
        assert 0 <= cold["a-1"] < 30, balance
        await nginx.put(doc("a", entries, balance=balance, slow_start=0.001))
        warm = await shares(nginx, 100)
        assert warm["a-1"] > (0 if balance == "least-time" else 25), balance


async def test_a_cold_one_is_not_chosen_for_being_idle(nginx: Nginx, upstream: Start) -> None:
    async def busy(request: Request, writer: asyncio.StreamWriter) -> bytes:
        await asyncio.sleep(0.02)
        return ok("answer")

    servers = [await upstream("a", busy) for _ in range(2)]
    entries = [entry(f"a-{n}", server.port, n) for n, server in enumerate(servers)]
    entries[1]["ready_at"] = time.time()
    await nginx.put(doc("a", entries, balance="p2c", slow_start=1000.0))
    await asyncio.gather(*(shares(nginx, 25) for _ in range(16)))
    assert len(servers[1].requests) < 70  # of 400; it has a tenth of its weight


@pytest.mark.parametrize("state", ["down", "draining"])
async def test_only_up_gets_requests_and_all_keep_counters(
    nginx: Nginx, upstream: Start, state: str
) -> None:
    entries = await place(nginx, upstream, 2)
    await shares(nginx, 20)
    before = await nginx.counters("a")
    entries[0]["state"] = state
    await nginx.put(doc("a", entries))
    assert await shares(nginx, 20) == {"a-1": 20}
    after = await nginx.counters("a")
    assert after["a-0"] == before["a-0"]
    assert after["a-1"]["requests"] == before["a-1"]["requests"] + 20


async def test_a_slot_starts_at_zero_for_a_new_endpoint(nginx: Nginx, upstream: Start) -> None:
    server = await upstream()
    await nginx.put(doc("a", [entry("a-1", server.port, 7)]))
    await shares(nginx, 5)
    counted = (await nginx.counters())["a-1"]
    assert (counted["requests"], counted["statuses"]) == (5, [0, 5, 0, 0, 0])
    assert sum(counted["latency"]) == 5
    await nginx.put(doc("a", [entry("a-2", server.port, 7)]))
    counted = (await nginx.counters())["a-2"]
    assert (counted["requests"], counted["statuses"]) == (0, [0] * 5)
    assert (sum(counted["latency"]), counted["latency_sum"]) == (0, 0)
    await shares(nginx, 3)
    assert (await nginx.counters())["a-2"]["requests"] == 3


async def test_an_answer_of_the_endpoint_before_is_not_counted_for_the_new_one(
    nginx: Nginx, upstream: Start
) -> None:
    go_on = asyncio.Event()

    async def wait(_request: Request, _writer: asyncio.StreamWriter) -> bytes:
        await go_on.wait()
        return ok("late")

    late, server = await upstream("late", wait), await upstream()
    await nginx.put(doc("a", [entry("a-1", late.port, 7)]))
    asked = asyncio.create_task(nginx.get())
    await until(lambda: late.requests)
    await nginx.put(doc("a", [entry("a-2", server.port, 7)]))
    await shares(nginx, 3)
    go_on.set()
    assert (await asked).text == "late"
    counted = (await nginx.counters())["a-2"]
    assert (counted["requests"], counted["in_flight"]) == (3, 0)


async def test_among_many_endpoints_the_less_busy_of_two_is_chosen(
    nginx: Nginx, upstream: Start
) -> None:
    async def hang(_request: Request, _writer: asyncio.StreamWriter) -> bytes:
        await asyncio.sleep(60)
        return b""

    busy, idle = await upstream("busy", hang), await upstream("idle")
    await nginx.put(doc("a", [entry(f"a-{n}", busy.port, n) for n in range(40)]))
    # The test holds both ends of each: far fewer than 1,024 descriptors.
    held = [asyncio.create_task(nginx.get()) for _ in range(200)]
    await until(lambda: len(busy.requests) == 200, lambda: f"{len(busy.requests)} held")
    places = [entry(f"a-{n}", busy.port if n < 40 else idle.port, n) for n in range(80)]
    await nginx.put(doc("a", places))
    more = [asyncio.create_task(nginx.get()) for _ in range(100)]
    await until(
        lambda: len(busy.requests) - 200 + len(idle.requests) == 100,
        lambda: f"{len(busy.requests)} busy, {len(idle.requests)} idle",
    )
    # Only where both of the two are busy, a quarter of the times, a busy one is chosen.
    assert len(busy.requests) - 200 < 45
    for each in [*held, *more]:
        each.cancel()


async def test_two_workers_count_together(nginx: Nginx, upstream: Start) -> None:
    await nginx.stop()
    await nginx.start(workers=2)
    await place(nginx, upstream, 2)
    await asyncio.gather(*(nginx.get() for _ in range(100)))
    counted = (await nginx.counters("a")).values()
    assert sum(each["requests"] for each in counted) == 100
    assert sum(each["in_flight"] for each in counted) == 0
