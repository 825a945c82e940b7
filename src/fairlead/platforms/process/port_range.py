"""Which port the next endpoint gets: round the range, so that a released one rests the longest."""

from __future__ import annotations

import errno
import socket
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

_NO_ADDRESS = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


def candidates(ports: tuple[int, int], after: int, taken: Collection[int]) -> Iterator[int]:
    """Every port of the range (first and last, inclusive) that is not taken, once.

    They come in rising order from the one above `after`, and round to the first; an `after` outside
    of the range begins at the first.
    """
    first, last = ports
    size = last - first + 1
    begin = after + 1 - first if first <= after <= last else 0
    for step in range(size):
        port = first + (begin + step) % size
        if port not in taken:
            yield port


def place_of(state: Path, ports: tuple[int, int]) -> int:
    """Where a state directory begins in the range: two on one machine seldom want the same port."""
    first, last = ports
    return first + zlib.crc32(bytes(state)) % (last - first + 1)


class PortRange:
    """Hands out ports that no endpoint of ours and no other program holds.

    `is_free` asks the machine. Not thread-safe: the loop's thread only, and no await between
    `choose` and the moment when the port counts as taken.
    """

    def __init__(self, ports: tuple[int, int], is_free: Callable[[int], bool]) -> None:
        self._ports, self._is_free = ports, is_free
        self._after = 0

    def begin_after(self, port: int) -> None:
        """Go on behind this port, so that a restart does not begin with those just released."""
        self._after = port

    def choose(self, taken: Collection[int]) -> int | None:
        """The next free port, or None when there is none."""
        for port in candidates(self._ports, self._after, taken):
            if self._is_free(port):
                self._after = port
                return port
        return None

    def spare(self, taken: Collection[int], count: int) -> int:
        """How many of so many ports are free; no more of them are looked at than it needs."""
        free = (p for p in candidates(self._ports, self._after, taken) if self._is_free(p))
        return sum(1 for _ in islice(free, count))


def is_free(port: int) -> bool:
    """Whether a program could listen on this port of every address of the machine.

    Bound on all addresses at once, since a listener on any of them is in the way of one that binds
    all. SO_REUSEADDR lets connections of an earlier listener (TIME_WAIT) pass, never a listener.
    """
    if socket.has_ipv6:
        try:
            return _can_bind(socket.AF_INET6, "::", port)
        except OSError:  # a kernel without IPv6
            pass
    return _can_bind(socket.AF_INET, "0.0.0.0", port)  # noqa: S104 - never listens


def _can_bind(family: socket.AddressFamily, address: str, port: int) -> bool:
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno in _NO_ADDRESS:
                raise
            return False
    return True
