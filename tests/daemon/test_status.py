"""What the status document says in words, over the real loop on edges in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from fairlead.api.document import ServiceDoc
from fairlead.commands import Commands
from fairlead.core.model import Cluster, FixedEndpoint, Service
from fairlead.daemon.status import status
from fairlead.fleet.messages import Hello, Report
from fairlead.fleet.roster import Roster
from fairlead.ports import Calls, Capacity, Heard
from tests.stub_edges import StubWorld

WEB = Service("web", replicas=2, run=("app",))


async def begun(service: Service = WEB) -> StubWorld:
    world = StubWorld()
    Commands(world.loop).adopt(Cluster(services=(service,)))
    await world.settle()
    return world


async def told(world: StubWorld) -> ServiceDoc:
    return (await status(world.loop, "shop", "web"))["services"][0]


def reasons(service: ServiceDoc) -> list[str]:
    return [endpoint.get("reason", "") for endpoint in service["endpoints"]]


async def test_a_starting_endpoint_says_how_long_it_has() -> None:
    world = await begun()
    world.clock.time += 20
    assert reasons(await told(world)) == ["not checked yet; it has 100 s more to get ready"] * 2
    world.pass_checks()
    await world.settle()
    assert reasons(await told(world)) == ["", ""]


async def test_a_draining_endpoint_says_what_it_waits_for() -> None:
    world = await begun()
    world.pass_checks()
    await world.settle()
    world.proxy.in_flight["web-2"] = 3
    Commands(world.loop).scale("web", 1)
    await world.settle()
    world.clock.time += 10
    found = await told(world)
    assert [e["state"] for e in found["endpoints"]] == ["ready", "draining"]
    assert reasons(found)[1] == "scale to 1; 3 in flight, which have 20 s more"


async def test_failed_starts_are_told_until_it_serves_again() -> None:
    world = await begun()
    world.platform.end("web-1", "exit 3")
    await world.settle(1)
    found = await told(world)
    assert (found.get("problem"), found.get("given_up")) == ("the last start failed: exit 3", False)
    world.platform.broken = "no such program"
    for _ in range(3):
        world.clock.time += 40
        world.loop.notify("web")
        await world.settle(2)
    problem = (await told(world)).get("problem", "")
    assert problem.startswith("4 starts in a row failed: no such program; the next try is in ")
    world.platform.broken = ""
    world.clock.time += 40
    await world.settle()
    world.pass_checks()
    await world.settle()
    assert (await told(world)).get("problem") == ""


async def test_a_service_that_is_given_up_says_what_to_do() -> None:
    world = await begun()
    world.platform.broken = "no such program"
    for name in ("web-1", "web-2"):
        world.platform.end(name, "exit 3")
    for _ in range(20):
        world.clock.time += 40
        world.loop.notify("web")
        await world.settle(2)
    found = await told(world)
    assert found.get("given_up") is True
    assert "last: no such program; see fairlead logs web" in found.get("problem", "")
    assert "fairlead restart web" in found.get("problem", "")


async def test_of_fixed_endpoints_all_that_are_listed_are_wanted() -> None:
    places = tuple(FixedEndpoint("127.0.0.1", port) for port in (7001, 7002))
    world = await begun(Service("web", endpoints=places))
    found = await told(world)
    assert (found["desired"], found["strategy"]) == (2, "fixed")
    assert found.get("problem") == "2 of 2 drained; back into use: fairlead restart web"
    three = tuple(replace(places[0], port=port) for port in (7001, 7002, 7003))
    Commands(world.loop).adopt(Cluster(services=(Service("web", endpoints=three),)))
    assert (await told(world))["desired"] == 3


@dataclass
class Meter:
    """Implements ports.Metered."""

    events: Heard = field(default_factory=Heard)
    room: Mapping[str, Capacity] = field(default_factory=dict)

    def calls(self) -> Calls:
        return Calls({"ecs:ListTasks": 7}, 1.2345, 2, 5.0)

    def heard(self) -> Heard:
        return self.events

    def capacity(self) -> Mapping[str, Capacity]:
        return self.room


async def test_the_use_of_an_api_is_told_of_platforms_that_have_one() -> None:
    world = await begun()
    assert "api" not in await status(world.loop, "shop")
    found = await status(world.loop, "shop", metered=Meter())
    used = {"per_second": 1.23, "bound": 5.0, "throttled": 2, "actions": {"ecs:ListTasks": 7}}
    assert found.get("api") == used
    assert found["nodes"] == [{"id": "local", "address": "127.0.0.1", "state": "ready"}]


async def test_a_controller_tells_of_its_agents() -> None:
    world, roster = StubWorld(), Roster()
    for node in ("n1", "n2", "n3"):
        roster.welcome(Hello(1, "0.1.0", node), lambda: None)
    roster.agents["n1"].take(Report(7))
    roster.agents["n2"].take(Report(6, serving=False, problem="nginx does not answer"))
    roster.agents["n3"].lost = 1.0
    found = (await status(world.loop, "shop", roster=roster)).get("agents", [])
    assert [(a["node"], a["state"], a["generation"]) for a in found] == [
        ("n1", "serves", 7),
        ("n2", "broken", 6),
        ("n3", "away", 0),
    ]
    assert found[1]["problem"] == "nginx does not answer"


async def test_events_and_what_nodes_have_left_are_told_where_they_are_known() -> None:
    world = await begun()
    meter = Meter(Heard("https://queue", 5, 3, 1, "denied"), {"local": Capacity(0, 300)})
    found = await status(world.loop, "shop", metered=meter)
    assert found.get("api", {}).get("events") == {
        "queue": "https://queue",
        "received": 5,
        "taken": 3,
        "malformed": 1,
        "problem": "denied",
    }
    assert (found["nodes"][0].get("cpu"), found["nodes"][0].get("memory")) == (0, 300)
