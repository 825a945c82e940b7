"""Two contenders, each with a clock of its own, over a record in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.core.errors import Busy, LeaseError
from fairlead.core.lease import DURATION, MARGIN, Lease
from fairlead.leases import holder as under_test
from fairlead.leases.holder import Holder
from tests.ground import until
from tests.stub_edges import StubClock


@dataclass
class Store:
    """`away`: nothing is answered; `late`: what is written is, and the answer is lost; `broken`: a
    fault of fairlead's own in the store."""

    record: Lease | None = None
    away: bool = False
    late: bool = False
    broken: bool = False

    async def read(self) -> Lease | None:
        self._answers()
        return self.record

    async def swap(self, before: Lease, after: Lease) -> bool:
        self._answers()
        if (self.record or Lease()) != before:
            return False
        self.record = after
        if self.late:
            raise LeaseError("no answer")
        return True

    def _answers(self) -> None:
        if self.away:
            raise LeaseError("away")
        if self.broken:
            raise ZeroDivisionError("a fault of ours")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "TRY_EVERY", 0.0001)


@asynccontextmanager
async def taking(holder: Holder) -> AsyncIterator[asyncio.Task[int]]:
    task = asyncio.create_task(holder.take())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_second_takes_over_within_the_lease_time_and_not_before() -> None:
    store, clock = Store(), StubClock()
    one, two = Holder(store, clock, "one"), Holder(store, clock, "two")
    assert await one.take() == 1
    async with taking(two) as second:
        await asyncio.sleep(0.01)
        clock.time += DURATION - MARGIN
        assert one.epoch is None
        await asyncio.sleep(0.01)
        assert not second.done()
        clock.time += MARGIN
        assert await second == 2
    with pytest.raises(LeaseError):
        await one.confirm()
    await two.confirm()


async def test_one_whose_clock_stood_still_finds_out_before_it_writes() -> None:
    store, stalled, clock = Store(), StubClock(), StubClock()
    one, two = Holder(store, stalled, "one"), Holder(store, clock, "two")
    await one.take()
    async with taking(two) as second:
        await asyncio.sleep(0.01)
        clock.time += DURATION
        await second
    assert one.epoch == 1
    with pytest.raises(LeaseError, match="another controller leads"):
        await one.confirm()
    assert one.epoch is None
    assert one.lost.is_set()


async def test_it_is_kept_for_as_long_as_it_is_renewed_and_then_given_back() -> None:
    store, clock = Store(), StubClock()
    one, two = Holder(store, clock, "one"), Holder(store, clock, "two")
    await one.take()
    async with one.kept(), taking(two) as second:
        for _ in range(5):
            clock.time += DURATION / 2
            beat = store.record.beat if store.record else 0
            await until(lambda b=beat: store.record and store.record.beat > b)  # type: ignore[misc]
        assert not second.done()
        assert one.epoch == 1
    assert store.record
    assert store.record.holder == ""
    assert await two.take() == 2


async def test_a_store_that_is_away_for_a_moment_is_no_loss_and_for_long_is_one() -> None:
    store, clock = Store(), StubClock()
    one = Holder(store, clock, "one")
    await one.take()
    async with one.kept():
        store.away = True
        await asyncio.sleep(0.01)
        with pytest.raises(LeaseError, match="away"):
            await one.confirm()
        store.away = False
        await one.confirm()
        store.away = True
        clock.time += DURATION
        await until(one.lost.is_set)
        assert one.epoch is None
    store.away = False
    assert await one.take() == 2
    assert not one.lost.is_set()


async def test_what_is_wrong_with_the_store_is_told_once_and_also_that_it_is_well() -> None:
    store, told = Store(away=True), list[str]()
    one = Holder(store, StubClock(), "one", told.append)
    async with taking(one) as first:
        await until(lambda: told)
        await asyncio.sleep(0.01)
        assert told == ["away"]
        store.away = False
        assert await first == 1
    assert told == ["away", ""]
    async with one.kept():
        store.away = True
        await until(lambda: len(told) == 3)
        store.away = False
        await until(lambda: len(told) == 4)
    assert told[2:] == ["away", ""]


