"""fairlead advise: which strategy to choose, how large tasks should be, and what to do next."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fairlead.cli.amounts import Amount
from fairlead.cli.usage_options import Asked, asked, usage_options

if TYPE_CHECKING:
    from fairlead.core.advice.rank import Choice, Needs
    from fairlead.core.advice.rightsize import Size

MONEY = Amount(10**9)
RATE = Amount(10**7)
SHARE = Amount(100)
SURVIVE = ("nothing", "copy", "node")


@click.command("advise")
@usage_options
@click.option("--budget", type=MONEY, help="Dollars a month, at the most.")
@click.option("--availability", type=SHARE, help="Percent of requests to be answered: 99.9.")
@click.option("--survive", type=click.Choice(SURVIVE), help="What may go without an outage.")
@click.option("--autoscale", is_flag=True, help="It must scale by itself.")
@click.option("--peak", type=RATE, help="Requests a second at the busiest.")
@click.option("--per-copy", type=RATE, help="Requests a second that one copy takes.")
@click.option("--deploys", type=Amount(10**5), default="20", show_default=True, help="A month.")
@click.option(
    "--start-time",
    type=Amount(10**5),
    default="30",
    show_default=True,
    help="Seconds until a copy has started.",
)
@click.option(
    "--samples",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What copies were seen to use: docker stats --format json, CSV or JSON.",
)
@click.option("--cluster", default="CLUSTER", help="The cluster's name, for the next steps.")
@click.option("--service", default="", help="A service's name, for the next steps.")
@click.option("--json", "as_json", is_flag=True, help="Print the advice as JSON.")
def command(as_json: bool, samples: Path | None, cluster: str, service: str, **given: Any) -> int:
    """Rank the strategies by traffic, budget and reliability, each with its reason.

    On a terminal, --requests, --budget, --survive and --availability are asked for where they are
    not given; elsewhere nothing is asked for. PATHS of a set-up fill in what is not given.
    """
    from fairlead.core.advice.following import Names, following

    ask(given)
    sized = _sizes(samples)
    if sized and given["memory"] is None:
        given["memory"] = max(4, *(size.reservation for size in sized))
    needs = _needs(given)
    wanted = asked(given)
    choices = _choices(wanted, needs)
    tasks = wanted.usage.tasks
    names = Names(cluster, service or wanted.service or "SERVICE", tasks.copies, tasks.memory)
    steps = following(choices[0].strategy.name, names)
    from fairlead.cli import advice_view as view

    if as_json:
        click.echo(json.dumps(view.document(wanted, needs, choices, sized, steps)))
    else:
        view.show(wanted, needs, choices, sized, steps)
    return int(bool(choices[0].excluded))


def ask(given: dict[str, Any]) -> None:
    """One question for each need that no flag names; none without a terminal."""
    if not all(stream and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        return
    if _is_default("requests"):
        given["requests"] = _answer("Requests a second, on average", RATE, "1")
    if given["budget"] is None:
        given["budget"] = _answer("Budget in dollars a month (0: none)", MONEY, "0") or None
    if given["survive"] is None:
        given["survive"] = _answer("What may go without an outage", click.Choice(SURVIVE), "copy")
    if given["availability"] is None:
        question = "Percent of requests to be answered (0: not asked for)"
        given["availability"] = _answer(question, SHARE, "0") or None


def _is_default(name: str) -> bool:
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.DEFAULT


def _answer(question: str, kind: Any, default: str) -> Any:
    return click.prompt(question, type=kind, default=default, err=True)


def _needs(given: dict[str, Any]) -> Needs:
    from fairlead.core.advice.availability import Failures
    from fairlead.core.advice.rank import Needs

    share: Decimal | None = given.pop("availability")
    failures = Failures(deploys=float(given.pop("deploys")), start=float(given.pop("start_time")))
    return Needs(
        given.pop("budget"),
        None if share is None else float(share) / 100,
        given.pop("survive") or "nothing",
        given.pop("autoscale"),
        given.pop("peak"),
        given.pop("per_copy"),
        failures,
    )


def _choices(wanted: Asked, needs: Needs) -> list[Choice]:
    from fairlead.core.advice.rank import rank
    from fairlead.core.costs.billing import bills

    machine = wanted.prices.machine(wanted.usage.type)
    found = bills(wanted.usage, wanted.prices, wanted.tier)
    return rank(found, wanted.usage, machine, needs)


def _sizes(samples: Path | None) -> list[Size]:
    from fairlead.cli.samples import read_samples
    from fairlead.core.advice.rightsize import sizes

    return sizes(read_samples(samples)) if samples else []
