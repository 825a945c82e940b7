from __future__ import annotations

import asyncio

import pytest

from fairlead.core.errors import WireError
from fairlead.core.model import Counters, Waits
from fairlead.fleet import fleet as under_test
from fairlead.fleet.fleet import summed
from fairlead.fleet.messages import Orders, Report, from_controller
from fairlead.fleet.roster import Agent
from tests.fleet.ground import DRAINING, ILL, UP, WELL, Heard, hello, table
from tests.ground import until


def came(heard: Heard, node: str = "n1", **more: object) -> Agent:
    return heard.fleet.join(hello(node, **more), lambda: None)


async def in_flight(heard: Heard, key: str = "a") -> int | None:
    counted = (await heard.fleet.counters("app")).get(key)
    return counted.in_flight if counted else None


async def test_a_drain_is_known_once_all_have_said_so() -> None:
    heard = Heard()
    one, two = came(heard, "n1"), came(heard, "n2")
    generation = await heard.fleet.push(table(a=DRAINING, b=UP))
    assert await in_flight(heard) is None
    heard.fleet.hear(one, Report(generation, in_flight={"a": 1}))
    assert await in_flight(heard) is None
    heard.fleet.hear(two, Report(generation, in_flight={"a": 0}))
    assert await in_flight(heard) == 1
    heard.fleet.hear(one, Report(generation, in_flight={"a": 0}))
    assert await in_flight(heard) == 0


async def test_a_second_drain_of_an_endpoint_does_not_take_the_word_of_the_first() -> None:
    heard = Heard()
    agent = came(heard)
    first = await heard.fleet.push(table(a=DRAINING, b=UP))
    heard.fleet.hear(agent, Report(first, in_flight={"a": 0}))
    await heard.fleet.push(table(a=UP, b=UP))
    second = await heard.fleet.push(table(a=DRAINING, b=UP))
    assert await in_flight(heard) is None
    heard.fleet.hear(agent, Report(first, in_flight={"a": 0}))
    assert await in_flight(heard) is None
    heard.fleet.hear(agent, Report(second, in_flight={"a": 0}))
    assert await in_flight(heard) == 0


async def test_a_drain_that_a_new_controller_finds_is_not_over_before_agents_say_so() -> None:
    heard = Heard()
    came(heard, serves={"app": table(a=DRAINING, b=UP)})
    heard.watch("b", initial=WELL)
    await heard.fleet.push(table(a=DRAINING, b=UP))
    assert await in_flight(heard) is None


async def test_an_agent_that_reconnects_in_a_drain_has_to_say_it_again() -> None:
    heard = Heard()
    agent = came(heard)
    generation = await heard.fleet.push(table(a=DRAINING, b=UP))
    heard.fleet.hear(agent, Report(generation, in_flight={"a": 0}))
    heard.fleet.leave(agent)
    again = came(heard)
    assert await in_flight(heard) is None
    heard.fleet.hear(again, Report(generation, in_flight={"a": 0}))
    assert await in_flight(heard) == 0


async def test_generations_that_were_never_given_are_refused() -> None:
    heard = Heard()
    agent = came(heard)
    generation = await heard.fleet.push(table(a=UP))
    for wrong in (generation + 1, -1):
        with pytest.raises(WireError, match="never given"):
            heard.fleet.hear(agent, Report(wrong))
        with pytest.raises(WireError, match="never given"):
            heard.fleet.hear(agent, Report(0, tried=wrong))
    assert not await heard.fleet.follows("app")


async def test_what_a_replaced_agent_says_counts_no_more() -> None:
    heard = Heard()
    heard.watch("a", initial=WELL)
    old = came(heard)
    came(heard)
    heard.fleet.hear(old, Report(0, health={"a": ILL}))
    assert heard.health == {}
    heard.fleet.leave(old)
    assert [agent.state for agent in heard.fleet.roster] == ["serves"]


async def test_nothing_is_kept_of_what_has_ended() -> None:
    heard = Heard()
    agent = came(heard)
    heard.watch("a")
    generation = await heard.fleet.push(table(a=DRAINING))
    said = Report(
        generation, {"a": WELL}, {"a": 0, "b": -3}, {"app": {"a": Counters()}, "other": {}}
    )
    heard.fleet.hear(agent, said)
    heard.fleet.unwatch("a")
    await heard.fleet.drop("app")
    heard.fleet.hear(agent, said)
    assert (agent.in_flight, agent.counters) == ({}, {})
    assert heard.fleet.roster.votes("a") == {}


