"""Loopback addresses: one for each node, and for awsvpc one for each task."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from fairlead.core.errors import BadInput, Busy, PlatformError

_MOST = 254
_FREE = tuple(f"127.{second}.{third}" for second in range(1, 255) for third in range(1, 254, 2))
"""What is tried, in this order, when any network will do."""


class Addresses:
    """Implements Interfaces. `network` is the first three bytes, `127.0.1` for 127.0.1.1 and on."""

    def __init__(self, network: str) -> None:
        """BadInput when that is no part of the loopback network."""
        parts = network.split(".")
        good = len(parts) == 3 and all(p.isdecimal() and int(p) < 256 for p in parts)
        if not good or parts[0] != "127" or int(parts[2]) > 254:
            raise BadInput(
                f"network {network!r}: give three numbers that begin with 127, as 127.0.1"
            )
        self.networks = (network, f"127.{parts[1]}.{int(parts[2]) + 1}")
        self._network, self._tasks = self.networks
        self._held: dict[str, str] = {}

    def node(self, number: int) -> str:
        """Of the node so counted, from 1. BadInput beyond 254 nodes."""
        if not 1 <= number <= _MOST:
            raise BadInput(f"{number} nodes: {_MOST} at most")
        return f"{self._network}.{number}"

    async def attach(self, task: str) -> str:
        held = set(self._held.values())
        free = (f"{self._tasks}.{n}" for n in range(1, 255))
        found = next((address for address in free if address not in held), "")
        if not found:
            raise PlatformError(f"no address is left for the task in {self._tasks}.0/24")
        self._held[task] = found
        return found

    def detach(self, task: str) -> None:
        self._held.pop(task, None)


@contextmanager
def claimed(network: str = "") -> Iterator[Addresses]:
    """The network's addresses, for nobody else on this machine until the end of the block.

    Without a network the first that is free. Busy when another local ECS has it.
    """
    with ExitStack() as held:
        for each in (network,) if network else _FREE:
            addresses = Addresses(each)
            if _claim(addresses, held):
                yield addresses
                return
        raise Busy(
            f"network {network}: another local ECS on this machine has its nodes there: end that"
            " one, or give this one another with --network 127.0.3 (it takes that and the next)"
        )


def _claim(addresses: Addresses, held: ExitStack) -> bool:
    """By abstract sockets: they end with the process, and belong to one machine's network, as
    loopback addresses do."""
    with ExitStack() as claims:
        for network in addresses.networks:
            claim = claims.enter_context(socket.socket(socket.AF_UNIX))
            try:
                claim.bind(f"\0fairlead-rehearse-{network}")
            except OSError:
                return False
        held.push(claims.pop_all())
    return True
