"""Figures that are often named, held against the prices: where they come from, line by line.

"$3-5 a month" for a node with five services, "$18 a month for an ALB" and so $90 for five of them,
and "the same as now" for several copies behind nginx.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from fairlead.core.costs.bill import Bill
from fairlead.core.costs.billing import ALB_ADDRESSES, bill
from fairlead.core.costs.lcu import lcus
from fairlead.core.costs.prices import TWELVE_MONTHS, Prices
from fairlead.core.costs.strategies import ALB, DYNAMIC, SHARED, SINGLE
from fairlead.core.costs.usage import HOURS, Usage

NODE_CLAIM = (Decimal(3), Decimal(5))
ALB_CLAIM = Decimal(18)
ZERO = Decimal(0)
SMALL_DISK = Decimal(8)
"""GB: what an instance had before ECS's own images asked for 30."""


@dataclass(frozen=True, slots=True)
class Line:
    """A reading of the figure, in dollars a month; `within`: it explains the figure."""

    text: str
    usd: Decimal
    within: bool


def claims(usage: Usage, prices: Prices) -> dict[str, tuple[Line, ...]]:
    """All of them, by what is said."""
    found = {
        "$3-5 a month": node_claim(usage, prices),
        "the same for several copies with nginx": copies_claim(usage, prices),
        "$18 a month for an ALB": alb_claim(usage, prices),
    }
    if (services := usage.tasks.services) > 1:
        claim = f"${ALB_CLAIM * services} a month for {services} of them"
        found[claim] = each_claim(usage, prices)
    return found


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
            _instance(nano) + nano.groups.get("storage", ZERO),
        ),
    )


def copies_claim(usage: Usage, prices: Prices) -> tuple[Line, ...]:
    """What more copies take beside the proxy: memory, and with it nodes."""
    single, dynamic = bill(SINGLE, usage, prices), bill(DYNAMIC, usage, prices)
    more = dynamic.total - single.total
    nodes = f"{single.nodes} to {dynamic.nodes} nodes"
    return (
        Line("one copy of each, now", single.total, within=False),
        Line(f"{usage.tasks.copies} of each, {nodes} of {usage.type}", dynamic.total, more < 1),
        Line("of the difference, nodes with address and disk", _machines(dynamic, single), False),
    )


def each_claim(usage: Usage, prices: Prices) -> tuple[Line, ...]:
    """What balancers add to the nodes' own bill, one for each service and one for all."""
    each, shared = bill(ALB, usage, prices), bill(SHARED, usage, prices)
    claimed = ALB_CLAIM * usage.tasks.services
    lines = ((_balancing(each), "one for each service"), (_balancing(shared), "one for all"))
    return tuple(
        Line(f"{what}: hours, addresses, LCU", usd, abs(usd - claimed) <= claimed / 36)
        for usd, what in lines
    )


def alb_claim(usage: Usage, prices: Prices) -> tuple[Line, ...]:
    """What of "$18 an ALB" is hours, and what it leaves out. The traffic is all on one."""
    hours = HOURS * (prices["alb.hour"].usd or 0)
    addresses = ALB_ADDRESSES * HOURS * (prices["ipv4.hour"].usd or 0)
    unit = HOURS * (prices["alb.lcu_hour"].usd or 0)
    units = lcus(usage.traffic, usage.tasks.services)
    spare = max(ZERO, ALB_CLAIM - hours) / unit if unit else ZERO
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


def _balancing(full: Bill) -> Decimal:
    items = (i for i in full.items if i.group == "balancers" or "of the ALB" in i.name)
    return sum((item.cost for item in items), ZERO)


def _machines(more: Bill, less: Bill) -> Decimal:
    groups = ("instances", "addresses", "storage")
    return sum((more.groups.get(g, ZERO) - less.groups.get(g, ZERO) for g in groups), ZERO)


def _instance(full: Bill) -> Decimal:
    return full.groups.get("instances", ZERO)


def _nano(kind: str, prices: Prices) -> str:
    """The smallest of the same family, where it is known."""
    nano = kind.partition(".")[0] + ".nano"
    return nano if nano in prices.machines else kind
