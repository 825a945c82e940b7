"""Tasks as containers of a real Docker engine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairlead.core.errors import PlatformError
from fairlead.rehearsal.faults import Refusal
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.docker_engine import PrivateEngine, private_engine
from tests.ground import free_port, until
from tests.rehearsal.ground import address, answers, rehearsal, running, stopped, task

pytestmark = pytest.mark.integration
AWSVPC = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}


@pytest.fixture(scope="module")
def engine() -> Iterator[PrivateEngine]:
    with private_engine() as found:
        yield found


@pytest.fixture(autouse=True)
def _use(engine: PrivateEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.host)


async def test_two_nodes_run_images_on_the_same_host_port(engine: PrivateEngine) -> None:
    async with rehearsal(nodes=2, docker=True) as ecs:
        more: dict[str, Any] = {"image": engine.image, "stopTimeout": 5}
        ecs.serve("web", ecs.define("web", host_port=8091, **more), 2)
        places = {address(found, ecs) for found in await running(ecs, 2)}
        assert {port for _, port in places} == {8091}
        for place in places:
            await until(lambda place=place: answers(place), f"{place} answers")
        assert len((await engine.docker("ps", "-q")).split()) == 2
    assert await engine.docker("ps", "-aq") == ""


async def test_a_container_ends_by_sigterm_or_is_killed(engine: PrivateEngine) -> None:
    trap = "trap 'exit 5' TERM; while true; do sleep 0.05; done"
    async with rehearsal(docker=True) as ecs:
        for argv, code in ((["sh", "-c", trap], 5), (["sleep", "99"], 137)):
            arn = run(ecs, command=argv, image=engine.image, stopTimeout=2)
            await running(ecs, 1)
            stop(ecs, arn)
            found = await stopped(ecs, arn)
            assert found["containers"][0]["exitCode"] == code


def run(ecs: Rehearsal, **more: Any) -> str:
    ecs.define("a", **more)
    answer = ecs.call("RunTask", cluster="shop", taskDefinition="a")
    assert answer["failures"] == []
    return str(answer["tasks"][0]["taskArn"])


def stop(ecs: Rehearsal, arn: str) -> None:
    ecs.call("StopTask", cluster="shop", task=arn)


async def read(engine: PrivateEngine, found: dict[str, Any], *words: str) -> str:
    """What a command prints in the task's first container."""
    return await engine.docker("exec", found["containers"][0]["runtimeId"], *words)


@pytest.mark.parametrize("command", [["CMD-SHELL", "test -e $F"], ["CMD", "test", "-e", "/tmp/f"]])
async def test_the_engine_checks_health(engine: PrivateEngine, command: list[str]) -> None:
    check = {"command": command, "interval": 5, "retries": 1}
    more = {"environment": [{"name": "F", "value": "/tmp/f"}], "healthCheck": check}
    async with rehearsal(docker=True, hurry=50) as ecs:
        arn = run(ecs, image=engine.image, stopTimeout=2, **more)
        await until(lambda: task(ecs, arn)["healthStatus"] == "UNHEALTHY")
        name = task(ecs, arn)["containers"][0]["runtimeId"]
        health = await engine.docker("inspect", "--format", "{{.State.Health.Status}}", name)
        assert health == "unhealthy"
        await read(engine, task(ecs, arn), "touch", "/tmp/f")
        await until(lambda: task(ecs, arn)["healthStatus"] == "HEALTHY")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"command": ["no-such-program"]}, "CannotStartContainerError: .*no-such-program"),
        ({"image": "127.0.0.1:9/no/such"}, "CannotPullContainerError: .*127.0.0.1:9"),
    ],
)
async def test_what_docker_refuses_is_said(
    engine: PrivateEngine, more: dict[str, Any], words: str
) -> None:
    async with rehearsal(docker=True) as ecs:
        found = await stopped(ecs, run(ecs, **{"image": engine.image, **more}))
        assert found["stopCode"] == "TaskFailedToStart"
        assert found["stoppedReason"] == "Task failed to start"
        assert re.match(words, found["containers"][0]["reason"])
        assert "startedAt" not in found


