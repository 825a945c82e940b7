from __future__ import annotations

import asyncio
import sys
import threading
import time
from typing import Any

import pytest

from fairlead.core.errors import Missing, PlatformError
from fairlead.core.model import Phase
from fairlead.platforms.ecs.poller import _pause
from tests.ground import until
from tests.platforms.ecs.fake import refusal
from tests.platforms.ecs.ground import World, endpoints, running, service, sight


async def test_tasks_are_endpoints_at_the_ports_of_their_nodes(world: World) -> None:
    world.ecs.add("catalog", 2)
    platform = await world.opened("catalog")
    found = await endpoints(platform)
    tasks = world.ecs.of("catalog")
    assert [e.id for e in found] == [
        f"catalog-{t['taskArn'].rpartition('/')[2][:12]}" for t in tasks
    ]
    assert {(e.address, e.port) for e in found} == {("127.0.1.2", 32769), ("127.0.1.1", 32770)}
    assert {e.phase for e in found} == {Phase.RUNNING}
    assert {e.revision for e in found} == {service().revision}
    assert all(e.started > 1e9 for e in found)
    assert (await sight(platform)).desired == 2
    assert {e.node for e in found} == {n.id for n in await platform.nodes()}


async def test_nodes_have_both_addresses_their_zone_and_what_is_left(world: World) -> None:
    world.ecs.add("catalog")
    platform = await world.opened("catalog", addresses="public")
    nodes = await platform.nodes()
    assert [(n.address, n.public, n.zone, n.state) for n in nodes] == [
        ("127.0.1.1", "203.0.113.1", "eu-west-1b", "ready"),
        ("127.0.1.2", "203.0.113.2", "eu-west-1c", "ready"),
    ]
    assert platform.capacity()[nodes[0].id].memory == 840
    assert (await endpoints(platform))[0].address.startswith("203.0.113.")


async def test_a_task_without_its_port_is_pending_then_running(world: World) -> None:
    world.ecs.runs = False
    world.ecs.add("catalog")
    platform = await world.opened("catalog")
    assert [(e.phase, e.port) for e in await endpoints(platform)] == [(Phase.PENDING, 0)]
    world.ecs.runs = True
    assert (await running(platform, 1))[0].port


async def test_a_change_is_notified_and_rest_is_not(world: World) -> None:
    world.ecs.add("catalog")
    world.ecs.add("alerts")
    platform = await world.opened("catalog", "alerts")
    turns = world.ecs.count("ListTasks")
    world.notified.clear()
    await until(lambda: world.ecs.count("ListTasks") >= turns + 3, "three reads at rest")
    assert world.notified == []
    world.ecs.end(world.ecs.of("alerts")[0])
    await until(lambda: world.notified, "a notice")
    assert {name for _, name in world.notified} == {"alerts"}
    assert len(await running(platform, 1, "alerts")) == 1


async def test_a_stopped_task_is_kept_with_its_reason_until_it_is_forgotten(world: World) -> None:
    world.ecs.add("catalog", 1)
    platform = await world.opened("catalog")
    first = (await endpoints(platform))[0]
    world.ecs.end(world.ecs.of("catalog")[0], "OutOfMemoryError")

    async def ended() -> bool:
        return any(e.phase is Phase.EXITED for e in await endpoints(platform))

    await until(ended, "the end seen")
    gone = next(e for e in await endpoints(platform) if e.id == first.id)
    assert gone.exit == "OutOfMemoryError"
    await platform.forget(gone)
    assert first.id not in {e.id for e in await endpoints(platform)}
    turns = world.ecs.count("ListTasks")
    await until(lambda: world.ecs.count("ListTasks") >= turns + 2, "two more reads")
    assert first.id not in {e.id for e in await endpoints(platform)}


async def test_a_task_that_ecs_knows_no_more_has_ended(world: World) -> None:
    world.ecs.add("catalog", 1)
    platform = await world.opened("catalog")
    world.ecs.schedule = False
    world.ecs.tasks.clear()

    async def ended() -> bool:
        return [e.phase for e in await endpoints(platform)] == [Phase.EXITED]

    await until(ended, "the end seen")


async def test_a_task_that_is_to_stop_is_stopping(world: World) -> None:
    world.ecs.add("catalog", 2)
    platform = await world.opened("catalog")
    world.ecs.services["catalog"].desired = 1
    world.ecs.live()
    await running(platform, 1)
    assert sorted(e.phase for e in await endpoints(platform)) == [Phase.RUNNING, Phase.STOPPING]


@pytest.mark.parametrize("operation", ["ListTasks", "DescribeTasks"])
async def test_a_read_that_fails_removes_nothing_and_says_why(world: World, operation: str) -> None:
    world.ecs.add("catalog", 2)
    platform = await world.opened("catalog")
    before = await endpoints(platform)

    def fail(name: str, _: object) -> None:
        if name == operation:
            raise refusal("AccessDeniedException", name)

    world.ecs.hook = fail
    await until(lambda: world.told.of("problem"), "the problem told")
    sighting = await sight(platform)
    assert not sighting.complete
    assert f"ecs:{operation}" in sighting.problem
    assert "fairlead export iam-policy" in sighting.problem
    assert list(sighting.endpoints) == before
    world.ecs.hook = lambda *_: None
    await until(lambda: world.told.of("recovered"), "the end of the problem told")
    assert await endpoints(platform) == before


