"""Events through a real SQS protocol: the client that fairlead uses, and moto's server.

The cluster itself is read so seldom that whatever is seen in time was told by the queue.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fairlead.aws.client import Aws
from fairlead.aws.pace import Pace
from fairlead.aws.session import Account, Clients
from fairlead.clock import SystemClock
from fairlead.core.model import Ecs, Phase
from fairlead.platforms.ecs.platform import EcsPlatform
from tests.ground import until
from tests.platforms.ecs.fake import ARN, CLUSTER, FakeEcs
from tests.platforms.ecs.ground import Told, service, sight
from tests.platforms.ecs.sqs import REGION, Sqs
from tests.platforms.ecs.test_events import body, ended
from tests.rehearsal.ground import rehearsal

SELDOM = 600.0


@pytest.fixture(scope="module")
def server() -> Iterator[Sqs]:
    made = Sqs()
    made.start()
    yield made
    made.close()


@pytest.fixture
def sqs(server: Sqs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sqs:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", server.endpoint)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    server.renew()
    return server


@dataclass
class Half:
    """Implements client.Source: ECS and EC2 are the fake, SQS is reached over the wire."""

    ecs: FakeEcs
    clients: Clients = field(default_factory=lambda: Clients(Account(REGION)))

    def get(self, name: str) -> Any:
        return self.clients.get(name) if name == "sqs" else self.ecs.get(name)

    def close(self) -> None:
        self.clients.close()


@dataclass
class Listening:
    ecs: FakeEcs = field(default_factory=FakeEcs)
    told: Told = field(default_factory=Told)
    notified: list[str] = field(default_factory=list)

    async def open(self, sqs: Sqs) -> None:
        self.ecs.add("catalog", 3)
        settings = Ecs(cluster=CLUSTER, interval=SELDOM, queue=sqs.url)
        clock = SystemClock()
        aws = Aws(lambda: Half(self.ecs), clock, Pace(1000, 1000))
        self.platform = EcsPlatform(settings, self.notified.append, clock, self.told, aws)
        await self.platform.observe([service()])
        await self.platform.open()
        self.reads = self.ecs.count("ListTasks")

    async def phases(self) -> list[Phase]:
        """Of the tasks, in the order of their starts."""
        sighting = await sight(self.platform)
        assert sighting.complete, sighting.problem
        found = {e.id.rpartition("-")[2]: e.phase for e in sighting.endpoints}
        return [found[arn.rpartition("/")[2][:12]] for arn in self.ecs.tasks]

    async def become(self, *phases: Phase) -> None:
        async def so() -> bool:
            return await self.phases() == list(phases)

        await until(so, lambda: f"{phases}; {self.told.events}")

    async def heard(self, count: int) -> None:
        heard = self.platform.heard
        await until(lambda: heard().received >= count, lambda: f"{count} events: {heard()}")


@pytest.fixture
async def world(sqs: Sqs) -> AsyncIterator[Listening]:
    made = Listening()
    await made.open(sqs)
    yield made
    await made.platform.close()


R, X = Phase.RUNNING, Phase.EXITED


async def test_an_end_is_seen_by_its_event_and_the_message_deleted(
    world: Listening, sqs: Sqs
) -> None:
    first, *_ = world.ecs.tasks.values()
    began = time.monotonic()
    sqs.send(body(ended(first)))
    await world.become(X, R, R)
    assert time.monotonic() - began < 1
    assert "catalog" in world.notified
    assert world.ecs.count("ListTasks") == world.reads
    await until(lambda: sqs.left() == 0, "the message deleted")


async def test_duplicates_and_disorder_leave_the_last_word_standing(
    world: Listening, sqs: Sqs
) -> None:
    """Twice each, the newest first; one that is older than what was read is nothing new."""
    first, second, _ = world.ecs.tasks.values()
    going = second | {"desiredStatus": "STOPPED", "version": second["version"] + 1}
    last = ended(second) | {"version": second["version"] + 2}
    bodies = [body(ended(first)), body(first), body(last), body(going), body(second)]
    sqs.send(*bodies, *bodies)
    await world.heard(10)
    assert await world.phases() == [X, X, R]
    heard = world.platform.heard()
    assert (heard.received, heard.taken, heard.malformed) == (10, 2, 0)
    await until(lambda: sqs.left() == 0, "all deleted")


async def test_what_is_no_event_of_ours_is_deleted_and_changes_nothing(
    world: Listening, sqs: Sqs
) -> None:
    """A queue that others use by mistake, too, must not fill up with what nobody wants."""
    first, *_ = world.ecs.tasks.values()
    stranger = json.loads(body(ended(first)))
    stranger["detail"]["clusterArn"] = f"{ARN}:cluster/other"
    foreign = [json.dumps(stranger), body(ended(first), source="aws.ec2"), '{"Records": []}']
    malformed = ["not json", "[]", '{"detail": 7}', "\u2603" * 1000]
    nothing = [body({"taskArn": 7}), body({})]
    sqs.send(*foreign, *malformed, *nothing)
    await world.heard(9)
    assert await world.phases() == [R, R, R]
    assert world.platform.heard().taken == 0
    assert world.platform.heard().malformed == 7
    await until(lambda: sqs.left() == 0, "all deleted")
    sqs.send(body(ended(first)))
    await world.become(X, R, R)


async def test_a_burst_is_taken_whole(world: Listening, sqs: Sqs) -> None:
    """More than one receive brings."""
    tasks = list(world.ecs.tasks.values())
    sqs.send(*[body(task) for task in tasks] * 11, *[body(ended(task)) for task in tasks])
    await world.become(X, X, X)
    await world.heard(36)
    await until(lambda: sqs.left() == 0, "all deleted")


async def test_a_queue_that_goes_and_comes_back_is_heard_again(world: Listening, sqs: Sqs) -> None:
    first, second, _ = world.ecs.tasks.values()
    sqs.send(body(ended(first)))
    await world.become(X, R, R)
    sqs.kill()
    try:
        await until(lambda: world.told.of("problem"), "the problem told")
        assert await world.phases() == [X, R, R], "nothing is lost with the queue"
        assert "polled" in world.told.of("problem")[0]
    finally:
        await asyncio.to_thread(sqs.start)
    sqs.send(body(ended(second)))
    await world.become(X, X, R)
    await until(lambda: world.told.of("recovered"), "its end told")
    problems = world.told.of("problem")
    assert len(set(problems)) == len(problems), "each is told once, however often it is met"


async def test_from_the_local_ecs_through_the_queue(
    sqs: Sqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happens in ECS, by its own events: a start, a stop, and how long they take."""
    told: list[str] = []
    async with rehearsal(nodes=2, queue=sqs.url) as ecs:
        for name, value in ecs.environment().items():
            monkeypatch.setenv(name, value)
        ecs.serve("catalog", ecs.define("catalog", "sleep", "300"), 1)
        settings = Ecs(cluster="shop", interval=SELDOM, queue=sqs.url)
        platform = EcsPlatform(settings, told.append, SystemClock(), Told())
        try:
            await _follows(ecs, platform)
        finally:
            await platform.close()


