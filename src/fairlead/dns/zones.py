"""The zone that holds a name, at providers that call zones by ids."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fairlead.core.errors import DnsError

Find = Callable[[str], Awaitable[str]]
"""The id of the zone of exactly that name; empty where there is none."""


class Zones:
    """`given` is the id of the only zone; empty: the nearest above each name that `find` knows.

    `missing` is what to say when there is none, with `{name}` in it.
    """

    def __init__(self, given: str, find: Find, missing: str) -> None:
        self._given, self._find, self._missing = given, find, missing
        self._known: dict[str, str] = {}

    async def of(self, name: str) -> str:
        """DnsError when no zone holds the name."""
        if self._given:
            return self._given
        if name not in self._known:
            self._known[name] = await self._nearest(name)
        return self._known[name]

    async def _nearest(self, name: str) -> str:
        labels = name.split(".")
        for first in range(len(labels) - 1):
            if zone := await self._find(".".join(labels[first:])):
                return zone
        raise DnsError(self._missing.format(name=name))
