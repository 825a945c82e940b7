"""Endpoints as plain processes of this machine.

They belong to nobody: each leads a session of its own and writes to a file of its own, so that the
death of fairlead does not touch them, and the next fairlead adopts them by their records.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from fairlead import procfs
from fairlead.core.errors import PlatformError
from fairlead.core.model import Endpoint, Node, Phase, Service, Sighting
from fairlead.platforms.process.adoption import adopt
from fairlead.platforms.process.marks import kill_marked
from fairlead.platforms.process.outputs import Outputs
from fairlead.platforms.process.port_range import PortRange, is_free, place_of
from fairlead.platforms.process.records import Record, Records, new_id
from fairlead.platforms.process.session import Session
from fairlead.platforms.process.spawn import spawn
from fairlead.platforms.process.usage import measured
from fairlead.ports import Clock, Notify, Used

NODE = Node("local", "127.0.0.1")
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
_KILL_GRACE = 5.0


@dataclass(slots=True)
class _Kept:
    """`session` is None when the endpoint has ended."""

    record: Record
    endpoint: Endpoint
    session: Session | None = None


class ProcessPlatform:
    """Implements ports.Platform, ports.Runner and ports.Gauged. One at a time a state directory:
    the daemon's lock sees to it.

    Restarts are decided by the caller; this only tells truthfully what lives and how it ended.
    """

    def __init__(self, state: Path, ports: tuple[int, int], notify: Notify, clock: Clock) -> None:
        """Adopts what an earlier fairlead left. Needs a running loop; blocks some milliseconds.

        PlatformError when the state directory cannot be used.
        """
        state = state.resolve()
        self._notify, self._clock, self._ports = notify, clock, ports
        self._boot = procfs.boot_id()
        self._kept: dict[str, _Kept] = {}
        self._services: dict[str, dict[str, _Kept]] = {}
        self._taken: set[int] = set()
        self._ended_one = asyncio.Event()
        self._range = PortRange(ports, is_free)
        self._range.begin_after(place_of(state, ports))
        try:
            self.outputs = Outputs(state / "logs")
            self._records = Records(state / "endpoints")
            self._adopt_all()
        except OSError as error:
            raise PlatformError(f"{state}: endpoints cannot be kept here: {error}") from error
        self._rotation = asyncio.get_running_loop().create_task(
            self.outputs.keep_small(self._living_files)
        )

    def use(self, ports: tuple[int, int]) -> None:
        """New endpoints get ports of this range from now on; those that run keep theirs."""
        if ports != self._ports:
            self._ports, self._range = ports, PortRange(ports, is_free)

    async def nodes(self) -> tuple[Node, ...]:
        return (NODE,)

    async def observe(self, services: Collection[Service]) -> Sighting:
        """From memory: an endpoint's end is known within milliseconds."""
        found = (self._services.get(service.name, {}).values() for service in services)
        return Sighting(tuple(kept.endpoint for of_one in found for kept in of_one))

    def all(self) -> tuple[Endpoint, ...]:
        """Every endpoint of the state directory, also of services that nobody knows any more."""
        return tuple(kept.endpoint for kept in self._kept.values())

    async def start(self, service: Service) -> Endpoint:
        """Its address is set at once, its health is not: the program still has to listen."""
        if not service.run or not _NAME.fullmatch(service.name):
            raise PlatformError(
                f"{service.name!r} cannot be started: it has no `run`, or a bad name"
            )
        record = Record(
            id=new_id(service.name, self._kept),
            service=service.name,
            port=self._choose_port(service),
            revision=service.revision,
            started=self._clock.wall(),
            boot=self._boot,
        )
        try:
            return self._launch(service, record).endpoint
        except BaseException as error:
            self._undo(record)
            if isinstance(error, OSError):
                why = error.strerror or error
                raise PlatformError(f"{service.name}: cannot be started: {why}") from error
            raise

    async def used(self, endpoints: Collection[Endpoint]) -> Mapping[str, Used]:
        """Implements ports.Gauged."""
        kept = {e.id: self._kept[e.id] for e in endpoints if e.id in self._kept}
        leaders = {key: each.record.pid for key, each in kept.items() if each.session}
        return await asyncio.to_thread(measured, leaders, self._clock) if leaders else {}

    def spare_ports(self, count: int) -> tuple[int, str]:
        """How many of so many ports more are free, and which range has no more."""
        return self._range.spare(self._taken, count), f"ports {self._ports[0]}-{self._ports[1]}"

    async def stop(self, endpoint: Endpoint, timeout: float) -> None:
        kept = self._kept.get(endpoint.id)
        if kept and kept.session:
            kept.endpoint = replace(kept.endpoint, phase=Phase.STOPPING)
            kept.session.stop(timeout)

    async def forget(self, endpoint: Endpoint) -> None:
        """PlatformError when it still runs. The newest outputs of forgotten ones are kept."""
        kept = self._kept.get(endpoint.id)
        if kept is None:
            return
        if kept.session:
            raise PlatformError(f"{endpoint.id} still runs: stop it before it can be forgotten")
        self._records.remove(endpoint.id)
        del self._kept[endpoint.id]
        of_one = self._services[endpoint.service]
        del of_one[endpoint.id]
        self.outputs.prune(endpoint.service, of_one)
        if not of_one:
            del self._services[endpoint.service]

    def reset(self, service: str) -> None:
        """Nothing to do: endpoints that have stopped are replaced by new ones."""

    async def stop_all(self, timeout: float) -> None:
        """End and forget every endpoint and what it left. PlatformError when one survives."""
        ids = set(self._kept)
        for endpoint in self.all():
            await self.stop(endpoint, timeout)
        try:
            async with asyncio.timeout(timeout + _KILL_GRACE):
                await self._all_ended()
        except TimeoutError:
            left = ", ".join(f"{e.id} (pid {e.pid})" for e in self.all() if e.pid)
            raise PlatformError(f"these processes do not end even when killed: {left}") from None
        kill_marked(self.outputs, ids, ids.__contains__)
        for endpoint in self.all():
            await self.forget(endpoint)

    async def close(self) -> None:
        self._rotation.cancel()
        await asyncio.wait([self._rotation])
        for kept in self._kept.values():
            if kept.session:
                kept.session.let_go()
                kept.session = None

    def _choose_port(self, service: Service) -> int:
        port = self._range.choose(self._taken)
        if port is None:
            first, last = self._ports
            raise PlatformError(
                f"{service.name}: no free port in {first}-{last}: endpoints hold"
                f" {len(self._taken)}, other programs the rest; widen `ports`"
            )
        return port

    def _launch(self, service: Service, record: Record) -> _Kept:
        """The intent is written first: a crash in between leaves no process unknown."""
        self._records.write(record)
        output = self.outputs.open(record.service, record.id)
        try:
            pid = spawn(service, record.id, record.port, output)
        finally:
            os.close(output)
        try:
            return self._watch_new(record, pid)
        except BaseException:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise

    def _watch_new(self, record: Record, pid: int) -> _Kept:
        found = procfs.stat(pid)
        record = replace(record, pid=pid, ticks=found.ticks if found else 0)
        self._records.write(record)
        return self._watch(record)

    def _watch(self, record: Record) -> _Kept:
        session = Session(record.pid, partial(self._ended, record.id))
        self._taken.add(record.port)
        return self._keep(_Kept(record, _endpoint(record), session))

    def _keep(self, kept: _Kept) -> _Kept:
        self._kept[kept.record.id] = kept
        self._services.setdefault(kept.record.service, {})[kept.record.id] = kept
        return kept

    def _undo(self, record: Record) -> None:
        self._records.remove(record.id)
        with suppress(OSError):
            self.outputs.path(record.service, record.id).unlink(missing_ok=True)

    def _ended(self, endpoint_id: str, how: str) -> None:
        kept = self._kept[endpoint_id]
        kept.session = None
        kept.endpoint = replace(kept.endpoint, phase=Phase.EXITED, pid=None, exit=how)
        self._taken.discard(kept.endpoint.port)
        self._ended_one.set()
        self._notify(kept.endpoint.service)

    async def _all_ended(self) -> None:
        while any(kept.session for kept in self._kept.values()):
            self._ended_one.clear()
            await self._ended_one.wait()

    def _adopt_all(self) -> None:
        records = adopt(self._records, self.outputs)
        for record, gone in records:
            if gone:
                exited = replace(_endpoint(record), phase=Phase.EXITED, pid=None, exit=gone)
                self._keep(_Kept(record, exited))
            else:
                self._watch(record)
        if records:
            self._range.begin_after(records[-1][0].port)

    def _living_files(self) -> list[Path]:
        living = [kept.record for kept in self._kept.values() if kept.session]
        return [self.outputs.path(record.service, record.id) for record in living]


def _endpoint(record: Record) -> Endpoint:
    return Endpoint(
        id=record.id,
        service=record.service,
        node=NODE.id,
        address=NODE.address,
        port=record.port,
        revision=record.revision,
        started=record.started,
        pid=record.pid,
    )
