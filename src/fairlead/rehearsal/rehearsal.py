"""The whole local ECS in one context."""

from __future__ import annotations

import asyncio
import itertools
import random
import secrets
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any

from fairlead.core.ecs.model import Instance
from fairlead.rehearsal.addresses import claimed
from fairlead.rehearsal.autoscaling import AutoScaling, Group
from fairlead.rehearsal.definitions import CAPABILITIES
from fairlead.rehearsal.events import Events
from fairlead.rehearsal.http import Front
from fairlead.rehearsal.ledger import Ledger
from fairlead.rehearsal.listening import bind, serve
from fairlead.rehearsal.operations import clusters
from fairlead.rehearsal.operations.table import OPERATIONS
from fairlead.rehearsal.plane import Plane
from fairlead.rehearsal.protocol import Protocol
from fairlead.rehearsal.queue import Queue
from fairlead.rehearsal.scheduler import Scheduler
from fairlead.rehearsal.setting import Setting
from fairlead.rehearsal.stage import Stage
from fairlead.rehearsal.throttle import Throttle


class Rehearsal:
    """`async with Rehearsal(nodes=2) as ecs:` serves at `ecs.url` until the block ends; then all
    that it started has ended. An error inside of it is raised there."""

    def __init__(self, **settings: Any) -> None:
        """The members of Setting. BadInput when one cannot be used."""
        self.setting = Setting(**settings)
        self.ledger = Ledger(self.setting.region)
        self._stack, self._numbers = AsyncExitStack(), itertools.count(1)
        self.url = ""

    async def __aenter__(self) -> Rehearsal:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        await self._stack.aclose()
        if kind is None and self.plane.faults:
            raise self.plane.faults[0]

    async def _start(self) -> None:
        protocol = Protocol()
        listener = bind(self.setting.listen)
        self._stack.callback(listener.close)
        host, port = listener.getsockname()[:2]
        self.url = f"http://{host}:{port}"
        self._addresses = self._stack.enter_context(claimed(self.setting.network))
        chance = random.Random(self.setting.seed)  # noqa: S311 - no secret
        stage = Stage(self.setting, self.ledger, self._addresses, chance)
        self.plane = Plane(stage.site(self._stack, self.url), chance)
        self._stack.push_async_callback(self.plane.close)
        throttle = Throttle(time.monotonic) if self.setting.throttle else None
        front = Front(self.plane, protocol, throttle)
        await stage.serve_metadata(self._stack, front)
        scheduler = Scheduler(self.plane)
        if self.setting.queue:
            self._send_to(self.setting.queue)
        self.cluster = clusters.add(self.ledger, self.setting.cluster)
        self._add_nodes(front)
        running = asyncio.create_task(scheduler.run(), name="scheduler")
        running.add_done_callback(self._scheduler_ended)
        self._stack.push_async_callback(_ended, running)
        server = await serve(front.application(), listener)
        self._stack.push_async_callback(server.shutdown, sockets=[listener])

    def _add_nodes(self, front: Front) -> None:
        given = self.setting
        if not given.asg:
            for _ in range(given.nodes):
                self.add_node()
            return
        bounds = given.asg_min, given.asg_max
        self.group = Group(given.asg, *bounds, given.boot, self.add_node)
        scaling = AutoScaling(self.plane, self.cluster, self.group)
        scaling.fill(given.nodes)
        front.scales_by(scaling)
        self._stack.push_async_callback(scaling.close)

    def _send_to(self, url: str) -> None:
        queue = Queue(url, self.setting.region)
        sending = asyncio.create_task(queue.run(), name="queue")
        self._stack.push_async_callback(_ended, sending)
        self._stack.push_async_callback(queue.flush)
        self.subscribe(queue.put)

    def _scheduler_ended(self, running: asyncio.Task[None]) -> None:
        if not running.cancelled() and (fault := running.exception()):
            self.plane.faults.append(fault)

    def add_node(
        self, cluster: str = "", *, address: str = "", space: str = "", **attributes: str
    ) -> Instance:
        """One more node, with attributes beside those that every node has.

        In a network namespace (`space`) it has an address there, which the server does not have to
        have: processes run in it, with ports that nobody else takes.
        """
        found = self.ledger.cluster(cluster or self.setting.cluster)
        number = next(self._numbers)
        zone = self.setting.region + self.setting.zones[(number - 1) % len(self.setting.zones)]
        node = Instance(
            self.ledger.new_arn("container-instance", found),
            f"i-{secrets.token_hex(8)}0",
            address or self._addresses.node(number),
            zone,
            self.setting.cpu,
            self.setting.memory,
            self.setting.interfaces,
            (*_attributes(zone), *attributes.items()),
            registered=self.ledger.now(),
            space=space,
        )
        self.ledger.put(found, node)
        return node

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """An operation of the API without HTTP and limits: `call("ListTasks", cluster="shop")`.

        Refusal, as the API would refuse it.
        """
        return OPERATIONS[operation](self.plane, request)

    def define(self, family: str, *argv: str, host_port: int = 0, **more: Any) -> str:
        """Register a task definition with one container `app` on container port 8080; its ARN.

        `argv` may hold {host} and {port}. `more` are members of the container definition, `task`
        among them are members of the task definition.
        """
        task = more.pop("task", {})
        container = {
            "name": "app",
            "image": f"{family}:latest",
            "command": list(argv),
            "memory": 128,
            "portMappings": [{"containerPort": 8080, "hostPort": host_port}],
            **more,
        }
        answer = self.call(
            "RegisterTaskDefinition", family=family, containerDefinitions=[container], **task
        )
        arn: str = answer["taskDefinition"]["taskDefinitionArn"]
        return arn

    def serve(self, name: str, definition: str, count: int = 1, **more: Any) -> str:
        """Create a service of the cluster; its ARN. `more` are members of CreateService."""
        request = {"serviceName": name, "taskDefinition": definition, **more}
        if more.get("schedulingStrategy") != "DAEMON":
            request["desiredCount"] = count
        answer = self.call("CreateService", cluster=self.setting.cluster, **request)
        arn: str = answer["service"]["serviceArn"]
        return arn

    def subscribe(self, listener: Callable[[dict[str, Any]], None]) -> None:
        """Have every event, in the envelope of EventBridge."""
        self.ledger.listeners.append(Events(self.ledger, listener))

    def environment(self) -> dict[str, str]:
        """What AWS's own tools need to come here."""
        return {
            "AWS_ENDPOINT_URL_ECS": self.url,
            "AWS_ENDPOINT_URL_EC2": self.url,
            **({"AWS_ENDPOINT_URL_AUTO_SCALING": self.url} if self.setting.asg else {}),
            "AWS_ACCESS_KEY_ID": "rehearse",
            "AWS_SECRET_ACCESS_KEY": "rehearse",
            "AWS_DEFAULT_REGION": self.setting.region,
        }


async def _ended(running: asyncio.Task[None]) -> None:
    running.cancel()
    await asyncio.wait([running])


def _attributes(zone: str) -> tuple[tuple[str, str], ...]:
    known = {
        "ecs.availability-zone": zone,
        "ecs.instance-type": "t3.micro",
        "ecs.os-type": "linux",
        "ecs.cpu-architecture": "x86_64",
        "ecs.ami-id": "ami-0rehearse",
    }
    return (*known.items(), *((capability, "") for capability in CAPABILITIES))
