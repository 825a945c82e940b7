"""The agent's end of the stream, against a real WebSocket server that says what a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from fairlead.agent import link as under_test
from fairlead.agent.link import Controllers, Link
from fairlead.daemon.start import running
from fairlead.fleet.messages import (
    PROTOCOL,
    Farewell,
    Hello,
    Orders,
    Welcome,
    encode,
    from_agent,
)
from tests.agent.test_follower import follower, orders
from tests.fleet.ground import UP, table
from tests.ground import until
from tests.stub_edges import StubClock, StubJournal

WELCOME = Welcome(PROTOCOL, "1", "life", 3)
Script = Callable[[ServerConnection, Hello], Awaitable[None]]


class Controller:
    """Takes a hello, and does what `script` does."""

    def __init__(self) -> None:
        self.hellos: list[Hello] = []
        self.script: Script = welcoming()
        self.server: Server

    async def attend(self, connection: ServerConnection) -> None:
        hello = from_agent(await connection.recv())
        assert isinstance(hello, Hello)
        self.hellos.append(hello)
        await self.script(connection, hello)


def welcoming(
    *messages: Orders | Farewell, welcome: Welcome = WELCOME, stay: bool = True
) -> Script:
    async def script(connection: ServerConnection, _: Hello) -> None:
        for each in (welcome, *messages):
            await connection.send(encode(each), text=True)
        if stay:
            await connection.wait_closed()

    return script


def saying(raw: str | bytes) -> Script:
    async def script(connection: ServerConnection, _: Hello) -> None:
        await connection.send(raw)
        await connection.wait_closed()

    return script


@pytest.fixture
async def controller(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Controller]:
    monkeypatch.setattr(under_test, "SHORTEST", 0.001)
    made = Controller()
    async with serve(made.attend, "127.0.0.1", 0) as server:
        made.server = server
        yield made


def link(controller: Controller) -> Link:
    port = controller.server.sockets[0].getsockname()[1]
    to = Controllers([f"ws://127.0.0.1:{port}"], "", "n1")
    return Link(to, follower(), StubClock(), StubJournal())


async def test_orders_are_taken_and_a_farewell_is_heard(controller: Controller) -> None:
    made = link(controller)
    controller.script = welcoming(orders(4, table(a=UP)), Farewell())
    async with running(made.run()):
        await made.farewell.wait()
    assert (made._follower.generation, made.since, made.epoch) == (4, None, 3)


async def test_the_generation_is_resumed_after_a_connection_that_broke(
    controller: Controller,
) -> None:
    made = link(controller)
    controller.script = welcoming(orders(4, table(a=UP)), stay=False)
    async with running(made.run()):
        await until(lambda: len(controller.hellos) >= 2)
    assert [(h.life, h.generation) for h in controller.hellos[:2]] == [("", 0), ("life", 4)]


async def test_a_new_life_is_followed_from_its_beginning(controller: Controller) -> None:
    made = link(controller)
    made.life, made._follower.generation = "before", 9
    async with running(made.run()):
        await until(lambda: made.since is None)
    assert (made.life, made._follower.generation) == ("life", 0)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (welcoming(welcome=Welcome(PROTOCOL + 1, "9", "x", 9)), "run the same fairlead"),
        (welcoming(welcome=Welcome(PROTOCOL, "1", "x", 1)), "epoch 1 is older than 2"),
        (saying("{}"), "not a message"),
        (saying(b"\xff\xfe"), "not a message"),
        (saying(encode(Orders(5)).decode()), "does not speak protocol"),
    ],
)
async def test_who_cannot_be_followed_is_told_and_nothing_of_it_is_taken(
    controller: Controller, script: Script, told: str
) -> None:
    made = link(controller)
    made.epoch, controller.script = 2, script
    async with running(made.run()):
        await until(lambda: told in made.problem, lambda: made.problem)
    assert (made._follower.generation, made._follower.assignments, made.epoch) == (0, {}, 2)


async def test_a_message_that_is_too_large_ends_the_connection(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_test, "MOST_ORDER", 1000)
    made = link(controller)
    controller.script = welcoming(orders(1, table(**{f"e{n}": UP for n in range(100)})))
    async with running(made.run()):
        await until(lambda: len(controller.hellos) >= 2)
    assert made._follower.generation == 0


async def test_one_that_says_nothing_is_left_after_a_while(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_test, "OPENING", 0.2)
    made = link(controller)

    async def silent(connection: ServerConnection, _: Hello) -> None:
        await connection.wait_closed()

    controller.script = silent
    async with running(made.run()):
        await until(lambda: "no answer within 0.2 s" in made.problem, lambda: made.problem)


async def test_a_fault_of_ours_is_told_and_tried_again(
    controller: Controller, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = link(controller)
    monkeypatch.setattr(made._follower, "take", lambda _: 1 // 0)
    controller.script = welcoming(orders(1, table(a=UP)))
    async with running(made.run()):
        await until(lambda: len(controller.hellos) >= 2)
    assert any("fairlead itself failed: ZeroDivisionError" in m for _, _, m, _ in records(made))
    assert "Traceback" in capsys.readouterr().err


@pytest.fixture
def pauses(controller: Controller, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Between tries, in seconds, which do not pass."""
    made: list[float] = []

    async def sleep(seconds: float) -> None:
        made.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(under_test, "SHORTEST", 0.1)
    monkeypatch.setattr(under_test, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": sleep}))
    return made


def are(pauses: list[float], longest: list[float]) -> bool:
    """Each at most so long, and half as long at least."""
    return all(most / 2 <= each <= most for each, most in zip(pauses, longest, strict=True))


async def test_pauses_between_tries_grow_up_to_the_longest(
    controller: Controller, pauses: list[float]
) -> None:
    made = link(controller)
    controller.script = welcoming(stay=False)
    async with running(made.run()):
        await until(lambda: len(pauses) >= 7)
    assert are(pauses[:7], [0.2, 0.4, 0.8, 1.6, 3, 3, 3]), pauses


async def test_pauses_are_short_again_after_a_connection_that_lasted(
    controller: Controller, pauses: list[float]
) -> None:
    made, clock = link(controller), StubClock()
    made._clock = clock

    async def script(connection: ServerConnection, hello: Hello) -> None:
        await welcoming(stay=False)(connection, hello)
        lasts = {3: under_test.STEADY, 5: under_test.STEADY + 0.1}
        clock.time += lasts.get(len(controller.hellos), 0)

    controller.script = script
    async with running(made.run()):
        await until(lambda: len(pauses) >= 7)
    assert are(pauses[:7], [0.2, 0.4, 0.8, 1.6, 0.1, 0.2, 0.4]), pauses


def records(made: Link) -> list[tuple[str, str, str, str]]:
    journal = made._journal
    assert isinstance(journal, StubJournal)
    return journal.records