async def test_health_is_what_half_of_the_agents_see() -> None:
    heard = Heard()
    heard.watch("a")
    one, two, three = (came(heard, f"n{n}") for n in (1, 2, 3))
    heard.fleet.hear(one, Report(0, health={"a": WELL}))
    assert heard.health["a"].up
    heard.fleet.hear(two, Report(0, health={"a": ILL}))
    assert heard.health["a"].up
    heard.fleet.hear(three, Report(0, health={"a": ILL}))
    assert not heard.health["a"].up


async def test_votes_that_came_before_their_endpoint_was_known_count() -> None:
    heard = Heard()
    came(heard, health={"a": WELL, "z": WELL})
    heard.watch("a")
    assert heard.health["a"].up
    came(heard, health={"a": WELL})
    assert heard.fleet.roster.votes("z") == {}


async def test_an_agent_that_stays_away_is_forgotten_with_its_votes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(under_test, "FORGET", 0.01)
    heard = Heard()
    heard.watch("a", initial=WELL)
    agent, back = came(heard, health={"a": ILL}), came(heard, "n2", health={"a": WELL})
    heard.fleet.leave(agent)
    heard.fleet.leave(back)
    came(heard, "n2", health={"a": WELL})
    await until(lambda: "n1" not in heard.fleet.roster.agents)
    assert set(heard.fleet.roster.votes("a")) == {"n2"}


async def test_orders_wait_for_a_change_and_hold_all_of_them() -> None:
    heard = Heard()
    waiting = asyncio.create_task(heard.fleet.orders(0))
    await asyncio.sleep(0)
    assert not waiting.done()
    await heard.fleet.push(table("one", a=UP))
    await heard.fleet.push(table("two", b=UP))
    generation, raw = await waiting
    orders = from_controller(raw)
    assert isinstance(orders, Orders)
    assert (generation, orders.generation, len(orders.services)) == (2, 2, 2)
    await heard.fleet.push(table("three"))
    again = from_controller((await heard.fleet.orders(0))[1])
    assert isinstance(again, Orders)
    assert len(again.services) == 3


async def test_an_agents_first_orders_wait_for_what_it_has_said() -> None:
    heard = Heard()
    heard.watch("a")
    await heard.fleet.push(table())
    agent = came(heard, health={"a": WELL})
    waiting = asyncio.create_task(heard.fleet.digested(agent))
    await asyncio.sleep(0)
    assert not waiting.done()
    await heard.fleet.push(table())
    async with asyncio.timeout(under_test.DIGEST / 2):
        await waiting


async def test_one_that_read_the_platform_itself_is_told_nothing_that_is_older() -> None:
    heard, read = Heard(), asyncio.Event()

    async def informed() -> None:
        await read.wait()

    heard.fleet.informed = informed
    for more in ({"life": heard.fleet.life, "generation": 1}, {"life": "another", "generation": 0}):
        await heard.fleet.digested(came(heard, **more))
    alone = came(heard, life=heard.fleet.life, generation=0)
    waiting = asyncio.create_task(heard.fleet.digested(alone))
    await asyncio.sleep(0)
    assert not waiting.done()
    read.set()
    await waiting


async def test_counters_are_added_whatever_each_version_counts() -> None:
    few = Counters(1, 10, 1, (0, 9, 0, 0, 1), (1, 2), 0.5)
    more = Counters(2, 5, 0, (0, 5, 0, 0, 0), (1, 1, 3), 0.25)
    assert summed([few, more]) == Counters(3, 15, 1, (0, 14, 0, 0, 1), (2, 3, 3), 0.75)
    assert summed([]) == Counters()


async def test_a_new_controller_reads_what_its_agents_serve() -> None:
    heard = Heard()
    starting = asyncio.create_task(heard.fleet.start())
    await asyncio.sleep(0)
    came(heard, serves={"app": table(a=UP)})
    came(heard, "n2", serves={"app": table(a=UP, b=UP)})
    await starting
    assert await heard.fleet.read() == {"app": table(a=UP, b=UP)}


