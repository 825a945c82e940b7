"""Endpoints of the proxy's own node first, others once those are busier by the handicap."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import pytest

from tests.ground import until
from tests.proxies.nginx.front import Nginx, Reply, Request, Start, doc, entry, ok, route

pytestmark = pytest.mark.integration

PREFER = {"locality": "prefer-node"}
HANDICAP = 4


class Place:
    """Near and far upstreams; requests to a held one wait for `gate`."""

    def __init__(self, start: Start) -> None:
        self._start, self.gate = start, asyncio.Event()

    async def entry(self, name: str, slot: int, held: bool = False, **row: Any) -> dict[str, Any]:
        server = await self._start(name, self._held(name) if held else None)
        return entry(name, server.port, slot, near=name.startswith("near"), **row)

    def _held(self, name: str) -> Reply:
        async def reply(_request: Request, _writer: asyncio.StreamWriter) -> bytes:
            await self.gate.wait()
            return ok(name)

        return reply


async def names(nginx: Nginx, requests: int) -> Counter[str]:
    return Counter([(await nginx.get()).text for _ in range(requests)])


async def test_idle_near_ones_get_everything(nginx: Nginx, upstream: Start) -> None:
    place = Place(upstream)
    found = ("near-0", "near-1", "far-0", "far-1")
    rows = [await place.entry(name, slot) for slot, name in enumerate(found)]
    await nginx.put(doc("a", rows, **PREFER))
    got = await names(nginx, 60)
    assert set(got) == {"near-0", "near-1"}
    assert min(got.values()) > 10


async def test_without_the_setting_nearness_means_nothing(nginx: Nginx, upstream: Start) -> None:
    place = Place(upstream)
    rows = [await place.entry("near-0", 0), await place.entry("far-0", 1)]
    await nginx.put(doc("a", rows))
    got = await names(nginx, 100)
    assert min(got["near-0"], got["far-0"]) > 25


@pytest.mark.parametrize("weight", [1, 3])
async def test_it_spills_over_beyond_the_handicap_per_weight(
    nginx: Nginx, upstream: Start, weight: int
) -> None:
    place = Place(upstream)
    rows = [await place.entry("near-0", 0, held=True, weight=weight), await place.entry("far-0", 1)]
    await nginx.put(doc("a", rows, **PREFER))
    most = HANDICAP * weight + 1
    waiting = []
    for n in range(1, most + 1):
        waiting.append(asyncio.create_task(nginx.get()))
        await nginx.in_flight("near-0", n)
    assert await names(nginx, 20) == {"far-0": 20}
    place.gate.set()
    assert {(await each).text for each in waiting} == {"near-0"}
    assert await names(nginx, 20) == {"near-0": 20}


async def test_of_the_far_ones_the_less_busy_takes_over(nginx: Nginx, upstream: Start) -> None:
    place = Place(upstream)
    near = await place.entry("near-0", 0, held=True)
    busy, free = await place.entry("far-0", 1, held=True), await place.entry("far-1", 2)
    waiting = []
    for rows, name, count in (([near], "near-0", 30), ([near, busy], "far-0", 3)):
        await nginx.put(doc("a", rows, **PREFER))
        waiting += [asyncio.create_task(nginx.get()) for _ in range(count)]
        await nginx.in_flight(name, count)
    await nginx.put(doc("a", [near, busy, free], **PREFER))
    asked: list[asyncio.Task[Any]] = []
    for _ in range(32):
        asked.append(asyncio.create_task(nginx.get()))
        await until(lambda: _settled(nginx, asked, 3))
    answered = sum(task.done() for task in asked)
    assert (await nginx.counters())["near-0"]["in_flight"] == 30
    place.gate.set()
    await asyncio.gather(*waiting, *asked)
    assert answered > 20


async def _settled(nginx: Nginx, asked: list[asyncio.Task[Any]], before: int) -> bool:
    """Each of those asked is answered, or waits at far-0 beside those that were there before."""
    held = (await nginx.counters())["far-0"]["in_flight"] - before
    return bool(sum(task.done() for task in asked) + held == len(asked))


@pytest.mark.parametrize("state", ["down", "draining"])
async def test_without_a_near_one_up_the_far_ones_serve(
    nginx: Nginx, upstream: Start, state: str
) -> None:
    place = Place(upstream)
    rows = [await place.entry("near-0", 0, state=state)]
    rows += [await place.entry(f"far-{n}", n + 1) for n in range(2)]
    await nginx.put(doc("a", rows, **PREFER))
    got = await names(nginx, 40)
    assert set(got) == {"far-0", "far-1"}
    rows[0]["state"] = "up"
    await nginx.put(doc("a", rows, **PREFER))
    assert await names(nginx, 20) == {"near-0": 20}


async def test_a_near_one_that_refuses_costs_no_answer(nginx: Nginx, upstream: Start) -> None:
    place = Place(upstream)
    broken, far = await upstream("near-0"), await place.entry("far-0", 1)
    port = broken.port
    await broken.stop()
    await nginx.put(doc("a", [entry("near-0", port, 0, near=True), far], **PREFER))
    assert await names(nginx, 20) == {"far-0": 20}


async def test_a_cold_near_one_gets_its_share_with_time(nginx: Nginx, upstream: Start) -> None:
    place = Place(upstream)
    rows = [await place.entry("near-0", 0), await place.entry("near-1", 1, ready_at=time.time())]
    rows.append(await place.entry("far-0", 2))
    await nginx.put(doc("a", rows, slow_start=1000.0, **PREFER))
    got = await names(nginx, 100)
    assert got["near-1"] < 30
    assert got["far-0"] == 0


@pytest.mark.parametrize(
    ("row", "traffic"), [({"near": "yes"}, {}), ({"near": 1}, {}), ({}, {"locality": "here"})]
)
async def test_a_wrong_word_is_refused(nginx: Nginx, row: Any, traffic: Any) -> None:
    table = doc("a", [entry("a-0", 20001, 0, **row)], **traffic)
    assert (await nginx.control("PUT", "/services/a", table))[0] == 400


class Queue:
    """An upstream's one worker: requests wait for their turn, each takes `seconds`."""

    def __init__(self, name: str, seconds: float) -> None:
        self.name, self.seconds, self._turn = name, seconds, asyncio.Lock()

    async def reply(self, _request: Request, _writer: asyncio.StreamWriter) -> bytes:
        async with self._turn:
            await asyncio.sleep(self.seconds)
        return ok(self.name)