async def test_an_awsvpc_task_has_an_address_that_its_containers_share(
    engine: PrivateEngine,
) -> None:
    look = "until busybox wget -qO- http://127.0.0.1:8080 > /dev/null; do sleep 0.05; done"
    image: dict[str, Any] = {"image": engine.image, "memory": 32, "stopTimeout": 2}
    both = [
        {"name": "app", "portMappings": [{"containerPort": 8080}], **image},
        {"name": "other", "command": ["sh", "-c", look], "essential": False, **image},
    ]
    async with rehearsal(nodes=1, docker=True) as ecs:
        own = {"family": "v", "networkMode": "awsvpc", "containerDefinitions": both}
        ecs.call("RegisterTaskDefinition", **own)
        asked = {"cluster": "shop", "taskDefinition": "v", "networkConfiguration": AWSVPC}
        arn = ecs.call("RunTask", **asked)["tasks"][0]["taskArn"]
        (found,) = await running(ecs, 1)
        details = {each["name"]: each["value"] for each in found["attachments"][0]["details"]}
        place = (details["privateIPv4Address"], 8080)
        assert place[0] not in {node.address for node in ecs.cluster.instances.values()}
        await until(lambda: answers(place), f"{place} answers")
        await until(lambda: task(ecs, arn)["containers"][1].get("exitCode") == 0)
        stop(ecs, arn)
        await stopped(ecs, arn)
        await until(lambda: is_empty(engine), "the interface is gone")
    assert "fairlead-rehearse-pause" not in await engine.docker("images")


async def is_empty(engine: PrivateEngine) -> bool:
    return await engine.docker("ps", "-aq") == ""


async def test_in_host_mode_it_listens_on_the_node_itself(engine: PrivateEngine) -> None:
    port = free_port()
    listen = ("busybox", "httpd", "-f", "-p", "{host}:{port}", "-h", "/www")
    more: dict[str, Any] = {
        "task": {"networkMode": "host"},
        "portMappings": [{"containerPort": port}],
    }
    async with rehearsal(nodes=2, docker=True) as ecs:
        ecs.serve("web", ecs.define("web", *listen, image=engine.image, stopTimeout=2, **more), 2)
        places = {address(found, ecs) for found in await running(ecs, 2)}
        assert places == {(node.address, port) for node in ecs.cluster.instances.values()}
        for place in places:
            await until(lambda place=place: answers(place), f"{place} answers")


SETTINGS: dict[str, Any] = {
    "memory": 64,
    "memoryReservation": 32,
    "cpu": 256,
    "user": "1234:5678",
    "hostname": "desk",
    "workingDirectory": "/www",
    "readonlyRootFilesystem": True,
    "dockerLabels": {"fairlead.service": "web"},
    "environment": [{"name": "COLOUR", "value": "light blue"}],
    "ulimits": [{"name": "nofile", "softLimit": 111, "hardLimit": 222}],
    "extraHosts": [{"hostname": "db", "ipAddress": "10.9.8.7"}],
    "linuxParameters": {"initProcessEnabled": True, "capabilities": {"drop": ["CHOWN"]}},
    "entryPoint": ["sh", "-c"],
    "command": ["sleep 99"],
}


async def test_limits_labels_and_settings_reach_the_container(engine: PrivateEngine) -> None:
    async with rehearsal(docker=True) as ecs:
        arn = run(ecs, image=engine.image, stopTimeout=1, **SETTINGS)
        (found,) = await running(ecs, 1)
        (seen,) = json.loads(await engine.docker("inspect", found["containers"][0]["runtimeId"]))
    host, config = seen["HostConfig"], seen["Config"]
    assert (host["Memory"], host["MemoryReservation"]) == (64 << 20, 32 << 20)
    assert (host["CpuShares"], host["ReadonlyRootfs"], host["Init"]) == (256, True, True)
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 111, "Hard": 222}]
    assert host["ExtraHosts"] == ["db:10.9.8.7"]
    assert [each.removeprefix("CAP_") for each in host["CapDrop"]] == ["CHOWN"]
    assert (config["User"], config["Hostname"]) == ("1234:5678", "desk")
    assert config["WorkingDir"] == "/www"
    assert "COLOUR=light blue" in config["Env"]
    assert config["Entrypoint"] + config["Cmd"] == ["sh", "-c", "sleep 99"]
    assert config["Labels"]["fairlead.service"] == "web"
    assert config["Labels"]["com.amazonaws.ecs.task-arn"] == arn
    assert config["Labels"]["com.amazonaws.ecs.task-definition-family"] == "a"