@pytest.mark.parametrize("reason", ["MISSING", "ACCESS_DENIED", None])
async def test_an_answer_without_one_of_the_tasks_is_partial(
    world: World, reason: str | None
) -> None:
    """Even MISSING is not believed of a task that was listed a moment ago."""
    world.ecs.add("catalog", 2)
    platform = await world.opened("catalog")
    before = await endpoints(platform)
    lost = world.ecs.of("catalog")[0]

    def partial(name: str, given: dict[str, list[str]]) -> object:
        if name != "DescribeTasks":
            return None
        rest = [t for arn, t in world.ecs.tasks.items() if arn != lost["taskArn"]]
        failures = [{"arn": lost["taskArn"], "reason": reason}] if reason else []
        return {"tasks": rest, "failures": failures}

    world.ecs.hook = partial
    turns = world.ecs.count("DescribeTasks")
    await until(lambda: world.ecs.count("DescribeTasks") >= turns + 2, "two partial reads")
    sighting = await sight(platform)
    assert list(sighting.endpoints) == before
    assert sighting.complete is (reason == "MISSING")


async def test_what_a_person_must_mend_ends_the_opening(world: World) -> None:
    def deny(name: str, _: object) -> None:
        raise refusal("ClusterNotFoundException", name)

    world.ecs.hook = deny
    with pytest.raises(PlatformError, match=r"ecs\.cluster"):
        await world.platform().open()


async def test_without_botocore_it_says_what_to_install(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "botocore", None)
    with pytest.raises(Missing, match=r"fairlead\[ecs\]"):
        await world.platform().open()


async def test_where_aws_does_not_answer_it_goes_on_and_recovers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairlead.aws.client.backoff", lambda _: 0.01)
    world.ecs.add("catalog", 1)

    def fail(name: str, _: object) -> None:
        raise refusal("ServerException", name, status=500)

    world.ecs.hook = fail
    platform = await world.opened("catalog")
    assert not (await sight(platform)).complete
    with pytest.raises(PlatformError, match="AWS failed"):
        await platform.services()
    world.ecs.hook = lambda *_: None
    assert len(await running(platform, 1)) == 1


async def test_pages_and_batches_are_read_to_their_end(world: World) -> None:
    world.ecs.page = 30
    world.ecs.add("catalog", 250)
    platform = await world.opened("catalog")
    assert len(await endpoints(platform)) == 250
    batches = [given["tasks"] for name, given in world.ecs.calls if name == "DescribeTasks"]
    assert sorted(len(batch) for batch in batches[:3]) == [50, 100, 100]


async def test_what_ecs_says_of_a_service_is_told_once(world: World) -> None:
    said = {"id": "e1", "message": "(service catalog) was unable to place a task"}
    shop = world.ecs.add("catalog", 1)
    await world.opened("catalog")
    shop.events = [said]
    for _ in range(2):
        world.ecs.end(world.ecs.of("catalog")[0])
        turns = world.ecs.count("DescribeServices")
        await until(lambda turns=turns: world.ecs.count("DescribeServices") > turns, "a read")
    assert world.told.of("ecs") == [said["message"]]


async def test_anew_waits_for_a_read_that_begins_later_and_does_not_fail(world: World) -> None:
    world.ecs.add("catalog", 1)
    platform = await world.opened("catalog")

    def fail(name: str, _: object) -> None:
        if name == "DescribeTasks":
            raise refusal("ServerException", name, status=500)

    world.ecs.hook = fail
    before = world.ecs.count("ListTasks")
    waiting = asyncio.create_task(platform.anew())
    await until(lambda: world.ecs.count("ListTasks") >= before + 2)
    assert not waiting.done()
    world.ecs.hook = lambda *_: None
    good = world.ecs.count("ListTasks")
    await waiting
    assert world.ecs.count("ListTasks") > good


async def test_a_service_that_is_not_there_is_a_problem(world: World) -> None:
    platform = await world.opened("nowhere")
    sighting = await sight(platform, "nowhere")
    assert not sighting.complete
    assert "nowhere" in sighting.problem


async def test_resize_asks_for_another_count_and_is_seen_at_once(world: World) -> None:
    world.ecs.add("catalog", 1)
    platform = await world.opened("catalog")
    await platform.resize(service(), 3)
    assert (await sight(platform)).desired == 3
    await running(platform, 3)
    with pytest.raises(PlatformError, match="Service not found"):
        await platform.resize(service("nowhere"), 2)


