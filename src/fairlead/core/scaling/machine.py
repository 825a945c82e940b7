"""How many copies of a service one machine has memory for, by what copies have been seen to use.

CPU does not bound: more copies than cores only share them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MIB = 1 << 20
RESERVE, LEAST_RESERVE = 0.05, 64 * MIB
"""Of the machine's memory, and at least so many bytes, are left to others."""


def reserve(total: int) -> int:
    """Bytes of a machine with so many that no copy is planned to take."""
    return max(LEAST_RESERVE, int(total * RESERVE))


class Sizes:
    """The largest copy of each service that was seen, in bytes; of its present revision."""

    def __init__(self) -> None:
        self._sizes: dict[str, tuple[str, int]] = {}

    def see(self, service: str, revision: str, used: int) -> None:
        """A copy of another revision than the last one begins anew."""
        before = self._sizes.get(service, ("", 0))
        largest = max(used, before[1]) if before[0] == revision else used
        self._sizes[service] = revision, largest

    def size(self, service: str) -> int:
        """0 for one of which no copy was seen yet."""
        return self._sizes.get(service, ("", 0))[1]


def growth(sizes: Sizes, copies: Mapping[str, Sequence[int]]) -> int:
    """Bytes that living copies, by service with what each uses, will take beyond that: one that has
    just started does not use yet what it is going to."""
    each = ((sizes.size(name), used) for name, of in copies.items() for used in of)
    return sum(max(0, size - used) for size, used in each)


def more(size: int, free: int) -> tuple[int, str]:
    """How many copies of that size fit into so many bytes, and the bound in words."""
    left = max(0, free)
    told = f"memory: a copy uses {_mib(size)} MiB, {_mib(left)} MiB are left"
    return left // size, told


def _mib(of: int) -> int:
    return round(of / MIB)
