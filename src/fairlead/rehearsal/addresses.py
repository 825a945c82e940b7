"""Loopback addresses: one for each node, and for awsvpc one for each task."""

from __future__ import annotations

from fairlead.core.errors import BadInput

_MOST = 254


class Addresses:
    """`network` is the first two or three bytes, `127.0.1` for 127.0.1.1 and on."""

    def __init__(self, network: str = "127.0.1") -> None:
        """BadInput when that is no part of the loopback network."""
        parts = network.split(".")
        good = len(parts) == 3 and all(p.isdecimal() and int(p) < 256 for p in parts)
        if not good or parts[0] != "127" or int(parts[2]) > 254:
            raise BadInput(
                f"network {network!r}: give three numbers that begin with 127, as 127.0.1"
            )
        self._network, third = network, int(parts[2]) + 1
        self._tasks = f"127.{parts[1]}.{third}"
        self._held: dict[str, str] = {}

    def node(self, number: int) -> str:
        """Of the node so counted, from 1. BadInput beyond 254 nodes."""
        if not 1 <= number <= _MOST:
            raise BadInput(f"{number} nodes: {_MOST} at most")
        return f"{self._network}.{number}"

    def take(self, task: str) -> str:
        """An address of the task's own, until it is released."""
        held = set(self._held.values())
        free = (f"{self._tasks}.{n}" for n in range(1, 255))
        self._held[task] = next(address for address in free if address not in held)
        return self._held[task]

    def release(self, task: str) -> None:
        self._held.pop(task, None)
