"""The controller's WebSocket, spoken to by a real client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck as Slow
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from fairlead.core.errors import Busy, WireError
from fairlead.fleet import server
from fairlead.fleet.messages import (
    MOST_REPORT,
    PROTOCOL,
    Farewell,
    Orders,
    Report,
    Welcome,
    encode,
    from_agent,
    from_controller,
)
from fairlead.fleet.server import FAULT, NOT_LEADING, PATH, REFUSED, REPLACED, Gate, serve_agents
from tests.fleet.ground import DRAINING, UP, Heard, hello, table
from tests.ground import free_port, until

TOKEN = "only-for-tests-of-this-server"


@dataclass
class Served:
    heard: Heard
    port: int
    epoch: int | None = 3

    def open(self, token: str = TOKEN, path: str = PATH, **more: Any) -> connect:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"ws://127.0.0.1:{self.port}{path}"
        return connect(url, additional_headers=headers, compression=None, proxy=None, **more)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    made = Served(Heard(), free_port())
    gate = Gate(TOKEN, lambda: made.epoch)
    async with serve_agents(made.heard.fleet, f"127.0.0.1:{made.port}", gate):
        yield made


async def greeted(link: ClientConnection, **more: object) -> Welcome:
    await link.send(encode(hello(**more)), text=True)  # type: ignore[arg-type]
    welcome = from_controller(await link.recv())
    assert isinstance(welcome, Welcome)
    return welcome


async def ordered(link: ClientConnection) -> Orders:
    orders = from_controller(await link.recv())
    assert isinstance(orders, Orders)
    return orders


async def ended(link: ClientConnection) -> tuple[int, str]:
    """Its close code and reason."""
    with suppress(ConnectionClosed):
        async for _ in link:
            pass
    assert link.close_code is not None
    return link.close_code, link.close_reason or ""


@pytest.mark.parametrize(
    ("token", "path", "status"),
    [("", PATH, 401), (TOKEN + "x", PATH, 401), ("é" * 20, PATH, 401), (TOKEN, "/v1", 404)],
)
async def test_without_the_token_or_elsewhere_nobody_is_let_in(
    served: Served, token: str, path: str, status: int
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with served.open(token, path):
            pass
    assert refused.value.response.status_code == status
    assert not served.heard.fleet.roster.agents


async def test_a_message_that_is_too_large_ends_the_connection(served: Served) -> None:
    async with served.open() as link:
        await greeted(link)
        head = b"\x81\xff" + (MOST_REPORT + 1).to_bytes(8, "big") + bytes(4)
        link.transport.write(head)  # of a frame (RFC 6455, section 5.2) whose rest never comes
        assert (await ended(link))[0] == 1009


async def test_another_protocol_is_refused_with_a_reason_and_nothing_of_it_is_taken(
    served: Served,
) -> None:
    async with served.open() as link:
        strange = hello(serves={"app": table(a=UP)}, protocol=PROTOCOL + 1)
        await link.send(encode(strange), text=True)
        code, reason = await ended(link)
    assert (code, "run the same fairlead" in reason) == (REFUSED, True)
    assert await served.heard.fleet.read() == {}
    assert not served.heard.fleet.roster.agents


async def test_members_that_are_not_known_are_passed_over(served: Served) -> None:
    async with served.open() as link:
        newer = json.loads(encode(hello())) | {"mood": {"good": True}}
        await link.send(json.dumps(newer))
        assert isinstance(from_controller(await link.recv()), Welcome)


async def test_one_that_does_not_lead_says_so(served: Served) -> None:
    served.epoch = None
    async with served.open() as link:
        await link.send(encode(hello()), text=True)
        assert await ended(link) == (NOT_LEADING, "another controller leads")


async def test_a_second_agent_of_a_node_takes_the_place_of_the_first(served: Served) -> None:
    async with served.open() as first, served.open() as second:
        await greeted(first)
        await greeted(second)
        assert (await ended(first))[0] == REPLACED
        [agent] = served.heard.fleet.roster
        assert agent.lost is None
        await second.send(encode(Report(0, serving=False, problem="x")), text=True)
        await until(lambda: not agent.serving)


async def test_from_a_generation_on_only_what_has_changed_is_sent(served: Served) -> None:
    fleet = served.heard.fleet
    await fleet.push(table("one", a=UP))
    async with served.open() as link:
        welcome = await greeted(link)
        assert (await ordered(link)).generation == 1
    await fleet.push(table("two", b=UP))
    async with served.open() as link:
        await greeted(link, life=welcome.life, generation=1)
        assert [each.service for each in (await ordered(link)).services] == ["two"]
    async with served.open() as link:
        await greeted(link, life="another", generation=2)
        assert len((await ordered(link)).services) == 2


async def test_a_slow_reader_gets_what_has_changed_meanwhile_at_once(served: Served) -> None:
    fleet, many = served.heard.fleet, {f"e{n}": UP for n in range(5000)}
    async with served.open(max_queue=1, max_size=None) as link:
        await greeted(link)
        for number in range(50):
            state = DRAINING if number % 2 else UP
            await fleet.push(table(last=state, **many))
            await until(lambda: True)
        messages, generation = 0, 0
        while generation < fleet.generation:
            messages, generation = messages + 1, (await ordered(link)).generation
    assert messages < 50


async def test_a_node_may_end_once_it_is_named_no_more(served: Served) -> None:
    async with served.open() as link:
        await greeted(link)
        await link.send(encode(Report(0, leaving=True)), text=True)
        assert isinstance(from_controller(await link.recv()), Farewell)


async def test_an_answer_to_a_ping_is_a_sign_of_life_and_without_one_it_has_gone(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PULSE", 0.01)
    monkeypatch.setattr(server, "PATIENCE", 0.1)
    clock = served.heard.clock
    async with served.open() as link:
        await greeted(link)
        [agent] = served.heard.fleet.roster
        clock.time += 100
        await until(lambda: agent.heard == clock.time)
        link.transport.pause_reading()
        clock.time += 100
        await until(lambda: agent.lost is not None)
        assert agent.lost == agent.heard
        link.transport.resume_reading()


@pytest.mark.parametrize("part", ["join", "digested", "orders", "hear", "unnamed", "heard"])
async def test_a_session_of_which_a_part_has_failed_is_ended_whole_and_told(
    served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], part: str
) -> None:
    """Else the agent would be there and get nothing, or say what nobody hears."""
    monkeypatch.setattr(server, "PULSE", 0.01)
    fleet, later = served.heard.fleet, part in {"hear", "unnamed", "heard"}
    async with served.open() as link:
        with monkeypatch.context() as broken:
            if not later:
                broken.setattr(fleet, part, lambda *_: 1 // 0)
            await greeted(link)
            broken.setattr(fleet, part, lambda *_: 1 // 0)
            with suppress(ConnectionClosed):
                await link.send(encode(Report(0, leaving=True)), text=True)
            assert await ended(link) == (FAULT, "the controller failed inside")
            await until(lambda: all(agent.lost is not None for agent in fleet.roster))
    told = [m for kind, _, m, _ in served.heard.journal.records if kind == "problem"]
    assert told
    for each in told:  # two parts may have met it at once
        assert each.startswith("fairlead itself failed: ZeroDivisionError")
        assert each.endswith("in the session of n1")
    assert "Traceback" in capsys.readouterr().err
    async with served.open() as again:
        await greeted(again)


async def test_a_reason_is_no_longer_than_a_frame_takes(served: Served) -> None:
    async with served.open() as link:
        await link.send(json.dumps({"type": "é" * 500}))
        code, reason = await ended(link)
    assert (code, len(reason) <= 123) == (REFUSED, True)


async def test_an_address_that_is_taken_is_told(served: Served) -> None:
    with pytest.raises(Busy, match="cannot listen"):
        async with serve_agents(served.heard.fleet, f"127.0.0.1:{served.port}", Gate("", int)):
            pass


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("a", "health", "serves", "up", "app")), inner, max_size=3
        )
    ),
    max_leaves=8,
)
MEMBERS = ("type", "protocol", "version", "node", "life", "generation", "serves", "health")
MORE = ("applied", "in_flight", "counters", "serving", "leaving", "problem")
MESSAGES = st.dictionaries(st.sampled_from(MEMBERS + MORE), JSON, max_size=8).flatmap(
    lambda told: st.sampled_from(("hello", "report")).map(lambda tag: told | {"type": tag})
)


@given(st.binary(max_size=200) | MESSAGES.map(lambda m: json.dumps(m).encode()))
def test_whatever_comes_is_a_message_or_a_wire_error(raw: bytes) -> None:
    try:
        from_agent(raw)
    except WireError:
        return


@settings(max_examples=25, deadline=None, suppress_health_check=[Slow.function_scoped_fixture])
@given(data=st.data())
def test_garbage_never_ends_the_controller(data: st.DataObject) -> None:
    said = data.draw(st.lists(st.binary(max_size=50) | MESSAGES.map(json.dumps), max_size=4))
    asyncio.run(_survives(said))


async def _survives(said: list[bytes | str]) -> None:
    served = Served(Heard(), free_port())
    gate = Gate(TOKEN, lambda: 1)
    async with serve_agents(served.heard.fleet, f"127.0.0.1:{served.port}", gate):
        async with served.open() as link:
            with suppress(ConnectionClosed):
                for each in (encode(hello()).decode(), *said):
                    await link.send(each)
        await served.heard.fleet.push(table(a=UP))
        assert "a" in await served.heard.fleet.counters("app")
        async with served.open() as link:
            await greeted(link, node="n2")
            assert (await ordered(link)).services
