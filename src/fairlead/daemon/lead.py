"""The controller's life: wait for the lease, lead as long as it is held, and again.

It ends nothing: endpoints, agents and the nodes' proxies go on without it.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path

from fairlead.clock import SystemClock
from fairlead.core.errors import BadInput
from fairlead.core.model import Cluster, Event
from fairlead.daemon.control import DaemonControl, Ending
from fairlead.daemon.lock import hold
from fairlead.daemon.naming import named
from fairlead.daemon.nodes import following
from fairlead.daemon.signals import on_signals
from fairlead.daemon.start import at_work, begin, let_go
from fairlead.decisions import begin_epoch
from fairlead.fleet.server import Gate, serve_agents
from fairlead.journal import EventLog
from fairlead.leases.holder import Holder
from fairlead.settings import load
from fairlead.tokens import read_token
from fairlead.wiring import lease_store, wire_fleet


class Controller:
    """One contender for the lease, with its own name."""

    def __init__(self, file: Path, state: Path, journal: EventLog) -> None:
        self._file, self._state, self._journal = file, state, journal
        self._cluster = load(file)
        self._token = read_token(self._cluster.controller.token_file, "controller")
        name = f"{socket.gethostname()}-{secrets.token_hex(4)}"
        self._lease = Holder(lease_store(self._cluster, state), SystemClock(), name, self._tell)
        self.ending = Ending()

    async def run(self) -> None:
        while not self.ending.asked.is_set():
            self._journal.record("waits", "", "for the lease of this cluster's controller")
            if await self._until_ending(self._lease.take()):
                async with self._lease.kept():
                    await self._lead()

    async def _lead(self) -> None:
        """Until somebody asks for the end, or the lease is lost."""
        cluster, journal = self._cluster, self._journal
        self._forget()
        wired, fleet = wire_fleet(cluster, self._state, journal, self._lease.confirm)
        control = DaemonControl(wired, journal, lambda: load(self._file), self.ending)
        gate = Gate(self._token, lambda: self._lease.epoch)
        async with serve_agents(fleet, cluster.controller.listen, gate):
            await begin(wired, cluster, control)
            async with (
                at_work(wired, cluster, control, self._state),
                named(cluster, wired, fleet, journal, self._lease.confirm) as naming,
                following(cluster.ecs.nodes, wired, control, naming),
            ):
                on_signals(lambda: self.ending.ask(keep=True), control.apply)
                journal.record("leads", "", f"{cluster.name}, epoch {self._lease.epoch}")
                await self._until_ending(self._lease.lost.wait())
        await let_go(wired)
        journal.record("led", "", "the nodes serve on")

    def _forget(self) -> None:
        """Nothing where the count is kept here: it is known to this controller alone."""
        epoch, folder = self._lease.epoch, self._state / "decisions"
        if epoch and self._cluster.platform == "ecs" and begin_epoch(folder, epoch):
            told = "another controller has led meanwhile: what was asked of this one is void"
            self._journal.record("decisions-void", "", told)

    def _tell(self, problem: str) -> None:
        kind = "problem" if problem else "recovered"
        self._journal.record(kind, "", problem or "the lease can be read and written again")

    async def _until_ending(self, what: Coroutine[object, object, object]) -> bool:
        """Wait for it, or for the end; whether it came. What it raises is raised."""
        waited = asyncio.create_task(what)
        ended = asyncio.create_task(self.ending.asked.wait())
        await asyncio.wait((waited, ended), return_when=asyncio.FIRST_COMPLETED)
        for task in (waited, ended):
            task.cancel()
        found, _ = await asyncio.gather(waited, ended, return_exceptions=True)
        if isinstance(found, Exception):
            raise found
        return not self.ending.asked.is_set()


async def lead(file: Path, state: Path, tell: Callable[[Event], None] | None) -> None:
    """BadInput when the settings name no place for agents."""
    cluster: Cluster = load(file)
    if not cluster.controller.listen:
        raise BadInput(f"{file.name} has no controller section: say where agents reach it")
    with hold(state):
        journal = EventLog(state / "events.jsonl", SystemClock())
        if tell:
            journal.listen(tell)
        controller = Controller(file, state, journal)
        on_signals(lambda: controller.ending.ask(keep=True), _nothing)
        await controller.run()
        journal.close()


async def _nothing() -> None:
    """A controller that waits has nothing to apply settings to: it reads them when it leads."""
