"""The one nginx of a prefix: started or adopted, reloaded, ended."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import Any

import msgspec

from fairlead.core.errors import Busy, ProxyError
from fairlead.core.model import Front
from fairlead.ports import Journal
from fairlead.proxies.nginx import machine
from fairlead.proxies.nginx.config import render
from fairlead.proxies.nginx.control import Control
from fairlead.proxies.nginx.listening import Listening, reachable
from fairlead.proxies.nginx.master import Master, signal_strays, unrecorded
from fairlead.proxies.nginx.prefix import LUA, Prefix, Record, config_digest

START_TIMEOUT = 10.0
QUIT_TIMEOUT = 15.0
RELEASE_TIMEOUT = 2.0

_POLL = 0.005


class Child:
    """At most one nginx process, until it ends; `begin` starts the next one on the same sockets."""

    def __init__(self, prefix: Prefix, control: Control, journal: Journal) -> None:
        self._prefix, self._control, self._journal = prefix, control, journal
        self._listening = Listening()
        self._turn = asyncio.Lock()
        self._front = Front()
        self._record = Record(0, 0)
        self._master: Master | None = None

    @property
    def pid(self) -> int | None:
        """None while it is not running."""
        running = self._master and not self._master.ended.is_set()
        return self._master.pid if self._master and running else None

    @property
    def reloads(self) -> int:
        return self._record.reloads

    @property
    def listen(self) -> tuple[str, ...]:
        return self._record.listen

    async def start(self, front: Front) -> None:
        """Adopt the nginx of the prefix, or start one. Missing, Busy or ProxyError."""
        self._machine = await asyncio.to_thread(machine.find)
        self._prefix.prepare()
        self._record = self._prefix.read_record() or self._record
        self._front = front
        self._master = await self._adopted()
        try:
            if self._master:
                await self.configure(front)
                self._listening.borrow(self._master.pid, front.listen)
                signal_strays(self._prefix.path, self._master.pid, signal.SIGQUIT)
            else:
                await self.begin_anew()
        except BaseException:
            await self.close()
            raise

    async def configure(self, front: Front) -> None:
        """Let nginx follow a front: it reloads when, and only when, that changes anything.

        Busy or ProxyError when it cannot, and the old one stays in force.
        """
        async with self._turn:
            text = self._rendered(front)
            if config_digest(text) != self._record.config:
                await self._reload(front, text)
            self._front = front

    async def ended(self) -> int:
        """Wait until it ends; its pid."""
        assert self._master
        await self._master.ended.wait()
        self._master.close()
        self._forget_control()
        return self._master.pid

    async def begin(self) -> None:
        """Start an nginx; workers that the one before left behind serve until it answers."""
        async with self._turn:
            await self._take_sockets()
            self._forget_control()
            argv = self._prefix.argv(self._machine, self._prefix.conf)
            master = Master.spawn(argv, self._listening.descriptors)
            try:
                self._save(pid=master.pid, ticks=master.identity.ticks)
                await self._answering(master)
            except BaseException:
                await master.end(0)
                raise
            digest = config_digest(self._prefix.conf.read_text())
            self._save(listen=self._front.listen, config=digest)
            signal_strays(self._prefix.path, master.pid, signal.SIGQUIT)
            self._master = master

    async def begin_anew(self) -> None:
        """The same, with whatever was lost of the prefix made again."""
        self._prefix.prepare()
        text = self._rendered(self._front)
        await self._take_sockets()  # says who is in the way, better than nginx
        await self._prefix.install(self._machine, text)
        await self.begin()

    async def close(self) -> None:
        """Leave it serving."""
        self._let_go()
        if self._master:
            self._master.close()

    async def stop(self) -> None:
        """Requests in flight get QUIT_TIMEOUT seconds to end. Removes the prefix."""
        self._let_go()
        if self._master:
            await self._master.end(QUIT_TIMEOUT)
        self._prefix.remove()

    def _let_go(self) -> None:
        self._listening.close()
        self._control.close()

    async def _adopted(self) -> Master | None:
        """A running nginx that does not answer is ended: it could not be told anything."""
        prefix = self._prefix.path
        master = Master.adopt(self._record.identity, prefix)
        if master is None and (identity := await asyncio.to_thread(unrecorded, prefix)):
            master = Master.adopt(identity, prefix)
            if master and not self._record.config:  # what it was told is not known either
                await master.end(QUIT_TIMEOUT)
                return None
            self._save(pid=identity.pid, ticks=identity.ticks)
        if master:
            try:
                await self._answering(master)
            except ProxyError as error:
                self._journal.record("proxy-died", "", f"nginx ({master.pid}) is replaced: {error}")
                await master.end(QUIT_TIMEOUT)
                return None
        return master

    async def _take_sockets(self) -> None:
        """Orphans have them when the fairlead that bound them is gone: then they must leave."""
        listen = self._front.listen
        for number in (signal.SIGQUIT, signal.SIGKILL):
            try:
                return await self._listening.take(listen)
            except Busy:
                if not signal_strays(self._prefix.path, 0, number):
                    raise
            with suppress(Busy):
                return await self._listening.take(listen, RELEASE_TIMEOUT)
        return await self._listening.take(listen)

    def _forget_control(self) -> None:
        """Orphans would still take pushes, and take them to their grave."""
        self._control.close()
        self._prefix.socket.unlink(missing_ok=True)

    async def _answering(self, master: Master) -> None:
        """Wait until it takes pushes. ProxyError when it ends, or not within START_TIMEOUT."""
        deadline = _now() + START_TIMEOUT
        while True:
            try:
                await self._control.info()
                break
            except ProxyError as error:
                if master.ended.is_set():
                    raise ProxyError(f"nginx ended: {self._prefix.last_errors()}") from error
                if _now() > deadline:
                    raise
            await asyncio.sleep(_POLL)
        self._prefix.socket.chmod(0o600)  # nginx makes it for all

    async def _reload(self, front: Front, text: str) -> None:
        """What nginx may listen on is written down first: a fairlead that is killed in here must
        not be in its own way later."""
        old = self._record.listen
        new = [address for address in front.listen if address not in old]
        await self._listening.take(new, RELEASE_TIMEOUT)  # to hear who is in the way, and as the
        self._listening.release(new)  # one before may be closing them: nginx binds them itself
        before = self._prefix.conf.read_text()
        await self._prefix.install(self._machine, text)
        self._save(listen=tuple(dict.fromkeys((*old, *front.listen))))
        self._tell_reload()
        try:
            for address in front.listen:
                await reachable(address)
        except ProxyError:
            await self._prefix.install(self._machine, before)
            self._tell_reload()
            self._save(listen=old)
            raise
        self._listening.keep_only(front.listen)
        if self._master:
            self._listening.borrow(self._master.pid, new)
        self._save(listen=front.listen, config=config_digest(text))
        self._journal.record("proxy-reload", "", "nginx was reloaded: its own settings changed")

    def _tell_reload(self) -> None:
        if self._master:
            self._master.signal(signal.SIGHUP)
        self._save(reloads=self._record.reloads + 1)

    def _rendered(self, front: Front) -> str:
        modules, token = self._machine.modules, self._prefix.trace_token()
        return render(front, self._prefix.path, modules, LUA, token, _user())

    def _save(self, **changes: Any) -> None:
        self._record = msgspec.structs.replace(self._record, **changes)
        self._prefix.write_record(self._record)


def _user() -> str:
    """Who the workers run as: only root can, and must, choose."""
    return "root" if os.geteuid() == 0 else ""


def _now() -> float:
    return asyncio.get_running_loop().time()
