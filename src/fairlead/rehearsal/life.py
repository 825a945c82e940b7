"""The life of one task on its node: containers start and stop in the order of `dependsOn`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from fairlead.core.ecs.model import (
    BEGINNING,
    RUNNING,
    STOPPED,
    UNKNOWN,
    ContainerDefinition,
    Definition,
    Dependency,
    Instance,
    Task,
)
from fairlead.core.errors import PlatformError
from fairlead.rehearsal.dependencies import is_met, may_stop, patience
from fairlead.rehearsal.launch import Place, launch
from fairlead.rehearsal.ledger import Cluster, Ledger
from fairlead.rehearsal.ports import Ports, is_free
from fairlead.rehearsal.runtime import Interfaces, Launch, Running, Runtime

FAILED = "Task failed to start"
"""Why is told of the container."""


@dataclass(frozen=True, slots=True)
class Site:
    """What all tasks share. `place` says where programs write and find the metadata.

    `pull` is how long a task is PENDING before its containers start, in seconds.
    """

    ledger: Ledger
    runtime: Runtime
    interfaces: Interfaces
    ports: Ports
    place: Place
    pull: float = 0.0


class Life:
    """From PENDING to STOPPED; `run` is its whole course."""

    def __init__(self, site: Site, cluster: Cluster, task: Task, definition: Definition) -> None:
        self._site, self._cluster = site, cluster
        self._arn, self._definition = task.arn, definition
        self._news = asyncio.Event()
        self._dynamic: list[int] = []

    @property
    def task(self) -> Task:
        return self._cluster.tasks[self._arn]

    def stop(self, code: str, reason: str) -> None:
        """Have it stopped; the first reason stays."""
        if self.task.desired == STOPPED:
            return
        now = self._site.ledger.now()
        self._change(desired=STOPPED, stop_code=code, reason=reason, stopping=now)

    async def run(self) -> None:
        try:
            await self._provision()
            await self._pull()
            async with asyncio.TaskGroup() as group:
                for container in self._definition.containers:
                    group.create_task(self._container(container))
        finally:
            for port in self._dynamic:
                self._site.ports.release(port)
            if self.task.interface:
                self._site.interfaces.detach(self.task.id)
        self._finish()

    async def _provision(self) -> None:
        if interface := self.task.interface:
            try:
                address = await self._site.interfaces.attach(self.task.id)
            except PlatformError as error:
                self.stop("TaskFailedToStart", str(error))
                return
            attached = replace(interface, address=address, status="ATTACHED")
            self._change(interface=attached, last="PENDING")

    async def _pull(self) -> None:
        if self._site.pull:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._site.pull):
                    await self._until(lambda: self.task.desired == STOPPED)

    def _finish(self) -> None:
        if interface := self.task.interface:
            self._change(last="DEPROVISIONING")
            self._change(interface=replace(interface, status="DELETED"))
        self._change(last=STOPPED, desired=STOPPED, stopped=self._site.ledger.now())

    async def _container(self, container: ContainerDefinition) -> None:
        try:
            begun = await self._start(container)
        except PlatformError as error:
            self.stop("TaskFailedToStart", FAILED)
            self._container_is(container, status=STOPPED, reason=str(error))
            return
        if begun is None:
            self._container_is(container, status=STOPPED)
            return
        described, running = begun
        async with self._checked(container, described):
            code = await self._attend(container, running)
        self._exited(container, code, await running.why())
        self._site.runtime.forget(described)

    @asynccontextmanager
    async def _checked(
        self, container: ContainerDefinition, described: Launch
    ) -> AsyncIterator[None]:
        def report(health: str) -> None:
            self._container_is(container, health=health)

        checking = asyncio.create_task(self._site.runtime.check(described, report))
        try:
            yield
        finally:
            checking.cancel()
            await asyncio.wait([checking])

    async def _start(self, container: ContainerDefinition) -> tuple[Launch, Running] | None:
        """None when the task is to stop before it could be started."""
        if not await self._may_start(container):
            return None
        described = self._bind(container)
        running = self._site.runtime.start(described)
        await running.begun()
        health = UNKNOWN if container.health else ""
        self._container_is(container, status=RUNNING, health=health)
        return described, running

    def _bind(self, container: ContainerDefinition) -> Launch:
        site, instance = self._site, self._cluster.instances[self.task.instance]
        interface = self.task.interface
        address = interface.address if interface else instance.address
        hosts = tuple(self._port(instance, address, mapping.host) for mapping in container.ports)
        where = (self._definition.network, address, hosts)
        described, bindings = launch(site.place, self.task, container, where)
        if not interface:
            self._container_is(container, bindings=bindings)
        return replace(described, space=instance.space)

    def _port(self, instance: Instance, address: str, wanted: int) -> int:
        site = self._site
        if not wanted:
            port = site.ports.take(instance.address, here=not instance.space)
            self._dynamic.append(port)
            return port
        boxed = site.runtime.boxed and self.task.interface
        ours = site.runtime.listens and not boxed and not instance.space
        if ours and not is_free(address, wanted, everywhere=False):
            raise PlatformError(
                f"CannotStartContainerError: driver failed programming external connectivity: Bind"
                f" for {address}:{wanted} failed: port is already allocated"
            )
        return wanted

    async def _may_start(self, container: ContainerDefinition) -> bool:
        for dependency in container.depends_on:
            try:
                async with asyncio.timeout(patience(self._definition, dependency)):
                    await self._until(partial(self._is_decided, dependency))
            except TimeoutError:
                self._fails(container, f"dependency {dependency.container} timed out")
            if not self._stopping and is_met(self.task, dependency) is False:
                self._fails(container, f"dependency {dependency.container} did not become"
                            f" {dependency.condition}")  # fmt: skip
        return not self._stopping

    def _is_decided(self, dependency: Dependency) -> bool:
        return self._stopping or is_met(self.task, dependency) is not None

    @property
    def _stopping(self) -> bool:
        return self.task.desired == STOPPED

    def _fails(self, container: ContainerDefinition, why: str) -> None:
        self._container_is(container, reason=why)
        self.stop("TaskFailedToStart", FAILED)

    async def _attend(self, container: ContainerDefinition, running: Running) -> int:
        """Until it ends by itself, or its turn to be stopped has come."""
        turn = asyncio.ensure_future(self._until(lambda: self._may_stop(container)))
        running.ended.add_done_callback(lambda _: turn.cancel())
        try:
            await asyncio.wait([turn])
        finally:
            turn.cancel()
        if not running.ended.done():
            await self._end(container, running)
        return await running.ended

    async def _end(self, container: ContainerDefinition, running: Running) -> None:
        self._change(last="STOPPING")
        running.terminate(container.stop_timeout)
        await asyncio.wait([running.ended], timeout=container.stop_timeout)
        running.kill()

    def _may_stop(self, container: ContainerDefinition) -> bool:
        return self._stopping and may_stop(self.task, self._definition, container.name)

    def _exited(self, container: ContainerDefinition, code: int, why: str) -> None:
        self._container_is(container, status=STOPPED, exit_code=code, reason=why)
        living = any(each.status != STOPPED for each in self.task.containers)
        if container.essential or not living:
            self.stop("EssentialContainerExited", "Essential container in task exited")

    def _container_is(self, container: ContainerDefinition, **changes: Any) -> None:
        """Change it; the task runs when all of its containers have begun."""
        containers = tuple(
            replace(each, **changes) if each.name == container.name else each
            for each in self.task.containers
        )
        begun = all(each.status in (RUNNING, STOPPED) for each in containers)
        if begun and self.task.last in BEGINNING and not self._stopping:
            now = self._site.ledger.now()
            self._change(containers=containers, last=RUNNING, started=now)
        else:
            self._change(containers=containers)

    def _change(self, **changes: Any) -> None:
        self._site.ledger.change(self._cluster, self.task, **changes)
        self._news.set()

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._news.clear()
            await self._news.wait()
