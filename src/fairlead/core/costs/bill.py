"""A bill: items that add up to its total, to the last digit; rounded only where it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal

from fairlead.core.costs.prices import FOUND, Price

_NANO = Decimal("1e-9")
_EXACT = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Item:
    """`key` is that of the price. Of `quantity`, `free` is not charged."""

    group: str
    name: str
    key: str
    quantity: Decimal
    unit: str
    price: Price
    free: Decimal = Decimal(0)
    note: str = ""

    @property
    def billed(self) -> Decimal:
        return self.quantity - self.free

    @property
    def cost(self) -> Decimal:
        """Dollars a month, to the billionth: so items add up exactly, in whatever order. 0 where
        the price is missing."""
        return _EXACT.multiply(self.billed, self.price.usd or Decimal(0)).quantize(
            _NANO, None, _EXACT
        )

    @property
    def unpriced(self) -> bool:
        return self.price.usd is None and self.billed > 0

    @property
    def unsure(self) -> bool:
        """Its price was recalled or derived, not found."""
        return self.price.how != FOUND and not self.unpriced and self.billed > 0


@dataclass(frozen=True, slots=True)
class Bill:
    """Of one strategy, for a month. `problems`: why it would not run as given."""

    strategy: str
    nodes: int
    items: tuple[Item, ...]
    problems: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal:
        """Dollars; without the items whose price is missing."""
        return sum((item.cost for item in self.items), Decimal(0))

    @property
    def groups(self) -> dict[str, Decimal]:
        """Dollars by group, in the order of the items."""
        sums: dict[str, Decimal] = {}
        for item in self.items:
            sums[item.group] = sums.get(item.group, Decimal(0)) + item.cost
        return sums

    @property
    def unpriced(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.unpriced)

    @property
    def unsure(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.unsure)


def with_free(items: Iterable[Item], allowances: Mapping[str, Decimal]) -> tuple[Item, ...]:
    """The items with what is free taken off, in their order, until it is used up."""
    left = dict(allowances)
    lessened = []
    for item in items:
        free = min(item.quantity, left.get(item.key, Decimal(0)))
        left[item.key] = left.get(item.key, Decimal(0)) - free
        lessened.append(replace(item, free=free))
    return tuple(lessened)