async def test_a_fault_of_ours_ends_neither_the_waiting_nor_the_renewing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    store, clock, told = Store(broken=True), StubClock(), list[str]()
    one = Holder(store, clock, "one", told.append)
    async with taking(one) as first:
        await until(lambda: told)
        assert one.epoch is None
        assert not first.done()
        store.broken = False
        assert await first == 1
    async with one.kept():
        store.broken = True
        await until(lambda: len(told) == 3)
        store.broken, clock.time = False, clock.time + DURATION / 2
        beat = store.record.beat if store.record else 0
        await until(lambda: store.record and store.record.beat > beat)
        await until(lambda: len(told) == 4)
        assert (one.epoch, one.lost.is_set()) == (1, False)
    assert told[1::2] == ["", ""]
    assert all("fairlead itself failed: ZeroDivisionError" in each for each in told[::2])
    assert "Traceback" in capsys.readouterr().err


async def test_a_fault_that_lasts_longer_than_the_lease_is_its_loss() -> None:
    store, clock, told = Store(), StubClock(), list[str]()
    one = Holder(store, clock, "one", told.append)
    await one.take()
    async with one.kept():
        store.broken = True
        await until(lambda: told)
        clock.time += DURATION
        await until(one.lost.is_set)
        assert one.epoch is None
        store.broken = False


async def test_who_does_not_want_to_wait_is_told_that_another_renews_it() -> None:
    store, clock = Store(), StubClock()
    one, two = Holder(store, clock, "one"), Holder(store, clock, "two")
    await one.take()
    async with one.kept():
        with pytest.raises(Busy, match="one leads"):
            await two.take_unless_kept()
    assert await two.take_unless_kept() == 2
    store.away = True
    with pytest.raises(LeaseError, match="away"):
        await one.take_unless_kept()


async def test_who_does_not_want_to_wait_takes_over_from_one_that_is_dead() -> None:
    store, clock = Store(), StubClock()
    one, two = Holder(store, clock, "one"), Holder(store, clock, "two")
    await one.take()
    task = asyncio.create_task(two.take_unless_kept())
    await asyncio.sleep(0.01)
    assert not task.done()
    clock.time += DURATION
    assert await task == 2


async def test_a_renewal_that_was_carried_out_without_an_answer_is_no_loss() -> None:
    store = Store()
    one = Holder(store, StubClock(), "one")
    await one.take()
    store.late = True
    with pytest.raises(LeaseError, match="no answer"):
        await one.confirm()
    store.late = False
    await one.confirm()
    assert (one.epoch, one.lost.is_set()) == (1, False)


async def test_a_store_that_never_answers_is_waited_for_until_the_lease_is_over() -> None:
    store, clock = Store(), StubClock()
    one = Holder(store, clock, "one")
    await one.take()

    async def never(*_: Lease) -> bool:
        await asyncio.Event().wait()
        return True

    store.swap = never  # type: ignore[method-assign]
    clock.time += DURATION - MARGIN - 0.05
    with pytest.raises(LeaseError, match="no answer in time"):
        await one.confirm()


STEP = st.tuples(
    st.sampled_from(("take", "confirm", "keep")),
    st.integers(0, 1),
    st.floats(0, DURATION),
    st.sampled_from(("well", "well", "well", "away", "late")),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=30), st.floats(0, 1), st.floats(0, 1))
def test_no_epoch_is_held_by_two_however_clocks_and_stores_fail(
    steps: list[tuple[str, int, float, str]], slow: float, slower: float
) -> None:
    asyncio.run(_play(steps, (slow, slower)))


async def _play(steps: list[tuple[str, int, float, str]], speeds: tuple[float, float]) -> None:
    """Clocks that go at different speeds, and too slowly: one may stand still."""
    store, clocks = Store(), (StubClock(), StubClock())
    holders = [Holder(store, clock, f"h{n}") for n, clock in enumerate(clocks)]
    epochs: dict[int, str] = {}
    for what, who, passed, state in steps:
        for clock, speed in zip(clocks, speeds, strict=True):
            clock.time += passed * speed
        store.away, store.late = state == "away", state == "late"
        await _step(holders[who], what)
        _never_two(holders, epochs)
        store.away = store.late = False
        lease = store.record
        confirmed = [await _confirmed(each) for each in holders] if what == "confirm" else []
        assert sum(confirmed) <= 1, (lease, confirmed)


async def _step(holder: Holder, what: str) -> None:
    if what == "take" and holder.epoch is None:
        async with taking(holder):
            for _ in range(3):
                await asyncio.sleep(0)
    elif what == "confirm":
        await _confirmed(holder)


def _never_two(holders: list[Holder], epochs: dict[int, str]) -> None:
    for name, holder in (("h0", holders[0]), ("h1", holders[1])):
        if holder.epoch is not None:
            assert epochs.setdefault(holder.epoch, name) == name


async def _confirmed(holder: Holder) -> bool:
    try:
        await holder.confirm()
    except LeaseError:
        return False
    return True
