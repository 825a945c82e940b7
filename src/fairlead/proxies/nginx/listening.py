"""The sockets that clients connect to: bound here, inherited by nginx.

fairlead keeps them open beside nginx. When nginx dies, they stay: the kernel goes on accepting,
and a client waits in the queue for the next nginx instead of being refused.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from fairlead.core.errors import Busy, ProxyError

BACKLOG = 511
"""What nginx itself uses on Linux."""

_RETRY = 0.01
_PIDFD_GETFD = 438
"""The same number on every architecture; Linux 5.6."""


class Listening:
    """By address, as `Front.listen` names it. Closed sockets go on in an nginx that has them."""

    def __init__(self) -> None:
        self._sockets: dict[str, socket.socket] = {}

    @property
    def descriptors(self) -> list[int]:
        return [listener.fileno() for listener in self._sockets.values()]

    def missing(self, addresses: Iterable[str]) -> list[str]:
        return [address for address in addresses if address not in self._sockets]

    async def take(self, addresses: Iterable[str], patience: float = 0.0) -> None:
        """Bind what is not held yet, trying for `patience` seconds; all of them or none.

        Busy when another program listens there, ProxyError when the address cannot be used.
        """
        deadline = asyncio.get_running_loop().time() + patience
        taken: dict[str, socket.socket] = {}
        try:
            for address in self.missing(addresses):
                taken[address] = await _bind_by(deadline, address)
        except BaseException:
            for listener in taken.values():
                listener.close()
            raise
        self._sockets |= taken

    def borrow(self, process: int, addresses: Iterable[str]) -> None:
        """Hold what an nginx listens on that was adopted, or bound it itself, where that may be."""
        for address in self.missing(addresses):
            with suppress(OSError):
                if listener := copy_of(process, address):
                    self._sockets[address] = listener

    def release(self, addresses: Iterable[str]) -> None:
        for address in addresses:
            if listener := self._sockets.pop(address, None):
                listener.close()

    def keep_only(self, addresses: Iterable[str]) -> None:
        self.release(set(self._sockets) - set(addresses))

    def close(self) -> None:
        self.keep_only(())


async def _bind_by(deadline: float, address: str) -> socket.socket:
    while True:
        try:
            return bind(address)
        except Busy:
            if asyncio.get_running_loop().time() >= deadline:
                raise
        await asyncio.sleep(_RETRY)


def bind(address: str) -> socket.socket:
    """A listening socket as nginx wants to inherit it: it neither listens nor unblocks by itself.

    Busy when another program listens there, ProxyError when the address cannot be used.
    """
    host, port = split(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _refused(address, port, error) from error
    return listener


def copy_of(process: int, address: str) -> socket.socket | None:
    """A copy of a process's listening socket, by pidfd_getfd(2). OSError where it is forbidden."""
    host, port = split(address)
    inodes = {f"socket:[{inode}]" for inode in _inodes(port)}
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        if str(descriptor.readlink()) in inodes:
            listener = socket.socket(fileno=_copied(process, int(descriptor.name)))
            if listener.getsockname()[:2] == (host, port):
                return listener
            listener.close()
    return None


def _copied(process: int, descriptor: int) -> int:
    import ctypes  # costs memory that most daemons need not spend

    pidfd = os.pidfd_open(process)
    try:
        copy = ctypes.CDLL(None, use_errno=True).syscall(_PIDFD_GETFD, pidfd, descriptor, 0)
    finally:
        os.close(pidfd)
    if copy < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    return int(copy)


async def reachable(address: str, patience: float = 4.0) -> None:
    """Wait until somebody listens there. ProxyError when nobody does within `patience` seconds."""
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        try:
            _, writer = await asyncio.open_connection(*split(address))
        except OSError as error:
            if asyncio.get_running_loop().time() >= deadline:
                raise ProxyError(
                    f"nginx does not listen on {address}; see its error log"
                ) from error
            await asyncio.sleep(_RETRY)
        else:
            return writer.transport.abort()


def split(address: str) -> tuple[str, int]:
    """`[::1]:8080` is `::1` and 8080."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _refused(address: str, port: int, error: OSError) -> Busy | ProxyError:
    if error.errno == errno.EADDRINUSE:
        return Busy(
            f"{address} is taken by {owner(port) or 'another program'}: "
            "end it, or choose another address under listen"
        )
    advice = {
        errno.EACCES: "ports below 1024 need root, choose a higher one under listen",
        errno.EADDRNOTAVAIL: "this machine does not have the address, choose another under listen",
    }.get(error.errno or 0, "choose another under listen")
    return ProxyError(f"cannot listen on {address} ({error.strerror or error}): {advice}")


def owner(port: int) -> str:
    """Who listens on a TCP port, like `apache2 (pid 812)`; empty when it cannot be seen."""
    if not (sockets := {f"socket:[{inode}]" for inode in _inodes(port)}):
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                if str(descriptor.readlink()) in sockets:
                    return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return ""


def _inodes(port: int) -> set[str]:
    """Of the sockets that listen on it, from proc_net(5): state 0A is LISTEN."""
    found: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(fields[9])
    return found