async def _timed(nginx: Nginx, host: str) -> tuple[str, float]:
    began = time.perf_counter()
    return (await nginx.get(headers={"Host": host})).text, time.perf_counter() - began


async def _load(
    nodes: list[Nginx], a_second: float, seconds: float, host: str = "shop.localhost"
) -> list[tuple[int, str, float]]:
    """Requests at a steady rate, open loop, to both nodes by turns: node, who answered, seconds."""
    loop, begun, tasks = asyncio.get_running_loop(), time.perf_counter(), []
    for n in range(int(a_second * seconds)):
        await asyncio.sleep(max(0.0, begun + n / a_second - time.perf_counter()))
        tasks.append((n % 2, loop.create_task(_timed(nodes[n % 2], host))))
    return [(node, *(await task)) for node, task in tasks]


def p99(answers: list[tuple[int, str, float]]) -> float:
    return sorted(seconds for _, _, seconds in answers)[int(len(answers) * 0.99)]


def stayed(answers: list[tuple[int, str, float]]) -> float:
    return sum(name.startswith(f"node-{node}") for node, name, _ in answers) / len(answers)


async def _two_nodes(
    nodes: list[Nginx], queues: dict[str, Queue], upstream: Start, locality: str
) -> None:
    """As a service of its own, at a host of that name."""
    rows = [
        entry(name, (await upstream(name, queue.reply)).port, slot)
        for slot, (name, queue) in enumerate(queues.items())
    ]
    for at, nginx in enumerate(nodes):
        placed = [row | {"near": row["id"].startswith(f"node-{at}")} for row in rows]
        await nginx.put(doc(locality, placed, route(locality), locality=locality))


async def _quick_then_slow(
    nodes: list[Nginx], upstream: Start, locality: str, slow: float
) -> tuple[float, float]:
    """How much stays while all are quick, and the p99 once those of one node are slow."""
    queues = {f"node-{n}-{k}": Queue(f"node-{n}-{k}", 0.01) for n in (0, 1) for k in (0, 1)}
    await _two_nodes(nodes, queues, upstream, locality)
    idle = stayed(await _load(nodes, 40, 3, locality))
    queues["node-0-0"].seconds = queues["node-0-1"].seconds = slow
    busy = await _load(nodes, 80, 6, locality)
    print(f"{locality}: stays {idle:.3f}, then {stayed(busy):.3f}, p99 {p99(busy):.3f} s")
    return idle, p99(busy)


async def test_two_nodes_keep_to_themselves_until_one_is_slow(
    nginx: Nginx, other: Nginx, upstream: Start
) -> None:
    """Of 2 + 2 endpoints those of one node become 10 times slower: 10 a second each is all they do.

    The bound: a request may meet HANDICAP more at a near one than it would have met elsewhere. Both
    ways are tried at the same time, each with endpoints of its own.
    """
    slow, ways = 0.1, ("any", "prefer-node")
    loads = (_quick_then_slow([nginx, other], upstream, locality, slow) for locality in ways)
    (idle_any, p99_any), (idle_near, p99_near) = await asyncio.gather(*loads)
    assert idle_any < 0.8
    assert idle_near >= 0.95
    assert p99_near <= p99_any + HANDICAP * slow


async def test_one_near_of_six_gets_what_it_can_do_and_no_more(
    nginx: Nginx, upstream: Start
) -> None:
    """It does 20 a second of the 32 that its node gets; alone it would be seconds behind."""
    each = 0.05
    queues = {name: Queue(name, each) for name in ("near", *(f"far-{n}" for n in range(5)))}
    rows = [
        entry(name, (await upstream(name, queue.reply)).port, slot, near=name == "near")
        for slot, (name, queue) in enumerate(queues.items())
    ]
    await nginx.put(doc("a", rows, **PREFER))
    answers = await _load([nginx, nginx], 32, 6)
    share = sum(name == "near" for _, name, _ in answers) / len(answers)
    assert 0.4 < share < 0.75
    assert p99(answers) <= (HANDICAP + 4) * each
