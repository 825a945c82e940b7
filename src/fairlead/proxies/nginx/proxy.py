"""nginx as a proxy of ports.Proxy: tables pushed into the running process, never a reload."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

from fairlead.core.errors import ProxyError
from fairlead.core.model import Counters, Front, RoutingTable, ServiceTable, Waits
from fairlead.ports import Journal, Notify, ProxyInfo, Wake
from fairlead.proxies.naming import checked_name
from fairlead.proxies.nginx.child import Child
from fairlead.proxies.nginx.control import Control, LiveTable
from fairlead.proxies.nginx.ear import Ear
from fairlead.proxies.nginx.prefix import Prefix
from fairlead.proxies.nginx.slots import Slots
from fairlead.proxies.nginx.table import encode
from fairlead.proxies.nginx.table_files import TableFiles
from fairlead.proxies.nginx.watch import Watch


def _asleep(_: str) -> None:
    """Nobody wakes what sleeps."""


class NginxProxy:
    """Implements ports.Proxy. One at a time a state directory: the daemon's lock sees to it."""

    def __init__(
        self, state: Path, front: Front, notify: Notify, journal: Journal, wake: Wake = _asleep
    ) -> None:
        self._prefix = prefix = Prefix(state.resolve() / "nginx")
        self._front, self._notify, self._journal = front, notify, journal
        self._control = Control(prefix.socket)
        self._ear = Ear(prefix.ear, wake)
        self._child = Child(prefix, self._control, journal)
        self._watch = Watch(self._child, journal, self._revived)
        self._files = TableFiles(prefix.table)
        self._slots = Slots()
        self._generation = 0
        self._known: dict[str, ServiceTable] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._saving: dict[str, asyncio.Task[None]] = {}

    async def start(self, tables: Collection[ServiceTable] = ()) -> None:
        """Start or adopt nginx. Missing, Busy or ProxyError, and nothing runs, when it cannot."""
        self._prefix.prepare()
        try:
            self._files.begin(tables)
        except OSError as error:
            self._complain("", error)
        await self._child.start(self._front)
        self._watch.start()
        self._ear.open()
        live = await self._control.table()
        self._generation = live.generation
        clashing = self._slots.restore({name: doc.slots for name, doc in live.services.items()})
        self._known = {n: t for n, t in _tables(live).items() if n not in clashing}
        try:
            await asyncio.to_thread(self._files.follow, live.services)
        except OSError as error:
            self._complain("", error)

    async def configure(self, front: Front) -> None:
        """Change the proxy's own settings: by a reload, if anything changed.

        Busy or ProxyError, and the old ones stay in force, when nginx cannot follow.
        """
        await self._child.configure(front)

    async def info(self) -> ProxyInfo:
        child = self._child
        return ProxyInfo("nginx", self._generation, child.reloads, child.pid, child.listen)

    async def read(self) -> RoutingTable:
        return _tables(await self._control.table())

    async def push(self, table: ServiceTable) -> int:
        """A table that nginx has already is not sent again."""
        async with self._turns[checked_name(table.service)]:
            if self._known.get(table.service) == table:
                return self._generation
            return await self._push(table)

    async def drop(self, service: str) -> int:
        async with self._turns[checked_name(service)]:
            self._known.pop(service, None)
            self._generation = await self._control.delete(service)
            self._slots.keep(service, ())
            await self._saved(service)
            self._files.remove(service)
            return self._generation

    async def follows(self, service: str) -> bool:  # noqa: ARG002
        """A push returns once nginx does."""
        return True

    async def counters(self, service: str) -> dict[str, Counters]:
        return await self._control.counters(service)

    async def waits(self, service: str) -> Waits:
        return await self._control.waits(service)

    async def close(self) -> None:
        self._ear.close()
        await self._all_saved()
        await self._watch.stop()
        await self._child.close()

    async def stop(self) -> None:
        self._ear.close()
        await self._all_saved()
        await self._watch.stop()
        await self._child.stop()

    async def _push(self, table: ServiceTable) -> int:
        """nginx takes the table at once; the file, valid when it did, follows as the disk can."""
        service, ids = table.service, [entry.id for entry in table.entries]
        await self._saved(service)
        body = encode(table, self._slots.assign(service, ids))
        nginx = self._child.pid
        self._known.pop(service, None)
        staged = self._files.stage(service, body)
        try:
            self._generation = await self._control.put(service, body)
        except BaseException:
            await self._files.discard(staged)
            raise
        self._slots.keep(service, ids)
        self._saving[service] = asyncio.create_task(self._save(service, staged))
        if nginx is None or self._child.pid != nginx:
            raise ProxyError(f"nginx died while it took the table of {service}: push it again")
        self._known[service] = table
        return self._generation

    async def _save(self, service: str, staged: asyncio.Task[Path]) -> None:
        try:
            await self._files.commit(service, staged)
        except OSError as error:
            self._known.pop(service, None)
            self._complain(service, error)

    async def _saved(self, service: str) -> None:
        """The files of one service are written in the order of its pushes."""
        if saving := self._saving.pop(service, None):
            await saving

    async def _all_saved(self) -> None:
        for service in tuple(self._saving):
            await self._saved(service)

    async def _revived(self) -> None:
        """What the new nginx did not find on disk is pushed again by the next pass."""
        try:
            live = await self._control.table()
        except ProxyError:
            self._known.clear()
        else:
            self._generation = live.generation
            found = _tables(live)
            self._known = {n: t for n, t in self._known.items() if found.get(n) == t}
        self._notify("")

    def _complain(self, service: str, error: OSError) -> None:
        """nginx serves from the table nevertheless: the file is only for its own restart."""
        told = f"nginx serves its table, which could not be saved: {error}; free the disk"
        self._journal.record("proxy-unsaved", service, told)


def _tables(live: LiveTable) -> dict[str, ServiceTable]:
    return {name: doc.table for name, doc in live.services.items()}
