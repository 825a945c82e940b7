"""Changes that come together are one round; rounds keep their distance and never overlap."""

from __future__ import annotations

import asyncio

import pytest

from fairlead.core.errors import ProxyError
from fairlead.core.model import ServiceTable
from fairlead.proxies.plain.batch import Batch, Changes
from tests.ground import until

A, B = ServiceTable("a"), ServiceTable("b")


class Rounds:
    """Keeps what was carried out; holds a round up while `gate` is closed."""

    def __init__(self) -> None:
        self.begun: list[Changes] = []
        self.at: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fault = ""
        self.going = 0

    async def __call__(self, changes: Changes) -> None:
        assert not self.going
        self.going = 1
        self.begun.append(changes)
        self.at.append(asyncio.get_running_loop().time())
        try:
            await self.gate.wait()
            if self.fault:
                raise ProxyError(self.fault)
        finally:
            self.going = 0


async def test_what_comes_together_is_one_round_and_the_last_word_counts() -> None:
    rounds = Rounds()
    batch = Batch(0.0, rounds)
    await asyncio.gather(batch.ask("a", A), batch.ask("b", B), batch.ask("a", None))
    assert rounds.begun == [{"a": None, "b": B}]


async def test_what_comes_during_a_round_waits_for_the_next() -> None:
    rounds = Rounds()
    batch = Batch(0.0, rounds)
    rounds.gate.clear()
    first = asyncio.create_task(batch.ask("a", A))
    await until(lambda: rounds.begun)
    rest = [asyncio.create_task(batch.ask(name, B)) for name in ("b", "c")]
    await asyncio.sleep(0)
    assert not first.done()
    rounds.gate.set()
    await asyncio.gather(first, *rest)
    assert rounds.begun == [{"a": A}, {"b": B, "c": B}]


async def test_rounds_keep_their_distance() -> None:
    rounds = Rounds()
    batch = Batch(0.3, rounds)
    for table in (A, None):
        await batch.ask("a", table)
    assert rounds.at[1] - rounds.at[0] >= 0.3


async def test_everybody_of_a_round_that_failed_hears_it_and_the_next_one_is_a_new_one() -> None:
    rounds = Rounds()
    batch = Batch(0.0, rounds)
    rounds.fault = "no"
    found = await asyncio.gather(batch.ask("a", A), batch.ask("b", B), return_exceptions=True)
    assert [str(error) for error in found] == ["no", "no"]
    rounds.fault = ""
    await batch.ask("b", B)
    assert rounds.begun[1] == {"b": B}


async def test_who_no_longer_waits_takes_nothing_back() -> None:
    rounds = Rounds()
    batch = Batch(0.0, rounds)
    rounds.gate.clear()
    asked = asyncio.create_task(batch.ask("a", A))
    await until(lambda: rounds.begun)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    rounds.gate.set()
    await batch.settled()
    assert rounds.begun == [{"a": A}]
    assert not rounds.going
