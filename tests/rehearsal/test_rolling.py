from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fairlead.core.ecs.rolling import Bounds, Member, bounds, daemon_step, step, victims
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.ground import until
from tests.rehearsal.ground import (
    SERVER,
    messages,
    program,
    rehearsal,
    running,
    service,
    task,
    tasks,
)

MEMBERS = some.lists(
    some.builds(
        Member, some.uuids().map(str), some.sampled_from("abc"), some.sampled_from("xy"),
        some.booleans(), some.booleans(), some.booleans(),
    ),
    max_size=12, unique_by=lambda member: member.arn,
)  # fmt: skip
BOUNDS = some.builds(bounds, some.integers(0, 8), some.integers(0, 100), some.integers(100, 200))


@given(MEMBERS, BOUNDS, some.integers(0, 99))
def test_a_step_keeps_the_bounds(members: list[Member], limits: Bounds, seed: int) -> None:
    taken = step(limits, members, random.Random(seed))
    gone = [member for member in members if member.arn in taken.stop]
    left = [member for member in members if member.arn not in taken.stop]
    assert not any(member.protected for member in gone)
    up = sum(member.up for member in members)
    surplus = sum(m.current for m in members) > limits.desired
    if not surplus:
        assert sum(member.up for member in left) >= min(up, limits.minimum)
    assert taken.start == 0 or len(left) + taken.start <= limits.maximum
    assert sum(m.current for m in left) + taken.start <= max(
        limits.desired, sum(m.current for m in left)
    )


@given(some.integers(1, 6), some.integers(0, 100), some.integers(100, 200), some.integers(0, 99))
def test_a_roll_ends_unless_the_bounds_forbid_it(
    desired: int, minimum: int, maximum: int, seed: int
) -> None:
    chance, limits = random.Random(seed), bounds(desired, minimum, maximum)
    members = [Member(f"old-{n}", "a", current=False) for n in range(desired)]
    for number in range(60):
        taken = step(limits, members, chance)
        members = [m for m in members if m.arn not in taken.stop]
        members += [Member(f"{number}-{n}", "a", up=False) for n in range(taken.start)]
        assert len(members) <= limits.maximum
        assert sum(m.up for m in members) >= limits.minimum
        members = [replace(m, up=True) if chance.random() < 0.5 else m for m in members]
    stuck = limits.minimum == limits.maximum == desired
    assert all(m.current for m in members) is not stuck


def test_victims_come_from_the_fullest_node() -> None:
    members = [Member("1", "a"), Member("2", "a"), Member("3", "b"), Member("4", "b", up=False)]
    chance = random.Random(1)
    assert victims(members, 1, chance) == {"4"}
    for seed in range(10):
        assert victims(members, 2, random.Random(seed)) & {"1", "2"}
    protected = [replace(member, protected=True) for member in members]
    assert victims(protected, 4, chance) == set()


def test_a_daemon_stops_its_old_task_before_the_new_one_starts() -> None:
    old = [Member("1", "a", current=False), Member("2", "b", current=False)]
    first = daemon_step({"a", "b"}, old)
    assert (set(first.stop), first.start) == ({"1", "2"}, 0)
    assert daemon_step({"a", "b"}, []).start == 2
    assert daemon_step({"a"}, [Member("1", "a"), Member("2", "b")], {"b"}).stop == ()
    assert daemon_step({"a"}, [Member("1", "a"), Member("2", "b")]).stop == ("2",)


IMPAIRED = (
    "(service web) is unable to consistently start tasks successfully. For more information, see"
    " the Troubleshooting section of the Amazon ECS Developer Guide."
)


class Watch:
    """The fewest running and the most living tasks that there ever were at once."""

    def __init__(self, ecs: Rehearsal) -> None:
        self._ecs, self.least, self.most = ecs, 99, 0
        ecs.subscribe(self)

    def __call__(self, _: dict[str, Any]) -> None:
        living = [t for t in self._ecs.cluster.tasks.values() if t.desired == "RUNNING"]
        self.least = min(self.least, sum(t.is_up for t in living))
        self.most = max(self.most, len(living))


