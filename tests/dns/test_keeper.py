"""The keeper over a provider in memory: what it changes, tells, and lets nodes wait for."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest

from fairlead.core.dns import Change, DnsNode, Problem, Record, Rules
from fairlead.core.errors import DnsError, LeaseError
from fairlead.dns import keeper as module
from fairlead.dns.files import made
from fairlead.dns.keeper import DRIFT, HELD_BACK, Keeper, Keeping
from fairlead.ports import Fence
from tests.ground import until
from tests.stub_edges import StubClock, StubJournal

NAME, OTHER = "shop.example.com", "api.example.com"
KEEPING = Keeping(Rules("shop"), ttl=60.0, lag=5.0)


@dataclass
class Memory:
    """Implements ports.DnsProvider. `away`: nothing can be done; `bad`: hosts that are refused."""

    records: dict[tuple[str, str, str], Record] = field(default_factory=dict)
    away: str = ""
    bad: set[str] = field(default_factory=set)
    writes: int = 0

    async def read(self, names: Collection[str]) -> tuple[Record, ...]:
        if self.away:
            raise DnsError(self.away)
        wanted = {*names, *(f"_fairlead.{name}" for name in names)}
        return tuple(r for r in self.records.values() if r.name in wanted)

    async def apply(self, changes: Collection[Change], fence: Fence) -> tuple[Problem, ...]:
        await fence()
        self.writes += 1
        good = [c for c in changes if c.host not in self.bad]
        self.records, problems = made(self.records, good)
        return (*problems, *(Problem(host, f"{host} is refused") for host in sorted(self.bad)))

    async def close(self) -> None:
        """Nothing is held."""

    def named(self, name: str = NAME) -> tuple[str, ...]:
        record = self.records.get((name, "A", ""))
        return record.values if record else ()


@dataclass
class Stage:
    keeping: Keeping = KEEPING
    memory: Memory = field(default_factory=Memory)
    journal: StubJournal = field(default_factory=StubJournal)
    clock: StubClock = field(default_factory=StubClock)

    def __post_init__(self) -> None:
        self.keeper = Keeper(self.memory, self.keeping, self.journal, self.clock, self.fence)
        self.leads = True

    async def fence(self) -> None:
        if not self.leads:
            raise LeaseError("another controller leads now")

    async def step(self, *nodes: DnsNode, names: tuple[str, ...] = (NAME,)) -> tuple[float, bool]:
        self.keeper.update(names, nodes)
        return await self.keeper.once()

    def told(self, kind: str) -> list[str]:
        return [message for each, _, message, *_ in self.journal.records if each == kind]


def node(number: int, **more: bool) -> DnsNode:
    return DnsNode(f"n{number}", f"10.0.1.{number}", **more)


async def test_nodes_are_named_and_each_change_tells_its_reason() -> None:
    stage = Stage()
    assert await stage.step(node(1), node(2)) == (DRIFT, False)
    await stage.step(node(1), node(2, serving=False), node(3))
    await stage.step(node(1, leaving=True), node(3))
    assert stage.memory.named() == ("10.0.1.3",)
    assert stage.told("dns") == [
        f"create _fairlead.{NAME} TXT heritage=fairlead,cluster=shop ttl 60"
        " (the name is fairlead's now)",
        f"create {NAME} A 10.0.1.1, 10.0.1.2 ttl 60 (n1 can serve, n2 can serve)",
        f"update {NAME} A 10.0.1.1, 10.0.1.2 ttl 60 -> 10.0.1.1, 10.0.1.3 ttl 60"
        " (n2 cannot serve, n3 can serve)",
        f"update {NAME} A 10.0.1.1, 10.0.1.3 ttl 60 -> 10.0.1.3 ttl 60 (n1 leaves)",
    ]


async def test_a_node_waits_out_ttl_and_lag_from_its_removal_on() -> None:
    stage = Stage()
    await stage.step(node(1), node(2))
    assert stage.keeper.wait_out("n1") == math.inf
    stage.clock.time = 200.0
    await stage.step(node(1, leaving=True), node(2))
    assert stage.keeper.wait_out("n1") == 265.0
    stage.clock.time = 230.0
    await stage.keeper.once()
    assert stage.keeper.wait_out("n1") == 265.0, "the removal is not forgotten"
    await stage.step(node(1), node(2))
    assert stage.keeper.wait_out("n1") == math.inf, "it is back"
    assert stage.keeper.wait_out("stranger") == -math.inf


async def test_a_longer_ttl_that_was_there_is_waited_out() -> None:
    stage = Stage()
    await stage.step(node(1), node(2))
    key = (NAME, "A", "")
    stage.memory.records[key] = replace(stage.memory.records[key], ttl=3600)
    await stage.step(node(1, leaving=True), node(2))
    assert stage.keeper.wait_out("n1") == 100.0 + 3600 + 5


async def test_what_is_unknown_is_waited_for() -> None:
    """A controller that starts does not know since when a node has not been named."""
    first, second = Stage(), Stage()
    await first.step(node(2))
    second.memory.records = first.memory.records
    second.keeper.update([NAME], [node(1, leaving=True), node(2)])
    assert second.keeper.wait_out("n1") == math.inf, "nothing was read yet"
    await second.keeper.once()
    assert second.keeper.wait_out("n1") == 165.0


async def test_the_last_node_stays_named_and_is_told_to_be_held() -> None:
    stage = Stage()
    await stage.step(node(1))
    assert await stage.step(node(1, leaving=True)) == (DRIFT, False)
    assert stage.memory.named() == ("10.0.1.1",)
    assert stage.keeper.held("n1")
    assert stage.keeper.wait_out("n1") == math.inf
    assert "no node can serve" in stage.told("dns-problem")[0]
    await stage.step(node(1, leaving=True), node(2))
    assert stage.memory.named() == ("10.0.1.2",)
    assert not stage.keeper.held("n1")
    assert stage.told("dns-recovered") == [f"{NAME} is as it should be"]


async def test_after_a_share_went_the_next_pass_waits_also_for_changes() -> None:
    stage = Stage()
    await stage.step(*map(node, range(1, 5)))
    sick = [node(n, serving=False) for n in (1, 2, 3)]
    assert await stage.step(*sick, node(4)) == (HELD_BACK, True)
    assert stage.memory.named() == ("10.0.1.3", "10.0.1.4")
    assert await stage.keeper.once() == (DRIFT, False)
    assert stage.memory.named() == ("10.0.1.4",)


async def test_drift_is_put_right() -> None:
    stage = Stage()
    await stage.step(node(1), node(2))
    key = (NAME, "A", "")
    stage.memory.records[key] = replace(stage.memory.records[key], values=("10.0.1.1", "10.9.9.9"))
    await stage.keeper.once()
    assert stage.memory.named() == ("10.0.1.1", "10.0.1.2")
    assert stage.told("dns")[-1].endswith("(10.9.9.9 is no node, n2 can serve)")


async def test_failures_are_told_once_waited_out_longer_each_time_and_end() -> None:
    stage = Stage()
    stage.memory.away = "the name server does not answer"
    waits = [await stage.step(node(1))] + [await stage.keeper.once() for _ in range(8)]
    assert all(patient for _, patient in waits)
    assert waits[0][0] <= 1.0
    assert 30.0 <= waits[-1][0] <= 60.0
    assert stage.told("dns-problem") == [stage.memory.away]
    assert stage.keeper.wait_out("n1") == math.inf
    stage.memory.away = ""
    assert await stage.keeper.once() == (DRIFT, False)
    assert stage.told("dns-recovered") == ["DNS is as it should be"]


async def test_a_provider_that_says_when_is_asked_no_sooner() -> None:
    stage = Stage()

    async def read(_: Collection[str]) -> tuple[Record, ...]:
        raise DnsError("too many calls", 240.0)

    stage.memory.read = read  # type: ignore[method-assign]
    assert await stage.step(node(1)) == (240.0, True)


async def test_one_bad_name_blocks_nothing_and_is_tried_again() -> None:
    stage = Stage()
    stage.memory.bad = {OTHER}
    delay, patient = await stage.step(node(1), names=(NAME, OTHER))
    assert delay <= 1.0
    assert not patient
    assert stage.memory.named() == ("10.0.1.1",)
    assert stage.told("dns-problem") == [f"{OTHER} is refused"]
    assert len(stage.told("dns")) == 2, "what failed is not told as done"
    stage.memory.bad = set()
    assert await stage.keeper.once() == (DRIFT, False)
    assert stage.memory.named(OTHER) == ("10.0.1.1",)
    assert stage.told("dns-recovered") == [f"{OTHER} is as it should be"]


async def test_a_node_whose_removal_failed_is_still_named() -> None:
    stage = Stage()
    await stage.step(node(1), node(2))
    stage.memory.bad = {NAME}
    await stage.step(node(1, leaving=True), node(2))
    assert stage.keeper.wait_out("n1") == math.inf


async def test_who_does_not_lead_changes_nothing() -> None:
    stage = Stage()
    stage.leads = False
    _, patient = await stage.step(node(1))
    assert patient
    assert stage.memory.writes == 0
    assert stage.told("dns-problem") == ["another controller leads now"]


async def test_a_dry_run_tells_each_plan_once_and_holds_nobody() -> None:
    stage = Stage(replace(KEEPING, dry=True))
    await stage.step(node(1))
    await stage.keeper.once()
    assert stage.memory.writes == 0
    assert len(stage.told("dns")) == 2
    assert all(message.startswith("dry run: create") for message in stage.told("dns"))
    assert stage.keeper.wait_out("n1") == -math.inf


async def test_it_runs_when_told_and_not_when_told_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SETTLE", 0.01)
    stage = Stage()
    reads = 0
    read = stage.memory.read

    async def counted(names: Collection[str]) -> tuple[Record, ...]:
        nonlocal reads
        reads += 1
        return await read(names)

    stage.memory.read = counted  # type: ignore[method-assign]
    running = asyncio.create_task(stage.keeper.run())
    for number in range(1, 4):  # together: one pass
        stage.keeper.update([NAME], [node(n) for n in range(1, number + 1)])
    await until(lambda: len(stage.memory.named()) == 3, "all are named")
    assert stage.memory.writes == 1
    passes = reads
    stage.keeper.update([NAME], [node(3), node(2), node(1)])
    stage.keeper.update([NAME], [node(2), node(1)])
    await until(lambda: len(stage.memory.named()) == 2, "one is gone")
    assert reads == passes + 1
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
