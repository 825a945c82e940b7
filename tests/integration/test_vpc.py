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
from itertools import groupby
from operator import attrgetter

import pytest
import pytest_asyncio

from fairlead.core.lease import DURATION
from fairlead.leases.holder import TRY_EVERY
from tests.ground import until
from tests.integration.asking import Asking
from tests.integration.vpc import Vpc, vpc

pytestmark = [pytest.mark.vpc, pytest.mark.asyncio(loop_scope="module")]
OUTAGE = float(os.environ.get("FAIRLEAD_TEST_OUTAGE", "1"))
"""Seconds that the controller is away, at least."""
LEASE = DURATION * (1 + TRY_EVERY) + 1
"""Within so many seconds another one has it: it is looked at TRY_EVERY, and the machine is busy."""


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
    out and put back. A controller that was stopped may tell that it was kept from writing."""
    ready = network.ready()
    for daemon in network.fleet.there():
        events = daemon.events(since[daemon.folder.name])
        told = "\n".join(map(str, events))
        kinds = Counter(event.kind for event in events)
        assert not kinds["dns"], told
        assert kinds["leads"] <= 1, told
        assert kinds["controller"] == (daemon.role == "agent"), told
        assert not (daemon.role == "agent" and kinds["problem"]), told
        out = {event.endpoint for event in events if event.kind in {"unhealthy", "drain", "crash"}}
        assert not out & ready, told


async def test_an_endpoint_that_one_node_cannot_reach_is_left_out_there_alone(network: Vpc) -> None:
    """At first as by a security group, which lets connections go on that it knows; then for all."""
    blind, agent = network.spaces[0], network.fleet.agents[0]
    victim = next(e for e in agent.endpoints() if e["address"] == network.spaces[1].address)
    way = ("-d", victim["address"], "-p", "tcp", "--dport", str(victim["port"]))
    async with network.asking() as asking:
        since = network.seen()
        blind.refuse(*way, "--syn")
        await network.agent_sees(agent, victim["id"], "unhealthy")
        await asking.served()
        await network.idle(agent, victim["id"])
        blind.refuse(*way)
        before = network.requests(victim["id"])
        await asking.served(500)
        assert network.ready() >= {victim["id"]}
        after = network.requests(victim["id"])
        blind.allow()
        await network.agent_sees(agent, victim["id"], "ready")
        await network.settled(3)
    assert after[0] == before[0]
    assert all(after[n] > before[n] + 100 for n in (1, 2))
    events = network.fleet.controller.events(since["c0"])
    assert not [event for event in events if event.kind != "agent"]


async def test_a_node_that_dies_is_out_of_dns_in_time_and_missed_by_nobody(network: Vpc) -> None:
    """Its tasks go on behind the cable that is cut: ECS, too, learns of their end much later."""
    others = {network.nodes()[number].address for number in (0, 2)}
    began = await network.die(1)
    await until(lambda: time.monotonic() - began >= 1, "one second")
    async with Asking([load for n, load in enumerate(network.loads()) if n != 1]) as asking:
        await network.answers(others)
        assert time.monotonic() - began < 10
        clients = network.clients()
        await clients.served(500)
        assert await clients.over() == []
        await asking.served(500)
        await network.revive(1)
    await network.answers({node.address for node in network.nodes()})


async def test_of_two_controllers_one_writes_also_when_the_other_was_stopped_meanwhile(
    network: Vpc,
) -> None:
    """The first is stopped in a drain, so that a write is due when it goes on."""
    first, second = network.fleet.controllers
    epoch = network.epoch(first)
    second.spawn()
    await until(lambda: [e.kind for e in second.events()] == ["waits"], second.log)
    async with network.asking() as asking:
        slow, began = await network.slow(12), time.monotonic()
        victim = first.endpoints()[0]["id"]
        await asyncio.to_thread(first.client.drain, "app", victim)
        for agent in network.fleet.agents:
            await network.agent_sees(agent, victim, "draining")
        assert ("stop", victim) not in network.told(first)
        first.send(signal.SIGSTOP)
        assert await network.taken(epoch + 1) < LEASE
        network.fleet.controller = second
        await until(lambda: network.epoch(second) == epoch + 1, second.log)
        await until(lambda: ("stop", victim) in network.told(second), second.log)
        named, woken = network.updates(), time.monotonic()
        first.send(signal.SIGCONT)
        await until(lambda: first.events()[-1].kind == "waits", first.log)
        assert await slow == []
        await asyncio.to_thread(second.client.scale, "app", 5)
        await network.settled(5)
        assert {asked.address for asked in network.writes(woken)} == {network.hosts[1].address}
        assert network.updates() == named
        assert [key for key, _ in groupby(network.writes(began), attrgetter("address"))] == [
            host.address for host in network.hosts
        ]
        await second.kill()
        assert await network.taken(epoch + 2) < LEASE
        network.fleet.controller = first
        await until(lambda: network.epoch(first) == epoch + 2, first.log)
        await asking.served()
        await network.settled(5)
        network.update(desiredCount=3)
        await network.settled(3)