@pytest.mark.parametrize(
    ("minimum", "maximum", "least", "most"),
    [(100, 200, 4, 8), (100, 150, 4, 6), (50, 100, 2, 4), (50, 150, 2, 6)],
)
async def test_a_deploy_keeps_its_percents(
    minimum: int, maximum: int, least: int, most: int
) -> None:
    percents = {"minimumHealthyPercent": minimum, "maximumPercent": maximum}
    async with rehearsal(nodes=2, pull=0.1) as ecs:
        ecs.serve("web", ecs.define("web", *SERVER, memory=50), 4, deploymentConfiguration=percents)
        old = {t["taskArn"] for t in await running(ecs, 4)}
        await until(lambda: service(ecs, "web")["deployments"][0]["rolloutState"] == "COMPLETED")
        watch = Watch(ecs)
        ecs.define("web", *SERVER, memory=60)
        ecs.call("UpdateService", cluster="shop", service="web", taskDefinition="web")
        states = [(d["status"], d["desiredCount"]) for d in service(ecs, "web")["deployments"]]
        assert states == [("PRIMARY", 4), ("ACTIVE", 4)]
        await until(lambda: len(service(ecs, "web")["deployments"]) == 1)
        await until(lambda: service(ecs, "web")["deployments"][0]["rolloutState"] == "COMPLETED")
        new = await running(ecs, 4)
        assert not old & {t["taskArn"] for t in new}
        assert watch.least >= least
        assert least < watch.most <= most
        gone = task(ecs, min(old))
        (deployment,) = service(ecs, "web")["deployments"]
        assert gone["stopCode"] == "ServiceSchedulerInitiated"
        assert gone["stoppedReason"] == (
            f"Scaling activity initiated by (deployment {deployment['id']})"
        )
        assert "has reached a steady state." in messages(ecs, "web")[0]


async def test_a_fixed_port_on_one_node_blocks_a_deploy_that_may_stop_nothing() -> None:
    async with rehearsal(nodes=1) as ecs:
        ecs.serve("web", ecs.define("web", *SERVER, host_port=8090))
        (old,) = await running(ecs, 1)
        again = {"cluster": "shop", "service": "web", "forceNewDeployment": True}
        ecs.call("UpdateService", **again)
        await until(lambda: "already using a port" in str(messages(ecs, "web")))
        assert [t["taskArn"] for t in tasks(ecs)] == [old["taskArn"]]
        ecs.call("UpdateService", cluster="shop", service="web",
                 deploymentConfiguration={"minimumHealthyPercent": 0})  # fmt: skip
        await until(lambda: old["taskArn"] not in str(tasks(ecs)))
        await running(ecs, 1)


async def test_protected_tasks_are_not_chosen_in_a_scale_in() -> None:
    async with rehearsal(nodes=2, processes=False) as ecs:
        ecs.serve("web", ecs.define("web", "x", memory=50), 6)
        arns = [t["taskArn"] for t in await running(ecs, 6)]
        kept = arns[:4]
        asked = {"cluster": "shop", "tasks": kept}
        answer = ecs.call("UpdateTaskProtection", protectionEnabled=True, **asked)
        assert answer["failures"] == []
        assert all(t["protectionEnabled"] for t in answer["protectedTasks"])
        ecs.call("UpdateService", cluster="shop", service="web", desiredCount=2)
        found = await running(ecs, 4)
        assert {t["taskArn"] for t in found} == set(kept)
        ecs.call("UpdateTaskProtection", protectionEnabled=False, **asked)
        await running(ecs, 2)
        again = ecs.call("GetTaskProtection", **asked)
        assert {f["reason"] for f in again["failures"]} == {"TASK_NOT_VALID"}


async def test_protection_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rehearsal(processes=False) as ecs:
        ecs.serve("web", ecs.define("web", "x", memory=50), 2)
        arns = [each["taskArn"] for each in await running(ecs, 2)]
        asked = {"cluster": "shop", "tasks": arns}
        now = ecs.ledger.now()
        answer = ecs.call(
            "UpdateTaskProtection", protectionEnabled=True, expiresInMinutes=5, **asked
        )
        for each in answer["protectedTasks"]:
            assert set(each) == {"taskArn", "protectionEnabled", "expirationDate"}
            assert 295 <= each["expirationDate"] - now <= 330
        monkeypatch.setattr(ecs.ledger, "now", lambda: now + 331)
        again = ecs.call("GetTaskProtection", **asked)
        assert again["failures"] == []
        assert again["protectedTasks"] == [{"taskArn": a, "protectionEnabled": False} for a in arns]
        ecs.call("UpdateService", cluster="shop", service="web", desiredCount=0)
        await until(lambda: not tasks(ecs))