async def test_who_is_about_to_leave_is_told_once() -> None:
    heard = Heard()
    agent = came(heard)
    for _ in range(2):
        heard.fleet.hear(agent, Report(0, leaving=True))
    assert agent.parting.is_set()
    assert [m for _, _, m, _ in heard.journal.records].count("n1 is about to leave") == 1


async def test_a_node_that_has_ended_in_order_holds_up_no_drain() -> None:
    heard = Heard()
    heard.watch("a", initial=WELL)
    stays, goes = came(heard, "n1", health={"a": WELL}), came(heard, "n2", health={"a": WELL})
    generation = await heard.fleet.push(table(a=DRAINING, b=UP))
    heard.fleet.hear(stays, Report(generation, in_flight={"a": 0}))
    heard.fleet.hear(goes, Report(0, leaving=True))
    assert await in_flight(heard) is None
    heard.services.clear()
    heard.fleet.hear(goes, Report(0, leaving=True, ended=True))
    assert await in_flight(heard) == 0
    assert heard.services == [""]
    assert set(heard.fleet.roster.votes("a")) == {"n1"}
    heard.fleet.leave(goes)
    assert [agent.node for agent in heard.fleet.roster] == ["n1"]


async def test_a_node_that_vanished_holds_up_the_drains_that_begin_afterwards() -> None:
    heard = Heard()
    stays, gone = came(heard, "n1"), came(heard, "n2")
    heard.fleet.leave(gone)
    generation = await heard.fleet.push(table(a=DRAINING, b=UP))
    heard.fleet.hear(stays, Report(generation, in_flight={"a": 0}))
    assert await in_flight(heard) is None


async def test_one_refused_table_holds_up_only_its_own_drains() -> None:
    heard = Heard()
    agent = came(heard)
    await heard.fleet.push(table("bad", z=DRAINING))
    generation = await heard.fleet.push(table(a=DRAINING, b=UP))
    said = Report(
        0, in_flight={"a": 0, "z": 0}, tried=generation, refused={"bad": "too many entries"}
    )
    heard.fleet.hear(agent, said)
    assert await in_flight(heard) == 0
    assert "z" not in await heard.fleet.counters("bad")
    assert (await heard.fleet.follows("app"), await heard.fleet.follows("bad")) == (True, False)


async def test_what_a_late_agent_serves_and_nobody_knows_is_looked_at_at_once() -> None:
    heard = Heard()
    await heard.fleet.push(table(a=UP))
    came(heard, "n1", serves={"app": table(a=UP)})
    assert heard.services == []
    came(heard, "n2", serves={"old": table("old", z=UP)})
    assert heard.services == [""]
    assert "old" in await heard.fleet.read()


async def test_what_has_ended_here_is_told_a_late_agent_without_another_look() -> None:
    heard = Heard()
    await heard.fleet.push(table(a=UP))
    await heard.fleet.drop("app")
    came(heard, "n1", serves={"app": table(a=UP)})
    assert heard.services == []
    assert await heard.fleet.read() == {}
    orders = from_controller((await heard.fleet.orders(0))[1])
    assert isinstance(orders, Orders)
    assert orders.gone == ("app",)


async def test_who_waits_on_a_node_is_told_at_once_and_of_no_strange_service() -> None:
    heard, woken = Heard(), []
    heard.fleet.woken = woken.append
    await heard.fleet.push(table())
    agent = came(heard, "n1")
    heard.fleet.hear(agent, Report(0, wakes=("app", "strange")))
    assert woken == ["app"]


async def test_waits_are_summed_over_nodes_and_end_with_their_service() -> None:
    heard = Heard()
    await heard.fleet.push(table())
    for node, waits in (("n1", Waits(2, 5, 1, 10.0)), ("n2", Waits(1, 1, 0, 30.0))):
        agent = came(heard, node)
        counters = {"app": {}}
        heard.fleet.hear(agent, Report(0, counters=counters, waits={"app": waits, "old": waits}))
    assert await heard.fleet.waits("app") == Waits(3, 6, 1, 30.0)
    assert await heard.fleet.waits("old") == Waits()
    tallies = await heard.fleet.tallies("app")
    assert [(t.held, t.refused) for t in tallies.values() if t] == [(2, 1), (1, 0)]
    await heard.fleet.drop("app")
    assert await heard.fleet.waits("app") == Waits()
