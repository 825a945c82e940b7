from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from fairlead.agent.orphan import Orphan, Patience, Sources
from fairlead.core.errors import PlatformError
from fairlead.core.model import Endpoint, Phase, Service, Sighting
from fairlead.daemon.start import running
from fairlead.fleet.messages import Orders
from tests.agent.test_follower import follower, orders
from tests.fleet.ground import DOWN, DRAINING, UP, endpoint, table
from tests.ground import until
from tests.stub_edges import StubClock, StubJournal, StubPlatform

PATIENCE = Patience(0.02, 0.01)


class Platform(StubPlatform):
    """Answers with the given endpoints."""

    partial: bool = False
    reads: int = 0
    fault: bool = False
    hold: asyncio.Event | None = None

    def has(self, *endpoints: Endpoint) -> None:
        self.endpoints["app"] = {each.id: each for each in endpoints}

    async def observe(self, services: object) -> Sighting:
        self.reads += 1
        if self.fault:
            raise KeyError("ours")
        if self.hold:
            await self.hold.wait()
        return Sighting(tuple(self.of("app").values()), complete=not self.partial)


@dataclass
class Node:
    """An agent without a controller for as long as `since` says."""

    since: float | None = 0.0
    platform: Platform = field(default_factory=Platform)
    opened: int = 0
    closed: int = 0
    problem: str = ""

    def __post_init__(self) -> None:
        self.follower, self.journal = follower(), StubJournal()
        self.follower.take(orders(7, table(a=UP, b=UP), "a", "b"))

    async def open(self) -> Sources:
        self.opened += 1
        if self.problem:
            raise PlatformError(self.problem)

        async def services() -> list[Service]:
            return [Service("app")]

        return Sources((self.platform,), services, self._close)

    async def _close(self) -> None:
        self.closed += 1

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        opened: Callable[[], Awaitable[Sources]] = self.open
        orphan = Orphan(
            self.follower, lambda: self.since, opened, PATIENCE, StubClock(), self.journal
        )
        async with running(orphan.run()):
            yield

    def states(self) -> dict[str, str]:
        return {e.id: e.state for e in self.follower.assignments["app"].table.entries}

    async def read(self, times: int = 3) -> None:
        wanted = self.platform.reads + times
        await until(lambda: self.platform.reads >= wanted)


async def test_with_a_controller_nothing_is_read() -> None:
    node = Node(since=None)
    async with node.alone():
        await asyncio.sleep(PATIENCE.after * 3)
    assert (node.opened, node.journal.records) == (0, [])


async def test_new_ones_are_checked_stopping_ones_drained_and_ended_ones_dropped() -> None:
    node = Node()
    stopping = endpoint("b")
    node.platform.has(endpoint("a"), _in(stopping, Phase.STOPPING), endpoint("c"))
    async with node.alone():
        await until(lambda: node.states() == {"a": UP, "b": DRAINING, "c": DOWN})
        assert set(node.follower.checks.watched) == {"a", "c"}  # type: ignore[attr-defined]
        node.platform.has(endpoint("a"), _in(stopping, Phase.EXITED), endpoint("c"))
        await until(lambda: node.states() == {"a": UP, "c": DOWN})


async def test_the_controller_has_to_say_everything_anew() -> None:
    node = Node()
    node.platform.has(endpoint("a"))
    async with node.alone():
        await until(lambda: node.states() == {"a": UP})
    assert (node.follower.generation, node.follower.applied) == (0, 0)


async def test_a_read_that_is_partial_or_empty_takes_nothing_away() -> None:
    node = Node()
    async with node.alone():
        await node.read()
        assert node.states() == {"a": UP, "b": UP}
        node.platform.partial = True
        node.platform.has(endpoint("a"))
        await node.read()
        assert node.states() == {"a": UP, "b": UP}


async def test_what_is_read_while_the_controller_comes_back_is_thrown_away() -> None:
    node = Node()
    node.platform.has(endpoint("z"))
    node.platform.hold = asyncio.Event()
    async with node.alone():
        await until(lambda: node.platform.reads)
        node.since = None
        node.follower.take(Orders(8))
        node.platform.hold.set()
        await until(lambda: node.closed)
    assert node.states() == {"a": UP, "b": UP}
    assert node.follower.generation == 8


async def test_a_platform_that_cannot_be_opened_is_tried_again_and_the_node_serves_on() -> None:
    node = Node(problem="no credentials")
    node.platform.has(endpoint("a"))
    async with node.alone():
        await until(lambda: node.opened >= 3)
        assert node.states() == {"a": UP, "b": UP}
        node.problem = ""
        await until(lambda: node.states() == {"a": UP})
    assert node.journal.kinds().count("orphan") == 2  # alone, and no more


async def test_a_fault_of_ours_is_told_and_the_next_look_is_made(
    capsys: pytest.CaptureFixture[str],
) -> None:
    node = Node()
    node.platform.has(endpoint("a"))
    node.platform.fault = True
    async with node.alone():
        await until(lambda: "problem" in node.journal.kinds())
        node.platform.fault = False
        await until(lambda: node.states() == {"a": UP})
    told = next(message for kind, _, message, _ in node.journal.records if kind == "problem")
    assert told.startswith("fairlead itself failed: KeyError('ours')")
    assert node.closed == 1
    assert "Traceback" in capsys.readouterr().err


def _in(each: Endpoint, phase: Phase) -> Endpoint:
    return replace(each, phase=phase)


async def test_what_sleeps_is_still_asleep_for_the_controller_that_comes() -> None:
    node = Node()
    node.follower.take(orders(1, replace(table(), asleep=True)))
    async with node.alone():
        await node.read()
    assert node.follower.assignments["app"].table.asleep
