"""A fairlead over a local ECS of two nodes, with services of tasks that run."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.sqs import Sqs
from fairlead.rehearsal.rehearsal import Rehearsal
from tests.integration.cluster import RunningCluster
from tests.rehearsal.ground import rehearsal

CLUSTER = "shop"
SERVER = Path(__file__).parent / "stubborn.py"
_FOREIGN = ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN")


class Stage:
    def __init__(self, ecs: Rehearsal, running: RunningCluster) -> None:
        self.ecs, self.running = ecs, running

    def tasks(self, service: str) -> list[str]:
        """The ARNs of those that are to run."""
        found = self.ecs.call("ListTasks", cluster=CLUSTER, serviceName=service)
        return [str(arn) for arn in found["taskArns"]]

    def ready(self, service: str) -> int:
        return int(self.running.service(service)["ready"])

    async def until_ready(self, service: str, count: int) -> None:
        """So many at least: those that are stopped may still be there."""
        what = f"{count} of {service} are ready"
        await self.running.until(lambda: self.ready(service) >= count, what, 120.0)


@asynccontextmanager
async def staged(services: list[str], tasks: int, *, events: bool) -> AsyncIterator[Stage]:
    """So many tasks of each service run and are ready; `events`: a queue tells of them."""
    async with Sqs().serving() as queue:
        url = queue.url if events else ""
        async with rehearsal(cluster=CLUSTER, nodes=2, memory=64_000, cpu=64_000, queue=url) as ecs:
            for name in services:
                ecs.serve(name, _define(ecs, name), tasks)
            with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
                running = RunningCluster(Path(folder), _settings(services, url))
                with only_here({**ecs.environment(), "AWS_ENDPOINT_URL_SQS": queue.endpoint}):
                    await running.start()
                try:
                    stage = Stage(ecs, running)
                    for name in services:
                        await stage.until_ready(name, tasks)
                    yield stage
                finally:
                    await running.down()


def _define(ecs: Rehearsal, name: str) -> str:
    """Two seconds from SIGTERM, which changes nothing, to SIGKILL."""
    argv = [sys.executable, "-I", "-S", str(SERVER), "{host}", "{port}"]
    return ecs.define(name, *argv, memory=32, stopTimeout=2)


def _settings(services: list[str], queue: str) -> dict[str, Any]:
    return {
        "services": {
            name: {"service": name, "routes": [f"{name}.localhost"], "health": {"path": "/"}}
            for name in services
        },
        "platform": "ecs",
        "ecs": {"cluster": CLUSTER, **({"queue": queue} if queue else {})},
    }


@contextmanager
def only_here(environment: Mapping[str, str]) -> Iterator[None]:
    """With these variables, and nothing of the machine's own AWS settings."""
    with patch.dict(os.environ, {**environment, "AWS_CONFIG_FILE": os.devnull}):
        for name in _FOREIGN:
            os.environ.pop(name, None)
        yield
