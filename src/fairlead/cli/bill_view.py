"""Bills, for people and for programs: here alone dollars are rounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from fairlead.cli.text import count, echo, printable

if TYPE_CHECKING:
    from fairlead.cli.usage_options import Asked
    from fairlead.core.costs.bill import Bill, Item
    from fairlead.core.costs.claims import Line

COLUMNS = {
    "INSTANCES": ("instances",),
    "ADDRESSES": ("addresses",),
    "BALANCERS": ("balancers", "NAT"),
    "STORAGE": ("storage",),
    "DATA": ("data",),
    "OTHER": ("DNS", "monitoring", "coordination"),
}
LEFT_OUT = (
    "not counted: tax, Savings Plans, spot, T3 credits beyond the baseline, snapshots, databases, "
    "data beyond 10 TB at its lower price"
)


def dollars(amount: Decimal) -> str:
    """`1,234.57`: to the cent."""
    return f"{amount.quantize(Decimal('0.01'), ROUND_HALF_UP):,}"


def plain(number: Decimal) -> str:
    """`1,460`, `0.395417`: without blanks and zeros at the end, six digits after the point."""
    text = f"{number:,.6f}"
    return text.rstrip("0").rstrip(".")


def head(asked: Asked) -> Iterator[str]:
    usage, traffic = asked.usage, asked.usage.traffic
    yield f"{asked.prices.region}, list prices of {asked.prices.checked}, USD for 730 hours"
    size = traffic.request_bytes + traffic.response_bytes
    yield (
        f"{count(usage.tasks.services, 'service')}, nodes of {usage.type}, copies of "
        f"{usage.tasks.memory} MiB; {plain(traffic.requests)} requests/s of {plain(size)} bytes, "
        f"{plain(traffic.new_connections)} new connections/s of "
        f"{plain(traffic.connection_seconds)} s"
    )
    for line in asked.told:
        yield f"from the set-up: {line}"


def show_table(bills: Sequence[Bill], asked: Asked) -> None:
    from rich.text import Text

    table = columns(["STRATEGY"], ["COPIES", "NODES", *COLUMNS, "A MONTH"])
    for bill in bills:
        table.add_row(*map(Text, _cells(bill, asked)))
    echo(table)


def columns(left: Sequence[str], right: Sequence[str]) -> Any:
    """A table without rows: columns of words, then of numbers."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in left:
        table.add_column(name, no_wrap=True)
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _cells(bill: Bill, asked: Asked) -> list[str]:
    groups = bill.groups
    sums = [sum((groups.get(g, Decimal(0)) for g in of), Decimal(0)) for of in COLUMNS.values()]
    mark = "!" if bill.problems else ("+" if bill.unpriced else "")
    copies = 1 if bill.strategy == "single" else asked.usage.tasks.copies
    nodes = str(bill.nodes or "-")
    return [bill.strategy, str(copies), nodes, *map(dollars, sums), dollars(bill.total) + mark]


def show_items(bill: Bill) -> None:
    from rich.text import Text

    table = columns(["  ITEM"], ["QUANTITY", "FREE", "UNIT", "PRICE", "A MONTH"])
    table.add_column("", no_wrap=True)
    for item in bill.items:
        table.add_row(*map(Text, _item(item)))
    table.add_row(*map(Text, ("  total", "", "", "", "", dollars(bill.total), "")))
    echo(table)


def _item(item: Item) -> list[str]:
    price = "none" if item.price.usd is None else plain(item.price.usd)
    how = "" if item.price.how == "found" else item.price.how
    note = printable("; ".join(filter(None, (how, item.note))))
    free = plain(item.free) if item.free else ""
    quantity, cost = plain(item.quantity), dollars(item.cost)
    return [f"  {item.name}", quantity, free, item.unit, price, cost, note]


