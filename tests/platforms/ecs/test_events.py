from __future__ import annotations

import json
import time
from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.model import Phase
from fairlead.platforms.ecs.events import Ears, Events
from fairlead.platforms.ecs.memory import Memory
from fairlead.platforms.ecs.platform import EcsPlatform
from tests.ground import until
from tests.platforms.ecs.fake import ARN, CLUSTER, FakeEcs, refusal
from tests.platforms.ecs.ground import World, endpoints

QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/fairlead"


def body(task: dict[str, Any], **more: Any) -> str:
    detail = {k: v for k, v in task.items() if k != "tags"} | {"clusterArn": f"{ARN}:cluster/shop"}
    envelope = {"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": detail}
    return json.dumps(envelope | more, default=lambda moment: moment.isoformat())


def ended(task: dict[str, Any]) -> dict[str, Any]:
    stopped = {"lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stoppedReason": "gone"}
    return deepcopy(task) | stopped | {"version": task["version"] + 1}


def post(ecs: FakeEcs, *bodies: str) -> None:
    ecs.messages += [
        {"MessageId": str(n), "ReceiptHandle": f"{len(ecs.messages)}-{n}", "Body": text}
        for n, text in enumerate(bodies)
    ]


async def listening(world: World) -> EcsPlatform:
    """Polls so seldom that what is seen comes from events; the queue never waits."""

    def wait(name: str, _: object) -> None:
        if name == "ReceiveMessage" and not world.ecs.messages:
            world.ecs.lock.release()
            time.sleep(0.02)
            world.ecs.lock.acquire()

    world.ecs.hook = wait
    return await world.opened("catalog", interval=60.0, queue=QUEUE)


async def test_a_task_that_ends_is_seen_and_notified_at_once(world: World) -> None:
    world.ecs.add("catalog", 2)
    platform = await listening(world)
    first = world.ecs.of("catalog")[0]
    before = {e.id for e in await endpoints(platform)}
    world.notified.clear()
    reads = world.ecs.count("ListTasks")
    began = time.monotonic()
    post(world.ecs, body(ended(first)))
    await until(lambda: world.notified, "a notice")
    assert world.notified[0][0] - began < 1
    assert world.notified[0][1] == "catalog"
    seen = {e.id: e for e in await endpoints(platform)}
    assert seen.keys() == before
    gone = [e for e in seen.values() if e.phase is Phase.EXITED]
    assert [e.exit for e in gone] == ["gone"]
    assert world.ecs.count("ListTasks") == reads
    await until(lambda: not world.ecs.messages, "the message deleted")


async def test_a_new_task_is_seen_with_its_first_event(world: World) -> None:
    world.ecs.add("catalog", 1)
    platform = await listening(world)
    world.ecs.services["catalog"].desired = 2
    world.ecs.live()
    new = world.ecs.of("catalog")[1]
    post(world.ecs, body(new))

    async def two() -> bool:
        return [e.phase for e in await endpoints(platform)] == [Phase.RUNNING] * 2

    await until(two, "the second")


async def test_a_queue_that_fails_is_told_and_the_polling_goes_on(world: World) -> None:
    world.ecs.add("catalog", 1)

    def deny(name: str, _: object) -> None:
        if name == "ReceiveMessage":
            raise refusal("AccessDenied", name)

    world.ecs.hook = deny
    platform = await world.opened("catalog", queue=QUEUE)
    await until(lambda: world.told.of("problem"), "the problem told")
    assert "sqs:ReceiveMessage" in world.told.of("problem")[0]
    assert "sqs:ReceiveMessage" in platform.heard().problem
    assert len(await endpoints(platform)) == 1
    world.ecs.hook = lambda *_: None
    await until(lambda: not platform.heard().problem, "the queue is read again")
    assert platform.heard().queue == QUEUE


class Heard:
    """Events into a memory, with nothing around them."""

    def __init__(self) -> None:
        self.ecs = FakeEcs()
        self.ecs.add("catalog", 2)
        self.memory = Memory()
        self.changed: list[str] = []
        self.looked: list[str] = []
        ears = Ears(lambda t: self.changed.append(t.id), self.looked.append, lambda _: None)

        async def call(action: str, /, **_: Any) -> Any:
            raise AssertionError(action)

        self.events = Events(call, QUEUE, CLUSTER, self.memory, ears)
        self.task = self.ecs.of("catalog")[0]

    def phase(self) -> Phase:
        task = self.memory.task(self.task["taskArn"])
        assert task
        return task.phase


def test_duplicates_and_old_ones_change_nothing() -> None:
    heard = Heard()
    heard.events.hear(body(heard.task))
    heard.events.hear(body(ended(heard.task)))
    assert heard.phase() is Phase.EXITED
    for late in (body(heard.task), body(ended(heard.task)), body(heard.task | {"version": 0})):
        heard.events.hear(late)
    assert heard.phase() is Phase.EXITED
    assert len(heard.changed) == 2
    assert (heard.events.heard.received, heard.events.heard.taken) == (5, 2)


def test_an_event_of_a_forgotten_task_does_not_bring_it_back() -> None:
    heard = Heard()
    heard.events.hear(body(heard.task))
    heard.memory.forget(heard.task["taskArn"])
    heard.events.hear(body(heard.task | {"version": 9}))
    assert heard.memory.task(heard.task["taskArn"]) is None


def test_a_mark_is_not_lost_by_an_event_which_has_no_tags() -> None:
    heard = Heard()
    heard.events.hear(body(heard.task))
    heard.memory.mark(heard.task["taskArn"], "scale to 1")
    heard.events.hear(body(heard.task | {"version": 9}))
    known = heard.memory.task(heard.task["taskArn"])
    assert known
    assert known.mark == "scale to 1"


def test_other_events_of_ecs_make_it_look() -> None:
    heard = Heard()
    service = f"{ARN}:service/shop/catalog"
    for kind in ("ECS Service Action", "ECS Deployment State Change"):
        heard.events.hear(body({}, resources=[service], **{"detail-type": kind}))
    heard.events.hear(body({}, **{"detail-type": "ECS Container Instance State Change"}))
    assert heard.looked == ["catalog", "catalog", ""]


def test_the_unknown_and_those_of_other_clusters_are_ignored() -> None:
    heard = Heard()
    other = json.loads(body(heard.task))
    other["detail"]["clusterArn"] = f"{ARN}:cluster/other"
    heard.events.hear(json.dumps(other))
    heard.events.hear(body(heard.task, source="aws.ec2"))
    heard.events.hear(body(heard.task, **{"detail-type": "New Kind"}))
    assert heard.changed == heard.looked == []
    assert heard.events.heard.malformed == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.text() | JSON.map(json.dumps) | st.just("[" * 100_000))
def test_the_malformed_are_counted_and_dropped(text: str) -> None:
    heard = Heard.__new__(Heard)
    ears = Ears(lambda _: None, lambda _: None, lambda _: None)
    heard.events = Events(None, QUEUE, CLUSTER, Memory(), ears)  # type: ignore[arg-type]
    heard.events.hear(text)
    assert heard.events.heard.malformed == 1


@given(st.dictionaries(st.sampled_from(["taskArn", "version", "lastStatus", "containers"]), JSON))
def test_malformed_tasks_raise_nothing(detail: dict[str, Any]) -> None:
    ears = Ears(lambda _: None, lambda _: None, lambda _: None)
    events = Events(None, QUEUE, CLUSTER, Memory(), ears)  # type: ignore[arg-type]
    events.hear(body(detail))
    assert events.heard.received == 1
