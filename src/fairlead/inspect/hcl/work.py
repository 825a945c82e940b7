"""How much may be worked out: hostile files end too, in bounded time and memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fairlead.inspect.hcl.results import MOST_LEVELS
from fairlead.inspect.values import Value

MOST_WEIGHT = 20_000  # parts of a value
_LIGHT = (1, 0)


@dataclass(slots=True)
class Work:
    """What is left to spend on one root module. Sizes are kept by identity: parts are shared, so
    that little work makes values that take long to go through."""

    steps: int = 1_000_000
    depth: int = 0
    _sizes: dict[int, tuple[object, tuple[int, int]]] = field(default_factory=dict)

    def too_large(self, value: Value) -> bool:
        weight, levels = self._size(value)
        return weight > MOST_WEIGHT or levels > MOST_LEVELS

    def charge(self, *values: Value) -> None:
        """Pays for going through all of these."""
        self.steps -= sum(self._size(value)[0] for value in values) // 20

    def _size(self, value: Value) -> tuple[int, int]:
        """How many parts there are, and how many levels of them."""
        data = value.data
        if not isinstance(data, tuple | Mapping) or not data:
            return _LIGHT
        if id(data) not in self._sizes:
            inner = data if isinstance(data, tuple) else data.values()
            sizes = [self._size(item) for item in inner]
            size = (1 + sum(w for w, _ in sizes), 1 + max(levels for _, levels in sizes))
            self._sizes[id(data)] = (data, size)
        return self._sizes[id(data)][1]
