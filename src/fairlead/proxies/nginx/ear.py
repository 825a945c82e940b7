"""Where nginx says that a request waits for a service which is asleep: a name in each datagram.

A socket rather than a question that nginx answers late: a worker can speak up the moment a request
comes, whichever worker it is, and while nobody comes nothing runs on either side.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

from fairlead.core.errors import ProxyError
from fairlead.ports import Wake
from fairlead.proxies.naming import is_name

LONGEST = 64
"""Bytes of a service's name, and one more to see that it is longer."""


class Ear:
    """`open` listens at `path`, whoever listened there before; `wake` is told each name."""

    def __init__(self, path: Path, wake: Wake) -> None:
        self._path, self._wake = path, wake
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """ProxyError when it cannot listen there."""
        self._path.unlink(missing_ok=True)
        ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            ear.bind(str(self._path))
            self._path.chmod(0o600)
        except OSError as error:
            ear.close()
            raise ProxyError(f"cannot listen on {self._path}: {error}") from error
        self._socket = ear
        asyncio.get_running_loop().add_reader(ear, self._hear)

    def close(self) -> None:
        """From now on nginx speaks to nobody, and says it again later."""
        if self._socket is None:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._socket = None
        self._path.unlink(missing_ok=True)

    def _hear(self) -> None:
        """All that has come, each name once."""
        for name in sorted(self._names()):
            self._wake(name)

    def _names(self) -> set[str]:
        heard: set[str] = set()
        with suppress(BlockingIOError):
            while self._socket is not None:
                name = self._socket.recv(LONGEST).decode("ascii", "replace")
                if is_name(name):
                    heard.add(name)
        return heard
