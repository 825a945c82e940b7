"""The reads of ECS and EC2: paginated, in batches as large as the API takes, all or part of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fairlead.aws.client import Answer, Call
from fairlead.aws.paging import MOST_PAGES, listed
from fairlead.core.errors import PlatformError
from fairlead.platforms.ecs.counts import Count, read_count
from fairlead.platforms.ecs.definitions import Definition, read_definition
from fairlead.platforms.ecs.nodes import Addresses, Instance, read_instance, read_machines
from fairlead.platforms.ecs.shapes import part, parts, text
from fairlead.platforms.ecs.tasks import Task, read_task

BATCH = 100
SERVICES_BATCH = 10
_GONE = "MISSING"

_T = TypeVar("_T")


@dataclass(slots=True)
class Read:
    """What an answer held; `gone` are unknown to ECS. `problem` says why it is partial."""

    tasks: list[Task] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    problem: str = ""


class Reader:
    """Raises PlatformError, whatever the answers hold."""

    def __init__(self, call: Call, cluster: str) -> None:
        self._call, self._cluster = call, cluster

    async def list_tasks(self, status: str = "RUNNING", service: str = "") -> list[str]:
        """ARNs of the tasks that ECS wants in this status."""
        of = {"serviceName": service} if service else {}
        return await self._list("ecs:ListTasks", "taskArns", desiredStatus=status, **of)

    async def list_services(self) -> list[str]:
        return await self._list("ecs:ListServices", "serviceArns")

    async def tasks(self, arns: Collection[str]) -> Read:
        """A batch that fails does not keep the others from being read."""
        batches = list(_batches(sorted(arns), BATCH))
        answers = await asyncio.gather(*map(self._tasks, batches), return_exceptions=True)
        read = Read()
        for batch, answer in zip(batches, answers, strict=True):
            if isinstance(answer, PlatformError):
                read.problem = f"{len(batch)} tasks could not be read: {answer}"
            elif isinstance(answer, BaseException):
                raise answer
            else:
                _add(read, batch, answer)
        return read

    async def definition(self, arn: str) -> Definition:
        answer = await self._call("ecs:DescribeTaskDefinition", taskDefinition=arn)
        found = read_definition(part(answer, "taskDefinition"))
        if found is None or found.arn != arn:
            raise PlatformError(f"the answer holds no task definition {arn}")
        return found

    async def draining(self) -> list[str]:
        """ARNs of the container instances that are set to DRAINING."""
        action, key = "ecs:ListContainerInstances", "containerInstanceArns"
        return await self._list(action, key, status="DRAINING")

    async def instances(self) -> list[Instance]:
        """All container instances of the cluster; nothing less."""
        arns = await self._list("ecs:ListContainerInstances", "containerInstanceArns")
        found: list[Instance] = []
        for batch in _batches(arns, BATCH):
            answer = await self._call(
                "ecs:DescribeContainerInstances",
                cluster=self._cluster,
                containerInstances=list(batch),
            )
            found += _whole(answer, "containerInstances", read_instance)
        return found

    async def addresses(self, machines: Collection[str]) -> dict[str, Addresses]:
        """By a filter, not by id: one machine that is gone would fail the whole call."""
        found: dict[str, Addresses] = {}
        for batch in _batches(sorted(machines), BATCH):
            token: dict[str, str] = {}
            for _ in range(MOST_PAGES):
                answer = await self._call(
                    "ec2:DescribeInstances",
                    Filters=[{"Name": "instance-id", "Values": list(batch)}],
                    **token,
                )
                found |= dict(read_machines(answer))
                token = {"NextToken": text(answer, "NextToken")}
                if not token["NextToken"]:
                    break
        return found

    async def counts(self, services: Collection[str]) -> tuple[list[Count], list[str]]:
        """Of these services, and the names of those that ECS does not know."""
        found: list[Count] = []
        unknown: list[str] = []
        for batch in _batches(sorted(services), SERVICES_BATCH):
            answer = await self._call(
                "ecs:DescribeServices",
                cluster=self._cluster,
                services=list(batch),
                include=["TAGS"],
            )
            found += _whole(answer, "services", read_count)
            failures = parts(answer, "failures")
            unknown += [
                text(f, "arn").rpartition("/")[2] for f in failures if text(f, "reason") == _GONE
            ]
        return found, unknown

    async def _tasks(self, arns: Sequence[str]) -> Answer:
        return await self._call(
            "ecs:DescribeTasks", cluster=self._cluster, tasks=list(arns), include=["TAGS"]
        )

    async def _list(self, action: str, key: str, **parameters: Any) -> list[str]:
        return await listed(self._call, action, key, cluster=self._cluster, **parameters)


def _add(read: Read, asked: Sequence[str], answer: Answer) -> None:
    """Every task asked for must be in the answer, or among its failures."""
    tasks = [task for raw in parts(answer, "tasks") if (task := read_task(raw))]
    wanted = set(asked)
    read.tasks += [task for task in tasks if task.arn in wanted]
    missing = wanted - {task.arn for task in tasks}
    failed = {text(f, "arn"): text(f, "reason") for f in parts(answer, "failures")}
    read.gone |= {arn for arn in missing if failed.get(arn) == _GONE}
    if left := missing - read.gone:
        first = min(left)
        why = failed.get(first) or "it is not in the answer"
        read.problem = f"{len(left)} tasks could not be read: {first.rpartition('/')[2]}: {why}"


def _whole(answer: Answer, key: str, read: Callable[[Answer], _T | None]) -> Iterator[_T]:
    """PlatformError when one of the list cannot be told from others."""
    if not isinstance(answer.get(key), list):
        raise PlatformError(f"the answer holds no {key}")
    for raw in parts(answer, key):
        found = read(raw)
        if found is None:
            raise PlatformError(f"the answer holds one of {key} without its name")
        yield found


def _batches(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (items[at : at + size] for at in range(0, len(items), size))
