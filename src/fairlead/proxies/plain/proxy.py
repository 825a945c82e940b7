"""A plain nginx as a proxy of ports.Proxy: files, `nginx -t` and reloads instead of a push."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from fairlead.core.errors import ProxyError
from fairlead.core.model import (
    Counters,
    EntryState,
    Front,
    Plain,
    RoutingTable,
    ServiceTable,
    Waits,
)
from fairlead.ports import Journal, ProxyInfo
from fairlead.proxies.naming import checked_name
from fairlead.proxies.plain.batch import Batch, Changes
from fairlead.proxies.plain.config import check, directives
from fairlead.proxies.plain.file import ConfigFile
from fairlead.proxies.plain.nginx import PlainNginx
from fairlead.proxies.plain.written import Written, parse

END_TIMEOUT = 15.0


class PlainProxy:
    """Implements ports.Proxy for an nginx that somebody else runs.

    It counts nothing. Of an endpoint that drains only this can be known: nothing is in flight once
    the last worker has ended that knew it. `withdraw`: `stop` takes all endpoints out of use,
    because they are about to end too; nginx itself is left as it is.
    """

    def __init__(self, plain: Plain, front: Front, journal: Journal, *, withdraw: bool) -> None:
        self._plain, self._front, self._journal = plain, front, journal
        self._withdraw = withdraw
        self._file = ConfigFile(Path(plain.upstreams))
        self.nginx = PlainNginx(plain)
        self._batch = Batch(plain.debounce, self._carry_out)
        self._turn = asyncio.Lock()
        self._written: Written | None = None
        self._tried = 0

    async def start(self, tables: Collection[ServiceTable] = ()) -> None:
        """Take over the file of an earlier fairlead, and see to it that nginx serves it.

        Busy, Missing or ProxyError when it cannot. Services of `tables` that it does not know yet
        get an upstream without endpoints, so that what others wrote may name it.
        """
        self._file.hold()
        try:
            self._file.recover()
            self._written = parse(self._file.read())
            new = {t.service: t for t in tables if t.service not in self._written.tables}
            await self._serve({**new, **self._written.tables})
        except BaseException:
            self._file.release()
            raise

    async def configure(self, front: Front) -> None:
        """ProxyError, and the old one stays in force, when nginx does not take it."""
        async with self._turn:
            before, self._front = self._front, front
            try:
                await self._serve(self._served.tables)
            except BaseException:
                self._front = before
                raise

    async def info(self) -> ProxyInfo:
        written, listen = self._served, self._front.listen if self._plain.servers else ()
        return ProxyInfo("plain", written.generation, written.reloads, self.nginx.master, listen)

    async def read(self) -> RoutingTable:
        """What the file holds; once started, it is brought back when nginx or others went on
        without it."""
        if self._written is None:
            return parse(self._file.read()).tables
        async with self._turn:
            self._written = parse(self._file.read())
            await self._serve(self._written.tables)
            return self._written.tables

    async def push(self, table: ServiceTable) -> int:
        """Returns when nginx has reloaded and only workers that know the table take requests."""
        check(table, self._front)
        if self._served.tables.get(table.service) != table:
            await self._batch.ask(table.service, table)
        return self._served.generation

    async def drop(self, service: str) -> int:
        if checked_name(service) in self._served.tables:
            await self._batch.ask(service, None)
        return self._served.generation

    async def follows(self, service: str) -> bool:  # noqa: ARG002
        """Whether the workers of earlier generations have ended."""
        return bool(self.nginx.ended())

    async def counters(self, service: str) -> dict[str, Counters]:
        """Only of endpoints that drain, and only when nothing is in flight: the rest is unknown."""
        table = self._served.tables.get(checked_name(service))
        if table is None or not self.nginx.ended():
            return {}
        leaving = (e for e in table.entries if e.state is EntryState.DRAINING)
        return {entry.id: Counters() for entry in leaving}

    async def waits(self, service: str) -> Waits:  # noqa: ARG002
        """Without Lua nothing waits."""
        return Waits()

    async def close(self) -> None:
        await self._batch.settled()
        self._file.release()

    async def stop(self) -> None:
        """Requests in flight get END_TIMEOUT seconds to end."""
        await self._batch.settled()
        if self._withdraw and self._written is not None:
            tables = self._written.tables
            await self._serve({name: replace(t, entries=()) for name, t in tables.items()})
            with suppress(TimeoutError):
                async with asyncio.timeout(END_TIMEOUT):
                    await self.nginx.end_of_earlier()
        self._file.release()

    @property
    def _served(self) -> Written:
        if self._written is None:
            raise ProxyError("the proxy has not been started")
        return self._written

    async def _carry_out(self, changes: Changes) -> None:
        async with self._turn:
            tables = {**self._served.tables, **changes}
            await self._serve({name: table for name, table in tables.items() if table is not None})

    async def _serve(self, tables: RoutingTable) -> None:
        """Make nginx serve these tables, by a reload where that changes what it reads."""
        served = self._served
        wanted = replace(
            served, tables=tables, directives=directives(tables.values(), self._front, self._plain)
        )
        live = await self._live()
        if wanted.directives != served.directives or live != served.generation:
            # One that failed is not used again: nginx may still come to take it up.
            self._tried = max(self._tried, served.generation, live or 0) + 1
            wanted = replace(wanted, generation=self._tried, reloads=served.reloads + 1)
            await self._reload(wanted)
        elif wanted != served:
            self._file.note(wanted.text)
        self._written = wanted

    async def _live(self) -> int | None:
        """None where nginx serves nothing of fairlead yet, or does not run."""
        try:
            return await self.nginx.generation()
        except ProxyError:
            return None

    async def _reload(self, wanted: Written) -> None:
        before = self.nginx.accepting()
        self._file.replace(wanted.text)
        try:
            await self.nginx.test()
            await self.nginx.reload()
            await self.nginx.follow(wanted.generation, before)
        except BaseException:
            self._file.restore()
            raise
        self._file.settle()
        reason = f"nginx was reloaded and serves generation {wanted.generation}"
        self._journal.record("proxy-reload", "", reason)
