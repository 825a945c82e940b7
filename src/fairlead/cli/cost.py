"""fairlead cost: what each way of running several copies costs a month."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairlead.cli.text import printable
from fairlead.cli.usage_options import Asked, asked, usage_options

if TYPE_CHECKING:
    from fairlead.core.costs.bill import Bill

NAMES = ("single", "dynamic", "alb", "alb-shared", "fixed", "pod", "service-connect", "fargate")


@click.command("cost")
@usage_options
@click.option("--strategy", type=click.Choice(NAMES), multiple=True, help="Only these.  [all]")
@click.option("--itemise", is_flag=True, help="Show every item of each bill.")
@click.option("--refresh", is_flag=True, help="First fetch the region's prices into --prices.")
@click.option("--json", "as_json", is_flag=True, help="Print the bills as JSON.")
def command(strategy: tuple[str, ...], itemise: bool, refresh: bool, **given: Any) -> int:
    """Say what each strategy costs a month, with the prices of a dated file.

    PATHS of a set-up (Terraform, task definitions, Compose, ...) fill in what is not given. Every
    price says whether it was found, derived or only recalled; --prices FILE lays your own over
    them. Nothing is fetched but with --refresh, which reads AWS's own lists (for EC2 a long one:
    about half a gigabyte for us-east-1).
    """
    as_json = given.pop("as_json")
    if refresh:
        given["prices"] = given["prices"] or Path("fairlead-prices.json")
        _refresh(given["region"], given["prices"])
    wanted = asked(given)
    bills = _bills(wanted, strategy)
    if as_json:
        from fairlead.cli.bill_view import document

        click.echo(json.dumps(document(bills, wanted, _claims(wanted))))
    else:
        _show(bills, wanted, itemise)
    return 0


def _bills(wanted: Asked, names: tuple[str, ...]) -> list[Bill]:
    from fairlead.core.costs.billing import bills

    found = bills(wanted.usage, wanted.prices, wanted.tier)
    return [bill for bill in found if not names or bill.strategy in names]


def _claims(wanted: Asked) -> dict[str, Any]:
    from fairlead.core.costs.claims import claims

    return claims(wanted.usage, wanted.prices)


def _show(bills: list[Bill], wanted: Asked, itemise: bool) -> None:
    from fairlead.cli import bill_view as view

    for line in view.head(wanted):
        click.echo(printable(line))
    click.echo()
    view.show_table(bills, wanted)
    if itemise:
        for bill in bills:
            click.echo(f"\n{bill.strategy}")
            view.show_items(bill)
    click.echo()
    for line in view.notes(bills, wanted):
        click.echo(printable(line))
    click.echo()
    view.show_claims(_claims(wanted))


def _refresh(region: str, path: Path) -> None:
    import asyncio
    import os
    from datetime import UTC, datetime

    from fairlead.prices.read import load
    from fairlead.prices.refresh import URL, Lists, fetch
    from fairlead.prices.write import write

    book = load(path if path.exists() else None)
    lists = Lists(os.environ.get("FAIRLEAD_PRICE_LISTS") or URL)
    fetched = asyncio.run(fetch(region, book.machines, lists, _tell))
    write(path, region, fetched, datetime.now(UTC).date().isoformat())
    _tell(f"{len(fetched.prices)} prices of {region} written to {path}")
    if fetched.without:
        _tell(f"not in AWS's lists, so as they were: {', '.join(fetched.without)}")


def _tell(text: str) -> None:
    click.echo(f"fairlead: {printable(text)}", err=True)
