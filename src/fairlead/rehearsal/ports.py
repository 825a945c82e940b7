"""Host ports of the nodes' own loopback addresses."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack

from fairlead.core.errors import PlatformError

FIRST, LAST = 32768, 60999
"""Docker takes dynamic ports from the kernel's ephemeral range."""


class Ports:
    """Gives out dynamic ports. No two nodes get the same one, so that programs which listen on all
    addresses can run on several nodes. `checked`: whether a port has to be free on this machine."""

    def __init__(self, checked: bool, chance: random.Random) -> None:
        self._checked = checked
        self._next = chance.randint(FIRST, LAST)
        self._held: set[int] = set()

    def take(self, address: str, here: bool = True) -> int:
        """PlatformError when there is none left. Only an address that is `here`, in this process's
        network namespace, can be looked at for what others hold."""
        checked = self._checked and here
        for _ in range(LAST - FIRST + 1):
            port = self._next
            self._next = port + 1 if port < LAST else FIRST
            if port not in self._held and (not checked or is_free(address, port)):
                self._held.add(port)
                return port
        raise PlatformError(
            f"CannotStartContainerError: {address}: no dynamic port is left in {FIRST}-{LAST}"
        )

    def release(self, port: int) -> None:
        self._held.discard(port)


def is_free(address: str, port: int, everywhere: bool = True) -> bool:
    """Whether a program could listen there, and with `everywhere` on all addresses too."""
    with ExitStack() as held:
        for each in (address, "0.0.0.0")[: 2 if everywhere else 1]:  # noqa: S104 - not listened on
            probe = held.enter_context(socket.socket())
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((each, port))
            except OSError:
                return False
            probe.close()
    return True