async def test_a_count_that_was_read_before_it_was_moved_does_not_count(world: World) -> None:
    """The read is answered with the old count, and its answer comes when we have set another."""
    world.ecs.add("catalog", 1)
    platform = await world.opened("catalog")
    asked, answered = threading.Event(), threading.Event()

    def late(name: str, given: dict[str, object]) -> object:
        if name != "DescribeServices":
            return None
        old = world.ecs._DescribeServices(**given)
        world.ecs.hook = lambda *_: None
        asked.set()
        world.ecs.lock.release()
        answered.wait(10)
        world.ecs.lock.acquire()
        return old

    world.ecs.hook = late
    platform._poller.poke(["catalog"])
    await until(asked.is_set, "a read of the count")
    await platform.resize(service(), 3)
    answered.set()
    await platform._poller.turned(10)
    assert (await sight(platform)).desired == 3


async def test_a_mark_is_a_tag_and_survives(world: World) -> None:
    world.ecs.add("catalog", 2)
    platform = await world.opened("catalog")
    one, _ = await endpoints(platform)
    await platform.mark(one, "scale to 1; (by 'me')")
    assert platform.marked([service()]) == {one.id: "scale to 1   by  me"}
    other = await world.opened("catalog")
    assert other.marked([service()]) == {one.id: "scale to 1   by  me"}
    await other.mark(one, "")
    assert other.marked([service()]) == {}
    assert world.ecs.of("catalog")[0]["tags"] == []


async def test_a_stop_has_the_task_replaced(world: World) -> None:
    world.ecs.add("catalog", 1)
    platform = await world.opened("catalog")
    old = (await endpoints(platform))[0]
    await platform.stop(old, 30)
    assert old.id not in {e.id for e in await endpoints(platform) if e.phase is Phase.RUNNING}
    new = (await running(platform, 1))[0]
    assert new.id != old.id
    assert world.ecs.services["catalog"].desired == 1


async def test_nothing_is_started_here(world: World) -> None:
    with pytest.raises(PlatformError, match="raise the count"):
        await world.platform().start(service())


async def test_at_rest_few_calls_are_made(world: World) -> None:
    """10 services and 50 tasks: at most 1.5 calls a second at the default interval of 2 s."""
    names = [f"service-{n}" for n in range(10)]
    for name in names:
        world.ecs.add(name, 5)
    platform = await world.opened(*names, interval=2.0)
    before = len(world.ecs.calls)
    turns = world.ecs.count("ListTasks")
    await until(lambda: world.ecs.count("ListTasks") >= turns + 4, "four reads")
    assert len(world.ecs.calls) - before <= 4 * 2 * 1.5
    assert platform.calls().by_action["ecs:ListTasks"] == turns + 4


async def test_what_is_known_is_no_older_than_the_interval_though_a_read_takes_its_time(
    world: World,
) -> None:
    """From the list that a task was still on, to the end of the read that misses it."""
    world.ecs.add("catalog", 2)
    listed: list[float] = []
    ended: list[float] = []

    def slow(name: str, _: Any) -> None:
        if name == "ListTasks":
            listed.append(time.monotonic())
        elif name == "DescribeTasks":
            time.sleep(0.15)
            ended.append(time.monotonic())

    await world.opened("catalog", interval=1.0)
    world.ecs.hook = slow
    await until(lambda: len(ended) > 4, "some reads")
    ages = [ended[i + 1] - listed[i] for i in range(3)]
    assert min(ages) <= 1.0
    assert min(listed[i + 1] - listed[i] for i in range(3)) >= 0.5


@pytest.mark.parametrize(
    ("spent", "pause"), [(0.0, 1.9), (0.05, 1.8), (0.4, 1.1), (0.5, 2.0), (5.0, 2.0)]
)
def test_the_pause_makes_up_for_reads_unless_they_are_slow(spent: float, pause: float) -> None:
    assert _pause(2.0, spent) == pytest.approx(pause)


async def test_of_many_tasks_only_what_may_have_changed_is_described(world: World) -> None:
    """5,000 on 200 instances: 50 pages and one batch a read, or a few."""
    world.ecs.add("catalog", 5000)
    platform = await world.opened("catalog")
    assert len(await endpoints(platform)) == 5000
    first = world.ecs.count("DescribeTasks")
    victim = world.ecs.of("catalog")[4321]
    turns = world.ecs.count("ListTasks") // 50
    await until(lambda: world.ecs.count("ListTasks") >= (turns + 2) * 50, "two more reads")
    assert world.ecs.count("DescribeTasks") - first <= 3
    world.ecs.end(victim, "OutOfMemoryError")

    async def ended() -> list[str]:
        return [e.exit for e in await endpoints(platform) if e.phase is Phase.EXITED]

    await until(ended, "the end seen")
    assert await ended() == ["OutOfMemoryError"]


async def test_in_turn_every_task_is_described(world: World) -> None:
    world.ecs.add("catalog", 250)
    platform = await world.opened("catalog", interval=0.2)
    await endpoints(platform)
    first = len(world.ecs.calls)

    def described() -> set[str]:
        later = world.ecs.calls[first:]
        return {arn for name, given in later if name == "DescribeTasks" for arn in given["tasks"]}

    await until(lambda: len(described()) == 250, "all described")
