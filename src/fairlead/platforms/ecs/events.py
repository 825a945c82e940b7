"""EventBridge's events of ECS, from an SQS queue: a task's end is known before the next read.

They come more than once, and out of order; what they say is joined with what is known (tasks), and
is never needed: whatever is lost here, the next read of the cluster finds.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from fairlead.aws.client import Call
from fairlead.aws.pace import backoff
from fairlead.core.errors import PlatformError
from fairlead.platforms.ecs.memory import Memory
from fairlead.platforms.ecs.shapes import part, parts, text
from fairlead.platforms.ecs.tasks import Task, read_task
from fairlead.ports import Heard

LONG_POLL = 20
_MOST = 10
_LARGEST = 1 << 20
_OF_NODES = "ECS Container Instance State Change"
_OF_TASKS = "ECS Task State Change"
_OF_SERVICES = ("ECS Service Action", "ECS Deployment State Change")


@dataclass(frozen=True, slots=True)
class Ears:
    """`changed` is told the ECS service of a task that is news; `look` that a service (by name) or
    the nodes ("") should be read; `failed` why the queue cannot be read, and empty when it can."""

    changed: Callable[[Task], None]
    look: Callable[[str], None]
    failed: Callable[[str], None]


class Events:
    def __init__(self, call: Call, queue: str, cluster: str, memory: Memory, ears: Ears) -> None:
        self._call, self._queue, self._ears, self._memory = call, queue, ears, memory
        self._cluster = cluster.rpartition("/")[2]
        self._task: asyncio.Task[None] | None = None
        self.heard = Heard(queue)

    def start(self) -> None:
        self._task = self._task or asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                await self.turn()
            except PlatformError as error:
                failures += 1
                self._turned(str(error))
                await asyncio.sleep(backoff(failures))
            else:
                failures = 0
                self._turned("")

    def _turned(self, problem: str) -> None:
        self.heard = replace(self.heard, problem=problem)
        self._ears.failed(problem)

    async def turn(self) -> None:
        """One long poll, and what it brought."""
        answer = await self._call(
            "sqs:ReceiveMessage",
            QueueUrl=self._queue,
            MaxNumberOfMessages=_MOST,
            WaitTimeSeconds=LONG_POLL,
        )
        messages = list(parts(answer, "Messages"))
        for message in messages:
            self.hear(text(message, "Body"))
        await self._delete(messages)

    def hear(self, body: str) -> None:
        """One event; whatever it holds, nothing is raised."""
        self._count("received")
        event = _parsed(body)
        if event is None:
            self._count("malformed")
            return
        detail = part(event, "detail")
        cluster = text(detail, "clusterArn").rpartition("/")[2]
        if text(event, "source") == "aws.ecs" and cluster in ("", self._cluster):
            self._sort(text(event, "detail-type"), event, detail)

    def _count(self, what: str) -> None:
        self.heard = replace(self.heard, **{what: getattr(self.heard, what) + 1})

    def _sort(self, kind: str, event: Mapping[str, Any], detail: Mapping[str, Any]) -> None:
        if kind == _OF_TASKS:
            self._hear_task(detail)
        elif kind == _OF_NODES:
            self._ears.look("")
        elif kind in _OF_SERVICES:
            names = event.get("resources")
            for arn in names if isinstance(names, list) else ():
                if isinstance(arn, str) and ":service/" in arn:
                    self._ears.look(arn.rpartition("/")[2])

    def _hear_task(self, detail: Mapping[str, Any]) -> None:
        task = read_task({k: v for k, v in detail.items() if k != "tags"})
        if task is None or not text(detail, "clusterArn"):
            self._count("malformed")
        elif self._memory.hear(task):
            self._count("taken")
            self._ears.changed(task)

    async def _delete(self, messages: list[Mapping[str, Any]]) -> None:
        handles = [handle for m in messages if (handle := text(m, "ReceiptHandle"))]
        entries = [{"Id": str(i), "ReceiptHandle": handle} for i, handle in enumerate(handles)]
        if entries:
            await self._call("sqs:DeleteMessageBatch", QueueUrl=self._queue, Entries=entries)


def _parsed(body: str) -> Mapping[str, Any] | None:
    if len(body) > _LARGEST:
        return None
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, Mapping) and isinstance(event.get("detail"), dict) else None