def notes(bills: Sequence[Bill], asked: Asked) -> Iterator[str]:
    """What must be known to rely on the figures."""
    for bill in bills:
        yield from (f"! {bill.strategy}: {problem}" for problem in bill.problems)
    for name, strategies in _where(bills, "unpriced").items():
        yield f"+ without {name}, for which {asked.prices.region} has no price: {strategies}"
    unsure: dict[str, list[str]] = {}
    for item in (each for bill in bills for each in bill.unsure):
        unsure.setdefault(item.price.how, []).append(item.key)
    for how, keys in unsure.items():
        yield f"prices {how}, not found: {', '.join(dict.fromkeys(keys))}"
    yield LEFT_OUT
    if asked.tier == "credits":
        yield from _credits(bills, asked)


def _where(bills: Sequence[Bill], of: str) -> dict[str, str]:
    names: dict[str, list[str]] = {}
    for bill in bills:
        for item in getattr(bill, of):
            names.setdefault(item.name, []).append(bill.strategy)
    return {name: ", ".join(strategies) for name, strategies in names.items()}


def _credits(bills: Sequence[Bill], asked: Asked) -> Iterator[str]:
    given = asked.prices.credits
    most = given.sign_up + given.activities
    months = {b.strategy: most / b.total for b in bills if b.total}
    told = ", ".join(f"{name} {min(n, given.plan_months):.1f}" for name, n in months.items())
    yield (
        f"credits are not in the bill: ${given.sign_up} at sign-up and up to ${given.activities} "
        f"more pay for so many months: {told} (at most {given.plan_months}; {given.note})"
    )


def show_claims(claims: dict[str, tuple[Line, ...]]) -> None:
    """Each figure that is often named, and what it is by these prices."""
    from rich.text import Text

    for claim, lines in claims.items():
        table = columns([f'why not "{claim}"'], ["A MONTH"])
        table.add_column("", no_wrap=True)
        for line in lines:
            mark = "<- that figure" if line.within else ""
            table.add_row(*map(Text, (f"  {line.text}", dollars(line.usd), mark)))
        echo(table)


def document(bills: Sequence[Bill], asked: Asked, claims: dict[str, tuple[Line, ...]]) -> Any:
    from fairlead.cli.usage_options import as_json

    used = {source for b in bills for item in b.items for source in item.price.sources}
    return {
        "region": asked.prices.region,
        "checked": asked.prices.checked,
        "currency": "USD",
        "hours": 730,
        "free_tier": asked.tier,
        "usage": as_json(asked.usage),
        "lcu": _capacity(asked),
        "strategies": [_bill_document(bill) for bill in bills],
        "claims": {claim: [_line(line) for line in lines] for claim, lines in claims.items()},
        "notes": [*notes(bills, asked)],
        "sources": {name: where for name, where in asked.sources.items() if name in used},
    }


def _capacity(asked: Asked) -> dict[str, Any]:
    """Of one balancer for all services, by dimension."""
    from fairlead.core.costs.lcu import lcus

    units = lcus(asked.usage.traffic, asked.usage.tasks.services)
    sizes = {name: micro(number) for name, number in units.all().items()}
    return {**sizes, "billed": micro(units.billed), "by": units.dimension}


def micro(amount: Decimal) -> float:
    """Dollars to the millionth, as a JSON number."""
    return float(round(amount, 6))


def _line(line: Line) -> dict[str, Any]:
    return {"text": line.text, "usd": micro(line.usd), "explains": line.within}


def _bill_document(bill: Bill) -> dict[str, Any]:
    from fairlead.core.costs.strategies import strategy

    return {
        "strategy": bill.strategy,
        "title": strategy(bill.strategy).title,
        "nodes": bill.nodes,
        "total": micro(bill.total),
        "groups": {group: micro(usd) for group, usd in bill.groups.items()},
        "items": [_item_document(item) for item in bill.items],
        "problems": list(bill.problems),
        "unpriced": [item.name for item in bill.unpriced],
    }


def _item_document(item: Item) -> dict[str, Any]:
    return {
        "group": item.group,
        "name": item.name,
        "key": item.key,
        "quantity": micro(item.quantity),
        "free": micro(item.free),
        "unit": item.unit,
        "price": None if item.price.usd is None else float(item.price.usd),
        "how": item.price.how,
        "sources": list(item.price.sources),
        "cost": micro(item.cost),
        "note": item.note,
    }
