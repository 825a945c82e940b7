"""Who goes when the count falls, whatever happens on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core.model import Endpoint, Phase
from fairlead.platforms.ecs import retirement
from fairlead.platforms.ecs.platform import EcsPlatform
from fairlead.platforms.ecs.retirement import EXPIRES, lowered
from tests.ground import until
from tests.platforms.ecs.fake import FakeEcs, refusal
from tests.platforms.ecs.ground import World, endpoints, running, service, sight

STEPS = ("GetTaskProtection", "UpdateTaskProtection", "UpdateService", "StopTask")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retirement, "_CHOICE", 0.8)


async def youngest(platform: EcsPlatform) -> Endpoint:
    """The one that the fake's scheduler would take last."""
    return (await endpoints(platform))[-1]


async def idle(platform: EcsPlatform) -> None:
    await until(lambda: not platform._departures.busy(), "nobody on the way out")


def lives(ecs: FakeEcs, name: str = "catalog") -> set[str]:
    return {f"{name}-{t['taskArn'].rpartition('/')[2][:12]}" for t in ecs.of(name)}


async def test_the_chosen_one_goes_and_no_other(world: World) -> None:
    world.ecs.add("catalog", 3)
    platform = await world.opened("catalog")
    victim = await youngest(platform)
    others = lives(world.ecs) - {victim.id}
    await platform.retire(victim, 30)
    seen = {e.id: e.phase for e in await endpoints(platform)}
    assert seen[victim.id] is Phase.STOPPING
    await idle(platform)
    assert lives(world.ecs) == others
    assert world.ecs.services["catalog"].desired == 2
    assert (await sight(platform)).desired == 2
    assert world.ecs.protected == {}
    assert world.ecs.count("StopTask") == 0
    enabled = [
        g for n, g in world.ecs.calls if n == "UpdateTaskProtection" and g["protectionEnabled"]
    ]
    assert {g["expiresInMinutes"] for g in enabled} == {EXPIRES}


async def test_more_than_ten_others_are_protected_in_batches(world: World) -> None:
    world.ecs.add("catalog", 25)
    platform = await world.opened("catalog")
    victim = await youngest(platform)
    await platform.retire(victim, 30)
    await idle(platform)
    assert len(lives(world.ecs)) == 24
    assert victim.id not in lives(world.ecs)
    assert world.ecs.count("UpdateTaskProtection") == 2 * 3


async def test_several_go_one_after_the_other_or_together(world: World) -> None:
    world.ecs.add("catalog", 5)
    platform = await world.opened("catalog")
    victims = (await endpoints(platform))[2:]
    stay = lives(world.ecs) - {v.id for v in victims}
    for victim in victims:
        await platform.retire(victim, 30)
        await platform.retire(victim, 30)
    await idle(platform)
    assert lives(world.ecs) == stay
    assert world.ecs.services["catalog"].desired == 2
    assert world.ecs.protected == {}


async def test_a_protection_of_somebody_else_stays(world: World) -> None:
    world.ecs.add("catalog", 3)
    platform = await world.opened("catalog")
    mine = world.ecs.of("catalog")[0]["taskArn"]
    world.ecs.protected[mine] = until_then = datetime.now(UTC) + timedelta(hours=2)
    await platform.retire(await youngest(platform), 30)
    await idle(platform)
    assert world.ecs.protected == {mine: until_then}
    assert len(lives(world.ecs)) == 2


async def test_a_victim_that_is_protected_itself_goes_all_the_same(world: World) -> None:
    world.ecs.add("catalog", 2)
    platform = await world.opened("catalog")
    victim = await youngest(platform)
    others = lives(world.ecs) - {victim.id}
    world.ecs.protected[world.ecs.of("catalog")[1]["taskArn"]] = datetime.now(UTC) + timedelta(1)
    await platform.retire(victim, 30)
    await idle(platform)
    assert lives(world.ecs) == others
    assert world.ecs.count("StopTask") == 1
    assert victim.id not in lives(world.ecs)
    assert world.ecs.services["catalog"].desired == 1


