"""Three nodes on a network of their own, two controllers, a real name server: whatever is killed,
stopped or cut off, who honours the TTL loses no request."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import pytest_asyncio

from tests.ground import until
from tests.integration.vpc import Vpc, vpc

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]
OUTAGE = float(os.environ.get("FAIRLEAD_TEST_OUTAGE", "1"))
"""Seconds that the controller is away, at least."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Vpc]:
    async with vpc(tmp_path_factory.mktemp("vpc")) as made:
        yield made


def assert_even(answered: Counter[str], count: int) -> None:
    assert len(answered) == count
    share = answered.total() / count
    assert all(0.9 * share < n < 1.1 * share for n in answered.values()), answered


async def test_the_name_leads_to_every_endpoint_evenly_and_so_does_each_node(network: Vpc) -> None:
    clients, nodes = network.clients(8), [node.address for node in network.nodes()]
    await until(
        lambda: all(clients.by_instance(node).total() >= 10_000 for node in nodes), patience=90
    )
    assert await clients.over() == []
    assert_even(clients.by_instance(), 3)
    for node in nodes:
        assert_even(clients.by_instance(node), 3)


async def test_endpoints_come_and_go_on_all_nodes_and_no_request_is_lost(network: Vpc) -> None:
    async with network.asking():
        network.update(desiredCount=6)
        await network.settled(6)
        assert {task.instance for task in network.ecs.cluster.living()} == {
            node.arn for node in network.nodes()
        }
        await asyncio.to_thread(network.fleet.controller.client.scale, "app", 3)
        await network.settled(3)
        stopped = network.tasks()[:2]
        network.stop(*stopped)
        await network.gone(stopped, 3)
        rolled = network.tasks()
        network.update(taskDefinition=network.define("2"))
        await network.gone(rolled, 3)


@asynccontextmanager
async def killed(network: Vpc) -> AsyncIterator[None]:
    """And started again in the end."""
    await network.fleet.controller.kill()
    yield
    await network.fleet.controller.start()


@asynccontextmanager
async def stopped(network: Vpc) -> AsyncIterator[None]:
    network.fleet.controller.send(signal.SIGSTOP)
    yield
    network.fleet.controller.send(signal.SIGCONT)


@asynccontextmanager
async def cut_off(network: Vpc) -> AsyncIterator[None]:
    network.network.cut(network.hosts[0])
    yield
    network.network.mend(network.hosts[0])


@pytest.mark.parametrize("trouble", [killed, stopped, cut_off])
async def test_while_the_controller_is_away_nodes_follow_ecs_and_then_it_again(
    network: Vpc, trouble: Callable[[Vpc], AbstractAsyncContextManager[None]]
) -> None:
    named, since = await network.resolve(), network.seen()
    async with network.asking() as asking:
        async with trouble(network):
            ends = time.monotonic() + OUTAGE
            await network.missed()
            while await network.changed_alone(4) and time.monotonic() < ends:
                await network.changed_alone(3)
            await asking.served(200)
            back, since = time.monotonic(), network.seen()
        async with network.steady():
            await network.settled(4)
            await asking.served(500)
        assert network.writes(back) == []
        assert await network.resolve() == named
        assert_calm(network, since)
        network.update(desiredCount=3)
        await network.settled(3)


def assert_calm(network: Vpc, since: Mapping[str, int]) -> None:
    """Since those events one controller leads, every agent has found it once, and nothing was taken
    out and put back."""
    ready = network.ready()
    for daemon in network.fleet.there():
        events = daemon.events(since[daemon.folder.name])
        told = "\n".join(map(str, events))
        kinds = Counter(event.kind for event in events)
        assert not kinds.keys() & {"dns", "problem"}, told
        assert kinds["leads"] <= 1, told
        assert kinds["controller"] == (daemon.role == "agent"), told
        out = {event.endpoint for event in events if event.kind in {"unhealthy", "drain", "crash"}}
        assert not out & ready, told
