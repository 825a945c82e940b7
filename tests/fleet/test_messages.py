"""Messages of another version: what they say more is passed over, and one that lacks what is
needed, or says it otherwise, is refused whole, with the reason."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect
from websockets.asyncio.server import serve

from fairlead.core.errors import WireError
from fairlead.core.model import (
    Counters,
    Endpoint,
    Entry,
    HealthCheck,
    Phase,
    Route,
    ServiceTable,
    Traffic,
)
from fairlead.daemon.start import running
from fairlead.fleet.fleet import Fleet
from fairlead.fleet.messages import (
    PROTOCOL,
    Assignment,
    Farewell,
    Hello,
    Orders,
    Report,
    ToAgent,
    ToController,
    Watched,
    Welcome,
    encode,
    from_agent,
    from_controller,
)
from fairlead.fleet.server import REFUSED, Gate, serve_agents
from tests.agent.test_follower import orders
from tests.agent.test_link import Controller, link, records, saying, welcoming
from tests.fleet.ground import ILL, UP, WELL, Heard, table
from tests.fleet.test_server import TOKEN, Served, ended, greeted
from tests.ground import free_port, until

Message = ToAgent | ToController
TABLE = ServiceTable("app", (Route("x.example"),), (Entry("a", "10.0.1.100", 80),), Traffic())
ENDPOINT = Endpoint("a", "app", "n1", "10.0.1.100", 80, "r", Phase.RUNNING, 1.0, 7)
WATCHED = Watched(ENDPOINT, HealthCheck(command=("ok",)))
TO_AGENT: list[ToAgent] = [
    Welcome(PROTOCOL, "1", "life", 3),
    Orders(3, (Assignment("app", 3, TABLE, (WATCHED,)),), ("gone",)),
    Farewell(),
]
TO_CONTROLLER: list[ToController] = [
    Hello(PROTOCOL, "1", "n1", "life", 2, {"app": TABLE}, {"a": WELL}),
    Report(0, {"a": ILL}, {"a": 2}, {"app": {"a": Counters(latency=(1,))}}, refused={"app": "why"}),
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
OF_EACH_KIND = (None, True, 1, "strange", [], {})


@dataclass(frozen=True)
class Member:
    """Of an object at `path` in a message."""

    path: tuple[str | int, ...]
    name: str
    required: bool
    kind: inspect.Type


def members(kind: inspect.Type, value: Any, path: tuple[str | int, ...] = ()) -> Iterator[Member]:
    """All that a message has and whose name is fixed, however deep."""
    inner: list[tuple[str | int, inspect.Type]] = []
    match kind:
        case inspect.StructType() | inspect.DataclassType():
            for each in kind.fields:
                yield Member(path, each.encode_name, each.required, each.type)
                inner.append((each.encode_name, each.type))
        case inspect.DictType():
            inner = [(key, kind.value_type) for key in value]
        case inspect.VarTupleType():
            inner = [(n, kind.item_type) for n in range(len(value))]
    for key, of_it in inner:
        yield from members(of_it, value[key], (*path, key))


def plain(message: Message) -> dict[str, Any]:
    return dict(json.loads(encode(message)))


def members_of(message: Message) -> list[Member]:
    tag = Member((), "type", required=True, kind=inspect.StrType())
    return [tag, *members(inspect.type_info(type(message)), plain(message))]


def there(document: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
    found = reduce(lambda value, key: value[key], path, document)
    assert isinstance(found, dict)
    return found


def decoded(message: Message, document: dict[str, Any]) -> Message:
    raw = json.dumps(document)
    return from_agent(raw) if isinstance(message, Hello | Report) else from_controller(raw)


def json_kind(value: object) -> str:
    return "number" if type(value) in (int, float) else type(value).__name__


def wrong(member: Member, now: object) -> list[object]:
    """Values of another type than that member has."""
    nullable = isinstance(member.kind, inspect.UnionType)
    others = [v for v in OF_EACH_KIND if json_kind(v) != json_kind(now)]
    more = {inspect.IntType: [1.5], inspect.EnumType: ["strange"]}.get(type(member.kind), [])
    return [*(v for v in others if not (v is None and nullable)), *more]


@st.composite
def spoilt(draw: st.DrawFn, messages: list[Any]) -> tuple[Message, dict[str, Any]]:
    """A message, and how it is without something that it needs, or with the wrong type of it."""
    message = draw(st.sampled_from(messages))
    document, member = plain(message), draw(st.sampled_from(members_of(message)))
    at = there(document, member.path)
    if member.required and draw(st.booleans()):
        del at[member.name]
    else:
        at[member.name] = draw(st.sampled_from(wrong(member, at[member.name])))
    return message, document


@given(data=st.data())
def test_what_a_newer_side_says_more_is_passed_over_wherever_it_is(data: st.DataObject) -> None:
    message = data.draw(st.sampled_from([*TO_AGENT, *TO_CONTROLLER]))
    document, known = plain(message), members_of(message)
    for path in data.draw(st.sets(st.sampled_from([m.path for m in known]), min_size=1)):
        names = {member.name for member in known if member.path == path}
        more = data.draw(st.text(max_size=8).filter(lambda name, names=names: name not in names))
        there(document, path)[more] = data.draw(JSON)
    assert decoded(message, document) == message


@given(data=st.data())
def test_what_an_older_side_does_not_say_may_be_missing(data: st.DataObject) -> None:
    message = data.draw(st.sampled_from([TO_AGENT[1], *TO_CONTROLLER]))
    document, known = plain(message), members_of(message)
    member = data.draw(st.sampled_from([each for each in known if not each.required]))
    del there(document, member.path)[member.name]
    assert isinstance(decoded(message, document), type(message))


@given(spoilt([*TO_AGENT, *TO_CONTROLLER]))
def test_what_is_missing_or_of_another_type_is_told(told: tuple[Message, dict[str, Any]]) -> None:
    with pytest.raises(WireError, match=r"not a message of protocol 1: ."):
        decoded(*told)


@settings(max_examples=40, deadline=None)
@given(spoilt(TO_AGENT))
def test_nothing_of_a_message_that_is_refused_reaches_a_follower(
    told: tuple[Message, dict[str, Any]],
) -> None:
    asyncio.run(_told_to_an_agent(*told))


async def _told_to_an_agent(message: Message, document: dict[str, Any]) -> None:
    controller, raw = Controller(), json.dumps(document)
    async with serve(controller.attend, "127.0.0.1", 0) as controller.server:
        made = link(controller)
        made.life, follower = "life", made._follower
        follower.take(orders(2, table("gone", a=UP), "a"))
        before = dict(follower.assignments), dict(follower.health), follower.generation
        greets = isinstance(message, Welcome)
        controller.script = saying(raw) if greets else _then(raw)
        async with running(made.run()):
            await until(lambda: any("not a message" in m for _, _, m, _ in records(made)))
        assert (follower.assignments, follower.health, follower.generation) == before


def _then(raw: str) -> Any:
    async def script(connection: Any, hello: Hello) -> None:
        await welcoming(stay=False)(connection, hello)
        await saying(raw)(connection, hello)

    return script


@settings(max_examples=40, deadline=None)
@given(spoilt(TO_CONTROLLER))
def test_nothing_of_a_message_that_is_refused_reaches_the_roster(
    told: tuple[Message, dict[str, Any]],
) -> None:
    asyncio.run(_told_to_a_controller(*told))


async def _told_to_a_controller(message: Message, document: dict[str, Any]) -> None:
    served = Served(Heard(), free_port())
    served.heard.watch("a")
    gate, fleet = Gate(TOKEN, lambda: 1), served.heard.fleet
    async with (
        serve_agents(fleet, f"127.0.0.1:{served.port}", gate),
        served.open() as other,
        served.open() as agent,
    ):
        await greeted(other, node="n2", health={"a": WELL})
        if isinstance(message, Report):
            await greeted(agent, node="n1", serves={"old": table("old", b=UP)})
        before = await _known(fleet)
        await agent.send(json.dumps(document))
        code, reason = await ended(agent)
        assert (code, reason[:27]) == (REFUSED, "not a message of protocol 1")
        assert await _known(fleet) == before
        await other.send(encode(Report(0, problem="is heard still")), text=True)
        await until(lambda: fleet.roster.agents["n2"].problem)


async def _known(fleet: Fleet) -> object:
    agents = {
        agent.node: (agent.applied, agent.serving, agent.problem, dict(agent.in_flight))
        for agent in fleet.roster
    }
    counted = {agent.node: dict(agent.counters) for agent in fleet.roster}
    return agents, counted, dict(fleet.roster.votes("a")), await fleet.read()
