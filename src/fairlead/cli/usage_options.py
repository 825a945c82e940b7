"""The options that say what is run and asked for, the same for `cost` and `advise`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairlead.cli.amounts import Amount
from fairlead.cli.place import Whole

if TYPE_CHECKING:
    from fairlead.core.costs.prices import Prices
    from fairlead.core.costs.usage import Usage
    from fairlead.core.setup import Setup

BYTES = Amount(10**10, sizes=True)
GB = Amount(10**9)
COUNT = Whole(0, 10**6)


def _option(name: str, kind: Any, help_text: str, default: Any = None) -> Callable[..., Any]:
    shown = default is not None
    return click.option(name, type=kind, default=default, show_default=shown, help=help_text)


OPTIONS = (
    click.argument("paths", nargs=-1, type=click.Path(path_type=Path)),
    _option("--region", str, "Whose prices.", "us-east-1"),
    _option("--type", str, "Instance type of the nodes.  [default: the set-up's, or t3.micro]"),
    _option("--services", Whole(1, 10**4), "How many services.  [default: the set-up's, or 5]"),
    _option("--copies", Whole(1, 10**4), "Copies of each.  [default: the set-up's, at least 2]"),
    _option("--nodes", Whole(1, 10**4), "How many nodes.  [default: as many as it takes]"),
    _option("--cpu", Whole(1, 10**6), "CPU units of a copy.  [default: the set-up's, or 128]"),
    _option("--memory", Whole(4, 10**7), "MiB of a copy.  [default: the set-up's, or 128]"),
    _option("--requests", Amount(10**7), "Requests a second, all services, on average.", "1"),
    _option("--request-size", BYTES, "Bytes of a request; k, M may follow.", "1k"),
    _option("--response-size", BYTES, "Bytes of a response.", "10k"),
    _option(
        "--connections",
        Amount(10**7),
        "New connections a second.  [default: a tenth of the requests]",
    ),
    _option("--connection-time", Amount(10**6), "Seconds that one lasts.", "60"),
    _option("--traffic-out", GB, "GB a month to the internet.  [default: the responses]"),
    _option("--dns-queries", Amount(10**12, sizes=True), "DNS queries a month.", "1M"),
    _option("--disk", GB, "GB of disk a node.", "30"),
    _option("--images", GB, "GB of images in ECR.", "1"),
    _option("--logs", GB, "GB of logs written a month.", "0"),
    _option("--metrics", COUNT, "Custom metrics in CloudWatch.", 0),
    _option("--alarms", COUNT, "Alarms in CloudWatch.", 0),
    _option("--dashboards", COUNT, "Dashboards in CloudWatch.", 1),
    _option("--nat", COUNT, "NAT gateways, in place of addresses behind a balancer.", 0),
    _option("--nat-gb", GB, "GB a month through NAT gateways.", "0"),
    click.option(
        "--free-tier",
        type=click.Choice(("none", "12-months", "credits")),
        default="none",
        show_default=True,
        help="12-months: an account made before 2025-07-15, in its first year; credits: after.",
    ),
    click.option(
        "--prices",
        type=click.Path(dir_okay=False, path_type=Path),
        help="A price file, laid over fairlead's own prices.",
    ),
)
NAMES = (
    *("region", "type", "services", "copies", "nodes", "cpu", "memory", "requests"),
    *("request_size", "response_size", "connections", "connection_time", "traffic_out"),
    *("dns_queries", "disk", "images", "logs", "metrics", "alarms", "dashboards", "nat"),
    *("nat_gb", "free_tier", "prices", "paths"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for; `told`: what of it a set-up's files said, `service`: one that they
    name."""

    usage: Usage
    prices: Prices
    sources: dict[str, str]
    tier: str
    told: tuple[str, ...] = ()
    service: str = ""


def usage_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command gets them by name, to be given to `asked`."""
    return reduce(lambda done, option: option(done), reversed(OPTIONS), command)


def asked(given: dict[str, Any]) -> Asked:
    """From the options (which this takes out of `given`), a set-up's files, and the defaults.
    BadInput for files or prices that are not understood."""
    from fairlead.core.costs.from_setup import Known, known
    from fairlead.core.costs.usage import Usage
    from fairlead.prices.read import load

    values = {name: given.pop(name) for name in NAMES}
    book = load(values["prices"])
    found = known(_look(values["paths"])) if values["paths"] else Known()
    usage = Usage(
        values["type"] or found.type or "t3.micro",
        values["nodes"],
        found.nodes or 1,
        _tasks(values, found),
        _traffic(values),
        _extras(values),
    )
    prices = book.region(values["region"])
    prices.machine(usage.type)
    return Asked(usage, prices, dict(book.sources), values["free_tier"], found.told, found.service)


def _look(paths: tuple[Path, ...]) -> Setup:
    from fairlead.inspect.source import look

    return look(paths)


def _tasks(values: dict[str, Any], found: Any) -> Any:
    from fairlead.core.costs.usage import Tasks

    return Tasks(
        values["services"] or found.services or 5,
        values["copies"] or max(2, found.copies or 2),
        values["cpu"] or found.cpu or 128,
        values["memory"] or found.memory or 128,
    )


def _traffic(values: dict[str, Any]) -> Any:
    from fairlead.core.costs.usage import Traffic

    return Traffic(
        values["requests"],
        values["request_size"],
        values["response_size"],
        values["connections"],
        values["connection_time"],
        values["traffic_out"],
        values["dns_queries"],
    )


def _extras(values: dict[str, Any]) -> Any:
    from fairlead.core.costs.usage import Extras

    return Extras(
        values["disk"],
        values["images"],
        values["logs"],
        *(values[name] for name in ("metrics", "alarms", "dashboards", "nat", "nat_gb")),
    )


def as_json(usage: Usage) -> dict[str, Any]:
    """Numbers as JSON has them."""
    from dataclasses import asdict

    return {name: _plain(value) for name, value in asdict(usage).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
