"""The agents of the bench: they follow a real server, and tell when the last of them has what."""

from __future__ import annotations

import asyncio

from bench.fleet_agents import Tally, agent
from fairlead.fleet.server import Gate, serve_agents
from tests.fleet.ground import DRAINING, UP, Heard, table
from tests.ground import free_port, until

TOKEN = "only-for-tests-of-this-bench"
NODES = ("n1", "n2", "n3")


class Told:
    def __init__(self) -> None:
        self.what: list[str] = []
        self.tally = Tally(len(NODES), lambda what, _: self.what.append(what))


def test_the_last_one_tells_once() -> None:
    told = Told()
    for node in ("n1", "n2", "n2", "n1"):
        told.tally.have(node, "a", "up")
    told.tally.have("n3", "b", "up")
    assert told.what == []
    told.tally.have("n3", "a", "up")
    told.tally.have("n3", "a", "up")
    assert told.what == ["up"]


def test_what_was_lost_has_to_be_had_again() -> None:
    told = Told()
    for node in NODES:
        told.tally.have(node, "", "follows")
    told.tally.lost("n2", "", "follows")
    told.tally.have("n1", "", "follows")
    assert told.what == ["follows"]
    told.tally.have("n2", "", "follows")
    assert told.what == ["follows"] * 2


async def test_agents_follow_vote_and_take_what_they_are_told() -> None:
    told, heard, port = Told(), Heard(), free_port()
    url = f"ws://127.0.0.1:{port}"
    works = [asyncio.create_task(agent(n, url, TOKEN, told.tally)) for n in NODES]
    try:
        for times in (1, 2):
            async with serve_agents(heard.fleet, f"127.0.0.1:{port}", Gate(TOKEN, lambda: 1)):
                await until(lambda n=times: told.what.count("follows") == n, "all follow")
        async with serve_agents(heard.fleet, f"127.0.0.1:{port}", Gate(TOKEN, lambda: 1)):
            heard.watch("a")
            await heard.fleet.push(table("app", a=UP))
            await until(lambda: "up" in told.what, "all have it")
            await until(lambda: len(heard.fleet.roster.votes("a")) == len(NODES), "all have voted")
            await heard.fleet.push(table("app", a=DRAINING))
            await until(lambda: "draining" in told.what, "all drain it")
    finally:
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
