"""Two figures that are often named, held against the prices: where they come from, line by line.

"$3-5 a month" for a node with five services, and "$18 a month for an ALB".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from fairlead.core.costs.bill import Bill
from fairlead.core.costs.billing import ALB_ADDRESSES, bill
from fairlead.core.costs.lcu import lcus
from fairlead.core.costs.prices import TWELVE_MONTHS, Prices
from fairlead.core.costs.strategies import SINGLE
from fairlead.core.costs.usage import HOURS, Usage

NODE_CLAIM = (Decimal(3), Decimal(5))
ALB_CLAIM = Decimal(18)
SMALL_DISK = Decimal(8)
"""GB: what an instance had before ECS's own images asked for 30."""


@dataclass(frozen=True, slots=True)
class Line:
    """A reading of the figure, in dollars a month; `within`: it explains the figure."""

    text: str
    usd: Decimal
    within: bool


def node_claim(usage: Usage, prices: Prices) -> tuple[Line, ...]:
    """What of "$3-5" a single node with these services could mean."""
    one = replace(usage, nodes=1)
    full = bill(SINGLE, one, prices)
    kind = usage.type
    disk = replace(one, extras=replace(one.extras, disk_gb=SMALL_DISK))
    nano = bill(SINGLE, replace(disk, type=_nano(kind, prices)), prices)
    tiered = bill(SINGLE, one, prices, TWELVE_MONTHS)
    fixed = full.total - _instance(full)
    return (
        _reading(f"{kind} on demand, with all that the bill has", full.total),
        _reading("the same in the first 12 months of an account before 2025-07-15", tiered.total),
        _reading(f"the hours of {kind} alone", _instance(full)),
        _reading("all but those hours: what even a spot instance for nothing leaves", fixed),
        _reading(
            f"{_nano(kind, prices)} with {SMALL_DISK} GB of disk and no charge for its address "
            "(before 2024-02-01)",
            _instance(nano) + nano.groups.get("storage", Decimal(0)),
        ),
    )


def alb_claim(usage: Usage, prices: Prices) -> tuple[Line, ...]:
    """What of "$18 an ALB" is hours, and what it leaves out. The traffic is all on one."""
    hours = HOURS * (prices["alb.hour"].usd or 0)
    addresses = ALB_ADDRESSES * HOURS * (prices["ipv4.hour"].usd or 0)
    unit = HOURS * (prices["alb.lcu_hour"].usd or 0)
    units = lcus(usage.traffic, usage.tasks.services)
    spare = max(Decimal(0), ALB_CLAIM - hours) / unit if unit else Decimal(0)
    return (
        _alb("its hours alone", hours),
        _alb(
            f"hours and {spare:.2f} LCU: the traffic that $18 leaves room for", hours + spare * unit
        ),
        _alb("hours and its two public IPv4 addresses", hours + addresses),
        _alb(
            f"hours, addresses and {units.billed:.2f} LCU of this traffic ({units.dimension})",
            hours + addresses + units.billed * unit,
        ),
    )


def _reading(text: str, usd: Decimal) -> Line:
    low, high = NODE_CLAIM
    return Line(text, usd, low <= usd <= high)


def _alb(text: str, usd: Decimal) -> Line:
    return Line(text, usd, abs(usd - ALB_CLAIM) <= Decimal("0.5"))


def _instance(full: Bill) -> Decimal:
    return full.groups.get("instances", Decimal(0))


def _nano(kind: str, prices: Prices) -> str:
    """The smallest of the same family, where it is known."""
    nano = kind.partition(".")[0] + ".nano"
    return nano if nano in prices.machines else kind