async def test_who_takes_more_than_its_memory_is_killed(engine: PrivateEngine) -> None:
    grow = ["sh", "-c", "x=a; while true; do x=$x$x; done"]
    async with rehearsal(docker=True) as ecs:
        found = await stopped(ecs, run(ecs, image=engine.image, memory=16, command=grow))
        (container,) = found["containers"]
        assert container["exitCode"] == 137
        assert container["reason"] == "OutOfMemoryError: Container killed due to memory usage"
        assert found["stopCode"] == "EssentialContainerExited"


async def test_containers_reach_the_metadata_and_not_the_api(engine: PrivateEngine) -> None:
    async with rehearsal(docker=True) as ecs:
        arn = run(ecs, image=engine.image, stopTimeout=2)
        (found,) = await running(ecs, 1)
        fetch = 'busybox wget -qO- "$ECS_CONTAINER_METADATA_URI_V4/task"'
        seen = json.loads(await read(engine, found, "sh", "-c", fetch))
        assert (seen["TaskARN"], seen["Family"]) == (arn, "a")
        url = ecs.plane.site.place.metadata.removesuffix("/v4")
        with pytest.raises(AssertionError, match="404"):
            await read(engine, found, "busybox", "wget", "-qO-", "--post-data=x", f"{url}/")


async def test_volumes_of_the_host_and_of_the_task(engine: PrivateEngine, tmp_path: Path) -> None:
    (tmp_path / "given").write_text("from the host")
    mounts = [
        {"sourceVolume": "host", "containerPath": "/in", "readOnly": True},
        {"sourceVolume": "own", "containerPath": "/own"},
    ]
    common = {"image": engine.image, "memory": 32, "stopTimeout": 2, "mountPoints": mounts}
    copy = ["sh", "-c", "cat /in/given > /own/seen"]
    first = {"name": "first", "command": copy, "essential": False, **common}
    after = [{"containerName": "first", "condition": "SUCCESS"}]
    own = {
        "family": "v",
        "volumes": [{"name": "host", "host": {"sourcePath": str(tmp_path)}}, {"name": "own"}],
        "containerDefinitions": [{"name": "app", "dependsOn": after, **common}, first],
    }
    async with rehearsal(docker=True) as ecs:
        ecs.call("RegisterTaskDefinition", **own)
        ecs.call("RunTask", cluster="shop", taskDefinition="v")
        (found,) = await running(ecs, 1)
        assert await read(engine, found, "cat", "/own/seen") == "from the host"
        with pytest.raises(AssertionError, match="ead-only"):
            await read(engine, found, "touch", "/in/more")
    assert await engine.docker("volume", "ls", "-q") == ""


async def test_the_signal_is_the_one_that_the_image_asks_for(
    engine: PrivateEngine, tmp_path: Path
) -> None:
    trap = "trap 'exit 9' USR1; while true; do sleep 0.05; done"
    (tmp_path / "Dockerfile").write_text(f"FROM {engine.image}\nSTOPSIGNAL SIGUSR1\n")
    await engine.docker("build", "--tag", "signal:1", str(tmp_path))
    async with rehearsal(docker=True) as ecs:
        arn = run(ecs, image="signal:1", command=["sh", "-c", trap], stopTimeout=20)
        await running(ecs, 1)
        stop(ecs, arn)
        assert (await stopped(ecs, arn))["containers"][0]["exitCode"] == 9


ELASTIC = {"name": "a", "efsVolumeConfiguration": {"fileSystemId": "f"}}


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"secrets": [{"name": "A", "valueFrom": "b"}]}, "`secrets` with --docker"),
        ({"links": ["other"]}, "`links`"),
        ({"linuxParameters": {"swappiness": 5}}, "`linuxParameters.swappiness`"),
        ({"task": {"volumes": [ELASTIC]}}, "`volumes.efsVolumeConfiguration`"),
        ({"task": {"pidMode": "host"}}, "`pidMode`"),
    ],
)
async def test_what_is_not_done_with_docker_is_refused_by_name(
    engine: PrivateEngine, more: dict[str, Any], named: str
) -> None:
    async with rehearsal(docker=True) as ecs:
        with pytest.raises(Refusal, match=named) as refused:
            ecs.define("a", image=engine.image, **more)
        assert refused.value.code == "UnsupportedFeatureException"


async def test_an_engine_that_does_not_answer_is_told_of_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    with pytest.raises(PlatformError, match=r"docker network.*failed: .*none"):
        async with rehearsal(docker=True):
            pass
