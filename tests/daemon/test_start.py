"""Work in the background: a fault in it is told, and does not leave it undone for ever."""

from __future__ import annotations

import asyncio

import pytest

from fairlead.daemon import start as under_test
from fairlead.daemon.start import lasting, running
from tests.ground import until
from tests.stub_edges import StubClock, StubJournal


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "SHORTEST", 0.0001)


class Work:
    """Fails so many times, each time after so many seconds of the clock, and then lasts."""

    def __init__(self, faults: int, clock: StubClock, seconds: float = 0.0) -> None:
        self.faults, self.begun, self._clock, self._seconds = faults, 0, clock, seconds

    async def __call__(self) -> None:
        self.begun += 1
        self._clock.time += self._seconds
        if self.begun <= self.faults:
            raise ZeroDivisionError(f"fault {self.begun}")
        await asyncio.Event().wait()


def pauses(journal: StubJournal) -> list[float]:
    return [float(message.rpartition(" in ")[2][:-2]) for _, _, message, _ in journal.records]


async def test_it_is_begun_again_and_each_fault_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    journal, clock = StubJournal(), StubClock()
    work = Work(3, clock)
    async with running(lasting(work, journal, clock)):
        await until(lambda: work.begun == 4)
    assert journal.kinds() == ["problem"] * 3
    told = journal.records[0][2]
    assert told.startswith("fairlead itself failed: ZeroDivisionError('fault 1') at test_start.py:")
    assert pauses(journal) == [0.0002, 0.0004, 0.0008]
    assert capsys.readouterr().err.count("Traceback") == 3


async def test_pauses_are_short_again_after_it_has_lasted() -> None:
    journal, clock = StubJournal(), StubClock()
    work = Work(3, clock, under_test.LONGEST + 1)
    async with running(lasting(work, journal, clock)):
        await until(lambda: work.begun == 4)
    assert pauses(journal) == [0.0001] * 3


async def test_what_ends_by_itself_is_not_begun_again() -> None:
    begun = []

    async def work() -> None:
        begun.append(1)

    await lasting(work, StubJournal(), StubClock())
    assert begun == [1]