async def test_a_victim_that_a_broken_off_retirement_has_left_protected_is_ecss_to_take(
    world: World,
) -> None:
    """It stayed then; the next fairlead does not wait until the protection expires."""
    world.ecs.add("catalog", 3)
    platform = await world.opened("catalog")
    victim = await youngest(platform)
    arn = next(
        t["taskArn"]
        for t in world.ecs.of("catalog")
        if victim.id.endswith(t["taskArn"].rpartition("/")[2][:12])
    )
    world.ecs.protected[arn] = datetime.now(UTC) + timedelta(minutes=EXPIRES)
    others = lives(world.ecs) - {victim.id}
    await platform.retire(victim, 30)
    await idle(platform)
    assert lives(world.ecs) == others
    assert world.ecs.count("StopTask") == 0
    assert world.ecs.protected == {}


async def test_a_count_that_is_raised_before_ecs_has_chosen_ends_the_wait_for_its_choice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a restart of several does: with the count where it was nobody has to go any more."""
    monkeypatch.setattr(retirement, "_CHOICE", 600)
    world.ecs.add("catalog", 2)
    platform = await world.opened("catalog")
    victim = await youngest(platform)
    world.ecs.schedule = False
    await platform.retire(victim, 30)
    await until(lambda: world.ecs.services["catalog"].desired == 1, "the count lowered")
    await platform.resize(service(), 2)
    await idle(platform)
    assert world.ecs.count("StopTask") == 1
    assert world.ecs.protected == {}
    world.ecs.schedule = True
    world.ecs.live()
    assert len(lives(world.ecs)) == 2
    assert victim.id not in lives(world.ecs)


@pytest.mark.parametrize("refused", ["GetTaskProtection", "UpdateTaskProtection", "failures"])
async def test_without_protection_the_outcome_is_the_same(world: World, refused: str) -> None:
    world.ecs.add("catalog", 3)
    platform = await world.opened("catalog")
    victim = await youngest(platform)
    others = lives(world.ecs) - {victim.id}

    def refuse(name: str, given: dict[str, Any]) -> Any:
        if name == refused:
            raise refusal("UnsupportedFeatureException", name)
        if name == "UpdateTaskProtection" and given["protectionEnabled"]:
            return {"failures": [{"arn": given["tasks"][0], "reason": "DEPLOYMENT_BLOCKED"}]}
        return None

    world.ecs.hook = refuse
    world.ecs.schedule = False
    await platform.retire(victim, 30)
    await idle(platform)
    world.ecs.schedule = True
    world.ecs.live()
    assert lives(world.ecs) == others
    assert world.ecs.services["catalog"].desired == 2
    assert world.ecs.protected == {}


async def test_a_pending_one_needs_no_protection(world: World) -> None:
    world.ecs.add("catalog", 1)
    world.ecs.runs = False
    world.ecs.services["catalog"].desired = 2
    world.ecs.live()
    platform = await world.opened("catalog")
    victim = next(e for e in await endpoints(platform) if e.phase is Phase.PENDING)
    world.ecs.schedule = False
    await platform.retire(victim, 30)
    await idle(platform)
    world.ecs.schedule = True
    world.ecs.live()
    assert world.ecs.count("UpdateTaskProtection") == 0
    assert world.ecs.services["catalog"].desired == 1
    assert victim.id not in lives(world.ecs)
    assert len(lives(world.ecs)) == 1


async def test_one_that_ecs_stops_by_itself_takes_the_count_along_once(world: World) -> None:
    world.ecs.add("catalog", 2)
    platform = await world.opened("catalog")
    victim = await youngest(platform)
    world.ecs.schedule = False
    world.ecs.move(world.ecs.of("catalog")[1], desiredStatus="STOPPED")
    await platform.retire(victim, 30)
    await idle(platform)
    assert world.ecs.services["catalog"].desired == 1
    assert len(lives(world.ecs)) == 1


async def test_one_that_was_replaced_already_takes_nothing_along(world: World) -> None:
    world.ecs.add("catalog", 2)
    platform = await world.opened("catalog")
    victim = await youngest(platform)
    world.ecs.move(world.ecs.of("catalog")[1], desiredStatus="STOPPED")
    world.ecs.live()
    await platform.retire(victim, 30)
    await idle(platform)
    assert world.ecs.services["catalog"].desired == 2
    assert len(lives(world.ecs)) == 2


async def test_what_cannot_be_done_is_tried_again_then_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairlead.platforms.ecs.departures.backoff", lambda _: 0.01)
    world.ecs.add("catalog", 2)
    platform = await world.opened("catalog")
    victim = await youngest(platform)

    def deny(name: str, _: object) -> None:
        if name == "UpdateService":
            raise refusal("AccessDeniedException", name)

    world.ecs.hook = deny
    world.notified.clear()
    await platform.retire(victim, 30)
    await idle(platform)
    assert "ecs:UpdateService" in world.told.of("problem")[0]
    assert ("catalog") in {name for _, name in world.notified}
    assert {e.phase for e in await endpoints(platform)} == {Phase.RUNNING}
    assert world.ecs.protected == {}
    world.ecs.hook = lambda *_: None
    await platform.retire(victim, 30)
    await idle(platform)
    assert victim.id not in lives(world.ecs)


async def test_a_fault_of_ours_holds_nobody_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ecs.add("catalog", 2)
    platform = await world.opened("catalog")
    victim = await youngest(platform)
    with monkeypatch.context() as broken:
        broken.setattr("fairlead.platforms.ecs.departures.retire", lambda *_: 1 / 0)
        await platform.retire(victim, 30)
        await idle(platform)
    assert "fairlead itself failed: ZeroDivisionError" in world.told.of("problem")[0]
    assert {e.phase for e in await endpoints(platform)} == {Phase.RUNNING}
    await platform.retire(victim, 30)
    await idle(platform)
    assert victim.id not in lives(world.ecs)


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("nth", [1, 2])
async def test_killed_at_any_step_it_is_finished_by_the_next(
    world: World, step: str, nth: int, done: bool
) -> None:
    """The victim goes, the others stay, one is taken off the count, no protection outlives two
    minutes. The next fairlead retires the same victim again, as its drain mark tells it to, even
    when all was done already."""
    ecs = world.ecs
    ecs.add("catalog", 3)
    ecs.protected[ecs.of("catalog")[2]["taskArn"]] = datetime.now(UTC) + timedelta(days=1)
    platform = await world.opened("catalog")
    victim = await youngest(platform)
    others = lives(ecs) - {victim.id}
    ecs.hook = _Death(ecs, step, nth, done=done)
    await platform.retire(victim, 30)
    await until(lambda: ecs.hook.dead or not platform._departures.busy(), "death, or the end")
    ecs.hook.dead = True
    await platform.close()
    limit = datetime.now(UTC) + timedelta(minutes=EXPIRES, seconds=1)
    foreign = {a for a, t in ecs.protected.items() if t > limit}
    assert len(foreign) == 1

    ecs.hook = lambda *_: None
    second = await world.opened("catalog")
    await second.retire(victim, 30)
    await idle(second)
    assert lives(ecs) == others
    assert ecs.services["catalog"].desired == 2
    assert all(until_then <= limit for a, until_then in ecs.protected.items() if a not in foreign)
    assert {e.id for e in await running(second, 2)} == others


class _Death:
    """A process that dies at a call: nothing of it is heard any more."""

    def __init__(self, ecs: FakeEcs, step: str, nth: int, *, done: bool) -> None:
        self.ecs, self.step, self.left, self.done = ecs, step, nth, done
        self.dead = False

    def __call__(self, name: str, given: dict[str, Any]) -> None:
        if self.dead:
            raise refusal("AccessDeniedException", name, "it is dead")
        if name != self.step:
            return
        self.left -= 1
        if self.left:
            return
        if self.done:
            getattr(self.ecs, f"_{name}")(**given)
            self.ecs.live()
        self.dead = True
        raise refusal("AccessDeniedException", name, "it is dead")


@given(st.integers(0, 50), st.integers(1, 10), st.integers(0, 60))
def test_the_count_never_rises_and_never_takes_those_that_stay(
    desired: int, victims: int, staying: int
) -> None:
    count = lowered(desired, victims, staying)
    assert max(0, desired - victims) <= count <= desired or count == desired
    assert count >= min(desired, staying)
    assert lowered(count, victims, staying) == count or staying < count
