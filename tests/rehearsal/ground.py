"""What the tests of the local ECS stand on: one of its own for each, a program, the AWS CLI."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from fairlead.rehearsal.rehearsal import Rehearsal
from tests.ground import missing, until

PROGRAM = Path(__file__).with_name("program.py")
SERVER = (sys.executable, "-m", "http.server", "{port}", "--bind", "{host}")
Aws = Callable[..., Awaitable[Any]]


def network() -> str:
    """Loopback addresses that no other test has."""
    return f"127.{random.randint(2, 250)}.{random.randint(1, 120) * 2}"


def rehearsal(**settings: Any) -> Rehearsal:
    return Rehearsal(**{"network": network(), "cluster": "shop", **settings})


def program(log: Path, name: str, **options: Any) -> list[str]:
    """The argv of a container that writes what happens to it."""
    given = [f"--{key}={value}" for key, value in options.items()]
    return [sys.executable, str(PROGRAM), str(log), name, *given]


def lines(log: Path) -> list[str]:
    return log.read_text().split("\n")[:-1] if log.exists() else []


def tasks(ecs: Rehearsal, **request: Any) -> list[dict[str, Any]]:
    arns = ecs.call("ListTasks", cluster=ecs.setting.cluster, **request)["taskArns"]
    if not arns:
        return []
    found = ecs.call("DescribeTasks", cluster=ecs.setting.cluster, tasks=arns)
    return list(found["tasks"])


def task(ecs: Rehearsal, arn: str) -> dict[str, Any]:
    found = ecs.call("DescribeTasks", cluster=ecs.setting.cluster, tasks=[arn])
    return dict(found["tasks"][0])


def service(ecs: Rehearsal, name: str) -> dict[str, Any]:
    found = ecs.call("DescribeServices", cluster=ecs.setting.cluster, services=[name])
    return dict(found["services"][0])


def messages(ecs: Rehearsal, name: str) -> list[str]:
    return [event["message"] for event in service(ecs, name)["events"]]


async def running(ecs: Rehearsal, count: int, **request: Any) -> list[dict[str, Any]]:
    """So many tasks, all of them running."""

    def found() -> list[dict[str, Any]] | None:
        there = tasks(ecs, **request)
        good = len(there) == count and all(t["lastStatus"] == "RUNNING" for t in there)
        return there if good else None

    states = lambda: str([t["lastStatus"] for t in tasks(ecs)])  # noqa: E731
    return list(await until(found, states))


async def stopped(ecs: Rehearsal, arn: str) -> dict[str, Any]:
    await until(lambda: task(ecs, arn)["lastStatus"] == "STOPPED", lambda: str(task(ecs, arn)))
    return task(ecs, arn)


def address(found: dict[str, Any], ecs: Rehearsal) -> tuple[str, int]:
    """Where a bridge task's first port is reached."""
    node = ecs.cluster.instances[found["containerInstanceArn"]]
    return node.address, found["containers"][0]["networkBindings"][0]["hostPort"]


async def answers(place: tuple[str, int]) -> bool:
    try:
        _, writer = await asyncio.open_connection(*place)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def find_aws() -> str:
    """The AWS CLI: FAIRLEAD_AWS_CLI, or the one on the PATH; missing, it fails in CI only."""
    known = (os.environ.get("FAIRLEAD_AWS_CLI"), shutil.which("aws"))
    found = next((program for program in known if program and _runs(program)), None)
    if found is not None:
        return found
    told = "no AWS CLI: pip install awscli into a venv, and name its aws in FAIRLEAD_AWS_CLI"
    return missing(told)


def _runs(program: str) -> bool:
    done = subprocess.run([program, "--version"], capture_output=True, check=False)
    return done.returncode == 0


def aws_of(ecs: Rehearsal) -> Aws:
    """Runs a command line as it is written in a shell, and gives its JSON."""
    program = find_aws()
    clean = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    environment = {**clean, **ecs.environment(), "AWS_EC2_METADATA_DISABLED": "true"}

    async def aws(command: str) -> Any:
        words = command.replace("\\\n", " ").split()
        assert words.pop(0) == "aws"
        process = await asyncio.create_subprocess_exec(
            program, *words, "--output", "json", env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return json.loads(out) if out.strip() else {}

    return aws


def children(mark: str) -> Iterator[int]:
    """The processes that carry a mark in their environment."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and mark.encode() in (entry / "environ").read_bytes():
                yield int(entry.name)
        except OSError:
            continue