async def test_only_tasks_of_services_can_be_protected() -> None:
    async with rehearsal(processes=False) as ecs:
        ecs.define("web", "x")
        (alone,) = ecs.call("RunTask", cluster="shop", taskDefinition="web")["tasks"]
        missing = ecs.ledger.arn(f"task/shop/{'0' * 32}")
        answer = ecs.call(
            "UpdateTaskProtection",
            cluster="shop", tasks=[alone["taskArn"], missing], protectionEnabled=True,
        )  # fmt: skip
        assert answer["protectedTasks"] == []
        reasons = {each["arn"]: each["reason"] for each in answer["failures"]}
        assert reasons == {alone["taskArn"]: "TASK_NOT_VALID", missing: "MISSING"}


async def test_a_task_that_ends_is_replaced_with_growing_pauses(tmp_path: Path) -> None:
    argv = program(tmp_path / "log", "a", lives=0.05, code=1)
    async with rehearsal() as ecs:
        ecs.serve("web", ecs.define("web", *argv))
        await until(lambda: len(tasks(ecs, desiredStatus="STOPPED")) == 3)
        gone = sorted(tasks(ecs, desiredStatus="STOPPED"), key=lambda t: t["createdAt"])
        _, second, third = (t["createdAt"] for t in gone)
        assert second - gone[0]["stoppedAt"] >= 0.45
        assert third - gone[1]["stoppedAt"] >= 0.95
        await until(lambda: IMPAIRED in messages(ecs, "web"))


async def test_the_circuit_breaker_ends_a_deployment_that_cannot_start() -> None:
    async with rehearsal() as ecs:
        breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
        ecs.serve("web", ecs.define("web", "/no/such"), deploymentConfiguration=breaker)
        found = lambda: service(ecs, "web")["deployments"][0]  # noqa: E731
        await until(lambda: found()["rolloutState"] == "FAILED")
        assert found()["failedTasks"] == 3
        assert "deployment failed: tasks failed to start" in str(messages(ecs, "web"))


async def test_the_circuit_breaker_rolls_back(tmp_path: Path) -> None:
    async with rehearsal() as ecs:
        breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
        good = ecs.define("web", *program(tmp_path / "log", "good"))
        ecs.serve("web", good, deploymentConfiguration=breaker)
        (first,) = await running(ecs, 1)
        await until(lambda: service(ecs, "web")["deployments"][0]["rolloutState"] == "COMPLETED")
        deployment = service(ecs, "web")["deployments"][0]["id"]
        ecs.define("web", "/no/such/program")
        ecs.call("UpdateService", cluster="shop", service="web", taskDefinition="web")
        told: list[dict[str, Any]] = []
        ecs.subscribe(lambda event: told.append(event["detail"]))
        await until(lambda: "deployment failed" in str(messages(ecs, "web")))
        assert service(ecs, "web")["deployments"][0]["id"] == deployment
        assert f"(service web) rolling back to deployment {deployment}." in messages(ecs, "web")
        begun = [each for each in told if each.get("deploymentId") == deployment]
        assert begun[0]["eventName"] == "SERVICE_DEPLOYMENT_IN_PROGRESS"
        back = f"ECS deployment circuit breaker: rolling back to deploymentId {deployment}."
        assert begun[0]["reason"] == back
        await until(lambda: len(service(ecs, "web")["deployments"]) == 1)
        await until(lambda: service(ecs, "web")["deployments"][0]["rolloutState"] == "COMPLETED")
        assert service(ecs, "web")["taskDefinition"] == good
        assert [t["taskArn"] for t in tasks(ecs)] == [first["taskArn"]]


async def test_a_sick_task_is_replaced(tmp_path: Path) -> None:
    sick = tmp_path / "sick"
    check = {"command": ["CMD-SHELL", f"test ! -e {sick}"], "interval": 5, "retries": 1}
    argv = program(tmp_path / "log", "a")
    async with rehearsal(hurry=50) as ecs:
        ecs.serve("web", ecs.define("web", *argv, healthCheck=check))
        (first,) = await running(ecs, 1)
        await until(lambda: task(ecs, first["taskArn"])["healthStatus"] == "HEALTHY")
        sick.touch()
        await until(lambda: first["taskArn"] not in str(tasks(ecs)))
        assert task(ecs, first["taskArn"])["stoppedReason"] == "Task failed container health checks"
        told = f"(service web) (task {first['taskArn'].rpartition('/')[2]})"
        assert f"{told} failed container health checks." in messages(ecs, "web")
        sick.unlink()
        await running(ecs, 1)
