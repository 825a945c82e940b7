"""Small integers for endpoints: each names an endpoint's counters in nginx's shared memory."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from fairlead.core.errors import ProxyError

MOST_ENDPOINTS = 32_768


class Slots:
    """Gives every entry the lowest free slot and keeps it while the entry lives.

    `assign` comes before a push and `keep` after it: the slots of leaving entries are free only
    when nginx has forgotten them, so that no two entries ever share one.
    """

    def __init__(self, bound: int = MOST_ENDPOINTS) -> None:
        self._bound = bound
        self._held: dict[str, dict[str, int]] = {}
        self._freed: list[int] = []
        self._next = 0

    def assign(self, service: str, ids: Iterable[str]) -> dict[str, int]:
        """The slot of each id. ProxyError when more than `bound` would be in use."""
        held = self._held.setdefault(service, {})
        return {id_: held[id_] if id_ in held else self._take(held, id_) for id_ in ids}

    def keep(self, service: str, ids: Iterable[str]) -> None:
        """Free the slots of the service's other entries."""
        held = self._held.pop(service, {})
        kept = {id_: held.pop(id_) for id_ in ids if id_ in held}
        for slot in held.values():
            heapq.heappush(self._freed, slot)
        if kept:
            self._held[service] = kept

    def restore(self, tables: Mapping[str, Mapping[str, int]]) -> set[str]:
        """Begin again from a live table; returns the services left out, as their slots clash."""
        used: set[int] = set()
        clashing = {name for name, slots in tables.items() if not self._fits(slots, used)}
        self._held = {n: dict(slots) for n, slots in tables.items() if n not in clashing and slots}
        self._next = max(used, default=-1) + 1
        self._freed = [slot for slot in range(self._next) if slot not in used]
        return clashing

    def _fits(self, slots: Mapping[str, int], used: set[int]) -> bool:
        own = set(slots.values())
        if len(own) < len(slots) or own & used or not all(0 <= s < self._bound for s in own):
            return False
        used |= own
        return True

    def _take(self, held: dict[str, int], id_: str) -> int:
        if self._freed:
            held[id_] = heapq.heappop(self._freed)
        elif self._next < self._bound:
            held[id_] = self._next
            self._next += 1
        else:
            raise ProxyError(
                f"no more than {self._bound} endpoints fit behind one nginx: run fewer of them"
            )
        return held[id_]
