"""The life of one task on its node: containers start and stop in the order of `dependsOn`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from fairlead.core.errors import PlatformError
from fairlead.rehearsal.checks import check
from fairlead.rehearsal.launch import Place, Where, launch
from fairlead.rehearsal.ledger import Cluster, Ledger
from fairlead.rehearsal.model import (
    BEGINNING,
    HEALTHY,
    RUNNING,
    STOPPED,
    UNKNOWN,
    ContainerDefinition,
    Definition,
    Dependency,
    Instance,
    Task,
)
from fairlead.rehearsal.ports import Ports, is_free
from fairlead.rehearsal.runtime import Running, Runtime


@dataclass(frozen=True, slots=True)
class Site:
    """What all tasks share. `place` says where programs write and find the metadata.

    `pull` is how long a task is PENDING before its containers start, in seconds; `hurry` divides
    the intervals of health checks.
    """

    ledger: Ledger
    runtime: Runtime
    ports: Ports
    place: Place
    pull: float = 0.0
    hurry: float = 1.0


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
            await self._pull()
            async with asyncio.TaskGroup() as group:
                for container in self._definition.containers:
                    group.create_task(self._container(container))
        finally:
            for port in self._dynamic:
                self._site.ports.release(port)
        self._finish()

    async def _pull(self) -> None:
        if self.task.interface:
            self._attach("ATTACHED")
            self._change(last="PENDING")
        if self._site.pull:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._site.pull):
                    await self._until(lambda: self.task.desired == STOPPED)

    def _finish(self) -> None:
        if self.task.interface:
            self._change(last="DEPROVISIONING")
            self._attach("DELETED")
        self._change(last=STOPPED, desired=STOPPED, stopped=self._site.ledger.now())

    def _attach(self, status: str) -> None:
        if interface := self.task.interface:
            self._change(interface=replace(interface, status=status))

    async def _container(self, container: ContainerDefinition) -> None:
        try:
            running = await self._start(container)
        except PlatformError as error:
            told = f"CannotStartContainerError: {error}"
            self.stop("TaskFailedToStart", told)
            self._container_is(container, status=STOPPED, reason=told)
            return
        if running is None:
            self._container_is(container, status=STOPPED)
            return
        checking = asyncio.create_task(self._check(container))
        try:
            code = await self._attend(container, running)
        finally:
            checking.cancel()
            await asyncio.wait([checking])
        self._exited(container, code)

    async def _start(self, container: ContainerDefinition) -> Running | None:
        """None when the task is to stop before it could be started."""
        if not await self._may_start(container):
            return None
        place = self._bind(container)
        running = self._site.runtime.start(place)
        await running.begun()
        health = UNKNOWN if container.health else ""
        self._container_is(container, status=RUNNING, health=health)
        return running

    def _bind(self, container: ContainerDefinition) -> Any:
        site, instance = self._site, self._cluster.instances[self.task.instance]
        address = self.task.interface.address if self.task.interface else instance.address
        hosts = tuple(self._port(instance, address, mapping.host) for mapping in container.ports)
        described, bindings = launch(
            site.place, self.task, container, (self._network, address, hosts)
        )
        if not self.task.interface:
            self._container_is(container, bindings=bindings)
        return described

    def _port(self, instance: Instance, address: str, wanted: int) -> int:
        site = self._site
        if not wanted:
            port = site.ports.take(instance.address)
            self._dynamic.append(port)
            return port
        if site.runtime.listens and not is_free(address, wanted, everywhere=False):
            raise PlatformError(
                f"driver failed programming external connectivity: Bind for {address}:{wanted}"
                f" failed: port is already allocated"
            )
        return wanted

    async def _may_start(self, container: ContainerDefinition) -> bool:
        for dependency in container.depends_on:
            try:
                async with asyncio.timeout(self._patience(dependency)):
                    await self._until(partial(self._is_decided, dependency))
            except TimeoutError:
                self._fails(container, f"dependency {dependency.container} timed out")
            if not self._stopping and self._judge(dependency) is False:
                self._fails(container, f"dependency {dependency.container} did not become"
                            f" {dependency.condition}")  # fmt: skip
        return not self._stopping

    def _is_decided(self, dependency: Dependency) -> bool:
        return self._stopping or self._judge(dependency) is not None

    @property
    def _stopping(self) -> bool:
        return self.task.desired == STOPPED

    def _patience(self, dependency: Dependency) -> float | None:
        by_name = {each.name: each for each in self._definition.containers}
        return by_name[dependency.container].start_timeout

    def _fails(self, container: ContainerDefinition, why: str) -> None:
        self._container_is(container, reason=why)
        self.stop("TaskFailedToStart", f"Task failed to start: container {container.name}: {why}")

    def _judge(self, dependency: Dependency) -> bool | None:
        """Whether the condition is met; None while that is open."""
        found = self._state(dependency.container)
        ended = found.status == STOPPED
        if dependency.condition == "START":
            return True if found.status in (RUNNING, STOPPED) else None
        if dependency.condition == "HEALTHY":
            return True if found.health == HEALTHY and not ended else False if ended else None
        if not ended:
            return None
        return dependency.condition == "COMPLETE" or found.exit_code == 0

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
        running.terminate()
        await asyncio.wait([running.ended], timeout=container.stop_timeout)
        running.kill()

    def _may_stop(self, container: ContainerDefinition) -> bool:
        """Those that depend on it are stopped first."""
        dependents = [
            each.name
            for each in self._definition.containers
            if any(d.container == container.name for d in each.depends_on)
        ]
        return self._stopping and all(self._state(name).status == STOPPED for name in dependents)

    def _exited(self, container: ContainerDefinition, code: int) -> None:
        self._container_is(container, status=STOPPED, exit_code=code)
        living = any(each.status != STOPPED for each in self.task.containers)
        if container.essential or not living:
            self.stop("EssentialContainerExited", "Essential container in task exited")

    async def _check(self, container: ContainerDefinition) -> None:
        if container.health is None:
            return
        described, _ = launch(self._site.place, self.task, container, self._where(container))
        box = replace(described.box, entry=())
        probe = replace(described, argv=container.health.command, box=box)

        async def passes(timeout: float) -> bool:
            return await self._site.runtime.run(probe, timeout) == 0

        def report(health: str) -> None:
            self._container_is(container, health=health)

        await check(container.health, passes, report, self._site.hurry)

    @property
    def _network(self) -> str:
        return self._definition.network

    def _where(self, container: ContainerDefinition) -> Where:
        task = self.task
        if task.interface:
            own = tuple(each.container for each in container.ports)
            return self._network, task.interface.address, own
        hosts = tuple(each.host for each in self._state(container.name).bindings)
        return self._network, self._cluster.instances[task.instance].address, hosts

    def _state(self, name: str) -> Any:
        return next(each for each in self.task.containers if each.name == name)

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