async def _follows(ecs: Any, platform: EcsPlatform) -> None:
    def tasks(status: str = "RUNNING") -> list[str]:
        asked = {"cluster": "shop", "serviceName": "catalog", "desiredStatus": status}
        return list(ecs.call("ListTasks", **asked)["taskArns"])

    def running() -> Callable[[], Any]:
        async def so() -> bool:
            seen = (await sight(platform)).endpoints
            mine = {e.id.rpartition("-")[2] for e in seen if e.phase is R and e.port}
            return mine == {arn.rpartition("/")[2][:12] for arn in tasks()}

        return so

    await platform.observe([service()])
    await platform.open()
    await until(tasks, "a task")
    await until(running(), "the first")
    ecs.call("UpdateService", cluster="shop", service="catalog", desiredCount=3)
    await until(lambda: len(tasks()) == 3, "three in ECS")
    await until(running(), "all three")
    victim = tasks()[0]
    began = time.monotonic()
    ecs.call("StopTask", cluster="shop", task=victim)

    async def withdrawn() -> bool:
        phases = {e.id.rpartition("-")[2]: e.phase for e in (await sight(platform)).endpoints}
        return phases.get(victim.rpartition("/")[2][:12]) is not R

    await until(withdrawn, "the stop")
    assert time.monotonic() - began < 1
    assert platform.heard().malformed == 0
