from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fairlead.rehearsal.rehearsal import Rehearsal
from tests.ground import until
from tests.rehearsal.ground import lines, program, rehearsal, running, stopped, task, tasks


def container(name: str, argv: list[str], **more: Any) -> dict[str, Any]:
    return {"name": name, "image": name, "command": argv, "memory": 32, **more}


def run(ecs: Rehearsal, *containers: dict[str, Any], **more: Any) -> str:
    ecs.call("RegisterTaskDefinition", family="t", containerDefinitions=list(containers), **more)
    answer = ecs.call("RunTask", cluster="shop", taskDefinition="t")
    assert answer["failures"] == []
    return str(answer["tasks"][0]["taskArn"])


def stop(ecs: Rehearsal, arn: str, **more: Any) -> None:
    ecs.call("StopTask", cluster="shop", task=arn, **more)


def after(name: str, condition: str) -> dict[str, Any]:
    return {"dependsOn": [{"containerName": name, "condition": condition}]}


async def test_the_sidecar_that_depends_on_the_app_is_stopped_first(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with rehearsal() as ecs:
        app = container("app", program(log, "app"))
        hook = container("hook", program(log, "hook", linger=0.3), **after("app", "START"))
        arn = run(ecs, app, hook)
        await until(lambda: {"app BEGIN", "hook BEGIN"} == set(lines(log)))
        stop(ecs, arn)
        await stopped(ecs, arn)
        assert lines(log)[2:] == ["hook TERM", "hook END", "app TERM", "app END"]


async def test_a_task_goes_through_its_states_and_its_version_grows(tmp_path: Path) -> None:
    seen: list[tuple[str, str, int]] = []

    def note(event: dict[str, Any]) -> None:
        detail = event["detail"]
        if event["detail-type"] == "ECS Task State Change":
            seen.append((detail["desiredStatus"], detail["lastStatus"], detail["version"]))

    async with rehearsal() as ecs:
        ecs.subscribe(note)
        arn = run(ecs, container("app", program(tmp_path / "log", "app")))
        assert task(ecs, arn)["lastStatus"] == "PENDING"
        await running(ecs, 1)
        stop(ecs, arn)
        assert task(ecs, arn)["desiredStatus"] == "STOPPED"
        assert task(ecs, arn)["stoppedReason"] == "Task stopped by user"
        found = await stopped(ecs, arn)
        assert found["startedAt"] <= found["stoppingAt"] <= found["stoppedAt"]
        assert tasks(ecs) == []
        assert [t["taskArn"] for t in tasks(ecs, desiredStatus="STOPPED")] == [arn]
    states = list(dict.fromkeys((wanted, last) for wanted, last, _ in seen))
    assert states == [
        ("RUNNING", "PENDING"),
        ("RUNNING", "RUNNING"),
        ("STOPPED", "RUNNING"),
        ("STOPPED", "STOPPING"),
        ("STOPPED", "STOPPED"),
    ]
    versions = [version for _, _, version in seen]
    assert versions == sorted(set(versions))


async def test_bindings_are_told_only_once_the_task_runs(tmp_path: Path) -> None:
    log = tmp_path / "log"
    port = {"portMappings": [{"containerPort": 80, "hostPort": 0}]}
    async with rehearsal() as ecs:
        first = container("first", program(log, "first", lives=0.5), essential=False)
        app = container("app", program(log, "app"), **port)
        late = container("late", program(log, "late"), **after("first", "COMPLETE"))
        arn = run(ecs, first, app, late)
        await until(lambda: "app BEGIN" in lines(log))
        assert task(ecs, arn)["lastStatus"] == "PENDING"
        assert [c["networkBindings"] for c in task(ecs, arn)["containers"]] == [[], [], []]
        await running(ecs, 1)
        found = {c["name"]: c for c in task(ecs, arn)["containers"]}
        assert found["app"]["networkBindings"][0]["containerPort"] == 80
        assert (found["first"]["lastStatus"], found["first"]["exitCode"]) == ("STOPPED", 0)


@pytest.mark.parametrize(
    ("condition", "code", "starts"),
    [("SUCCESS", 0, True), ("SUCCESS", 3, False), ("COMPLETE", 3, True)],
)
async def test_a_container_waits_for_the_end_of_another(
    tmp_path: Path, condition: str, code: int, starts: bool
) -> None:
    log = tmp_path / "log"
    async with rehearsal() as ecs:
        first = container("first", program(log, "first", lives=0.1, code=code), essential=False)
        arn = run(ecs, first, container("app", program(log, "app"), **after("first", condition)))
        if starts:
            await running(ecs, 1)
            await until(lambda: "app BEGIN" in lines(log))
            assert lines(log)[:2] == ["first BEGIN", "first END"]
        else:
            found = await stopped(ecs, arn)
            assert found["stopCode"] == "TaskFailedToStart"
            assert found["containers"][1]["reason"] == "dependency first did not become SUCCESS"
            assert lines(log) == ["first BEGIN", "first END"]


async def test_an_essential_container_takes_its_task_along(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with rehearsal() as ecs:
        arn = run(ecs, container("app", program(log, "app", lives=0.2, code=7)),
                  container("other", program(log, "other"), essential=False))  # fmt: skip
        found = await stopped(ecs, arn)
        assert found["stopCode"] == "EssentialContainerExited"
        assert found["stoppedReason"] == "Essential container in task exited"
        assert {c["name"]: c["exitCode"] for c in found["containers"]} == {"app": 7, "other": 0}


async def test_who_ignores_sigterm_is_killed_when_the_stop_timeout_is_up(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with rehearsal() as ecs:
        arn = run(ecs, container("app", program(log, "app", deaf=1), stopTimeout=1))
        await until(lambda: lines(log) == ["app BEGIN"])
        begun = asyncio.get_running_loop().time()
        stop(ecs, arn)
        found = await stopped(ecs, arn)
        assert 0.9 <= asyncio.get_running_loop().time() - begun < 5
        assert lines(log) == ["app BEGIN", "app TERM"]
        assert found["containers"][0]["exitCode"] == 137


async def test_what_cannot_be_started_says_so() -> None:
    async with rehearsal() as ecs:
        found = await stopped(ecs, run(ecs, container("app", ["/no/such/program"])))
        assert found["stopCode"] == "TaskFailedToStart"
        assert found["stoppedReason"] == "Task failed to start"
        told = found["containers"][0]["reason"]
        assert told.startswith("CannotStartContainerError: /no/such/program: cannot be started")
        found = await stopped(ecs, run(ecs, {"name": "app", "image": "x", "memory": 8}))
        assert "has no `command`" in found["containers"][0]["reason"]
        assert "startedAt" not in found


async def test_health_comes_from_the_containers_own_check(tmp_path: Path) -> None:
    good = tmp_path / "good"
    check = {"command": ["CMD-SHELL", f"test -e {good}"], "interval": 5, "retries": 2}
    log = tmp_path / "log"
    async with rehearsal(hurry=50) as ecs:
        app = container("app", program(log, "app"), healthCheck=check)
        late = container("late", program(log, "late"), **after("app", "HEALTHY"))
        arn = run(ecs, app, late)
        await until(lambda: task(ecs, arn)["healthStatus"] == "UNHEALTHY")
        assert lines(log) == ["app BEGIN"]
        good.touch()
        await running(ecs, 1)
        assert task(ecs, arn)["healthStatus"] == "HEALTHY"
        good.unlink()
        await until(lambda: task(ecs, arn)["healthStatus"] == "UNHEALTHY")


async def test_without_a_check_health_is_unknown(tmp_path: Path) -> None:
    async with rehearsal() as ecs:
        run(ecs, container("app", program(tmp_path / "log", "app")))
        (found,) = await running(ecs, 1)
        assert found["healthStatus"] == "UNKNOWN"


TOLD = """
import json, os, sys, urllib.request
base = os.environ["ECS_CONTAINER_METADATA_URI_V4"]
read = lambda path: json.load(urllib.request.urlopen(base + path))
told = {"env": dict(os.environ), "task": read("/task"), "self": read("")}
open(sys.argv[1] + ".part", "w").write(json.dumps(told))
os.rename(sys.argv[1] + ".part", sys.argv[1])
"""


async def test_a_container_is_told_where_to_listen_and_who_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the user")
    out = tmp_path / "told"
    async with rehearsal() as ecs:
        more = {
            "environment": [{"name": "COLOUR", "value": "blue"}],
            "portMappings": [{"containerPort": 80, "hostPort": 8099}, {"containerPort": 90}],
        }
        arn = run(ecs, container("app", [sys.executable, "-c", TOLD, str(out)], **more))
        await until(out.exists)
        told = json.loads(out.read_text())
        (node,) = ecs.cluster.instances.values()
        env = told["env"]
        assert (env["HOST"], env["PORT"], env["PORT_80"]) == (node.address, "8099", "8099")
        assert 32768 <= int(env["PORT_90"]) <= 60999
        assert env["COLOUR"] == "blue"
        assert "AWS_SECRET_ACCESS_KEY" not in env
        seen = told["task"]
        assert (seen["TaskARN"], seen["Family"], seen["Revision"]) == (arn, "t", "1")
        assert seen["Cluster"] == ecs.cluster.arn
        assert told["self"]["Name"] == "app"


async def test_an_awsvpc_task_has_an_address_of_its_own(tmp_path: Path) -> None:
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    async with rehearsal(nodes=1) as ecs:
        port = {"portMappings": [{"containerPort": 8080}]}
        app = container("app", program(tmp_path / "log", "app"), **port)
        own = {"family": "v", "networkMode": "awsvpc", "containerDefinitions": [app]}
        ecs.call("RegisterTaskDefinition", **own)
        asked = {"cluster": "shop", "taskDefinition": "v", "networkConfiguration": network}
        arn = ecs.call("RunTask", **asked)["tasks"][0]["taskArn"]
        assert task(ecs, arn)["lastStatus"] == "PROVISIONING"
        (found,) = await running(ecs, 1)
        (node,) = ecs.cluster.instances.values()
        (interface,) = found["containers"][0]["networkInterfaces"]
        assert interface["privateIpv4Address"] != node.address
        details = {d["name"]: d["value"] for d in found["attachments"][0]["details"]}
        assert details["privateIPv4Address"] == interface["privateIpv4Address"]
        assert found["attachments"][0]["status"] == "ATTACHED"
        (refused,) = ecs.call("RunTask", **asked)["failures"]
        assert refused == {"arn": node.arn, "reason": "RESOURCE:ENI"}
        stop(ecs, arn)
        assert (await stopped(ecs, arn))["attachments"][0]["status"] == "DELETED"
